"""Invoice items: what the next invoice, or a given draft, shall hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.billing import lines, prorations
from tests.sandbox.billing.money import check_currency, check_size, rounded
from tests.sandbox.billing.prices import make as make_price
from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, DecimalText, Fields, Int, Metadata, Range, Str
from tests.sandbox.resource import PAGING, Listing, Plain, Resource, merge
from tests.sandbox.resources.shapes import PERIOD, TAX_BEHAVIOR
from tests.sandbox.store import Row

ITEM = Resource(
    "invoiceitem",
    "ii_",
    "/v1/invoiceitems",
    id_length=24,
    noun="invoiceitem",
    indexes=("customer", "invoice"),
    created="date",
    expands={
        "customer": "customer",
        "discounts": "discount",
        "invoice": "invoice",
        "pricing.price_details.price": "price",
        "test_clock": "test_helpers.test_clock",
    },
)
PRICE_DATA = Fields(
    currency=Str(clears=False, required=True),
    product=Str(clears=False, required=True),
    tax_behavior=TAX_BEHAVIOR,
    unit_amount=Int(),
    unit_amount_decimal=DecimalText(),
)
BOTH = {
    "amount": Int(),
    "description": Str(),
    "discountable": Bool(),
    "metadata": Metadata(),
    "period": PERIOD,
    "price_data": PRICE_DATA,
    "pricing": Fields(price=Str(clears=False)),
    "quantity": Int(0),
    "unit_amount_decimal": DecimalText(),
}


@ITEM.on(
    "POST",
    **BOTH,
    currency=Str(clears=False),
    customer=Str(clears=False, required=True),
    invoice=Str(clears=False),
    subscription=Str(clears=False),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create, pending or straight onto a draft."""
    customer = sandbox.refer("customer", params["customer"], "customer")
    invoice = _editable_draft(sandbox, params["invoice"]) if "invoice" in params else None
    price = _price(sandbox, params)
    currency = price["currency"] if price else check_currency(params.get("currency") or customer["currency"] or "usd")
    quantity = params.get("quantity", 1)
    amount = _amount(params, price, currency, quantity)
    check_size(amount, currency, "amount")
    if invoice is not None and invoice["currency"] != currency:
        raise invalid(f"The currency of the invoice ({invoice['currency']}) is another one.", param="currency")
    values: dict[str, Any] = {}
    if "subscription" in params:
        sandbox.refer("subscription", params["subscription"], "subscription")
        details = {"subscription": params["subscription"]}
        values["parent"] = {"subscription_details": details, "type": "subscription_details"}
    row = prorations.add_item(
        sandbox,
        customer=customer["id"],
        amount=amount,
        currency=currency,
        description=params.get("description") or (lines.product_name(sandbox, price) if price else None),
        discountable=params.get("discountable", True),
        invoice=invoice["id"] if invoice else None,
        metadata={key: value for key, value in (params.get("metadata") or {}).items() if value},
        period=params.get("period") or {"end": sandbox.now(), "start": sandbox.now()},
        pricing=lines.pricing(price),
        quantity=quantity,
        **values,
    )
    if invoice is not None:
        with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
            lines.add_invoiceitem_line(sandbox, invoice, row)
            lines.retotal(sandbox, invoice)
    return row


def _editable_draft(sandbox: Any, invoice_id: str) -> Row:
    invoice: Row = sandbox.refer("invoice", invoice_id, "invoice")
    if invoice["status"] != "draft":
        raise invalid("This invoice is no longer editable", code="invoice_not_editable")
    return invoice


def _price(sandbox: Any, params: dict[str, Any]) -> Row | None:
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
    if "unit_amount_decimal" in params:
        return rounded(Decimal(params["unit_amount_decimal"]) * quantity, currency)
    if "amount" not in params:
        raise invalid("Missing required param: amount.", code="parameter_missing", param="amount")
    return int(params["amount"])


@ITEM.on("POST", "/{id}", **BOTH)
def update(sandbox: Any, params: dict[str, Any], item_id: str) -> Row:
    """Edit; there is no event for it, only the draft's own."""
    row: Row = sandbox.fetch("invoiceitem", item_id, param="invoiceitem")
    _check_not_final(sandbox, row)
    price = _price(sandbox, params)
    merge(row, params, skip=("price_data", "pricing", "unit_amount_decimal"))
    if price is not None:
        row["pricing"] = lines.pricing(price)
    if {"amount", "price_data", "pricing", "quantity", "unit_amount_decimal"} & set(params):
        unit = row["pricing"]["unit_amount_decimal"] if row["pricing"] else None
        decimal = params.get("unit_amount_decimal", unit)
        row["amount"] = rounded(Decimal(decimal) * row["quantity"], row["currency"]) if decimal else row["amount"]
        row["net_amount"] = row["amount"]
    row["quantity_decimal"] = str(row["quantity"])
    sandbox.table("invoiceitem").reindex(row)
    _replace_line(sandbox, row, again=True)
    return row


def _check_not_final(sandbox: Any, row: Row) -> None:
    if row["invoice"] is not None and sandbox.table("invoice").rows[row["invoice"]]["status"] != "draft":
        raise invalid("This invoice item is on a finalized invoice and can't be changed.", code="invoice_not_editable")


def _replace_line(sandbox: Any, row: Row, *, again: bool) -> None:
    if row["invoice"] is None:
        return
    with sandbox.edit("invoice", row["invoice"], event="invoice.updated") as invoice:
        for line in list(sandbox.table("line_item").where("invoice", invoice["id"])):
            details = line["parent"]["invoice_item_details"] or line["parent"]["subscription_item_details"]
            if details["invoice_item"] == row["id"]:
                sandbox.remove("line_item", line["id"], keep=False)
        if again:
            lines.add_invoiceitem_line(sandbox, invoice, row)
        lines.retotal(sandbox, invoice)


@ITEM.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], item_id: str) -> Plain:
    """Delete a pending one, or one on a draft."""
    row = sandbox.fetch("invoiceitem", item_id, param="invoiceitem")
    _check_not_final(sandbox, row)
    _replace_line(sandbox, row, again=False)
    sandbox.remove("invoiceitem", item_id, event="invoiceitem.deleted")
    return Plain(ITEM.stub(item_id))


@ITEM.on("GET", **{**PAGING, "created": Range(), "customer": Str(), "invoice": Str(), "pending": Bool()})
def listing(sandbox: Any, params: dict[str, Any]) -> Listing:
    """List; `pending` are those on no invoice yet."""
    pending = params.pop("pending", None)
    page: Listing = sandbox.page(
        "invoiceitem", params, where=lambda row: pending is None or pending == (row["invoice"] is None)
    )
    return page


ITEM.reads()
