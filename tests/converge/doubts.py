"""Where even events in their order leave it open which state is the newer one, so that Stripe must be asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from stripe_mirror.kinds import kind_of
from stripe_mirror.pull import rows
from stripe_mirror.pull.ordering import EventState
from stripe_mirror.pull.states import run_in_circles, same
from tests.conftest import own
from tests.converge.stripe_side import StripeSide

Key = tuple[str, str]
INTENTS = ("payment_intent", "setup_intent")
# What comes first, and what comes last: nothing follows these.
PLAIN = (".created", ".succeeded", ".canceled")


def told(side: StripeSide) -> Iterator[tuple[Key, EventState]]:
    """What Stripe told of each mirrored object, oldest first."""
    for event in reversed(side.sandbox.events):
        obj = event["data"]["object"]
        kind = kind_of(obj["object"])
        if kind is not None and obj.get("id") and kind.events:
            yield (
                (obj["object"], obj["id"]),
                EventState(
                    object=obj,
                    at=datetime.fromtimestamp(event["created"], UTC),
                    type=event["type"],
                    previous=event["data"].get("previous_attributes"),
                    request_id=(event["request"] or {}).get("id") or "",
                    reusable_id=rows.reusable(kind, obj["id"]),
                ),
            )


def doubtful(side: StripeSide) -> set[str]:
    """The ids of the objects of which Stripe had to be asked."""
    seconds: dict[tuple[Key, datetime], list[EventState]] = defaultdict(list)
    found = set()
    for key, event in told(side):
        seconds[key, event.at].append(event)
        found |= {key[1]} if must_ask(seconds[key, event.at]) else set()
    return found


def must_ask(events: Sequence[EventState]) -> bool:
    """Of one second and about one object, with the doubtful one as the last."""
    return _perhaps_made_again(events) or _tried_again(events) or _came_back_otherwise(events)


def _perhaps_made_again(events: Sequence[EventState]) -> bool:
    """What is deleted in the second of a creation may live again under its id: one has to look."""
    created = any(one.object.get("created") == one.at.timestamp() for one in events)
    return created and any(one.reusable_id and one.deletes for one in events)


def _tried_again(events: Sequence[EventState]) -> bool:
    """No event of an intent says what it replaced: of two attempts of one second either may be the later one."""
    tried = [event for event in events if not event.type.endswith(PLAIN)]
    return len(tried) > 1 and tried[0].object["object"] in INTENTS


def _came_back_otherwise(events: Sequence[EventState]) -> bool:
    """A price changes without a word about the subscriptions that show it: where one of them comes back to what it was,
    which of the two prices is the newer one?"""
    changes = [(event.before, event.object) for event in events if event.previous]
    around = run_in_circles([(own(before), own(after)) for before, after in changes])
    states = [state for change in changes for state in change]
    return around and any(same(own(one), own(other)) and not same(one, other) for one in states for other in states)
