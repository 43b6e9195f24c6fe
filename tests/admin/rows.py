"""Rows of the mirror for the admin's tests: small, but shaped as Stripe's objects."""

from __future__ import annotations

from typing import Any

from tests.admin.billing_rows import (
    credit_note,
    credit_note_line,
    customer_balance_transaction,
    discount,
    invoice_item,
    invoice_payment,
    line_item,
    line_payload,
    promotion_code,
    subscription_schedule,
    tax_id,
    tax_rate,
)
from tests.admin.money_rows import (
    balance_transaction,
    charge,
    checkout_session,
    dispute,
    payment_intent,
    payout,
    refund,
    setup_intent,
)
from tests.admin.row_store import DAY, NOW, SECOND, store

__all__ = [
    "DAY",
    "NOW",
    "SECOND",
    "balance_transaction",
    "charge",
    "checkout_session",
    "coupon",
    "credit_note",
    "credit_note_line",
    "customer",
    "customer_balance_transaction",
    "discount",
    "dispute",
    "invoice",
    "invoice_item",
    "invoice_payment",
    "item_payload",
    "line_item",
    "line_payload",
    "one_of_each",
    "payment_intent",
    "payment_method",
    "payout",
    "price",
    "price_payload",
    "product",
    "promotion_code",
    "refund",
    "setup_intent",
    "store",
    "subscription",
    "subscription_item",
    "subscription_schedule",
    "tax_id",
    "tax_rate",
]


def customer(id: str = "cus_Ada", **fields: Any) -> Any:
    """A customer in dollars."""
    deleted_at = fields.pop("deleted_at", None)
    return store(
        {
            "object": "customer",
            "id": id,
            "name": "Ada Lovelace",
            "email": "ada@example.com",
            "phone": "+44 20 7946 0000",
            "description": None,
            "balance": 0,
            "currency": "usd",
            "delinquent": False,
            "address": {"line1": "12 St James Square", "city": "London", "country": "GB", "postal_code": "SW1Y"},
            "metadata": {"plan": "pro"},
            "invoice_settings": {"default_payment_method": None},
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
        }
        | fields,
        deleted_at=deleted_at,
    )


def product(id: str = "prod_Tea", **fields: Any) -> Any:
    """Something to sell."""
    return store({"object": "product", "id": id, "name": "Tea club", "active": True, "metadata": {}} | fields)


def price(id: str = "price_Tea", **fields: Any) -> Any:
    """A monthly price of the product."""
    return store({**price_payload(id), **fields})


def price_payload(id: str = "price_Tea") -> dict[str, Any]:
    """The price as it stands inside an item."""
    return {
        "object": "price",
        "id": id,
        "product": "prod_Tea",
        "active": True,
        "currency": "usd",
        "unit_amount": 2900,
        "type": "recurring",
        "recurring": {"interval": "month", "interval_count": 1},
        "metadata": {},
    }


def item_payload(id: str = "si_Tea", **fields: Any) -> dict[str, Any]:
    """One item of a subscription."""
    return {
        "object": "subscription_item",
        "id": id,
        "subscription": "sub_Tea",
        "price": price_payload(),
        "quantity": 1,
        "current_period_start": SECOND,
        "current_period_end": SECOND + 30 * 86_400,
    } | fields


def subscription(id: str = "sub_Tea", **fields: Any) -> Any:
    """An active subscription of the customer."""
    return store(
        {
            "object": "subscription",
            "id": id,
            "customer": "cus_Ada",
            "status": "active",
            "currency": "usd",
            "collection_method": "charge_automatically",
            "start_date": SECOND,
            "cancel_at": None,
            "cancel_at_period_end": False,
            "canceled_at": None,
            "ended_at": None,
            "pause_collection": None,
            "trial_end": None,
            "default_payment_method": None,
            "latest_invoice": "in_Tea",
            "metadata": {},
            "items": {"object": "list", "has_more": False, "data": [item_payload(subscription=id)]},
        }
        | fields
    )


def subscription_item(id: str = "si_Tea", **fields: Any) -> Any:
    """The stored item."""
    return store(item_payload(id) | fields)


def invoice(id: str = "in_Tea", **fields: Any) -> Any:
    """A paid invoice with one line."""
    return store(
        {
            "object": "invoice",
            "id": id,
            "number": "ADA-0001",
            "customer": "cus_Ada",
            "status": "paid",
            "currency": "usd",
            "collection_method": "charge_automatically",
            "billing_reason": "subscription_cycle",
            "subtotal": 2900,
            "total": 2900,
            "amount_due": 2900,
            "amount_paid": 2900,
            "amount_remaining": 0,
            "customer_name": "Ada Lovelace",
            "customer_email": "ada@example.com",
            "hosted_invoice_url": "https://invoice.stripe.example/i/secret-path",
            "invoice_pdf": "https://pay.stripe.example/invoice/secret-path/pdf",
            "period_start": SECOND,
            "period_end": SECOND + 30 * 86_400,
            "attempt_count": 1,
            "status_transitions": {"finalized_at": SECOND, "paid_at": SECOND + 60},
            "parent": {"type": "subscription_details", "subscription_details": {"subscription": "sub_Tea"}},
            "lines": {"object": "list", "has_more": False, "data": [line_payload(invoice=id)]},
            "metadata": {},
        }
        | fields
    )


def payment_method(id: str = "pm_Visa", **fields: Any) -> Any:
    """A card."""
    card = {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2031, "fingerprint": "Xt5EWLLDS7FJjR1c"}
    return store(
        {"object": "payment_method", "id": id, "customer": "cus_Ada", "type": "card", "card": card, "metadata": {}}
        | fields
    )


def coupon(id: str = "SPRING", **fields: Any) -> Any:
    """A coupon of fifty dollars."""
    return store(
        {
            "object": "coupon",
            "id": id,
            "name": "Spring",
            "amount_off": 5000,
            "currency": "usd",
            "percent_off": None,
            "duration": "once",
            "times_redeemed": 3,
            "valid": True,
            "metadata": {},
        }
        | fields
    )


def one_of_each() -> dict[str, Any]:
    """A small, connected company: one row of each kind, by Stripe's `object`."""
    made = [
        customer(),
        product(),
        price(),
        coupon(),
        subscription(),
        subscription_item(),
        invoice(),
        payment_method(),
        payment_intent(),
        charge(),
        refund(),
        subscription_schedule(),
        invoice_item(),
        line_item(),
        invoice_payment(),
        credit_note(),
        credit_note_line(),
        promotion_code(),
        discount(),
        tax_rate(),
        tax_id(),
        customer_balance_transaction(),
        setup_intent(),
        checkout_session(),
        dispute(),
        balance_transaction(),
        payout(),
    ]
    return {row.kind.object: row for row in made}
