"""Subscription schedules: subscriptions that change by plan."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import schedules
from tests.sandbox.params import Bool, Enum, Fields, Int, Many, Metadata, Range, Str, Timestamp
from tests.sandbox.resource import PAGING, Listing, Resource
from tests.sandbox.resources.shapes import COLLECTION, DISCOUNTS, INTERVALS, PRICE_DATA, PRORATION
from tests.sandbox.store import Row

SCHEDULE = Resource(
    "subscription_schedule",
    "sub_sched_",
    "/v1/subscription_schedules",
    id_length=24,
    indexes=("customer", "subscription"),
    expands={
        "application": "",
        "customer": "customer",
        "default_settings.default_payment_method": "payment_method",
        "phases.default_payment_method": "payment_method",
        "phases.discounts.coupon": "coupon",
        "phases.discounts.discount": "discount",
        "phases.discounts.promotion_code": "promotion_code",
        "phases.items.price": "price",
        "subscription": "subscription",
        "test_clock": "test_helpers.test_clock",
    },
    clocked=("customer",),
)
ANCHOR = Enum("automatic", "phase_start")
ENDS = Enum("cancel", "release")
ITEM = Fields(metadata=Metadata(), price=Str(clears=False), price_data=PRICE_DATA, quantity=Int(0))
PHASE = {
    "billing_cycle_anchor": ANCHOR,
    "collection_method": COLLECTION,
    "default_payment_method": Str(),
    "description": Str(),
    "discounts": DISCOUNTS,
    "duration": Fields(interval=Enum(*INTERVALS, required=True), interval_count=Int(1)),
    "invoice_settings": Fields(days_until_due=Int(0)),
    "items": Many(ITEM, most=20, required=True),
    "metadata": Metadata(),
    "proration_behavior": PRORATION,
    "trial": Bool(),
    "trial_end": Timestamp(),
}
BOTH = {
    "default_settings": Fields(
        billing_cycle_anchor=ANCHOR,
        collection_method=COLLECTION,
        default_payment_method=Str(),
        description=Str(),
        invoice_settings=Fields(days_until_due=Int(0)),
    ),
    "end_behavior": ENDS,
    "metadata": Metadata(),
}


@SCHEDULE.on(
    "POST",
    **BOTH,
    customer=Str(clears=False),
    from_subscription=Str(clears=False),
    phases=Many(Fields(PHASE, end_date=Timestamp()), most=10),
    start_date=Timestamp(words=("now",)),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create, from a subscription or with phases."""
    return schedules.create(sandbox, params)


@SCHEDULE.on(
    "POST",
    "/{id}",
    **BOTH,
    phases=Many(Fields(PHASE, end_date=Timestamp(words=("now",)), start_date=Timestamp(words=("now",))), most=10),
    proration_behavior=PRORATION,
)
def update(sandbox: Any, params: dict[str, Any], schedule_id: str) -> Row:
    """Change what is planned."""
    return schedules.update(sandbox, _row(sandbox, schedule_id), params)


def _row(sandbox: Any, schedule_id: str) -> Row:
    row: Row = sandbox.fetch("subscription_schedule", schedule_id, param="schedule")
    return row


@SCHEDULE.on("POST", "/{id}/cancel", invoice_now=Bool(), prorate=Bool())
def cancel(sandbox: Any, params: dict[str, Any], schedule_id: str) -> Row:
    """Cancel with its subscription; unlike there, what is left over is credited and billed unless it is declined."""
    how = {name: params.get(name, True) for name in ("invoice_now", "prorate")}
    return schedules.cancel(sandbox, _row(sandbox, schedule_id), **how)


@SCHEDULE.on("POST", "/{id}/release", preserve_cancel_date=Bool())
def release(sandbox: Any, params: dict[str, Any], schedule_id: str) -> Row:
    """Let the subscription go on by itself."""
    keep = params.get("preserve_cancel_date", False)
    return schedules.release(sandbox, _row(sandbox, schedule_id), preserve_cancel_date=keep)


@SCHEDULE.on(
    "GET",
    **{
        **PAGING,
        "canceled_at": Range(),
        "completed_at": Range(),
        "created": Range(),
        "customer": Str(),
        "released_at": Range(),
        "scheduled": Bool(),
    },
)
def listing(sandbox: Any, params: dict[str, Any]) -> Listing:
    """List; `scheduled` are those that have not started."""
    scheduled = params.pop("scheduled", None)
    page: Listing = sandbox.page(
        "subscription_schedule",
        params,
        where=lambda row: scheduled is None or scheduled == (row["status"] == "not_started"),
    )
    return page


SCHEDULE.reads()
