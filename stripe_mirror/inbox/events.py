"""What a stored event is about, in the terms of `pull`: its kind, its state, whose change it tells of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind, kind_of
from stripe_mirror.models import Change, InboxEvent, Push
from stripe_mirror.pull import rows
from stripe_mirror.pull.changes import Origin
from stripe_mirror.pull.ordering import MANY, Decision, EventState
from stripe_mirror.stripe_api.client import api_version

State = InboxEvent.State

# States in which something is left to do.
OPEN = (State.RECEIVED, State.WAITING)
SETTLED = {Decision.APPLY: State.APPLIED, Decision.STALE: State.STALE, Decision.DUPLICATE: State.DUPLICATE}
# The object is stored, but not yet what it embeds; kept as the reason so that a crash in between is mended.
EMBEDDED_LEFT = "The object is stored; the objects inside it are not yet."
# Why Stripe is asked, as staff read it; an event that says so is left alone until it is due.
FOREIGN = "It was rendered in another API version than ours, so the object is read from Stripe."
DOUBTFUL = "Whether it is newer than what we hold can't be told from it, so the object is read from Stripe."
# Changes come in bursts, and a read in their second would leave the next of them in doubt again: it waits for the end.
BURST = timedelta(seconds=2)
# A parent usually has an event of its own under way: only what is still missing after this while is fetched.
PATIENCE_WITH_PARENTS = timedelta(seconds=60)


def kind_or_end(event: InboxEvent) -> Kind | tuple[State, str]:
    """The mirrored kind that the event is about, or how one that is not for us ends, and why."""
    if reason := _foreign(event):
        return State.PARKED, reason
    kind = kind_of(event.object_type)
    if kind is None or not event.object_id:
        return State.IGNORED, "It carries no object of a mirrored kind with an id."
    return kind


def state_of(event: InboxEvent, kind: Kind) -> EventState:
    """The event as `pull.ordering` sees it."""
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


def settled_in(second: datetime, event: InboxEvent, kind: Kind) -> Sequence[EventState]:
    """The events of the object in one second that were settled already, be it without what they embed."""
    settled = Q(state__in=list(SETTLED.values())) | Q(state=State.WAITING, reason=EMBEDDED_LEFT)
    others = InboxEvent.objects.filter(
        settled, object_type=event.object_type, object_id=event.object_id, created=second
    )
    return [state_of(other, kind) for other in others.exclude(pk=event.pk)[: MANY + 1]]


def being_asked_for() -> Q:
    """Events whose object is being read, or will be together with the rest of a burst: they are not due yet."""
    return Q(state=State.WAITING, next_attempt_at__gt=timezone.now(), reason__in=(FOREIGN, DOUBTFUL))


def why_asked(state: EventState) -> str:
    """Why Stripe has to be asked, for staff."""
    return FOREIGN if state.foreign else DOUBTFUL


def ask_at(event: InboxEvent, now: datetime) -> datetime:
    """When to ask Stripe: at once where the event waited already, else when a burst is over: once for all of it."""
    return now if event.state == State.WAITING else now + BURST


def origin_of(event: InboxEvent) -> Origin:
    """Whose change the event tells of: ours, another API client's, or Stripe's own."""
    return origins_of([event])[event.pk]


def origins_of(events: Iterable[InboxEvent]) -> dict[str, Origin]:
    """As `origin_of` for many, in one query."""
    events = list(events)
    keys = {event.pk: _uuid(event.idempotency_key) for event in events}
    wanted = Q(request_id__in={event.request_id for event in events if event.request_id})
    wanted |= Q(pk__in={key for key in keys.values() if key})
    pushes = list(Push.objects.filter(wanted).values_list("pk", "request_id"))
    known, by_request = {id for id, _ in pushes}, {request: id for id, request in pushes if request}
    found: dict[str, Origin] = {}
    for event in events:
        push_id = keys[event.pk] if keys[event.pk] in known else by_request.get(event.request_id)
        source = Change.Source.PUSH if push_id else Change.Source.API if event.request_id else Change.Source.STRIPE
        found[event.pk] = Origin(source, push_id, event.pk, event.type, event.request_id)
    return found


def _uuid(text: str) -> UUID | None:
    with suppress(ValueError):
        return UUID(text)
    return None


def _foreign(event: InboxEvent) -> str:
    if event.livemode != conf.livemode:
        ours, theirs = ("live", "test") if conf.livemode else ("test", "live")
        return f"It belongs to {theirs} mode, and our key to {ours} mode; nothing was changed."
    if event.account and event.account != rows.account_id():
        return f"It belongs to the account {event.account}, which is not mirrored; nothing was changed."
    return ""


def _major(version: str) -> str:
    """The name of a major version ("endive"); before there were names, each date was one."""
    return version.partition(".")[2] or version
