"""The balance: a transaction for each movement of money, available in time, paid out each Monday."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.billing import payouts
from tests.sandbox.billing.balance_transactions import MONDAY, WEEK, next_monday
from tests.sandbox.billing.periods import DAY
from tests.sandbox.testing import RunningSandbox, SandboxError

TUESDAY = 1000 * WEEK + MONDAY + DAY + 9 * 3600


@pytest.fixture(autouse=True)
def tuesday_morning(running: RunningSandbox) -> None:
    running.sandbox.clock.set(TUESDAY)


def pay(running: RunningSandbox, amount: int = 10000, card: str = "pm_card_visa", **params: Any) -> dict[str, Any]:
    """A payment; the charge of it."""
    params = {"currency": "usd", "payment_method": card, "confirm": True, "expand": ["latest_charge"], **params}
    charge: dict[str, Any] = running.post("/v1/payment_intents", amount=amount, **params)["latest_charge"]
    return charge


def transactions(running: RunningSandbox, **filters: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = running.get("/v1/balance_transactions", **filters)["data"]
    return rows


def happened(running: RunningSandbox, prefix: str) -> list[str]:
    """Types of events, oldest first."""
    return [event["type"] for event in reversed(running.sandbox.events) if event["type"].startswith(prefix)]


def test_payment_brings_its_amount_less_the_fee(running: RunningSandbox, client: stripe.StripeClient) -> None:
    charge = pay(running, description="Workshop")
    made = client.v1.balance_transactions.retrieve(charge["balance_transaction"], params={"expand": ["source"]})
    assert (made.amount, made.fee, made.net) == (10000, 320, 9680)
    assert [detail.amount for detail in made.fee_details] == [320]
    assert (made.type, made.reporting_category, made.description) == ("charge", "charge", "Workshop")
    assert isinstance(made.source, stripe.Charge)
    assert made.source.id == charge["id"]
    assert "livemode" not in made
    assert "metadata" not in made


def test_payment_is_available_at_midnight_two_days_later_and_no_event_says_so(running: RunningSandbox) -> None:
    txn = f"/v1/balance_transactions/{pay(running)['balance_transaction']}"
    assert running.get(txn)["available_on"] == TUESDAY // DAY * DAY + 2 * DAY
    running.advance(2 * DAY - 10 * 3600)
    assert running.get(txn)["status"] == "pending"
    running.advance(2 * 3600)
    assert running.get(txn)["status"] == "available"
    assert [event for event in running.sandbox.events if event["data"]["object"]["object"].startswith("bal")] == []


@pytest.mark.parametrize(
    ("currency", "amount", "fee"), [("usd", 10000, 320), ("jpy", 10000, 320), ("kwd", 10000, 390), ("eur", 50, 31)]
)
def test_fee_fits_the_currency(running: RunningSandbox, currency: str, amount: int, fee: int) -> None:
    pay(running, amount, currency=currency)
    assert [row["fee"] for row in transactions(running, currency=currency)] == [fee]


def test_failed_and_held_payments_move_nothing_until_captured(running: RunningSandbox) -> None:
    with pytest.raises(SandboxError):
        pay(running, card="pm_card_chargeCustomerFail")
    held = pay(running, capture_method="manual")
    assert held["balance_transaction"] is None
    assert transactions(running) == []
    running.post(f"/v1/payment_intents/{held['payment_intent']}/capture", amount_to_capture=4000)
    (made,) = transactions(running, source=held["id"])
    assert made["amount"] == 4000
    captured = next(event for event in running.sandbox.events if event["type"] == "charge.captured")
    assert captured["data"]["object"]["balance_transaction"] == made["id"]
    assert captured["data"]["previous_attributes"]["balance_transaction"] is None


def test_debit_moves_money_when_it_arrives(running: RunningSandbox) -> None:
    charge = pay(running, card="pm_sepaDebit", currency="eur")
    assert transactions(running) == []
    running.advance(3 * DAY)
    assert [row["type"] for row in transactions(running, source=charge["id"])] == ["payment"]


def test_refund_takes_money_and_a_failed_one_brings_it_back(running: RunningSandbox) -> None:
    charge = pay(running, card="pm_card_refundFail")
    refund = running.post("/v1/refunds", charge=charge["id"], amount=2500, expand=["balance_transaction"])
    taken = refund["balance_transaction"]
    assert (taken["type"], taken["amount"], taken["net"], taken["status"]) == ("refund", -2500, -2500, "available")
    running.advance(3600)
    refund = running.get(f"/v1/refunds/{refund['id']}", expand=["failure_balance_transaction"])
    back = refund["failure_balance_transaction"]
    assert (back["type"], back["amount"], back["source"]) == ("refund_failure", 2500, refund["id"])


def test_list_filters(running: RunningSandbox) -> None:
    charge = pay(running)
    running.advance(60)
    pay(running, currency="eur")
    running.post("/v1/refunds", charge=charge["id"], amount=100)
    assert len(transactions(running)) == 3
    assert [row["currency"] for row in transactions(running, currency="eur")] == ["eur"]
    assert [row["type"] for row in transactions(running, type="refund")] == ["refund"]
    assert [row["source"] for row in transactions(running, source=charge["id"])] == [charge["id"]]
    assert len(transactions(running, created={"gt": TUESDAY})) == 2
    assert transactions(running, payout="po_none") == []


def test_monday_pays_out_what_is_available(running: RunningSandbox, client: stripe.StripeClient) -> None:
    charge = pay(running)
    running.post("/v1/refunds", charge=charge["id"], amount=1000)
    running.advance(6 * DAY - 10 * 3600)
    sunday = pay(running)
    running.advance(DAY)
    (payout,) = client.v1.payouts.list().data
    assert payout.created == next_monday(TUESDAY)
    assert (payout.amount, payout.automatic, payout.status) == (9680 - 1000, True, "pending")
    contained = transactions(running, payout=payout.id)
    assert [row["type"] for row in contained] == ["payout", "refund", "charge"]
    assert sum(row["net"] for row in contained) == 0
    assert contained[0]["id"] == payout.balance_transaction
    running.advance(7 * DAY)
    later = client.v1.payouts.list().data[0]
    assert [row["source"] for row in transactions(running, payout=later.id)][1:] == [sunday["id"]]


def test_payout_is_sent_then_paid(running: RunningSandbox) -> None:
    pay(running)
    running.advance(7 * DAY)
    (payout,) = running.get("/v1/payouts")["data"]
    assert (payout["status"], payout["reconciliation_status"]) == ("in_transit", "completed")
    running.advance(DAY)
    assert running.get(f"/v1/payouts/{payout['id']}")["status"] == "paid"
    assert happened(running, "payout.") == [
        "payout.created",
        "payout.updated",
        "payout.reconciliation_completed",
        "payout.updated",
        "payout.paid",
    ]
    sent = next(event for event in reversed(running.sandbox.events) if event["type"] == "payout.updated")
    assert sent["data"]["previous_attributes"] == {"status": "pending", "reconciliation_status": "in_progress"}


def test_paid_payout_may_still_fail_and_the_money_is_back(running: RunningSandbox) -> None:
    pay(running)
    running.advance(9 * DAY)
    (payout,) = running.get("/v1/payouts", status="paid")["data"]
    with running.sandbox.lock:
        payouts.fail(running.sandbox, payout["id"], "account_closed")
    (failed,) = running.get("/v1/payouts", status="failed", expand=["data.failure_balance_transaction"])["data"]
    assert (failed["failure_code"], failed["failure_balance_transaction"]["amount"]) == ("account_closed", 9680)
    event = next(event for event in running.sandbox.events if event["type"] == "payout.updated")
    assert event["data"]["previous_attributes"]["status"] == "paid"
    assert happened(running, "payout.")[-1] == "payout.failed"
    running.advance(7 * DAY)
    assert running.get("/v1/payouts")["data"][0]["amount"] == 9680


def test_payout_by_hand_needs_the_money(running: RunningSandbox, client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payouts.create(params={"amount": 100, "currency": "usd"})
    assert caught.value.code == "balance_insufficient"
    pay(running, card="pm_card_bypassPending")
    payout = client.v1.payouts.create(params={"amount": 9000, "currency": "usd", "metadata": {"a": "b"}})
    assert (payout.automatic, payout.status) == (False, "pending")
    assert payout.metadata is not None
    assert payout.metadata["a"] == "b"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payouts.create(params={"amount": 681, "currency": "usd"})


def test_pending_payout_by_hand_can_be_canceled_and_no_other(running: RunningSandbox) -> None:
    pay(running, card="pm_card_bypassPending")
    by_hand = running.post("/v1/payouts", amount=5000, currency="usd")
    canceled = running.post(f"/v1/payouts/{by_hand['id']}/cancel")
    assert canceled["status"] == "canceled"
    assert happened(running, "payout.")[-2:] == ["payout.updated", "payout.canceled"]
    running.advance(6 * DAY)
    automatic = running.get("/v1/payouts")["data"][0]
    assert automatic["amount"] == 9680
    for payout in (by_hand, automatic):
        with pytest.raises(SandboxError):
            running.post(f"/v1/payouts/{payout['id']}/cancel")


def test_payouts_are_listed_by_arrival_status_and_destination(running: RunningSandbox) -> None:
    pay(running, card="pm_card_bypassPending")
    first = running.post("/v1/payouts", amount=100, currency="usd", method="instant")
    second = running.post("/v1/payouts", amount=100, currency="usd")
    running.advance(3600)
    assert [row["id"] for row in running.get("/v1/payouts", status="paid")["data"]] == [first["id"]]
    late = {"gt": first["arrival_date"]}
    assert [row["id"] for row in running.get("/v1/payouts", arrival_date=late)["data"]] == [second["id"]]
    assert len(running.get("/v1/payouts", destination=first["destination"])["data"]) == 2
    assert running.get("/v1/payouts", destination="ba_other")["data"] == []


def test_metadata_of_a_payout_can_be_edited(running: RunningSandbox) -> None:
    pay(running, card="pm_card_bypassPending")
    payout = running.post("/v1/payouts", amount=100, currency="usd")
    running.post(f"/v1/payouts/{payout['id']}", metadata={"batch": "7"})
    event = next(event for event in running.sandbox.events if event["type"] == "payout.updated")
    assert event["data"]["previous_attributes"] == {"metadata": {"batch": None}}
