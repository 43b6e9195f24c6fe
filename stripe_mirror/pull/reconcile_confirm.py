"""The second look: a difference is reported only if it stands, and nothing that would end it is on its way.

What changes just now differs for a moment in every mirror. Such an object is no difference: it is looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from stripe_mirror.kinds import Kind
from stripe_mirror.models import InboxEvent, Push, Refresh
from stripe_mirror.pull import single
from stripe_mirror.pull.compare import Held, Mismatch, equal, held_rows
from stripe_mirror.pull.embedded import children_in
from stripe_mirror.pull.listing import objects_in
from stripe_mirror.pull.reconcile_walk import Listed, Spending
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import NotFound, NotPermitted

State = dict[str, Any]
Key = tuple[str, str]

# So long may an event be on its way, or a change of ours be unanswered, before it is taken for lost.
SETTLE = timedelta(seconds=15)
# Where a page shows more suspects than this, it is read again instead of each of them.
FEW = 5
# An object that changes all the time is left for the next round.
LOOKS = 4
# Pages of Stripe's newest events that are looked through for those on their way.
EVENT_PAGES = 5
OPEN = (InboxEvent.State.RECEIVED, InboxEvent.State.WAITING)


@dataclass
class Verdict:
    """What stands, and what could not be settled because it was changing."""

    standing: list[Mismatch] = field(default_factory=list)
    changing: list[Mismatch] = field(default_factory=list)


def confirm(
    suspects: list[Mismatch], *, spending: Spending, listed: Listed | None = None, kind: Kind | None = None, waits: bool
) -> Verdict:
    """Look at each once more. `listed`: the page of `kind` that showed them. `waits`: until what is on its way is in.

    Raises StripeFailures.
    """
    verdict = Verdict(changing=suspects)
    for _ in range(LOOKS if waits else 1):
        if not verdict.changing:
            break
        if verdict.changing is not suspects:
            time.sleep(SETTLE.total_seconds())
        seen = second_look(verdict.changing, spending, listed=listed, kind=kind)
        moving = on_their_way(verdict.changing, spending)
        verdict = _judge(verdict, seen, moving)
    return verdict


def second_look(
    suspects: list[Mismatch], spending: Spending, *, listed: Listed | None, kind: Kind | None
) -> dict[Key, State | None]:
    """What Stripe says now; what can't be looked for is left out."""
    found: dict[Key, State | None] = {}
    if listed and kind and len([one for one in suspects if one.state is not None]) > FEW:
        found = _page_again(kind, listed, spending)
    for one in suspects:
        if one.key not in found:
            spending.spent += 1
            near = {**(one.held.state or {}), **(one.state or {}), **one.around}
            seen = single.look(one.kind, one.id, near=near, patient=True)
            if seen is not None:
                found[one.key] = alive(seen.state)
    return found


def shown_by(kind: Kind, objects: Iterable[State]) -> dict[str, list[State]]:
    """The objects of a page and what stands inside them, by kind."""
    found: dict[str, list[State]] = {kind.object: [item for item in objects if item.get("deleted") is not True]}
    for embeds in kind.embeds:
        children = [child for item in found[kind.object] for child in children_in(item, embeds.path)]
        found.setdefault(embeds.object, []).extend(children)
    return found


def alive(state: State | None) -> State | None:
    """None also for the stub that Stripe answers for a deleted customer."""
    return None if state is not None and state.get("deleted") is True else state


def on_their_way(suspects: list[Mismatch], spending: Spending) -> set[Key]:
    """Those of the suspects that something recent is about: an event, a push of ours, a list that is to be read."""
    keys = {key for one in suspects for key in _names(one)}
    ids = {id for _, id in keys}
    moving = _by_inbox(ids) | _by_pushes(ids) | _by_stripe(spending)
    refreshed = set(Refresh.objects.filter(attempts=0).values_list("object_type", flat=True))
    return {one.key for one in suspects if one.kind.object in refreshed or moving.intersection(_names(one))}


def _names(one: Mismatch) -> list[Key]:
    """The object, and the one whose payload carries it."""
    parent = one.near.get(one.kind.parent) if one.kind.parent else None
    return [one.key, (one.kind.parent, parent)] if parent else [one.key]


def _page_again(kind: Kind, listed: Listed, spending: Spending) -> dict[Key, State | None]:
    spending.spent += 1
    try:
        answer = read.list_page(listed.source.path, listed.params)
    except NotFound:
        return {}
    objects = [found for item in answer.body["data"] for found in objects_in(item, listed.source.inside)]
    return {(name, item["id"]): item for name, items in shown_by(kind, objects).items() for item in items}


def _by_inbox(ids: set[str]) -> set[Key]:
    recent = InboxEvent.objects.filter(object_id__in=ids, state__in=OPEN, received_at__gt=timezone.now() - SETTLE)
    return set(recent.values_list("object_type", "object_id"))


def _by_pushes(ids: set[str]) -> set[Key]:
    recent = Q(first_sent_at__gt=timezone.now() - SETTLE) | Q(state__in=(Push.State.SENDING, Push.State.UNKNOWN))
    return set(Push.objects.filter(recent, object_id__in=ids).values_list("object_type", "object_id"))


def _by_stripe(spending: Spending) -> set[Key]:
    """The objects of Stripe's newest events (by Stripe's clock) that have not been settled here."""
    events: dict[str, Key] = {}
    try:
        for number, answer in enumerate(read.list_pages("/v1/events"), start=1):
            spending.spent += 1
            items, oldest = answer.body["data"], (answer.as_of - SETTLE).timestamp()
            for event in items:
                obj = event["data"]["object"]
                if event["created"] >= oldest:
                    events[event["id"]] = str(obj.get("object")), str(obj.get("id"))
            if number == EVENT_PAGES or (items and items[-1]["created"] < oldest):
                break
    except NotPermitted:
        # A restricted key: then only what has reached us is known.
        return set()
    settled = InboxEvent.objects.filter(pk__in=events).exclude(state__in=OPEN).values_list("pk", flat=True)
    return {key for id, key in events.items() if id not in set(settled)}


def _judge(before: Verdict, seen: dict[Key, State | None], moving: set[Key]) -> Verdict:
    verdict = Verdict(standing=list(before.standing))
    for one in before.changing:
        if one.key not in seen:
            verdict.changing.append(one)
            continue
        # Read after Stripe was: what came in since then is in it.
        held, state = held_rows(one.kind, [one.id])[one.id], seen[one.key]
        if equal(held, state):
            continue
        now = replace(one, state=state, held=held)
        stands = _unchanged(one.state, state) and _is_same_row(one.held, held) and one.key not in moving
        (verdict.standing if stands else verdict.changing).append(now)
    return verdict


def _unchanged(first: State | None, second: State | None) -> bool:
    return first is second if first is None or second is None else equal(Held(first), second)


def _is_same_row(first: Held, second: Held) -> bool:
    return (first.version, first.deleted) == (second.version, second.deleted)
