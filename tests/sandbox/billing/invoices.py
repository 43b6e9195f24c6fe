"""Invoices: drafts, lines, totals, finalization, and the ways they end. Taking the money is in `collection.py`."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import blanks, customer_balance, lines, payments
from tests.sandbox.billing.money import minimum
from tests.sandbox.errors import invalid
from tests.sandbox.store import Row, clone

DRAFT_SECONDS = 3600


def make(
    sandbox: Any, customer: Row, *, currency: str, billing_reason: str, at_once: bool = False, **values: Any
) -> Row:
    """A draft without lines, stored; `invoice.created` is told by the caller when the lines are on it. Unless it is
    finalized `at_once` by the caller, it finalizes by itself when it advances automatically."""
    invoice_id, now = sandbox.new_id("in_", 24), sandbox.now()
    row: Row = {
        **clone(blanks.INVOICE),
        "id": invoice_id,
        "billing_reason": billing_reason,
        "created": now,
        "currency": currency,
        "custom_fields": clone(customer["invoice_settings"]["custom_fields"]),
        "customer": customer["id"],
        "footer": customer["invoice_settings"]["footer"],
        "livemode": sandbox.livemode,
        "period_end": now,
        "period_start": now,
        "test_clock": customer["test_clock"],
        "webhooks_delivered_at": now,
    }
    row.update(values)
    take_customer(sandbox, row, customer)
    if row["auto_advance"] and not at_once:
        schedule_finalization(sandbox, row)
    if customer["currency"] is None:
        with sandbox.edit("customer", customer["id"], event="customer.updated"):
            customer["currency"] = currency
    sandbox.insert(row)
    return row


def take_customer(sandbox: Any, row: Row, customer: Row) -> None:
    """Copy what an invoice shows of its customer; fixed when it is finalized."""
    for name in ("address", "email", "name", "phone", "shipping", "tax_exempt"):
        row[f"customer_{name}"] = clone(customer[name])
    owned = sandbox.table("tax_id").where("customer", customer["id"])
    row["customer_tax_ids"] = [{"type": tax_id["type"], "value": tax_id["value"]} for tax_id in owned]


def schedule_finalization(sandbox: Any, row: Row, at: int | None = None) -> None:
    """Finalize by itself in about an hour."""
    row["automatically_finalizes_at"] = at or sandbox.now() + DRAFT_SECONDS
    sandbox.timers.at(row["automatically_finalizes_at"], "finalize_invoice", row["id"])


def subscription_parent(subscription: Row) -> Row:
    """`parent` of a subscription's invoice, with the metadata as it is now."""
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}


def finalize(sandbox: Any, invoice_id: str, *, collect_in: int = 0) -> Row:
    """Draft to open (or paid, when nothing is due); one that advances is to be collected in so many seconds."""
    row: Row = sandbox.table("invoice").rows[invoice_id]
    customer = sandbox.table("customer").rows.get(row["customer"])
    sent = ("invoice.sent",) if row["collection_method"] == "send_invoice" else ()
    with sandbox.edit("invoice", invoice_id, event="invoice.updated", also=("invoice.finalized", *sent)):
        now = sandbox.now()
        if customer is not None:
            take_customer(sandbox, row, customer)
        lines.retotal(sandbox, row)
        row["number"] = row["number"] or _number(sandbox, customer)
        row.update(
            status="open",
            automatically_finalizes_at=None,
            effective_at=row["effective_at"] or now,
            hosted_invoice_url=f"https://invoice.sandbox.example/i/{sandbox.account_id}/{invoice_id}",
            invoice_pdf=f"https://pay.sandbox.example/invoice/{sandbox.account_id}/{invoice_id}/pdf",
        )
        if row["collection_method"] == "charge_automatically" and row["auto_advance"] and row["amount_due"]:
            row["next_payment_attempt"] = now + collect_in
            if collect_in:
                sandbox.timers.at(now + collect_in, "retry_invoice", invoice_id)
        if row["due_date"]:
            sandbox.timers.at(max(row["due_date"], now), "invoice_due", invoice_id)
        row["status_transitions"]["finalized_at"] = now
        _settle_balance(sandbox, row, customer)
        if row["amount_due"] > 0:
            ask_payment(sandbox, row)
    if row["amount_due"] == 0:
        mark_paid(sandbox, row, attempted=True)
    revised = sandbox.table("invoice").rows.get((row["from_invoice"] or {}).get("invoice"))
    if revised is not None and revised["status"] in ("open", "uncollectible"):
        void(sandbox, revised)
    return row


def _number(sandbox: Any, customer: Row | None) -> str:
    if customer is None:
        return f"DELETED-{sandbox.next_number('invoice'):04d}"
    sequence = customer["next_invoice_sequence"]
    with sandbox.edit("customer", customer["id"], event="customer.updated"):
        customer["next_invoice_sequence"] = sequence + 1
    return f"{customer['invoice_prefix']}-{sequence:04d}"


def _settle_balance(sandbox: Any, row: Row, customer: Row | None) -> None:
    """Use the customer's balance; what is too small to charge goes onto it."""
    if customer is None:
        return
    source = {"currency": row["currency"], "invoice": row["id"]}
    if used := row["total"] - row["amount_due"]:
        customer_balance.move(sandbox, customer, used, "applied_to_invoice", **source)
    if 0 < row["amount_due"] < minimum(row["currency"]):
        customer_balance.move(sandbox, customer, row["amount_due"], "invoice_too_small", **source)
        row.update(amount_due=0, amount_remaining=0)
    row["ending_balance"] = customer["balance"]


def _return_balance(sandbox: Any, row: Row) -> None:
    """Put back what a voided invoice took of its customer's balance."""
    customer = sandbox.table("customer").rows.get(row["customer"])
    used = 0 if row["ending_balance"] is None else row["ending_balance"] - row["starting_balance"]
    if customer is not None and used:
        source = {"currency": row["currency"], "invoice": row["id"]}
        customer_balance.move(sandbox, customer, -used, "unapplied_from_invoice", **source)


def ask_payment(sandbox: Any, row: Row) -> None:
    """The payment intent of an open invoice, and the row that ties both together."""
    intent = payments.make_intent(
        sandbox,
        amount=row["amount_remaining"],
        currency=row["currency"],
        customer=row["customer"],
        description=_intent_description(row),
        setup_future_usage="off_session" if row["parent"] else None,
        automatic_payment_methods=None,
        payment_method_types=["card", "sepa_debit"] if row["currency"] == "eur" else ["card"],
    )
    sandbox.table("payment_intent").secret(intent["id"])["invoice"] = row["id"]
    expect_payment(sandbox, row, intent, row["amount_remaining"], default=True)


def expect_payment(sandbox: Any, row: Row, intent: Row, amount: int, *, default: bool) -> None:
    """The row that ties an invoice to a payment of it."""
    payment: Row = {
        "id": sandbox.new_id("inpay_", 24),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": amount,
        "created": sandbox.now(),
        "currency": row["currency"],
        "invoice": row["id"],
        "is_default": default,
        "livemode": sandbox.livemode,
        "payment": {"payment_intent": intent["id"], "type": "payment_intent"},
        "status": "open",
        "status_transitions": {"canceled_at": None, "paid_at": None},
    }
    sandbox.insert(payment)


def _intent_description(row: Row) -> str:
    reasons = {"subscription_create": "Subscription creation", "subscription_cycle": "Subscription update"}
    return reasons.get(row["billing_reason"], f"Payment for invoice {row['number']}")


def intent_of(sandbox: Any, invoice: Row) -> Row | None:
    """The payment intent that an open invoice waits for."""
    for payment in sandbox.table("invoice_payment").where("invoice", invoice["id"]):
        if payment["status"] != "canceled" and payment["is_default"]:
            intent: Row = sandbox.table("payment_intent").rows[payment["payment"]["payment_intent"]]
            return intent
    return None


def mark_paid(sandbox: Any, row: Row, *, attempted: bool, counts: bool = False, out_of_band: bool = False) -> None:
    """The invoice is settled."""
    also = ("invoice.paid",) if out_of_band else ("invoice.paid", "invoice.payment_succeeded")
    with sandbox.edit("invoice", row["id"], event="invoice.updated", also=also):
        if out_of_band:
            row["amount_paid_off_stripe"] = row["amount_remaining"]
        row.update(
            status="paid",
            amount_paid=row["amount_due"],
            amount_remaining=0,
            attempted=row["attempted"] or attempted,
            attempt_count=row["attempt_count"] + counts,
            next_payment_attempt=None,
            auto_advance=False,
        )
        row["status_transitions"]["paid_at"] = sandbox.now()


def close_payment(sandbox: Any, invoice: Row, *, reason: str, but: str | None = None) -> None:
    """Cancel the payments that an invoice waited for, but for one."""
    for payment in sandbox.table("invoice_payment").where("invoice", invoice["id"]):
        if payment["status"] == "open" and payment["payment"]["payment_intent"] != but:
            payment["status"] = "canceled"
            payment["status_transitions"]["canceled_at"] = sandbox.now()
            sandbox.table("invoice_payment").reindex(payment)
            intent = sandbox.table("payment_intent").rows[payment["payment"]["payment_intent"]]
            if intent["status"] not in ("succeeded", "canceled", "processing"):
                payments.cancel(sandbox, intent, reason)


def void(sandbox: Any, row: Row) -> None:
    """Open or uncollectible to void: as if it had never been."""
    payments_of = sandbox.table("invoice_payment").where("invoice", row["id"])
    if row["status"] == "paid" or any(payment["status"] == "paid" for payment in payments_of):
        raise invalid("Invoices with `paid` payments cannot be voided.")
    if row["status"] not in ("open", "uncollectible"):
        raise invalid("You can only pass in open invoices. This invoice isn't open.")
    with sandbox.edit("invoice", row["id"], event="invoice.updated", also=("invoice.voided",)):
        row.update(status="void", next_payment_attempt=None, auto_advance=False)
        row["status_transitions"]["voided_at"] = sandbox.now()
        close_payment(sandbox, row, reason="void_invoice")
    _return_balance(sandbox, row)


def mark_uncollectible(sandbox: Any, row: Row) -> None:
    """Open to uncollectible: it may still be paid or voided."""
    if row["status"] == "uncollectible":
        raise invalid("This invoice has already been marked uncollectible.")
    if row["status"] != "open":
        raise invalid("You can only pass in open invoices. This invoice isn't open.")
    also = ("invoice.marked_uncollectible",)
    with sandbox.edit("invoice", row["id"], event="invoice.updated", also=also):
        row.update(status="uncollectible", next_payment_attempt=None, auto_advance=False)
        row["status_transitions"]["marked_uncollectible_at"] = sandbox.now()
