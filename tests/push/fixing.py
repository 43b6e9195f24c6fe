"""Invoices that something is wrong with, and staff who take the steps that are advised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Invoice, Push
from stripe_mirror.push.invoice_again import same_again
from stripe_mirror.push.invoice_creation import made_invoice
from stripe_mirror.push.invoice_facts import facts_of
from stripe_mirror.push.invoice_fix_steps import CHARGE, CUSTOMER, INVOICE, NEW_INVOICE, SUBSCRIPTION, FixStep
from stripe_mirror.push.operation import get_operation
from tests.push import invoicing
from tests.push.billing import buyer
from tests.push.conftest import Doing
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

MONTHLY = {"interval": "month"}
KIND = {
    INVOICE: "invoice",
    NEW_INVOICE: "invoice",
    CUSTOMER: "customer",
    SUBSCRIPTION: "subscription",
    CHARGE: "charge",
}


def price(stripe: RunningSandbox) -> dict[str, Any]:
    """29.00 eur a month."""
    product = stripe.post("/v1/products", name="Gold")
    return stripe.post("/v1/prices", product=product["id"], currency="eur", unit_amount=2900, recurring=MONTHLY)


def of_subscription(stripe: RunningSandbox, status: str = "draft", credit: int = 0) -> Invoice:
    """A subscription's first invoice, of a customer who may have credit."""
    customer = buyer(stripe)["id"]
    if credit:
        stripe.post(f"/v1/customers/{customer}/balance_transactions", amount=-credit, currency="eur")
    items = [{"price": price(stripe)["id"]}]
    made = stripe.post("/v1/subscriptions", customer=customer, items=items, **invoicing.SENT)
    mirror("subscription", made["id"])
    invoicing.brought_to(stripe, {"id": made["latest_invoice"]}, status)
    return invoicing.mirrored_invoice(stripe, made["latest_invoice"])


def paid_elsewhere(stripe: RunningSandbox) -> Invoice:
    """Noted as paid, without a payment through Stripe."""
    row = invoicing.invoice(stripe, "open")
    stripe.post(f"/v1/invoices/{row.pk}/pay", paid_out_of_band=True)
    return mirrored(stripe, row.pk)


def deleted(stripe: RunningSandbox) -> Invoice:
    """A draft that is no more."""
    row = invoicing.invoice(stripe, "draft")
    Doing(get_operation("delete_draft_invoice"), row, boss()).submit()
    row.refresh_from_db()
    # So long ago that it is no part of a fix.
    Push.objects.update(created_at=timezone.now() - timedelta(days=30))
    return row


def boss() -> User:
    """May do everything."""
    return User.objects.filter(username="boss").first() or User.objects.create_superuser("boss", first_name="Boss")


SITUATIONS: dict[str, Callable[[RunningSandbox], Invoice]] = {
    **{status: lambda stripe, status=status: invoicing.invoice(stripe, status) for status in invoicing.STATUSES},  # type: ignore[misc]
    "partly paid": invoicing.partly_paid,
    "paid elsewhere": paid_elsewhere,
    "processing": invoicing.processing,
    "deleted": deleted,
    "subscription's draft": of_subscription,
    "subscription's draft that credit pays": lambda stripe: of_subscription(stripe, credit=5000),
    "subscription's open": lambda stripe: of_subscription(stripe, "open"),
    "subscription's paid": lambda stripe: of_subscription(stripe, "paid"),
}


def mirrored(stripe: RunningSandbox, id: str) -> Invoice:
    """As Stripe has it now, with its payments; a deleted draft as it was last known."""
    if not any(held["id"] == id for held in stripe.objects("invoice")):
        return Invoice.objects.get(pk=id)
    for payment in stripe.get("/v1/invoice_payments", invoice=id)["data"]:
        mirror("invoice_payment", payment["id"])
        if intent := payment["payment"].get("payment_intent"):
            charge = mirror("payment_intent", intent).latest_charge_id
            if charge:
                mirror("charge", charge)
    for note in stripe.get("/v1/credit_notes", invoice=id)["data"]:
        mirror("credit_note", note["id"])
    return mirror("invoice", id)  # type: ignore[no-any-return]


def target(row: Invoice, step: FixStep, pushes: list[Push]) -> Any:
    """What the step is done to."""
    facts = facts_of(row)
    made = next((made_invoice(push, {}) for push in pushes if push.operation == "create_invoice"), "")
    charges = [payment.payment_intent.latest_charge_id for payment in row.payments.all() if payment.payment_intent]
    ids = {INVOICE: row.pk, NEW_INVOICE: made, CUSTOMER: facts.customer, SUBSCRIPTION: facts.subscription}
    id = charges[0] if step.on == CHARGE else ids[step.on]
    return get_kind(KIND[step.on]).model._default_manager.get(pk=id)


def written(row: Invoice, step: FixStep, on: Any) -> dict[str, Any]:
    """The form as the page fills it in, and what a person writes beside that."""
    given = {**step.values, **(same_again(row) if step.again else {})}
    beside: dict[str, Any] = {}
    if step.operation == "edit_customer":
        beside = {"name": "Right Name"}
    elif step.operation == "add_tax_id":
        beside = {"type": "eu_vat", "value": "DE123456789"}
    elif step.operation == "adjust_customer_balance":
        beside = {"amount": 100, "currency": row.currency}
    elif step.operation == "create_invoice" and not given.get("lines"):
        beside = {"currency": row.currency, "lines": [{"description": "More", "amount": "1.00", "quantity": ""}]}
    elif step.operation == "create_credit_note" and "amount" not in given:
        beside = {"amount": 100, **({} if facts_of(on).remaining else {"credit_amount": 100})}
    return {**given, **beside}
