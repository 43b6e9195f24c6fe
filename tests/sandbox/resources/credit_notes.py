"""Credit notes and their lines."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.sandbox.billing import credit_notes, taxes
from tests.sandbox.expand import nested_list
from tests.sandbox.pages import page
from tests.sandbox.params import DecimalText, Enum, Fields, Int, Many, Metadata, Range, Str, Timestamp
from tests.sandbox.rehearsal import rehearsal
from tests.sandbox.resource import PAGING, Listing, Plain, Resource, merge
from tests.sandbox.resources.shapes import TAX_RATES
from tests.sandbox.store import Row, Table

SHOWN_LINES = 10


def _with_lines(sandbox: Any, shown: Row) -> None:
    rows = sandbox.table("credit_note_line_item").where("credit_note", shown["id"])
    shown["lines"] = nested_list(sandbox, rows, url=f"/v1/credit_notes/{shown['id']}/lines", limit=SHOWN_LINES)


def _as_shown(sandbox: Any, shown: Row) -> None:
    shown.pop("credit_note", None)  # ours, to find the lines of a note
    taxes.shown(sandbox, shown, "tax_rates")


NOTE = Resource(
    "credit_note",
    "cn_",
    "/v1/credit_notes",
    id_length=24,
    noun="credit_note",
    indexes=("customer", "invoice"),
    expands={
        "customer": "customer",
        "customer_balance_transaction": "customer_balance_transaction",
        "discount_amounts.discount": "discount",
        "invoice": "invoice",
        "refunds.refund": "refund",
    },
    embeds={"lines.data": "credit_note_line_item"},
    decorate=_with_lines,
)
LINE = Resource(
    "credit_note_line_item",
    "cnli_",
    "/v1/credit_notes",
    id_length=24,
    noun="credit note line item",
    indexes=("credit_note",),
    created="none",
    expands={"discount_amounts.discount": "discount"},
    decorate=_as_shown,
)
NEW_LINE = Fields(
    amount=Int(1),
    description=Str(),
    invoice_line_item=Str(clears=False),
    metadata=Metadata(),
    quantity=Int(1),
    tax_amounts=Many(
        Fields(amount=Int(0, required=True), tax_rate=Str(required=True), taxable_amount=Int(0, required=True)),
        clears=True,
    ),
    tax_rates=TAX_RATES,
    type=Enum("custom_line_item", "invoice_line_item", required=True),
    unit_amount=Int(1),
    unit_amount_decimal=DecimalText(),
)
LINKED = Fields(
    amount_refunded=Int(1),
    payment_record_refund=Fields(payment_record=Str(required=True), refund_group=Str(required=True)),
    refund=Str(clears=False),
    type=Enum("payment_record_refund", "refund"),
)
NEW = {
    "amount": Int(1),
    "credit_amount": Int(0),
    "effective_at": Timestamp(),
    "email_type": Enum("credit_note", "none"),
    "invoice": Str(clears=False, required=True),
    "lines": Many(NEW_LINE),
    "memo": Str(),
    "metadata": Metadata(),
    "out_of_band_amount": Int(0),
    "reason": Enum("duplicate", "fraudulent", "order_change", "product_unsatisfactory"),
    "refund_amount": Int(0),
    "refunds": Many(LINKED),
}


@NOTE.on("POST", **NEW)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Issue; at Stripe the customer gets a mail, unless `email_type` is none."""
    return credit_notes.issue(sandbox, params)


@NOTE.on("GET", "/preview", **NEW)
def preview(sandbox: Any, params: dict[str, Any]) -> Plain:
    """The note that would be issued; nothing is stored or moved."""
    note, lines = _drafted(sandbox, params)
    url = f"/v1/credit_notes/preview/lines?invoice={note['invoice']}"
    return Plain({**note, "lines": nested_list(sandbox, lines, url=url, limit=SHOWN_LINES)})


def _drafted(sandbox: Any, params: dict[str, Any]) -> tuple[Row, list[Row]]:
    """The note in a double; the same parameters always give the same ids, so that its lines can be paged through."""
    double = rehearsal(sandbox)
    asked = {key: value for key, value in params.items() if key not in PAGING}
    double.random = Random(json.dumps(asked, sort_keys=True))
    return credit_notes.draft(double, asked)


@NOTE.on("GET", "/preview/lines", **{**PAGING, **NEW})
def preview_lines(sandbox: Any, params: dict[str, Any]) -> Listing:
    """The lines of the note that would be issued."""
    _, rows = _drafted(sandbox, params)
    table = Table("credit_note_line_item", created="none")
    for row in rows:
        table.insert(row)
    paging = {key: value for key, value in params.items() if key in PAGING}
    found, has_more = page(table, paging, ascending=True)
    return Listing(found, has_more, "/v1/credit_notes/preview/lines")


@NOTE.on("POST", "/{id}", memo=Str(), metadata=Metadata())
def update(sandbox: Any, params: dict[str, Any], note_id: str) -> Row:
    """Edit the memo and the metadata."""
    row: Row = sandbox.fetch("credit_note", note_id)
    with sandbox.edit("credit_note", note_id, event="credit_note.updated"):
        merge(row, params)
    return row


@NOTE.on("POST", "/{id}/void")
def void(sandbox: Any, params: dict[str, Any], note_id: str) -> Row:
    """Take back."""
    row: Row = sandbox.fetch("credit_note", note_id)
    credit_notes.void(sandbox, row)
    return row


@NOTE.on("GET", "/{id}/lines", **PAGING)
def lines(sandbox: Any, params: dict[str, Any], note_id: str) -> Listing:
    """The lines of one note, in their order on it."""
    sandbox.fetch("credit_note", note_id)
    filters = {**params, "credit_note": note_id}
    url = f"/v1/credit_notes/{note_id}/lines"
    listing: Listing = sandbox.page("credit_note_line_item", filters, ascending=True, url=url)
    return listing


NOTE.lists(created=Range(), customer=Str(), invoice=Str())
NOTE.reads()
