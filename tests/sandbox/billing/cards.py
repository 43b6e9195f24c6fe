"""Payment methods and the test tokens that stand for them: what they show, and how they behave when charged."""

from __future__ import annotations

from typing import Any

from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.store import Row

NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
SENTENCES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "expired_card": "Your card has expired.",
    "lost_card": "Your card was declined.",
    "incorrect_cvc": "Your card's security code is incorrect.",
}
OWN_CODES = ("expired_card", "incorrect_cvc")
# token: brand, last four, country, behaviour (attach: refused when attached; charge: declined when charged;
# action: wants the customer's authentication; refund: how a refund goes; funds: when the money is available;
# dispute: why the payment is disputed at once)
CARDS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "pm_card_visa": ("visa", "4242", "US", {}),
    "pm_card_visa_debit": ("visa", "5556", "US", {}),
    "pm_card_mastercard": ("mastercard", "4444", "US", {}),
    "pm_card_amex": ("amex", "0005", "US", {}),
    "pm_card_discover": ("discover", "1117", "US", {}),
    "pm_card_jcb": ("jcb", "0505", "JP", {}),
    "pm_card_de": ("visa", "0002", "DE", {}),
    "pm_card_gb": ("visa", "0000", "GB", {}),
    "pm_card_fr": ("visa", "0003", "FR", {}),
    "pm_card_jp": ("visa", "0004", "JP", {}),
    "pm_card_chargeDeclined": ("visa", "0002", "US", {"attach": "generic_decline", "charge": "generic_decline"}),
    "pm_card_chargeDeclinedInsufficientFunds": (
        "visa",
        "9995",
        "US",
        {"attach": "insufficient_funds", "charge": "insufficient_funds"},
    ),
    "pm_card_chargeDeclinedExpiredCard": ("visa", "0069", "US", {"attach": "expired_card", "charge": "expired_card"}),
    "pm_card_chargeDeclinedLostCard": ("visa", "9987", "US", {"attach": "lost_card", "charge": "lost_card"}),
    "pm_card_chargeDeclinedIncorrectCvc": (
        "visa",
        "0127",
        "US",
        {"attach": "incorrect_cvc", "charge": "incorrect_cvc"},
    ),
    "pm_card_chargeCustomerFail": ("visa", "0341", "US", {"charge": "generic_decline"}),
    "pm_card_authenticationRequired": ("visa", "3184", "US", {"action": "always"}),
    "pm_card_pendingRefund": ("visa", "7726", "US", {"refund": "pending"}),
    "pm_card_refundFail": ("visa", "5126", "US", {"refund": "fail"}),
    "pm_card_bypassPending": ("visa", "0077", "US", {"funds": "at_once"}),
    "pm_card_createDispute": ("visa", "0259", "US", {"dispute": "fraudulent"}),
    "pm_card_createDisputeProductNotReceived": ("visa", "2685", "US", {"dispute": "product_not_received"}),
    "pm_card_createDisputeInquiry": ("visa", "1976", "US", {"dispute": "inquiry"}),
}
DEBITS: dict[str, tuple[str, str, dict[str, str]]] = {
    "pm_sepaDebit": ("3000", "DE", {"settle": "succeed"}),
    "pm_sepaDebit_fr": ("2606", "FR", {"settle": "succeed"}),
    "pm_sepaDebitFail": ("3002", "DE", {"settle": "fail"}),
}
NUMBERS = {
    "4242424242424242": "pm_card_visa",
    "4000056655665556": "pm_card_visa_debit",
    "5555555555554444": "pm_card_mastercard",
    "378282246310005": "pm_card_amex",
    "4000000000000002": "pm_card_chargeDeclined",
    "4000000000009995": "pm_card_chargeDeclinedInsufficientFunds",
    "4000000000000341": "pm_card_chargeCustomerFail",
    "4000002500003155": "pm_card_authenticationRequired",
    "4000000000000077": "pm_card_bypassPending",
    "4000000000000259": "pm_card_createDispute",
    "4000000000002685": "pm_card_createDisputeProductNotReceived",
    "4000000000001976": "pm_card_createDisputeInquiry",
}


def blank(sandbox: Any, method_type: str) -> Row:
    """A payment method with no details."""
    return {
        "id": sandbox.new_id("pm_", 24),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {"address": dict(NO_ADDRESS), "email": None, "name": None, "phone": None, "tax_id": None},
        "created": sandbox.now(),
        "customer": None,
        "customer_account": None,
        "livemode": sandbox.livemode,
        "metadata": {},
        "type": method_type,
    }


def card(sandbox: Any, token: str) -> dict[str, Any]:
    """What a test card shows."""
    brand, last4, country, _ = CARDS[token]
    return {
        "brand": brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": country,
        "display_brand": brand if brand != "amex" else "american_express",
        "exp_month": 1 + int(last4) % 12,
        "exp_year": 2031 + int(last4) % 4,
        "fingerprint": sandbox.new_id("", 16),
        "funding": "debit" if "debit" in token else "credit",
        "generated_from": None,
        "last4": last4,
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def from_token(sandbox: Any, token: str) -> Row:
    """A new payment method from a test token, not stored yet."""
    if token in CARDS:
        row = blank(sandbox, "card")
        row["card"] = card(sandbox, token)
        behaviour = CARDS[token][3]
    else:
        last4, country, behaviour = DEBITS[token]
        row = blank(sandbox, "sepa_debit")
        row["sepa_debit"] = {
            "bank_code": "37040044",
            "branch_code": None,
            "country": country,
            "fingerprint": sandbox.new_id("", 16),
            "generated_from": {"charge": None, "setup_attempt": None},
            "last4": last4,
        }
    sandbox.table("payment_method").secret(row["id"]).update(behaviour)
    return row


def is_token(method_id: str) -> bool:
    """Whether this is one of Stripe's test payment methods."""
    return method_id in CARDS or method_id in DEBITS


def usable(sandbox: Any, method_id: str, *, param: str = "payment_method") -> Row:
    """The payment method that a parameter names; a token makes a new one."""
    if is_token(method_id):
        row = from_token(sandbox, method_id)
        sandbox.insert(row)
        return row
    found: Row = sandbox.refer("payment_method", method_id, param)
    if found["customer"] is None and behaviour(sandbox, found).get("detached"):
        raise invalid(
            "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
            "with a connected account without Customer attachment, or was detached from a Customer. It may not be "
            "used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
            param=param,
        )
    return found


def owned(sandbox: Any, method_id: str, customer: str, param: str) -> Row:
    """The payment method that shall be a default: attached to this customer."""
    row: Row = sandbox.refer("payment_method", method_id, param)
    if row["customer"] != customer:
        raise invalid(
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be attached "
            "to the customer.",
            code="resource_missing",
            param=param,
        )
    return row


def behaviour(sandbox: Any, method: Row) -> dict[str, Any]:
    """How a payment method behaves; nothing noted means well."""
    known: dict[str, Any] = sandbox.table("payment_method").private.get(method["id"], {})
    return known


def attach(sandbox: Any, method_id: str, customer_id: str, *, param: str = "payment_method") -> Row:
    """Attach to a customer; declined cards are refused, a token becomes a payment method of its own."""
    row = from_token(sandbox, method_id) if is_token(method_id) else usable(sandbox, method_id, param=param)
    if row["customer"] == customer_id:
        return row
    if row["customer"] is not None:
        raise invalid("The payment method you provided has already been attached to a customer.", param=param)
    if reason := behaviour(sandbox, row).get("attach"):
        sandbox.table("payment_method").private.pop(row["id"], None)
        raise declined(reason)
    if row["id"] not in sandbox.table("payment_method").rows:
        sandbox.insert(row)
    with sandbox.edit("payment_method", row["id"], event="payment_method.attached"):
        row["customer"] = customer_id
    return row


def declined(reason: str, **extra: Any) -> StripeError:
    """402: the card was declined."""
    code = reason if reason in OWN_CODES else "card_declined"
    advice = "do_not_try_again" if reason == "lost_card" else "try_again_later"
    details = {"decline_code": reason, "advice_code": advice}
    return StripeError(402, SENTENCES[reason], code=code, type="card_error", **details, **extra)
