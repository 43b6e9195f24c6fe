"""When a scheduled export runs next: pure arithmetic over the wall clock of a time zone.

It runs once on each of its days, at its hour as the zone's clocks show it. An hour that a clock leaves out when it is
set forward is the moment at which it is set; of an hour that comes twice the first counts.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

# The first of its days after any day is at most two months away: more days needn't be looked at.
LONGEST = 64


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """How often, by the names of `SavedExport.Schedule`."""

    schedule: str
    hour: int
    zone: ZoneInfo
    # Monday is 0; only where it runs every week.
    weekday: int = 0
    # From 1 to 31; only where it runs every month. In a month without that day, on its last.
    day: int = 1


def next_run(rhythm: Rhythm, after: datetime) -> datetime | None:
    """The first of its moments later than `after`, in UTC; None where it doesn't run by itself."""
    if rhythm.schedule not in ("daily", "weekly", "monthly"):
        return None
    # From the day before: the zone's clock may just have been set.
    start = after.astimezone(rhythm.zone).date() - timedelta(days=1)
    moments = (moment_on(rhythm, day) for day in _days(start) if _is_its_day(rhythm, day))
    return next(moment for moment in moments if moment > after)


def moment_on(rhythm: Rhythm, day: date) -> datetime:
    """The instant at which it runs on one of its days."""
    return datetime.combine(day, time(rhythm.hour), tzinfo=rhythm.zone).astimezone(UTC)


def _days(start: date) -> Iterator[date]:
    return (start + timedelta(days=n) for n in range(LONGEST))


def _is_its_day(rhythm: Rhythm, day: date) -> bool:
    if rhythm.schedule == "weekly":
        return day.weekday() == rhythm.weekday
    if rhythm.schedule == "monthly":
        return day.day == min(rhythm.day, monthrange(day.year, day.month)[1])
    return True
