"""Status in plain words: one function per kind. What Stripe adds later reads as Stripe's own value (S18)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from stripe_mirror.admin import status_billing as billing
from stripe_mirror.admin import status_money as money
from stripe_mirror.admin.display import day_text, words
from stripe_mirror.admin.status_base import Status, reason

# Stripe's values with their tone: known ones for filters; the words are the value's own.
SUBSCRIPTION = {
    "trialing": "info",
    "active": "success",
    "past_due": "warning",
    "unpaid": "danger",
    "paused": "neutral",
    "incomplete": "warning",
    "incomplete_expired": "neutral",
    "canceled": "neutral",
}
INVOICE = {"draft": "neutral", "open": "info", "paid": "success", "uncollectible": "danger", "void": "neutral"}
PAYMENT_INTENT = {
    "requires_payment_method": "warning",
    "requires_confirmation": "warning",
    "requires_action": "warning",
    "processing": "info",
    "requires_capture": "info",
    "canceled": "neutral",
    "succeeded": "success",
}
CHARGE = {"succeeded": "success", "pending": "info", "failed": "danger"}
REFUND = {
    "pending": "info",
    "requires_action": "warning",
    "succeeded": "success",
    "failed": "danger",
    "canceled": "neutral",
}
KNOWN = {
    "subscription": SUBSCRIPTION,
    "subscription_schedule": billing.SCHEDULE,
    "invoice": INVOICE,
    "invoice_payment": billing.INVOICE_PAYMENT,
    "credit_note": billing.CREDIT_NOTE,
    "payment_intent": PAYMENT_INTENT,
    "charge": CHARGE,
    "refund": REFUND,
    "setup_intent": money.SETUP_INTENT,
    "checkout.session": money.CHECKOUT_SESSION,
    "dispute": money.DISPUTE,
    "balance_transaction": money.BALANCE_TRANSACTION,
    "payout": money.PAYOUT,
}


def subscription_status(row: Any) -> Status:
    """Also says how it goes on: ends, trial, paused collection (S40, S41)."""
    if row.status == "canceled":
        return Status(f"Canceled on {day_text(row.ended_at)}" if row.ended_at else "Canceled")
    if row.status not in SUBSCRIPTION:
        return Status(words(row.status))
    parts = [_running(row)] if not row.pause_behavior else [_running(row), _collection(row)]
    ends = _ends(row)
    if ends:
        parts.append(f"ends on {day_text(ends)}")
    scheduled = ends is not None or (row.pause_behavior and row.status == "active")
    return Status(", ".join(parts), "warning" if scheduled else SUBSCRIPTION[row.status])


def _running(row: Any) -> str:
    if row.status == "trialing" and row.trial_end:
        return f"Trial until {day_text(row.trial_end)}"
    return {"trialing": "Trial", "incomplete_expired": "Incomplete, expired"}.get(row.status, words(row.status))


def _collection(row: Any) -> str:
    """`pause_collection` is another thing than the status "paused" (S41)."""
    return f"collection paused until {day_text(row.pause_resumes_at)}" if row.pause_resumes_at else "collection paused"


def _ends(row: Any) -> Any:
    """When a scheduled cancellation takes effect: by `cancel_at` also while the flag is false (S40)."""
    if row.cancel_at:
        return row.cancel_at
    return row.current_period_end if row.cancel_at_period_end else None


def invoice_status(row: Any) -> Status:
    """An open invoice also says what comes next."""
    if row.status != "open":
        return Status(words(row.status), INVOICE.get(row.status, "neutral"))
    if row.due_date and row.due_date < timezone.now():
        return Status(f"Overdue since {day_text(row.due_date)}", "danger")
    if row.next_payment_attempt and (row.attempt_count or 0) > 0:
        return Status(f"Payment failed, next try on {day_text(row.next_payment_attempt)}", "warning")
    if row.due_date:
        return Status(f"Open, due on {day_text(row.due_date)}", "info")
    return Status("Open", "info")


def payment_intent_status(row: Any) -> Status:
    """A payment that was declined says why; one that went through, what became of the money since.

    That is known by the charge, where the row was read together with it.
    """
    charge = row._state.fields_cache.get("latest_charge")
    if row.status == "succeeded" and charge and (charge.disputed or charge.amount_refunded):
        return charge_status(charge)
    if row.status == "requires_payment_method" and row.error_code:
        return Status(f"Failed: {reason(row.decline_code or row.error_code)}", "danger")
    named = {
        "requires_payment_method": "Incomplete",
        "requires_action": "Needs authentication",
        "requires_capture": "Uncaptured",
    }
    return Status(named.get(row.status, words(row.status)), PAYMENT_INTENT.get(row.status, "neutral"))


def charge_status(row: Any) -> Status:
    """What became of the money, before what became of the attempt."""
    if row.disputed:
        return Status("Disputed", "danger")
    if row.refunded:
        return Status("Refunded")
    if row.amount_refunded:
        return Status("Partially refunded", "info")
    if row.status == "succeeded" and row.captured is False:
        return Status("Uncaptured", "info")
    if row.status == "failed" and row.failure_code:
        return Status(f"Failed: {reason(row.failure_code)}", "danger")
    return Status(words(row.status), CHARGE.get(row.status, "neutral"))


def refund_status(row: Any) -> Status:
    """ "Refund pending" rather than "Pending": the words also stand beside payments."""
    named = {"succeeded": "Refunded", "pending": "Refund pending", "failed": "Refund failed"}
    return Status(named.get(row.status, words(row.status)), REFUND.get(row.status, "neutral"))


def customer_status(row: Any) -> Status | None:
    """Stripe's flag for an unpaid latest invoice."""
    return Status("Past due", "warning") if row.delinquent else None


def coupon_status(row: Any) -> Status:
    """Whether it can still be redeemed."""
    return Status("Valid", "success") if row.valid else Status("No longer valid")


def payment_method_status(row: Any) -> Status | None:
    """Expiry of cards; a method without a customer can't be charged again."""
    if not row.customer_id:
        return Status("Detached")
    if not (row.exp_month and row.exp_year):
        return None
    today = timezone.localdate()
    expired = (row.exp_year, row.exp_month) < (today.year, today.month)
    return Status(
        f"{'Expired' if expired else 'Expires'} {row.exp_month:02}/{row.exp_year}", "danger" if expired else "neutral"
    )


def default_status(row: Any) -> Status | None:
    """Of a kind without words of its own: Stripe's status, or whether it is active."""
    if getattr(row, "status", None):
        return Status(words(row.status))
    if hasattr(row, "active"):
        return Status("Active", "success") if row.active else Status("Archived")
    return None


WORDS: dict[str, Callable[[Any], Status | None]] = {
    "subscription": subscription_status,
    "invoice": invoice_status,
    "payment_intent": payment_intent_status,
    "charge": charge_status,
    "refund": refund_status,
    "customer": customer_status,
    "coupon": coupon_status,
    "payment_method": payment_method_status,
    "subscription_schedule": billing.schedule_status,
    "invoiceitem": billing.invoice_item_status,
    "invoice_payment": billing.invoice_payment_status,
    "credit_note": billing.credit_note_status,
    "promotion_code": billing.promotion_code_status,
    "discount": billing.discount_status,
    "tax_id": billing.tax_id_status,
    "setup_intent": money.setup_intent_status,
    "checkout.session": money.checkout_session_status,
    "dispute": money.dispute_status,
    "balance_transaction": money.balance_transaction_status,
    "payout": money.payout_status,
}


def status_of(row: Any) -> Status | None:
    """The state of a mirrored row in words; None where there is nothing to say."""
    if row.deleted_at:
        return Status("Deleted")
    return WORDS.get(row.kind.object, default_status)(row)
