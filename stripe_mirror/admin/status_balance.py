"""Status in words of what becomes of the money on the way to the bank: disputes, balance transactions, payouts."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin.display import bank_day_text, day_text
from stripe_mirror.admin.status_base import State, Status, state_of, states_of, unknown
from stripe_mirror.admin.status_reasons import reason
from stripe_mirror.language import spoken

DEADLINE_PASSED, REVERSED = "deadline_passed", "reversed"


def _deadline_passed() -> Q:
    return Q(status="needs_response", due_by__lt=timezone.now())


DISPUTE = states_of(
    State("needs_response", gettext_lazy("Needs response"), "danger"),
    State(DEADLINE_PASSED, gettext_lazy("Deadline passed"), "danger", _deadline_passed),
    State("under_review", gettext_lazy("Under review"), "info"),
    State("won", gettext_lazy("Won"), "success"),
    State("lost", gettext_lazy("Lost"), "danger"),
    State("prevented", gettext_lazy("Prevented")),
    State("appeal_needs_response", gettext_lazy("Appeal needs response"), "warning"),
    State("appeal_under_review", gettext_lazy("Appeal under review"), "info"),
    # A dispute that has not taken money yet is an inquiry.
    State("warning_needs_response", gettext_lazy("Inquiry needs response"), "warning"),
    State("warning_under_review", gettext_lazy("Inquiry under review"), "info"),
    State("warning_closed", gettext_lazy("Inquiry closed")),
)
BALANCE_TRANSACTION = states_of(
    State("pending", gettext_lazy("Pending"), "info"),
    State("available", gettext_lazy("Available"), "success"),
)
PAYOUT = states_of(
    State("pending", gettext_lazy("Pending"), "info"),
    State("in_transit", gettext_lazy("In transit"), "info"),
    State("paid", gettext_lazy("Paid"), "success"),
    State(REVERSED, gettext_lazy("Reversed"), "neutral", lambda: Q(status="paid", reversed_by__isnull=False)),
    State("failed", gettext_lazy("Failed"), "danger"),
    State("canceled", gettext_lazy("Canceled")),
)


def dispute_status(row: Any) -> Status:
    """Until when to answer; what comes after is said by Stripe's value."""
    state = state_of(DISPUTE, row)
    if state is None:
        return unknown(row)
    if not row.status.endswith("needs_response") or not row.due_by:
        return state.says()
    day = {"day": day_text(row.due_by)}
    if row.due_by >= timezone.now():
        return state.says(_("%(state)s by %(day)s") % {"state": state.label, **day})
    if row.status == "needs_response":
        return DISPUTE[DEADLINE_PASSED].says(_("Deadline passed on %(day)s") % day, also=(row.status,))
    return state.says("", _("deadline passed on %(day)s") % day)


def charge_dispute_words(disputes: list[Any] | None) -> tuple[str, str, str]:
    """How the newest dispute reads beside its payment: the head, why, and the tone; no words where none was read."""
    if not disputes:
        return "", "", ""
    newest = disputes[0]
    ended = {
        "won": _("Dispute won"),
        "lost": _("Dispute lost"),
        "prevented": _("Dispute prevented"),
        "warning_closed": _("Inquiry closed"),
    }
    found = dispute_status(newest)
    if newest.status in ended:
        return ended[newest.status], "", found.tone
    said = found.text[:1].lower() + found.text[1:] if spoken().language == "en" else found.text
    return "", said, found.tone


def balance_transaction_status(row: Any) -> Status:
    """From when on pending money can be paid out."""
    state = state_of(BALANCE_TRANSACTION, row)
    if state is None:
        return unknown(row)
    if row.status == "pending" and row.available_on:
        return state.says(_("Pending until %(day)s") % {"day": bank_day_text(row.available_on)})
    return state.says()


def payout_status(row: Any) -> Status:
    """When it arrives, or why it didn't. A paid one can still fail, for about five business days."""
    state = state_of(PAYOUT, row)
    if state is None:
        return unknown(row)
    if row.status in ("pending", "in_transit") and row.arrival_date:
        return state.says("", _("arrives %(day)s") % {"day": bank_day_text(row.arrival_date)})
    if row.status == "paid" and row.reversed_by_id:
        return PAYOUT[REVERSED].says(also=("paid",))
    return state.says(cause=reason(row.failure_code) if row.status == "failed" else "")
