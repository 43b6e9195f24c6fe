"""Scenarios of subscriptions that begin, their discounts and schedules. `scenarios.py` declares them."""

from __future__ import annotations

from typing import Any

from stripe_mirror.models import Discount
from stripe_mirror.pull.fetch import fetch_now
from tests.push import billing
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Made = tuple[Any, dict[str, Any]]


def mirrored(made: dict[str, Any]) -> Any:
    """The row of what Stripe has just answered."""
    return mirror(made["object"], made["id"])


def coupon(stripe: RunningSandbox, **params: Any) -> Any:
    """A mirrored coupon: a quarter off."""
    return mirrored(stripe.post("/v1/coupons", **{"percent_off": 25, "duration": "forever", "name": "Loyal", **params}))


def code(stripe: RunningSandbox, of: Any, **params: Any) -> Any:
    """A mirrored promotion code of a coupon."""
    promotion = {"type": "coupon", "coupon": of.pk}
    return mirrored(stripe.post("/v1/promotion_codes", promotion=promotion, **params))


def subscription(stripe: RunningSandbox, **params: Any) -> Any:
    """A subscription over 29.00 eur a month, ten days old, charged to a card."""
    gold = billing.sold(stripe, mirrored, "Gold")
    row = billing.halfway(stripe, mirrored, gold, **params)
    mirror_discounts(row)
    return row


def mirror_discounts(row: Any) -> list[Discount]:
    """The subscription's discounts, mirrored; they have no address of their own."""
    for id in row.data["discounts"]:
        fetch_now(Discount.kind, id, patient=False, near={"subscription": row.pk})
    return list(Discount.objects.filter(pk__in=row.data["discounts"]))


def schedule(stripe: RunningSandbox, row: Any = None, **update: Any) -> Any:
    """A mirrored schedule that has taken a subscription over."""
    row = row or subscription(stripe)
    made = stripe.post("/v1/subscription_schedules", from_subscription=row.pk)
    if update:
        stripe.post(f"/v1/subscription_schedules/{made['id']}", **update)
    mirror("subscription", row.pk)
    return mirrored(made)


def create_subscription(stripe: RunningSandbox) -> Made:
    """Two of a price, with a card."""
    price = billing.sold(stripe, mirrored, "Gold")
    return mirrored(billing.buyer(stripe)), {"price": price["id"], "quantity": 2}


def apply_discount(stripe: RunningSandbox) -> Made:
    """A coupon beside the one that is there."""
    row = subscription(stripe, discounts=[{"coupon": coupon(stripe).pk}])
    return row, {"coupon": coupon(stripe, name="Friends", percent_off=10).pk}


def remove_discount(stripe: RunningSandbox) -> Made:
    """One of two."""
    coupons = [coupon(stripe, name=name).pk for name in ("Loyal", "Friends")]
    row = subscription(stripe, discounts=[{"coupon": id} for id in coupons])
    return row, {"discount": row.data["discounts"][0]}


def create_schedule(stripe: RunningSandbox) -> Made:
    """With an end, which is a call of its own."""
    return subscription(stripe), {"at_end": "cancel"}


def release_schedule(stripe: RunningSandbox) -> Made:
    """One that would cancel its subscription."""
    return schedule(stripe, end_behavior="cancel"), {}


def cancel_schedule(stripe: RunningSandbox) -> Made:
    """One that runs."""
    return schedule(stripe), {}


ALL = (create_subscription, apply_discount, remove_discount, create_schedule, release_schedule, cancel_schedule)
