"""Lists: cursors in both directions, clamped limits, time ranges, and filters, from indexes wherever one fits."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

from tests.sandbox.errors import invalid
from tests.sandbox.store import Place, Row, Table, dig

DEFAULT_LIMIT, LARGEST_LIMIT = 10, 100
PAGING_KEYS = {"limit", "starting_after", "ending_before", "expand"}
BOUNDS: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}
Test = Callable[[Row], bool]


def page(
    table: Table,
    params: dict[str, Any],
    *,
    columns: dict[str, str] | None = None,
    where: Test | None = None,
    ascending: bool = False,
) -> tuple[list[Row], bool]:
    """One page of a table, newest first unless `ascending`, and whether there is more that way."""
    wanted = {
        (columns or {}).get(key, key): value for key, value in params.items() if key not in PAGING_KEYS and value != ""
    }
    places, tests = _start(table, wanted)
    if where is not None:
        tests.append(where)
    low, high = _time_window(table, places, wanted.get("created"))
    limit = max(1, min(LARGEST_LIMIT, params.get("limit", DEFAULT_LIMIT)))
    backwards = "ending_before" in params
    cursor = params.get("ending_before") or params.get("starting_after")
    towards_newer = backwards != ascending
    if cursor:
        place = _cursor(table, cursor, "ending_before" if backwards else "starting_after")
        if not _within(place[0], wanted.get("created") or {}):
            return [], False  # a cursor from outside the window: Stripe may answer nothing, without a word
        if towards_newer:
            low = max(low, bisect_right(places, place))
        else:
            high = min(high, bisect_left(places, place))
    steps = range(low, high) if towards_newer else range(high - 1, low - 1, -1)
    found = _collect(table, places, steps, tests, limit + 1)
    rows = found[:limit]
    return (rows[::-1] if backwards else rows), len(found) > limit


def unclocked(where: Test | None) -> Test:
    """The same test, for objects only that follow no test clock."""
    return lambda row: row["test_clock"] is None and (where is None or where(row))


def _start(table: Table, wanted: dict[str, Any]) -> tuple[list[Place], list[Test]]:
    """The shortest indexed list of candidates, and tests for the filters that no index answers."""
    places: list[Place] | None = None
    tests: list[Test] = []
    for path, value in wanted.items():
        if path == "created":
            continue
        if path in table.indexes and isinstance(value, (str, bool)):
            candidates = table.by[path].get(value, [])
            if places is None or len(candidates) < len(places):
                places = candidates
        tests.append(_test(path, value))
    return (table.order if places is None else places), tests


def _test(path: str, value: Any) -> Test:
    if isinstance(value, dict) and set(value) <= set(BOUNDS):
        return lambda row: _within(dig(row, path), value)
    if isinstance(value, dict):
        inner = [_test(f"{path}.{key}", item) for key, item in value.items()]
        return lambda row: all(test(row) for test in inner)
    if isinstance(value, list):
        members = set(value)
        return lambda row: dig(row, path) in members
    return lambda row: bool(dig(row, path) == value)


def _within(value: Any, bounds: dict[str, int]) -> bool:
    return value is not None and all(BOUNDS[name](value, bound) for name, bound in bounds.items())


def _time_window(table: Table, places: list[Place], bounds: dict[str, int] | None) -> tuple[int, int]:
    low, high = 0, len(places)
    for name, bound in (bounds or {}).items():
        at = bisect_left(places, (bound + (name in ("gt", "lte")), -1, ""))
        if name in ("gt", "gte"):
            low = max(low, at)
        else:
            high = min(high, at)
    return low, high


def _cursor(table: Table, object_id: str, param: str) -> Place:
    if object_id not in table.rows:
        message = f"No such {table.object_type.replace('_', ' ')}: '{object_id}'"
        raise invalid(message, code="resource_missing", param=param)
    return table.places[object_id]


def _collect(table: Table, places: list[Place], steps: range, tests: list[Test], most: int) -> list[Row]:
    found: list[Row] = []
    hidden, rows = table.hidden, table.rows
    for position in steps:
        object_id = places[position][2]
        row = rows[object_id]
        if object_id not in hidden and all(test(row) for test in tests):
            found.append(row)
            if len(found) == most:
                break
    return found
