"""Scenarios of the catalog's discounts and taxes: coupons, promotion codes, tax rates. `scenarios.py` declares them."""

from __future__ import annotations

from typing import Any

from stripe_mirror.push.operation import get_operation
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Made = tuple[Any, dict[str, Any]]


def coupon(stripe: RunningSandbox, **params: Any) -> Any:
    """A mirrored coupon."""
    made = stripe.post("/v1/coupons", **{"percent_off": 25, "duration": "forever", "name": "Loyal", **params})
    return mirror("coupon", made["id"])


def promotion_code(stripe: RunningSandbox, *, of: Any = None, **params: Any) -> Any:
    """A mirrored promotion code of a mirrored coupon."""
    promotion = {"type": "coupon", "coupon": (of or coupon(stripe)).pk}
    return mirror("promotion_code", stripe.post("/v1/promotion_codes", promotion=promotion, **params)["id"])


def tax_rate(stripe: RunningSandbox, **params: Any) -> Any:
    """A mirrored tax rate."""
    described = {"display_name": "VAT", "percentage": 19, "inclusive": False, "country": "DE", "tax_type": "vat"}
    return mirror("tax_rate", stripe.post("/v1/tax_rates", **{**described, **params})["id"])


def create_coupon(stripe: RunningSandbox) -> Made:
    """Half off, for three months."""
    values = {"percent_off": "50", "duration": "repeating", "duration_in_months": 3, "name": "Half"}
    return get_operation("create_coupon").new_row(), values


def edit_coupon(stripe: RunningSandbox) -> Made:
    """Another name."""
    return coupon(stripe), {"name": "For friends"}


def delete_stripe_coupon(stripe: RunningSandbox) -> Made:
    """With a code."""
    row = coupon(stripe)
    promotion_code(stripe, of=row)
    return row, {}


def create_promotion_code(stripe: RunningSandbox) -> Made:
    """Stripe makes up its letters."""
    return coupon(stripe), {"minimum_amount": "20.00", "minimum_amount_currency": "usd"}


def deactivate_promotion_code(stripe: RunningSandbox) -> Made:
    """One that works."""
    return promotion_code(stripe), {}


def reactivate_promotion_code(stripe: RunningSandbox) -> Made:
    """One that was switched off."""
    return promotion_code(stripe, active=False), {}


def create_tax_rate(stripe: RunningSandbox) -> Made:
    """As in Austin."""
    values = {"display_name": "Sales tax", "percentage": "8.25", "country": "US", "state": "TX"}
    return get_operation("create_tax_rate").new_row(), {**values, "tax_type": "sales_tax"}


def edit_tax_rate(stripe: RunningSandbox) -> Made:
    """Another name."""
    return tax_rate(stripe), {"display_name": "MwSt."}


def archive_tax_rate(stripe: RunningSandbox) -> Made:
    """One that is in use."""
    return tax_rate(stripe), {}


def unarchive_tax_rate(stripe: RunningSandbox) -> Made:
    """One that was archived."""
    return tax_rate(stripe, active=False), {}


ALL = (
    create_coupon,
    edit_coupon,
    delete_stripe_coupon,
    create_promotion_code,
    deactivate_promotion_code,
    reactivate_promotion_code,
    create_tax_rate,
    edit_tax_rate,
    archive_tax_rate,
    unarchive_tax_rate,
)
