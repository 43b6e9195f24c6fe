"""Promotion codes: what customers type to get a coupon. They can be switched off, never deleted."""

from __future__ import annotations

import re
import string
from typing import Any

from tests.sandbox.billing.money import check_currency
from tests.sandbox.errors import invalid
from tests.sandbox.expand import render
from tests.sandbox.params import Bool, Enum, Fields, Int, Metadata, Range, Str, Timestamp
from tests.sandbox.resource import PAGING, Listing, Resource, merge
from tests.sandbox.store import Row

CODE = re.compile(r"^[A-Za-z0-9_-]+$")
CODE_LENGTH = 8


def _activity(sandbox: Any, shown: Row) -> None:
    """A code works only while it is on, neither used up nor expired, and its coupon is valid."""
    coupon = sandbox.table("coupon").rows.get(shown["promotion"]["coupon"])
    expired = shown["expires_at"] is not None and shown["expires_at"] <= sandbox.now()
    used_up = shown["max_redemptions"] is not None and shown["times_redeemed"] >= shown["max_redemptions"]
    shown["active"] = bool(
        shown["active"] and coupon and render(sandbox, coupon)["valid"] and not expired and not used_up
    )


PROMOTION_CODE = Resource(
    "promotion_code",
    "promo_",
    "/v1/promotion_codes",
    id_length=24,
    noun="promotion code",
    indexes=("customer", "promotion.coupon"),
    expands={"customer": "customer", "promotion.coupon": "coupon"},
    decorate=_activity,
)
RESTRICTIONS = Fields(
    first_time_transaction=Bool(),
    minimum_amount=Int(1),
    minimum_amount_currency=Str(clears=False),
)


@PROMOTION_CODE.on(
    "POST",
    active=Bool(),
    code=Str(500, clears=False),
    customer=Str(clears=False),
    expires_at=Timestamp(),
    max_redemptions=Int(1),
    metadata=Metadata(),
    promotion=Fields(coupon=Str(clears=False), type=Enum("coupon", required=True), required=True),
    restrictions=RESTRICTIONS,
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create; without a code Stripe invents one."""
    _check(sandbox, params)
    letters = string.ascii_uppercase + string.digits
    limits = params.get("restrictions", {})
    row: Row = {
        "id": sandbox.new_id("promo_", 24),
        "object": "promotion_code",
        "active": params.get("active", True),
        "code": params.get("code") or "".join(sandbox.random.choices(letters, k=CODE_LENGTH)),
        "created": sandbox.now(),
        "customer": params.get("customer"),
        "customer_account": None,
        "expires_at": params.get("expires_at"),
        "livemode": sandbox.livemode,
        "max_redemptions": params.get("max_redemptions"),
        "metadata": {},
        "promotion": {"coupon": params["promotion"]["coupon"], "type": "coupon"},
        "restrictions": {
            "first_time_transaction": limits.get("first_time_transaction", False),
            "minimum_amount": limits.get("minimum_amount"),
            "minimum_amount_currency": limits.get("minimum_amount_currency"),
        },
        "times_redeemed": 0,
    }
    merge(row, {"metadata": params.get("metadata", {})})
    sandbox.insert(row, event="promotion_code.created")
    return row


def _check(sandbox: Any, params: dict[str, Any]) -> None:
    coupon_id = params["promotion"].get("coupon")
    if coupon_id is None:
        name = "promotion[coupon]"
        raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
    coupon = sandbox.refer("coupon", coupon_id, "promotion[coupon]")
    if not render(sandbox, coupon)["valid"]:
        raise invalid(f"Coupon expired: {coupon_id}", code="coupon_expired", param="promotion[coupon]")
    if "customer" in params:
        sandbox.refer("customer", params["customer"], "customer")
    if "code" in params:
        _check_code(sandbox, params["code"])
    if "expires_at" in params and params["expires_at"] <= sandbox.now():
        raise invalid("Invalid timestamp: must be in the future.", param="expires_at")
    limits = params.get("restrictions", {})
    if ("minimum_amount" in limits) != ("minimum_amount_currency" in limits):
        message = "You must pass minimum_amount and minimum_amount_currency together."
        raise invalid(message, param="restrictions[minimum_amount]")
    if "minimum_amount_currency" in limits:
        check_currency(limits["minimum_amount_currency"])


def _check_code(sandbox: Any, code: str, *, own_id: str | None = None) -> None:
    if not CODE.match(code):
        raise invalid("Promotion codes may only contain letters, digits, dashes and underscores.", param="code")
    for other in sandbox.table("promotion_code").rows.values():
        if other["id"] != own_id and other["code"].lower() == code.lower() and render(sandbox, other)["active"]:
            raise invalid(
                f"An active promotion code with `code: {code}` already exists.",
                code="resource_already_exists",
                param="code",
            )


@PROMOTION_CODE.on("POST", "/{id}", active=Bool(), metadata=Metadata())
def update(sandbox: Any, params: dict[str, Any], code_id: str) -> Row:
    """Switch on or off, or edit the metadata."""
    row: Row = sandbox.fetch("promotion_code", code_id, param="promotion_code")
    if params.get("active") and not row["active"]:
        _check_code(sandbox, row["code"], own_id=code_id)
        if row["promotion"]["coupon"] not in sandbox.table("coupon").rows:
            raise invalid("This promotion code cannot be activated: its coupon was deleted.", param="active")
    with sandbox.edit("promotion_code", code_id, event="promotion_code.updated"):
        merge(row, params)
    return row


@PROMOTION_CODE.on(
    "GET",
    **{**PAGING, "active": Bool(), "code": Str(), "coupon": Str(), "created": Range(), "customer": Str()},
)
def listing(sandbox: Any, params: dict[str, Any]) -> Listing:
    """List; a code is found however its letters are cased."""
    active, code = params.pop("active", None), params.pop("code", "").lower()

    def wanted(row: Row) -> bool:
        if code and row["code"].lower() != code:
            return False
        return active is None or render(sandbox, row)["active"] == active

    columns = {"coupon": "promotion.coupon"}
    page: Listing = sandbox.page("promotion_code", params, where=wanted, columns=columns)
    return page


PROMOTION_CODE.reads()
