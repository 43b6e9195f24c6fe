"""States of objects as Stripe shows them: equal or not, before a change, without the copies in them. Pure; no order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

State = dict[str, Any]

# They stand whole inside others, and change there without a word: such a copy is no part of the other's own state.
COPIED = {"plan", "price", "tax_rate"}


def same(one: State, other: State) -> bool:
    """Whether two states are equal; a missing key and a null are one."""
    return one == other or _same_value(one, other)


def undone(state: State, previous: State) -> State:
    """The state before a change: `previous_attributes` names old leaves; arrays stand whole, null may be "missing"."""
    before = dict(state)
    for key, old in previous.items():
        new = before.get(key)
        before[key] = undone(new, old) if isinstance(old, dict) and isinstance(new, dict) else old
    return before


def own(state: State) -> State:
    """The state with ids in the place of the copies."""
    return {key: _without_copies(part) for key, part in state.items()}


def copies(state: Any) -> Iterator[State]:
    """Other objects that stand whole in this one, and are told of by events of their own."""
    parts = state.values() if isinstance(state, dict) else state if isinstance(state, list) else ()
    for part in parts:
        if isinstance(part, dict) and part.get("object") in COPIED:
            yield part
        else:
            yield from copies(part)


def copies_differ(states: Sequence[State]) -> bool:
    """Whether one object is copied into these states in two versions of it."""
    seen: dict[tuple[str, str], State] = {}
    found = (copy for state in states for copy in copies(state))
    return not all(same(copy, seen.setdefault((copy["object"], str(copy.get("id"))), copy)) for copy in found)


def run_in_circles(changes: Sequence[tuple[State, State]]) -> bool:
    """Whether changes, each from one state to another, visit one state twice."""
    real = [change for change in changes if not same(*change)]
    states: list[State] = []
    for state in [state for change in real for state in change]:
        if not any(same(state, other) for other in states):
            states.append(state)
    return len(states) <= len(real)


def _same_value(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_same_value(one.get(key), other.get(key)) for key in one.keys() | other.keys())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_value, one, other))
    return bool(one == other)


def _without_copies(part: Any) -> Any:
    if isinstance(part, dict):
        return part.get("id") if part.get("object") in COPIED else own(part)
    return [_without_copies(one) for one in part] if isinstance(part, list) else part
