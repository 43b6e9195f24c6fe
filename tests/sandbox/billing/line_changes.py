"""Changing the lines of a draft. A line that shows an invoice item is changed through the item; what a subscription's
line is for stays as it is."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import discounts, invoiceitems, lines, taxes
from tests.sandbox.errors import invalid
from tests.sandbox.resource import merge
from tests.sandbox.store import Row


def check(sandbox: Any, entry: Row, within: str) -> None:
    """Refuse what names something that is not there."""

    def inside(name: str) -> str:
        return f"{within}[{name}]" if within else name

    if len({"amount", "price_data", "pricing"} & set(entry)) > 1:
        message = "You may only specify one of these parameters: amount, price_data, pricing."
        raise invalid(message, param=inside("amount"))
    if "pricing" in entry:
        sandbox.refer("price", entry["pricing"].get("price", ""), f"{inside('pricing')}[price]")
    described = entry.get("price_data", {"product": None})
    if ("product" in described) == ("product_data" in described):
        raise invalid("You must specify either `product` or `product_data`.", param=inside("price_data"))
    taxes.check(sandbox, entry.get("tax_rates"), inside("tax_rates"))


def add(sandbox: Any, invoice: Row, entry: Row, within: str) -> None:
    """One more line: a new item, or one that was pending."""
    if "invoice_item" in entry:
        _assign(sandbox, invoice, entry, within)
        return
    customer = sandbox.table("customer").rows[invoice["customer"]]
    invoiceitems.make(sandbox, customer, entry, invoice=invoice)


def _assign(sandbox: Any, invoice: Row, entry: Row, within: str) -> None:
    item = sandbox.refer("invoiceitem", entry["invoice_item"], f"{within}[invoice_item]")
    mine = item["customer"] == invoice["customer"] and item["currency"] == invoice["currency"]
    if item["invoice"] is not None or not mine:
        raise invalid("This invoice item can't be added to the invoice.", param=f"{within}[invoice_item]")
    invoiceitems.change(sandbox, item, entry)
    item["invoice"] = invoice["id"]
    sandbox.table("invoiceitem").reindex(item)
    lines.add_invoiceitem_line(sandbox, invoice, item)


def _item_of(sandbox: Any, line: Row) -> Row | None:
    details = line["parent"]["invoice_item_details"] or line["parent"]["subscription_item_details"]
    item: Row | None = sandbox.table("invoiceitem").rows.get(details["invoice_item"])
    return item


def change(sandbox: Any, invoice: Row, line: Row, entry: Row) -> None:
    """Edit a line (the caller computes the totals anew)."""
    item = _item_of(sandbox, line)
    if item is not None:
        invoiceitems.change(sandbox, item, entry)
        invoiceitems.show(sandbox, item)
        return
    if {"price_data", "pricing", "quantity"} & set(entry):
        raise invalid("You can only change the price and quantity of a subscription's line on the subscription.")
    merge(line, {name: entry[name] for name in ("description", "discountable", "metadata", "period") if name in entry})
    if "amount" in entry:
        line.update(amount=entry["amount"], subtotal=entry["amount"])
    if "tax_rates" in entry:
        taxes.set_rates(sandbox, line, entry["tax_rates"] or [])
    if "discounts" in entry:
        discounts.replace(sandbox, line, entry["discounts"], customer=invoice["customer"], invoice_item=line["id"])


def check_removal(line: Row, param: str) -> None:
    """A subscription's own line stays."""
    details = line["parent"]["invoice_item_details"] or line["parent"]["subscription_item_details"]
    if details["invoice_item"] is None:
        raise invalid("You can't remove the line of a subscription's item.", param=param)


def remove(sandbox: Any, line: Row, *, delete: bool) -> None:
    """Take a line off; its item is deleted or waits again."""
    item = _item_of(sandbox, line)
    sandbox.remove("line_item", line["id"], keep=False)
    if item is None:
        return
    if delete:
        invoiceitems.remove(sandbox, item)
    else:
        item["invoice"] = None
        sandbox.table("invoiceitem").reindex(item)
