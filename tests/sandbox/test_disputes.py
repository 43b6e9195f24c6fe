"""Disputes: opened by a test card or by a test, answered with evidence, accepted, won, lost, or left alone."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.billing.periods import DAY
from tests.sandbox.testing import RunningSandbox, SandboxError, wait_for


def pay(running: RunningSandbox, card: str = "pm_card_visa", **params: Any) -> dict[str, Any]:
    """A payment of 100 dollars; the charge of it."""
    params = {"currency": "usd", "payment_method": card, "confirm": True, "expand": ["latest_charge"], **params}
    charge: dict[str, Any] = running.post("/v1/payment_intents", amount=10000, **params)["latest_charge"]
    return charge


def disputed(running: RunningSandbox, **given: Any) -> dict[str, Any]:
    """A payment and the dispute about it."""
    return running.happens("dispute_charge", charge=pay(running)["id"], **given)


def happened(running: RunningSandbox, since: int = 0) -> list[str]:
    """Types of events about disputes and changed charges, oldest first."""
    kinds = [event["type"] for event in reversed(running.sandbox.events)]
    return [kind for kind in kinds if kind.startswith("charge.dispute") or kind == "charge.updated"][since:]


@pytest.mark.parametrize(
    ("card", "reason", "status"),
    [
        ("pm_card_createDispute", "fraudulent", "needs_response"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received", "needs_response"),
        ("pm_card_createDisputeInquiry", "fraudulent", "warning_needs_response"),
    ],
)
def test_test_cards_are_disputed(running: RunningSandbox, card: str, reason: str, status: str) -> None:
    charge = pay(running, card)
    wait_for(lambda: bool(running.get("/v1/disputes")["data"]), 5, "no dispute came")
    (dispute,) = running.get("/v1/disputes")["data"]
    assert (dispute["reason"], dispute["status"], dispute["amount"]) == (reason, status, 10000)
    assert dispute["charge"] == charge["id"]
    assert running.get(f"/v1/charges/{charge['id']}")["disputed"]


def test_card_number_of_disputes_is_known(running: RunningSandbox) -> None:
    card = running.post("/v1/payment_methods", type="card", card={"number": "4000000000000259"})
    pay(running, card["id"])
    wait_for(lambda: bool(running.get("/v1/disputes")["data"]), 5, "no dispute came")


def test_dispute_is_no_doing_of_the_request_that_paid(running: RunningSandbox) -> None:
    pay(running, "pm_card_createDispute")
    wait_for(lambda: len(happened(running)) == 3, 5, "no dispute came")
    created = next(event for event in running.sandbox.events if event["type"] == "charge.dispute.created")
    assert created["request"] == {"id": None, "idempotency_key": None}


def test_chargeback_withdraws_amount_and_fee(running: RunningSandbox, client: stripe.StripeClient) -> None:
    row = disputed(running)
    assert happened(running) == ["charge.dispute.created", "charge.updated", "charge.dispute.funds_withdrawn"]
    dispute = client.v1.disputes.retrieve(row["id"], params={"expand": ["charge", "payment_intent"]})
    (taken,) = dispute.balance_transactions
    assert (taken.type, taken.amount, taken.fee, taken.net) == ("adjustment", -10000, 1500, -11500)
    assert (taken.reporting_category, taken.source) == ("dispute", dispute.id)
    assert isinstance(dispute.charge, stripe.Charge)
    changed = next(event for event in running.sandbox.events if event["type"] == "charge.updated")
    assert changed["data"]["previous_attributes"] == {"disputed": False}
    due = dispute.evidence_details.due_by
    assert due is not None
    assert due - dispute.created > 8 * DAY


def test_inquiry_moves_no_money_and_closes_by_itself(running: RunningSandbox) -> None:
    dispute = disputed(running, inquiry=True)
    assert (dispute["balance_transactions"], dispute["is_charge_refundable"]) == ([], True)
    assert "charge.dispute.funds_withdrawn" not in happened(running)
    running.advance(10 * DAY)
    assert running.get(f"/v1/disputes/{dispute['id']}")["status"] == "warning_closed"


def test_staged_evidence_stays_open_and_submitted_evidence_does_not(running: RunningSandbox) -> None:
    path = f"/v1/disputes/{disputed(running)['id']}"
    staged = running.post(path, evidence={"customer_name": "Ann"}, submit=False)
    assert (staged["status"], staged["evidence"]["customer_name"]) == ("needs_response", "Ann")
    assert (staged["evidence_details"]["has_evidence"], staged["evidence_details"]["submission_count"]) == (True, 0)
    sent = running.post(path, evidence={"product_description": "A boat"})
    assert (sent["status"], sent["evidence_details"]["submission_count"]) == ("under_review", 1)
    assert sent["evidence"]["customer_name"] == "Ann"
    assert happened(running, since=3) == ["charge.dispute.updated", "charge.updated"] * 2
    event = next(event for event in running.sandbox.events if event["type"] == "charge.dispute.updated")
    assert event["data"]["previous_attributes"] == {
        "evidence": {"product_description": None},
        "evidence_details": {"submission_count": 0},
        "status": "needs_response",
    }
    with pytest.raises(SandboxError, match="under_review"):
        running.post(path, evidence={"customer_name": "Bob"})
    assert running.post(path, metadata={"case": "7"})["metadata"] == {"case": "7"}


def test_metadata_alone_submits_what_is_staged_unless_told_not_to(running: RunningSandbox) -> None:
    path = f"/v1/disputes/{disputed(running)['id']}"
    assert running.post(path, metadata={"a": "b"})["status"] == "needs_response"
    running.post(path, evidence={"customer_name": "Ann"}, submit=False)
    assert running.post(path, metadata={"a": "c"}, submit=False)["status"] == "needs_response"
    assert running.post(path, metadata={"a": "d"})["status"] == "under_review"


@pytest.mark.parametrize(("word", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_words_of_the_test_mode_decide(running: RunningSandbox, word: str, status: str) -> None:
    path = f"/v1/disputes/{disputed(running)['id']}"
    running.post(path, evidence={"uncategorized_text": word})
    wait_for(lambda: running.get(path)["status"] == status, 5, "nobody decided")


def test_won_dispute_brings_the_money_back(running: RunningSandbox) -> None:
    dispute = disputed(running)
    running.happens("decide_dispute", dispute=dispute["id"], won=True)
    won = running.get(f"/v1/disputes/{dispute['id']}")
    assert [row["net"] for row in won["balance_transactions"]] == [-11500, 10000]
    assert won["balance_transactions"][1]["reporting_category"] == "dispute_reversal"
    assert happened(running, since=3) == ["charge.dispute.funds_reinstated", "charge.dispute.closed", "charge.updated"]
    with pytest.raises(SandboxError, match="is won already"):
        running.happens("decide_dispute", dispute=dispute["id"], won=True)


def test_accepted_dispute_is_lost(running: RunningSandbox, client: stripe.StripeClient) -> None:
    dispute = disputed(running)
    assert client.v1.disputes.close(dispute["id"]).status == "lost"
    assert happened(running, since=3) == ["charge.dispute.closed", "charge.updated"]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.disputes.close(dispute["id"])


def test_unanswered_dispute_is_lost_when_due(running: RunningSandbox) -> None:
    dispute = disputed(running)
    running.advance(10 * DAY)
    lost = running.get(f"/v1/disputes/{dispute['id']}")
    assert (lost["status"], lost["evidence_details"]["past_due"]) == ("lost", True)


def test_disputed_payment_can_not_be_refunded(running: RunningSandbox) -> None:
    dispute = disputed(running)
    with pytest.raises(SandboxError) as caught:
        running.post("/v1/refunds", charge=dispute["charge"])
    assert caught.value.error["code"] == "charge_disputed"
    inquired = disputed(running, inquiry=True)
    assert running.post("/v1/refunds", charge=inquired["charge"])["status"] == "succeeded"


def test_disputes_are_listed_by_charge_intent_and_time(running: RunningSandbox) -> None:
    first, second = disputed(running), disputed(running)
    for field in ("charge", "payment_intent"):
        assert [row["id"] for row in running.get("/v1/disputes", **{field: first[field]})["data"]] == [first["id"]]
    assert len(running.get("/v1/disputes", created={"gte": second["created"]})["data"]) in (1, 2)
    assert running.get("/v1/disputes", created={"gt": second["created"]})["data"] == []


def test_only_a_paid_charge_can_be_disputed_and_only_once(running: RunningSandbox) -> None:
    dispute = disputed(running)
    with pytest.raises(SandboxError, match="can't be disputed"):
        running.happens("dispute_charge", charge=dispute["charge"])
    with pytest.raises(SandboxError, match="No such charge"):
        running.happens("dispute_charge", charge="ch_none")
    with pytest.raises(SandboxError, match="can happen"):
        running.happens("earthquake")


def test_announced_invoice_and_balance_have_no_id(running: RunningSandbox, client: stripe.StripeClient) -> None:
    pay(running, "pm_card_bypassPending")
    shown = running.happens("balance_available")
    assert shown["available"] == [{"amount": 9680, "currency": "usd", "source_types": {"card": 9680}}]
    event = client.v1.events.list(params={"type": "balance.available"}).data[0]
    assert event.data.object["object"] == "balance"
    assert "id" not in event.data.object
