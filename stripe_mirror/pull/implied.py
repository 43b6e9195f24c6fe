"""What a change says about objects of other kinds that have no event of their own: which list to read soon.

The wish is stored in the transaction of the change, so that a crash can't lose it, and coalesced: a thousand charges
ask once for the newest balance transactions. `pull.refresh` reads.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.utils import timezone

from stripe_mirror.kinds import Implied, Kind, all_kinds
from stripe_mirror.models import Refresh
from stripe_mirror.pull.statements import insert_each

# What changed: the kind, the id, what was held before (None: nothing), what is held now, and when (Stripe's clock).
Noted = tuple[Kind, str, dict[str, Any] | None, dict[str, Any], datetime]

# Changes come in bursts: wait for the rest of one before reading.
PAUSE = timedelta(seconds=2)
# The implied object may be a little older than the event that names it.
LOOK_BACK = timedelta(minutes=10)
PLACE = re.compile(r"\{([a-z_.]+)\}")
REPEATED = """
ON CONFLICT (key) DO UPDATE SET wanted = held.wanted + 1,
    since = CASE WHEN excluded.since < held.since THEN excluded.since ELSE held.since END"""


# In the params of a wish: the one object to look for, among what its neighbours (the other params) lead to.
LOOK_FOR = "id"


@dataclass(frozen=True)
class Wish:
    """One list, or one object, to read."""

    object_type: str
    path: str
    params: tuple[tuple[str, str], ...]
    inside: str
    since: datetime | None

    @property
    def key(self) -> str:
        """The same for equal lists, however far back they are to be read."""
        text = json.dumps([self.object_type, self.path, self.params, self.inside, self.since is None])
        return hashlib.sha256(text.encode()).hexdigest()


def note(kind: Kind, id: str, old: dict[str, Any] | None, new: dict[str, Any], at: datetime) -> None:
    """Remember what one change implies; in the transaction that makes it."""
    note_many([(kind, id, old, new, at)])


def note_many(changes: Iterable[Noted]) -> None:
    """Remember what these changes imply; once a transaction, at its end, so that all writers lock in one order."""
    wishes: dict[str, Wish] = {}
    for kind, _, old, new, at in changes:
        for child, implied in implied_by(kind.object):
            for wish in _wishes(child, implied, old, new, at):
                known = wishes.get(wish.key)
                wishes[wish.key] = wish if known is None or _further(wish, known) else known
    if wishes:
        _store(wishes)


@cache
def implied_by(object_type: str) -> tuple[tuple[Kind, Implied], ...]:
    """Every kind that may change silently with this one, and how."""
    return tuple((kind, implied) for kind in all_kinds() for implied in kind.implied if implied.by == object_type)


def gone(state: dict[str, Any]) -> dict[str, Any]:
    """The last state of an object that was deleted, for a change."""
    return {**state, "deleted": True}


def is_gone(state: dict[str, Any]) -> bool:
    """Whether that state was the last one."""
    return state.get("deleted") is True


def values_at(state: Any, path: str) -> Iterator[Any]:
    """Every value but null at a dotted path, through lists."""
    head, _, rest = path.partition(".")
    for item in state if isinstance(state, list) else [state]:
        value = item.get(head) if isinstance(item, dict) else None
        if value is not None:
            yield from values_at(value, rest) if rest else (value if isinstance(value, list) else [value])


def _wishes(
    kind: Kind, implied: Implied, old: dict[str, Any] | None, new: dict[str, Any], at: datetime
) -> Iterator[Wish]:
    ended = _ended(implied, old, new)
    new_ones = _changed(implied, old, new) and _matches(implied, new) and not _all_held(kind, implied, new)
    if not ended and not new_ones:
        return
    try:
        path = _filled(implied.path, new)
        params = tuple(sorted((name, _filled(value, new)) for name, value in implied.params.items()))
    except LookupError:
        return
    if new_ones:
        yield Wish(kind.object, path, params, implied.inside, at - LOOK_BACK if implied.newest else None)
    for id in _worth_a_look(kind, ended, path):
        yield Wish(kind.object, path, ((LOOK_FOR, id), (implied.by, str(new["id"]))), inside="", since=None)


def _changed(implied: Implied, old: dict[str, Any] | None, new: dict[str, Any]) -> bool:
    if not implied.fields:
        return True
    if old is None:
        # What is zero or empty from the start has no story yet.
        return any(new.get(name) for name in implied.fields)
    return any(old.get(name) != new.get(name) for name in implied.fields)


def _matches(implied: Implied, new: dict[str, Any]) -> bool:
    found = ((allowed, list(values_at(new, path))) for path, allowed in implied.where.items())
    return all(any(not allowed or value in allowed for value in values) for allowed, values in found)


def _all_held(kind: Kind, implied: Implied, new: dict[str, Any]) -> bool:
    if not implied.unless_held:
        return False
    ids = _named(implied, new)
    return kind.model._default_manager.filter(pk__in=ids).count() == len(ids)


def _ended(implied: Implied, old: dict[str, Any] | None, new: dict[str, Any]) -> set[str]:
    """What may have ended with this change, without a word."""
    if not implied.ends_untold or old is None:
        return set()
    return _named(implied, old) - (set() if is_gone(new) else _named(implied, new))


def _named(implied: Implied, state: dict[str, Any]) -> set[str]:
    found = values_at(state, implied.unless_held)
    return {str(value if isinstance(value, str) else value.get("id")) for value in found}


def _worth_a_look(kind: Kind, ended: Iterable[str], path: str) -> list[str]:
    """Those that we hold, or may be about to store: asked in this order, as a read is forgotten after it is stored."""
    if not ended:
        return []
    if Refresh.objects.filter(object_type=kind.object, path=path).exists():
        return sorted(ended)
    held = kind.model._default_manager.filter(pk__in=ended, deleted_at=None)
    return sorted(str(id) for id in held.values_list("pk", flat=True))


def _filled(text: str, state: dict[str, Any]) -> str:
    def value(place: re.Match[str]) -> str:
        found = next(values_at(state, place[1]), None)
        if isinstance(found, dict):
            found = found.get("id")
        if not isinstance(found, str) or not found:
            raise LookupError(place[1])
        return found

    return PLACE.sub(value, text)


def _further(wish: Wish, known: Wish) -> bool:
    return wish.since is not None and known.since is not None and wish.since < known.since


def _store(wishes: dict[str, Wish]) -> None:
    due = timezone.now() + PAUSE
    rows = [
        Refresh(
            key=key,
            object_type=wish.object_type,
            path=wish.path,
            params=dict(wish.params),
            inside=wish.inside,
            since=wish.since,
            due_at=due,
        )
        for key, wish in sorted(wishes.items())
    ]
    insert_each(rows, conflict=REPEATED)
