"""When a subscription shall end: set, moved, undone. An end inside a period cuts that period short."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import prorations
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.store import Row


def schedule_end(sandbox: Any, row: Row, params: Row) -> None:
    """`cancel_at_period_end` and `cancel_at` of a request."""
    if "cancel_at_period_end" not in params and "cancel_at" not in params:
        return
    prorate = params.get("proration_behavior") != "none"
    _restore_periods(sandbox, row, prorate=prorate)
    at_period_end = bool(params.get("cancel_at_period_end", False))
    ends = [item["current_period_end"] for item in life.items_of(sandbox, row["id"])]
    wish = params.get("cancel_at") or None
    if at_period_end or wish == "min_period_end":
        wish = min(ends)
    elif wish in ("max_period_end", "max_billed_until"):
        wish = max(ends)
    if wish is None:
        row.update(cancel_at=None, cancel_at_period_end=False, canceled_at=None)
        row["cancellation_details"]["reason"] = None
        return
    row.update(cancel_at=wish, cancel_at_period_end=at_period_end, canceled_at=sandbox.now())
    row["cancellation_details"]["reason"] = "cancellation_requested"
    _cut_periods(sandbox, row, wish, prorate=prorate)


def _cut_periods(sandbox: Any, row: Row, end: int, *, prorate: bool) -> None:
    """Periods don't outlast the subscription; what was billed beyond its end is credited."""
    for item in life.items_of(sandbox, row["id"]):
        if item["current_period_end"] > end:
            if prorate:
                prorations.unused(sandbox, row, item, end)
            cut = {"from": item["current_period_end"], "to": end, "credited": prorate}
            sandbox.table("subscription_item").secret(item["id"])["cut"] = cut
            item["current_period_end"] = end
            sandbox.table("subscription_item").reindex(item)


def _restore_periods(sandbox: Any, row: Row, *, prorate: bool) -> None:
    """The end that cut the periods short is undone: they are whole again, and what was credited is charged."""
    for item in life.items_of(sandbox, row["id"]):
        cut = sandbox.table("subscription_item").secret(item["id"]).pop("cut", None)
        if cut is None or item["current_period_end"] != cut["to"]:
            continue
        item["current_period_end"] = cut["from"]
        sandbox.table("subscription_item").reindex(item)
        if cut["credited"] and prorate:
            prorations.remaining(sandbox, row, item, cut["to"])
