"""What is so at this moment, per currency: subscriptions by status, what is past due, disputes that wait for us."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q, Sum
from django.utils import timezone

from stripe_mirror.models import Dispute, Invoice, StandingFigures, SubscriptionAmount

NAME = "standing"
# Counting a million rows costs a moment: not more often, however often it is asked for.
EVERY = timedelta(seconds=30)
# Evidence is asked for, by the network or as an inquiry before a dispute.
DUE = ("needs_response", "warning_needs_response")
# A draft that Stripe finalizes by itself is one for an hour, three days where a receiver did not answer.
DRAFT_FOR = timedelta(days=4)


def refresh(*, force: bool = False) -> None:
    """Look again, unless it was done a moment ago."""
    now = timezone.now()
    known = StandingFigures.objects.filter(pk=NAME).values_list("computed_at", flat=True).first()
    if force or known is None or known < now - EVERY or known > now:
        kept = {"computed_at": now, "content": found(now)}
        StandingFigures.objects.update_or_create(pk=NAME, defaults=kept)


def found(now: datetime) -> dict[str, Any]:
    """Currency → figure → number; "" is what has no currency. `uncomputed` is over all currencies."""
    figures: dict[str, dict[str, Any]] = defaultdict(dict)
    for currency, status, count in _by_status():
        figures[currency][f"status_{status}"] = count
    for row in _invoices(now):
        figures[row.pop("currency") or ""] |= {name: _plain(value) for name, value in row.items() if value}
    for row in _disputes():
        figures[row.pop("currency") or ""] |= {name: _plain(value) for name, value in row.items() if value}
    return {"currencies": figures, "uncomputed": SubscriptionAmount.objects.filter(problem__gt="").count()}


def past_due(now: datetime) -> Q:
    """Open invoices that should have been paid by now: beyond their date, or after a payment failed."""
    return Q(status="open", deleted_at=None, amount_remaining__gt=0) & (Q(due_date__lt=now) | Q(attempt_count__gt=0))


def stuck(now: datetime) -> Q:
    """Invoices that go nowhere by themselves: no further attempt is planned, or a draft that should be final."""
    tried = Q(status="open", collection_method="charge_automatically", attempt_count__gt=0, next_payment_attempt=None)
    # An unfinished draft of somebody's own isn't advanced by Stripe, and may wait.
    draft = Q(status="draft", created__lt=now - DRAFT_FOR, data__auto_advance=True)
    return Q(deleted_at=None) & (tried | draft)


def _by_status() -> list[tuple[str, str, int]]:
    grouped: Any = SubscriptionAmount.objects.order_by().values("currency", "status")
    return [(row["currency"], row["status"], row["rows"]) for row in grouped.annotate(rows=Count("pk"))]


def _invoices(now: datetime) -> Iterable[dict[str, Any]]:
    late, still = past_due(now), stuck(now)
    grouped: Any = Invoice.objects.filter(status__in=("open", "draft"), deleted_at=None).order_by().values("currency")
    found: Iterable[dict[str, Any]] = grouped.annotate(
        past_due=Sum("amount_remaining", filter=late),
        past_due_count=Count("pk", filter=late),
        stuck_count=Count("pk", filter=still),
        stuck_since=Min("created", filter=still),
    )
    return found


def _disputes() -> Iterable[dict[str, Any]]:
    grouped: Any = Dispute.objects.filter(status__in=DUE, deleted_at=None).order_by().values("currency")
    found: Iterable[dict[str, Any]] = grouped.annotate(disputes_due=Sum("amount"), disputes_due_count=Count("pk"))
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else int(value)
