"""Coupons: a name for a discount; what was made from one outlives it."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing.money import check_currency, check_size
from tests.sandbox.errors import invalid
from tests.sandbox.params import Enum, Fields, Float, Int, Many, Metadata, Range, Str, Timestamp
from tests.sandbox.resource import Plain, Resource, merge
from tests.sandbox.resources import currency_options
from tests.sandbox.store import Row

LATEST_SECONDS = 5 * 366 * 24 * 3600


def _applies_to(sandbox: Any, shown: Row) -> dict[str, Any]:
    return {"products": sandbox.table("coupon").private.get(shown["id"], {}).get("products", [])}


def _validity(sandbox: Any, shown: Row) -> None:
    expired = shown["redeem_by"] is not None and shown["redeem_by"] <= sandbox.now()
    used_up = shown["max_redemptions"] is not None and shown["times_redeemed"] >= shown["max_redemptions"]
    shown["valid"] = shown["valid"] and not expired and not used_up


COUPON = Resource(
    "coupon",
    "",
    "/v1/coupons",
    includes={"applies_to": ("", _applies_to), "currency_options": ("", currency_options.of_coupon)},
    decorate=_validity,
)


@COUPON.on(
    "POST",
    amount_off=Int(1),
    applies_to=Fields(products=Many(Str())),
    currency=Str(clears=False),
    currency_options=currency_options.COUPON,
    duration=Enum("forever", "once", "repeating"),
    duration_in_months=Int(1),
    id=Str(clears=False),
    max_redemptions=Int(1),
    metadata=Metadata(),
    name=Str(40),
    percent_off=Float(),
    redeem_by=Timestamp(),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create."""
    _check(sandbox, params)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    row: Row = {
        "id": params.get("id") or "".join(sandbox.random.choices(letters, k=8)),
        "object": "coupon",
        "amount_off": params.get("amount_off"),
        "created": sandbox.now(),
        "currency": params["currency"].lower() if "amount_off" in params else None,
        "duration": params.get("duration", "once"),
        "duration_in_months": params.get("duration_in_months"),
        "livemode": sandbox.livemode,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": {},
        "name": params.get("name") or None,
        "percent_off": params.get("percent_off"),
        "redeem_by": params.get("redeem_by"),
        "times_redeemed": 0,
        "valid": True,
    }
    merge(row, {"metadata": params.get("metadata", {})})
    sandbox.insert(row)
    if "applies_to" in params:
        sandbox.table("coupon").secret(row["id"])["products"] = params["applies_to"]["products"]
    currency_options.merge(sandbox, row, params.get("currency_options"))
    sandbox.tell("coupon.created", row)
    return row


def _check(sandbox: Any, params: dict[str, Any]) -> None:
    if params.get("id") in sandbox.table("coupon").rows:
        raise invalid("Coupon already exists.", code="resource_already_exists", param="id")
    if ("percent_off" in params) == ("amount_off" in params):
        raise invalid("You must pass either percent_off or amount_off, and not both.", param="percent_off")
    if "percent_off" in params and not 0 < params["percent_off"] <= 100:
        raise invalid("Invalid percent_off: must be greater than 0 and at most 100.", param="percent_off")
    if "amount_off" in params:
        if "currency" not in params:
            message = "You must pass currency when passing amount_off"
            raise invalid(message, code="parameter_missing", param="currency")
        check_size(params["amount_off"], check_currency(params["currency"]), "amount_off")
    repeating = params.get("duration") == "repeating"
    if repeating != ("duration_in_months" in params):
        message = "You must pass duration_in_months when, and only when, duration is repeating."
        raise invalid(message, param="duration_in_months")
    _check_limits(sandbox, params)


def _check_limits(sandbox: Any, params: dict[str, Any]) -> None:
    if "redeem_by" in params and params["redeem_by"] <= sandbox.now():
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", param="redeem_by")
    if "redeem_by" in params and params["redeem_by"] > sandbox.now() + LATEST_SECONDS:
        raise invalid("Invalid timestamp: can be no more than five years in the future.", param="redeem_by")
    for position, product in enumerate(params.get("applies_to", {}).get("products", [])):
        sandbox.refer("product", product, f"applies_to[products][{position}]")
    if "currency_options" in params and "amount_off" not in params:
        raise invalid("You can only pass currency_options when passing amount_off.", param="currency_options")
    currency_options.check(params.get("currency_options"), params.get("currency", "").lower())


@COUPON.on("POST", "/{id}", currency_options=currency_options.COUPON, metadata=Metadata(), name=Str(40))
def update(sandbox: Any, params: dict[str, Any], coupon_id: str) -> Row:
    """Edit what may change: the name and the metadata."""
    row: Row = sandbox.fetch("coupon", coupon_id, param="coupon")
    if "currency_options" in params and row["amount_off"] is None:
        raise invalid("A coupon of a percentage has no currency_options.", param="currency_options")
    currency_options.check(params.get("currency_options"), row["currency"])
    currency_options.merge(sandbox, row, params.get("currency_options"))
    with sandbox.edit("coupon", coupon_id, event="coupon.updated"):
        merge(row, params, skip=("currency_options",))
    return row


@COUPON.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], coupon_id: str) -> Plain:
    """Delete; discounts that exist live on, promotion codes stop working."""
    row = sandbox.fetch("coupon", coupon_id, param="coupon")
    for code in sandbox.table("promotion_code").where("promotion.coupon", coupon_id):
        with sandbox.edit("promotion_code", code["id"], event="promotion_code.updated"):
            code["active"] = False
    row["valid"] = False
    sandbox.remove("coupon", coupon_id, event="coupon.deleted")
    return Plain(COUPON.stub(coupon_id))


COUPON.lists(created=Range())
COUPON.reads()
