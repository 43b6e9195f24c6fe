"""Prorations: what is credited and charged when a subscription changes inside a period."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import Any

from tests.sandbox.billing import lines
from tests.sandbox.billing.money import cost, rounded
from tests.sandbox.store import Row


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


def unused(sandbox: Any, subscription: Row, item: Row, at: int) -> None:
    """Credit the rest of an item's period."""
    _part(sandbox, subscription, item, at, sign=-1)


def remaining(sandbox: Any, subscription: Row, item: Row, at: int) -> None:
    """Charge the rest of an item's period."""
    _part(sandbox, subscription, item, at, sign=1)


def _part(sandbox: Any, subscription: Row, item: Row, at: int, *, sign: int) -> None:
    start, end = item["current_period_start"], item["current_period_end"]
    if subscription["status"] == "trialing" or end <= at:
        return
    price, quantity = sandbox.table("price").rows[item["price"]], item.get("quantity", 1)
    share = Decimal(end - max(at, start)) / Decimal(end - start)
    amount = rounded(cost(sandbox, price, quantity) * share * sign, price["currency"], ROUND_FLOOR)
    verb = "Unused" if sign < 0 else "Remaining"
    name = lines.product_name(sandbox, price)
    add_item(
        sandbox,
        customer=subscription["customer"],
        amount=amount,
        currency=price["currency"],
        description=f"{verb} time on {f'{quantity} × ' if quantity != 1 else ''}{name}",
        discountable=False,
        parent={
            "subscription_details": {"subscription": subscription["id"], "subscription_item": item["id"]},
            "type": "subscription_details",
        },
        period={"end": end, "start": at},
        pricing=lines.pricing(price),
        proration=True,
        proration_details={"credited_items": None, "discount_amounts": []},
        quantity=quantity,
    )
