"""Looks for payments, charges and invoices of an amount, around a day.

An amount without a currency is looked for in every currency that the kind has: 49.90 is 4990 in usd and 49900 in kwd.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from stripe_mirror.admin.find.finders import rows_by_key
from stripe_mirror.admin.find.hits import AMOUNTS, Found, Rank
from stripe_mirror.admin.find.typed import Typed
from stripe_mirror.admin.find.typed_amounts import TypedAmount
from stripe_mirror.kinds import Kind
from stripe_mirror.models.search_amounts import newest_of, used_currencies
from stripe_mirror.money import WrongAmount, to_minor

# A bank's day is not always Stripe's: so many days before and after count, too.
AROUND = timedelta(days=3)
LIMIT = 20
# Days that every clock and database can add to.
FIRST, LAST = date(1970, 1, 10), date(9990, 1, 1)
LARGEST = 2**63


def by_amount(kind: Kind, typed: Typed) -> Iterator[Found]:
    """The objects of that amount: on that day first, then around it; the newest where no day was typed."""
    if typed.amount is None:
        return
    wanted = [pair for currency in _currencies(kind, typed.amount) for pair in _minor(typed.amount, currency)]
    spans = [span for day in typed.days for span in (_span(day), _span(day, AROUND))]
    ids = [
        id
        for span in (spans or [None])  # type: ignore[list-item]
        for id in newest_of(kind.model, AMOUNTS[kind.object], wanted, within=span, limit=LIMIT)
    ]
    for row in rows_by_key(kind, ids):
        yield Found(row, _rank(row, typed))


def on_day(kind: Kind, typed: Typed) -> list[Found]:
    """The newest objects of a day, where nothing but a day was typed."""
    if typed.amount or not typed.days:
        return []
    start, end = _span(typed.days[0])
    rows = kind.model._default_manager.filter(created__gte=start, created__lt=end)
    return [Found(row, Rank.PART) for row in rows_by_key(kind, rows.values_list("pk", flat=True)[:LIMIT])]


def _rank(row: Any, typed: Typed) -> Rank:
    """On the very day it fits exactly."""
    if row.created and timezone.localtime(row.created).date() in typed.days:
        return Rank.EXACT
    return Rank.BEGINNING if typed.amount and typed.amount.surely else Rank.PART


def _currencies(kind: Kind, amount: TypedAmount) -> list[str]:
    used = used_currencies(kind.model)
    return [currency for currency in used if currency in amount.currencies] if amount.currencies else used


def _minor(amount: TypedAmount, currency: str) -> Iterator[tuple[str, int]]:
    """The amount in the currency's minor units, where it can be one."""
    for reading in amount.readings:
        try:
            minor = to_minor(reading, currency)
        except WrongAmount:
            continue
        if abs(minor) < LARGEST:
            yield currency, minor


def _span(day: date, around: timedelta = timedelta(0)) -> tuple[datetime, datetime]:
    """From midnight to midnight in the person's zone."""
    zone = timezone.get_current_timezone()
    first, after = max(day, FIRST) - around, min(max(day, FIRST), LAST) + around + timedelta(days=1)
    return datetime.combine(min(first, LAST), time(), zone), datetime.combine(after, time(), zone)
