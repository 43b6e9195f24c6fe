"""Making a price: from the price and product endpoints, and inline from `price_data`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.billing.money import check_currency, check_size
from tests.sandbox.errors import invalid
from tests.sandbox.store import Row


def make(sandbox: Any, params: dict[str, Any], *, inline: bool = False) -> Row:
    """A new price from its parameters; an inline one (of `price_data`) is never listed."""
    sandbox.refer("product", params["product"], "product")
    currency = check_currency(params["currency"])
    decimal = params.get("unit_amount_decimal")
    amount = params.get("unit_amount")
    if amount is None and decimal is not None and Decimal(decimal) == int(Decimal(decimal)):
        amount = int(Decimal(decimal))
    if amount is None and decimal is None and not {"tiers", "custom_unit_amount"} & set(params):
        message = "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set."
        raise invalid(message, code="parameter_missing", param="unit_amount")
    if amount is not None:
        check_size(amount, currency, "unit_amount")
    row: Row = {
        "id": sandbox.new_id("price_", 24),
        "object": "price",
        "active": params.get("active", True),
        "billing_scheme": params.get("billing_scheme", "per_unit"),
        "created": sandbox.now(),
        "currency": currency,
        "custom_unit_amount": _custom(params.get("custom_unit_amount")),
        "livemode": sandbox.livemode,
        "lookup_key": None,
        "metadata": params.get("metadata") or {},
        "nickname": params.get("nickname") or None,
        "product": params["product"],
        "recurring": _recurring(params.get("recurring")),
        "tax_behavior": params.get("tax_behavior", "unspecified"),
        "tiers_mode": params.get("tiers_mode"),
        "transform_quantity": params.get("transform_quantity"),
        "type": "recurring" if "recurring" in params else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": decimal if decimal is not None else None if amount is None else str(amount),
    }
    give_lookup_key(sandbox, row, params)
    sandbox.insert(row, event="price.created", hidden=inline)
    if "tiers" in params:
        sandbox.table("price").secret(row["id"])["tiers"] = [_tier(tier) for tier in params["tiers"]]
    return row


def _custom(asked: dict[str, Any] | None) -> dict[str, Any] | None:
    if not asked or not asked["enabled"]:
        return None
    return {key: asked.get(key) for key in ("maximum", "minimum", "preset")}


def _recurring(asked: dict[str, Any] | None) -> dict[str, Any] | None:
    if asked is None:
        return None
    return {
        "interval": asked["interval"],
        "interval_count": asked.get("interval_count", 1),
        "meter": asked.get("meter") or None,
        "usage_type": asked.get("usage_type", "licensed"),
    }


def _tier(tier: dict[str, Any]) -> dict[str, Any]:
    def both(name: str) -> tuple[int | None, str | None]:
        amount, decimal = tier.get(name), tier.get(f"{name}_decimal")
        return amount, decimal if decimal is not None else None if amount is None else str(amount)

    flat, flat_decimal = both("flat_amount")
    unit, unit_decimal = both("unit_amount")
    return {
        "flat_amount": flat,
        "flat_amount_decimal": flat_decimal,
        "unit_amount": unit,
        "unit_amount_decimal": unit_decimal,
        "up_to": None if tier["up_to"] == "inf" else int(tier["up_to"]),
    }


def give_lookup_key(sandbox: Any, row: Row, params: dict[str, Any]) -> None:
    """Give the lookup key; another active price loses it first when it is transferred."""
    key = params.get("lookup_key")
    if not key:
        row["lookup_key"] = None if key == "" else row["lookup_key"]
        return
    for holder in list(sandbox.table("price").where("lookup_key", key)):
        if holder["id"] == row["id"]:
            return
        if not params.get("transfer_lookup_key"):
            raise invalid(
                f"A price (`{holder['id']}`) already uses that lookup key.",
                code="resource_already_exists",
                param="lookup_key",
            )
        with sandbox.edit("price", holder["id"], event="price.updated") as loser:
            loser["lookup_key"] = None
    row["lookup_key"] = key
