"""Status in words of what is billed beside subscriptions and invoices, and of what makes it cheaper or taxed."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from stripe_mirror.admin.display import day_text, words
from stripe_mirror.admin.status_base import Status

SCHEDULE = {
    "not_started": "info",
    "active": "success",
    "completed": "neutral",
    "released": "neutral",
    "canceled": "neutral",
}
INVOICE_PAYMENT = {"open": "info", "paid": "success", "canceled": "neutral"}
CREDIT_NOTE = {"issued": "success", "void": "neutral"}
VERIFICATION = {"pending": "info", "verified": "success", "unverified": "warning", "unavailable": "neutral"}


def schedule_status(row: Any) -> Status:
    """Also when: the next phase, or how it ended."""
    tone = SCHEDULE.get(row.status, "neutral")
    if row.status == "not_started" and row.starts:
        return Status(f"Starts on {day_text(row.starts)}", tone)
    if row.status == "active" and row.current_phase_end:
        return Status(f"Active, phase ends on {day_text(row.current_phase_end)}", tone)
    ended = {"completed": row.completed_at, "released": row.released_at, "canceled": row.canceled_at}.get(row.status)
    return Status(f"{words(row.status)} on {day_text(ended)}" if ended else words(row.status), tone)


def invoice_item_status(row: Any) -> Status:
    """Whether it stands on an invoice already."""
    return Status("Invoiced") if row.invoice_id else Status("Pending", "info")


def invoice_payment_status(row: Any) -> Status:
    """As Stripe says it."""
    return Status(words(row.status), INVOICE_PAYMENT.get(row.status, "neutral"))


def credit_note_status(row: Any) -> Status:
    """A void one says since when."""
    if row.status == "void" and row.voided_at:
        return Status(f"Void since {day_text(row.voided_at)}")
    return Status(words(row.status), CREDIT_NOTE.get(row.status, "neutral"))


def promotion_code_status(row: Any) -> Status:
    """Whether customers can still use it, and why not."""
    if row.expires_at and row.expires_at <= timezone.now():
        return Status(f"Expired on {day_text(row.expires_at)}")
    if row.max_redemptions and (row.times_redeemed or 0) >= row.max_redemptions:
        return Status("Used up")
    if not row.active:
        return Status("Inactive")
    return Status(f"Active until {day_text(row.expires_at)}" if row.expires_at else "Active", "success")


def discount_status(row: Any) -> Status | None:
    """Until when it lowers what is billed; nothing to say where Stripe names no end."""
    if not row.end:
        return None
    if row.end <= timezone.now():
        return Status(f"Ended on {day_text(row.end)}")
    return Status(f"Until {day_text(row.end)}", "success")


def tax_id_status(row: Any) -> Status | None:
    """Stripe's check with the authorities; not every country has one."""
    value = row.verification_status
    return Status(words(value), VERIFICATION.get(value, "neutral")) if value else None
