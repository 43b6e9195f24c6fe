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
from tests.sandbox.resources import currency_options
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
    includes={"restrictions.currency_options": ("", currency_options.of_promotion_code)},
    decorate=_activity,
)
RESTRICTIONS = Fields(
    currency_options=currency_options.RESTRICTIONS,
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
    currency_options.merge(sandbox, row, limits.get("currency_options"))
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
        _check_code(sandbox, params["code"], customer=params.get("customer"))
    _check_ends(sandbox, params, coupon)
    limits = params.get("restrictions", {})
    if ("minimum_amount" in limits) != ("minimum_amount_currency" in limits):
        message = "You must pass minimum_amount and minimum_amount_currency together."
        raise invalid(message, param="restrictions[minimum_amount]")
    if "minimum_amount_currency" in limits:
        check_currency(limits["minimum_amount_currency"])
    own = limits.get("minimum_amount_currency", "").lower()
    currency_options.check(limits.get("currency_options"), own, "restrictions[currency_options]")


def _check_ends(sandbox: Any, params: dict[str, Any], coupon: Row) -> None:
    """A code outlives neither the date of its coupon nor its number of redemptions."""
    if "expires_at" in params and params["expires_at"] <= sandbox.now():
        raise invalid("Invalid timestamp: must be an integer Unix timestamp in the future.", param="expires_at")
    if "expires_at" in params and coupon["redeem_by"] and params["expires_at"] > coupon["redeem_by"]:
        raise invalid("The expiration date can't be later than the coupon's redeem_by.", param="expires_at")
    most, asked = coupon["max_redemptions"], params.get("max_redemptions")
    if most and asked and asked > most:
        raise invalid("The max_redemptions can't be greater than the coupon's.", param="max_redemptions")


def _check_code(sandbox: Any, code: str, *, customer: str | None, own_id: str | None = None) -> None:
    """One active code of these letters for each customer; one for everybody excludes all others."""
    if not CODE.match(code):
        raise invalid("Promotion codes may only contain letters, digits, dashes and underscores.", param="code")
    for other in sandbox.table("promotion_code").rows.values():
        if other["id"] == own_id or other["code"].lower() != code.lower():
            continue
        meets = customer is None or other["customer"] in (None, customer)
        if meets and render(sandbox, other)["active"]:
            raise invalid(
                f"An active promotion code with `code: {code}` already exists.",
                code="resource_already_exists",
                param="code",
            )


def _check_redeemable(sandbox: Any, row: Row) -> None:
    """Only a code that could be redeemed is switched on."""
    _check_code(sandbox, row["code"], customer=row["customer"], own_id=row["id"])
    coupon = sandbox.table("coupon").rows.get(row["promotion"]["coupon"])
    if coupon is None or not render(sandbox, coupon)["valid"]:
        raise invalid("This promotion code cannot be activated: its coupon is not valid.", param="active")
    if row["expires_at"] is not None and row["expires_at"] <= sandbox.now():
        raise invalid("This promotion code cannot be activated: it has expired.", param="active")
    if row["max_redemptions"] is not None and row["times_redeemed"] >= row["max_redemptions"]:
        raise invalid("This promotion code cannot be activated: it is used up.", param="active")


@PROMOTION_CODE.on(
    "POST",
    "/{id}",
    active=Bool(),
    metadata=Metadata(),
    restrictions=Fields(currency_options=currency_options.RESTRICTIONS),
)
def update(sandbox: Any, params: dict[str, Any], code_id: str) -> Row:
    """Switch on or off, or edit the metadata."""
    row: Row = sandbox.fetch("promotion_code", code_id, param="promotion_code")
    if params.get("active") and not render(sandbox, row)["active"]:
        _check_redeemable(sandbox, row)
    options = params.get("restrictions", {}).get("currency_options")
    own = row["restrictions"]["minimum_amount_currency"]
    currency_options.check(options, own, "restrictions[currency_options]")
    currency_options.merge(sandbox, row, options)
    with sandbox.edit("promotion_code", code_id, event="promotion_code.updated"):
        merge(row, params, skip=("restrictions",))
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
