"""Stripe's codes for why something failed, inside a sentence. Codes that aren't named here read as they are (S18)."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

# https://docs.stripe.com/declines/codes, https://docs.stripe.com/api/refunds/object, …/payouts/failures
REASONS: dict[str, Any] = {
    "abandoned": _("abandoned"),
    "account_closed": _("account closed"),
    "account_frozen": _("account frozen"),
    "authentication_required": _("authentication required"),
    "bank_account_restricted": _("bank account restricted"),
    "call_issuer": _("the customer must call the bank"),
    "card_declined": _("card declined"),
    "card_not_supported": _("card not supported"),
    "card_velocity_exceeded": _("card limit exceeded"),
    "charge_for_pending_refund_disputed": _("payment disputed meanwhile"),
    "could_not_process": _("the bank could not process it"),
    "currency_not_supported": _("currency not supported"),
    "debit_not_authorized": _("debit not authorized"),
    "declined": _("declined"),
    "do_not_honor": _("the bank refuses"),
    "duplicate": _("duplicate"),
    "expired_card": _("card expired"),
    "expired_or_canceled_card": _("card expired or canceled"),
    "failed_invoice": _("invoice not paid"),
    "fraudulent": _("suspected fraud"),
    "incorrect_cvc": _("wrong CVC"),
    "incorrect_number": _("wrong card number"),
    "incorrect_zip": _("wrong postal code"),
    "insufficient_funds": _("insufficient funds"),
    "invalid_account": _("invalid account"),
    "invalid_account_number": _("invalid account number"),
    "invalid_cvc": _("wrong CVC"),
    "invalid_expiry_month": _("wrong expiry month"),
    "invalid_expiry_year": _("wrong expiry year"),
    "lost_card": _("card lost"),
    "lost_or_stolen_card": _("card lost or stolen"),
    "max_payment_attempts": _("all attempts failed"),
    "no_account": _("account not found"),
    "payment_intent_authentication_failure": _("authentication failed"),
    "payment_intent_payment_attempt_expired": _("payment attempt expired"),
    "payment_not_received": _("payment not received"),
    "pickup_card": _("card withdrawn by the bank"),
    "processing_error": _("processing error"),
    "requested_by_customer": _("requested by the customer"),
    "setup_intent_authentication_failure": _("authentication failed"),
    "stolen_card": _("card stolen"),
    "subscription_canceled": _("subscription canceled"),
    "subscription_paused": _("subscription paused"),
    "transaction_not_allowed": _("transaction not allowed"),
    "try_again_later": _("the bank asks to try again later"),
    "user_forgiven": _("forgiven"),
    "void_invoice": _("invoice voided"),
    "withdrawal_count_limit_exceeded": _("card limit exceeded"),
}
# They say no more than that it was declined.
VAGUE = ("generic_decline", "card_declined", "")


def reason(code: object, detail: object = None) -> str:
    """One of Stripe's codes inside a sentence, with the bank's more exact one: "card declined (insufficient funds)"."""
    named = _plain(code)
    exact = _plain(detail) if detail not in VAGUE else ""
    if not named or not exact or exact == named:
        return named or exact
    return f"{named} ({exact})"


def _plain(code: object) -> str:
    text = str(code or "")
    return str(REASONS.get(text) or text.replace("_", " "))
