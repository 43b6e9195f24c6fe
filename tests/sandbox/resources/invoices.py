"""Invoices and their lines."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards, collection, discounts
from tests.sandbox.billing import invoices as billing
from tests.sandbox.billing import lines as invoice_lines
from tests.sandbox.billing.money import check_currency
from tests.sandbox.billing.periods import DAY
from tests.sandbox.errors import invalid
from tests.sandbox.expand import nested_list
from tests.sandbox.params import Bool, Enum, Int, Metadata, Range, Str, Timestamp
from tests.sandbox.resource import PAGING, Listing, Plain, Resource, merge
from tests.sandbox.resources.shapes import AUTOMATIC_TAX, COLLECTION, CUSTOM_FIELDS, DISCOUNTS, LIABILITY
from tests.sandbox.store import Row

SHOWN_LINES = 10


def _with_lines(sandbox: Any, shown: Row) -> None:
    rows = sandbox.table("line_item").where("invoice", shown["id"])
    shown["lines"] = nested_list(sandbox, rows, url=f"/v1/invoices/{shown['id']}/lines", limit=SHOWN_LINES)


def _payments(sandbox: Any, shown: Row) -> Row:
    rows = sandbox.table("invoice_payment").where("invoice", shown["id"])
    return nested_list(sandbox, rows, url=f"/v1/invoice_payments?invoice={shown['id']}", limit=10)


def _confirmation(sandbox: Any, shown: Row) -> Row | None:
    intent = billing.intent_of(sandbox, shown) if shown["status"] == "open" else None
    return {"client_secret": intent["client_secret"], "type": "payment_intent"} if intent else None


INVOICE = Resource(
    "invoice",
    "in_",
    "/v1/invoices",
    id_length=24,
    indexes=("customer", "status", "parent.subscription_details.subscription"),
    expands={
        "customer": "customer",
        "default_payment_method": "payment_method",
        "discounts": "discount",
        "parent.subscription_details.subscription": "subscription",
        "total_discount_amounts.discount": "discount",
        "account_tax_ids": "",
        "application": "",
        "default_source": "",
        "latest_revision": "",
        "on_behalf_of": "",
        "test_clock": "test_helpers.test_clock",
    },
    embeds={"lines.data": "line_item"},
    includes={"payments": ("invoice_payment", _payments), "confirmation_secret": ("", _confirmation)},
    decorate=_with_lines,
)
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
BOTH = {
    "auto_advance": Bool(),
    "automatic_tax": AUTOMATIC_TAX,
    "automatically_finalizes_at": Timestamp(),
    "collection_method": COLLECTION,
    "custom_fields": CUSTOM_FIELDS,
    "days_until_due": Int(0),
    "default_payment_method": Str(),
    "description": Str(1500),
    "discounts": DISCOUNTS,
    "due_date": Timestamp(),
    "effective_at": Timestamp(clears=True),
    "footer": Str(),
    "issuer": LIABILITY,
    "metadata": Metadata(),
    "number": Str(26),
    "statement_descriptor": Str(22),
}
HANDLED = ("discounts", "days_until_due", "automatically_finalizes_at", "pending_invoice_items_behavior", "customer")
# What may still be changed when an invoice is open; of a paid or void one only the metadata.
OPEN_ALLOWS = {"metadata", "auto_advance", "default_payment_method", "description", "footer", "due_date"}
OPEN_ALLOWS |= {"days_until_due", "expand"}


@INVOICE.on(
    "POST",
    **BOTH,
    currency=Str(clears=False),
    customer=Str(clears=False, required=True),
    pending_invoice_items_behavior=Enum("exclude", "include"),
    subscription=Str(clears=False),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """A draft, empty unless pending items are included."""
    customer = sandbox.refer("customer", params["customer"], "customer")
    _check_due(params.get("collection_method", "charge_automatically"), params)
    discounts.check(sandbox, params.get("discounts", []), customer=customer["id"])
    currency = check_currency(params.get("currency") or customer["currency"] or "usd")
    values: dict[str, Any] = {}
    if "subscription" in params:
        subscription = sandbox.refer("subscription", params["subscription"], "subscription")
        values["parent"] = billing.subscription_parent(subscription)
    row = billing.make(sandbox, customer, currency=currency, billing_reason="manual", **values)
    merge(row, params, skip=(*HANDLED, "subscription", "currency"))
    _write(sandbox, row, params)
    if params.get("pending_invoice_items_behavior") == "include" or "subscription" in params:
        invoice_lines.add_pending_items(sandbox, row, subscription=params.get("subscription"))
    invoice_lines.retotal(sandbox, row)
    sandbox.table("invoice").reindex(row)
    sandbox.tell("invoice.created", row)
    return row


def _check_due(collection_method: str, params: dict[str, Any]) -> None:
    for name in ("days_until_due", "due_date"):
        if name in params and collection_method != "send_invoice":
            message = f"You can only set `{name}` if the invoice's `collection_method` is `send_invoice`."
            raise invalid(message, param=name)
    if {"days_until_due", "due_date"} <= set(params):
        raise invalid("You may only specify one of these parameters: days_until_due, due_date.", param="due_date")


def _write(sandbox: Any, row: Row, params: dict[str, Any]) -> None:
    if "days_until_due" in params:
        row["due_date"] = sandbox.now() + params["days_until_due"] * DAY
    elif row["collection_method"] == "send_invoice" and row["due_date"] is None:
        row["due_date"] = sandbox.now() + 30 * DAY
    elif row["collection_method"] == "charge_automatically":
        row["due_date"] = None
    if "discounts" in params:
        asked = params["discounts"]
        before = row["discounts"]
        row["discounts"] = discounts.resolve(sandbox, asked, customer=row["customer"], invoice=row["id"])
        for discount_id in [held for held in before if held not in row["discounts"]]:
            if sandbox.table("discount").rows.get(discount_id, {}).get("invoice") == row["id"]:
                discounts.drop(sandbox, discount_id)
    if "auto_advance" in params or "automatically_finalizes_at" in params:
        if row["auto_advance"] and row["status"] == "draft":
            billing.schedule_finalization(sandbox, row, params.get("automatically_finalizes_at"))
        else:
            row["automatically_finalizes_at"] = None
        if row["status"] == "open" and not row["auto_advance"]:
            row["next_payment_attempt"] = None


@INVOICE.on("POST", "/{id}", **BOTH)
def update(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Edit: a draft nearly at will, an open one a little, a final one only its metadata."""
    row: Row = sandbox.fetch("invoice", invoice_id, param="invoice")
    allowed = {"open": OPEN_ALLOWS, "uncollectible": OPEN_ALLOWS}.get(row["status"], {"metadata", "expand"})
    if row["status"] != "draft" and (refused := sorted(set(params) - allowed)):
        raise invalid(
            f"Finalized invoices can't be updated in this way ({refused[0]}).",
            code="invoice_not_editable",
            param=refused[0],
        )
    _check_due(params.get("collection_method", row["collection_method"]), params)
    discounts.check(sandbox, params.get("discounts", []), customer=row["customer"])
    with sandbox.edit("invoice", invoice_id, event="invoice.updated"):
        merge(row, params, skip=HANDLED)
        _write(sandbox, row, params)
        if row["status"] == "draft":
            invoice_lines.retotal(sandbox, row)
    return row


@INVOICE.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Plain:
    """Delete a draft that is not a subscription's."""
    row = sandbox.fetch("invoice", invoice_id, param="invoice")
    if row["status"] != "draft":
        raise invalid("You can only delete draft invoices.", code="invoice_not_editable")
    if row["parent"] is not None:
        raise invalid("You can't delete invoices created by subscriptions.")
    sandbox.remove("invoice", invoice_id, event="invoice.deleted")
    return Plain(INVOICE.stub(invoice_id))


@INVOICE.on("POST", "/{id}/finalize", auto_advance=Bool())
def finalize(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Draft to open."""
    row = _draft(sandbox, invoice_id)
    if "auto_advance" in params:
        with sandbox.edit("invoice", invoice_id, event="invoice.updated"):
            row["auto_advance"] = params["auto_advance"]
    billing.finalize(sandbox, invoice_id, collect_in=billing.DRAFT_SECONDS)
    if row["status"] == "paid":
        collection.settle(sandbox, row)
    return row


def _draft(sandbox: Any, invoice_id: str) -> Row:
    row: Row = sandbox.fetch("invoice", invoice_id, param="invoice")
    if row["status"] != "draft":
        raise invalid(
            "This invoice is already finalized, you can't re-finalize a non-draft invoice.", code="invoice_not_editable"
        )
    return row


@INVOICE.on("POST", "/{id}/send")
def send(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Send an invoice that waits for its customer; a draft is finalized first. No mail leaves the sandbox."""
    row: Row = sandbox.fetch("invoice", invoice_id, param="invoice")
    if row["status"] not in ("draft", "open") or row["collection_method"] != "send_invoice":
        raise invalid("This invoice cannot be sent right now.")
    if row["status"] == "draft":
        return billing.finalize(sandbox, invoice_id)
    sandbox.tell("invoice.sent", row)
    return row


@INVOICE.on(
    "POST",
    "/{id}/pay",
    forgive=Bool(),
    mandate=Str(),
    off_session=Bool(),
    paid_out_of_band=Bool(),
    payment_method=Str(clears=False),
    source=Str(clears=False),
)
def pay(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Collect now, or note that it was paid elsewhere."""
    row: Row = sandbox.fetch("invoice", invoice_id, param="invoice")
    if row["status"] == "paid":
        raise invalid("Invoice is already paid", code="invoice_already_paid")
    if row["status"] == "void":
        raise invalid("This invoice is voided and can no longer be paid.")
    method = _paying_method(sandbox, row, params)
    if row["status"] == "draft":
        billing.finalize(sandbox, invoice_id)
    if row["status"] == "paid":
        collection.settle(sandbox, row)
    elif params.get("paid_out_of_band"):
        billing.close_payment(sandbox, row, reason="void_invoice")
        billing.mark_paid(sandbox, row, attempted=False, out_of_band=True)
        collection.settle(sandbox, row)
    else:
        off_session = params.get("off_session", True)
        collection.collect(sandbox, row, method, automatic=False, off_session=off_session)
    return row


def _paying_method(sandbox: Any, row: Row, params: dict[str, Any]) -> Row | None:
    if "payment_method" not in params:
        return collection.method_for(sandbox, row)
    method = cards.usable(sandbox, params["payment_method"])
    if method["customer"] not in (None, row["customer"]):
        raise invalid("The payment method belongs to another customer.", param="payment_method")
    return method


@INVOICE.on("POST", "/{id}/void")
def void(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Void."""
    row: Row = sandbox.fetch("invoice", invoice_id, param="invoice")
    billing.void(sandbox, row)
    collection.give_up(sandbox, row)
    return row


@INVOICE.on("POST", "/{id}/mark_uncollectible")
def mark_uncollectible(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Give up hope."""
    row: Row = sandbox.fetch("invoice", invoice_id, param="invoice")
    billing.mark_uncollectible(sandbox, row)
    collection.give_up(sandbox, row)
    return row


@INVOICE.on("GET", "/{id}/lines", **PAGING)
def lines(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Listing:
    """The lines of one invoice, in their order on it."""
    sandbox.fetch("invoice", invoice_id, param="invoice")
    rows = {**params, "invoice": invoice_id}
    page: Listing = sandbox.page("line_item", rows, ascending=True, url=f"/v1/invoices/{invoice_id}/lines")
    return page


INVOICE.lists(
    columns={"subscription": "parent.subscription_details.subscription"},
    collection_method=COLLECTION,
    created=Range(),
    customer=Str(),
    due_date=Range(),
    status=Enum("draft", "open", "paid", "uncollectible", "void"),
    subscription=Str(),
)
INVOICE.reads()
