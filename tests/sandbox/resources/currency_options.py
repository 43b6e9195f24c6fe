"""What prices, coupons and promotion codes are in other currencies than their own: `currency_options`. Shown only when
expanded."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing.money import check_currency, check_size
from tests.sandbox.errors import invalid
from tests.sandbox.params import DecimalText, Fields, Int, PerCurrency
from tests.sandbox.resources.shapes import CUSTOM_UNIT_AMOUNT, TAX_BEHAVIOR
from tests.sandbox.store import Row

PRICE = PerCurrency(
    Fields(
        custom_unit_amount=CUSTOM_UNIT_AMOUNT,
        tax_behavior=TAX_BEHAVIOR,
        unit_amount=Int(0),
        unit_amount_decimal=DecimalText(),
    )
)
COUPON = PerCurrency(Fields(amount_off=Int(1, required=True)))
RESTRICTIONS = PerCurrency(Fields(minimum_amount=Int(1)))


def check(options: dict[str, Row] | None, own: str | None, param: str = "currency_options") -> None:
    """Refuse unknown currencies, the object's own, and amounts that are too large."""
    for currency, option in (options or {}).items():
        check_currency(currency)
        if currency == own:
            raise invalid("You can't give options for the default currency.", param=f"{param}[{currency}]")
        for name in ("amount_off", "minimum_amount", "unit_amount"):
            if name in option:
                check_size(option[name], currency, f"{param}[{currency}][{name}]")


def merge(sandbox: Any, row: Row, options: dict[str, Row] | None) -> None:
    """Add and change options; one that is sent empty goes."""
    held: dict[str, Row] = sandbox.table(row["object"]).secret(row["id"]).setdefault("currency_options", {})
    for currency, option in (options or {}).items():
        held[currency] = {**held.get(currency, {}), **option}


def of_price(sandbox: Any, shown: Row) -> dict[str, Row]:
    """A price in every currency, its own too."""
    own = {name: shown[name] for name in ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")}
    return {shown["currency"]: own, **{cur: _priced(option) for cur, option in _held(sandbox, shown).items()}}


def _priced(option: Row) -> Row:
    amount, decimal = option.get("unit_amount"), option.get("unit_amount_decimal")
    custom = option.get("custom_unit_amount")
    asked = custom and custom["enabled"]
    return {
        "custom_unit_amount": {name: custom.get(name) for name in ("maximum", "minimum", "preset")} if asked else None,
        "tax_behavior": option.get("tax_behavior", "unspecified"),
        "unit_amount": amount,
        "unit_amount_decimal": decimal if decimal is not None else None if amount is None else str(amount),
    }


def of_coupon(sandbox: Any, shown: Row) -> dict[str, Row]:
    """The amount that a coupon takes off in each currency."""
    own = {shown["currency"]: {"amount_off": shown["amount_off"]}} if shown["currency"] else {}
    return {**own, **_held(sandbox, shown)}


def of_promotion_code(sandbox: Any, shown: Row) -> dict[str, Row]:
    """The smallest amount in each currency that a code can be used for."""
    limits = shown["restrictions"]
    own = {limits["minimum_amount_currency"]: {"minimum_amount": limits["minimum_amount"]}}
    return {**(own if limits["minimum_amount"] else {}), **_held(sandbox, shown)}


def _held(sandbox: Any, shown: Row) -> dict[str, Row]:
    held: dict[str, Row] = sandbox.table(shown["object"]).private.get(shown["id"], {}).get("currency_options", {})
    return {currency: dict(option) for currency, option in held.items()}
