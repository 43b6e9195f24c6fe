"""Collecting invoices, with declines in Stripe's words, and noting what was paid elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Change, Invoice, Push
from stripe_mirror.pull.apply import Origin
from stripe_mirror.pull.fetch import fetch_now
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from tests.push import invoicing
from tests.push.billing import buyer, resumed
from tests.push.conftest import Doing, form_errors, sent
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
PAY, MARK = get_operation("pay_invoice"), get_operation("mark_invoice_paid")


@pytest.fixture
def collector(staff: Callable[..., User]) -> User:
    """May collect, and note payments."""
    return staff("collector", PAY.name, MARK.name)


def card(stripe: RunningSandbox, customer: str, token: str) -> str:
    """Another card of the customer's, mirrored."""
    attached = stripe.post(f"/v1/payment_methods/{token}/attach", customer=customer)
    mirror("payment_method", attached["id"])
    stripe.clear_requests()
    return str(attached["id"])


def charges(stripe: RunningSandbox, row: Any) -> list[dict[str, Any]]:
    """What the invoice's customer was charged."""
    return [charge for charge in stripe.objects("charge") if charge["customer"] == row.customer_id]


@pytest.mark.parametrize("status", ["open", "uncollectible"])
def test_an_invoice_is_collected_by_the_usual_card(
    status: str, doing: Opens, collector: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, status)
    mirror("payment_method", row.customer.default_payment_method_id)
    form = doing(PAY.name, row, collector)
    assert "Visa •••• 4242" in PAY.summary(row, form.cleaned())[0]
    push = form.submit()
    assert sent(stripe) == [("POST", f"/v1/invoices/{row.pk}/pay", {})]
    assert (push.state, push.after["status"], push.after["amount_paid"]) == (Push.State.DONE, "paid", 2900)
    assert Invoice.objects.get(pk=row.pk).status == "paid"
    assert PAY.undo(push) is None


def test_another_card_of_the_customers_can_be_chosen(doing: Opens, collector: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe)
    other = card(stripe, row.customer_id, "pm_card_mastercard")
    form = doing(PAY.name, row, collector)
    assert "Mastercard •••• 4444" in PAY.summary(row, form.cleaned(payment_method=other))[0]
    assert form.submit(payment_method=other).state == Push.State.DONE
    assert sent(stripe) == [("POST", f"/v1/invoices/{row.pk}/pay", {"payment_method": other})]
    assert [charge["payment_method"] for charge in charges(stripe, row)] == [other]


def test_a_strangers_card_is_refused_at_the_field(stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe)
    foreign = card(stripe, buyer(stripe)["id"], "pm_card_mastercard")
    assert "isn't the customer's" in form_errors(PAY, row, payment_method=foreign)["payment_method"]


def test_a_decline_is_shown_in_stripes_words_and_the_invoice_is_read_again(
    doing: Opens, collector: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, customer=buyer(stripe, "pm_card_chargeCustomerFail")["id"])
    assert (row.attempt_count, row.data["attempted"]) == (0, False)
    push = doing(PAY.name, row, collector).submit()
    assert (push.state, push.message) == (Push.State.REFUSED, "Your card was declined.")
    assert push.error_code == "card_declined"
    again = Invoice.objects.get(pk=row.pk)
    assert (again.status, again.attempt_count, again.data["attempted"]) == ("open", 1, True)


def test_a_lost_decline_is_never_taken_for_a_payment(doing: Opens, collector: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, customer=buyer(stripe, "pm_card_chargeCustomerFail")["id"])
    stripe.faults.add(method="POST", path="/v1/invoices", lose_answer=True, times=1)
    push = doing(PAY.name, row, collector).submit()
    assert push.state == Push.State.UNKNOWN
    # The event of the failed attempt, which Stripe sends under our key, too.
    fetch_now(row.kind, row.pk, origin=Origin(Change.Source.PUSH, push_id=push.pk), patient=False)
    assert push.changes.filter(object_type="invoice").exists()
    after = resumed(push)
    assert (after.state, after.message) == (Push.State.REFUSED, "Your card was declined.")
    assert len(charges(stripe, row)) == 1


def test_s31_a_lost_payment_is_found_out_and_collected_once(
    doing: Opens, collector: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe)
    stripe.faults.add(method="POST", path="/v1/invoices", lose_answer=True, times=1)
    push = doing(PAY.name, row, collector).submit()
    assert resumed(push).state == Push.State.DONE
    assert [request["replayed"] for request in stripe.requests("POST")] == [False, True]
    assert len(charges(stripe, row)) == 1


@pytest.mark.parametrize(("happened", "state"), [(True, Push.State.DONE), (False, Push.State.REFUSED)])
def test_s31_past_the_keys_lifetime_the_status_tells_and_nothing_is_charged_again(
    happened: bool, state: str, doing: Opens, collector: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe)
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="/v1/invoices", times=1, **fault)
    push = doing(PAY.name, row, collector).submit()
    assert resumed(push, hours=24).state == state
    assert len(stripe.requests("POST")) == 1
    assert len(charges(stripe, row)) == happened


def test_a_bank_debit_leaves_the_invoice_open_until_it_arrives(
    doing: Opens, collector: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, customer=buyer(stripe, card="pm_sepaDebit")["id"])
    push = doing(PAY.name, row, collector).submit()
    assert (push.state, push.after["status"]) == (Push.State.DONE, "open")
    assert any("takes days" in words for words in PAY.effects(row, {}, None).follows)
    row = invoicing.mirrored_invoice(stripe, row.pk)
    with pytest.raises(NotAllowed, match="being processed"):
        doing(PAY.name, row, collector).submit()


def test_s33_who_comes_second_learns_that_it_is_paid(doing: Opens, collector: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe)
    first, second = doing(PAY.name, row, collector), doing(MARK.name, row, collector)
    first.submit()
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="paid already"):
        second.submit()
    assert stripe.requests("POST") == []


def test_paying_revives_the_subscription_as_told(
    doing: Opens, collector: User, stripe: RunningSandbox, price: dict[str, Any]
) -> None:
    row = invoicing.of_subscription(stripe, price, days_until_due=0)
    stripe.post(f"/v1/invoices/{row.pk}/finalize")
    stripe.advance(3600)
    subscription = mirror("subscription", row.subscription_id)
    row = invoicing.mirrored_invoice(stripe, row.pk)
    for operation in (PAY, MARK):
        assert any("which is past due, becomes active" in told for told in operation.effects(row, {}, None).follows)
    doing(PAY.name, row, collector).submit()
    assert invoicing.now(stripe, subscription)["status"] == "active"


@pytest.mark.parametrize("status", ["open", "uncollectible"])
def test_what_was_paid_elsewhere_is_noted_without_a_charge(
    status: str, doing: Opens, collector: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, status)
    assert MARK.effects(row, {}, None).money == (Amount("Counts as paid outside of Stripe", 2900, "eur"),)
    assert "reason" in MARK.get_form(row, {}).errors
    push = doing(MARK.name, row, collector).submit()
    ((_, path, params),) = sent(stripe)
    assert (path, str(params["paid_out_of_band"]).lower()) == (f"/v1/invoices/{row.pk}/pay", "true")
    assert (push.state, push.after["status"]) == (Push.State.DONE, "paid")
    assert charges(stripe, row) == []
    assert invoicing.now(stripe, row)["amount_paid_off_stripe"] == 2900
    assert MARK.undo(push) is None


def test_a_note_that_never_happened_is_not_believed_because_a_card_paid(
    doing: Opens, collector: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe)
    stripe.faults.add(method="POST", path="/v1/invoices", status=500, times=1)
    push = doing(MARK.name, row, collector).submit()
    stripe.post(f"/v1/invoices/{row.pk}/pay")
    assert resumed(push, hours=24).state == Push.State.REFUSED


def test_a_form_for_many_rows_offers_what_fits_any(db: None) -> None:
    form = PAY.get_form(PAY.new_row(), {})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["payment_method"] == ""
