"""The lines of invoices: from subscription items, from invoice items, and the totals they add up to."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.sandbox.billing import discounts, taxes
from tests.sandbox.billing.money import cost, in_words
from tests.sandbox.store import Row, clone


def add_line(
    sandbox: Any, invoice: Row, *, amount: int, parent: Row, period: Row, tax_rates: Sequence[str] = (), **values: Any
) -> Row:
    """Put a line on a draft."""
    row: Row = {
        "id": sandbox.new_id("il_", 24),
        "object": "line_item",
        "amount": amount,
        "currency": invoice["currency"],
        "description": None,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": sandbox.livemode,
        "metadata": {},
        "parent": parent,
        "period": period,
        "pretax_credit_amounts": [],
        "pricing": None,
        "quantity": 1,
        "quantity_decimal": None,
        "subscription": None,
        "subtotal": amount,
        "taxes": [],
    }
    row.update(values)
    row["quantity_decimal"] = None if row["quantity"] is None else str(row["quantity"])
    sandbox.insert(row)
    if tax_rates:
        taxes.set_rates(sandbox, row, list(tax_rates))
    return row


def add_item_line(sandbox: Any, invoice: Row, subscription: Row, item: Row, *, amount: int | None = None) -> None:
    """The line for one subscription item's current period; `amount` 0 for a trial."""
    price = sandbox.table("price").rows[item["price"]]
    quantity = item.get("quantity", 1)
    full = cost(sandbox, price, quantity)
    add_line(
        sandbox,
        invoice,
        amount=full if amount is None else amount,
        description=_describe(sandbox, price, quantity, trial=amount == 0 and full > 0),
        parent={
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        period={"end": item["current_period_end"], "start": item["current_period_start"]},
        pricing=pricing(price),
        quantity=quantity,
        subscription=subscription["id"],
        metadata=dict(subscription["metadata"]),
        discounts=discounts.still_valid(sandbox, item["discounts"]),
        tax_rates=item["tax_rates"],
    )


def _describe(sandbox: Any, price: Row, quantity: int, *, trial: bool) -> str:
    product = product_name(sandbox, price)
    if trial:
        return f"Trial period for {product}"
    every = price["recurring"]
    if every is None:
        return product
    count = every["interval_count"]
    rhythm = every["interval"] if count == 1 else f"{count} {every['interval']}s"
    if price["unit_amount_decimal"] is None:
        # Stripe makes a line of each tier; here one line holds their sum.
        return f"{quantity} × {product}"
    unit = in_words(Decimal(price["unit_amount_decimal"]), price["currency"])
    return f"{quantity} × {product} (at {unit} / {rhythm})"


def product_name(sandbox: Any, price: Row) -> str:
    """The name of what a price sells."""
    product = sandbox.table("product").rows.get(price["product"])
    return str(product["name"]) if product else str(price["product"])


def pricing(price: Row | None, unit_amount: int | None = None) -> Row | None:
    """`pricing` of a line or an invoice item."""
    if price is None:
        return None
    decimal = price["unit_amount_decimal"] if unit_amount is None else str(unit_amount)
    details = {"price": price["id"], "product": price["product"]}
    return {"price_details": details, "type": "price_details", "unit_amount_decimal": decimal}


def pending_items(sandbox: Any, customer: str, currency: str, subscription: str | None = None) -> list[Row]:
    """A customer's invoice items that wait for an invoice: those of this subscription, and of none."""
    found = []
    for item in sandbox.table("invoiceitem").where("customer", customer):
        owner = ((item["parent"] or {}).get("subscription_details") or {}).get("subscription")
        if item["invoice"] is None and item["currency"] == currency and owner in (None, subscription):
            found.append(item)
    return found


def add_pending_items(sandbox: Any, invoice: Row, *, subscription: str | None = None) -> None:
    """Sweep a customer's pending invoice items into a draft."""
    for item in pending_items(sandbox, invoice["customer"], invoice["currency"], subscription):
        item["invoice"] = invoice["id"]
        sandbox.table("invoiceitem").reindex(item)
        add_invoiceitem_line(sandbox, invoice, item)


def add_invoiceitem_line(sandbox: Any, invoice: Row, item: Row) -> Row:
    """The line that shows an invoice item."""
    details = (item["parent"] or {}).get("subscription_details") or {}
    credited = (item.get("proration_details") or {}).get("credited_items") or {}
    shared = {
        "proration": item["proration"],
        "proration_details": {"credited_items": credited.get("invoice_line_item_details")},
    }
    parent: Row = {"invoice_item_details": None, "subscription_item_details": None}
    if details.get("subscription_item"):
        parent |= {"type": "subscription_item_details"}
        parent["subscription_item_details"] = {"invoice_item": item["id"], **shared, **details}
    else:
        parent |= {"type": "invoice_item_details"}
        subscription = details.get("subscription")
        parent["invoice_item_details"] = {"invoice_item": item["id"], **shared, "subscription": subscription}
    return add_line(
        sandbox,
        invoice,
        amount=item["amount"],
        description=item["description"],
        discountable=item["discountable"],
        discounts=list(item["discounts"]),
        metadata=dict(item["metadata"]),
        parent=parent,
        period=dict(item["period"]),
        pricing=clone(item["pricing"]),
        quantity=item["quantity"],
        subscription=details.get("subscription"),
        tax_rates=item["tax_rates"],
    )


def retotal(sandbox: Any, invoice: Row) -> None:
    """Compute a draft's amounts from its lines, discounts and taxes."""
    lines = sandbox.table("line_item").where("invoice", invoice["id"])
    discounts.amounts(sandbox, lines, invoice["discounts"], invoice["currency"])
    taxes.apply(sandbox, invoice, lines)
    subtotal = sum(line["amount"] for line in lines)
    by_discount = dict.fromkeys(invoice["discounts"], 0)
    for line in lines:
        for taken in line["discount_amounts"]:
            by_discount[taken["discount"]] = by_discount.get(taken["discount"], 0) + taken["amount"]
    added, included = taxes.added(invoice["total_taxes"]), taxes.included(invoice["total_taxes"])
    total = subtotal - sum(by_discount.values()) + added
    customer = sandbox.table("customer").rows.get(invoice["customer"])
    balance = customer["balance"] if customer else 0
    due = max(0, total + balance)
    invoice.update(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - included,
        total=total,
        total_excluding_tax=total - added - included,
        total_discount_amounts=[{"amount": amount, "discount": key} for key, amount in by_discount.items()],
        starting_balance=balance,
        amount_due=due,
        amount_remaining=due,
    )
    sandbox.table("line_item").version += 1
