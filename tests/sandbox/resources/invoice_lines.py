"""The lines of invoices: listed, and changed as long as the invoice is a draft."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import discounts, line_changes
from tests.sandbox.billing import lines as invoice_lines
from tests.sandbox.errors import invalid, missing
from tests.sandbox.params import Bool, DecimalText, Enum, Fields, Int, Kind, Many, Metadata, Str
from tests.sandbox.resource import PAGING, Listing, Resource, merge
from tests.sandbox.resources import products
from tests.sandbox.resources.invoices import INVOICE
from tests.sandbox.resources.shapes import DISCOUNTS, PERIOD, TAX_BEHAVIOR, TAX_RATES
from tests.sandbox.store import Row

LINE = Resource(
    "line_item",
    "il_",
    "/v1/invoices",
    id_length=24,
    indexes=("invoice",),
    noun="line item",
    created="none",
    expands={
        "discounts": "discount",
        "discount_amounts.discount": "discount",
        "pricing.price_details.price": "price",
        "subscription": "subscription",
    },
)
PRODUCT = Fields(description=Str(40000), images=Many(Str()), metadata=Metadata(), name=Str(clears=False, required=True))
PRICE_DATA = Fields(
    currency=Str(clears=False, required=True),
    product=Str(clears=False),
    product_data=PRODUCT,
    tax_behavior=TAX_BEHAVIOR,
    unit_amount=Int(),
    unit_amount_decimal=DecimalText(),
)
CHANGE: dict[str, Kind] = {
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
}
NOTED = {"invoice_metadata": Metadata()}


def _draft(sandbox: Any, invoice_id: str) -> Row:
    row: Row = sandbox.fetch("invoice", invoice_id, param="invoice")
    if row["status"] != "draft":
        raise invalid("Invalid invoice: This invoice is no longer editable", code="invoice_not_editable")
    return row


def _priced(sandbox: Any, entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with a product for the one that it describes."""
    described = entry.get("price_data", {})
    if "product_data" not in described:
        return entry
    product = products.create(sandbox, described["product_data"])["id"]
    kept = {key: value for key, value in described.items() if key != "product_data"}
    return {**entry, "price_data": {**kept, "product": product}}


def _check(sandbox: Any, invoice: Row, entries: list[dict[str, Any]]) -> None:
    for position, entry in enumerate(entries):
        within = f"lines[{position}]"
        if "amount" in entry and "quantity" in entry:
            message = "You may only specify one of these parameters: amount, quantity."
            raise invalid(message, param=f"{within}[amount]")
        line_changes.check(sandbox, entry, within)
        discounts.check(sandbox, entry.get("discounts"), customer=invoice["customer"], within=f"{within}[discounts]")


@INVOICE.on("GET", "/{id}/lines", **PAGING)
def lines(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Listing:
    """The lines of one invoice, in their order on it; also of one that was previewed lately."""
    sandbox = sandbox.previews.get(invoice_id, sandbox)
    sandbox.fetch("invoice", invoice_id, param="invoice")
    rows = {**params, "invoice": invoice_id}
    page: Listing = sandbox.page("line_item", rows, ascending=True, url=f"/v1/invoices/{invoice_id}/lines")
    return page


@INVOICE.on(
    "POST", "/{id}/add_lines", **NOTED, lines=Many(Fields(CHANGE, invoice_item=Str(clears=False)), required=True)
)
def add_lines(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Add lines: new ones, or items that were pending."""
    invoice = _draft(sandbox, invoice_id)
    _check(sandbox, invoice, params["lines"])
    with sandbox.edit("invoice", invoice_id, event="invoice.updated"):
        for position, entry in enumerate(params["lines"]):
            line_changes.add(sandbox, invoice, _priced(sandbox, entry), f"lines[{position}]")
        merge(invoice, {"metadata": params.get("invoice_metadata", {})})
        invoice_lines.retotal(sandbox, invoice)
    return invoice


@INVOICE.on(
    "POST",
    "/{id}/update_lines",
    **NOTED,
    lines=Many(Fields(CHANGE, id=Str(clears=False, required=True)), required=True),
)
def update_lines(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Change several lines."""
    invoice = _draft(sandbox, invoice_id)
    _check(sandbox, invoice, params["lines"])
    found = [_line(sandbox, invoice, entry["id"], f"lines[{n}][id]") for n, entry in enumerate(params["lines"])]
    with sandbox.edit("invoice", invoice_id, event="invoice.updated"):
        for line, entry in zip(found, params["lines"], strict=True):
            line_changes.change(sandbox, invoice, line, _priced(sandbox, entry))
        merge(invoice, {"metadata": params.get("invoice_metadata", {})})
        invoice_lines.retotal(sandbox, invoice)
    return invoice


def _line(sandbox: Any, invoice: Row, line_id: str, param: str, *, status: int = 400) -> Row:
    row: Row | None = sandbox.table("line_item").rows.get(line_id)
    if row is None or row["invoice"] != invoice["id"]:
        raise missing("line item", line_id, param=param, status=status)
    return row


@INVOICE.on("POST", "/{id}/lines/{line}", **CHANGE)
def update_line(sandbox: Any, params: dict[str, Any], invoice_id: str, line_id: str) -> Row:
    """Change one line; the answer is the line."""
    invoice = _draft(sandbox, invoice_id)
    line = _line(sandbox, invoice, line_id, "line_item_id", status=404)
    if "amount" in params and "quantity" in params:
        raise invalid("You may only specify one of these parameters: amount, quantity.", param="amount")
    line_changes.check(sandbox, params, "")
    discounts.check(sandbox, params.get("discounts"), customer=invoice["customer"])
    with sandbox.edit("invoice", invoice_id, event="invoice.updated"):
        line_changes.change(sandbox, invoice, line, _priced(sandbox, params))
        invoice_lines.retotal(sandbox, invoice)
    return line


GONE = Fields(behavior=Enum("delete", "unassign", required=True), id=Str(clears=False, required=True))


@INVOICE.on("POST", "/{id}/remove_lines", **NOTED, lines=Many(GONE, required=True))
def remove_lines(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Take lines off: their items are deleted, or wait for another invoice."""
    invoice = _draft(sandbox, invoice_id)
    found = [_line(sandbox, invoice, entry["id"], f"lines[{n}][id]") for n, entry in enumerate(params["lines"])]
    for position, line in enumerate(found):
        line_changes.check_removal(line, f"lines[{position}][id]")
    with sandbox.edit("invoice", invoice_id, event="invoice.updated"):
        for line, entry in zip(found, params["lines"], strict=True):
            line_changes.remove(sandbox, line, delete=entry["behavior"] == "delete")
        merge(invoice, {"metadata": params.get("invoice_metadata", {})})
        invoice_lines.retotal(sandbox, invoice)
    return invoice
