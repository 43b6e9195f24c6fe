"""From a stored event to the row: claim, decide, apply and record, at most once each.

What needs no network is done at once, by the process that took the event (see `inbox.applier`). What needs Stripe waits
for the worker, which settles all waiting events of an object with one read.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from stripe_mirror import background
from stripe_mirror.inbox.batch import apply_many
from stripe_mirror.inbox.events import (
    DOUBTFUL,
    EMBEDDED_LEFT,
    FOREIGN,
    OPEN,
    PATIENCE_WITH_PARENTS,
    SETTLED,
    State,
    ask_at,
    being_asked_for,
    kind_or_end,
    origin_of,
    settled_in,
    state_of,
    why_asked,
)
from stripe_mirror.inbox.store import GRACE
from stripe_mirror.kinds import Kind, kind_of
from stripe_mirror.models import InboxEvent
from stripe_mirror.pull import drafts, implied
from stripe_mirror.pull.apply import Applied, Outcome, apply_event
from stripe_mirror.pull.embedded import store_embedded
from stripe_mirror.pull.fetch import Overtaken, Unreachable, fetch_now, missing_parents
from stripe_mirror.pull.ordering import Decision
from stripe_mirror.stripe_api.errors import Refused, StripeFailure

__all__ = ["OPEN", "drain", "origin_of", "process", "settle", "work"]
logger = logging.getLogger(__name__)

TRIES = 10
AS_THEY_CAME = ("created", "received_at", "id")
# How long a worker that reads for waiting events keeps others away from them.
LEASE = timedelta(seconds=120)


def process(event_id: str) -> bool:
    """Decide on one stored event without the network; true where Stripe has to be asked.

    Never raises for what is in the event: it stays stored, with the reason and the next attempt.
    """
    try:
        with transaction.atomic():
            event = _claim(event_id)
            if event is None:
                return _is_asked_for(event_id)
            kind = _kind(event)
            applied = _decide(event, kind) if kind and event.reason != EMBEDDED_LEFT else None
        if kind and event.reason == EMBEDDED_LEFT:
            _store_embedded(event, kind)
        if kind and applied and applied.outcome in (Outcome.CREATED, Outcome.CHANGED):
            _note_missing_parents(kind, event.object_id)
    except Exception as error:
        # Whatever it is, the event is kept and tried again: an error here must not lose it or reach Stripe.
        logger.exception("Event %s could not be processed; it is tried again later.", event_id)
        _postpone([event_id], f"{type(error).__name__} while it was processed; see the log of that time.")
        return False
    return event.state == State.WAITING


def work(event_id: str) -> bool:
    """As `process`, and ask Stripe where needed: for the worker. False where Stripe can't be asked just now."""
    if not process(event_id):
        return True
    object_type, object_id = InboxEvent.objects.values_list("object_type", "object_id").get(pk=event_id)
    return settle(object_type, object_id)


def drain(limit: int = 200) -> int:
    """Work on up to `limit` due events, oldest first; how many were due.

    What needs no network is decided for many at once. Ends early where Stripe can't be asked: the others would only
    wait for the same, and keep the worker from its work.
    """
    due = InboxEvent.objects.filter(state__in=OPEN, next_attempt_at__lte=timezone.now())
    found = dict(due.order_by(*AS_THEY_CAME).values_list("pk", "object_id")[:limit])
    ids = _with_those_in_hand(found) if found else []
    left = set(ids) - apply_many(ids)
    all(work(event_id) for event_id in ids if event_id in left)
    return len(found)


def _with_those_in_hand(due: dict[str, str]) -> list[str]:
    """Also what a web server took a moment ago about the same objects: a listed event that happened later would be
    ahead of it, and the order of a second be in doubt."""
    in_hand = Q(state=State.RECEIVED, object_id__in={object_id for object_id in due.values() if object_id})
    wanted = InboxEvent.objects.filter(Q(pk__in=due) | in_hand)
    return list(wanted.order_by(*AS_THEY_CAME).values_list("pk", flat=True)[: 2 * len(due)])


def settle(object_type: str, object_id: str) -> bool:
    """Read the object once for all events that wait for it. False where Stripe can't be asked just now."""
    kind = kind_of(object_type)
    about = InboxEvent.objects.filter(object_type=object_type, object_id=object_id).exclude(reason=EMBEDDED_LEFT)
    if kind is None or not _lease(about):
        return True
    events = _stored(about)
    if not events:
        return True

    def gather() -> None:
        # What arrived until a second read is sent is in its answer, too.
        nonlocal events
        _lease(about)
        events = _stored(about) or events

    try:
        # Impatient: the inbox has pauses of its own, visible ones, and the worker other things to do.
        # Of an object without an address of its own only the event says where it stands.
        newest = events[-1]
        applied = fetch_now(
            kind,
            object_id,
            origin=origin_of(newest),
            patient=False,
            near=state_of(newest, kind).object,
            before_reading=gather,
        )
    except Unreachable as failure:
        # No later try could do more; a person sees it.
        _postpone(_waiting(events), str(failure), tries=1)
        return True
    except (StripeFailure, Overtaken) as failure:
        asked = isinstance(failure, Refused | Overtaken)
        _postpone(_waiting(events), str(failure), may_give_up=asked)
        return asked
    except Exception as error:
        logger.exception("%s %s could not be read for its events; it is tried again later.", object_type, object_id)
        _postpone(_waiting(events), f"{type(error).__name__} while it was read; see the log of that time.")
        return True
    _settle_all(kind, events, applied)
    if applied and applied.outcome in (Outcome.CREATED, Outcome.CHANGED):
        _note_missing_parents(kind, object_id)
    return True


def _stored(about: QuerySet[InboxEvent]) -> list[InboxEvent]:
    """The open events about an object, also those that nobody has looked at yet: a read from now on shows them all."""
    open_ones = about.filter(state__in=OPEN).order_by("created", "id")
    return [event for event in open_ones if isinstance(kind_or_end(event), Kind)]


def _waiting(events: list[InboxEvent]) -> list[str]:
    """Those that need the read; of the others somebody may still decide without it."""
    return [event.pk for event in events if event.state == State.WAITING]


def _lease(about: QuerySet[InboxEvent]) -> bool:
    """Keep others away from all events that wait for an object, if one of them is due: one read settles them all.

    Locked in one order by everyone.
    """
    now = timezone.now()
    with transaction.atomic():
        waiting = about.filter(state=State.WAITING).select_for_update().order_by("pk")
        due_at = dict(waiting.values_list("pk", "next_attempt_at"))
        if all(at is None or at > now for at in due_at.values()):
            return False
        InboxEvent.objects.filter(pk__in=due_at).update(next_attempt_at=now + LEASE)
    return True


def _claim(event_id: str) -> InboxEvent | None:
    """The event, locked, if it is open and nobody else is at it."""
    free = InboxEvent.objects.select_for_update(skip_locked=True).filter(state__in=OPEN).exclude(being_asked_for())
    return free.filter(pk=event_id).first()


def _is_asked_for(event_id: str) -> bool:
    return InboxEvent.objects.filter(pk=event_id, state=State.WAITING, reason__in=(FOREIGN, DOUBTFUL)).exists()


def _kind(event: InboxEvent) -> Kind | None:
    """The mirrored kind that the event is about; one that is not for us is closed with the reason."""
    found = kind_or_end(event)
    if isinstance(found, Kind):
        return found
    _close(event, *found)
    return None


def _decide(event: InboxEvent, kind: Kind) -> Applied:
    """Decide and act under the lock of the object's row; the event is marked in the same transaction."""
    state = state_of(event, kind)
    decision, applied = apply_event(
        kind, state, origin=origin_of(event), siblings=lambda second: settled_in(second, event, kind)
    )
    if decision is Decision.FETCH:
        _wait(event, why_asked(state), ask_at(event, timezone.now()))
    elif decision is Decision.APPLY and (kind.owns if state.deletes else kind.embeds):
        _wait(event, EMBEDDED_LEFT, timezone.now() + GRACE)
    else:
        _close(event, SETTLED[decision])
    return applied


def _store_embedded(event: InboxEvent, kind: Kind) -> None:
    store_embedded(kind, event.object_id, origin=origin_of(event))
    _close(event, State.APPLIED)


def _note_missing_parents(kind: Kind, id: str) -> None:
    if missing_parents(kind, id):
        background.enqueue("fetch_missing_parents", kind.object, id, delay=PATIENCE_WITH_PARENTS)


def _close(event: InboxEvent, state: State, reason: str = "") -> None:
    event.state, event.reason = state, reason
    event.processed_at, event.next_attempt_at = timezone.now(), None
    event.save(update_fields=["state", "reason", "processed_at", "next_attempt_at"])


def _wait(event: InboxEvent, reason: str, until: datetime) -> None:
    event.state, event.reason, event.next_attempt_at = State.WAITING, reason, until
    event.save(update_fields=["state", "reason", "next_attempt_at"])


def _settle_all(kind: Kind, events: list[InboxEvent], applied: Applied | None) -> None:
    """Close what the read has settled: the newest event named the state that was found, or nothing was new."""
    *older, newest = events
    fresh = applied is not None and applied.outcome in (Outcome.CREATED, Outcome.CHANGED)
    read = "The object was read from Stripe." if applied else "Stripe has no such object any more, and neither have we."
    with transaction.atomic():
        open_ids = {event.pk for event in _open([event.pk for event in events])}
        for event in older:
            if event.pk in open_ids:
                _close(event, State.STALE, read)
        if newest.pk in open_ids:
            _close(newest, State.APPLIED if fresh else State.DUPLICATE if applied else State.STALE, read)
        # The read shows neither when the changes happened nor those that were taken back.
        implied.note_many(noted for event in events for noted in drafts.told_by(kind, state_of(event, kind)))


def _open(event_ids: list[str]) -> QuerySet[InboxEvent]:
    """Those still open, locked in one order by everyone."""
    return InboxEvent.objects.select_for_update().filter(pk__in=event_ids, state__in=OPEN).order_by("pk")


def _postpone(event_ids: list[str], reason: str, *, may_give_up: bool = True, tries: int = TRIES) -> None:
    """Try again later, ever more rarely; at last give up, visibly, unless it is Stripe or our key that fails.

    An outage or a worn-out key may last longer than any number of tries, and no later look finds these events again.
    """
    with transaction.atomic():
        for event in _open(event_ids):
            event.attempts += 1
            pause = timedelta(seconds=min(5 * 4 ** min(event.attempts - 1, 9), 3600))
            event.state = State.FAILED if may_give_up and event.attempts >= tries else State.WAITING
            event.next_attempt_at = None if event.state == State.FAILED else timezone.now() + pause
            # A crash between an object and what it embeds must be remembered, or the event would be decided twice.
            event.reason = event.reason if event.reason == EMBEDDED_LEFT else reason
            event.save(update_fields=["state", "reason", "attempts", "next_attempt_at"])
