"""The period that a person looks at: days of the company's zone, from and until, both included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DEFAULT = "30"
CHOICES: dict[str, str | Promise] = {
    "7": _("7 days"),
    "30": _("30 days"),
    "90": _("90 days"),
    "12m": _("12 months"),
    "this_month": _("This month"),
    "last_month": _("Last month"),
}
CUSTOM = "custom"
# A chart reads a row a day.
LONGEST = 3 * 366
# Longer periods are shown by month, or by week where a line shall stay smooth.
BY_DAY, BY_WEEK = 92, 400


@dataclass(frozen=True)
class Bucket:
    """Some days that stand together in a chart."""

    first: date
    last: date

    @property
    def label(self) -> str:
        """ "3 May", or "3 May to 9 May", or "May 2027" for a whole month."""
        if self.first == self.last:
            return date_format(self.first)
        if self.first.day == 1 and (self.last + timedelta(days=1)).day == 1 and self.first.month == self.last.month:
            return date_format(self.first, "YEAR_MONTH_FORMAT")
        return f"{date_format(self.first, 'MONTH_DAY_FORMAT')} – {date_format(self.last)}"


@dataclass(frozen=True)
class Period:
    """Which days."""

    key: str
    first: date
    last: date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> tuple[date, date]:
        """As many days just before, to compare with."""
        return self.first - timedelta(days=self.days), self.first - timedelta(days=1)

    @property
    def words(self) -> str:
        """ "1 May 2027 – 30 May 2027" """
        return f"{date_format(self.first)} – {date_format(self.last)}"

    def bars(self) -> list[Bucket]:
        """Days, or months where these would be too many."""
        return self._days() if self.days <= BY_DAY else self._months()

    def points(self) -> list[Bucket]:
        """Days, weeks or months, for a line."""
        if self.days <= BY_DAY:
            return self._days()
        return self._weeks() if self.days <= BY_WEEK else self._months()

    def _days(self) -> list[Bucket]:
        return [Bucket(day, day) for day in (self.first + timedelta(days=n) for n in range(self.days))]

    def _weeks(self) -> list[Bucket]:
        """Seven days each, counted back from the last day, so that the line ends at it."""
        starts = range(self.days % 7 - 7 if self.days % 7 else 0, self.days, 7)
        spans = [(self.first + timedelta(days=max(0, n)), self.first + timedelta(days=n + 6)) for n in starts]
        return [Bucket(first, last) for first, last in spans]

    def _months(self) -> list[Bucket]:
        found, first = [], self.first
        while first <= self.last:
            last = min(_month_end(first), self.last)
            found.append(Bucket(first, last))
            first = last + timedelta(days=1)
        return found


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def period_of(params: Mapping[str, str], *, today: date) -> Period:
    """What the address asks for; what it doesn't say right is the last thirty days."""
    key = params.get("period", DEFAULT)
    if key == CUSTOM:
        return _custom(params, today)
    if key == "this_month":
        return Period(key, today.replace(day=1), today)
    if key == "last_month":
        last = today.replace(day=1) - timedelta(days=1)
        return Period(key, last.replace(day=1), last)
    if key == "12m":
        return Period(key, _year_before(today) + timedelta(days=1), today)
    days = int(key) if key in ("7", "30", "90") else int(DEFAULT)
    return Period(str(days), today - timedelta(days=days - 1), today)


def _year_before(day: date) -> date:
    """The same day a year earlier; before the 29th of February stands the 28th."""
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year - 1, day=28 if leap else day.day)


def _custom(params: Mapping[str, str], today: date) -> Period:
    last = min(_date(params.get("to")) or today, today)
    first = min(_date(params.get("from")) or last, last)
    return Period(CUSTOM, max(first, last - timedelta(days=LONGEST - 1)), last)


def _date(text: str | None) -> date | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.year > 1970 else None
