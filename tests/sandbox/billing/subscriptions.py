"""Subscriptions over time: the first invoice, renewals, ends of trials, and every way to end."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.billing import collection, discounts, invoices, lines, prorations, schedule_ends
from tests.sandbox.billing.money import cost, rounded
from tests.sandbox.billing.periods import DAY, next_boundary
from tests.sandbox.billing.timers import ACTIONS, action
from tests.sandbox.store import Row

INCOMPLETE_SECONDS = 23 * 3600
OVER = ("canceled", "incomplete_expired")
TRIAL_WARNING = 3 * DAY


def items_of(sandbox: Any, subscription_id: str) -> list[Row]:
    """The items of a subscription, oldest first."""
    rows: list[Row] = sandbox.table("subscription_item").where("subscription", subscription_id)
    return rows


def set_periods(sandbox: Any, subscription: Row, item: Row, *, start: int) -> None:
    """An item's period from `start` to its next boundary after the anchor, or to the subscription's end if that comes
    first; a trial is one period."""
    if subscription["trial_end"] and start < subscription["trial_end"]:
        end = subscription["trial_end"]
    else:
        every = sandbox.table("price").rows[item["price"]]["recurring"]
        end = next_boundary(subscription["billing_cycle_anchor"], every["interval"], every["interval_count"], start)
    if subscription["cancel_at"] and start < subscription["cancel_at"] < end:
        end = subscription["cancel_at"]
    item.update(current_period_start=start, current_period_end=end)
    sandbox.table("subscription_item").reindex(item)


def schedule(sandbox: Any, subscription: Row) -> None:
    """Wake up when something about the subscription is next due."""
    running = subscription["status"] != "paused"
    times = [item["current_period_end"] for item in items_of(sandbox, subscription["id"]) if running]
    pause = subscription["pause_collection"] or {}
    times += [time for time in (subscription["cancel_at"], pause.get("resumes_at")) if time]
    if times:
        sandbox.timers.at(max(min(times), sandbox.now()), "subscription_due", subscription["id"])


def first_invoice(sandbox: Any, subscription: Row, *, behavior: str) -> None:
    """The invoice of a new subscription. Charged at once, it turns incomplete into active (or leaves it incomplete)."""
    invoice = draft_first_invoice(sandbox, subscription)
    automatic = subscription["collection_method"] == "charge_automatically"
    if automatic:
        invoices.finalize(sandbox, invoice["id"])
    unpaid = automatic and invoice["status"] != "paid"
    if unpaid:
        subscription["status"] = "incomplete"
        sandbox.timers.at(sandbox.now() + INCOMPLETE_SECONDS, "subscription_incomplete", subscription["id"])
    sandbox.table("subscription").reindex(subscription)
    sandbox.tell("customer.subscription.created", subscription)
    if unpaid and behavior == "default_incomplete":
        with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
            invoice.update(auto_advance=False, next_payment_attempt=None)
    elif unpaid:
        collection.try_collect(sandbox, invoice)


def draft_first_invoice(sandbox: Any, subscription: Row) -> Row:
    """The same, before anything comes of it."""
    at_once = subscription["collection_method"] == "charge_automatically"
    items = items_of(sandbox, subscription["id"])
    invoice = make_invoice(sandbox, subscription, items, reason="subscription_create", at_once=at_once)
    subscription["latest_invoice"] = invoice["id"]
    return invoice


def make_invoice(
    sandbox: Any, subscription: Row, items: list[Row], *, reason: str, at_once: bool = False, sweep: bool = True
) -> Row:
    """A draft for the items' current periods with what is pending (unless it is not to `sweep`); it finalizes by itself
    in an hour, or the caller does it `at_once`."""
    customer = sandbox.table("customer").rows[subscription["customer"]]
    paused = subscription["pause_collection"]
    keep_draft = subscription["status"] == "unpaid" or bool(paused and paused["behavior"] == "keep_as_draft")
    invoice = invoices.make(
        sandbox,
        customer,
        currency=subscription["currency"],
        billing_reason=reason,
        at_once=at_once,
        auto_advance=not keep_draft,
        collection_method=subscription["collection_method"],
        description=subscription["description"],
        due_date=_due_date(sandbox, subscription),
        default_tax_rates=list(subscription["default_tax_rates"]),
        discounts=discounts.for_invoice(sandbox, subscription),
        parent=invoices.subscription_parent(subscription),
    )
    if sweep:
        lines.add_pending_items(sandbox, invoice, subscription=subscription["id"])
    for item in items:
        lines.add_item_line(sandbox, invoice, subscription, item, amount=_special_amount(sandbox, subscription, item))
    if items and reason == "subscription_cycle":
        invoice["period_start"] = min(_previous_start(sandbox, subscription, item) for item in items)
    lines.retotal(sandbox, invoice)
    _use_once(sandbox, invoice)
    sandbox.tell("invoice.created", invoice)
    return invoice


def _special_amount(sandbox: Any, subscription: Row, item: Row) -> int | None:
    """Nothing for a trial, a share for a part of a period; `None` means the full price."""
    start, end = item["current_period_start"], item["current_period_end"]
    if subscription["trial_end"] and start < subscription["trial_end"]:
        return 0
    first, last = prorations.whole_period(sandbox, subscription, item, start)
    if (first, last) == (start, end):
        return None
    until_anchor = start < subscription["billing_cycle_anchor"]
    private = sandbox.table("subscription").private.get(subscription["id"], {})
    if until_anchor and private.get("proration_behavior") == "none":
        return 0
    price = sandbox.table("price").rows[item["price"]]
    part = Decimal(cost(sandbox, price, item.get("quantity", 1))) * (end - start) / (last - first)
    return rounded(part, price["currency"])


def _due_date(sandbox: Any, subscription: Row) -> int | None:
    if subscription["collection_method"] == "charge_automatically":
        return None
    return int(sandbox.now() + (subscription["days_until_due"] or 0) * DAY)


def _previous_start(sandbox: Any, subscription: Row, item: Row) -> int:
    return int(sandbox.table("subscription_item").private.get(item["id"], {}).get("before", subscription["start_date"]))


def _use_once(sandbox: Any, invoice: Row) -> None:
    for entry in invoice["total_discount_amounts"]:
        if entry["amount"]:
            sandbox.table("discount").secret(entry["discount"])["used"] = True


@action("subscription_due")
def due(sandbox: Any, subscription_id: str) -> None:
    """Whatever is due now: the end, a renewal, collection resuming."""
    subscription = sandbox.table("subscription").rows.get(subscription_id)
    if subscription is not None and subscription["schedule"]:
        ACTIONS["schedule_due"](sandbox, subscription["schedule"])  # a new phase's prices are what is billed
    if subscription is None or subscription["status"] in (*OVER, "incomplete"):
        return
    now = sandbox.now()
    pause = subscription["pause_collection"]
    if pause and pause["resumes_at"] and pause["resumes_at"] <= now:
        with sandbox.edit("subscription", subscription_id, event="customer.subscription.updated"):
            subscription["pause_collection"] = None
    if subscription["cancel_at"] and subscription["cancel_at"] <= now:
        bill_what_is_pending(sandbox, subscription, reason="subscription_cycle")
        collection.end_subscription(sandbox, subscription_id, reason=None, kept_invoice=subscription["latest_invoice"])
    if subscription["status"] in (*OVER, "paused"):
        return
    items = [item for item in items_of(sandbox, subscription_id) if item["current_period_end"] <= now]
    if items:
        _renew(sandbox, subscription, items)
    if subscription["status"] not in (*OVER, "paused") and (items or pause):
        schedule(sandbox, subscription)


def bill_what_is_pending(sandbox: Any, subscription: Row, *, reason: str, at_once: bool = False) -> Row | None:
    """A draft of what waits to be billed with a subscription and nothing else; none if there is nothing."""
    if not lines.pending_items(sandbox, subscription["customer"], subscription["currency"], subscription["id"]):
        return None
    with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
        invoice = make_invoice(sandbox, subscription, [], reason=reason, at_once=at_once)
        subscription["latest_invoice"] = invoice["id"]
    return invoice


def _renew(sandbox: Any, subscription: Row, items: list[Row]) -> None:
    trial_ends = subscription["status"] == "trialing"
    if trial_ends and ends_trial_unpaid(sandbox, subscription):
        return
    with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
        if trial_ends:
            subscription["status"] = "active"
        for item in items:
            secret = sandbox.table("subscription_item").secret(item["id"])
            secret["before"] = item["current_period_start"]
            set_periods(sandbox, subscription, item, start=item["current_period_end"])
        kept = discounts.still_valid(sandbox, subscription["discounts"])
        for discount_id in [held for held in subscription["discounts"] if held not in kept]:
            subscription["discounts"].remove(discount_id)
            discounts.drop(sandbox, discount_id)
        invoice = make_invoice(sandbox, subscription, items, reason="subscription_cycle")
        subscription["latest_invoice"] = invoice["id"]


def ends_trial_unpaid(sandbox: Any, subscription: Row) -> bool:
    """A trial that ends without a payment method: true when it was canceled or paused for that."""
    wish = (subscription["trial_settings"] or {"end_behavior": {}})["end_behavior"].get("missing_payment_method")
    automatic = subscription["collection_method"] == "charge_automatically"
    if wish not in ("cancel", "pause") or not automatic or collection.method_of(sandbox, subscription) is not None:
        return False
    if wish == "cancel":
        collection.end_subscription(sandbox, subscription["id"], reason=None)
    else:
        also = ("customer.subscription.paused",)
        with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated", also=also):
            set_paused(sandbox, subscription, "trial_end_without_payment_method")
    return True


def set_paused(sandbox: Any, subscription: Row, why: str) -> None:
    """The status, with when and why."""
    paused = {"subscription": {"type": why}, "transitioned_at": sandbox.now(), "type": "subscription"}
    subscription.update(status="paused", status_details={"paused": paused})


@action("trial_will_end")
def _trial_will_end(sandbox: Any, subscription_id: str) -> None:
    row = sandbox.table("subscription").rows.get(subscription_id)
    if row is not None and row["status"] == "trialing" and row["trial_end"] - sandbox.now() <= TRIAL_WARNING:
        sandbox.tell("customer.subscription.trial_will_end", row)


@action("subscription_incomplete")
def _expire(sandbox: Any, subscription_id: str) -> None:
    row = sandbox.table("subscription").rows.get(subscription_id)
    if row is None or row["status"] != "incomplete":
        return
    with sandbox.edit("subscription", subscription_id, event="customer.subscription.updated"):
        row.update(status="incomplete_expired", ended_at=sandbox.now(), canceled_at=None)
    schedule_ends.subscription_ended(sandbox, row, reason="payment_failed")
    invoice = sandbox.table("invoice").rows.get(row["latest_invoice"])
    if invoice is not None and invoice["status"] == "open":
        invoices.void(sandbox, invoice)


def end(sandbox: Any, subscription_id: str, *, reason: str | None) -> None:
    """Cancel at once."""
    collection.end_subscription(sandbox, subscription_id, reason=reason)
