"""Refunds: how much, by whom, never twice, never of what Stripe doesn't give back (S30–S36)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import stripe_mirror.push.refunds
from stripe_mirror.admin.operations import operation_url
from stripe_mirror.inbox.processing import drain
from stripe_mirror.models import Change, Charge, Push, Refund
from stripe_mirror.push import jobs
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.submit import resume
from tests.admin.test_operations import inputs
from tests.conftest import events_of, post_event
from tests.push import paying
from tests.push.conftest import Doing
from tests.push.test_unknown_outcomes import make_due, resumed
from tests.sandbox.testing import RunningSandbox, SandboxError, wait_for
from tests.together import at_once

Opens = Callable[..., Doing]
REFUND = get_operation("refund_charge")
assert stripe_mirror.push.refunds


@pytest.fixture
def refunder(staff: Callable[..., User]) -> User:
    """May refund, also many at once."""
    return staff("refunder", "refund_charge", "cancel_refund", "view_charge", "run_job")


@pytest.fixture
def other(staff: Callable[..., User]) -> User:
    """May refund, too."""
    return staff("other", "refund_charge", "view_charge")


@pytest.fixture
def charge(stripe: RunningSandbox) -> Charge:
    """49.00 eur, paid by card."""
    return paying.paid(stripe)


def again(charge: Charge) -> Charge:
    """The row as it is by now."""
    return Charge.objects.get(pk=charge.pk)


def deliver(stripe: RunningSandbox, client: Client, *ids: str) -> None:
    """The events of these objects reach the receiver and are settled."""
    for id in ids:
        for event in events_of(stripe, id):
            assert post_event(client, event).status_code == 200
    drain()


# What is sent and what comes of it


def test_a_partial_refund_sends_its_amount_and_is_mirrored(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox
) -> None:
    form = doing("refund_charge", charge, refunder)
    push = form.submit(amount="10.00", refund_reason="requested_by_customer")
    assert push.state == Push.State.DONE
    posts = [(r["path"], r["params"], r["idempotency_key"]) for r in stripe.requests("POST")]
    params = {"charge": charge.pk, "amount": 1000, "reason": "requested_by_customer"}
    assert [(path, {k: v if k != "amount" else int(v) for k, v in sent.items()}, key) for path, sent, key in posts] == [
        ("/v1/refunds", params, str(push.id))
    ]
    assert paying.refunds(stripe, charge) == [(1000, "succeeded")]
    assert (again(charge).amount_refunded, again(charge).refunded) == (1000, False)
    refund = Refund.objects.get()
    assert (refund.amount, refund.charge_id) == (1000, charge.pk)
    assert Change.objects.get(object_type="refund").push == push


def test_it_costs_two_reads_and_one_write(doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox) -> None:
    doing("refund_charge", charge, refunder).submit()
    assert [(r["method"], r["path"]) for r in stripe.requests()] == [
        ("GET", f"/v1/charges/{charge.pk}"),
        ("POST", "/v1/refunds"),
        ("GET", f"/v1/charges/{charge.pk}"),
    ]


def test_the_form_offers_all_that_is_left(doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox) -> None:
    doing("refund_charge", charge, refunder).submit(amount="10.00")
    form = REFUND.get_form(again(charge))
    assert form["amount"].value() == "39.00"
    assert "€39.00 of €49.00" in str(form.fields["amount"].help_text)
    push = doing("refund_charge", again(charge), refunder).submit()
    assert push.params == {"amount": 3900, "charge": charge.pk}
    assert again(charge).refunded


def test_s59_the_log_tells_what_was_refunded_before_and_after(doing: Opens, charge: Charge, refunder: User) -> None:
    push = doing("refund_charge", charge, refunder).submit(amount="10.00")
    refund = Refund.objects.get()
    assert push.before == {"amount_refunded": 0, "refunded": False}
    assert push.after == {
        "amount_refunded": 1000,
        "refunded": False,
        "refund": refund.pk,
        "refund.status": "succeeded",
    }
    assert (push.object_id, push.user_name, push.reason) == (charge.pk, "Refunder", "asked by mail")
    assert push.request_id.startswith("req_")


def test_a_payment_without_an_intent_is_refunded_by_its_charge(
    doing: Opens, stripe: RunningSandbox, refunder: User
) -> None:
    charge = paying.paid(stripe)
    stripe.sandbox.table("charge").rows[charge.pk]["payment_intent"] = None
    charge = paying.mirror("charge", charge.pk)
    assert doing("refund_charge", charge, refunder).submit().state == Push.State.DONE


# What the page says


def test_the_page_shows_who_refunded_what_and_what_is_left(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox, client: Client
) -> None:
    doing("refund_charge", charge, refunder).submit(amount="10.00")
    made = stripe.post("/v1/refunds", charge=charge.pk, amount=500)
    deliver(stripe, client, made["id"])
    row = paying.mirror("charge", charge.pk)
    first, second = Refund.objects.order_by("created", "id")
    lines = REFUND.summary(row, {"amount": 2000, "refund_reason": ""})
    assert lines[0] == "€20.00 of the €49.00 that were paid go back to the customer."
    told = {line for line in lines if line.startswith("Already refunded")}
    assert len(told) == 2
    assert any(line.startswith("Already refunded: €10.00 by Refunder on ") for line in told)
    assert any(line.startswith("Already refunded: €5.00 by Dashboard or another API client on ") for line in told)
    assert all("(UTC)" in line for line in told), "S54: the zone is named"
    assert lines[-1] == "Left to refund afterwards: €14.00."
    assert {first.amount, second.amount} == {1000, 500}


def test_what_it_does_and_does_not_do_is_said_before(charge: Charge) -> None:
    effects = REFUND.effects(charge, {"amount": 2000}, None)
    (money,) = effects.money
    assert (money.words, money.amount, money.currency) == ("Goes back to the customer", 2000, "eur")
    fee = charge.balance_transaction.fee
    assert fee > 0
    assert f"Stripe's fee of €{fee / 100:.2f} for the payment isn't returned." in effects.follows
    assert any("While that is too low, the refund is pending" in line for line in effects.follows)
    assert effects.final == "A refund can't be taken back."


def test_fraudulent_is_said_to_block_the_customer(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox
) -> None:
    field = REFUND.get_form(charge).fields["refund_reason"]
    assert "block lists" in str(field.help_text)
    lines = REFUND.summary(charge, {"amount": 100, "refund_reason": "fraudulent"})
    assert any("block lists" in line for line in lines)
    assert not any("block lists" in line for line in REFUND.summary(charge, {"amount": 100, "refund_reason": ""}))
    push = doing("refund_charge", charge, refunder).submit(refund_reason="fraudulent")
    assert stripe.get(f"/v1/refunds/{push.after['refund']}")["reason"] == push.params["reason"] == "fraudulent"


def test_a_refund_of_an_invoice_says_that_invoice_and_subscription_stay(stripe: RunningSandbox) -> None:
    product = stripe.post("/v1/products", name="Tea")
    price = stripe.post(
        "/v1/prices", product=product["id"], currency="eur", unit_amount=900, recurring={"interval": "month"}
    )
    buyer = stripe.post("/v1/customers", payment_method="pm_card_visa")
    method = stripe.get("/v1/payment_methods", customer=buyer["id"], type="card")["data"][0]
    made = stripe.post(
        "/v1/subscriptions",
        customer=buyer["id"],
        default_payment_method=method["id"],
        items=[{"price": price["id"]}],
        expand=["latest_invoice.payments"],
    )
    for payment in stripe.objects("invoice_payment"):
        paying.mirror("invoice_payment", payment["id"])
    invoice = paying.mirror("invoice", made["latest_invoice"]["id"])
    paying.mirror("subscription", made["id"])
    charge = paying.mirror("charge", stripe.get("/v1/charges", customer=buyer["id"])["data"][0]["id"])
    follows = REFUND.effects(charge, {"amount": 900}, None).follows
    assert (
        f"The invoice {invoice.data['number']} stays paid as it is; to lower it, make a credit note instead." in follows
    )
    assert "The subscription goes on and is billed again; to end it, cancel it." in follows


@pytest.mark.parametrize(
    ("typed", "says"),
    [("", "Write the amount"), ("0", "above"), ("-1", "above"), ("49.01", "At most €49.00"), ("10.005", "2 decimals")],
)
def test_a_wrong_amount_is_refused_at_its_field(typed: str, says: str, charge: Charge) -> None:
    form = REFUND.get_form(charge, {"amount": typed, "refund_reason": "", "reason": "x"})
    assert list(form.errors) == ["amount"]
    assert says in str(form.errors["amount"])


def test_a_reason_for_our_log_is_demanded(charge: Charge) -> None:
    assert list(REFUND.get_form(charge, {"amount": "1", "refund_reason": ""}).errors) == ["reason"]


def test_fields_of_connected_accounts_and_bank_transfers_are_offered_only_there(stripe: RunningSandbox) -> None:
    by_card = paying.paid(stripe)
    special = {"instructions_email", "reverse_transfer", "refund_application_fee"}
    assert not special & set(REFUND.get_form(by_card).fields)
    by_card.data |= {"transfer": "tr_1", "application_fee": "fee_1", "payment_method_details": {"type": "konbini"}}
    form = REFUND.get_form(
        by_card,
        {
            "amount": "1",
            "reason": "x",
            "reverse_transfer": "on",
            "refund_application_fee": "on",
            "instructions_email": "ann@example.com",
        },
    )
    assert form.is_valid(), form.errors
    assert REFUND.plan(by_card, form.cleaned_data).params == {
        "charge": by_card.pk,
        "amount": 100,
        "instructions_email": "ann@example.com",
        "reverse_transfer": True,
        "refund_application_fee": True,
    }


# What forbids it


def test_s36_a_disputed_payment_is_off_with_its_reason(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox
) -> None:
    form = doing("refund_charge", charge, refunder)
    dispute = stripe.happens("dispute_charge", charge=charge.pk)
    with pytest.raises(NotAllowed, match="is disputed"):
        form.submit()
    paying.mirror("dispute", dispute["id"])
    assert REFUND.why_not(again(charge)) == (
        f"This payment is disputed ({dispute['id']}: needs response), so Stripe doesn't refund it."
    )
    with pytest.raises(NotAllowed, match=dispute["id"]):
        form.submit()
    assert stripe.requests("POST", "/v1/refunds") == []
    assert not Push.objects.exists()
    with pytest.raises(SandboxError, match="charged back"):
        stripe.post("/v1/refunds", charge=charge.pk)


def test_s36_what_the_dashboard_refunded_is_refused_before_stripe_is_called(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox, client: Client
) -> None:
    form = doing("refund_charge", charge, refunder)
    made = stripe.post("/v1/refunds", charge=charge.pk)
    deliver(stripe, client, made["id"])
    stripe.clear_requests()
    with pytest.raises(
        NotAllowed, match=r"refunded already\. Refunded: €49\.00 by Dashboard or another API client on "
    ):
        form.submit()
    assert stripe.requests("POST") == []
    assert paying.refunds(stripe, charge) == [(4900, "succeeded")]


def test_s36_a_forced_post_of_the_page_is_refused_before_stripe_is_called(
    charge: Charge, refunder: User, stripe: RunningSandbox, client: Client
) -> None:
    client.force_login(refunder)
    url = operation_url(charge, REFUND)
    form = inputs(client.get(url).content.decode()) | {"reason": "asked"}
    stripe.happens("dispute_charge", charge=charge.pk)
    stripe.clear_requests()
    page = client.post(url, form).content.decode()
    assert "This payment is disputed" in page
    assert stripe.requests("POST") == []
    assert paying.refunds(stripe, charge) == []


def test_an_inquiry_and_a_won_dispute_leave_a_payment_refundable(
    doing: Opens, stripe: RunningSandbox, refunder: User
) -> None:
    inquiry, chargeback = paying.disputed(stripe, inquiry=True), paying.disputed(stripe)
    stripe.happens("decide_dispute", dispute=chargeback.pk, won=True)
    paying.mirror("dispute", chargeback.pk)
    asked = REFUND.effects(inquiry.charge, {"amount": 100}, None).follows
    assert any("The bank has inquired" in line for line in asked)
    for dispute in (inquiry, chargeback):
        assert doing("refund_charge", dispute.charge, refunder).submit().state == Push.State.DONE
    assert len(paying.refunds(stripe, inquiry.charge, chargeback.charge)) == 2


def test_a_held_and_an_unsettled_payment_have_nothing_to_refund(stripe: RunningSandbox) -> None:
    on_hold = paying.paid(stripe, capture_method="manual")
    assert "only held" in REFUND.why_not(on_hold)
    on_its_way = paying.paid(stripe)
    stripe.sandbox.table("charge").rows[on_its_way.pk]["status"] = "pending"
    assert (
        REFUND.why_not(paying.mirror("charge", on_its_way.pk)) == "This payment is pending: there is nothing to refund."
    )


@pytest.mark.parametrize("data", [{}, {"status": 5}, {"status": "succeeded"}, {"status": "succeeded", "amount": "5"}])
def test_an_unknown_shape_is_off(data: dict[str, Any], transactional_db: None) -> None:
    assert "shape" in REFUND.why_not(Charge(id="ch_1", data=data))


def test_stripes_refusal_of_the_reason_stands_at_stripes_reason() -> None:
    assert REFUND.field_for_param("reason") == "refund_reason"
    assert REFUND.field_for_param("amount") == "amount"


# Never twice


def test_s30_the_form_posted_twice_within_50_ms_refunds_once(
    charge: Charge, refunder: User, stripe: RunningSandbox, client: Client
) -> None:
    """S30, by two threads through the real view."""
    client.force_login(refunder)
    url = operation_url(charge, REFUND)
    form = inputs(client.get(url).content.decode()) | {"amount": "20.00", "reason": "double click"}
    stripe.faults.add(path="/v1/refunds", latency_ms=150)

    def post() -> list[str]:
        browser = Client()
        browser.cookies = client.cookies
        return [str(message) for message in browser.post(url, form, follow=True).context["messages"]]

    first, second = at_once(post, post)
    assert paying.refunds(stripe, charge) == [(2000, "succeeded")]
    assert len(stripe.requests("POST", "/v1/refunds")) == 1
    assert Push.objects.get().state == Push.State.DONE
    assert len(first) == len(second) == 1
    assert any("Refund payment: done." in m for m in first + second)
    third = post()
    assert third == ["Refund payment: this was done already, it was not sent a second time."]
    assert paying.refunds(stripe, charge) == [(2000, "succeeded")]


def test_s31_a_lost_answer_is_checked_and_then_one_refund(
    doing: Opens, charge: Charge, refunder: User, other: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/refunds", lose_answer=True, times=1)
    form = doing("refund_charge", charge, refunder)
    push = form.submit(amount="20.00")
    assert (push.state, push.get_state_display()) == (Push.State.UNKNOWN, "checking")
    assert form.submit(amount="20.00") == push
    # Pressing again on a new form, or somebody else's: nobody refunds the same money twice while it isn't known.
    for person in (refunder, other):
        with pytest.raises(NotAllowed, match=r"on its way: €20\.00 by Refunder on .* Wait until its outcome is known"):
            doing("refund_charge", again(charge), person).submit(amount="20.00")
    assert len(stripe.requests("POST")) == 1
    push = resumed(push)
    assert push.state == Push.State.DONE
    assert push.after["amount_refunded"] == 2000
    assert form.submit(amount="20.00") == push
    assert paying.refunds(stripe, charge) == [(2000, "succeeded")]
    assert [r["replayed"] for r in stripe.requests("POST")] == [False, True]
    assert REFUND.why_not(again(charge)) == ""


def test_s32_two_intended_equal_refunds_are_two(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox
) -> None:
    for _ in range(2):
        assert doing("refund_charge", again(charge), refunder).submit(amount="10.00").state == Push.State.DONE
    assert paying.refunds(stripe, charge) == [(1000, "succeeded")] * 2
    assert again(charge).amount_refunded == 2000


def test_s32_a_later_equal_refund_does_not_make_an_earlier_one_untrue(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/refunds", lose_answer=True, times=1)
    first = doing("refund_charge", charge, refunder).submit(amount="10.00")
    # A second process had checked before the first had begun.
    Push.objects.filter(pk=first.pk).update(state=Push.State.REFUSED)
    second = doing("refund_charge", again(charge), refunder).submit(amount="10.00")
    Push.objects.filter(pk=first.pk).update(state=Push.State.UNKNOWN)
    assert second.state == Push.State.DONE
    assert resumed(first).state == Push.State.DONE, "Stripe did it, so the record must say so"
    assert paying.refunds(stripe, charge) == [(1000, "succeeded")] * 2


def test_s33_of_two_who_refund_the_last_20_eur_one_is_told_who_did_it(
    doing: Opens, charge: Charge, refunder: User, other: User, stripe: RunningSandbox
) -> None:
    doing("refund_charge", charge, refunder).submit(amount="29.00")
    stripe.faults.add(path="/v1/charges", latency_ms=150)
    forms = [doing("refund_charge", again(charge), person) for person in (refunder, other)]
    outcomes = at_once(*[lambda form=form: form.submit(amount="20.00") for form in forms])
    assert sorted(amount for amount, _ in paying.refunds(stripe, charge)) == [2000, 2900]
    winners = [o for o in outcomes if isinstance(o, Push) and o.state == Push.State.DONE]
    (loser,) = [o for o in outcomes if o not in winners]
    assert len(winners) == 1
    told = loser.message if isinstance(loser, Push) else str(loser)
    assert f"€20.00 by {winners[0].user_name} on {timezone.now():%d %B %Y} at " in told


def test_s33_the_later_one_is_told_by_whom_it_is_refunded(
    doing: Opens, charge: Charge, refunder: User, other: User, stripe: RunningSandbox
) -> None:
    late = doing("refund_charge", charge, other)
    doing("refund_charge", charge, refunder).submit(amount="30.00")
    with pytest.raises(NotAllowed, match=r"only €19\.00 is left to refund\. Refunded: €30\.00 by Refunder on "):
        late.submit(amount="20.00")
    stripe.advance(1)
    doing("refund_charge", again(charge), refunder).submit()
    with pytest.raises(
        NotAllowed, match=r"refunded already\. Refunded: €30\.00 by Refunder on .*; €19\.00 by Refunder"
    ):
        late.submit(amount="20.00")
    assert len(paying.refunds(stripe, charge)) == 2


def test_s33_what_the_dashboard_refunds_between_our_look_and_our_call_is_told(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox, client: Client
) -> None:
    form = doing("refund_charge", charge, refunder)
    stripe.faults.add(method="POST", path="/v1/refunds", hang=1.5, times=1)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(at_once, lambda: form.submit(amount="20.00"))
        wait_for(lambda: stripe.faults.list()[0]["used"] == 1, 10, "nothing was sent")
        made = stripe.post("/v1/refunds", charge=charge.pk)
        deliver(stripe, client, made["id"])
        (push,) = late.result()
    assert push.state == Push.State.REFUSED, push
    assert "has already been refunded" in push.message
    assert "Refunded by now: €49.00 by Dashboard or another API client on " in push.message
    assert paying.refunds(stripe, charge) == [(4900, "succeeded")]


def test_s34_a_key_belongs_to_one_request(doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox) -> None:
    form = doing("refund_charge", charge, refunder)
    first = form.submit(amount="10.00")
    assert form.submit(amount="20.00") == first, "the same form with another amount is not sent under the same key"
    doing("refund_charge", again(charge), refunder).submit(amount="5.00")
    keys = [r["idempotency_key"] for r in stripe.requests("POST")]
    assert len(keys) == len(set(keys)) == 2
    assert paying.refunds(stripe, charge) == [(1000, "succeeded"), (500, "succeeded")]


@pytest.mark.parametrize("happened", [True, False])
def test_past_the_keys_lifetime_it_is_not_sent_again(
    happened: bool, doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox, client: Client
) -> None:
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="/v1/refunds", times=1, **fault)
    push = doing("refund_charge", charge, refunder).submit(amount="10.00")
    if happened:
        (made,) = stripe.get("/v1/refunds", charge=charge.pk)["data"]
        deliver(stripe, client, made["id"])
    make_due(push, age=timedelta(hours=25))
    stripe.clear_requests()
    after = resume(push.pk)
    assert after is not None
    assert after.state == (Push.State.DONE if happened else Push.State.REFUSED)
    assert stripe.requests("POST") == []


# Many at once


def test_a_job_refunds_what_is_left_of_each(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox
) -> None:
    """S53: sums per currency; S36: what is disputed is left out with its reason."""
    yen, taken = paying.paid(stripe, 500, "jpy"), paying.disputed(stripe).charge
    doing("refund_charge", charge, refunder).submit(amount="10.00")
    rows = Charge.objects.filter(pk__in=(charge.pk, yen.pk, taken.pk))
    form = REFUND.get_form(REFUND.new_row(), {"refund_reason": "duplicate", "reason": "double billing"})
    assert form.is_valid(), form.errors
    assert "amount" not in form.fields
    seen = jobs.preview(REFUND, rows, cleaned=form.cleaned_data)
    assert (seen.allowed, seen.sums) == (2, {"eur": 3900, "jpy": 500})
    assert [row.pk for row, reason in seen.excluded if "disputed" in reason] == [taken.pk]
    job = jobs.create_job(
        REFUND, rows, user=refunder, cleaned=form.cleaned_data, reason="double billing", job_id=uuid.uuid4()
    )
    jobs.run_job(job.pk)
    assert paying.refunds(stripe, charge) == [(1000, "succeeded"), (3900, "succeeded")]
    assert paying.refunds(stripe, yen, taken) == [(500, "succeeded")]
    assert {push.params["reason"] for push in job.pushes.filter(state=Push.State.DONE)} == {"duplicate"}
    assert job.pushes.get(state=Push.State.SKIPPED).object_id == taken.pk


# What waits for the customer


@pytest.fixture
def slow(stripe: RunningSandbox) -> Charge:
    """49.00 eur, paid by a card whose refunds take a while."""
    return paying.paid(stripe, payment_method="pm_card_pendingRefund")


@pytest.fixture
def waiting(doing: Opens, slow: Charge, refunder: User, stripe: RunningSandbox) -> Push:
    """A refund that Stripe can't send before the customer has said where to."""
    push = doing("refund_charge", slow, refunder).submit(amount="10.00")
    stripe.happens("ask_for_refund_details", refund=push.after["refund"])
    paying.mirror("refund", push.after["refund"])
    stripe.clear_requests()
    return push


def test_a_refund_that_waits_for_the_customer_is_cancelled(
    doing: Opens, waiting: Push, slow: Charge, refunder: User, stripe: RunningSandbox, client: Client
) -> None:
    undo = REFUND.undo(waiting)
    assert undo is not None
    assert (undo.operation, undo.object_type, undo.object_id) == ("cancel_refund", "refund", waiting.after["refund"])
    refund = Refund.objects.get()
    push = doing("cancel_refund", refund, refunder).submit(**undo.values)
    assert push.state == Push.State.DONE
    assert [(r["path"], r["params"]) for r in stripe.requests("POST")] == [(f"/v1/refunds/{refund.pk}/cancel", {})]
    assert (push.before["status"], push.after["status"]) == ("requires_action", "canceled")
    refund.refresh_from_db()
    assert refund.status == "canceled"
    deliver(stripe, client, slow.pk)
    assert again(slow).amount_refunded == 0, "as before"
    assert "can be refunded again" in get_operation("cancel_refund").effects(refund, {}, None).follows[0]
    assert REFUND.why_not(again(slow)) == ""


def test_a_lost_answer_to_a_cancelled_refund_is_found_out(
    doing: Opens, waiting: Push, refunder: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/refunds", lose_answer=True, times=1)
    push = doing("cancel_refund", Refund.objects.get(), refunder).submit()
    assert push.state == Push.State.UNKNOWN
    make_due(push, age=timedelta(hours=24))
    after = resume(push.pk)
    assert after is not None
    assert after.state == Push.State.DONE
    assert len(stripe.requests("POST")) == 1


@pytest.mark.parametrize("status", ["succeeded", "pending", "failed", "canceled", "zz_new"])
def test_other_refunds_can_not_be_cancelled(
    status: str, doing: Opens, waiting: Push, refunder: User, stripe: RunningSandbox
) -> None:
    form = doing("cancel_refund", Refund.objects.get(), refunder)
    stripe.sandbox.table("refund").rows[waiting.after["refund"]]["status"] = status
    with pytest.raises(NotAllowed, match=status):
        form.submit()
    assert stripe.requests("POST") == []
    if status == "succeeded":
        assert REFUND.undo(waiting) is None
