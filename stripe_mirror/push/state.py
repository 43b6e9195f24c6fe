"""Compares Stripe's objects with forms and parameters: pure functions, no database, no network."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Clash:
    """One value that the form changes and that somebody else changed meanwhile."""

    name: str
    # The entry, where the field is a table of keys and values.
    key: str
    was: Any
    now: Any
    yours: Any


def same(one: Any, other: Any) -> bool:
    """Whether a person would call both equal: nothing is "", and a form's trimming and line ends are no change."""
    return bool(one == other or _plain(one) == _plain(other))


def _plain(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("\r\n", "\n").replace("\r", "\n").strip()
    return list(value) if isinstance(value, tuple) else value


def rebase(
    opened: Mapping[str, Any], now: Mapping[str, Any], yours: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Clash]]:
    """What the form says, moved onto the present state: fields that the form left alone take their present value.

    `opened` is what the form showed, `now` the same fields read again. Fields absent from either are taken as written.
    The clashes are the fields that the form changes, that changed meanwhile, and that differ.
    """
    merged = dict(yours)
    clashes: list[Clash] = []
    for name in yours.keys() & opened.keys() & now.keys():
        if isinstance(yours[name], dict):
            merged[name], found = _rebase_table(name, opened[name] or {}, now[name] or {}, yours[name])
        else:
            merged[name], found = _rebase_value(name, "", opened[name], now[name], yours[name])
        clashes += found
    return merged, clashes


def _rebase_value(name: str, key: str, was: Any, now: Any, yours: Any) -> tuple[Any, list[Clash]]:
    if same(was, yours):
        return now, []
    if same(was, now) or same(now, yours):
        return yours, []
    return yours, [Clash(name, key, was, now, yours)]


def _rebase_table(
    name: str, was: Mapping[str, Any], now: Mapping[str, Any], yours: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Clash]]:
    merged: dict[str, Any] = {}
    clashes: list[Clash] = []
    for key in dict.fromkeys([*now, *yours, *was]):
        value, found = _rebase_value(name, key, was.get(key), now.get(key), yours.get(key))
        if value not in (None, ""):
            merged[key] = value
        clashes += found
    return merged, clashes


def leaves(params: Mapping[str, Any], *, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each parameter with its path: {"address": {"city": "X"}} → (("address", "city"), "X")."""
    for key, value in params.items():
        if isinstance(value, Mapping):
            yield from leaves(value, path=(*path, key))
        else:
            yield (*path, key), value


def overlap(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two requests set a field in common; a table that is sent whole covers its entries."""
    pairs = ((a, b) for a, _ in leaves(one) for b, _ in leaves(other))
    return any(a[: len(b)] == b[: len(a)] for a, b in pairs)


def look_up(obj: Any, path: tuple[str, ...]) -> Any:
    """The value at a path of Stripe's object, None where there is none; an expanded object reads as its id."""
    for key in path:
        # What was parsed from JSON is a dict, and that is told ten times as fast.
        obj = obj.get(key) if type(obj) is dict or isinstance(obj, Mapping) else None
    if obj is None or type(obj) is str:
        return obj
    return obj["id"] if isinstance(obj, Mapping) and "id" in obj and "object" in obj else obj


def text(value: Any) -> str:
    """A value as a form shows it; "" for what is no text (an object in an unknown shape is left alone)."""
    return value if isinstance(value, str) else ""


def texts(value: Any) -> list[str]:
    """A list of texts, without what is none."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def table(value: Any) -> dict[str, str]:
    """A table of texts, without what is none."""
    found = type(value) is dict or isinstance(value, Mapping)
    return {k: v for k, v in value.items() if isinstance(v, str)} if found else {}


def touched(obj: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that these parameters name, as the object has them: dotted name → value."""
    return {".".join(path): look_up(obj, path) for path, _ in leaves(params)}


def matches(obj: Mapping[str, Any], params: Mapping[str, Any], *, ignore: Collection[str] = ()) -> bool:
    """Whether the object is as the parameters want it."""
    wanted = [(path, value) for path, value in leaves(params) if path[0] not in ignore]
    return all(_reads_as(look_up(obj, path), value) for path, value in wanted)


def _reads_as(held: Any, sent: Any) -> bool:
    """Stripe reads "" as nothing: null, absent, or an empty table."""
    return held in (None, "", {}, []) if sent == "" else same(held, sent)
