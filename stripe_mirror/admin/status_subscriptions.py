"""Status in words of subscriptions and of the schedules that change them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.admin.display import day_text, from_unix, in_sentence, name_of, words
from stripe_mirror.admin.status_base import OTHER, State, Status, held, state_of, states_of, unknown
from stripe_mirror.admin.status_invoices import failure_of, tries_of
from stripe_mirror.admin.status_reads import next_phase, prices_after, prices_pending, read_by
from stripe_mirror.models.fields import Missing

OVER = ("canceled", "incomplete_expired")


# Beside what isn't over, both say just what their indexes are for.
def _is_ending() -> Q:
    asked = Q(cancel_at__isnull=False) | Q(cancel_at_period_end=True)
    return Q(asked, Missing("ended_at")) & ~Q(status__in=OVER)


def _is_collection_paused() -> Q:
    return Q(Missing("ended_at"), pause_behavior__isnull=False) & ~Q(status__in=OVER)


ENDING, COLLECTION_PAUSED = "ending", "collection_paused"
SUBSCRIPTION = states_of(
    State("active", gettext_lazy("Active"), "success"),
    State("trialing", gettext_lazy("Trial"), "info"),
    State(ENDING, gettext_lazy("Ending"), "warning", _is_ending),
    State("past_due", gettext_lazy("Past due"), "warning"),
    State("unpaid", gettext_lazy("Unpaid"), "danger"),
    State("incomplete", gettext_lazy("Incomplete"), "warning"),
    State(COLLECTION_PAUSED, gettext_lazy("Collection paused"), "warning", _is_collection_paused),
    State("paused", gettext_lazy("Paused")),
    State("canceled", gettext_lazy("Canceled")),
    State("incomplete_expired", gettext_lazy("Incomplete, expired")),
)
SCHEDULE = states_of(
    State("not_started", gettext_lazy("Not started"), "info"),
    State("active", gettext_lazy("Active"), "success"),
    State("completed", gettext_lazy("Completed")),
    State("released", gettext_lazy("Released")),
    State("canceled", gettext_lazy("Canceled")),
)


def subscription_status(row: Any) -> Status:
    """Also says how it goes on: trial, paused collection, an end, another price (S40, S41)."""
    state = state_of(SUBSCRIPTION, row)
    if state and row.status in OVER:
        ended = _("Canceled on %(day)s") % {"day": day_text(row.ended_at)} if row.ended_at else ""
        return state.says(ended if row.status == "canceled" else "")
    also = (*([ENDING] if _ends(row) else []), *([COLLECTION_PAUSED] if _paused(row) else []))
    if state is None and not also:
        return unknown(row)
    state = state or State(OTHER, words(row.status) or _("Unknown"))
    head, cause, tries = _running(row)
    then = (*tries, _collection(row), _end(row), *_coming(row))
    tone = "warning" if state.tone in ("success", "info", "neutral") and also else ""
    return state.says(head, *then, cause=cause, tone=tone, also=also)


def _running(row: Any) -> tuple[str, str, list[str]]:
    """How the sentence begins, why that is, and what is done about it."""
    if row.status == "trialing" and row.trial_end:
        return _("Trial until %(day)s") % {"day": day_text(row.trial_end)}, "", []
    invoice = read_by(row, "latest_invoice") if row.status in ("past_due", "unpaid", "incomplete") else None
    if invoice is None or invoice.status not in ("open", "uncollectible"):
        return "", "", []
    tries = tries_of(invoice) if row.status != "incomplete" else []
    return _since(row, invoice), failure_of(invoice), tries


def _since(row: Any, invoice: Any) -> str:
    """From when on the latest invoice should have been paid."""
    day = day_text(invoice.due_date or invoice.finalized_at or invoice.created)
    if row.status == "past_due" and day:
        return _("Past due since %(day)s") % {"day": day}
    return _("Unpaid since %(day)s") % {"day": day} if row.status == "unpaid" and day else ""


def _paused(row: Any) -> bool:
    return row.pause_behavior is not None and row.ended_at is None


def _collection(row: Any) -> str:
    """`pause_collection` is another thing than the status "paused" (S41); also what becomes of the invoices."""
    if not _paused(row):
        return ""
    until = day_text(row.pause_resumes_at)
    said = _("collection paused until %(day)s") % {"day": until} if until else _("collection paused")
    meanwhile = {
        "keep_as_draft": _("invoices stay drafts"),
        "mark_uncollectible": _("invoices become uncollectible"),
        "void": _("invoices are voided"),
    }.get(row.pause_behavior, in_sentence(words(row.pause_behavior)))
    return f"{said} ({meanwhile})"


def _ends(row: Any) -> bool:
    """Whether a cancellation is scheduled: by `cancel_at` also while the flag is false (S40)."""
    return row.ended_at is None and (row.cancel_at is not None or row.cancel_at_period_end is True)


def _end(row: Any) -> str:
    if not _ends(row):
        return ""
    end = row.cancel_at or row.current_period_end
    if row.status == "trialing" and row.trial_end and (end is None or end == row.trial_end):
        return _("then ends")
    return _("ends on %(day)s") % {"day": day_text(end)} if end else _("ends with its period")


def _coming(row: Any) -> list[str]:
    """Another price: from the schedule's next phase on, or once the latest invoice is paid."""
    said = []
    for phase in next_phase(row):
        day = day_text(from_unix(phase.get("start_date")))
        said.append(_("changes to %(price)s on %(day)s") % {"price": _prices(row, prices_after(row)), "day": day})
    pending = held(row, "pending_update")
    if isinstance(pending, dict) and pending:
        price = _prices(row, prices_pending(row))
        said.append(
            _("changes to %(price)s once paid") % {"price": price} if price else _("a change waits for payment")
        )
    return said


def _prices(row: Any, ids: list[str]) -> str:
    """The first price by its name, and how many more there are."""
    if not ids:
        return ""
    first = getattr(row, "coming_prices", {}).get(ids[0])
    more = len(ids) - 1
    name = name_of(first) if first else ids[0]
    said = ngettext("%(price)s and %(count)d more", "%(price)s and %(count)d more", more)
    return said % {"price": name, "count": more} if more else name


def schedule_status(row: Any) -> Status:
    """Also when: the next phase, or how it ended."""
    state = state_of(SCHEDULE, row)
    if state is None:
        return unknown(row)
    if row.status == "not_started" and row.starts:
        return state.says(_("Starts on %(day)s") % {"day": day_text(row.starts)})
    if row.status == "active" and row.current_phase_end:
        return state.says("", _("phase ends on %(day)s") % {"day": day_text(row.current_phase_end)})
    ended = {"completed": row.completed_at, "released": row.released_at, "canceled": row.canceled_at}.get(row.status)
    if not ended:
        return state.says()
    on = _("%(state)s on %(day)s")
    return state.says(on % {"state": state.label, "day": day_text(ended)})
