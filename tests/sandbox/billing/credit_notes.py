"""Credit notes: what is taken off an invoice before it is paid, or given back after (as a refund, as credit on the
customer's balance, or outside Stripe)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.billing import collection, customer_balance, invoices, refunds
from tests.sandbox.billing.money import rounded, text
from tests.sandbox.errors import invalid
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
    lines = _lines(sandbox, invoice, params)
    subtotal, off = sum(line["amount"] for line in lines), sum(line["discount_amount"] for line in lines)
    total = subtotal - off
    _check_left(invoice, total)
    before = min(total, invoice["amount_remaining"])
    note.update(amount=total, subtotal=subtotal, subtotal_excluding_tax=subtotal, total=total)
    note.update(total_excluding_tax=total, discount_amount=off, discount_amounts=_discounts(lines))
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


def _lines(sandbox: Any, invoice: Row, params: Row) -> list[Row]:
    if ("amount" in params) == ("lines" in params):
        message = "You must pass one of amount and lines, and not both."
        raise invalid(message, code="parameter_missing", param="amount")
    if "amount" in params:
        return [_line(sandbox, params["amount"], unit_amount=params["amount"], quantity=1)]
    return [_described(sandbox, invoice, entry, f"lines[{n}]") for n, entry in enumerate(params["lines"])]


def _line(sandbox: Any, amount: int, *, unit_amount: int | None = None, **values: Any) -> Row:
    row: Row = {
        "id": sandbox.new_id("cnli_", 24),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": sandbox.livemode,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": None,
        "tax_rates": [],
        "taxes": [],
        "type": "custom_line_item",
        "unit_amount": unit_amount,
        "unit_amount_decimal": None if unit_amount is None else str(unit_amount),
    }
    row.update(values)
    return row


def _described(sandbox: Any, invoice: Row, entry: Row, param: str) -> Row:
    metadata = merged_metadata({}, entry.get("metadata", {}))
    if entry["type"] == "custom_line_item":
        quantity, unit = entry.get("quantity", 1), entry.get("unit_amount", entry.get("amount"))
        if unit is None or not entry.get("description"):
            raise invalid(f"Missing required param: {param}[unit_amount].", code="parameter_missing", param=param)
        values = {"description": entry["description"], "quantity": quantity, "metadata": metadata}
        return _line(sandbox, unit * quantity, unit_amount=unit, **values)
    line = sandbox.refer("line_item", entry.get("invoice_line_item", ""), f"{param}[invoice_line_item]")
    if line["invoice"] != invoice["id"]:
        raise invalid("The line item belongs to another invoice.", param=f"{param}[invoice_line_item]")
    amount = _share(line, entry, param)
    row = _line(sandbox, amount, type="invoice_line_item", invoice_line_item=line["id"], metadata=metadata)
    row.update(description=line["description"], quantity=entry.get("quantity"))
    _take_discounts(row, line)
    return row


def _share(line: Row, entry: Row, param: str) -> int:
    """What is credited of an invoice's line: an amount, or so many of its units."""
    amount = entry.get("amount")
    if amount is None:
        whole = line["quantity"] or 1
        amount = rounded(Decimal(line["amount"]) * entry.get("quantity", whole) / whole, line["currency"])
    if not 0 < amount <= line["amount"]:
        raise invalid("The credited amount can't be more than the line's.", param=f"{param}[amount]")
    return int(amount)


def _take_discounts(row: Row, line: Row) -> None:
    """A line that was discounted is credited with the same part of its discounts."""
    for taken in line["discount_amounts"]:
        part = rounded(Decimal(taken["amount"]) * row["amount"] / line["amount"], line["currency"])
        row["discount_amounts"].append({"amount": part, "discount": taken["discount"]})
        row["discount_amount"] += part


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
            f"The credit note amount ({text(total, invoice['currency'])}) must be positive and not more than what is "
            f"left to credit on the invoice ({text(left, invoice['currency'])}).",
            param="amount",
        )


def _check_split(sandbox: Any, note: Row, params: Row) -> None:
    """What was already paid must be given back in one way or another, neither more nor less."""
    given = sum(params.get(name, 0) for name in ("credit_amount", "out_of_band_amount", "refund_amount"))
    for position, entry in enumerate(params.get("refunds", [])):
        refund = sandbox.refer("refund", entry.get("refund", ""), f"refunds[{position}][refund]")
        given += entry.get("amount_refunded", refund["amount"])
    if given != note["post_payment_amount"]:
        after, currency = note["post_payment_amount"], note["currency"]
        raise invalid(
            f"The sum of credit amount, refund amount and out of band amount ({text(given, currency)}) must equal the "
            f"post payment credit note amount ({text(after, currency)})."
        )


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
