"""Invoices: drafts, lines, totals, finalization, and the ways they end. Taking the money is in `collection.py`."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import discounts, payments
from tests.sandbox.billing.money import cost, minimum
from tests.sandbox.errors import invalid
from tests.sandbox.store import Row, clone

DRAFT_SECONDS = 3600


def make(sandbox: Any, customer: Row, *, currency: str, billing_reason: str, **values: Any) -> Row:
    """A draft without lines, stored; `invoice.created` is told by the caller when the lines are on it."""
    invoice_id, now = sandbox.new_id("in_", 24), sandbox.now()
    row: Row = {
        "id": invoice_id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Sandbox Back Office",
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": False,
            "liability": None,
            "provider": None,
            "status": None,
        },
        "automatically_finalizes_at": None,
        "billing_reason": billing_reason,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "custom_fields": clone(customer["invoice_settings"]["custom_fields"]),
        "customer": customer["id"],
        "customer_account": None,
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": customer["invoice_settings"]["footer"],
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "livemode": sandbox.livemode,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "on_behalf_of": None,
        "parent": None,
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "period_end": now,
        "period_start": now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None,
            "marked_uncollectible_at": None,
            "paid_at": None,
            "voided_at": None,
        },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": None,
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": now,
    }
    row.update(values)
    take_customer(row, customer)
    if row["auto_advance"]:
        schedule_finalization(sandbox, row)
    if customer["currency"] is None:
        with sandbox.edit("customer", customer["id"], event="customer.updated"):
            customer["currency"] = currency
    sandbox.insert(row)
    return row


def take_customer(row: Row, customer: Row) -> None:
    """Copy what an invoice shows of its customer; fixed when it is finalized."""
    for name in ("address", "email", "name", "phone", "shipping", "tax_exempt"):
        row[f"customer_{name}"] = clone(customer[name])


def schedule_finalization(sandbox: Any, row: Row, at: int | None = None) -> None:
    """Finalize by itself in about an hour."""
    row["automatically_finalizes_at"] = at or sandbox.now() + DRAFT_SECONDS
    sandbox.timers.at(row["automatically_finalizes_at"], "finalize_invoice", row["id"])


def subscription_parent(subscription: Row) -> Row:
    """`parent` of a subscription's invoice, with the metadata as it is now."""
    details = {"metadata": dict(subscription["metadata"]), "subscription": subscription["id"]}
    return {"quote_details": None, "subscription_details": details, "type": "subscription_details"}


def add_line(sandbox: Any, invoice: Row, *, amount: int, parent: Row, period: Row, **values: Any) -> Row:
    """Put a line on a draft."""
    row: Row = {
        "id": sandbox.new_id("il_", 24),
        "object": "line_item",
        "amount": amount,
        "currency": invoice["currency"],
        "description": None,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice["id"],
        "livemode": sandbox.livemode,
        "metadata": {},
        "parent": parent,
        "period": period,
        "pretax_credit_amounts": [],
        "pricing": None,
        "quantity": 1,
        "quantity_decimal": None,
        "subscription": None,
        "subtotal": amount,
        "taxes": [],
    }
    row.update(values)
    row["quantity_decimal"] = None if row["quantity"] is None else str(row["quantity"])
    sandbox.insert(row)
    return row


def add_item_line(sandbox: Any, invoice: Row, subscription: Row, item: Row, *, amount: int | None = None) -> None:
    """The line for one subscription item's current period; `amount` 0 for a trial."""
    price = sandbox.table("price").rows[item["price"]]
    quantity = item.get("quantity", 1)
    full = cost(sandbox, price, quantity)
    add_line(
        sandbox,
        invoice,
        amount=full if amount is None else amount,
        description=_describe(sandbox, price, quantity, trial=amount == 0 and full > 0),
        parent={
            "invoice_item_details": None,
            "subscription_item_details": {
                "invoice_item": None,
                "proration": False,
                "proration_details": {"credited_items": None},
                "subscription": subscription["id"],
                "subscription_item": item["id"],
            },
            "type": "subscription_item_details",
        },
        period={"end": item["current_period_end"], "start": item["current_period_start"]},
        pricing=pricing(price),
        quantity=quantity,
        subscription=subscription["id"],
        metadata=dict(subscription["metadata"]),
    )


def _describe(sandbox: Any, price: Row, quantity: int, *, trial: bool) -> str:
    product = product_name(sandbox, price)
    if trial:
        return f"Trial period for {product}"
    every = price["recurring"]
    if every is None:
        return product
    count = every["interval_count"]
    rhythm = every["interval"] if count == 1 else f"{count} {every['interval']}s"
    return f"{quantity} × {product} (at {price['unit_amount_decimal']} {price['currency']} / {rhythm})"


def product_name(sandbox: Any, price: Row) -> str:
    """The name of what a price sells."""
    product = sandbox.table("product").rows.get(price["product"])
    return str(product["name"]) if product else str(price["product"])


def pricing(price: Row | None, unit_amount: int | None = None) -> Row | None:
    """`pricing` of a line or an invoice item."""
    if price is None:
        return None
    decimal = price["unit_amount_decimal"] if unit_amount is None else str(unit_amount)
    details = {"price": price["id"], "product": price["product"]}
    return {"price_details": details, "type": "price_details", "unit_amount_decimal": decimal}


def add_pending_items(sandbox: Any, invoice: Row, *, subscription: str | None = None) -> None:
    """Sweep a customer's pending invoice items into a draft."""
    for item in list(sandbox.table("invoiceitem").where("customer", invoice["customer"])):
        parent = (item["parent"] or {}).get("subscription_details") or {}
        own = parent.get("subscription") in (None, subscription)
        if item["invoice"] is None and item["currency"] == invoice["currency"] and own:
            item["invoice"] = invoice["id"]
            sandbox.table("invoiceitem").reindex(item)
            add_invoiceitem_line(sandbox, invoice, item)


def add_invoiceitem_line(sandbox: Any, invoice: Row, item: Row) -> Row:
    """The line that shows an invoice item."""
    details = (item["parent"] or {}).get("subscription_details") or {}
    shared = {"proration": item["proration"], "proration_details": {"credited_items": None}}
    parent = {"invoice_item_details": None, "subscription_item_details": None}
    if details.get("subscription_item"):
        parent |= {"type": "subscription_item_details"}
        parent["subscription_item_details"] = {"invoice_item": item["id"], **shared, **details}
    else:
        parent |= {"type": "invoice_item_details"}
        subscription = details.get("subscription")
        parent["invoice_item_details"] = {"invoice_item": item["id"], **shared, "subscription": subscription}
    return add_line(
        sandbox,
        invoice,
        amount=item["amount"],
        description=item["description"],
        discountable=item["discountable"],
        metadata=dict(item["metadata"]),
        parent=parent,
        period=dict(item["period"]),
        pricing=clone(item["pricing"]),
        quantity=item["quantity"],
        subscription=details.get("subscription"),
    )


def retotal(sandbox: Any, invoice: Row) -> None:
    """Compute a draft's amounts from its lines and discounts."""
    lines = sandbox.table("line_item").where("invoice", invoice["id"])
    discounts.amounts(sandbox, lines, invoice["discounts"], invoice["currency"])
    subtotal = sum(line["amount"] for line in lines)
    by_discount = dict.fromkeys(invoice["discounts"], 0)
    for line in lines:
        for taken in line["discount_amounts"]:
            by_discount[taken["discount"]] += taken["amount"]
    total = subtotal - sum(by_discount.values())
    customer = sandbox.table("customer").rows.get(invoice["customer"])
    balance = customer["balance"] if customer else 0
    due = max(0, total + balance)
    invoice.update(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal,
        total=total,
        total_excluding_tax=total,
        total_discount_amounts=[{"amount": amount, "discount": key} for key, amount in by_discount.items()],
        starting_balance=balance,
        amount_due=due,
        amount_remaining=due,
    )
    sandbox.table("line_item").version += 1


def finalize(sandbox: Any, invoice_id: str) -> Row:
    """Draft to open (or paid, when nothing is due)."""
    row: Row = sandbox.table("invoice").rows[invoice_id]
    customer = sandbox.table("customer").rows.get(row["customer"])
    sent = ("invoice.sent",) if row["collection_method"] == "send_invoice" else ()
    with sandbox.edit("invoice", invoice_id, event="invoice.updated", also=("invoice.finalized", *sent)):
        now = sandbox.now()
        retotal(sandbox, row)
        row["number"] = row["number"] or _number(sandbox, customer)
        row.update(
            status="open",
            automatically_finalizes_at=None,
            effective_at=row["effective_at"] or now,
            hosted_invoice_url=f"https://invoice.sandbox.example/i/{sandbox.account_id}/{invoice_id}",
            invoice_pdf=f"https://pay.sandbox.example/invoice/{sandbox.account_id}/{invoice_id}/pdf",
        )
        if row["collection_method"] == "charge_automatically" and row["auto_advance"] and row["amount_due"]:
            row["next_payment_attempt"] = now
        row["status_transitions"]["finalized_at"] = now
        _settle_balance(sandbox, row, customer)
        if row["amount_due"] > 0:
            _ask_payment(sandbox, row)
    if row["amount_due"] == 0:
        mark_paid(sandbox, row, attempted=True)
    return row


def _number(sandbox: Any, customer: Row | None) -> str:
    if customer is None:
        return f"DELETED-{sandbox.next_number('invoice'):04d}"
    sequence = customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] = sequence + 1
    return f"{customer['invoice_prefix']}-{sequence:04d}"


def _settle_balance(sandbox: Any, row: Row, customer: Row | None) -> None:
    """Use the customer's balance; what is too small to charge goes onto it."""
    if customer is None:
        return
    balance = customer["balance"] + row["total"] - row["amount_due"]
    if 0 < row["amount_due"] < minimum(row["currency"]):
        balance += row["amount_due"]
        row.update(amount_due=0, amount_remaining=0)
    row["ending_balance"] = balance
    if balance != customer["balance"]:
        with sandbox.edit("customer", customer["id"], event="customer.updated"):
            customer["balance"] = balance


def _ask_payment(sandbox: Any, row: Row) -> None:
    """The payment intent of an open invoice, and the row that ties both together."""
    intent = payments.make_intent(
        sandbox,
        amount=row["amount_due"],
        currency=row["currency"],
        customer=row["customer"],
        description=_intent_description(row),
        setup_future_usage="off_session" if row["parent"] else None,
        automatic_payment_methods=None,
        payment_method_types=["card", "sepa_debit"] if row["currency"] == "eur" else ["card"],
    )
    sandbox.table("payment_intent").secret(intent["id"])["invoice"] = row["id"]
    payment: Row = {
        "id": sandbox.new_id("inpay_", 24),
        "object": "invoice_payment",
        "amount_paid": None,
        "amount_requested": row["amount_due"],
        "created": sandbox.now(),
        "currency": row["currency"],
        "invoice": row["id"],
        "is_default": True,
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
        if payment["status"] != "canceled" and payment["payment"]["type"] == "payment_intent":
            intent: Row = sandbox.table("payment_intent").rows[payment["payment"]["payment_intent"]]
            return intent
    return None


def mark_paid(sandbox: Any, row: Row, *, attempted: bool, out_of_band: bool = False) -> None:
    """The invoice is settled."""
    also = ("invoice.paid",) if out_of_band else ("invoice.paid", "invoice.payment_succeeded")
    with sandbox.edit("invoice", row["id"], event="invoice.updated", also=also):
        row.update(
            status="paid",
            amount_paid=row["amount_due"],
            amount_remaining=0,
            attempted=row["attempted"] or attempted,
            next_payment_attempt=None,
            auto_advance=False,
        )
        if out_of_band:
            row["amount_paid_off_stripe"] = row["amount_due"]
        row["status_transitions"]["paid_at"] = sandbox.now()


def close_payment(sandbox: Any, invoice: Row, *, reason: str) -> None:
    """Cancel the payment that an invoice waited for."""
    for payment in sandbox.table("invoice_payment").where("invoice", invoice["id"]):
        if payment["status"] == "open":
            payment["status"] = "canceled"
            payment["status_transitions"]["canceled_at"] = sandbox.now()
            sandbox.table("invoice_payment").reindex(payment)
            intent = sandbox.table("payment_intent").rows[payment["payment"]["payment_intent"]]
            if intent["status"] not in ("succeeded", "canceled", "processing"):
                payments.cancel(sandbox, intent, reason)


def void(sandbox: Any, row: Row) -> None:
    """Open or uncollectible to void: as if it had never been."""
    if row["status"] == "paid":
        raise invalid("Invoices with `paid` payments cannot be voided.")
    if row["status"] not in ("open", "uncollectible"):
        raise invalid("You can only pass in open invoices. This invoice isn't open.")
    with sandbox.edit("invoice", row["id"], event="invoice.updated", also=("invoice.voided",)):
        row.update(status="void", next_payment_attempt=None, auto_advance=False)
        row["status_transitions"]["voided_at"] = sandbox.now()
        close_payment(sandbox, row, reason="void_invoice")


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
