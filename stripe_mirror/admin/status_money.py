"""Status in words of how money comes in beside payments, and of what becomes of it on the way to the bank."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from stripe_mirror.admin.display import bank_day_text, day_text, words
from stripe_mirror.admin.status_base import Status, reason

SETUP_INTENT = {
    "requires_payment_method": "warning",
    "requires_confirmation": "warning",
    "requires_action": "warning",
    "processing": "info",
    "canceled": "neutral",
    "succeeded": "success",
}
CHECKOUT_SESSION = {"open": "info", "complete": "success", "expired": "neutral"}
DISPUTE = {
    "warning_needs_response": "warning",
    "warning_under_review": "info",
    "warning_closed": "neutral",
    "needs_response": "danger",
    "under_review": "info",
    "won": "success",
    "lost": "danger",
    "prevented": "neutral",
}
BALANCE_TRANSACTION = {"pending": "info", "available": "success"}
PAYOUT = {"pending": "info", "in_transit": "info", "paid": "success", "failed": "danger", "canceled": "neutral"}

# A dispute that has not taken money yet is an inquiry; Stripe's values for it begin so.
INQUIRY = "warning_"


def setup_intent_status(row: Any) -> Status:
    """One that failed or was given up says why."""
    if row.status == "requires_payment_method" and row.error_code:
        return Status(f"Failed: {reason(row.decline_code or row.error_code)}", "danger")
    if row.status == "canceled" and row.cancellation_reason:
        return Status(f"Canceled: {reason(row.cancellation_reason)}")
    named = {"requires_payment_method": "Incomplete", "requires_action": "Needs authentication"}
    return Status(named.get(row.status, words(row.status)), SETUP_INTENT.get(row.status, "neutral"))


def checkout_session_status(row: Any) -> Status:
    """A complete session is not always paid: some methods take days."""
    if row.status == "complete" and row.payment_status == "unpaid":
        return Status("Complete, payment pending", "warning")
    if row.status == "complete" and row.payment_status == "paid":
        return Status("Complete, paid", "success")
    if row.status == "open" and row.expires_at:
        return Status(f"Open until {day_text(row.expires_at)}", "info")
    return Status(words(row.status), CHECKOUT_SESSION.get(row.status, "neutral"))


def dispute_status(row: Any) -> Status:
    """Until when to answer; what comes after is said by Stripe's value."""
    status = row.status or ""
    inquiry = status.startswith(INQUIRY)
    plain = status.removeprefix(INQUIRY)
    tone = DISPUTE.get(status, "neutral")
    if plain == "needs_response":
        return Status(f"Inquiry: {_answer(row)}" if inquiry else words(_answer(row)), tone)
    return Status(f"Inquiry {words(plain).lower()}" if inquiry else words(plain), tone)


def _answer(row: Any) -> str:
    if not row.due_by:
        return "needs response"
    return f"{'deadline was' if row.due_by < timezone.now() else 'needs response by'} {day_text(row.due_by)}"


def balance_transaction_status(row: Any) -> Status:
    """From when on pending money can be paid out."""
    if row.status == "pending" and row.available_on:
        return Status(f"Pending until {bank_day_text(row.available_on)}", "info")
    return Status(words(row.status), BALANCE_TRANSACTION.get(row.status, "neutral"))


def payout_status(row: Any) -> Status:
    """When it arrives, or why it didn't. A paid one can still fail, for about five business days."""
    tone = PAYOUT.get(row.status, "neutral")
    if row.status in ("pending", "in_transit") and row.arrival_date:
        return Status(f"{words(row.status)}, arrives {bank_day_text(row.arrival_date)}", tone)
    if row.status == "failed" and row.failure_code:
        return Status(f"Failed: {reason(row.failure_code)}", tone)
    if row.status == "paid" and row.reversed_by_id:
        return Status("Reversed")
    return Status(words(row.status), tone)
