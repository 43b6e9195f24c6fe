"""What becomes of invoices: finalized, sent, paid in one way or another, given up."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards, collection, partial_payments
from tests.sandbox.billing import invoices as billing
from tests.sandbox.errors import invalid, missing
from tests.sandbox.params import Bool, Str
from tests.sandbox.resources.invoices import INVOICE
from tests.sandbox.store import Row


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
    row: Row = sandbox.fetch("invoice", invoice_id)
    if row["status"] != "draft":
        raise invalid("This invoice is already finalized, you can't re-finalize a non-draft invoice.")
    return row


@INVOICE.on("POST", "/{id}/send")
def send(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Send an invoice that waits for its customer; a draft is finalized first. No mail leaves the sandbox."""
    row: Row = sandbox.fetch("invoice", invoice_id, param="invoice")
    if row["status"] not in ("draft", "open") or row["collection_method"] != "send_invoice":
        raise invalid(
            "This invoice cannot be sent right now. Please contact us via https://support.stripe.com/contact with "
            "details, so we can help."
        )
    if row["status"] == "draft":
        billing.finalize(sandbox, invoice_id)
        if row["status"] == "paid":
            collection.settle(sandbox, row)
        return row
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
    row: Row = sandbox.fetch("invoice", invoice_id)
    if row["status"] == "paid":
        raise invalid("Invoice is already paid")
    if row["status"] == "void":
        raise invalid("This invoice is voided and can no longer be paid.")
    if "source" in params:
        raise missing("source", params["source"], param="source", status=400)
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
    row: Row = sandbox.fetch("invoice", invoice_id)
    billing.void(sandbox, row)
    collection.give_up(sandbox, row)
    return row


@INVOICE.on("POST", "/{id}/mark_uncollectible")
def mark_uncollectible(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Give up hope."""
    row: Row = sandbox.fetch("invoice", invoice_id)
    billing.mark_uncollectible(sandbox, row)
    collection.give_up(sandbox, row)
    return row


@INVOICE.on("POST", "/{id}/attach_payment", payment_intent=Str(clears=False), payment_record=Str(clears=False))
def attach_payment(sandbox: Any, params: dict[str, Any], invoice_id: str) -> Row:
    """Have another payment count towards the invoice: all of what is due, or a part."""
    row: Row = sandbox.fetch("invoice", invoice_id, param="invoice")
    if ("payment_intent" in params) == ("payment_record" in params):
        message = "You must provide exactly one of: payment_intent, payment_record."
        raise invalid(message, code="parameter_missing", param="payment_intent")
    if "payment_record" in params:
        raise missing("payment_record", params["payment_record"], param="payment_record", status=400)
    intent = sandbox.refer("payment_intent", params["payment_intent"], "payment_intent")
    partial_payments.attach(sandbox, row, intent)
    return row
