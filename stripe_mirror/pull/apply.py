"""The only writer of mirrored rows: decides under the row's lock, and knows no network.

A row is locked alone, never together with its parents or children, so that writers can't deadlock; the one that takes
many at once (`inbox.batch`) says why it can't either. What an object embeds follows in transactions of its own (see
`pull.embedded`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from stripe_mirror.kinds import Embedded, Kind
from stripe_mirror.pull import clock, embedded, ordering, rows
from stripe_mirror.pull.changes import Origin
from stripe_mirror.pull.drafts import Draft
from stripe_mirror.pull.ordering import Bounds, Decision, EventState
from stripe_mirror.pull.pages import PageResult, apply_page
from stripe_mirror.pull.rows import Applied, Outcome, Raced

__all__ = [
    "Applied",
    "Origin",
    "Outcome",
    "PageResult",
    "apply_deleted",
    "apply_event",
    "apply_page",
    "apply_state",
    "decide_on",
    "embeds_news",
]
# Another transaction may insert the row between our look and our insert; then the second look finds it.
LOOKS = 3


def apply_state(
    kind: Kind,
    obj: dict[str, Any],
    *,
    as_of: datetime,
    read_until: datetime | None,
    origin: Origin,
    sent_at: datetime | None = None,
) -> Applied:
    """Store an object that Stripe answered with, if it is newer than the row; a deleted stub makes a tombstone.

    `sent_at` is a stamp from before the request was sent (`rows.stamp`): a row untouched since holds an older state for
    certain. With it, STALE means that something overtook the answer; without it, a doubtful answer wins.
    """
    if obj.get("deleted") is True:
        return apply_deleted(kind, str(obj["id"]), as_of=as_of, origin=origin, read_until=read_until, sent_at=sent_at)
    until = read_until or as_of
    applied = _again(lambda: _store_read(kind, obj, as_of, until, origin, sent_at))
    if applied.outcome in (Outcome.CREATED, Outcome.CHANGED):
        embedded.store_embedded(kind, str(obj["id"]), origin=origin)
    return applied


def apply_deleted(
    kind: Kind,
    id: str,
    *,
    as_of: datetime,
    origin: Origin,
    last_state: dict[str, Any] | None = None,
    read_until: datetime | None = None,
    sent_at: datetime | None = None,
) -> Applied:
    """Mark an object that Stripe no longer has; its row stays, with the last known state."""
    bounds = Bounds(as_of, read_until or as_of)
    applied = _again(lambda: _store_deletion(kind, id, bounds, origin, last_state, sent_at))
    if kind.owns and applied.outcome in (Outcome.CREATED, Outcome.CHANGED):
        embedded.store_embedded(kind, id, origin=origin)
    return applied


def apply_event(
    kind: Kind, event: EventState, *, origin: Origin, siblings: Callable[[datetime], Sequence[EventState]]
) -> tuple[Decision, Applied]:
    """Decide on an event and act on it, inside the caller's transaction, which also marks the event: both or neither.

    `siblings` finds the settled events of a second, asked only where they matter. After an APPLY the caller commits
    and then stores what the object embeds.
    """
    id = str(event.object["id"])
    for _ in range(LOOKS):
        draft = rows.draft_of(kind, rows.locked(kind, id), id=id)
        decided = decide_on(draft, event, origin=origin, siblings=siblings, now=clock.now())
        try:
            rows.save(draft)
        except Raced:
            continue
        return decided
    raise Raced(f"{kind.object} {id} is being written by too many at once")


def decide_on(
    draft: Draft,
    event: EventState,
    *,
    origin: Origin,
    siblings: Callable[[datetime], Sequence[EventState]],
    now: datetime,
) -> tuple[Decision, Applied]:
    """As `apply_event`, but what follows is only noted in the draft of the object, which the caller saves."""
    held = draft.held
    others = siblings(held.as_of) if held and ordering.wants_siblings(held, event) else ()
    decision = ordering.decide(held, event, siblings=others)
    if decision is Decision.APPLY:
        bounds = ordering.bounds_after(held, event, decision)
        keep = draft.bury if event.deletes else draft.write
        return decision, keep(event.object, bounds=bounds, origin=origin, now=now)
    if decision is not Decision.FETCH:
        draft.tell(event)
    if held is not None and not held.deleted and decision is not Decision.FETCH:
        bounds = ordering.bounds_after(held, event, decision)
        if bounds != Bounds(held.as_of, held.read_until):
            draft.confirm(bounds, now=now if decision is Decision.DUPLICATE else None)
    return decision, Applied(Outcome.UNCHANGED if decision is Decision.DUPLICATE else Outcome.STALE, draft.version)


def embeds_news(kind: Kind, old: dict[str, Any] | None, new: dict[str, Any]) -> bool:
    """Whether what a state embeds has to be stored: not where the state before it embedded just the same, and all."""
    return any(_is_news(embeds, old, new) for embeds in kind.embeds)


def _is_news(embeds: Embedded, old: dict[str, Any] | None, new: dict[str, Any]) -> bool:
    if embedded.is_truncated(new, embeds):
        return True
    if old is None:
        return embedded.is_complete(new, embeds) or bool(embedded.children_in(new, embeds.path))
    before = (embedded.is_complete(old, embeds), embedded.children_in(old, embeds.path))
    return before != (embedded.is_complete(new, embeds), embedded.children_in(new, embeds.path))


def _store_read(
    kind: Kind, obj: dict[str, Any], as_of: datetime, until: datetime, origin: Origin, sent_at: datetime | None
) -> Applied:
    row = rows.locked(kind, str(obj["id"]))
    held = rows.held(row)
    decision = ordering.decide_read(held, obj, as_of=as_of, read_until=until, sent_at=sent_at)
    bounds = ordering.bounds_after_read(held, decision, as_of=as_of, read_until=until)
    if decision is Decision.APPLY:
        return rows.write(kind, row, obj, bounds=bounds, origin=origin)
    assert row is not None and held is not None
    if decision is Decision.DUPLICATE:
        rows.confirm(row, bounds=bounds)
        return Applied(Outcome.UNCHANGED, held.version)
    return Applied(Outcome.STALE, held.version)


def _store_deletion(
    kind: Kind,
    id: str,
    seen: Bounds,
    origin: Origin,
    last_state: dict[str, Any] | None,
    sent_at: datetime | None,
) -> Applied:
    row = rows.locked(kind, id)
    held = rows.held(row)
    if held is not None and held.deleted:
        return Applied(Outcome.UNCHANGED, held.version)
    until = seen.read_until or seen.as_of
    if held is not None and rows.reusable(kind, id):
        # The id may have been given to a new object after this answer.
        gone = ordering.decide_read(held.by_itself, {}, as_of=seen.as_of, read_until=until, sent_at=sent_at)
        if gone is not Decision.APPLY:
            return Applied(Outcome.STALE, held.version)
    as_of = max(held.by_itself.as_of, seen.as_of) if held else seen.as_of
    bounds = Bounds(as_of, max(as_of, until))
    return rows.bury(kind, row, id=id, last_state=last_state, bounds=bounds, origin=origin)


def _again(store: Callable[[], Applied]) -> Applied:
    for _ in range(LOOKS - 1):
        try:
            with transaction.atomic():
                return store()
        except Raced:
            continue
    with transaction.atomic():
        return store()
