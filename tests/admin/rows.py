"""Rows of the mirror for the admin's tests, written straight into the tables: small, but shaped as Stripe's objects."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from stripe_mirror.kinds import get_kind

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = 1_780_000_000


def store(payload: dict[str, Any], **columns: Any) -> Any:
    """The mirrored row of one Stripe object, read back with its derived columns."""
    payload = {"created": SECOND, "livemode": False, **payload}
    model = get_kind(payload["object"]).model
    fixed: dict[str, Any] = {"as_of": NOW, "synced_at": NOW, "changed_at": NOW} | columns
    model.objects.bulk_create([model(id=payload["id"], data=payload, **fixed)])
    return model.objects.get(pk=payload["id"])


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
            "lines": {
                "object": "list",
                "has_more": False,
                "data": [
                    {
                        "object": "line_item",
                        "id": "il_1",
                        "description": "1 × Tea club (at $29.00 / month)",
                        "amount": 2900,
                        "currency": "usd",
                        "quantity": 1,
                        "period": {"start": SECOND, "end": SECOND + 30 * 86_400},
                    }
                ],
            },
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


def payment_intent(id: str = "pi_Tea", **fields: Any) -> Any:
    """A payment that went through."""
    return store(
        {
            "object": "payment_intent",
            "id": id,
            "customer": "cus_Ada",
            "status": "succeeded",
            "currency": "usd",
            "amount": 2900,
            "amount_received": 2900,
            "amount_capturable": 0,
            "payment_method": "pm_Visa",
            "latest_charge": "ch_Tea",
            "description": "Subscription update",
            "client_secret": "pi_Tea_secret_" + "hush",
            "metadata": {},
        }
        | fields
    )


def charge(id: str = "ch_Tea", **fields: Any) -> Any:
    """Its charge."""
    details = {"type": "card", "card": {"brand": "visa", "last4": "4242"}}
    return store(
        {
            "object": "charge",
            "id": id,
            "customer": "cus_Ada",
            "payment_intent": "pi_Tea",
            "payment_method": "pm_Visa",
            "payment_method_details": details,
            "status": "succeeded",
            "currency": "usd",
            "amount": 2900,
            "amount_captured": 2900,
            "amount_refunded": 0,
            "captured": True,
            "refunded": False,
            "disputed": False,
            "description": "Subscription update",
            "receipt_url": "https://pay.stripe.example/receipts/secret-path",
            "metadata": {},
        }
        | fields
    )


def refund(id: str = "re_Tea", **fields: Any) -> Any:
    """A refund of a part of it."""
    return store(
        {
            "object": "refund",
            "id": id,
            "charge": "ch_Tea",
            "payment_intent": "pi_Tea",
            "status": "succeeded",
            "currency": "usd",
            "amount": 900,
            "reason": "requested_by_customer",
            "metadata": {},
        }
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
    ]
    return {row.kind.object: row for row in made}
