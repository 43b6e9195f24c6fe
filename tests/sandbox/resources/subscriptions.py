"""Subscriptions."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cancellations, changes, discounts, pauses, taxes
from tests.sandbox.billing.subscriptions import items_of
from tests.sandbox.expand import nested_list
from tests.sandbox.pages import BOUNDS
from tests.sandbox.params import (
    Bool,
    Enum,
    Fields,
    Int,
    Many,
    Metadata,
    Range,
    Str,
    Timestamp,
)
from tests.sandbox.resource import PAGING, Listing, Plain, Resource
from tests.sandbox.resources.shapes import (
    AUTOMATIC_TAX,
    COLLECTION,
    CUSTOM_FIELDS,
    DISCOUNTS,
    LIABILITY,
    PAYMENT_BEHAVIOR,
    PRICE_DATA,
    PRORATION,
    TAX_RATES,
)
from tests.sandbox.store import Row

SHOWN_ITEMS = 20
STATUSES = (
    "active",
    "all",
    "canceled",
    "ended",
    "incomplete",
    "incomplete_expired",
    "past_due",
    "paused",
    "trialing",
    "unpaid",
)
FEEDBACK = (
    "customer_service",
    "low_quality",
    "missing_features",
    "other",
    "switched_service",
    "too_complex",
    "too_expensive",
    "unused",
)


def _with_items(sandbox: Any, shown: Row) -> None:
    url = f"/v1/subscription_items?subscription={shown['id']}"
    taxes.shown(sandbox, shown, "default_tax_rates")
    shown["items"] = nested_list(sandbox, items_of(sandbox, shown["id"]), url=url, limit=SHOWN_ITEMS)


SUBSCRIPTION = Resource(
    "subscription",
    "sub_",
    "/v1/subscriptions",
    id_length=24,
    indexes=("customer", "status"),
    expands={
        "customer": "customer",
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "latest_invoice": "invoice",
        "application": "",
        "default_source": "",
        "on_behalf_of": "",
        "pending_setup_intent": "",
        "schedule": "subscription_schedule",
        "test_clock": "test_helpers.test_clock",
    },
    embeds={"items.data": "subscription_item"},
    decorate=_with_items,
    clocked=("customer", "test_clock"),
)
ITEM = {
    "discounts": DISCOUNTS,
    "metadata": Metadata(),
    "price": Str(clears=False),
    "price_data": PRICE_DATA,
    "quantity": Int(0),
    "tax_rates": TAX_RATES,
}
CHANGED_ITEM = Fields(ITEM, id=Str(clears=False), deleted=Bool(), clear_usage=Bool())
CANCELLATION = Fields(comment=Str(), feedback=Enum(*FEEDBACK, clears=True), feedback_option=Str())
BOTH = {
    "automatic_tax": AUTOMATIC_TAX,
    "cancel_at_period_end": Bool(),
    "collection_method": COLLECTION,
    "days_until_due": Int(0),
    "default_payment_method": Str(),
    "default_tax_rates": TAX_RATES,
    "description": Str(500),
    "discounts": DISCOUNTS,
    "invoice_settings": Fields(custom_fields=CUSTOM_FIELDS, description=Str(1500), footer=Str(), issuer=LIABILITY),
    "metadata": Metadata(),
    "off_session": Bool(),
    "payment_behavior": PAYMENT_BEHAVIOR,
    "payment_settings": Fields(
        payment_method_types=Many(Str(), clears=True), save_default_payment_method=Enum("off", "on_subscription")
    ),
    "proration_behavior": PRORATION,
    "trial_from_plan": Bool(),
    "trial_settings": Fields(
        end_behavior=Fields(
            missing_payment_method=Enum("cancel", "create_invoice", "pause", required=True), required=True
        )
    ),
}
CANCEL_WORDS = ("max_billed_until", "max_period_end", "min_period_end")
# Only what the mirror and its tests need of these; Stripe knows more of them.
BILLING_MODE = Fields(
    flexible=Fields(proration_discounts=Enum("included", "itemized")), type=Enum("classic", "flexible", required=True)
)

PAUSE = {
    "bill_for": Fields(
        outstanding_usage_through=Fields(type=Enum("none", "now", required=True)),
        unused_time_from=Fields(type=Enum("item_current_period_start", "none", "now", required=True)),
    ),
    "invoicing_behavior": Enum("invoice", "pending_invoice_item"),
    "type": Enum("subscription"),
}


@SUBSCRIPTION.on(
    "POST",
    **BOTH,
    backdate_start_date=Timestamp(),
    billing_cycle_anchor=Timestamp(),
    billing_mode=BILLING_MODE,
    cancel_at=Timestamp(words=CANCEL_WORDS),
    currency=Str(),
    customer=Str(clears=False, required=True),
    items=Many(Fields(ITEM), most=20),
    trial_end=Timestamp(words=("now",)),
    trial_period_days=Int(0),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create."""
    return changes.create(sandbox, params)


@SUBSCRIPTION.on(
    "POST",
    "/{id}",
    **BOTH,
    billing_cycle_anchor=Enum("now", "unchanged"),
    cancel_at=Timestamp(words=CANCEL_WORDS, clears=True),
    cancellation_details=CANCELLATION,
    items=Many(CHANGED_ITEM, most=20),
    pause_collection=Fields(
        behavior=Enum("keep_as_draft", "mark_uncollectible", "void", required=True),
        resumes_at=Timestamp(),
        clears=True,
    ),
    proration_date=Timestamp(),
    trial_end=Timestamp(words=("now",)),
)
def update(sandbox: Any, params: dict[str, Any], subscription_id: str) -> Row:
    """Edit."""
    return changes.update(sandbox, subscription_id, params)


@SUBSCRIPTION.on("DELETE", "/{id}", cancellation_details=CANCELLATION, invoice_now=Bool(), prorate=Bool())
def cancel(sandbox: Any, params: dict[str, Any], subscription_id: str) -> Row:
    """Cancel now."""
    return cancellations.cancel(sandbox, subscription_id, params)


@SUBSCRIPTION.on("POST", "/{id}/pause", **PAUSE)
def pause(sandbox: Any, params: dict[str, Any], subscription_id: str) -> Row:
    """Stop service and invoices."""
    return pauses.pause(sandbox, subscription_id, params)


@SUBSCRIPTION.on(
    "POST",
    "/{id}/resume",
    billing_cycle_anchor=Enum("now", "unchanged"),
    payment_behavior=Enum("resume_on_payment_attempt", "resume_on_payment_success"),
    proration_behavior=PRORATION,
    proration_date=Timestamp(),
)
def resume(sandbox: Any, params: dict[str, Any], subscription_id: str) -> Row:
    """Go on after a pause."""
    return pauses.resume(sandbox, subscription_id, params)


@SUBSCRIPTION.on(
    "POST",
    "/{id}/migrate",
    billing_mode=Fields(
        flexible=Fields(proration_discounts=Enum("included", "itemized")),
        type=Enum("flexible", required=True),
        required=True,
    ),
)
def migrate(sandbox: Any, params: dict[str, Any], subscription_id: str) -> Row:
    """From classic to flexible billing; there is no way back."""
    return changes.migrate(sandbox, subscription_id, params["billing_mode"])


@SUBSCRIPTION.on("DELETE", "/{id}/discount")
def delete_discount(sandbox: Any, params: dict[str, Any], subscription_id: str) -> Plain:
    """Take the discount off."""
    return Plain(discounts.take_from_subscription(sandbox, subscription_id))


@SUBSCRIPTION.on(
    "GET",
    **{
        **PAGING,
        "automatic_tax": Fields(enabled=Bool(required=True)),
        "collection_method": COLLECTION,
        "created": Range(),
        "current_period_end": Range(),
        "current_period_start": Range(),
        "customer": Str(),
        "price": Str(),
        "status": Enum(*STATUSES),
        "test_clock": Str(),
    },
)
def listing(sandbox: Any, params: dict[str, Any]) -> Listing:
    """List; without `status` those that are canceled are left out."""
    status = params.pop("status", None)
    price = params.pop("price", None)
    periods = {key: params.pop(key) for key in ("current_period_start", "current_period_end") if key in params}
    if status not in (None, "all", "ended"):
        params["status"] = status

    def wanted(row: Row) -> bool:
        if status is None and row["status"] == "canceled":
            return False
        if status == "ended" and row["status"] not in ("canceled", "incomplete_expired"):
            return False
        return not (price or periods) or any(_fits(item, price, periods) for item in items_of(sandbox, row["id"]))

    page: Listing = sandbox.page("subscription", params, where=wanted)
    return page


def _fits(item: Row, price: str | None, periods: dict[str, dict[str, int]]) -> bool:
    if price is not None and item["price"] != price:
        return False
    for name, bounds in periods.items():
        for bound, value in bounds.items():
            if not BOUNDS[bound](item[name], value):
                return False
    return True


SUBSCRIPTION.reads()
