"""Lists that stay fast at a million rows: a count that stops, and pages that read keys from an index before rows.

The next and the previous page begin at a row, not at a number: none is skipped and none repeated, whatever was added
in the meantime. A page that is asked for by its number far behind the counted ones is found from a row near it, which
is remembered for some minutes: so far down a number is as old as that. Where ids count up, it is found by its id: a
number is then as exact as no id was left out.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.core.paginator import EmptyPage, Paginator
from django.db.models import IntegerField, QuerySet, Subquery
from django.db.models.constants import LOOKUP_SEP
from django.utils.functional import cached_property

from stripe_mirror.admin.page_keys import Key, Order, hints_of, read, walk, written
from stripe_mirror.admin.status_reads import read_along

LIMIT = 10_000
# Where each row that is counted is looked up by another one, as payments are by their charges, or asks for others.
LIMIT_OF_JOINED = 500
# How a page is asked for: "7", or "7.after.…" and "7.before.…" with the key of a row.
ASKED = re.compile(r"([1-9]\d{0,8})\.(after|before)\.([\w-]{1,800})", re.ASCII)
# For how many seconds the rows near pages far down are remembered.
REMEMBERED = 300


class CappedCount(int):
    """A count that stopped at a limit and says so."""

    limit: int

    def __new__(cls, found: int, limit: int | None = None) -> CappedCount:
        """By default with the usual limit."""
        count = super().__new__(cls, found)
        count.limit = LIMIT if limit is None else limit
        return count

    @property
    def is_cut(self) -> bool:
        """Whether nobody knows how many there are."""
        return self > self.limit

    def __str__(self) -> str:
        return f"{self.limit:,}+" if self.is_cut else f"{int(self):,}"


class Counted(Subquery):
    """How many rows a subquery has, as a column beside others: the database counts once, in the same statement."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def capped_count(rows: QuerySet[Any]) -> CappedCount:
    """How many rows, counted up to the limit."""
    limit = limit_of(rows)
    return CappedCount(rows.order_by().values("pk")[: limit + 1].count(), limit)


def limit_of(rows: QuerySet[Any]) -> int:
    """Up to how many rows are counted: fewer where another table orders them, or where they are dear."""
    by = str(next(iter(rows.query.order_by), ""))
    return LIMIT_OF_JOINED if LOOKUP_SEP in by else hints_of(rows).limit or LIMIT


class CappedPaginator(Paginator[Any]):
    """Counts at most one row more than the limit; pages beyond the count can still be opened."""

    @cached_property
    def count(self) -> CappedCount:
        """Up to the limit of these rows."""
        rows: Any = self.object_list
        hints = hints_of(rows)
        if not hints.uncounted:
            return capped_count(rows)
        # More than a page there are, or nobody would ask.
        counted = hints.at_least if hints.some is None else max(capped_count(hints.some), self.per_page)
        return CappedCount(counted + 1, min(counted, LIMIT))

    def validate_number(self, number: Any) -> int:
        """A page's number; where the count was capped nobody knows which page is the last."""
        try:
            return super().validate_number(number)
        except EmptyPage:
            if self.count.is_cut and int(number) > 0:
                return int(number)
            raise


@dataclass(frozen=True)
class Page:
    """A page's rows, its number, and how its neighbours are asked for ("" where there are none)."""

    rows: list[Any]
    number: int
    previous: str = ""
    next: str = ""


def page_of(paginator: CappedPaginator, asked: str) -> Page:
    """The page that an address asks for; raises InvalidPage where there is none."""
    queryset: QuerySet[Any] = paginator.object_list  # type: ignore[assignment]
    order, size = Order.of(queryset), paginator.per_page
    if order is None:
        return _unordered(queryset, paginator.validate_number(_number(asked)), size)
    found = ASKED.fullmatch(asked)
    if found and (key := read(found[3], order)):
        number, before = int(found[1]), found[2] == "before"
        return _before(queryset, order, key, number, size) if before else _after(queryset, order, key, number, size)
    number = _number(asked)
    if number == 1:
        return _first(paginator, queryset, order)
    keys = _keys_at(queryset, order, (number - 1) * size, size + 1)
    limit = limit_of(queryset)
    if (number - 1) * size + len(keys) > limit and keys and not hints_of(queryset).uncounted:
        # More than are counted have been met.
        paginator.count = CappedCount(limit + 1, limit)
    paginator.validate_number(number)
    return _page(queryset, keys[:size], number, more_before=number > 1, more_after=len(keys) > size)


def _first(paginator: CappedPaginator, queryset: QuerySet[Any], order: Order) -> Page:
    """The first page, read together with the count of the list."""
    size, keys = paginator.per_page, order.keys(queryset)
    known = "count" in vars(paginator) or hints_of(queryset).uncounted
    if known:
        found = list(keys[: size + 1])
    else:
        limit = limit_of(queryset)
        beside = keys.annotate(counted=Counted(queryset.order_by().values("pk")[: limit + 1]))[: size + 1]
        rows = list(beside)
        found = [tuple(key) for *key, _counted in rows]
        paginator.count = CappedCount(rows[0][-1] if rows else 0, limit)
    return _page(queryset, found[:size], 1, more_before=False, more_after=len(found) > size)


def _number(asked: str) -> int:
    """What stands before a key that is nonsense, or the first page."""
    text = asked.partition(".")[0]
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 1


def _after(queryset: QuerySet[Any], order: Order, key: Key, number: int, size: int) -> Page:
    keys = walk(queryset, order, key, limit=size + 1)
    return _page(queryset, keys[:size], number, more_before=number > 1, more_after=len(keys) > size)


def _before(queryset: QuerySet[Any], order: Order, key: Key, number: int, size: int) -> Page:
    """Rows that were added at the front make the first page's number meet more rows before it."""
    keys = walk(queryset, order.reversed, key, limit=size + 1)
    shown = list(reversed(keys[:size]))
    return _page(queryset, shown, number, more_before=len(keys) > size, more_after=True)


def _page(queryset: QuerySet[Any], keys: list[Key], number: int, *, more_before: bool, more_after: bool) -> Page:
    if not keys and number > 1:
        raise EmptyPage("There are no rows.")
    rows = rows_by_id(queryset, [key[-1] for key in keys])
    previous = f"{max(1, number - 1)}.before.{written(keys[0])}" if more_before and keys else ""
    return Page(rows, number, previous, f"{number + 1}.after.{written(keys[-1])}" if more_after and keys else "")


def _unordered(queryset: QuerySet[Any], number: int, size: int) -> Page:
    """Where the order is something else than columns: by numbers alone."""
    start = (number - 1) * size
    ids = list(queryset.values_list("pk", flat=True)[start : start + size + 1])
    more = str(number + 1) if len(ids) > size else ""
    return Page(rows_by_id(queryset, ids[:size]), number, str(number - 1) if number > 1 else "", more)


def rows_by_id(queryset: QuerySet[Any], ids: list[Any]) -> list[Any]:
    """The rows in the order of the ids, with the queryset's relations."""
    base = queryset.model._default_manager.filter(pk__in=ids).order_by()
    base.query.select_related = queryset.query.select_related
    found = {row.pk: row for row in base}
    read_along(found.values())
    return [found[id] for id in ids if id in found]


def _keys_at(queryset: QuerySet[Any], order: Order, start: int, limit: int) -> list[Key]:
    """The keys from a row's number on; beyond the counted ones from the nearest row that is remembered."""
    if start <= LIMIT:
        return list(order.keys(queryset)[start : start + limit])
    if order.counts_up and order.descending and not queryset.query.where:
        # Which id it is: rows are only added, and few numbers were left out.
        newest = order.keys(queryset).first()
        return walk(queryset, order, (newest[0] - start + 1,), limit=limit) if newest else []
    name = _name(order.keys(queryset))
    known: dict[int, Key] = cache.get(name, {})
    near = max((place for place in known if place < start), default=-1)
    # The row before the page is read with it: from there the page is found the next time.
    if near < 0:
        keys = list(order.keys(queryset)[start - 1 : start + limit])
    elif near == start - 1:
        return walk(queryset, order, known[near], limit=limit)
    else:
        keys = walk(queryset, order, known[near], limit=limit + 1, skip=start - near - 2)
    if keys:
        cache.set(name, {**known, start - 1: keys[0]}, REMEMBERED)
    return keys[1:]


def _name(keys: QuerySet[Any]) -> str:
    """The same for the same list: its filters, its search and its order."""
    sql, params = keys.query.sql_with_params()
    return f"page-keys:{hashlib.sha256(repr((sql, params)).encode()).hexdigest()}"
