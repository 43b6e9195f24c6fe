"""Credit notes: what is taken off an invoice before it is paid, or given back after (as a refund, as credit on the
customer's balance, or outside Stripe)."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import collection, credit_note_lines, customer_balance, invoices, refunds, taxes
from tests.sandbox.billing.money import in_words
from tests.sandbox.errors import invalid, missing
from tests.sandbox.resource import merged_metadata
from tests.sandbox.store import Row

CREDITABLE = ("open", "paid", "uncollectible")
REFUND_REASONS = ("duplicate", "fraudulent")


def draft(sandbox: Any, params: Row) -> tuple[Row, list[Row]]:
    """The note that the parameters describe, with its lines; nothing is stored or moved."""
    invoice = sandbox.refer("invoice", params["invoice"], "invoice")
    if invoice["status"] not in CREDITABLE:
        raise invalid(f"You cannot create a credit note for an invoice that is {invoice['status']}.", param="invoice")
    intent = invoices.intent_of(sandbox, invoice)
    if intent is not None and intent["status"] == "processing":
        raise invalid("This invoice has a payment that is being processed.", code="invoice_payment_processing")
    note = _blank(sandbox, invoice, params)
    lines = credit_note_lines.read(sandbox, invoice, params)
    subtotal, off = sum(line["amount"] for line in lines), sum(line["discount_amount"] for line in lines)
    total_taxes = taxes.summed(line["taxes"] for line in lines)
    added, included = taxes.added(total_taxes), taxes.included(total_taxes)
    total = subtotal - off + added
    _check_left(invoice, total)
    before = min(total, invoice["amount_remaining"])
    note.update(amount=total, subtotal=subtotal, subtotal_excluding_tax=subtotal - included, total=total)
    note.update(total_excluding_tax=total - added - included, total_taxes=total_taxes)
    note.update(discount_amount=off, discount_amounts=_discounts(lines))
    note.update(pre_payment_amount=before, post_payment_amount=total - before)
    note["type"] = "post_payment" if not before else "pre_payment" if before == total else "mixed"
    _check_split(sandbox, note, params)
    return note, lines


def _blank(sandbox: Any, invoice: Row, params: Row) -> Row:
    note_id, now = sandbox.new_id("cn_", 24), sandbox.now()
    number = len(sandbox.table("credit_note").where("invoice", invoice["id"])) + 1
    return {
        "id": note_id,
        "object": "credit_note",
        "amount_shipping": 0,
        "created": now,
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "customer_account": None,
        "customer_balance_transaction": None,
        "effective_at": params.get("effective_at", now),
        "invoice": invoice["id"],
        "livemode": sandbox.livemode,
        "memo": params.get("memo") or None,
        "metadata": merged_metadata({}, params.get("metadata", {})),
        "number": f"{invoice['number']}-CN-{number:02d}",
        "out_of_band_amount": params.get("out_of_band_amount"),
        "pdf": f"https://pay.sandbox.example/credit_notes/{sandbox.account_id}/{note_id}/pdf",
        "pretax_credit_amounts": [],
        "reason": params.get("reason"),
        "refunds": [],
        "shipping_cost": None,
        "status": "issued",
        "total_taxes": [],
        "voided_at": None,
    }


def _discounts(lines: list[Row]) -> list[Row]:
    sums: dict[str, int] = {}
    for line in lines:
        for taken in line["discount_amounts"]:
            sums[taken["discount"]] = sums.get(taken["discount"], 0) + taken["amount"]
    return [{"amount": amount, "discount": discount} for discount, amount in sums.items()]


def _check_left(invoice: Row, total: int) -> None:
    credited = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    left = invoice["total"] - credited
    if not 0 < total <= left:
        raise invalid(
            f"The credit note amount ({in_words(total, invoice['currency'])}) must be positive and not more than what "
            f"is left to credit on the invoice ({in_words(left, invoice['currency'])}).",
            param="amount",
        )


def _check_split(sandbox: Any, note: Row, params: Row) -> None:
    """What was already paid must be given back in one way or another, neither more nor less."""
    given = sum(params.get(name, 0) for name in ("credit_amount", "out_of_band_amount", "refund_amount"))
    for position, entry in enumerate(params.get("refunds", [])):
        if "payment_record_refund" in entry:  # no payment is ever recorded here
            record = entry["payment_record_refund"]["payment_record"]
            raise missing("payment_record", record, param=f"refunds[{position}][payment_record_refund]", status=400)
        refund = sandbox.refer("refund", entry.get("refund", ""), f"refunds[{position}][refund]")
        given += entry.get("amount_refunded", refund["amount"])
        _check_refund(sandbox, note, refund, entry, f"refunds[{position}]")
    if given != note["post_payment_amount"]:
        after, currency = note["post_payment_amount"], note["currency"]
        raise invalid(
            f"The sum of credit amount, refund amount and out of band amount ({in_words(given, currency)}) must equal "
            f"the credit note amount ({in_words(after, currency)})."
        )


def _check_refund(sandbox: Any, note: Row, refund: Row, entry: Row, param: str) -> None:
    """A refund counts once, and only for the invoice whose payment it gives back."""
    if entry.get("amount_refunded", 0) > refund["amount"]:
        raise invalid("The amount is more than the refund's.", param=f"{param}[amount_refunded]")
    payments = sandbox.table("invoice_payment").where("invoice", note["invoice"])
    if refund["payment_intent"] not in [payment["payment"].get("payment_intent") for payment in payments]:
        raise invalid("The refund is of another payment than the invoice's.", param=f"{param}[refund]")
    for other in sandbox.table("credit_note").where("invoice", note["invoice"]):
        if other["status"] != "void" and refund["id"] in [linked["refund"] for linked in other["refunds"]]:
            raise invalid("The refund is linked to another credit note.", param=f"{param}[refund]")


def issue(sandbox: Any, params: Row) -> Row:
    """Create a note and let it work: on the invoice, on its payment, on the customer's balance."""
    note, lines = draft(sandbox, params)
    invoice = sandbox.table("invoice").rows[note["invoice"]]
    customer = sandbox.table("customer").rows.get(note["customer"])
    if params.get("credit_amount") and customer is None:
        raise invalid("The customer was deleted and can't be given credit.", param="credit_amount")
    note["refunds"] = _refunds(sandbox, invoice, note, params)
    if params.get("credit_amount"):
        source = {"credit_note": note["id"], "invoice": invoice["id"], "currency": note["currency"]}
        moved = customer_balance.move(sandbox, customer, -params["credit_amount"], "credit_note", **source)
        note["customer_balance_transaction"] = moved["id"]
    for line in lines:
        sandbox.insert({**line, "credit_note": note["id"]})
    sandbox.insert(note, event="credit_note.created")
    _count(sandbox, invoice, note, sign=1)
    return note


def _refunds(sandbox: Any, invoice: Row, note: Row, params: Row) -> list[Row]:
    given = [
        (entry["refund"], entry.get("amount_refunded", sandbox.table("refund").rows[entry["refund"]]["amount"]))
        for entry in params.get("refunds", [])
    ]
    if params.get("refund_amount"):
        reason = note["reason"] if note["reason"] in REFUND_REASONS else None
        charge, amount = _charge(sandbox, invoice), params["refund_amount"]
        given.append((refunds.make(sandbox, charge, amount, reason=reason, metadata={})["id"], amount))
    shape = {"payment_record_refund": None, "type": "refund"}
    return [{"amount_refunded": amount, "refund": refund_id, **shape} for refund_id, amount in given]


def _charge(sandbox: Any, invoice: Row) -> Row:
    for payment in sandbox.table("invoice_payment").where("invoice", invoice["id"]):
        if payment["status"] == "paid":
            intent = sandbox.table("payment_intent").rows[payment["payment"]["payment_intent"]]
            charge: Row = sandbox.table("charge").rows[intent["latest_charge"]]
            return charge
    raise invalid("This invoice has no payment to refund.", param="refund_amount")


def _count(sandbox: Any, invoice: Row, note: Row, *, sign: int) -> None:
    """Show a note on its invoice, or take it off again; an invoice of which nothing remains is paid."""
    before, after = note["pre_payment_amount"] * sign, note["post_payment_amount"] * sign
    with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
        invoice["pre_payment_credit_notes_amount"] += before
        invoice["post_payment_credit_notes_amount"] += after
        invoice["amount_due"] -= before
        invoice["amount_remaining"] -= before
        if before and invoice["amount_remaining"]:
            _ask_anew(sandbox, invoice)
    if before and not invoice["amount_remaining"]:
        invoices.close_payment(sandbox, invoice, reason="void_invoice")
        invoices.mark_paid(sandbox, invoice, attempted=False)
        collection.settle(sandbox, invoice)


def _ask_anew(sandbox: Any, invoice: Row) -> None:
    """The payment that the invoice waited for was for another amount: a new one takes its place."""
    invoices.close_payment(sandbox, invoice, reason="void_invoice")
    invoices.ask_payment(sandbox, invoice)


def void(sandbox: Any, note: Row) -> None:
    """Take a note back; money that it moved stays moved."""
    invoice = sandbox.table("invoice").rows[note["invoice"]]
    if note["status"] == "void":
        raise invalid("This credit note is already void.")
    if invoice["status"] != "open":
        raise invalid("You can only void a credit note of an open invoice.")
    with sandbox.edit("credit_note", note["id"], also=("credit_note.voided",)):
        note.update(status="void", voided_at=sandbox.now())
    _count(sandbox, invoice, {**note, "post_payment_amount": 0}, sign=-1)
