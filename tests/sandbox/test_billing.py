"""Billing over time: invoices, renewals, trials, declines, dunning, pauses, scheduled and immediate ends."""

from __future__ import annotations

import itertools
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tests.sandbox import clock
from tests.sandbox.billing.periods import add, next_boundary
from tests.sandbox.conftest import make_customer, make_price, subscribe
from tests.sandbox.testing import RunningSandbox, SandboxError

DAY, HOUR = 86400, 3600
FAILING = "pm_card_chargeCustomerFail"
JANUARY_31 = 1_706_659_200  # 2024-01-31 00:00 UTC


def read(running: RunningSandbox, subscription: dict[str, Any], **params: Any) -> dict[str, Any]:
    return running.get(f"/v1/subscriptions/{subscription['id']}", **params)


def invoices(running: RunningSandbox, subscription: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = running.get("/v1/invoices", subscription=subscription["id"])["data"]
    return found[::-1]


def use_card(running: RunningSandbox, customer_id: str, card: str) -> None:
    method = running.post(f"/v1/payment_methods/{card}/attach", customer=customer_id)["id"]
    running.post(f"/v1/customers/{customer_id}", invoice_settings={"default_payment_method": method})


def test_months_end_where_the_calendar_does() -> None:
    ends = [add(JANUARY_31, "month", count) for count in (1, 2, 13)]
    assert [(end - JANUARY_31) // DAY for end in ends] == [29, 60, 394]
    assert next_boundary(JANUARY_31, "month", 1, ends[0]) == ends[1]
    assert next_boundary(JANUARY_31, "week", 2, JANUARY_31 + 100 * DAY) == JANUARY_31 + 112 * DAY


def test_new_subscription_is_invoiced_and_paid_at_once(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    assert subscription["status"] == "active"
    (invoice,) = invoices(running, subscription)
    assert (invoice["status"], invoice["total"], invoice["amount_paid"]) == ("paid", 2000, 2000)
    assert invoice["billing_reason"] == "subscription_create"
    assert invoice["parent"]["subscription_details"]["subscription"] == subscription["id"]
    assert invoice["number"].endswith("-0001")
    (payment,) = running.get("/v1/invoice_payments", invoice=invoice["id"])["data"]
    intent = running.get(f"/v1/payment_intents/{payment['payment']['payment_intent']}", expand=["latest_charge"])
    assert (intent["status"], intent["latest_charge"]["amount"]) == ("succeeded", 2000)
    found = running.get("/v1/invoice_payments", payment={"type": "payment_intent", "payment_intent": intent["id"]})
    assert [entry["invoice"] for entry in found["data"]] == [invoice["id"]]


@pytest.mark.parametrize(
    ("currency", "amount", "told"),
    [("usd", "2000", "$20.00"), ("jpy", "1500", "¥1,500"), ("kwd", "61500", "KWD 61.500"), ("eur", "0.5", "€0.005")],
)
def test_lines_are_described_as_stripe_does(running: RunningSandbox, currency: str, amount: str, told: str) -> None:
    product = running.post("/v1/products", name="Gold")["id"]
    price = running.post(
        "/v1/prices", product=product, currency=currency, unit_amount_decimal=amount, recurring={"interval": "month"}
    )
    made = running.post(
        "/v1/subscriptions",
        customer=make_customer(running)["id"],
        items=[{"price": price["id"], "quantity": 3}],
    )
    (invoice,) = invoices(running, made)
    assert invoice["lines"]["data"][0]["description"] == f"3 × Gold (at {told} / month)"


def test_renewals_are_drafts_for_an_hour_then_collected(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    item = subscription["items"]["data"][0]
    running.sandbox.advance_to(item["current_period_end"] + 60)
    renewed = read(running, subscription)
    assert renewed["items"]["data"][0]["current_period_start"] == item["current_period_end"]
    draft = running.get(f"/v1/invoices/{renewed['latest_invoice']}")
    assert (draft["status"], draft["number"], draft["billing_reason"]) == ("draft", None, "subscription_cycle")
    running.advance(HOUR)
    assert running.get(f"/v1/invoices/{draft['id']}")["status"] == "paid"


def test_two_years_make_twenty_five_invoices_in_strict_order(running: RunningSandbox) -> None:
    running.sandbox.clock.set(JANUARY_31)
    subscription = subscribe(running)
    running.sandbox.advance_to(add(JANUARY_31, "month", 24) + 2 * HOUR)
    paid = running.get("/v1/invoices", subscription=subscription["id"], limit=100)["data"][::-1]
    assert [invoice["created"] for invoice in paid] == [add(JANUARY_31, "month", count) for count in range(25)]
    assert {invoice["status"] for invoice in paid} == {"paid"}
    times = [event["created"] for event in running.sandbox.events]
    assert times == sorted(times, reverse=True)


def test_declined_first_payment_leaves_incomplete_then_expired(running: RunningSandbox) -> None:
    subscription = subscribe(running, make_customer(running, FAILING))
    assert subscription["status"] == "incomplete"
    (invoice,) = invoices(running, subscription)
    assert (invoice["status"], invoice["attempt_count"], invoice["attempted"]) == ("open", 1, True)
    with pytest.raises(SandboxError, match="incomplete"):
        running.post(f"/v1/subscriptions/{subscription['id']}", cancel_at_period_end=True)
    running.advance(23 * HOUR + 1)
    assert read(running, subscription)["status"] == "incomplete_expired"
    assert running.get(f"/v1/invoices/{invoice['id']}")["status"] == "void"


def test_incomplete_becomes_active_when_the_invoice_is_paid(running: RunningSandbox) -> None:
    subscription = subscribe(running, make_customer(running, FAILING))
    running.post(f"/v1/invoices/{subscription['latest_invoice']}/pay", payment_method="pm_card_visa")
    assert read(running, subscription)["status"] == "active"


@pytest.mark.parametrize("setting", ["canceled", "unpaid"])
def test_failing_renewals_are_retried_then_given_up(running: RunningSandbox, setting: str) -> None:
    running.sandbox.after_dunning = setting
    subscription = subscribe(running)
    use_card(running, subscription["customer"], FAILING)
    end = subscription["items"]["data"][0]["current_period_end"]
    running.sandbox.advance_to(end + HOUR)
    assert read(running, subscription)["status"] == "past_due"
    assert running.get(f"/v1/customers/{subscription['customer']}")["delinquent"] is True
    attempts = [(3, 2), (8, 3), (15, 4)]
    for days, count in attempts:
        running.sandbox.advance_to(end + HOUR + days * DAY)
        assert invoices(running, subscription)[1]["attempt_count"] == count
    assert read(running, subscription)["status"] == setting
    last = invoices(running, subscription)[1]
    assert (last["status"], last["next_payment_attempt"]) == ("open", None)


def test_past_due_recovers_with_a_good_card(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    use_card(running, subscription["customer"], FAILING)
    running.sandbox.advance_to(subscription["items"]["data"][0]["current_period_end"] + HOUR)
    use_card(running, subscription["customer"], "pm_card_visa")
    running.advance(3 * DAY)
    assert read(running, subscription)["status"] == "active"
    assert running.get(f"/v1/customers/{subscription['customer']}")["delinquent"] is False


def test_trials_cost_nothing_and_warn_three_days_before_their_end(running: RunningSandbox) -> None:
    subscription = subscribe(running, trial_period_days=14)
    assert subscription["status"] == "trialing"
    assert invoices(running, subscription)[0]["total"] == 0
    running.advance(11 * DAY + 1)
    assert running.get("/v1/events", type="customer.subscription.trial_will_end")["data"]
    running.advance(3 * DAY + HOUR)
    assert read(running, subscription)["status"] == "active"
    assert [invoice["amount_paid"] for invoice in invoices(running, subscription)] == [0, 2000]


@pytest.mark.parametrize(("wish", "status"), [("cancel", "canceled"), ("pause", "paused")])
def test_trial_without_a_card_ends_as_its_settings_say(running: RunningSandbox, wish: str, status: str) -> None:
    customer = running.post("/v1/customers")
    settings = {"end_behavior": {"missing_payment_method": wish}}
    subscription = subscribe(running, customer, trial_period_days=7, trial_settings=settings)
    running.advance(8 * DAY)
    assert read(running, subscription)["status"] == status


def test_scheduled_end_can_be_undone_and_else_comes(running: RunningSandbox) -> None:  # S40
    kept, leaving = subscribe(running), subscribe(running)
    details = {"feedback": "unused", "comment": "bye"}
    for subscription in (kept, leaving):
        path = f"/v1/subscriptions/{subscription['id']}"
        scheduled = running.post(path, cancel_at_period_end=True, cancellation_details=details)
        assert scheduled["cancel_at"] == scheduled["items"]["data"][0]["current_period_end"]
        assert scheduled["canceled_at"] is not None
        assert scheduled["status"] == "active"
        assert scheduled["cancellation_details"] == {
            "comment": "bye",
            "feedback": "unused",
            "feedback_option": None,
            "reason": "cancellation_requested",
        }
    undone = running.post(f"/v1/subscriptions/{kept['id']}", cancel_at_period_end=False)
    assert (undone["cancel_at"], undone["canceled_at"], undone["cancel_at_period_end"]) == (None, None, False)
    running.advance(32 * DAY)
    assert read(running, kept)["status"] == "active"
    ended = read(running, leaving)
    assert (ended["status"], ended["ended_at"]) == ("canceled", ended["cancel_at"])
    assert len(invoices(running, leaving)) == 1


def test_end_at_a_date_leaves_the_flag_false_and_clears_with_nothing(running: RunningSandbox) -> None:  # S40
    subscription = subscribe(running)
    path, at = f"/v1/subscriptions/{subscription['id']}", running.sandbox.now() + 10 * DAY
    scheduled = running.post(path, cancel_at=at)
    assert (scheduled["cancel_at"], scheduled["cancel_at_period_end"]) == (at, False)
    assert running.post(path, cancel_at="")["cancel_at"] is None
    with pytest.raises(SandboxError) as caught:
        running.post(path, cancel_at=running.sandbox.now() - 10)
    assert caught.value.error["param"] == "cancel_at"
    running.post(path, cancel_at=at)
    running.advance(10 * DAY)
    assert read(running, subscription)["status"] == "canceled"


def test_second_cancel_is_404_and_a_canceled_one_keeps_only_its_notes_editable(running: RunningSandbox) -> None:
    path = f"/v1/subscriptions/{subscribe(running)['id']}"
    canceled = running.delete(path, cancellation_details={"feedback": "other"})
    assert (canceled["status"], canceled["cancellation_details"]["feedback"]) == ("canceled", "other")
    with pytest.raises(SandboxError) as caught:
        running.delete(path)
    assert (caught.value.status, caught.value.error["code"]) == (404, "resource_missing")
    assert running.post(path, metadata={"a": "1"})["metadata"] == {"a": "1"}
    with pytest.raises(SandboxError) as caught:
        running.post(path, description="x")
    assert caught.value.error["code"] == "invalid_canceled_subscription_fields"


def test_cancel_credits_the_unused_time_when_asked(running: RunningSandbox) -> None:
    running.sandbox.clock.set(JANUARY_31 + DAY)  # February 2024 has 29 days
    subscription = subscribe(running)
    running.advance(14 * DAY + 12 * HOUR)
    running.delete(f"/v1/subscriptions/{subscription['id']}", prorate=True, invoice_now=True)
    final = invoices(running, subscription)[1]
    assert (final["total"], final["status"]) == (-1000, "paid")
    assert running.get(f"/v1/customers/{subscription['customer']}")["balance"] == -1000


def test_credit_on_the_balance_pays_the_next_invoice(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    running.post(f"/v1/customers/{subscription['customer']}", balance=-1500)
    running.advance(32 * DAY)
    renewal = invoices(running, subscription)[1]
    assert (renewal["total"], renewal["starting_balance"], renewal["amount_due"]) == (2000, -1500, 500)
    assert running.get(f"/v1/customers/{subscription['customer']}")["balance"] == 0


@pytest.mark.parametrize(
    ("behavior", "status"), [("keep_as_draft", "draft"), ("void", "void"), ("mark_uncollectible", "uncollectible")]
)
def test_paused_collection_goes_on_invoicing_without_taking_money(  # S41
    running: RunningSandbox, behavior: str, status: str
) -> None:
    subscription = subscribe(running)
    path = f"/v1/subscriptions/{subscription['id']}"
    paused = running.post(path, pause_collection={"behavior": behavior})
    assert (paused["pause_collection"], paused["status"]) == ({"behavior": behavior, "resumes_at": None}, "active")
    running.advance(32 * DAY)
    assert invoices(running, subscription)[1]["status"] == status
    assert running.post(path, pause_collection="")["pause_collection"] is None
    running.advance(31 * DAY)
    assert invoices(running, subscription)[2]["status"] == "paid"


def test_new_price_prorates_by_the_second_and_keeps_one_item(running: RunningSandbox) -> None:  # S42
    running.sandbox.clock.set(JANUARY_31 + DAY)
    subscription = subscribe(running)
    item = subscription["items"]["data"][0]
    dearer = make_price(running, unit_amount=4000)
    running.advance(14 * DAY + 12 * HOUR)
    changed = running.post(
        f"/v1/subscriptions/{subscription['id']}",
        items=[{"id": item["id"], "price": dearer}],
        proration_behavior="always_invoice",
    )
    assert [entry["price"]["id"] for entry in changed["items"]["data"]] == [dearer]
    invoice = running.get(f"/v1/invoices/{changed['latest_invoice']}")
    assert [line["amount"] for line in invoice["lines"]["data"]] == [-1000, 2000]
    assert (invoice["billing_reason"], invoice["status"], invoice["total"]) == ("subscription_update", "paid", 1000)


def test_item_without_an_id_is_added_and_the_last_one_cannot_go(running: RunningSandbox) -> None:  # S42
    subscription = subscribe(running)
    path = f"/v1/subscriptions/{subscription['id']}"
    both = running.post(path, items=[{"price": make_price(running, unit_amount=500)}])["items"]["data"]
    assert len(both) == 2
    running.delete(f"/v1/subscription_items/{both[0]['id']}")
    with pytest.raises(SandboxError):
        running.delete(f"/v1/subscription_items/{both[1]['id']}")


def test_yearly_price_restarts_the_period_and_bills_at_once(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    yearly = make_price(running, unit_amount=20000, recurring={"interval": "year"})
    running.advance(10 * DAY)
    item = subscription["items"]["data"][0]["id"]
    changed = running.post(f"/v1/subscriptions/{subscription['id']}", items=[{"id": item, "price": yearly}])
    assert changed["items"]["data"][0]["current_period_start"] == changed["billing_cycle_anchor"]
    assert changed["items"]["data"][0]["current_period_end"] > running.sandbox.now() + 360 * DAY
    assert 18000 < running.get(f"/v1/invoices/{changed['latest_invoice']}")["amount_paid"] < 20000


@pytest.mark.parametrize(
    ("coupon", "totals"),
    [
        ({"percent_off": 25.5, "duration": "forever"}, [1490, 1490, 1490]),
        ({"amount_off": 500, "currency": "usd", "duration": "once"}, [1500, 2000, 2000]),
        ({"percent_off": 50, "duration": "repeating", "duration_in_months": 2}, [1000, 1000, 2000]),
    ],
)
def test_coupons_reduce_invoices_as_long_as_they_last(
    running: RunningSandbox, coupon: dict[str, Any], totals: list[int]
) -> None:
    made = running.post("/v1/coupons", **coupon)
    subscription = subscribe(running, discounts=[{"coupon": made["id"]}])
    running.advance(65 * DAY)
    billed = invoices(running, subscription)
    assert [invoice["total"] for invoice in billed] == totals
    assert [invoice["amount_paid"] for invoice in billed] == totals
    assert running.get(f"/v1/coupons/{made['id']}")["times_redeemed"] == 1


def test_discounts_are_kept_by_id_and_cleared_with_nothing(running: RunningSandbox) -> None:
    for name in ("A", "B"):
        running.post("/v1/coupons", id=name, percent_off=10, duration="forever", max_redemptions=1)
    subscription = subscribe(running, discounts=[{"coupon": "A"}])
    path = f"/v1/subscriptions/{subscription['id']}"
    kept = subscription["discounts"][0]
    both = running.post(path, discounts=[{"discount": kept}, {"coupon": "B"}])["discounts"]
    assert both[0] == kept
    assert len(both) == 2
    assert running.post(path, discounts="")["discounts"] == []
    with pytest.raises(SandboxError) as caught:
        running.post(path, discounts=[{"coupon": "A"}])
    assert caught.value.error["code"] == "coupon_expired"


def test_send_invoice_waits_for_its_customer(running: RunningSandbox) -> None:
    customer = running.post("/v1/customers")
    subscription = subscribe(running, customer, collection_method="send_invoice", days_until_due=14)
    assert subscription["status"] == "active"
    (draft,) = invoices(running, subscription)
    assert draft["status"] == "draft"
    running.advance(HOUR + 1)
    (sent,) = invoices(running, subscription)
    assert (sent["status"], sent["due_date"]) == ("open", sent["created"] + 14 * DAY)
    paid = running.post(f"/v1/invoices/{sent['id']}/pay", paid_out_of_band=True)
    assert (paid["status"], paid["attempted"], paid["amount_paid_off_stripe"]) == ("paid", False, 2000)
    assert not running.get("/v1/events", type="invoice.payment_succeeded")["data"]


def test_customers_without_a_card_cannot_subscribe_for_money(running: RunningSandbox) -> None:
    with pytest.raises(SandboxError, match="no attached payment source"):
        subscribe(running, running.post("/v1/customers"))
    assert running.objects("subscription") == []


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 1500), ("kwd", 5120), ("eur", 999)])
def test_currencies_keep_their_own_units(running: RunningSandbox, currency: str, amount: int) -> None:
    price = make_price(running, currency=currency, unit_amount=amount)
    subscription = subscribe(running, items=[{"price": price, "quantity": 3}])
    assert invoices(running, subscription)[0]["total"] == 3 * amount
    other = make_price(running, currency="usd")
    with pytest.raises(SandboxError, match="expected currency"):
        running.post(f"/v1/subscriptions/{subscription['id']}", items=[{"price": other}])


def test_a_request_happens_in_one_second(running: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the clock strikes meanwhile: else a discount would begin, and end, a second after its subscription."""
    coupon = running.post("/v1/coupons", percent_off=50, duration="repeating", duration_in_months=2)
    customer, price = make_customer(running), make_price(running)
    strikes = itertools.count(int(time.time()))
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: next(strikes)))
    params = {"customer": customer["id"], "items": [{"price": price}], "discounts": [{"coupon": coupon["id"]}]}
    made = running.post("/v1/subscriptions", **params, expand=["latest_invoice", "discounts"])
    seconds = {made["created"], made["discounts"][0]["start"], made["latest_invoice"]["created"]}
    assert seconds == {made["billing_cycle_anchor"]}
