"""Invoice items: what the next invoice, or a given draft, shall hold."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import invoiceitems, lines, taxes
from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, DecimalText, Fields, Int, Metadata, Range, Str
from tests.sandbox.resource import PAGING, Listing, Plain, Resource
from tests.sandbox.resources.shapes import DISCOUNTS, PERIOD, TAX_BEHAVIOR, TAX_RATES
from tests.sandbox.store import Row


def _with_tax_rates(sandbox: Any, shown: Row) -> None:
    taxes.shown(sandbox, shown, "tax_rates")


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
    decorate=_with_tax_rates,
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
    "discounts": DISCOUNTS,
    "metadata": Metadata(),
    "period": PERIOD,
    "price_data": PRICE_DATA,
    "pricing": Fields(price=Str(clears=False)),
    "quantity": Int(0),
    "tax_rates": TAX_RATES,
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
    invoiceitems.check(sandbox, params, customer["id"])
    if "invoice" not in params:
        return invoiceitems.make(sandbox, customer, params)
    invoice = _editable_draft(sandbox, params["invoice"])
    with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
        row = invoiceitems.make(sandbox, customer, params, invoice=invoice)
        lines.retotal(sandbox, invoice)
    return row


def _editable_draft(sandbox: Any, invoice_id: str) -> Row:
    invoice: Row = sandbox.refer("invoice", invoice_id, "invoice")
    if invoice["status"] != "draft":
        raise invalid("Invalid invoice: This invoice is no longer editable", code="invoice_not_editable")
    return invoice


@ITEM.on("POST", "/{id}", **BOTH)
def update(sandbox: Any, params: dict[str, Any], item_id: str) -> Row:
    """Edit; there is no event for it, only the draft's own."""
    row: Row = sandbox.fetch("invoiceitem", item_id, param="invoiceitem")
    _check_not_final(sandbox, row)
    invoiceitems.check(sandbox, params, row["customer"])
    if row["invoice"] is None:
        invoiceitems.change(sandbox, row, params)
        return row
    with sandbox.edit("invoice", row["invoice"], event="invoice.updated") as invoice:
        invoiceitems.change(sandbox, row, params)
        invoiceitems.show(sandbox, row)
        lines.retotal(sandbox, invoice)
    return row


def _check_not_final(sandbox: Any, row: Row) -> None:
    if row["invoice"] is None:
        return
    invoice = sandbox.table("invoice").rows.get(row["invoice"])
    if invoice is None:  # the draft was deleted, and the item was lost with it
        raise invalid("This invoice item has been deleted.")
    if invoice["status"] != "draft":
        raise invalid("This invoice item is on a finalized invoice and can't be changed.", code="invoice_not_editable")


@ITEM.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], item_id: str) -> Plain:
    """Delete a pending one, or one on a draft."""
    row = sandbox.fetch("invoiceitem", item_id, param="invoiceitem")
    _check_not_final(sandbox, row)
    if row["invoice"] is not None:
        with sandbox.edit("invoice", row["invoice"], event="invoice.updated") as invoice:
            for line in invoiceitems.lines_of(sandbox, row):
                sandbox.remove("line_item", line["id"], keep=False)
            lines.retotal(sandbox, invoice)
    invoiceitems.remove(sandbox, row)
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
