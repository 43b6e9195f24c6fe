"""Invoices in the sandbox and the mirror, in every status, with their payments."""

from __future__ import annotations

from typing import Any

from stripe_mirror.models import Invoice
from stripe_mirror.push import credit_notes, invoice_creation, invoice_edits, invoice_issuing, invoices  # noqa: F401
from stripe_mirror.push.invoice_facts import facts_of
from tests.push.billing import buyer
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Row = dict[str, Any]
STATUSES = ("draft", "open", "paid", "uncollectible", "void")
SENT = {"collection_method": "send_invoice", "days_until_due": 30}
CHARGED = {"collection_method": "charge_automatically"}


def draft(stripe: RunningSandbox, amount: int = 2900, currency: str = "eur", **params: Any) -> Row:
    """A draft with one line, 29.00 eur unless told otherwise, of a customer who has a card."""
    customer = params.pop("customer", None) or buyer(stripe)["id"]
    made = stripe.post("/v1/invoices", customer=customer, currency=currency, **{**SENT, **params})
    if amount:
        line = {"amount": amount, "description": "Advice"}
        made = stripe.post(f"/v1/invoices/{made['id']}/add_lines", lines=[line])
    return made


def brought_to(stripe: RunningSandbox, made: Row, status: str) -> Row:
    """The draft, in this status."""
    path = f"/v1/invoices/{made['id']}"
    if status != "draft":
        made = stripe.post(f"{path}/finalize")
    verb = {"paid": "pay", "uncollectible": "mark_uncollectible", "void": "void"}.get(status)
    return stripe.post(f"{path}/{verb}") if verb else made


def mirrored_invoice(stripe: RunningSandbox, invoice_id: str) -> Invoice:
    """The invoice's row, beside those of its customer and of what paid it."""
    row: Invoice = mirror("invoice", invoice_id)
    mirror("customer", str(row.data["customer"]))
    for payment in stripe.get("/v1/invoice_payments", invoice=invoice_id)["data"]:
        mirror("invoice_payment", payment["id"])
        intent = mirror("payment_intent", payment["payment"]["payment_intent"])
        if intent.latest_charge_id:
            mirror("charge", intent.latest_charge_id)
    stripe.clear_requests()
    return row


def invoice(stripe: RunningSandbox, status: str = "open", amount: int = 2900, **params: Any) -> Invoice:
    """A mirrored invoice in this status."""
    made = brought_to(stripe, draft(stripe, amount, **params), status)
    return mirrored_invoice(stripe, made["id"])


def partly_paid(stripe: RunningSandbox, amount: int = 2900, paid: int = 900) -> Invoice:
    """An open invoice of which a part was paid."""
    customer = buyer(stripe)["id"]
    made = brought_to(stripe, draft(stripe, amount, customer=customer), "open")
    given = {"payment_method": "pm_card_visa", "confirm": True, "customer": customer}
    intent = stripe.post("/v1/payment_intents", amount=paid, currency="eur", **given)
    stripe.post(f"/v1/invoices/{made['id']}/attach_payment", payment_intent=intent["id"])
    return mirrored_invoice(stripe, made["id"])


def processing(stripe: RunningSandbox) -> Invoice:
    """An open invoice that a bank debit on its way is to pay."""
    debtor = buyer(stripe, card="pm_sepaDebit")["id"]
    made = brought_to(stripe, draft(stripe, customer=debtor), "open")
    stripe.post(f"/v1/invoices/{made['id']}/pay")
    return mirrored_invoice(stripe, made["id"])


def of_subscription(stripe: RunningSandbox, price: Row, **params: Any) -> Invoice:
    """The first invoice of a subscription: by default a draft, to be sent."""
    items = [{"price": price["id"]}]
    made = stripe.post("/v1/subscriptions", customer=buyer(stripe)["id"], items=items, **{**SENT, **params})
    mirror("subscription", made["id"])
    return mirrored_invoice(stripe, made["latest_invoice"])


def now(stripe: RunningSandbox, row: Any) -> Row:
    """The object as Stripe has it; {} where it was deleted."""
    return next((obj for obj in stripe.objects(row.kind.object) if obj["id"] == row.pk), {})


def facts(row: Any) -> tuple[int, int, int, int | None]:
    """Total, credited, refunded without a note, and left to refund."""
    known = facts_of(row)
    return known.total, known.credited, known.refunded, known.refundable
