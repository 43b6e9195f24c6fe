"""Refunds, captures, disputes, payouts: what staff do with money, and what Stripe says when it can't be done."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.billing.balance_transactions import MONDAY, WEEK
from tests.sandbox.conftest import DAY, Params, events_since, make_customer, refusal
from tests.sandbox.testing import RunningSandbox


def pay(running: RunningSandbox, amount: int = 3000, card: str = "pm_card_visa", **params: Any) -> Params:
    """A payment intent with its charge."""
    described = {"amount": amount, "currency": "usd", "payment_method": card, "confirm": True, **params}
    return running.post("/v1/payment_intents", expand=["latest_charge"], **described)


# Refunds


def test_refund_beyond_what_is_left_names_both_amounts(running: RunningSandbox, client: stripe.StripeClient) -> None:
    paid = pay(running, currency="eur")
    client.v1.refunds.create({"payment_intent": paid["id"], "amount": 1000})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": paid["latest_charge"]["id"], "amount": 4000})
    says = "Refund amount (€40.00) is greater than unrefunded amount on charge (€20.00)"
    assert refusal(caught) == (400, None, "amount", says)
    client.v1.refunds.create({"payment_intent": paid["id"]})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": paid["id"], "amount": 1})
    assert caught.value.code == "charge_already_refunded"


def test_payment_that_is_only_held_is_canceled_not_refunded(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    held = pay(running, capture_method="manual")
    for target in ({"payment_intent": held["id"]}, {"charge": held["latest_charge"]["id"]}):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.refunds.create({**target, "amount": 100})
        assert "You must cancel the PaymentIntent to reverse the authorization" in str(caught.value.user_message)


def test_payment_that_failed_has_nothing_to_refund(running: RunningSandbox, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.create(
            {"amount": 900, "currency": "usd", "payment_method": "pm_card_chargeCustomerFail", "confirm": True}
        )
    charge = running.get("/v1/charges")["data"][0]
    for target in ({"payment_intent": charge["payment_intent"]}, {"charge": charge["id"]}):
        with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge to refund"):
            client.v1.refunds.create({**target})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": "ch_none"})
    assert refusal(caught) == (404, "resource_missing", "id", "No such charge: 'ch_none'")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"amount": 5})
    says = "One of the following params should be provided for this request: payment_intent or charge."
    assert caught.value.user_message == says


def test_refund_is_canceled_only_while_it_waits_for_the_customer(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    paid = pay(running, card="pm_card_pendingRefund")
    refund = client.v1.refunds.create({"payment_intent": paid["id"], "amount": 1000, "reason": "duplicate"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.cancel(refund.id)
    assert refusal(caught) == (400, None, None, "Canceling this refund is unsupported.")
    waiting = running.happens("ask_for_refund_details", refund=refund.id)
    assert (waiting["status"], waiting["next_action"]["type"]) == ("requires_action", "display_details")
    since = len(running.sandbox.events)
    canceled = client.v1.refunds.cancel(refund.id)
    assert (canceled.status, canceled.failure_reason) == ("canceled", "merchant_request")
    assert events_since(running, since) == ["refund.updated", "refund.failed", "charge.updated"]
    assert running.get(f"/v1/charges/{refund.charge}")["amount_refunded"] == 0


def test_only_metadata_of_a_refund_can_be_edited(running: RunningSandbox, client: stripe.StripeClient) -> None:
    refund = client.v1.refunds.create({"payment_intent": pay(running)["id"]})
    noted = client.v1.refunds.update(refund.id, {"metadata": {"a": "b"}})
    assert noted.to_dict()["metadata"] == {"a": "b"}
    wrong: Any = {"amount": 5}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.update(refund.id, wrong)
    assert (caught.value.code, caught.value.param) == ("parameter_unknown", "amount")


def test_same_key_refunds_once(running: RunningSandbox, client: stripe.StripeClient) -> None:
    asked: Any = {"payment_intent": pay(running)["id"], "amount": 1000}
    first, again = (client.v1.refunds.create(asked, {"idempotency_key": "one"}) for _ in range(2))
    assert first.id == again.id
    assert len(running.objects("refund")) == 1
    asked["amount"] = 2000
    with pytest.raises(stripe.IdempotencyError):
        client.v1.refunds.create(asked, {"idempotency_key": "one"})


# Payments


def test_capture_takes_at_most_what_is_held(running: RunningSandbox, client: stripe.StripeClient) -> None:
    held = pay(running, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.capture(held["id"], {"amount_to_capture": 4000})
    assert (caught.value.code, caught.value.param) == ("amount_too_large", "amount_to_capture")
    since = len(running.sandbox.events)
    taken = client.v1.payment_intents.capture(held["id"], {"amount_to_capture": 1000, "metadata": {"a": "b"}})
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 1000, 0)
    assert events_since(running, since) == ["charge.captured", "payment_intent.succeeded"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.capture(held["id"])
    assert caught.value.code == "payment_intent_unexpected_state"
    assert caught.value.error.payment_intent.status == "succeeded"


def test_amount_is_fixed_once_paid_and_notes_are_not(running: RunningSandbox, client: stripe.StripeClient) -> None:
    paid = pay(running)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.update(paid["id"], {"amount": 5000})
    assert (caught.value.code, caught.value.param) == ("payment_intent_unexpected_state", "amount")
    since = len(running.sandbox.events)
    noted = client.v1.payment_intents.update(paid["id"], {"description": "Boat", "metadata": {"a": "b"}})
    assert (noted.description, events_since(running, since)) == ("Boat", [])
    charge = client.v1.charges.update(paid["latest_charge"]["id"], {"description": "Boat", "receipt_email": "a@b.ie"})
    assert (charge.description, charge.receipt_email) == ("Boat", "a@b.ie")
    assert events_since(running, since) == ["charge.updated"]


def test_charge_keeps_its_customer(running: RunningSandbox, client: stripe.StripeClient) -> None:
    one, other = make_customer(running)["id"], make_customer(running)["id"]
    charge = pay(running, customer=one)["latest_charge"]["id"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.charges.update(charge, {"customer": other})
    assert caught.value.param == "customer"
    reported = client.v1.charges.update(charge, {"fraud_details": {"user_report": "fraudulent"}})
    assert reported.fraud_details is not None
    assert reported.fraud_details.user_report == "fraudulent"


# Disputes


def test_closed_dispute_takes_nothing_more(running: RunningSandbox, client: stripe.StripeClient) -> None:
    charge = pay(running)["latest_charge"]["id"]
    dispute = running.happens("dispute_charge", charge=charge)["id"]
    staged = client.v1.disputes.update(dispute, {"evidence": {"customer_name": "Ann"}, "submit": False})
    assert (staged.status, staged.evidence_details.submission_count) == ("needs_response", 0)
    since = len(running.sandbox.events)
    assert client.v1.disputes.close(dispute).status == "lost"
    assert events_since(running, since) == ["charge.dispute.closed", "charge.updated"]
    for call in (client.v1.disputes.close, client.v1.disputes.update):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            call(dispute)
        assert refusal(caught) == (400, None, None, "This dispute is already closed")


def test_won_dispute_can_be_refunded_again(running: RunningSandbox, client: stripe.StripeClient) -> None:
    charge = pay(running)["latest_charge"]["id"]
    dispute = running.happens("dispute_charge", charge=charge)["id"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"charge": charge})
    assert caught.value.code == "charge_disputed"
    running.happens("decide_dispute", dispute=dispute, won=True)
    assert client.v1.disputes.retrieve(dispute).is_charge_refundable
    assert client.v1.refunds.create({"charge": charge}).status == "succeeded"


def test_way_of_submission_can_be_chosen(running: RunningSandbox, client: stripe.StripeClient) -> None:
    dispute = running.happens("dispute_charge", charge=pay(running)["latest_charge"]["id"])["id"]
    how: Any = {"intended_submission_method": "prefer_manual", "submit": False}
    assert client.v1.disputes.update(dispute, how).intended_submission_method == "prefer_manual"


# Payouts and the balance


def test_balance_shows_what_is_there_and_what_is_on_its_way(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    pay(running, 10000)
    pay(running, 10000, "pm_card_bypassPending")
    pay(running, 5000, currency="eur")
    balance = client.v1.balance.retrieve()
    shown = {kind: {part.currency: part.amount for part in balance[kind]} for kind in ("available", "pending")}
    assert shown == {"available": {"usd": 9680, "eur": 0}, "pending": {"usd": 9680, "eur": 4825}}
    client.v1.payouts.create({"amount": 9000, "currency": "usd"})
    assert client.v1.balance.retrieve().available[1].amount == 680


def test_paid_payout_can_be_reversed_once(running: RunningSandbox, client: stripe.StripeClient) -> None:
    # A week without a Monday: what is available then leaves by itself.
    running.sandbox.clock.set(1000 * WEEK + MONDAY + DAY)
    pay(running, 10000, "pm_card_bypassPending")
    payout = client.v1.payouts.create({"amount": 5000, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payouts.reverse(payout.id)
    assert caught.value.param == "payout"
    running.advance(3 * DAY)
    since = len(running.sandbox.events)
    reversal = client.v1.payouts.reverse(payout.id, {"metadata": {"a": "b"}})
    assert (reversal.amount, reversal.original_payout, reversal["metadata"]["a"]) == (-5000, payout.id, "b")
    assert events_since(running, since) == ["payout.created", "payout.updated"]
    assert client.v1.payouts.retrieve(payout.id).reversed_by == reversal.id
    assert client.v1.balance.retrieve().available[0].amount == 9680
    running.advance(3 * DAY)
    assert client.v1.payouts.retrieve(reversal.id).status == "paid"
    for again in (payout.id, reversal.id):
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.payouts.reverse(again)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payouts.reverse("po_none")
    assert refusal(caught) == (404, "resource_missing", "payout", "No such payout: 'po_none'")
