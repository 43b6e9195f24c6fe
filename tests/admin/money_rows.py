"""Rows of how money comes in and what becomes of it: payments, setups, Checkout, disputes, balance, payouts."""

from __future__ import annotations

from typing import Any

from tests.admin.row_store import DAY, SECOND, store


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
            "balance_transaction": "txn_Tea",
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


def setup_intent(id: str = "seti_Tea", **fields: Any) -> Any:
    """A card that was saved for later."""
    return store(
        {
            "object": "setup_intent",
            "id": id,
            "customer": "cus_Ada",
            "payment_method": "pm_Visa",
            "status": "succeeded",
            "usage": "off_session",
            "description": None,
            "last_setup_error": None,
            "cancellation_reason": None,
            "client_secret": "seti_Tea_secret_" + "hush",
            "metadata": {},
        }
        | fields
    )


def checkout_session(id: str = "cs_test_Tea", **fields: Any) -> Any:
    """A finished Checkout that began the subscription."""
    return store(
        {
            "object": "checkout.session",
            "id": id,
            "customer": "cus_Ada",
            "customer_email": None,
            "customer_details": {"email": "ada@example.com", "name": "Ada Lovelace"},
            "status": "complete",
            "payment_status": "paid",
            "mode": "subscription",
            "currency": "usd",
            "amount_subtotal": 2900,
            "amount_total": 2900,
            "client_reference_id": "order-77",
            "payment_intent": None,
            "setup_intent": None,
            "subscription": "sub_Tea",
            "invoice": "in_Tea",
            "expires_at": SECOND + DAY,
            "client_secret": "cs_test_Tea_secret_" + "hush",
            "url": "https://checkout.stripe.example/c/pay/secret-path",
            "after_expiration": {"recovery": {"enabled": True, "url": "https://buy.stripe.example/r/secret-path"}},
            "success_url": "https://shop.example/thanks",
            "metadata": {},
        }
        | fields
    )


def dispute(id: str = "du_Tea", **fields: Any) -> Any:
    """A chargeback that waits for evidence."""
    return store(
        {
            "object": "dispute",
            "id": id,
            "charge": "ch_Tea",
            "payment_intent": "pi_Tea",
            "status": "needs_response",
            "reason": "product_not_received",
            "currency": "usd",
            "amount": 2900,
            "is_charge_refundable": False,
            "balance_transactions": [],
            "evidence": {
                "customer_name": "Ada Lovelace",
                "customer_signature": "file_secret-path",
                "receipt": "file_secret-path",
                "uncategorized_text": "Shipped in May",
            },
            "evidence_details": {"due_by": SECOND + 9 * DAY, "has_evidence": False, "past_due": False},
            "payment_method_details": {"type": "card", "card": {"brand": "visa", "network_reason_code": "13.1"}},
            "metadata": {},
        }
        | fields
    )


def balance_transaction(id: str = "txn_Tea", **fields: Any) -> Any:
    """What the charge did to the balance."""
    return store(
        {
            "object": "balance_transaction",
            "id": id,
            "type": "charge",
            "reporting_category": "charge",
            "status": "available",
            "currency": "usd",
            "amount": 2900,
            "fee": 114,
            "fee_details": [
                {"type": "stripe_fee", "description": "Stripe processing fees", "amount": 114, "currency": "usd"}
            ],
            "net": 2786,
            "exchange_rate": None,
            "available_on": SECOND + 2 * DAY,
            "description": "Subscription update",
            "source": "ch_Tea",
        }
        | fields
    )


def payout(id: str = "po_Tea", **fields: Any) -> Any:
    """A payout that arrived."""
    return store(
        {
            "object": "payout",
            "id": id,
            "status": "paid",
            "currency": "usd",
            "amount": 2786,
            "arrival_date": SECOND + 4 * DAY,
            "automatic": True,
            "method": "standard",
            "type": "bank_account",
            "description": "STRIPE PAYOUT",
            "statement_descriptor": None,
            "destination": "ba_Ours",
            "reconciliation_status": "completed",
            "balance_transaction": "txn_Payout",
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "original_payout": None,
            "reversed_by": None,
            "trace_id": {"status": "supported", "value": "TRACE123"},
            "metadata": {},
        }
        | fields
    )
