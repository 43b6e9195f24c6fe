"""Which state is the newer one? Pure decisions over what we hold and what an event or an answer says; no database.

Stripe's clock shows whole seconds, order is not promised, and events repeat. A held state lies somewhere between
`as_of` and `read_until`; an empty `read_until` says more: an unbroken chain of events led to it, each the direct
successor of the one before. Only then can an event of the same second be proved to be the next one; whatever can't be
proved is read from Stripe. `tests/pull/test_ordering_properties.py` holds these rules against random histories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from stripe_mirror.pull.states import State, copies, copies_differ, own, run_in_circles, same, undone

# Statuses that an object leaves and never returns to: of two states of one second the higher is the later.
LIFE = {
    "charge": {"pending": 0, "failed": 1, "succeeded": 1},
    "checkout.session": {"open": 0, "complete": 1, "expired": 1},
    "credit_note": {"issued": 0, "void": 1},
    # Only an appeal follows the verdict.
    "dispute": dict.fromkeys(
        ("appeal_needs_response", "appeal_under_review", "lost", "prevented", "warning_closed", "won"), 1
    ),
    "invoice": {"draft": 0, "open": 1, "uncollectible": 2, "paid": 3, "void": 3},
    "invoice_payment": {"open": 0, "canceled": 1, "paid": 1},
    "payment_intent": {"canceled": 1, "succeeded": 1},
    # A bank may give back what was paid already.
    "payout": {"pending": 0, "in_transit": 1, "paid": 2, "canceled": 3, "failed": 3},
    # So with refunds.
    "refund": {"succeeded": 1, "canceled": 2, "failed": 2},
    "setup_intent": {"canceled": 1, "succeeded": 1},
    "subscription": {"canceled": 1, "incomplete_expired": 1},
    "subscription_schedule": {"not_started": 0, "active": 1, "canceled": 2, "completed": 2, "released": 2},
}
# Numbers that never fall.
COUNTERS = {"invoice": "attempt_count"}
# Of these Stripe sends an update with each change but a last one (see LIFE). Another event that says what we hold was
# sent beside one, or announces something.
ALL_TOLD = {"invoice", "subscription", "subscription_schedule"}
# The first state of an object that has no `.created` event; what comes before them in LIFE is told by itself.
FIRST = {"charge.failed", "charge.pending", "charge.succeeded"}
# The first that is told of an object, whenever it was made, and told but once: what is detached is not attached again.
ONCE = {"payment_method.attached"}
# The first state of the last part of a life, told by no update: what else shows that status is later.
ENDS = {"charge.dispute.closed", "charge.dispute.funds_reinstated", "customer.subscription.deleted"}
# What these tell never goes back (money has moved, a verdict is given): showing what we hold, they are no return to it.
NO_RETURN = {"charge.dispute.closed", "charge.dispute.funds_reinstated", "charge.dispute.funds_withdrawn"}

# In a busier second than this, nothing is proved any more.
MANY = 200


class Decision(StrEnum):
    """What to do with a state that reached us."""

    # It is newer than ours.
    APPLY = "apply"
    # It is older than ours.
    STALE = "stale"
    # It is ours.
    DUPLICATE = "duplicate"
    # It can't be told: Stripe has to be asked.
    FETCH = "fetch"


@dataclass(frozen=True, kw_only=True)
class Held:
    """What a row holds, and when that was true."""

    state: State
    as_of: datetime
    read_until: datetime | None = None
    deleted: bool = False
    version: int = 1
    # Our stamp of when the row last learned something from Stripe: it grows with each time, whatever our clocks show.
    synced_at: datetime | None = None
    # What the row itself says, where a listing confirmed its state later (see `confirmed`).
    unconfirmed: Bounds | None = None

    def moved(self, bounds: Bounds, *, synced_at: datetime | None) -> Held:
        """The same state, known to have held between other seconds."""
        return replace(self, as_of=bounds.as_of, read_until=bounds.read_until, synced_at=synced_at, unconfirmed=None)

    def confirmed(self, seen: Bounds | None) -> Held:
        """With the seconds of a listing that found this state unchanged, where it is newer than what the row says.

        Not for tombstones; and a deletion is compared with the row's own seconds: what is deleted isn't listed.
        """
        if seen is None or self.deleted or seen.as_of <= self.latest:
            return self
        own = Bounds(self.as_of, self.read_until)
        return replace(self, as_of=seen.as_of, read_until=seen.read_until or seen.as_of, unconfirmed=own)

    @property
    def by_itself(self) -> Held:
        """Without what a listing confirmed."""
        own = self.unconfirmed
        return replace(self, as_of=own.as_of, read_until=own.read_until, unconfirmed=None) if own else self

    @property
    def latest(self) -> datetime:
        """The last second that the state may stem from."""
        return self.read_until or self.as_of

    @property
    def is_first(self) -> bool:
        """Whether this is the state at creation, from the event of the creation: anything else is later."""
        return self.version == 1 and self.read_until is None and self.state.get("created") == self.as_of.timestamp()


@dataclass(frozen=True, kw_only=True)
class EventState:
    """An event: the state right after a change, and (in updates) what the change replaced."""

    object: State
    at: datetime
    type: str
    previous: State | None = None
    request_id: str = ""
    # Rendered in another major API version than ours.
    foreign: bool = False
    # A deleted id of this form can be given to a new object (coupons, products with ids of the user's choice).
    reusable_id: bool = False

    @property
    def creates(self) -> bool:
        """Whether this is the first state of an object."""
        return self.type.endswith(".created")

    @property
    def begins(self) -> bool:
        """Whether this is the first state of an object whose creation is told by what it came to."""
        return self.type in ONCE or (self.type in FIRST and self.object.get("created") == self.at.timestamp())

    @property
    def deletes(self) -> bool:
        """Whether the object is gone. A "deleted" subscription is only cancelled."""
        return self.type.endswith(".deleted") and self.object.get("object") != "subscription"

    @property
    def before(self) -> State:
        """The state that the change replaced."""
        return undone(self.object, self.previous or {})


@dataclass(frozen=True)
class Bounds:
    """Between which seconds a held state lies (see the module's docstring)."""

    as_of: datetime
    read_until: datetime | None


def decide(held: Held | None, event: EventState, *, siblings: Sequence[EventState] = ()) -> Decision:
    """What to do with an event. `siblings`: the settled events of the held second, where `wants_siblings`."""
    if held is None:
        return Decision.FETCH if event.foreign else Decision.APPLY
    if held.deleted or event.deletes:
        return _decide_life(held.by_itself, event)
    if event.at < held.as_of:
        # A late event from before a chain that ran in circles: the chain may have begun elsewhere than we thought.
        return Decision.FETCH if held.read_until is None and _circles(siblings) else Decision.STALE
    if event.foreign:
        return Decision.FETCH
    if same(event.object, held.state):
        return Decision.DUPLICATE
    if event.at > held.latest:
        return Decision.APPLY
    return _decide_within(held, event, siblings)


def wants_siblings(held: Held | None, event: EventState) -> bool:
    """Whether `decide` needs the other events of the held second, which cost a query."""
    return held is not None and not held.deleted and held.read_until is None and event.at <= held.as_of


def bounds_after(held: Held | None, event: EventState, decision: Decision) -> Bounds:
    """When the state that is held after an APPLY, DUPLICATE or STALE was true."""
    held = held.by_itself if held and event.deletes else held
    if decision is Decision.APPLY:
        return Bounds(_later(held, event), None if _continues(held, event) else _later(held, event))
    if held is None:
        raise ValueError("nothing is held that an event could be compared with")
    if decision is Decision.STALE:
        # Order is disturbed here: nothing more of this second can be proved.
        return Bounds(held.as_of, held.latest)
    if event.at == held.as_of and held.read_until is None and _accompanies(event):
        return Bounds(held.as_of, None)
    if event.at > held.latest or (event.at == held.as_of and held.read_until is None):
        return Bounds(event.at, None if _continues(held, event) else event.at)
    return Bounds(max(held.as_of, event.at), held.latest)


def decide_read(
    held: Held | None, state: State, *, as_of: datetime, read_until: datetime, sent_at: datetime | None = None
) -> Decision:
    """What to do with an answer of the API. With `sent_at` (a stamp of ours) FETCH says: overtaken, read it again."""
    if held is None:
        return Decision.APPLY
    newer = as_of > held.latest or _untouched_since(held, sent_at, read_until)
    if not held.deleted and same(state, held.state):
        return Decision.DUPLICATE
    if newer:
        return Decision.APPLY
    if read_until < held.as_of:
        return Decision.STALE
    if held.deleted:
        return Decision.FETCH
    if (life := _life(state)) != (held_life := _life(held.state)):
        return Decision.APPLY if life > held_life else Decision.STALE
    return Decision.FETCH if sent_at else Decision.APPLY


def bounds_after_read(held: Held | None, decision: Decision, *, as_of: datetime, read_until: datetime) -> Bounds:
    """As `bounds_after`, for answers of the API."""
    if held is None:
        return Bounds(as_of, read_until)
    return Bounds(
        max(held.as_of, as_of), max(held.latest, read_until) if decision is Decision.DUPLICATE else read_until
    )


def after(stamp: datetime | None, now: datetime | None = None) -> datetime:
    """The next `synced_at` of a row: now, or a moment after the last one, if another machine's clock was ahead."""
    least = (stamp or datetime.min.replace(tzinfo=UTC)) + timedelta(microseconds=1)
    return max(least, now) if now else least


def _decide_life(held: Held, event: EventState) -> Decision:
    if event.deletes:
        return _decide_deletion(held, event)
    if event.at < held.as_of:
        return Decision.STALE
    if event.creates and event.at > held.latest and not event.foreign:
        return Decision.APPLY
    # An update after the deletion, or a creation in its second: only Stripe knows whether the id lives again.
    return Decision.FETCH if event.creates or event.at > held.latest else Decision.STALE


def _decide_deletion(held: Held, event: EventState) -> Decision:
    if held.deleted and event.at <= held.latest:
        return Decision.DUPLICATE
    if held.deleted or not event.reusable_id:
        return Decision.APPLY
    if event.at < held.as_of:
        return Decision.STALE
    if event.at > held.latest:
        return Decision.APPLY
    # In the held second: was it the object that we hold, or one before it under the same id?
    return Decision.FETCH if held.state.get("created") == event.at.timestamp() else Decision.APPLY


def _decide_within(held: Held, event: EventState, siblings: Sequence[EventState]) -> Decision:
    """The event's second is the held one, and the states differ."""
    if (life := _life(event.object)) != (held_life := _life(held.state)):
        return Decision.APPLY if life > held_life else Decision.STALE
    if event.creates:
        return Decision.FETCH if event.reusable_id else Decision.STALE
    if held.is_first:
        return Decision.APPLY
    if held.read_until is not None or len(siblings) > MANY or not _follows(held, event):
        return Decision.FETCH
    if _copies_differ_in_circles([*siblings, event]):
        return Decision.FETCH
    if any(_is_copy(sibling, event) for sibling in siblings):
        # Stripe may send two events for one change; without a request they could be two changes, too.
        return Decision.DUPLICATE if event.request_id else Decision.FETCH
    return Decision.APPLY


def _continues(held: Held | None, event: EventState) -> bool:
    """Whether the event is the direct successor of an unbroken chain, or begins one."""
    if held is None or held.deleted:
        return event.creates or event.begins
    if event.type in ENDS and _life(event.object) > _life(held.state):
        return True
    unbroken = held.read_until is None or event.at > held.latest
    # Without `previous_attributes` even an equal state may be a return to it.
    return unbroken and event.previous is not None and _follows(held, event)


def _follows(held: Held, event: EventState) -> bool:
    """Whether the change began with what we hold, be the copies in it as they may."""
    before = event.before
    return same(before, held.state) or (event.previous is not None and same(own(before), own(held.state)))


def _accompanies(event: EventState) -> bool:
    """Whether it tells in other words of a change that has an update of its own."""
    if event.type in NO_RETURN:
        return True
    return event.object.get("object") in ALL_TOLD and event.previous is None and not event.type.endswith(".updated")


def _circles(events: Sequence[EventState]) -> bool:
    """Whether these changes visit one state twice, so that their order can't be told from the changes alone."""
    return len(events) > MANY or run_in_circles([(event.before, event.object) for event in events])


def _copies_differ_in_circles(events: Sequence[EventState]) -> bool:
    """Whether these changes visit one state twice, with a copy in two versions: which of those is the newer one?

    Where they don't, the last state is the same in each order in which they lead from one to the next.
    """
    if next(copies(events[-1].object), None) is None:
        return False
    changes = [(event.before, event.object) for event in events]
    if not copies_differ([state for change in changes for state in change]):
        return False
    return run_in_circles([(own(before), own(after)) for before, after in changes])


def _is_copy(one: EventState, other: EventState) -> bool:
    return (
        (one.type, one.at, one.request_id, one.previous) == (other.type, other.at, other.request_id, other.previous)
    ) and same(one.object, other.object)


def _untouched_since(held: Held, sent_at: datetime | None, read_until: datetime) -> bool:
    """Whether all that we hold was known before the request was sent (unless Stripe's clock contradicts)."""
    return sent_at is not None and held.synced_at is not None and held.synced_at < sent_at and read_until >= held.as_of


def _later(held: Held | None, event: EventState) -> datetime:
    return max(held.as_of, event.at) if held else event.at


def _life(state: State) -> tuple[int, int]:
    """How far an object has come; it never goes back."""
    kind = str(state.get("object"))
    count = state.get(COUNTERS.get(kind, ""), 0)
    return LIFE.get(kind, {}).get(str(state.get("status")), 0), count if isinstance(count, int) else 0
