"""Payments that an invoice did not ask for: attached to it, they pay all of it or a part."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import collection, invoices
from tests.sandbox.billing.timers import action
from tests.sandbox.errors import invalid
from tests.sandbox.store import Row

PAYABLE = ("open", "uncollectible")


def attach(sandbox: Any, invoice: Row, intent: Row) -> None:
    """Tie a payment intent to an invoice; one that has succeeded counts at once, another when it does."""
    if invoice["status"] not in PAYABLE:
        raise invalid(f"You can't attach a payment to an invoice that is {invoice['status']}.")
    if intent["status"] == "canceled":
        raise invalid("You can't attach a PaymentIntent that is canceled.", param="payment_intent")
    if intent["customer"] != invoice["customer"] or intent["currency"] != invoice["currency"]:
        message = "The PaymentIntent must have the invoice's customer and currency."
        raise invalid(message, param="payment_intent")
    secret = sandbox.table("payment_intent").secret(intent["id"])
    if secret.get("invoice") or secret.get("attached"):
        raise invalid("The PaymentIntent is attached to an invoice already.", param="payment_intent")
    secret["attached"] = invoice["id"]
    invoices.expect_payment(sandbox, invoice, intent, min(intent["amount"], invoice["amount_remaining"]), default=False)
    if intent["status"] == "succeeded":
        _count(sandbox, intent["id"])


@action("attached_payment_succeeded")
def _count(sandbox: Any, intent_id: str) -> None:
    """The money is there: the invoice is paid, or less of it remains."""
    intent = sandbox.table("payment_intent").rows[intent_id]
    invoice = sandbox.table("invoice").rows[sandbox.table("payment_intent").private[intent_id]["attached"]]
    if invoice["status"] not in PAYABLE:
        return
    received, remaining = intent["amount_received"], invoice["amount_remaining"]
    if received >= remaining:
        invoices.close_payment(sandbox, invoice, reason="void_invoice", but=intent_id)
        invoice["amount_overpaid"] = received - remaining
        collection.paid(sandbox, invoice, intent, counts=False)
        if received > remaining:
            sandbox.tell("invoice.overpaid", invoice)
        return
    invoices.close_payment(sandbox, invoice, reason="void_invoice", but=intent_id)
    with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
        invoice["amount_paid"] += received
        invoice["amount_remaining"] -= received
        invoices.ask_payment(sandbox, invoice)
    collection.note_payment(sandbox, invoice, intent)
