"""Decides many stored events in one transaction, each as `processing.process` would decide it alone, and as safely.

Why it can't deadlock, although it locks many rows: nothing that it waits for can wait for it.
1. Events are claimed with SKIP LOCKED: never waited for.
2. New rows are inserted before any row is locked, sorted by kind and id. An insert waits for another transaction's
   insert of the same row only; those insert in the same order (batches, pages), or only one row (everybody else).
3. Rows that exist are locked with SKIP LOCKED, too; an event whose row somebody else holds is left to be done alone.
4. The wishes that changes imply are written last, sorted.
What it can't do (a race for a new row, an error in one event) leaves no trace: then each event is processed alone.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from stripe_mirror import background
from stripe_mirror.inbox.events import (
    EMBEDDED_LEFT,
    OPEN,
    PATIENCE_WITH_PARENTS,
    SETTLED,
    State,
    ask_at,
    being_asked_for,
    kind_or_end,
    origins_of,
    settled_in,
    state_of,
    why_asked,
)
from stripe_mirror.inbox.store import GRACE
from stripe_mirror.kinds import Kind, get_kind
from stripe_mirror.models import InboxEvent
from stripe_mirror.pull import clock, drafts, rows
from stripe_mirror.pull.apply import decide_on, embeds_news
from stripe_mirror.pull.changes import Origin
from stripe_mirror.pull.drafts import Draft, Raced
from stripe_mirror.pull.fetch import lacking_parents
from stripe_mirror.pull.ordering import Decision, EventState

logger = logging.getLogger(__name__)
# So many events in one transaction: what a process at its limit gathers in a while (`applier.LONGEST_WAIT`).
MOST = 200
Key = tuple[str, str]


def apply_many(event_ids: Sequence[str], *, known: Mapping[str, InboxEvent] | None = None) -> set[str]:
    """Decide what can be decided of these events; the ids of those that are done, or that another process is doing.

    `known`: events as they were stored a moment ago, so that they needn't be read again.
    """
    done: set[str] = set()
    for start in range(0, len(event_ids), MOST):
        done |= _apply(event_ids[start : start + MOST], known or {})
    return done


def _apply(event_ids: Sequence[str], known: Mapping[str, InboxEvent]) -> set[str]:
    try:
        with transaction.atomic():
            _answer_for_less()
            batch = Batch(_claimed(event_ids, known), now=timezone.now(), stamp=clock.now())
            batch.run()
    except Raced:
        return set()
    except Exception:
        logger.exception("%d events could not be applied together; each is processed alone.", len(event_ids))
        return set()
    for object_type, ids in batch.written.items():
        for id in lacking_parents(get_kind(object_type), ids):
            background.enqueue("fetch_missing_parents", object_type, id, delay=PATIENCE_WITH_PARENTS)
    return set(event_ids) - batch.left


def _answer_for_less() -> None:
    """Don't wait for the disk: the events lie there already, and what a crash takes from this the sweep does again."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")


def _claimed(event_ids: Sequence[str], known: Mapping[str, InboxEvent]) -> list[InboxEvent]:
    """Those that are open and that nobody else is at, locked."""
    free = InboxEvent.objects.select_for_update(skip_locked=True).filter(state__in=OPEN).exclude(being_asked_for())
    free = free.order_by("pk")
    fresh = [id for id in event_ids if id in known]
    found = [known[id] for id in free.filter(pk__in=fresh, reason="").values_list("pk", flat=True)] if fresh else []
    others = [id for id in event_ids if id not in known]
    claimed = {event.pk: event for event in ([*found, *free.filter(pk__in=others)] if others else found)}
    # Locked in one order by everyone, but applied as they came.
    return [claimed[id] for id in event_ids if id in claimed]


@dataclass
class Batch:
    """The events of one transaction, and the objects they are about."""

    events: Sequence[InboxEvent]
    now: datetime
    # What the rows are stamped with.
    stamp: datetime
    # Left to be done alone: they need Stripe, or what they embed is to be stored, or their row was not free.
    left: set[str] = field(default_factory=set)
    # Of the objects whose state changed.
    written: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _ends: dict[tuple[State, str, datetime | None], list[str]] = field(default_factory=lambda: defaultdict(list))
    _of: dict[Key, list[InboxEvent]] = field(default_factory=lambda: defaultdict(list))
    _kinds: dict[str, Kind] = field(default_factory=dict)
    _origins: dict[str, Origin] = field(default_factory=dict)
    _settled: dict[tuple[Key, datetime], list[EventState]] = field(default_factory=dict)

    def run(self) -> None:
        """All of it, inside the caller's transaction. Raises Raced."""
        self._sort()
        self._origins = origins_of(event for events in self._of.values() for event in events)
        made = self._decided(self._missing())
        if made:
            drafts.insert(made, account=rows.account_id())
        changed = self._decided(self._locked({(draft.kind.object, draft.id) for draft in made}))
        drafts.update(changed)
        drafts.record([*made, *changed])
        self._close()

    def _sort(self) -> None:
        """Per object in the order in which Stripe made them, as far as that can be told."""
        for event in sorted(self.events, key=lambda event: (event.created, not event.type.endswith(".created"))):
            found = kind_or_end(event)
            if event.reason == EMBEDDED_LEFT:
                self.left.add(event.pk)
            elif isinstance(found, Kind):
                self._kinds[found.object] = found
                self._of[found.object, event.object_id].append(event)
            else:
                self._ends[*found, None].append(event.pk)

    def _missing(self) -> list[Draft]:
        """The objects that have no row."""
        missing = []
        for kind, ids in self._ids():
            stored = set(kind.model._default_manager.filter(pk__in=ids).values_list("pk", flat=True))
            missing += [Draft(kind, id, None, stored=False) for id in ids if id not in stored]
        return missing

    def _locked(self, made: Collection[Key]) -> list[Draft]:
        """The objects whose rows were free and are ours now."""
        found = []
        for kind, ids in self._ids():
            wanted = [id for id in ids if (kind.object, id) not in made]
            free = {draft.id: draft for draft in rows.locked_drafts(kind, wanted)} if wanted else {}
            found += list(free.values())
            for id in wanted:
                self.left |= {event.pk for event in self._of[kind.object, id]} if id not in free else set()
        return found

    def _ids(self) -> list[tuple[Kind, list[str]]]:
        return [(kind, sorted(id for of, id in self._of if of == name)) for name, kind in sorted(self._kinds.items())]

    def _decided(self, objects: Sequence[Draft]) -> list[Draft]:
        for draft in objects:
            for event in self._of[draft.kind.object, draft.id]:
                self._decide(draft, event)
            if draft.changes:
                self.written[draft.kind.object].append(draft.id)
        return list(objects)

    def _decide(self, draft: Draft, event: InboxEvent) -> None:
        state, kind = state_of(event, draft.kind), draft.kind
        before = draft.held.state if draft.held else None

        def siblings(second: datetime) -> Sequence[EventState]:
            return self._siblings(second, event, kind)

        decision, _ = decide_on(draft, event=state, origin=self._origins[event.pk], siblings=siblings, now=self.stamp)
        if decision is Decision.FETCH:
            self._wait(event, why_asked(state), ask_at(event, self.now))
        elif decision is Decision.APPLY and self._leaves_embedded(kind, before, state):
            self._wait(event, EMBEDDED_LEFT, self.now + GRACE)
        else:
            self._ends[SETTLED[decision], "", None].append(event.pk)
        if decision is not Decision.FETCH:
            self._settled.setdefault(((kind.object, draft.id), state.at), []).append(state)

    def _leaves_embedded(self, kind: Kind, before: dict[str, Any] | None, state: EventState) -> bool:
        return kind.owns if state.deletes else embeds_news(kind, before, state.object)

    def _siblings(self, second: datetime, event: InboxEvent, kind: Kind) -> Sequence[EventState]:
        """Those in the database, and those settled a moment ago in this batch."""
        key = ((kind.object, event.object_id), second)
        return [*settled_in(second, event, kind), *self._settled.get(key, ())]

    def _wait(self, event: InboxEvent, reason: str, until: datetime) -> None:
        self._ends[State.WAITING, reason, until].append(event.pk)
        self.left.add(event.pk)

    def _close(self) -> None:
        """Mark the events, all that ended in one way with one statement."""
        for (state, reason, until), ids in self._ends.items():
            values: dict[str, Any] = {"state": state, "reason": reason, "next_attempt_at": until}
            if state != State.WAITING:
                values["processed_at"] = self.now
            InboxEvent.objects.filter(pk__in=ids).update(**values)
