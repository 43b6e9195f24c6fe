"""Rehearsals: a change is really made, by the same code, on copies, and forgotten. So a preview can't differ from what
comes of the change, and what would fail can be known before it is begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from random import Random
from typing import Any

from tests.sandbox.billing.timers import Timers
from tests.sandbox.store import Row, Table, clone

PREFIXES = {"in_": "upcoming_in_", "il_": "il_tmp_"}


class Copies(dict[str, Any]):
    """Values by id, each of which is brought in by `bring` when it is first asked for."""

    def __init__(self, under: dict[str, Any], bring: Callable[[str], None]) -> None:
        super().__init__()
        self.under, self.bring = under, bring
        self.brought: set[str] = set()

    def __contains__(self, key: object) -> bool:
        if isinstance(key, str) and key not in self.brought and key in self.under:
            self.brought.add(key)
            self.bring(key)
        return super().__contains__(key)

    def __missing__(self, key: str) -> Any:
        if key not in self:
            raise KeyError(key)
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key) if key in self else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        return super().__getitem__(key) if key in self else super().setdefault(key, default)

    def pop(self, key: str, *default: Any) -> Any:
        return super().pop(key, *default) if key in self or not default else default[0]

    def values(self) -> Any:
        for key in self.under:
            key in self  # noqa: B015 (asking brings it in)
        return super().values()


class Overlay(Table):
    """A table over another one: its rows are copies, and what happens to them the other never learns."""

    def __init__(self, under: Table) -> None:
        self.under = under
        super().__init__(under.object_type, indexes=under.indexes, created=under.created)
        self.counter = under.counter

    def clear(self) -> None:
        super().clear()
        self.rows = Copies(self.under.rows, self._bring_row)
        self.private = Copies(self.under.private, self._bring_private)
        self.gone = Copies(self.under.gone, self._bring_gone)

    def _bring_row(self, object_id: str) -> None:
        row, hidden = clone(self.under.rows[object_id]), object_id in self.under.hidden
        self.insert(row, hidden=hidden, place=self.under.places[object_id])

    def _bring_private(self, object_id: str) -> None:
        self.private[object_id] = clone(self.under.private[object_id])

    def _bring_gone(self, object_id: str) -> None:
        self.gone[object_id] = clone(self.under.gone[object_id])

    def where(self, name: str, value: Any) -> list[Row]:
        for place in self.under.by[name].get(value, ()):
            self.rows.get(place[2])
        return super().where(name, value)

    def any_where(self, name: str, value: Any) -> bool:
        return bool(self.where(name, value))

    def newest_first(self) -> Iterator[Row]:
        raise NotImplementedError("A rehearsal lists nothing: that would copy everything.")


class Silence:
    """Takes the place of the event log: nobody hears of a rehearsal."""

    def emit(self, event_type: str, shown: Row, previous: Row | None = None) -> None:
        """Say nothing."""


def rehearsal(sandbox: Any) -> Any:
    """A double of the sandbox in which anything may be done; to be used under the lock, at the time of the request."""
    double = copy(sandbox)
    double.tables = {name: Overlay(table) for name, table in sandbox.tables.items()}
    double.clock = copy(sandbox.clock)
    double.random = Random(sandbox.request_count)
    double.timers = Timers(double)
    double.event_log = Silence()
    double.sequences = dict(sandbox.sequences)
    double.new_id = lambda prefix, length: type(sandbox).new_id(double, PREFIXES.get(prefix, prefix), length)
    return double
