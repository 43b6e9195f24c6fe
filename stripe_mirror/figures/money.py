"""Sums what was paid, refused, given back and disputed per day: a day is summed anew when one of its rows changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Case, Count, F, Q, QuerySet, Sum, When
from django.db.models.functions import Coalesce

from stripe_mirror.figures.days import day_of, span_of
from stripe_mirror.figures.progress import begin_pass, end_pass, is_new, move, next_changed, taken
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import FigureProgress, MoneyDay
from stripe_mirror.pull import clock

# Changed rows looked at, and days summed, in one transaction.
CHUNK, DAYS = 2_000, 10

SUCCEEDED, FAILED = Q(status="succeeded"), Q(status="failed")
# What was taken of an authorisation; objects of before 2020 only say whether it was.
TAKEN = Coalesce("amount_captured", Case(When(captured=True, then=F("amount")), default=0))


@dataclass(frozen=True)
class Summed:
    """Rows of one kind, and the columns of a day that they fill."""

    source: str
    columns: Mapping[str, Aggregate]

    @property
    def rows(self) -> QuerySet[Any]:
        """All of them."""
        return get_kind(self.source).model._default_manager.all()


SOURCES = (
    Summed(
        "charge",
        {
            "paid": Sum(TAKEN, filter=SUCCEEDED),
            "paid_count": Count("pk", filter=SUCCEEDED & Q(captured=True)),
            "failed": Sum("amount", filter=FAILED),
            "failed_count": Count("pk", filter=FAILED),
        },
    ),
    Summed(
        "refund",
        {"refunded": Sum("amount", filter=SUCCEEDED), "refunded_count": Count("pk", filter=SUCCEEDED)},
    ),
    Summed("dispute", {"disputed": Sum("amount"), "disputed_count": Count("pk")}),
)


def step(summed: Summed) -> bool:
    """Do a little; whether there is more to do."""
    with taken(summed.source) as progress:
        if is_new(progress):
            MoneyDay.objects.update(**dict.fromkeys(summed.columns, 0))
        begin_pass(progress)
        if progress.filled_at is None:
            return _first_days(summed, progress)
        changed = next_changed(progress, summed.rows.only("id", "changed_at", "created"), limit=CHUNK)
        if changed:
            days = {day_of(row.created) for row in changed if row.created and row.created < _end()}
            progress.stale_days = sorted({*progress.stale_days, *(day.isoformat() for day in days)})
            move(progress, changed[-1])
            return True
        for day in progress.stale_days[:DAYS]:
            sum_day(summed, date.fromisoformat(day))
        progress.stale_days = progress.stale_days[DAYS:]
        if progress.stale_days:
            return True
        end_pass(progress)
    return False


def _first_days(summed: Summed, progress: FigureProgress) -> bool:
    """The first time: every day that has a row, from the oldest on, skipping along the index of `created`."""
    for _ in range(DAYS):
        rows = summed.rows.filter(created__lt=_end()).order_by("created")
        if progress.summed_until is not None:
            rows = rows.filter(created__gte=progress.summed_until)
        created = rows.values_list("created", flat=True).first()
        if created is None:
            # What changed since this began is walked next time.
            assert progress.pass_began_at is not None
            progress.cursor_at = progress.pass_began_at
            end_pass(progress)
            return False
        day = day_of(created)
        sum_day(summed, day)
        progress.summed_until = span_of(day)[1]
    return True


def _end() -> datetime:
    """Nothing happened later; a date far in the future is no day."""
    return clock.now() + timedelta(days=1)


def sum_day(summed: Summed, day: date) -> None:
    """The sums of one day per currency, from its rows; the caller's transaction makes it one change."""
    start, end = span_of(day)
    rows: Any = summed.rows.filter(created__gte=start, created__lt=end, deleted_at=None).exclude(currency=None)
    found = {row.pop("currency"): row for row in rows.order_by().values("currency").annotate(**summed.columns)}
    MoneyDay.objects.filter(day=day).exclude(currency__in=found).update(**dict.fromkeys(summed.columns, 0))
    MoneyDay.objects.bulk_create(
        [_row(currency, day, sums) for currency, sums in found.items() if len(currency) <= 255],
        update_conflicts=True,
        unique_fields=["currency", "day"],
        update_fields=list(summed.columns),
    )


def _row(currency: str, day: date, sums: Mapping[str, Any]) -> MoneyDay:
    return MoneyDay(currency=currency, day=day, **{name: int(value or 0) for name, value in sums.items()})
