"""The items of a subscription as requests describe them: checked first, then added, swapped, or removed."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import discounts, prorations
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.billing.money import cost
from tests.sandbox.billing.prices import make as make_price
from tests.sandbox.errors import invalid
from tests.sandbox.resource import merged_metadata
from tests.sandbox.store import Row

MOST = 20
RHYTHM = ("interval", "interval_count")


def check(sandbox: Any, entries: list[Row], *, currency: str | None, subscription: str | None = None) -> str | None:
    """Refuse items that can't be; the currency they share."""
    if len(entries) > MOST:
        raise invalid(f"You can only update up to {MOST} items at a time.", param="items")
    for position, entry in enumerate(entries):
        param = f"items[{position}]"
        if "id" in entry:
            held = sandbox.refer("subscription_item", entry["id"], f"{param}[id]")
            if held["subscription"] != subscription:
                sandbox.refer("subscription_item", "", f"{param}[id]")
        elif "price" not in entry and "price_data" not in entry:
            raise invalid(f"Missing required param: {param}[price].", code="parameter_missing", param=f"{param}[price]")
        currency = _check_price(sandbox, entry, param, currency)
    return currency


def _check_price(sandbox: Any, entry: Row, param: str, currency: str | None) -> str | None:
    if "price_data" in entry:
        described = entry["price_data"]
        sandbox.refer("product", described["product"], f"{param}[price_data][product]")
        code, recurring = described["currency"].lower(), "recurring" in described
    elif "price" in entry:
        price = sandbox.refer("price", entry["price"], f"{param}[price]")
        if not price["active"]:
            message = f"The price specified is inactive. This field only accepts active prices: {price['id']}"
            raise invalid(message, param=f"{param}[price]")
        code, recurring = price["currency"], price["type"] == "recurring"
    else:
        return currency
    if not recurring:
        raise invalid(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=f"{param}[price]",
        )
    if currency is not None and code != currency:
        raise invalid(
            f"The price specified only supports `{code}`. This doesn't match the expected currency: `{currency}`.",
            param=f"{param}[price]",
        )
    return str(code)


def price_of(sandbox: Any, entry: Row) -> Row | None:
    """The price that an entry names or describes."""
    if "price_data" in entry:
        return make_price(sandbox, entry["price_data"], inline=True)
    row: Row | None = sandbox.table("price").rows[entry["price"]] if "price" in entry else None
    return row


def add(sandbox: Any, subscription: Row, entry: Row, *, start: int) -> Row:
    """A new item whose period starts at `start`."""
    price = price_of(sandbox, entry)
    assert price is not None and price["recurring"] is not None
    row: Row = {
        "id": sandbox.new_id("si_", 14),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": sandbox.now(),
        "current_period_end": start,
        "current_period_start": start,
        "discounts": [],
        "metadata": merged_metadata({}, entry.get("metadata", {})),
        "price": price["id"],
        "subscription": subscription["id"],
        "tax_rates": list(entry.get("tax_rates") or []),
    }
    if price["recurring"]["usage_type"] == "licensed":
        row["quantity"] = entry.get("quantity", 1)
    sandbox.insert(row)
    life.set_periods(sandbox, subscription, row, start=start)
    _set_discounts(sandbox, subscription, row, entry)
    return row


def _set_discounts(sandbox: Any, subscription: Row, item: Row, entry: Row) -> None:
    if "discounts" in entry:
        owner = {"customer": subscription["customer"], "subscription": subscription["id"]}
        discounts.replace(sandbox, item, entry["discounts"], **owner, subscription_item=item["id"])


def restarts(sandbox: Any, subscription: Row, entries: list[Row]) -> bool:
    """Whether an `items` parameter begins a new period that is billed at once: a price gets another interval, or what
    cost nothing gets a price."""
    if subscription["status"] in ("trialing", "paused"):
        return False
    rows = sandbox.table("subscription_item").rows
    swaps = [(rows[entry["id"]], price) for entry in entries if "id" in entry and (price := _named(sandbox, entry))]
    old = [sandbox.table("price").rows[item["price"]]["recurring"] for item, _ in swaps]
    new = [price["recurring"] for _, price in swaps]
    if any(before[key] != after[key] for before, after in zip(old, new, strict=True) for key in RHYTHM):
        return True
    held = sandbox.table("subscription_item").where("subscription", subscription["id"])
    free = not any(cost(sandbox, sandbox.table("price").rows[item["price"]], item.get("quantity", 1)) for item in held)
    added = [price for entry in entries if "id" not in entry and (price := _named(sandbox, entry))]
    return free and any(cost(sandbox, price, 1) for price in [*(price for _, price in swaps), *added])


def _named(sandbox: Any, entry: Row) -> Row | None:
    """The terms of the price that an entry names or describes; nothing is made."""
    if "price_data" in entry:
        described = {"billing_scheme": "per_unit", "transform_quantity": None, **entry["price_data"]}
        described["recurring"] = {"interval_count": 1, **described["recurring"]}
        described["unit_amount_decimal"] = described.get("unit_amount_decimal", str(described.get("unit_amount", 0)))
        return described
    row: Row | None = sandbox.table("price").rows[entry["price"]] if "price" in entry else None
    return row


def patch(sandbox: Any, subscription: Row, entries: list[Row], *, prorate: bool, at: int) -> None:
    """Apply an `items` parameter: entries with an id change that item, others add one."""
    for entry in entries:
        if "id" not in entry:
            item = add(sandbox, subscription, entry, start=at)
            if prorate:
                prorations.remaining(sandbox, subscription, item, at)
            continue
        item = sandbox.table("subscription_item").rows[entry["id"]]
        if entry.get("deleted"):
            if prorate:
                prorations.unused(sandbox, subscription, item, at)
            _set_discounts(sandbox, subscription, item, {"discounts": ""})
            sandbox.remove("subscription_item", item["id"], keep=False)
            continue
        _swap(sandbox, subscription, item, entry, prorate=prorate, at=at)


def _swap(sandbox: Any, subscription: Row, item: Row, entry: Row, *, prorate: bool, at: int) -> None:
    if "metadata" in entry:
        item["metadata"] = merged_metadata(item["metadata"], entry["metadata"])
    if "tax_rates" in entry:
        item["tax_rates"] = list(entry["tax_rates"] or [])
    _set_discounts(sandbox, subscription, item, entry)
    price = price_of(sandbox, entry)
    new_price = price["id"] if price else item["price"]
    quantity = entry.get("quantity", item.get("quantity"))
    if new_price == item["price"] and quantity == item.get("quantity"):
        return
    if prorate:
        prorations.unused(sandbox, subscription, item, at)
    item["price"] = new_price
    if quantity is not None:
        item["quantity"] = quantity
    if prorate:
        prorations.remaining(sandbox, subscription, item, at)
    sandbox.table("subscription_item").reindex(item)
