"""What a row will hold: states are taken one after the other, and written together. Only `pull.apply` uses it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from itertools import groupby
from typing import Any

from django.db import IntegrityError, transaction

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind
from stripe_mirror.models import Change, StripeObject
from stripe_mirror.pull import implied
from stripe_mirror.pull.changes import Origin, change, differences
from stripe_mirror.pull.ordering import Bounds, EventState, Held, after
from stripe_mirror.pull.statements import insert_each, update_each
from stripe_mirror.pull.storable import storable

SECONDS = ("as_of", "read_until", "synced_at")
STATE = ("data", *SECONDS, "changed_at", "deleted_at", "version", "nul_replaced")


class Outcome(StrEnum):
    """What became of a state."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    STALE = "stale"


@dataclass(frozen=True)
class Applied:
    """What became of a state, and the row's version now (0 where there is no row)."""

    outcome: Outcome
    version: int


class Raced(Exception):
    """Another transaction made the row between our look and our insert: look again."""


class Unsaved(IntEnum):
    """How much of a draft is not in the database yet."""

    NOTHING = 0
    SECONDS = 1
    STATE = 2


@dataclass
class Draft:
    """One object: what its row will hold, and the history that led there since the row was read."""

    kind: Kind
    id: str
    held: Held | None
    # Whether there is a row.
    stored: bool = True
    nul_replaced: bool = False
    deleted_at: datetime | None = None
    unsaved: Unsaved = Unsaved.NOTHING
    changes: list[Change] = field(default_factory=list)
    implied: list[implied.Noted] = field(default_factory=list)

    def write(self, state: dict[str, Any], *, bounds: Bounds, origin: Origin, now: datetime) -> Applied:
        """Make `state` the object's, record the change, wake a tombstone."""
        state, self.nul_replaced = storable(state)
        made = self.held is None or self.held.deleted
        self._take(state, Change.Action.CREATED if made else Change.Action.UPDATED, bounds, None, origin, now)
        return Applied(Outcome.CREATED if made else Outcome.CHANGED, self.version)

    def bury(self, last_state: dict[str, Any] | None, *, bounds: Bounds, origin: Origin, now: datetime) -> Applied:
        """Make it a tombstone that keeps the last known state."""
        made, state = self.held is None, self.held.state if self.held else {}
        if last_state:
            state, self.nul_replaced = storable(last_state)
        state = state or {"id": self.id, "object": self.kind.object, "deleted": True}
        self._take(state, Change.Action.DELETED, bounds, bounds.read_until or bounds.as_of, origin, now)
        return Applied(Outcome.CREATED if made else Outcome.CHANGED, self.version)

    def confirm(self, bounds: Bounds, *, now: datetime | None) -> None:
        """Move only the seconds: the state is known to have held at another time, too."""
        assert self.held is not None
        stamp = after(self.held.synced_at, now) if now else self.held.synced_at
        self.held = self.held.moved(bounds, synced_at=stamp)
        self.unsaved = max(self.unsaved, Unsaved.SECONDS)

    def tell(self, event: EventState) -> None:
        """Note what a change implies whose state is not taken: it happened, even if its end is what we hold."""
        self.implied += told_by(self.kind, event)

    @property
    def version(self) -> int:
        """The row's; 0 where there is none."""
        return self.held.version if self.held else 0

    def row(self, account: str) -> StripeObject:
        """The unsaved row of an object that has none."""
        assert self.held is not None
        values = dict(zip(STATE[1:], self._own_columns(), strict=True))
        return self.kind.model(id=self.id, account=account, livemode=conf.livemode, data=self.held.state, **values)

    def values(self) -> tuple[Any, ...]:
        """Of the columns of STATE."""
        assert self.held is not None
        return json.dumps(self.held.state), *self._own_columns()

    def _own_columns(self) -> tuple[Any, ...]:
        """Of the columns of STATE after `data`."""
        held = self.held
        assert held is not None
        seconds = (held.as_of, held.read_until, held.synced_at)
        changed_at = self.changes[-1].recorded_at if self.changes else held.synced_at
        return *seconds, changed_at, self.deleted_at, held.version, self.nul_replaced

    def _take(
        self,
        state: dict[str, Any],
        action: Change.Action,
        bounds: Bounds,
        deleted_at: datetime | None,
        origin: Origin,
        now: datetime,
    ) -> None:
        old = self.held
        self.held = Held(
            state=state,
            as_of=bounds.as_of,
            read_until=bounds.read_until,
            deleted=deleted_at is not None,
            version=self.version + 1,
            synced_at=after(old.synced_at, now) if old else now,
        )
        self.deleted_at, self.unsaved = deleted_at, Unsaved.STATE
        told = implied.gone(state) if deleted_at else state
        self.implied.append((self.kind, self.id, old.state if old else None, told, bounds.as_of))
        self.changes.append(
            change(
                self.kind,
                self.id,
                action,
                fields=differences(old.state, state) if old else {},
                version=self.version,
                happened_at=bounds.as_of,
                recorded_at=now,
                origin=origin,
            )
        )


def told_by(kind: Kind, event: EventState) -> list[implied.Noted]:
    """The change that an event tells of, as `implied.note_many` takes it."""
    if event.previous is None:
        return []
    return [(kind, str(event.object["id"]), event.before, event.object, event.at)]


def insert(drafts: Iterable[Draft], *, account: str) -> None:
    """Make the rows that there are none of yet, in the order in which everybody locks. Raises Raced."""
    for kind, of_kind in _by_kind(draft for draft in drafts if not draft.stored and draft.unsaved):
        rows = [draft.row(account) for draft in of_kind]
        try:
            with transaction.atomic():
                kind.model._default_manager.bulk_create(rows)
        except IntegrityError:
            raise Raced from None


def update(drafts: Iterable[Draft]) -> None:
    """Write the rows that we hold the locks of."""
    for kind, of_kind in _by_kind(draft for draft in drafts if draft.stored):
        states = [(draft.id, *draft.values()) for draft in of_kind if draft.unsaved is Unsaved.STATE]
        update_each(kind.model, STATE, states)
        seconds = [(draft.id, *draft.values()[1:4]) for draft in of_kind if draft.unsaved is Unsaved.SECONDS]
        update_each(kind.model, SECONDS, seconds)


def record(drafts: Iterable[Draft]) -> None:
    """Write the history, and what it implies: the last that a transaction does."""
    drafts = list(drafts)
    insert_each([change for draft in drafts for change in draft.changes])
    implied.note_many([noted for draft in drafts for noted in draft.implied])


def _by_kind(drafts: Iterable[Draft]) -> list[tuple[Kind, Sequence[Draft]]]:
    """Sorted by table and id."""
    in_order = sorted(drafts, key=lambda draft: (draft.kind.object, draft.id))
    return [
        (group[0].kind, group) for _, found in groupby(in_order, key=lambda d: d.kind.object) if (group := list(found))
    ]
