"""The seeded company is complete, believable, and the same each time."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.sandbox.names import COUNTRIES, HOSTILE_NAMES
from tests.sandbox.seed import HISTORY, seed
from tests.sandbox.seed_company import DAY
from tests.sandbox.seed_showcase import SHOWCASE
from tests.sandbox.server import Sandbox

NOW = 1_790_000_000
SUBSCRIPTION_STATUSES = {
    "active",
    "canceled",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
}
INVOICE_STATUSES = {"draft", "open", "paid", "uncollectible", "void"}


@pytest.fixture(scope="module")
def company() -> Iterator[Sandbox]:
    sandbox = Sandbox(seed=1)
    seed(sandbox, now=NOW)
    yield sandbox
    sandbox.close()


def alive(sandbox: Sandbox, object_type: str) -> list[dict[str, Any]]:
    return [row for row in sandbox.objects(object_type) if not row.get("deleted")]


def everything(sandbox: Sandbox) -> str:
    return json.dumps({name: sandbox.objects(name) for name in sandbox.tables}, sort_keys=True)


def test_every_subscription_status_occurs(company: Sandbox) -> None:
    assert {row["status"] for row in alive(company, "subscription")} == SUBSCRIPTION_STATUSES


def test_every_invoice_status_occurs(company: Sandbox) -> None:
    assert {row["status"] for row in alive(company, "invoice")} == INVOICE_STATUSES


def test_every_kind_of_scheduled_change_occurs(company: Sandbox) -> None:
    running = [row for row in alive(company, "subscription") if row["status"] == "active"]
    assert any(row["cancel_at_period_end"] for row in running)
    assert any(row["cancel_at"] and not row["cancel_at_period_end"] for row in running)
    behaviors = {row["pause_collection"]["behavior"] for row in running if row["pause_collection"]}
    assert behaviors == {"void", "keep_as_draft", "mark_uncollectible"}


def test_subscriptions_with_two_items_quantities_and_discounts_occur(company: Sandbox) -> None:
    rows = alive(company, "subscription")
    assert any(len(row["items"]["data"]) == 2 for row in rows)
    assert any(item["quantity"] > 1 for row in rows for item in row["items"]["data"])
    assert any(row["discounts"] for row in rows)
    assert any(row["collection_method"] == "send_invoice" for row in rows)


def test_some_two_hundred_customers_in_six_countries_and_four_currencies(company: Sandbox) -> None:
    customers = company.objects("customer")
    assert len(customers) == 200
    assert {row["address"]["country"] for row in customers} == {country.code for country in COUNTRIES}
    assert {row["currency"] for row in customers} - {None} == {"usd", "eur", "jpy", "kwd"}
    assert {row["currency"] for row in alive(company, "invoice")} == {"usd", "eur", "jpy", "kwd"}


def test_hostile_names_and_the_showcase_are_there(company: Sandbox) -> None:
    names = {row["name"] for row in company.objects("customer")}
    assert set(HOSTILE_NAMES) <= names
    assert {shown.name for shown in SHOWCASE} <= names


def test_emails_are_unique_and_reach_nobody(company: Sandbox) -> None:
    emails = [row["email"] for row in company.objects("customer")]
    assert len(set(emails)) == len(emails)
    assert all(email.endswith(("example.com", "example.org", "example.net")) for email in emails)


def test_payments_decline_for_several_reasons(company: Sandbox) -> None:
    codes = {row["failure_code"] for row in alive(company, "charge") if row["status"] == "failed"}
    reasons = {row["outcome"]["reason"] for row in alive(company, "charge") if row["status"] == "failed"}
    assert len(codes | reasons) >= 4, (codes, reasons)


def test_invoices_by_hand_occur_as_draft_and_paid(company: Sandbox) -> None:
    by_hand = [row for row in alive(company, "invoice") if row["billing_reason"] == "manual"]
    assert {"draft", "paid"} <= {row["status"] for row in by_hand}
    assert all(row["total"] > 0 for row in by_hand)


def test_full_and_partial_refunds_occur(company: Sandbox) -> None:
    refunded = [row for row in alive(company, "charge") if row["amount_refunded"]]
    assert any(row["refunded"] for row in refunded)
    assert any(not row["refunded"] for row in refunded)


def test_refunds_are_done_pending_and_failed(company: Sandbox) -> None:
    assert {row["status"] for row in alive(company, "refund")} == {"succeeded", "pending", "failed"}


def test_disputes_occur_in_every_state_that_staff_meet(company: Sandbox) -> None:
    statuses = {row["status"] for row in alive(company, "dispute")}
    assert statuses == {"needs_response", "warning_needs_response", "under_review", "won", "lost"}


def test_payouts_are_paid_failed_pending_and_by_hand(company: Sandbox) -> None:
    payouts = alive(company, "payout")
    assert {"paid", "failed"} <= {row["status"] for row in payouts}
    assert any(not row["automatic"] for row in payouts)
    assert {row["currency"] for row in payouts} == {"usd", "eur", "jpy", "kwd"}


def test_balance_is_what_moved(company: Sandbox) -> None:
    charges = {row["id"]: row for row in alive(company, "charge")}
    moved = {row["id"]: row for row in alive(company, "balance_transaction")}
    taken = [row for row in charges.values() if row["status"] == "succeeded" and row["captured"]]
    assert all(moved[row["balance_transaction"]]["source"] == row["id"] for row in taken)
    assert all(row["net"] == row["amount"] - row["fee"] for row in moved.values())
    kinds = {row["type"] for row in moved.values()}
    assert {"charge", "payment", "refund", "refund_failure", "adjustment", "payout", "payout_failure"} <= kinds


def test_checkout_sessions_are_complete_expired_and_open(company: Sandbox) -> None:
    sessions = alive(company, "checkout.session")
    assert {row["status"] for row in sessions} == {"complete", "expired", "open"}
    assert {row["mode"] for row in sessions if row["status"] == "complete"} == {"payment", "subscription"}
    assert {row["status"] for row in alive(company, "setup_intent")} >= {"succeeded", "requires_action"}


def test_dinars_end_in_zero(company: Sandbox) -> None:
    amounts = [row["amount"] for row in alive(company, "refund") if row["currency"] == "kwd"]
    totals = [row["total"] for row in alive(company, "invoice") if row["currency"] == "kwd"]
    assert amounts
    assert totals
    assert all(amount % 10 == 0 for amount in amounts + totals)


def test_amounts_of_invoices_add_up(company: Sandbox) -> None:
    billed = Counter[str]()
    for line in alive(company, "line_item"):
        billed[line["invoice"]] += line["amount"]
    for row in alive(company, "invoice"):
        lines = billed[row["id"]]
        off = sum(taken["amount"] for taken in row["total_discount_amounts"])
        assert (row["subtotal"], row["total"]) == (lines, lines - off), row["id"]
        assert row["amount_due"] == row["amount_paid"] + row["amount_remaining"], row["id"]


def test_charges_show_what_was_refunded(company: Sandbox) -> None:
    given = Counter[str]()
    for refund in alive(company, "refund"):
        given[refund["charge"]] += refund["amount"] if refund["status"] != "failed" else 0
    assert {row["id"]: row["amount_refunded"] for row in alive(company, "charge") if row["amount_refunded"]} == dict(
        +given
    )


def test_periods_of_an_item_follow_each_other(company: Sandbox) -> None:
    periods: dict[str, list[tuple[int, int]]] = {}
    for invoice in alive(company, "invoice"):
        for line in invoice["lines"]["data"]:
            billed = line["parent"]["subscription_item_details"]
            if billed and not billed["proration"]:
                span = (line["period"]["start"], line["period"]["end"])
                periods.setdefault(billed["subscription_item"], []).append(span)
    assert len(periods) > 100
    for item, spans in periods.items():
        spans.sort()
        assert all(first[1] == second[0] for first, second in pairwise(spans)), item


def test_sent_invoice_that_is_overdue_makes_its_subscription_past_due(company: Sandbox) -> None:
    late = [row for row in alive(company, "invoice") if row["status"] == "open" and 0 < (row["due_date"] or 0) < NOW]
    assert late
    statuses = {row["latest_invoice"]: row["status"] for row in alive(company, "subscription")}
    assert {statuses[row["id"]] for row in late} == {"past_due"}


def test_every_kind_of_billing_occurs_in_its_states(company: Sandbox) -> None:
    def states(object_type: str, field: str = "status") -> set[str]:
        return {row[field] for row in alive(company, object_type)}

    assert states("credit_note") == {"issued", "void"}
    assert states("credit_note", "type") == {"pre_payment", "post_payment"}
    assert states("subscription_schedule") == {"not_started", "active", "completed", "released", "canceled"}
    assert states("customer_balance_transaction", "type") >= {"adjustment", "applied_to_invoice", "credit_note"}
    assert {row["verification"]["status"] for row in alive(company, "tax_id")} == {"verified", "pending", "unavailable"}
    assert states("promotion_code", "active") == states("tax_rate", "active") == {True, False}
    assert any(row["promotion_code"] for row in company.objects("discount"))
    assert any(row["discount"] for row in alive(company, "customer"))
    assert any(row["lines"]["has_more"] for row in alive(company, "invoice"))
    assert states("invoice_payment") == {"open", "paid", "canceled"}


def test_customer_balances_are_the_sum_of_their_transactions(company: Sandbox) -> None:
    moved = Counter[str]()
    for row in alive(company, "customer_balance_transaction"):
        moved[row["customer"]] += row["amount"]
    for customer in alive(company, "customer"):
        assert customer["balance"] == moved[customer["id"]], customer["id"]


def test_catalog_has_archived_and_gone_things(company: Sandbox) -> None:
    assert any(not row["active"] for row in alive(company, "price"))
    assert any(not row["active"] for row in alive(company, "product"))
    assert any(not row["valid"] for row in alive(company, "coupon"))
    assert "SUMMER25" not in {row["id"] for row in alive(company, "coupon")}
    assert {row["duration"] for row in alive(company, "coupon")} == {"once", "repeating", "forever"}


def test_history_covers_two_years_and_ends_now(company: Sandbox) -> None:
    assert company.clock.now() == NOW
    created = [row["created"] for row in alive(company, "invoice")]
    assert min(created) < NOW - HISTORY + 90 * DAY
    assert NOW - 3 * DAY < max(created) <= NOW
    months = Counter((moment - (NOW - HISTORY)) // (30 * DAY) for moment in created)
    assert all(months[month] for month in range(2, 24))


def test_the_api_refuses_nothing_but_declined_cards(company: Sandbox) -> None:
    assert {entry["status"] for entry in company.requests} == {200, 402}


def test_same_seed_gives_the_same_company() -> None:
    first, second, other = Sandbox(seed=3), Sandbox(seed=3), Sandbox(seed=4)
    for sandbox in (first, second, other):
        seed(sandbox, customers=60, now=NOW)
    assert everything(first) == everything(second)
    assert everything(first) != everything(other)


def test_seed_delivers_no_webhook() -> None:
    sandbox = Sandbox(seed=1)
    sandbox.request("POST", "/v1/webhook_endpoints", {"url": "http://127.0.0.1:9/", "enabled_events": ["*"]})
    seed(sandbox, customers=10, now=NOW)
    assert sandbox.deliveries.pending() == 0
    assert not sandbox.deliveries.log


def test_without_a_given_end_the_clock_runs_with_real_time() -> None:
    sandbox = Sandbox(seed=1)
    seed(sandbox, customers=10)
    assert abs(sandbox.clock.now() - time.time()) < 5
