"""Filters by days: a named span that moves with the calendar, or two days, both included, in the person's zone.

Only dates that an index carries are offered. Where the index isn't that of the list's usual order, the list is ordered
by the date while the filter is set: whatever the span holds, a page is then one walk along the index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import ListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from stripe_mirror.admin.display import plain_words, words

# Dates that Stripe means as such and sends as midnight in UTC: they are the same in every zone.
BANK_DAYS = frozenset({"arrival_date", "available_on"})
# The last day of the calendar has no midnight after it.
END_OF_TIME = date(9999, 12, 30)


@dataclass(frozen=True)
class Days:
    """From the first to the last of them, both included; None is open."""

    first: date | None = None
    last: date | None = None

    @property
    def words(self) -> str:
        """As on a chip: "1–31 May 2027"."""
        first, last = self.first, self.last
        if not (first and last):
            if first:
                return _("from %(day)s") % {"day": day_words(first)}
            return _("until %(day)s") % {"day": day_words(last)} if last else ""
        if first == last:
            return day_words(first)
        if (first.year, first.month) == (last.year, last.month):
            # Django's letters of a date, as it begins a span of one month.
            begin = date_format(first, pgettext("date", "j"))
            return f"{begin}–{day_words(last)}"
        return f"{day_words(first)} – {day_words(last)}"


def day_words(day: date) -> str:
    """A day as text: "3 May 2027"."""
    return date_format(day)


@dataclass(frozen=True)
class Span:
    """A span of days with a name, counted from today."""

    label: Any
    days: Callable[[date], Days]


def month_of(day: date) -> Days:
    """The days of a day's month."""
    first = day.replace(day=1)
    return Days(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def _month_before(today: date) -> Days:
    return month_of(today.replace(day=1) - timedelta(days=1))


SPANS = {
    "past": Span(gettext_lazy("Before today"), lambda today: Days(last=today - timedelta(days=1))),
    "today": Span(gettext_lazy("Today"), lambda today: Days(today, today)),
    "yesterday": Span(gettext_lazy("Yesterday"), lambda today: Days(*[today - timedelta(days=1)] * 2)),
    "last_7_days": Span(gettext_lazy("Last 7 days"), lambda today: Days(today - timedelta(days=6), today)),
    "next_7_days": Span(gettext_lazy("Next 7 days"), lambda today: Days(today, today + timedelta(days=6))),
    "next_30_days": Span(gettext_lazy("Next 30 days"), lambda today: Days(today, today + timedelta(days=29))),
    "this_month": Span(gettext_lazy("This month"), month_of),
    "last_month": Span(gettext_lazy("Last month"), _month_before),
    "this_year": Span(
        gettext_lazy("This year"), lambda t: Days(t.replace(month=1, day=1), t.replace(month=12, day=31))
    ),
}
# What lies behind (created, paid, …), and what may lie ahead (due, ends, …).
BEHIND = ("today", "yesterday", "last_7_days", "this_month", "last_month", "this_year")
AHEAD = ("past", "today", "next_7_days", "next_30_days", "this_month", "last_month")


class DateFilter(ListFilter):
    """One date of the rows, within days. Subclasses name the column."""

    control = "dates"
    title: Any = ""
    column = ""
    # What its parameters begin with, where it isn't the column's name.
    parameter = ""
    spans: tuple[str, ...] = BEHIND
    # The order that the index of the column carries, where it isn't the list's usual one.
    orders_by: tuple[str, ...] = ()

    def __init__(self, request: HttpRequest, params: dict[str, list[str]], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in self.expected_parameters():
            if name in params:
                self.used_parameters[name] = str(params.pop(str(name))[-1]).strip()
        self.problems: list[str] = []
        self.span = self._span()
        chosen = Days(self._day("from"), self._day("to"))
        self.days = SPANS[self.span].days(self._today()) if self.span else self._in_order(chosen)

    def expected_parameters(self) -> list[str | None]:
        return [self._name(end) for end in ("in", "from", "to")]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        for name in self.spans:
            yield {
                "selected": name == self.span,
                "query_string": changelist.address(
                    dict.fromkeys(self.expected_parameters()) | {self._name("in"): name}
                ),
                "display": SPANS[name].label,
            }

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.days.first:
            queryset = queryset.filter(**{f"{self.column}__gte": self._midnight(self.days.first)})
        if self.days.last:
            queryset = queryset.filter(**{f"{self.column}__lt": self._midnight(self.days.last + timedelta(days=1))})
        return queryset

    @property
    def active(self) -> bool:
        """Whether it leaves anything out."""
        return self.days != Days()

    @property
    def is_bank_day(self) -> bool:
        """Whether the days are those of the bank, in no zone."""
        return self.column in BANK_DAYS

    @property
    def words(self) -> str:
        """What is chosen, for the filter's chip."""
        return str(SPANS[self.span].label) if self.span else self.days.words

    @property
    def ends(self) -> tuple[tuple[str, str, str], ...]:
        """The form's two fields: label, parameter, value."""
        first, last = ("", "") if self.span else (self._given("from"), self._given("to"))
        return (_("From"), self._name("from"), first), (_("To"), self._name("to"), last)

    def _name(self, end: str) -> str:
        return f"{self.parameter or self.column}_{end}"

    def _given(self, end: str) -> str:
        return str(self.used_parameters.get(self._name(end), ""))

    def _span(self) -> str:
        name = self._given("in")
        if name and name not in SPANS:
            self.problems.append(_("%(filter)s: there is no span “%(name)s”.") % self._named(name))
        return name if name in SPANS else ""

    def _day(self, end: str) -> date | None:
        text = self._given(end)
        if not text:
            return None
        try:
            return min(date.fromisoformat(text), END_OF_TIME)
        except ValueError:
            self.problems.append(_("%(filter)s: “%(name)s” is no day; write it as 2027-05-31.") % self._named(text))
            return None

    def _in_order(self, days: Days) -> Days:
        if days.first and days.last and days.first > days.last:
            self.problems.append(_("%(filter)s: the first day is after the last.") % self._named(""))
            return Days()
        return days

    def _named(self, name: str) -> dict[str, str]:
        return {"filter": words(self.title), "name": name[:40]}

    def _today(self) -> date:
        return timezone.now().astimezone(UTC).date() if self.is_bank_day else timezone.localdate()

    def _midnight(self, day: date) -> datetime:
        midnight = datetime.combine(day, time.min)
        return midnight.replace(tzinfo=UTC) if self.is_bank_day else timezone.make_aware(midnight)


# Dates that usually lie ahead: the nearest comes first.
COMING = frozenset(
    {"due_date", "due_by", "current_period_end", "current_phase_end", "trial_end", "arrival_date", "end", "expires_at"}
)


def date_filter(column: str) -> type[DateFilter]:
    """The filter for a date whose index begins with it and goes on with the id."""
    ahead = column in COMING
    named = {
        "title": plain_words(column).lower(),
        "column": column,
        "spans": AHEAD if ahead else BEHIND,
        "orders_by": (column, "pk") if ahead else (f"-{column}", "-pk"),
    }
    return type(f"{column}_filter", (DateFilter,), named)
