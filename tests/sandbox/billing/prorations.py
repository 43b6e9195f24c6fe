"""Prorations: what is credited and charged when a subscription changes inside a period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from tests.sandbox.billing import lines
from tests.sandbox.billing.discounts import amounts, for_invoice, still_valid
from tests.sandbox.billing.money import cost, rounded
from tests.sandbox.billing.periods import around
from tests.sandbox.store import Row

UNPAID_TIME = ("trialing", "paused")


def add_item(sandbox: Any, *, customer: str, amount: int, currency: str, **values: Any) -> Row:
    """A pending invoice item."""
    row: Row = {
        "id": sandbox.new_id("ii_", 24),
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer,
        "customer_account": None,
        "date": sandbox.now(),
        "description": None,
        "discountable": True,
        "discounts": [],
        "invoice": None,
        "livemode": sandbox.livemode,
        "metadata": {},
        "net_amount": amount,
        "parent": None,
        "period": {"end": sandbox.now(), "start": sandbox.now()},
        "pricing": None,
        "proration": False,
        "quantity": 1,
        "quantity_decimal": "1",
        "tax_rates": [],
        "test_clock": sandbox.table("customer").rows[customer]["test_clock"],
    }
    row.update(values)
    row["quantity_decimal"] = str(row["quantity"])
    sandbox.insert(row, event="invoiceitem.created")
    return row


def unused(sandbox: Any, subscription: Row, item: Row, at: int, *, until: int | None = None) -> None:
    """Credit the rest of an item's period: the same share of what was billed for it, net of its discounts."""
    start, end = item["current_period_start"], until or item["current_period_end"]
    at = max(at, start)
    if subscription["status"] in UNPAID_TIME or end <= at:
        return
    net, billed_from, billed_until, source = _billed(sandbox, subscription, item)
    share = Decimal(end - at) / Decimal(billed_until - billed_from)
    _write(sandbox, subscription, item, "Unused", -net * share, {"end": end, "start": at}, credited=source)


def remaining(sandbox: Any, subscription: Row, item: Row, at: int, *, until: int | None = None) -> None:
    """Charge the rest of an item's period, less the subscription's discounts."""
    start, end = item["current_period_start"], until or item["current_period_end"]
    at = max(at, start)
    if subscription["status"] in UNPAID_TIME or end <= at:
        return
    first, last = whole_period(sandbox, subscription, item, at)
    share = Decimal(end - at) / Decimal(last - first)
    charged = _net_cost(sandbox, subscription, item) * share
    _write(sandbox, subscription, item, "Remaining", charged, {"end": end, "start": at})


def whole_period(sandbox: Any, subscription: Row, item: Row, at: int) -> tuple[int, int]:
    """The period of an item's price around `at`, as the subscription's anchor cuts time."""
    every = sandbox.table("price").rows[item["price"]]["recurring"]
    return around(subscription["billing_cycle_anchor"], every["interval"], every["interval_count"], at)


def _billed(sandbox: Any, subscription: Row, item: Row) -> tuple[int, int, int, Row | None]:
    """What was last billed for an item, net of discounts, the time that it was for, and the line that it stood on."""
    for amount, period, line in _debits(sandbox, subscription, item):
        if period["start"] < item["current_period_end"] <= period["end"]:
            return amount, period["start"], period["end"], line
    first, last = whole_period(sandbox, subscription, item, item["current_period_start"])
    return _net_cost(sandbox, subscription, item), first, last, None


def _debits(sandbox: Any, subscription: Row, item: Row) -> Iterator[tuple[int, Row, Row | None]]:
    """The charges for an item, the newest first: those that are pending, then those on invoices."""
    for pending in reversed(sandbox.table("invoiceitem").where("customer", subscription["customer"])):
        owner = (pending["parent"] or {}).get("subscription_details") or {}
        if pending["invoice"] is None and pending["amount"] > 0 and owner.get("subscription_item") == item["id"]:
            yield pending["amount"], pending["period"], None
    table = sandbox.table("invoice")
    for invoice in reversed(table.where("parent.subscription_details.subscription", subscription["id"])):
        for line in reversed(sandbox.table("line_item").where("invoice", invoice["id"])):
            details = line["parent"]["subscription_item_details"] or {}
            if line["amount"] > 0 and details.get("subscription_item") == item["id"]:
                yield line["amount"] - sum(taken["amount"] for taken in line["discount_amounts"]), line["period"], line


def _net_cost(sandbox: Any, subscription: Row, item: Row) -> int:
    """What a whole period of an item costs now, less its part of the subscription's discounts."""
    held = sandbox.table("subscription_item").where("subscription", subscription["id"])
    pretended = [_pretend(sandbox, other) for other in held]
    amounts(sandbox, pretended, for_invoice(sandbox, subscription), subscription["currency"])
    mine = next(line for line in pretended if line["id"] == item["id"])
    return int(mine["amount"] - sum(taken["amount"] for taken in mine["discount_amounts"]))


def _pretend(sandbox: Any, item: Row) -> Row:
    price = sandbox.table("price").rows[item["price"]]
    full, held = cost(sandbox, price, item.get("quantity", 1)), still_valid(sandbox, item["discounts"])
    return {"id": item["id"], "amount": full, "discountable": True, "pricing": lines.pricing(price), "discounts": held}


def _credited(line: Row | None) -> Row | None:
    if line is None:
        return None
    details = {"invoice": line["invoice"], "invoice_line_items": [line["id"]]}
    return {"invoice_line_item_details": details, "type": "invoice_line_items"}


def _write(
    sandbox: Any,
    subscription: Row,
    item: Row,
    verb: str,
    amount: Decimal,
    period: Row,
    *,
    credited: Row | None = None,
) -> None:
    price, quantity = sandbox.table("price").rows[item["price"]], item.get("quantity", 1)
    name = lines.product_name(sandbox, price)
    since = datetime.fromtimestamp(period["start"], UTC).strftime("%d %b %Y")
    add_item(
        sandbox,
        customer=subscription["customer"],
        amount=rounded(amount, price["currency"], ROUND_FLOOR),
        currency=price["currency"],
        description=f"{verb} time on {f'{quantity} × ' if quantity != 1 else ''}{name} after {since}",
        discountable=False,
        parent={
            "subscription_details": {"subscription": subscription["id"], "subscription_item": item["id"]},
            "type": "subscription_details",
        },
        period=period,
        pricing=lines.pricing(price),
        proration=True,
        proration_details={"credited_items": _credited(credited), "discount_amounts": []},
        quantity=quantity,
        tax_rates=list(item["tax_rates"]),
    )
