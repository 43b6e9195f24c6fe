"""Keys of rows in a list's order: what lies after a row and before it, found by an index, however deep it is.

A list is ordered by columns of its own, or of a row that it names, and last by the id, all in one direction: that is
what an index carries.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connection
from django.db.models import Field, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.db.models.expressions import OrderBy
from django.db.models.fields import AutoFieldMixin

from stripe_mirror.models.fields import Unindexed

# A row's values of the columns that order the list; the last is its id.
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Hints:
    """What is known of rows before the database is asked for them."""

    # So few were found by other indexes that sorting them is cheaper than meeting them in the order of the list.
    few: bool = False
    # Up to how many they are counted, where each of them costs more than a look into an index.
    limit: int = 0
    # That they are more than so many.
    at_least: int = 0
    # Some of them, which can be counted: together they are more.
    some: QuerySet[Any] | None = None

    @property
    def uncounted(self) -> bool:
        """Whether counting them all would cost more than showing a page."""
        return bool(self.at_least) or self.some is not None


def hint(rows: QuerySet[Any], **known: Any) -> None:
    """Keep it with the rows, and with whatever is made of them, beside what was known before."""
    vars(rows.query)["hints"] = replace(hints_of(rows), **known)


def hints_of(rows: QuerySet[Any]) -> Hints:
    """What is known of them."""
    found: Hints = vars(rows.query).get("hints") or Hints()
    return found


@dataclass(frozen=True)
class Order:
    """Columns, the id last, and their direction."""

    fields: tuple[Field[Any, Any], ...]
    # How a query names each.
    paths: tuple[str, ...]
    descending: bool

    @classmethod
    def of(cls, queryset: QuerySet[Any]) -> Order | None:
        """The order of a queryset; None where it is anything but such columns in one direction."""
        names = [*(queryset.query.order_by or queryset.model._meta.ordering)]
        own: dict[str, Any] = {}
        for name in names:
            field = _column(queryset.model, name)
            if field is None:
                return None
            if field.primary_key:
                break
            *before, _last = name.lstrip("-").split(LOOKUP_SEP)
            own[LOOKUP_SEP.join([*before, field.attname])] = field
        # The id follows the others.
        directions = {name.startswith("-") for name in names[: len(own) or 1]}
        if len(directions) > 1:
            return None
        pk = queryset.model._meta.pk
        return cls((*own.values(), pk), (*own, pk.attname), descending=directions == {True})

    @property
    def names(self) -> tuple[str, ...]:
        """For `order_by`."""
        return tuple(f"{'-' if self.descending else ''}{path}" for path in self.paths)

    @property
    def counts_up(self) -> bool:
        """Whether the rows are ordered by numbers that the database gave them, one after the other."""
        return len(self.fields) == 1 and isinstance(self.fields[0], AutoFieldMixin)

    @property
    def reversed(self) -> Order:
        """From the end."""
        return replace(self, descending=not self.descending)

    def keys(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The keys of the rows in this order; an index alone answers it, unless there are few."""
        order: Any = self.names
        if hints_of(queryset).few:
            order = [OrderBy(Unindexed(path), descending=self.descending) for path in self.paths]
        return queryset.order_by(*order).values_list(*self.paths)

    def after(self, key: Key) -> Iterator[Q]:
        """Conditions for the rows after a key: each a range of the index, one after the other."""
        return self._after(tuple(zip(self.paths, self.fields, strict=True)), key)

    def _after(self, columns: tuple[tuple[str, Field[Any, Any]], ...], key: Key) -> Iterator[Q]:
        (path, field), value = columns[0], key[0]
        beyond, from_on = ("lt", "lte") if self.descending else ("gt", "gte")
        if field.primary_key:
            yield Q(**{f"pk__{beyond}": value})
        elif value is None:
            for rest in self._after(columns[1:], key[1:]):
                yield Q(**{f"{path}__isnull": True}) & rest
            if not self._nulls_last:
                yield Q(**{f"{path}__isnull": False})
        else:
            later = Q(**{f"{path}__{beyond}": value})
            if columns[1][1].primary_key:
                # Few rows share the value. The first part is where an index begins; comparing pairs isn't everywhere.
                yield Q(**{f"{path}__{from_on}": value}) & (later | next(self._after(columns[1:], key[1:])))
            else:
                yield from (Q(**{path: value}) & rest for rest in self._after(columns[1:], key[1:]))
                yield later
            if self._nulls_last and field.null:
                yield Q(**{f"{path}__isnull": True})

    @property
    def _nulls_last(self) -> bool:
        """PostgreSQL holds NULL for the largest value, SQLite for the smallest."""
        return (connection.vendor == "postgresql") != self.descending


def _column(model: Any, name: Any) -> Field[Any, Any] | None:
    """The column of that name, as it may stand in an ordering: the model's own, or of a row that it names."""
    if not isinstance(name, str):
        return None
    *relations, plain = name.lstrip("-").split(LOOKUP_SEP)
    try:
        for relation in relations:
            model = model._meta.get_field(relation).related_model
        field = model._meta.pk if plain == "pk" and not relations else model._meta.get_field(plain)
    except (FieldDoesNotExist, AttributeError):
        return None
    # By its name a relation would be ordered as its own rows are.
    return None if field.is_relation and plain != field.attname else field


def walk(queryset: QuerySet[Any], order: Order, key: Key, *, limit: int, skip: int = 0) -> list[Key]:
    """So many keys after a key, without the first `skip` of them."""
    found: list[Key] = []
    for condition in order.after(key):
        rows = order.keys(queryset.filter(condition))
        part = list(rows[skip : skip + limit - len(found)])
        found += part
        if len(found) == limit:
            break
        # This range ended: within what was to be skipped, or behind it.
        skip = max(0, skip - rows.count()) if skip and not part else 0
    return found


def written(key: Key) -> str:
    """A key for an address."""
    values = [value.isoformat() if isinstance(value, datetime) else value for value in key]
    return urlsafe_b64encode(json.dumps(values, default=str).encode()).decode().rstrip("=")


def read(text: str, order: Order) -> Key | None:
    """A key from an address; None where it is nonsense."""
    try:
        values = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        key = tuple(_read(field, value) for field, value in zip(order.fields, values, strict=True))
    except (ValueError, TypeError, OverflowError, ValidationError):
        return None
    return None if key[-1] is None or any("\x00" in str(value) for value in key) else key


def _read(field: Field[Any, Any], value: Any) -> Any:
    found = field.to_python(value)
    return found.astimezone(UTC) if isinstance(found, datetime) else found
