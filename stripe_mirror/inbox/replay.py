"""What people do about events: retry, dismiss, replay; and what a replay would do, said before it is done.

A replayed event takes the same path as a new one, so it can't make a row older than it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from stripe_mirror import background
from stripe_mirror.inbox.events import EMBEDDED_LEFT, SETTLED, kind_or_end, settled_in, state_of
from stripe_mirror.kinds import Kind, kind_of
from stripe_mirror.models import EventAction, InboxEvent
from stripe_mirror.pull import ordering, rows
from stripe_mirror.pull.doubt import doubt
from stripe_mirror.pull.ordering import Decision, Held

State = InboxEvent.State
Verb = EventAction.Verb

PERMISSIONS = {Verb.RETRY: "retry_event", Verb.DISMISS: "dismiss_event", Verb.REPLAY: "replay_event"}
# What each verb is for. An event that is about to be tried again by itself may be tried at once.
FITTING: dict[Verb, tuple[State, ...]] = {
    Verb.RETRY: (State.RECEIVED, State.WAITING, State.FAILED),
    Verb.DISMISS: (State.FAILED, State.PARKED),
    Verb.REPLAY: tuple(State),
}
DECIDED = tuple(SETTLED.values())
CHUNK = 500
# So many are handed to the worker one by one; more are found by its sweep a few seconds later.
AT_ONCE = 20


class Foreseen(StrEnum):
    """What deciding on an event now would do."""

    APPLY = "apply"
    STALE = "stale"
    DUPLICATE = "duplicate"
    # Stripe would be asked for the object.
    READ = "read"
    IGNORED = "ignored"
    PARKED = "parked"


@dataclass(frozen=True)
class Preview:
    """What a verb would do to some events."""

    total: int
    # Of the newest of them, each with what a replay would do.
    events: list[tuple[InboxEvent, Foreseen]]
    counts: dict[Foreseen, int]


def may(user: User, verb: Verb) -> bool:
    """Whether this person may do that to events."""
    return user.has_perm(f"stripe_mirror.{PERMISSIONS[verb]}")


def fitting(events: QuerySet[InboxEvent], verb: Verb) -> QuerySet[InboxEvent]:
    """Those of the events that the verb is for."""
    return events.filter(state__in=FITTING[verb])


def preview(events: QuerySet[InboxEvent], *, most: int) -> Preview:
    """What a replay would do, each event against what is held now. Writes nothing and asks nobody."""
    newest = list(events.order_by("-created", "-id")[:most])
    foreseen = [(event, foresee(event)) for event in newest]
    counts = dict.fromkeys(Foreseen, 0)
    for _, each in foreseen:
        counts[each] += 1
    return Preview(events.count(), foreseen, {each: n for each, n in counts.items() if n})


def foresee(event: InboxEvent) -> Foreseen:
    """What deciding on this event now would do."""
    kind = kind_or_end(event)
    if not isinstance(kind, Kind):
        return Foreseen.PARKED if kind[0] == State.PARKED else Foreseen.IGNORED
    if event.reason == EMBEDDED_LEFT:
        return Foreseen.APPLY
    held = _held(kind, event)
    state = state_of(event, kind)
    siblings = settled_in(held.as_of, event, kind) if held and ordering.wants_siblings(held, state) else ()
    decision = ordering.decide(held, state, siblings=siblings)
    return Foreseen.READ if decision is Decision.FETCH else Foreseen(decision.value)


def act(verb: Verb, events: Iterable[str], *, user: User, note: str = "") -> int:
    """Retry, dismiss or replay these events; how many it was done to. Raises PermissionDenied."""
    if not may(user, verb):
        raise PermissionDenied("You may not do this to events.")
    ids, done = list(events), 0
    for start in range(0, len(ids), CHUNK):
        done += _act_on(verb, ids[start : start + CHUNK], user=user, note=note)
    if verb is not Verb.DISMISS:
        # Others are due now, too: the sweep finds them.
        for id in ids[:AT_ONCE]:
            background.enqueue("process_event", id)
    return done


def _act_on(verb: Verb, ids: Sequence[str], *, user: User, note: str) -> int:
    if verb is Verb.REPLAY:
        _doubt(ids)
    with transaction.atomic():
        events = fitting(InboxEvent.objects.filter(pk__in=ids), verb).select_for_update().order_by("pk")
        found = list(events.defer("payload"))
        EventAction.objects.bulk_create(_action(verb, event, user, note) for event in found)
        for event in found:
            _dismiss(event) if verb is Verb.DISMISS else _reopen(event)
        InboxEvent.objects.bulk_update(found, ("state", "reason", "attempts", "next_attempt_at"), batch_size=CHUNK)
    return len(found)


def _doubt(ids: Sequence[str]) -> None:
    """One statement an object: whoever locks many rows at once could wait for somebody who waits for us."""
    decided = InboxEvent.objects.filter(pk__in=ids, state__in=DECIDED)
    for object_type, object_id, second in (
        decided.order_by().values_list("object_type", "object_id", "created").distinct()
    ):
        if kind := kind_of(object_type):
            doubt(kind, object_id, second)


def _action(verb: Verb, event: InboxEvent, user: User, note: str) -> EventAction:
    name = (user.get_full_name() or user.get_username())[:255]
    return EventAction(
        event_id=event.pk,
        verb=verb,
        note=note,
        was=event.state,
        user=user,
        user_name=name,
        done_at=timezone.now(),
    )


def _reopen(event: InboxEvent) -> None:
    if event.state != State.WAITING:
        # An open event keeps its reason: it may say what of it is done already.
        event.reason = event.reason if event.reason == EMBEDDED_LEFT else ""
        event.state = State.RECEIVED
    event.attempts, event.next_attempt_at = 0, timezone.now()


def _dismiss(event: InboxEvent) -> None:
    event.state, event.next_attempt_at = State.DISMISSED, None


def _held(kind: Kind, event: InboxEvent) -> Held | None:
    """The row as a replay would find it: see `pull.doubt`."""
    held = rows.held(kind.model._default_manager.only(*rows.OWN_COLUMNS).filter(pk=event.object_id).first())
    if held is not None and event.state in DECIDED and _unbroken_at(held, event.created):
        return replace(held, read_until=held.as_of)
    return held


def _unbroken_at(held: Held, second: datetime) -> bool:
    return held.read_until is None and held.as_of == second
