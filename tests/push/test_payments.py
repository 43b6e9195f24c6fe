"""Payments that aren't through: money that is held is taken, all or part of it, or the payment is given up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Job, PaymentIntent, Push
from stripe_mirror.push import jobs
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.push import invoicing, paying
from tests.push.billing import resumed, truth
from tests.push.conftest import Doing, form_errors, sent
from tests.push.examples import HELD
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
CAPTURE, CANCEL = get_operation("capture_payment"), get_operation("cancel_payment")


@pytest.fixture
def cashier(staff: Callable[..., User]) -> User:
    """May take money that is held and give payments up, also many."""
    return staff("cashier", CAPTURE.name, CANCEL.name, "run_job")


@pytest.fixture
def held(stripe: RunningSandbox) -> PaymentIntent:
    """49.00 eur that are held."""
    return paying.held(stripe)


def payment(**changes: Any) -> PaymentIntent:
    """A payment that isn't stored: 29.00 eur are held."""
    return PaymentIntent(id="pi_1", data={"id": "pi_1", **HELD, "amount_capturable": 2900, **changes})


def capture_path(row: Any) -> str:
    return f"/v1/payment_intents/{row.pk}/capture"


def cancel_path(row: Any) -> str:
    return f"/v1/payment_intents/{row.pk}/cancel"


# Capture


def test_all_that_is_held_is_taken_unless_somebody_writes_less(
    doing: Opens, held: Any, cashier: User, stripe: RunningSandbox
) -> None:
    form = CAPTURE.get_form(held)
    assert form["amount_to_capture"].value() == "49.00"
    assert "€49.00 are held" in str(form.fields["amount_to_capture"].help_text)
    push = doing(CAPTURE.name, held, cashier).submit()
    assert sent(stripe) == [("POST", capture_path(held), {"amount_to_capture": "4900"})]
    now = truth(stripe, held)
    assert (now["status"], now["amount_received"], now["amount_capturable"]) == ("succeeded", 4900, 0)
    held.refresh_from_db()
    assert (push.state, held.data["status"]) == (Push.State.DONE, "succeeded")
    assert (push.before["amount_received"], push.after["amount_received"]) == (0, 4900)
    assert CAPTURE.undo(push) is None
    assert "Refund" in CANCEL.why_not(held)


def test_what_is_not_taken_is_released_and_said_before(
    doing: Opens, held: Any, cashier: User, stripe: RunningSandbox
) -> None:
    form = doing(CAPTURE.name, held, cashier)
    seen = preview(CAPTURE, held, form.cleaned(amount_to_capture="20.50"), ask=False)
    assert seen.summary[:2] == [
        "€20.50 of the €49.00 that are held are taken.",
        "€28.50 are released to the customer.",
    ]
    assert seen.effects.money == (
        Amount("Taken from the customer", 2050, "eur"),
        Amount("Released to the customer", 2850, "eur"),
    )
    assert seen.effects.final == CAPTURE.final_warning
    assert form.submit(amount_to_capture="20.50").state == Push.State.DONE
    assert sent(stripe) == [("POST", capture_path(held), {"amount_to_capture": "2050"})]
    assert truth(stripe, held)["amount_received"] == 2050
    charge = paying.mirror("charge", held.latest_charge_id)
    assert (charge.data["captured"], charge.data["amount_captured"]) == (True, 2050)


def test_a_suffix_for_the_statement_is_sent_only_where_one_is_written(
    doing: Opens, held: Any, cashier: User, stripe: RunningSandbox
) -> None:
    doing(CAPTURE.name, held, cashier).submit(statement_descriptor_suffix="BOAT 7")
    params = {"amount_to_capture": "4900", "statement_descriptor_suffix": "BOAT 7"}
    assert sent(stripe) == [("POST", capture_path(held), params)]
    assert truth(stripe, held)["statement_descriptor_suffix"] == "BOAT 7"


@pytest.mark.parametrize(
    ("currency", "amount", "typed", "minor"),
    [("jpy", 5000, "500", 500), ("ugx", 500_000, "5", 500), ("kwd", 9000, "5.12", 5120)],
)
def test_s50_s51_the_amount_is_typed_in_the_payments_currency(
    currency: str, amount: int, typed: str, minor: int, doing: Opens, cashier: User, stripe: RunningSandbox
) -> None:
    row = paying.held(stripe, amount, currency)
    assert doing(CAPTURE.name, row, cashier).submit(amount_to_capture=typed).state == Push.State.DONE
    assert sent(stripe) == [("POST", capture_path(row), {"amount_to_capture": str(minor)})]
    assert truth(stripe, row)["amount_received"] == minor


@pytest.mark.parametrize(
    ("changes", "typed", "words"),
    [
        ({}, "", "Write the amount"),
        ({}, "0", "above €0.00"),
        ({}, "-1", "above €0.00"),
        ({}, "29.01", "At most €29.00"),
        ({}, "1.005", "2 decimals"),
        ({}, "lots", "as a number"),
        ({"currency": "jpy"}, "500.5", "whole number"),
        ({"currency": "ugx"}, "5.5", "whole number"),
        ({"currency": "kwd"}, "1.005", "at most 2 decimals"),
    ],
)
@pytest.mark.django_db
def test_an_amount_that_can_not_be_taken_is_refused_at_its_field(
    changes: dict[str, Any], typed: str, words: str
) -> None:
    assert words in form_errors(CAPTURE, payment(**changes), amount_to_capture=typed)["amount_to_capture"]


@pytest.mark.django_db
def test_a_suffix_has_at_most_22_characters() -> None:
    errors = form_errors(CAPTURE, payment(), statement_descriptor_suffix="x" * 23)
    assert "22" in errors["statement_descriptor_suffix"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"amount_capturable": 0}, "shape"),
        ({"status": "succeeded"}, "captured already"),
        ({"status": "canceled"}, "“canceled”"),
        ({"status": "processing"}, "“processing”"),
        ({"status": "requires_payment_method"}, "“requires payment method”"),
        ({"status": "something_new"}, "“something new”"),
        ({"status": None}, "shape"),
    ],
)
def test_only_money_that_is_held_can_be_taken(changes: dict[str, Any], words: str) -> None:
    reason = CAPTURE.why_not(payment(**changes))
    assert (reason == "") is (words == "")
    assert words in reason


@pytest.mark.parametrize("verb", ["capture", "cancel"])
def test_what_was_decided_in_the_dashboard_meanwhile_is_not_decided_again(
    verb: str, doing: Opens, held: Any, cashier: User, stripe: RunningSandbox
) -> None:
    forms = [doing(operation.name, held, cashier) for operation in (CAPTURE, CANCEL)]
    stripe.post(f"/v1/payment_intents/{held.pk}/{verb}")
    stripe.clear_requests()
    for form in forms:
        with pytest.raises(NotAllowed, match="Nothing was sent"):
            form.submit()
    assert sent(stripe) == []


def test_more_than_is_held_by_now_is_never_asked_for(
    doing: Opens, held: Any, cashier: User, stripe: RunningSandbox
) -> None:
    form = doing(CAPTURE.name, held, cashier)
    stripe.sandbox.table("payment_intent").rows[held.pk]["amount_capturable"] = 1000
    with pytest.raises(NotAllowed, match=r"only €10.00 are held"):
        form.submit()
    assert sent(stripe) == []


def test_the_page_says_until_when_it_is_held_and_who_gets_a_receipt(
    doing: Opens, cashier: User, stripe: RunningSandbox
) -> None:
    row = paying.held(stripe, receipt_email="ann@example.com")
    charge = stripe.sandbox.table("charge").rows[row.latest_charge_id]
    charge["payment_method_details"]["card"]["capture_before"] = 1_900_000_000
    paying.mirror("charge", row.latest_charge_id)
    seen = preview(CAPTURE, row, doing(CAPTURE.name, row, cashier).cleaned(), ask=False)
    assert "held until" in seen.summary[-1]
    assert "2030" in seen.summary[-1]
    assert any("ann@example.com" in line for line in seen.effects.follows)
    assert seen.effects.money == (Amount("Taken from the customer", 4900, "eur"),)


def test_many_payments_are_taken_whole_with_a_sum_per_currency(cashier: User, stripe: RunningSandbox) -> None:
    """S53."""
    rows = [paying.held(stripe), paying.held(stripe, 5000, "jpy"), paying.held(stripe, 1000)]
    done = paying.held(stripe)
    stripe.post(capture_path(done))
    paying.mirror("payment_intent", done.pk)
    form = CAPTURE.get_form(CAPTURE.new_row(), {"reason": "shipped", "statement_descriptor_suffix": "BOAT"})
    assert set(form.fields) == {"statement_descriptor_suffix", "reason"}
    assert form.is_valid()
    chosen = PaymentIntent.objects.filter(pk__in=[row.pk for row in (*rows, done)])
    seen = jobs.preview(CAPTURE, chosen, cleaned=form.cleaned_data)
    assert (seen.allowed, [row for row, _ in seen.excluded]) == (3, [done])
    assert seen.sums == {"eur": 5900, "jpy": 5000}
    job = jobs.create_job(
        CAPTURE, chosen, user=cashier, cleaned=form.cleaned_data, reason="shipped", job_id=uuid4(), ip="192.0.2.1"
    )
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED
    assert [truth(stripe, row)["amount_received"] for row in rows] == [4900, 5000, 1000]
    assert {truth(stripe, row)["statement_descriptor_suffix"] for row in rows} == {"BOAT"}


# Cancelling


def test_a_cancelled_payment_releases_what_is_held_and_tells_stripe_why(
    doing: Opens, held: Any, cashier: User, stripe: RunningSandbox
) -> None:
    form = doing(CANCEL.name, held, cashier)
    seen = preview(CANCEL, held, form.cleaned(cancellation_reason="duplicate"), ask=False)
    assert "The payment of €49.00 is given up" in seen.summary[0]
    assert seen.effects.money == (Amount("Released to the customer", 4900, "eur"),)
    assert seen.effects.final == CANCEL.final_warning
    push = form.submit(cancellation_reason="duplicate")
    assert sent(stripe) == [("POST", cancel_path(held), {"cancellation_reason": "duplicate"})]
    now = truth(stripe, held)
    assert (now["status"], now["cancellation_reason"], now["amount_received"]) == ("canceled", "duplicate", 0)
    held.refresh_from_db()
    assert (push.state, held.data["status"]) == (Push.State.DONE, "canceled")
    assert (push.before["status"], push.after["status"]) == ("requires_capture", "canceled")
    assert CANCEL.undo(push) is None
    assert "“canceled”" in CAPTURE.why_not(held)


def test_a_payment_that_holds_nothing_is_cancelled_without_a_word_about_money(
    doing: Opens, cashier: User, stripe: RunningSandbox
) -> None:
    row = paying.mirror("payment_intent", paying.intent(stripe, confirm=False)["id"])
    stripe.clear_requests()
    form = doing(CANCEL.name, row, cashier)
    seen = preview(CANCEL, row, form.cleaned(), ask=False)
    assert (seen.effects.money, seen.effects.follows, len(seen.summary)) == ((), (), 1)
    assert form.submit().state == Push.State.DONE
    assert sent(stripe) == [("POST", cancel_path(row), {})]
    assert truth(stripe, row)["status"] == "canceled"


def test_nothing_is_cancelled_without_a_reason_for_our_log(held: Any) -> None:
    assert "required" in form_errors(CANCEL, held, reason="")["reason"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("requires_payment_method", ""),
        ("requires_confirmation", ""),
        ("requires_action", ""),
        ("requires_capture", ""),
        ("processing", "before its outcome is known"),
        ("succeeded", "Refund its charge"),
        ("canceled", "cancelled already"),
        ("something_new", "something new"),
        (None, "shape"),
    ],
)
@pytest.mark.django_db
def test_only_a_payment_that_is_not_through_can_be_cancelled(status: str | None, words: str) -> None:
    reason = CANCEL.why_not(payment(status=status))
    assert (reason == "") is (words == "")
    assert words in reason


def test_the_payment_of_an_invoice_ends_with_its_invoice(stripe: RunningSandbox) -> None:
    invoice = invoicing.invoice(stripe, collection_method="send_invoice")
    row = PaymentIntent.objects.get(pk=invoice.payments.get().payment_intent_id)
    reason = CANCEL.why_not(row)
    assert str(invoice.data["number"]) in reason
    assert "Void the invoice" in reason


def test_the_payment_of_an_open_checkout_session_ends_with_its_session(stripe: RunningSandbox) -> None:
    product = stripe.post("/v1/products", name="Boat")["id"]
    price = stripe.post("/v1/prices", product=product, currency="eur", unit_amount=2900)["id"]
    line = {"price": price, "quantity": 1}
    made = stripe.post("/v1/checkout/sessions", mode="payment", success_url="https://x.example", line_items=[line])
    stripe.happens("complete_checkout", session=made["id"], payment_method="pm_card_chargeDeclined")
    session = paying.mirror("checkout.session", made["id"])
    row = paying.mirror("payment_intent", session.data["payment_intent"])
    assert f"the open Checkout session {session.pk}" in CANCEL.why_not(row)
    stripe.post(f"/v1/checkout/sessions/{session.pk}/expire")
    paying.mirror("checkout.session", session.pk)
    assert "Checkout" not in CANCEL.why_not(paying.mirror("payment_intent", row.pk))


# Answers that are lost


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize(("name", "values"), [(CAPTURE.name, {"amount_to_capture": "20"}), (CANCEL.name, {})])
def test_after_a_day_the_payment_itself_tells_whether_it_happened(
    happened: bool,
    name: str,
    values: dict[str, Any],
    doing: Opens,
    held: Any,
    cashier: User,
    stripe: RunningSandbox,
) -> None:
    fault: dict[str, Any] = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="/v1/payment_intents", times=1, **fault)
    push = doing(name, held, cashier).submit(**values)
    assert push.state == Push.State.UNKNOWN
    assert resumed(push, hours=24).state == (Push.State.DONE if happened else Push.State.REFUSED)


def test_a_capture_of_another_amount_is_not_taken_for_ours(
    doing: Opens, held: Any, cashier: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/payment_intents", status=500, times=1)
    push = doing(CAPTURE.name, held, cashier).submit(amount_to_capture="20")
    stripe.faults.clear()
    stripe.post(capture_path(held), amount_to_capture=3000)
    assert resumed(push, hours=24).state == Push.State.REFUSED
    assert truth(stripe, held)["amount_received"] == 3000
