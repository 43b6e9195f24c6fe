"""From a stored event to the row: claim, decide, apply and record, at most once each.

What needs no network is done at once, in the request that brought the event. What needs Stripe waits for the worker,
which settles all waiting events of an object with one read.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from stripe_mirror import background
from stripe_mirror.conf import conf
from stripe_mirror.inbox.store import GRACE
from stripe_mirror.kinds import Kind, kind_of
from stripe_mirror.models import Change, InboxEvent, Push
from stripe_mirror.pull import rows
from stripe_mirror.pull.apply import Applied, Origin, Outcome, apply_event
from stripe_mirror.pull.embedded import store_embedded
from stripe_mirror.pull.fetch import Overtaken, fetch_now, missing_parents
from stripe_mirror.pull.ordering import MANY, Decision, EventState
from stripe_mirror.stripe_api.client import api_version
from stripe_mirror.stripe_api.errors import Refused, StripeFailure

logger = logging.getLogger(__name__)
State = InboxEvent.State

# States in which something is left to do.
OPEN = (State.RECEIVED, State.WAITING)
SETTLED = {Decision.APPLY: State.APPLIED, Decision.STALE: State.STALE, Decision.DUPLICATE: State.DUPLICATE}
# The object is stored, but not yet what it embeds; kept as the reason so that a crash in between is mended.
EMBEDDED_LEFT = "The object is stored; the objects inside it are not yet."
TRIES = 10
# How long a worker that reads for waiting events keeps others away from them.
LEASE = timedelta(seconds=120)
# A parent usually has an event of its own under way: only what is still missing after this while is fetched.
PATIENCE_WITH_PARENTS = timedelta(seconds=60)


def process(event_id: str) -> bool:
    """Decide on one stored event without the network; true where Stripe has to be asked.

    Never raises for what is in the event: it stays stored, with the reason and the next attempt.
    """
    try:
        with transaction.atomic():
            event = _claim(event_id)
            if event is None:
                return False
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

    Ends early where Stripe can't be asked: the others would only wait for the same, and keep the worker from its work.
    """
    due = InboxEvent.objects.filter(state__in=OPEN, next_attempt_at__lte=timezone.now())
    ids = list(due.order_by("created", "id").values_list("pk", flat=True)[:limit])
    all(work(event_id) for event_id in ids)
    return len(ids)


def settle(object_type: str, object_id: str) -> bool:
    """Read the object once for all events that wait for it. False where Stripe can't be asked just now."""
    kind = kind_of(object_type)
    waiting = InboxEvent.objects.filter(state=State.WAITING, object_type=object_type, object_id=object_id)
    waiting = waiting.exclude(reason=EMBEDDED_LEFT)
    now = timezone.now()
    if kind is None or not waiting.filter(next_attempt_at__lte=now).update(next_attempt_at=now + LEASE):
        return True
    events = list(waiting.order_by("created", "id"))
    if not events:
        return True
    try:
        # Impatient: the inbox has pauses of its own, visible ones, and the worker other things to do.
        applied = fetch_now(kind, object_id, origin=origin_of(events[-1]), patient=False)
    except (StripeFailure, Overtaken) as failure:
        asked = isinstance(failure, Refused | Overtaken)
        _postpone([event.pk for event in events], str(failure), may_give_up=asked)
        return asked
    except Exception as error:
        logger.exception("%s %s could not be read for its events; it is tried again later.", object_type, object_id)
        _postpone(
            [event.pk for event in events], f"{type(error).__name__} while it was read; see the log of that time."
        )
        return True
    _settle_all(events, applied)
    if applied and applied.outcome in (Outcome.CREATED, Outcome.CHANGED):
        _note_missing_parents(kind, object_id)
    return True


def origin_of(event: InboxEvent) -> Origin:
    """Whose change the event tells of: ours, another API client's, or Stripe's own."""
    push_id = _push_id(event)
    source = Change.Source.PUSH if push_id else Change.Source.API if event.request_id else Change.Source.STRIPE
    return Origin(source, push_id, event.pk, event.type, event.request_id)


def _claim(event_id: str) -> InboxEvent | None:
    """The event, locked, if it is open and nobody else is at it."""
    return InboxEvent.objects.select_for_update(skip_locked=True).filter(pk=event_id, state__in=OPEN).first()


def _kind(event: InboxEvent) -> Kind | None:
    """The mirrored kind that the event is about; one that is not for us is closed with the reason."""
    if reason := _foreign(event):
        _close(event, State.PARKED, reason)
        return None
    kind = kind_of(event.object_type)
    if kind is None or not event.object_id:
        _close(event, State.IGNORED, "It carries no object of a mirrored kind with an id.")
        return None
    return kind


def _foreign(event: InboxEvent) -> str:
    if event.livemode != conf.livemode:
        ours, theirs = ("live", "test") if conf.livemode else ("test", "live")
        return f"It belongs to {theirs} mode, and our key to {ours} mode; nothing was changed."
    if event.account and event.account != rows.account_id():
        return f"It belongs to the account {event.account}, which is not mirrored; nothing was changed."
    return ""


def _decide(event: InboxEvent, kind: Kind) -> Applied:
    """Decide and act under the lock of the object's row; the event is marked in the same transaction."""
    state = _event_state(event, kind)
    decision, applied = apply_event(
        kind, state, origin=origin_of(event), siblings=lambda second: _settled_in(second, event, kind)
    )
    if decision is Decision.FETCH:
        _wait(event, _why(state), timezone.now())
    elif decision is Decision.APPLY and kind.embeds and not state.deletes:
        _wait(event, EMBEDDED_LEFT, timezone.now() + GRACE)
    else:
        _close(event, SETTLED[decision])
    return applied


def _why(state: EventState) -> str:
    if state.foreign:
        return "It was rendered in another API version than ours, so the object is read from Stripe."
    return "Whether it is newer than what we hold can't be told from it, so the object is read from Stripe."


def _event_state(event: InboxEvent, kind: Kind) -> EventState:
    contents = event.payload["data"]
    previous = contents.get("previous_attributes")
    return EventState(
        object=contents["object"],
        at=event.created,
        type=event.type,
        previous=previous if isinstance(previous, dict) else None,
        request_id=event.request_id,
        foreign=_major(event.api_version) != _major(api_version()),
        reusable_id=rows.reusable(kind, event.object_id),
    )


def _settled_in(second: datetime, event: InboxEvent, kind: Kind) -> Sequence[EventState]:
    """The events of the object in one second that were settled already."""
    others = InboxEvent.objects.filter(
        object_type=event.object_type, object_id=event.object_id, created=second, state__in=list(SETTLED.values())
    )
    return [_event_state(other, kind) for other in others.exclude(pk=event.pk)[: MANY + 1]]


def _major(version: str) -> str:
    """The name of a major version ("endive"); before there were names, each date was one."""
    return version.partition(".")[2] or version


def _push_id(event: InboxEvent) -> UUID | None:
    wanted = Q(request_id=event.request_id) if event.request_id else Q()
    with suppress(ValueError):
        wanted |= Q(pk=UUID(event.idempotency_key))
    return Push.objects.filter(wanted).values_list("pk", flat=True).first() if wanted else None


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


def _settle_all(events: list[InboxEvent], applied: Applied | None) -> None:
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


def _open(event_ids: list[str]) -> QuerySet[InboxEvent]:
    """Those still open, locked in one order by everyone."""
    return InboxEvent.objects.select_for_update().filter(pk__in=event_ids, state__in=OPEN).order_by("pk")


def _postpone(event_ids: list[str], reason: str, *, may_give_up: bool = True) -> None:
    """Try again later, ever more rarely; at last give up, visibly, unless it is Stripe or our key that fails.

    An outage or a worn-out key may last longer than any number of tries, and no later look finds these events again.
    """
    with transaction.atomic():
        for event in _open(event_ids):
            event.attempts += 1
            pause = timedelta(seconds=min(5 * 4 ** min(event.attempts - 1, 9), 3600))
            event.state = State.FAILED if may_give_up and event.attempts >= TRIES else State.WAITING
            event.next_attempt_at = None if event.state == State.FAILED else timezone.now() + pause
            # A crash between an object and what it embeds must be remembered, or the event would be decided twice.
            event.reason = event.reason if event.reason == EMBEDDED_LEFT else reason
            event.save(update_fields=["state", "reason", "attempts", "next_attempt_at"])
