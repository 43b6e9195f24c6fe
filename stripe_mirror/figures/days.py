"""Days of the company: in TIME_ZONE, whatever zone a person reads the pages in (S54)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.utils import timezone


def zone_name() -> str:
    """The zone of the company's days."""
    return str(timezone.get_default_timezone_name())


def day_of(moment: datetime) -> date:
    """The day on which a moment falls."""
    return timezone.localtime(moment, timezone.get_default_timezone()).date()


def start_of(day: date) -> datetime:
    """The first moment of a day; days are 23 or 25 hours long when clocks change."""
    return timezone.make_aware(datetime.combine(day, time.min), timezone.get_default_timezone())


def span_of(day: date) -> tuple[datetime, datetime]:
    """The first moment of a day, and that of the next."""
    return start_of(day), start_of(day + timedelta(days=1))


def today() -> date:
    """The present day."""
    return day_of(timezone.now())
