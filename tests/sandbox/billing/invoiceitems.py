"""Invoice items: made, changed and deleted, with the lines that show them on a draft."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.sandbox.billing import discounts, lines, prorations, taxes
from tests.sandbox.billing.money import check_currency, check_size, rounded
from tests.sandbox.billing.prices import make as make_price
from tests.sandbox.errors import invalid
from tests.sandbox.resource import merge, merged_metadata
from tests.sandbox.store import Row

COST = {"amount", "price_data", "pricing", "quantity", "unit_amount", "unit_amount_decimal"}
PLAIN = ("description", "discountable", "metadata", "period")


def check(sandbox: Any, params: Row, customer: str, within: str = "") -> None:
    """Refuse discounts and tax rates that can't be."""

    def inside(name: str) -> str:
        return f"{within}[{name}]" if within else name

    taxes.check(sandbox, params.get("tax_rates"), inside("tax_rates"))
    discounts.check(sandbox, params.get("discounts"), customer=customer, within=inside("discounts"))


def make(sandbox: Any, customer: Row, params: Row, *, invoice: Row | None = None) -> Row:
    """A new item, pending or on a draft (whose totals the caller computes anew)."""
    row = prorations.add_item(sandbox, customer=customer["id"], **_describe(sandbox, customer, params, invoice))
    if "discounts" in params:
        row["discounts"] = discounts.resolve(
            sandbox, params["discounts"], customer=customer["id"], invoice_item=row["id"]
        )
    if invoice is not None:
        lines.add_invoiceitem_line(sandbox, invoice, row)
    return row


def _describe(sandbox: Any, customer: Row, params: Row, invoice: Row | None) -> Row:
    price = price_of(sandbox, params)
    own = invoice["currency"] if invoice else customer["currency"] or "usd"
    currency = price["currency"] if price else check_currency(params.get("currency") or own)
    quantity = params.get("quantity", 1)
    amount = _amount(params, price, currency, quantity)
    check_size(amount, currency, "amount")
    if invoice is not None and invoice["currency"] != currency:
        raise invalid(f"The currency of the invoice ({invoice['currency']}) is another one.", param="currency")
    return {
        "amount": amount,
        "currency": currency,
        "description": params.get("description") or (lines.product_name(sandbox, price) if price else None),
        "discountable": params.get("discountable", amount >= 0),
        "invoice": invoice["id"] if invoice else None,
        "metadata": merged_metadata({}, params.get("metadata") or {}),
        "period": params.get("period") or {"end": sandbox.now(), "start": sandbox.now()},
        "pricing": lines.pricing(price),
        "quantity": quantity,
        "tax_rates": list(params.get("tax_rates") or []),
        **_parent(sandbox, params),
    }


def _parent(sandbox: Any, params: Row) -> Row:
    if "subscription" not in params:
        return {}
    sandbox.refer("subscription", params["subscription"], "subscription")
    details = {"subscription": params["subscription"]}
    return {"parent": {"subscription_details": details, "type": "subscription_details"}}


def change(sandbox: Any, row: Row, params: Row) -> None:
    """Edit an item; no event tells of it."""
    price = price_of(sandbox, params)
    merge(row, {name: params[name] for name in PLAIN if name in params})
    if "quantity" in params:
        row.update(quantity=params["quantity"], quantity_decimal=str(params["quantity"]))
    if COST & set(params):
        row.update(_cost(row, params, price))
    if "tax_rates" in params:
        row["tax_rates"] = list(params["tax_rates"] or [])
    if "discounts" in params:
        discounts.replace(sandbox, row, params["discounts"], customer=row["customer"], invoice_item=row["id"])
    sandbox.table("invoiceitem").reindex(row)


def remove(sandbox: Any, row: Row) -> None:
    """Delete an item; what was made for it ends with it."""
    discounts.replace(sandbox, row, "", customer=row["customer"], invoice_item=row["id"])
    sandbox.remove("invoiceitem", row["id"], event="invoiceitem.deleted")


def _cost(row: Row, params: Row, price: Row | None) -> Row:
    """The amount, and where it comes from: a price, an amount of one, or just a sum."""
    unit = params.get("unit_amount_decimal", params.get("unit_amount"))
    shown = lines.pricing(price) if price else row["pricing"]
    if "amount" in params:
        return {"amount": params["amount"], "net_amount": params["amount"], "pricing": None}
    if unit is not None:
        shown = None
    elif shown is not None:
        unit = shown["unit_amount_decimal"]
    if unit is None:
        return {}
    amount = rounded(Decimal(unit) * row["quantity"], row["currency"])
    return {"amount": amount, "net_amount": amount, "pricing": shown}


def lines_of(sandbox: Any, row: Row) -> Iterator[Row]:
    """The lines that show an item."""
    for line in list(sandbox.table("line_item").where("invoice", row["invoice"])):
        details = line["parent"]["invoice_item_details"] or line["parent"]["subscription_item_details"]
        if details["invoice_item"] == row["id"]:
            yield line


def show(sandbox: Any, row: Row) -> None:
    """Have its line show an item as it is now."""
    for line in lines_of(sandbox, row):
        for name in ("amount", "description", "discountable", "pricing", "quantity", "quantity_decimal"):
            line[name] = row[name]
        line.update(subtotal=row["amount"], metadata=dict(row["metadata"]), period=dict(row["period"]))
        line["discounts"] = list(row["discounts"])
        taxes.set_rates(sandbox, line, row["tax_rates"])


def price_of(sandbox: Any, params: dict[str, Any]) -> Row | None:
    """The price that a request names or describes, if any."""
    if "price_data" in params:
        return make_price(sandbox, params["price_data"], inline=True)
    price_id = params.get("pricing", {}).get("price")
    if price_id is None:
        return None
    price: Row = sandbox.refer("price", price_id, "pricing[price]")
    if price["type"] == "recurring":
        raise invalid(
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
            param="pricing[price]",
        )
    return price


def _amount(params: dict[str, Any], price: Row | None, currency: str, quantity: int) -> int:
    if price is not None:
        return rounded(Decimal(price["unit_amount_decimal"]) * quantity, currency)
    unit = params.get("unit_amount_decimal", params.get("unit_amount"))
    if unit is not None:
        return rounded(Decimal(unit) * quantity, currency)
    if "amount" not in params:
        raise invalid("Missing required param: amount.", code="parameter_missing", param="amount")
    return int(params["amount"])
