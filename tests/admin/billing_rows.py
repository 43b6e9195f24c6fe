"""Rows of what is billed beside subscriptions and invoices: schedules, items, lines, credit notes, tax."""

from __future__ import annotations

from typing import Any

from tests.admin.row_store import DAY, SECOND, store


def subscription_schedule(id: str = "sub_sched_Tea", **fields: Any) -> Any:
    """A schedule in the first of its two phases."""
    phases = [
        {
            "start_date": SECOND,
            "end_date": SECOND + 30 * DAY,
            "currency": "usd",
            "items": [{"price": "price_Tea", "quantity": 1}],
        },
        {
            "start_date": SECOND + 30 * DAY,
            "end_date": SECOND + 395 * DAY,
            "currency": "usd",
            "items": [{"price": "price_Tea", "quantity": 3}, {"price": "price_Unknown", "quantity": 1}],
            "discounts": [{"coupon": "SPRING", "discount": None, "promotion_code": None}],
        },
    ]
    return store(
        {
            "object": "subscription_schedule",
            "id": id,
            "customer": "cus_Ada",
            "subscription": "sub_Tea",
            "released_subscription": None,
            "status": "active",
            "end_behavior": "release",
            "current_phase": {"start_date": SECOND, "end_date": SECOND + 30 * DAY},
            "phases": phases,
            "canceled_at": None,
            "completed_at": None,
            "released_at": None,
            "metadata": {},
        }
        | fields
    )


def invoice_item(id: str = "ii_Tea", **fields: Any) -> Any:
    """A proration on the invoice; Stripe calls its time `date`."""
    return store(
        {
            "object": "invoiceitem",
            "id": id,
            "date": SECOND,
            "created": None,
            "customer": "cus_Ada",
            "invoice": "in_Tea",
            "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_Tea"}},
            "pricing": {"type": "price_details", "price_details": {"price": "price_Tea", "product": "prod_Tea"}},
            "description": "Unused time on Tea club",
            "amount": -1450,
            "currency": "usd",
            "quantity": 1,
            "proration": True,
            "period": {"start": SECOND, "end": SECOND + 15 * DAY},
            "metadata": {},
        }
        | fields
    )


def line_payload(id: str = "il_Tea", **fields: Any) -> dict[str, Any]:
    """A line as it stands inside its invoice."""
    return {
        "object": "line_item",
        "id": id,
        "invoice": "in_Tea",
        "description": "1 × Tea club (at $29.00 / month)",
        "amount": 2900,
        "currency": "usd",
        "quantity": 1,
        "period": {"start": SECOND, "end": SECOND + 30 * DAY},
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {
                "subscription": "sub_Tea",
                "subscription_item": "si_Tea",
                "invoice_item": None,
                "proration": False,
            },
        },
        "pricing": {"type": "price_details", "price_details": {"price": "price_Tea", "product": "prod_Tea"}},
        "metadata": {},
    } | fields


def line_item(id: str = "il_Tea", **fields: Any) -> Any:
    """The stored line; Stripe gives it no `created`."""
    return store({**line_payload(id), "created": None, **fields})


def invoice_payment(id: str = "inpay_Tea", **fields: Any) -> Any:
    """How the invoice was paid."""
    return store(
        {
            "object": "invoice_payment",
            "id": id,
            "invoice": "in_Tea",
            "payment": {"type": "payment_intent", "payment_intent": "pi_Tea"},
            "status": "paid",
            "currency": "usd",
            "amount_requested": 2900,
            "amount_paid": 2900,
            "is_default": True,
            "status_transitions": {"paid_at": SECOND + 60, "canceled_at": None},
        }
        | fields
    )


def credit_note(id: str = "cn_Tea", **fields: Any) -> Any:
    """A credit note that gave money back."""
    return store(
        {
            "object": "credit_note",
            "id": id,
            "number": "ADA-0001-CN-01",
            "customer": "cus_Ada",
            "invoice": "in_Tea",
            "status": "issued",
            "type": "post_payment",
            "reason": "order_change",
            "currency": "usd",
            "subtotal": 900,
            "total": 900,
            "amount": 900,
            "pre_payment_amount": 0,
            "post_payment_amount": 900,
            "memo": "Changed their mind",
            "refunds": [{"amount_refunded": 900, "refund": "re_Tea"}],
            "customer_balance_transaction": None,
            "pdf": "https://pay.stripe.example/credit_notes/secret-path/pdf",
            "voided_at": None,
            "metadata": {},
        }
        | fields
    )


def credit_note_line(id: str = "cnli_Tea", *, credit_note: str = "cn_Tea", position: int = 0, **fields: Any) -> Any:
    """What was credited; Stripe's object names no credit note and has no `created`."""
    line = {
        "object": "credit_note_line_item",
        "id": id,
        "created": None,
        "type": "invoice_line_item",
        "invoice_line_item": "il_Tea",
        "description": "A third of the tea",
        "quantity": 1,
        "amount": 900,
        "discount_amount": 0,
        "unit_amount": 900,
        "metadata": {},
    }
    return store(line | fields, credit_note_id=credit_note, currency="usd", position=position)


def promotion_code(id: str = "promo_Tea", **fields: Any) -> Any:
    """A code for the coupon, for orders from twenty dollars on."""
    return store(
        {
            "object": "promotion_code",
            "id": id,
            "code": "SPRING26",
            "promotion": {"type": "coupon", "coupon": "SPRING"},
            "customer": None,
            "active": True,
            "expires_at": None,
            "max_redemptions": 100,
            "times_redeemed": 3,
            "restrictions": {
                "first_time_transaction": True,
                "minimum_amount": 2000,
                "minimum_amount_currency": "usd",
            },
            "metadata": {},
        }
        | fields
    )


def discount(id: str = "di_Tea", **fields: Any) -> Any:
    """The coupon at work on the subscription; it has a start in place of `created`."""
    return store(
        {
            "object": "discount",
            "id": id,
            "created": None,
            "start": SECOND,
            "end": SECOND + 90 * DAY,
            "source": {"type": "coupon", "coupon": "SPRING"},
            "promotion_code": "promo_Tea",
            "customer": "cus_Ada",
            "subscription": "sub_Tea",
            "subscription_item": None,
            "invoice": None,
            "invoice_item": None,
        }
        | fields
    )


def tax_rate(id: str = "txr_Vat", **fields: Any) -> Any:
    """German VAT on top of the price."""
    return store(
        {
            "object": "tax_rate",
            "id": id,
            "display_name": "VAT",
            "description": "VAT Germany",
            "percentage": 19.0,
            "inclusive": False,
            "active": True,
            "country": "DE",
            "state": None,
            "jurisdiction": "DE",
            "tax_type": "vat",
            "metadata": {},
        }
        | fields
    )


def tax_id(id: str = "txi_Ada", **fields: Any) -> Any:
    """A verified tax id of the customer."""
    return store(
        {
            "object": "tax_id",
            "id": id,
            "customer": "cus_Ada",
            "owner": {"type": "customer", "customer": "cus_Ada"},
            "type": "eu_vat",
            "value": "DE123456789",
            "country": "DE",
            "verification": {
                "status": "verified",
                "verified_name": "Lovelace GmbH",
                "verified_address": "Unter den Linden 1, Berlin",
            },
        }
        | fields
    )


def customer_balance_transaction(id: str = "cbtxn_Ada", **fields: Any) -> Any:
    """A credit of five dollars."""
    return store(
        {
            "object": "customer_balance_transaction",
            "id": id,
            "customer": "cus_Ada",
            "type": "adjustment",
            "currency": "usd",
            "amount": -500,
            "ending_balance": -500,
            "description": "Goodwill",
            "invoice": None,
            "credit_note": "cn_Tea",
            "checkout_session": None,
            "metadata": {},
        }
        | fields
    )
