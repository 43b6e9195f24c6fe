"""Whatever happens at Stripe within a second: told in its order, no event leaves it open which state is the newer one.

The same happenings as in the histories, without processes: thousands in the time of one. A read that is needed here
would be needed by each receiver that gets everything in order (500 reads are allowed per payment in 30 days).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from stripe_mirror.pull import ordering
from stripe_mirror.pull.ordering import Decision, EventState, Held
from tests.converge.doubts import Key, must_ask, told
from tests.converge.machine import FOUND, changes
from tests.converge.stripe_side import MAKINGS, TEXTS, StripeSide, happening
from tests.sandbox.server import Sandbox

EXAMPLES = int(os.environ.get("IN_ORDER_EXAMPLES") or 150)
BEGINNING = (("product", 0, 0), ("price", 0, 0), ("price", 0, 1), ("coupon", 0, 1), ("customer", 0, 0))


class Unserved(StripeSide):
    """A Stripe side that nobody calls over HTTP, and whose time stands still."""

    def __init__(self) -> None:
        self.sandbox = Sandbox()
        self.sandbox.clock.set(1_800_000_000)

    def do(self, what: str, which: int, n: int, m: int) -> None:
        """One of the changes that histories are made of."""
        if what in MAKINGS:
            MAKINGS[what](self, n, m)
        elif what == "happening":
            happening(self, which, n, m)
        else:
            possible = [r for r in FOUND[what] if self.sandbox.table(r.resource.object).rows]
            if possible:
                route = possible[which % len(possible)]
                path = route.path.replace("{id}", self.pick(route.resource.object, n))
                self.call(route.method, path, **({"metadata": {"k": TEXTS[m % 3]}} if what == "edit" else {}))


@dataclass
class Follower:
    """Holds what the events told, one after the other, as the inbox does."""

    held: dict[Key, Held] = field(default_factory=dict)
    settled: dict[Key, list[EventState]] = field(default_factory=dict)

    def takes(self, event: EventState, key: Key) -> bool:
        """Whether the event's place could be told; it is followed in any case."""
        held, past = self.held.get(key), self.settled.setdefault(key, [])
        siblings = [one for one in past if held and one.at == held.as_of]
        wanted = ordering.wants_siblings(held, event)
        decision = ordering.decide(held, event, siblings=siblings if wanted else ())
        past.append(event)
        if decision is Decision.FETCH:
            self.held[key] = Held(state=event.object, as_of=event.at, read_until=event.at, version=2)
            return False
        bounds = ordering.bounds_after(held, event, decision)
        if decision is Decision.APPLY or held is None:
            version = held.version + 1 if held else 1
            self.held[key] = Held(state=event.object, **vars(bounds), deleted=event.deletes, version=version)
        elif not held.deleted:
            self.held[key] = held.moved(bounds, synced_at=held.synced_at)
        return True


def doubted(side: StripeSide, *, excused: bool = False) -> list[str]:
    """The events after which Stripe would have to be asked, though (or, `excused`, because) nobody could know better:
    each with those before it about the same object."""
    follower, found = Follower(), []
    for key, event in told(side):
        if not follower.takes(event, key) and must_ask(follower.settled[key]) is excused:
            past = [f"{one.type} {sorted(one.previous or {})}" for one in follower.settled[key]]
            found.append(f"{key}: " + " → ".join(past))
    return found


@seed(int(os.environ.get("CONVERGE_SEED") or 0))
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
@given(happened=st.lists(changes, min_size=1, max_size=25))
def test_no_event_that_comes_in_order_costs_a_read(happened: list[tuple[str, int, int, int]]) -> None:
    side = Unserved()
    for what, n, m in BEGINNING:
        side.do(what, 0, n, m)
    for change in happened:
        side.do(*change)
    assert doubted(side) == []


def test_subscription_that_comes_back_to_what_it_was_around_a_changed_price_has_to_be_read() -> None:
    """By nothing can be told which of the two prices that it showed is the newer one."""
    side = Unserved()
    for what, n, m in BEGINNING:
        side.do(what, 0, n, m)
    MAKINGS["customer"](side, 0, 0)
    paths = [f"/v1/{kind}s/{MAKINGS[kind](side, 0, 0)['id']}" for kind in ("price", "subscription")]
    price, subscription = paths
    for path, text in ((subscription, "a"), (price, "a"), (subscription, "b")):
        side.call("POST", path, metadata={"k": text})
    assert doubted(side) + doubted(side, excused=True) == []
    side.call("POST", subscription, metadata={"k": "a"})
    assert doubted(side) == []
    assert len(doubted(side, excused=True)) == 1
