"""The ordering rules against random histories: any order, repetition, bursts within a second, reads in between.

A model of Stripe changes one object and answers reads; a model of the mirror follows `ordering` exactly as
`pull.apply` and `inbox.processing` do. Whatever happens in between, in the end both must be equal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import event as note
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_mirror.pull import ordering
from stripe_mirror.pull.ordering import Bounds, Decision, EventState, Held

START = 1_800_000_000
START_TIME = datetime.fromtimestamp(START, UTC)


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def state(name: str | None, *, plan: str = "x", created: int = START, kind: str = "customer") -> dict[str, Any]:
    return {"id": "cus_1", "object": kind, "created": created, "name": name, "plan": {"tier": plan}}


def previous(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """As Stripe's: old leaves of what changed."""
    changed: dict[str, Any] = {}
    for key in old:
        if old[key] != new[key]:
            nested = isinstance(old[key], dict) and isinstance(new[key], dict)
            changed[key] = previous(old[key], new[key]) if nested else old[key]
    return changed


@dataclass
class Stripe:
    """One object, its events and its clock."""

    second: int = START
    # None while it is deleted.
    now: dict[str, Any] | None = field(default_factory=lambda: state("A"))
    reusable_id: bool = False
    events: list[EventState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._emit("customer.created", None, "req_0")

    def change(self, new: dict[str, Any], *, copies: int = 1, told: bool = True) -> None:
        """`told`: with previous_attributes, as updates have; other types carry the object alone."""
        old, self.now = self.now, new
        assert old is not None
        request = f"req_{len(self.events)}"
        for _ in range(copies):
            type, replaced = ("customer.updated", previous(old, new)) if told else ("customer.happened", None)
            self._emit(type, replaced, request)

    def delete_or_create(self, new: dict[str, Any]) -> None:
        """The other of the two; a new object may get the id of a deleted one."""
        request = f"req_{len(self.events)}"
        if self.now is not None:
            self._emit("customer.deleted", None, request)
            self.now = None
        elif self.reusable_id:
            self.now = {**new, "created": self.second}
            self._emit("customer.created", None, request)

    def read(self, slack: int) -> tuple[dict[str, Any] | None, datetime, datetime]:
        """The object, and between which seconds it was like that."""
        return self.now, moment(self.second - slack), moment(self.second)

    def _emit(self, type: str, replaced: dict[str, Any] | None, request: str) -> None:
        assert self.now is not None
        self.events.append(
            EventState(
                object=self.now,
                at=moment(self.second),
                type=type,
                previous=replaced,
                request_id=request,
                reusable_id=self.reusable_id,
            )
        )


Sent = tuple[list[int], datetime, tuple[dict[str, Any] | None, datetime, datetime]]


@dataclass
class Mirror:
    """One row and its inbox."""

    stripe: Stripe
    held: Held | None = None
    settled: dict[int, EventState] = field(default_factory=dict)
    waiting: dict[int, EventState] = field(default_factory=dict)
    fetches: int = 0
    our_clock: datetime = START_TIME

    def tick(self) -> datetime:
        self.our_clock += timedelta(microseconds=1)
        return self.our_clock

    def deliver(self, number: int) -> None:
        if number in self.settled or number in self.waiting:
            return
        event = self.stripe.events[number]
        siblings = [e for e in self.settled.values() if self.held and e.at == self.held.as_of]
        wanted = ordering.wants_siblings(self.held, event)
        decision = ordering.decide(self.held, event, siblings=siblings if wanted else ())
        if decision is Decision.FETCH:
            self.waiting[number] = event
            return
        self.settled[number] = event
        bounds = ordering.bounds_after(self.held, event, decision)
        if decision is Decision.APPLY:
            self._hold(event.object, bounds, deleted=event.deletes)
        elif self.held is not None and not self.held.deleted:
            synced = self.tick() if decision is Decision.DUPLICATE else self.held.synced_at
            self.held = replace(self.held, as_of=bounds.as_of, read_until=bounds.read_until, synced_at=synced)

    def send(self, slack: int) -> Sent:
        self.fetches += 1
        return list(self.waiting), self.tick(), self.stripe.read(slack)

    def answer(self, sent: Sent, slack: int) -> None:
        waiting, sent_at, (found, as_of, until) = sent
        if found is None:
            return self._answer_gone(sent, slack)
        decision = ordering.decide_read(self.held, found, as_of=as_of, read_until=until, sent_at=sent_at)
        if decision in (Decision.FETCH, Decision.STALE):
            return self.answer(self.send(slack), slack)
        bounds = ordering.bounds_after_read(self.held, decision, as_of=as_of, read_until=until)
        if decision is Decision.APPLY:
            self._hold(found, bounds)
        else:
            assert self.held is not None
            self.held = replace(self.held, as_of=bounds.as_of, read_until=bounds.read_until, synced_at=self.tick())
        return self._settle(waiting)

    def _answer_gone(self, sent: Sent, slack: int) -> None:
        waiting, sent_at, (_, _, until) = sent
        if self.held is None or self.held.deleted:
            return self._settle(waiting)
        gone = ordering.decide_read(self.held, {}, as_of=self.held.as_of, read_until=until, sent_at=sent_at)
        if self.stripe.reusable_id and gone is not Decision.APPLY:
            return self.answer(self.send(slack), slack)
        self._hold(self.held.state, Bounds(self.held.as_of, max(self.held.as_of, until)), deleted=True)
        return self._settle(waiting)

    def _settle(self, waiting: list[int]) -> None:
        for number in waiting:
            if number in self.waiting:
                self.settled[number] = self.waiting.pop(number)

    def drain(self, slack: int = 1) -> None:
        if self.waiting:
            self.answer(self.send(slack), slack)

    def _hold(self, found: dict[str, Any], bounds: Bounds, *, deleted: bool = False) -> None:
        self.held = Held(
            state=found,
            as_of=bounds.as_of,
            read_until=bounds.read_until,
            version=self.held.version + 1 if self.held else 1,
            synced_at=self.tick(),
            deleted=deleted,
        )

    @property
    def shown(self) -> dict[str, Any] | None:
        """What the mirror takes for the present state: None for a tombstone."""
        return None if self.held is None or self.held.deleted else self.held.state


names = st.sampled_from("ABC")
changes = st.tuples(
    st.sampled_from([0, 0, 0, 1, 3]),
    st.builds(state, names, plan=st.sampled_from("xy")),
    st.integers(1, 2),
    st.booleans(),
)


def happened(history: list[Any], *, copies: bool = True, told: bool = False) -> Stripe:
    stripe = Stripe()
    for gap, new, times, with_previous in history:
        stripe.second += gap
        if new != stripe.now:
            stripe.change(new, copies=times if copies else 1, told=with_previous or told)
    return stripe


@settings(max_examples=400, deadline=None)
@given(history=st.lists(changes, max_size=8), data=st.data())
def test_any_order_with_repetition_ends_with_stripes_state(history: list[Any], data: st.DataObject) -> None:
    stripe = happened(history)
    numbers = list(range(len(stripe.events)))
    order = data.draw(st.permutations(numbers + data.draw(st.lists(st.sampled_from(numbers), max_size=4))))
    mirror = Mirror(stripe)
    stripe.second += data.draw(st.integers(0, 3))
    for number in order:
        mirror.deliver(number)
        if data.draw(st.booleans()):
            mirror.drain(slack=data.draw(st.integers(1, 4)))
    mirror.drain()
    assert mirror.held is not None and mirror.held.state == stripe.now


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_changes_deliveries_and_slow_reads_in_any_mixture_end_with_stripes_state(data: st.DataObject) -> None:
    """S39: what is under way while staff and Stripe go on changing things must not win in the end."""
    stripe = Stripe()
    mirror, late, under_way = Mirror(stripe), [0], []
    for _ in range(data.draw(st.integers(0, 14))):
        match data.draw(st.sampled_from(["change", "change", "deliver", "deliver", "send", "answer", "time"])):
            case "change":
                _, new, times, told = data.draw(changes)
                if new != stripe.now:
                    before = len(stripe.events)
                    stripe.change(new, copies=times, told=told)
                    late += range(before, len(stripe.events))
            case "deliver" if late:
                mirror.deliver(late.pop(data.draw(st.integers(0, len(late) - 1))))
            case "send":
                under_way.append(mirror.send(data.draw(st.integers(1, 3))))
            case "answer" if under_way:
                mirror.answer(under_way.pop(data.draw(st.integers(0, len(under_way) - 1))), 1)
            case "time":
                stripe.second += 1
    for number in data.draw(st.permutations(late)):
        mirror.deliver(number)
    mirror.drain()
    for sent in under_way:
        mirror.answer(sent, 1)
    mirror.drain()
    assert mirror.held is not None and mirror.held.state == stripe.now
    note(f"{min(mirror.fetches, 5)} fetches")


@settings(max_examples=200, deadline=None)
@given(history=st.lists(changes, max_size=12))
def test_delivery_in_order_never_asks_stripe(history: list[Any]) -> None:
    stripe = happened(history, copies=False, told=True)
    mirror = Mirror(stripe)
    for number in range(len(stripe.events)):
        mirror.deliver(number)
        assert mirror.held is not None and mirror.held.state == stripe.events[number].object
    assert not mirror.waiting


@settings(max_examples=400, deadline=None)
@given(reusable_id=st.booleans(), data=st.data())
def test_deletions_and_new_lives_under_an_old_id_end_with_stripes_state(reusable_id: bool, data: st.DataObject) -> None:
    """S24: what is deleted stays deleted, whatever comes late; what was created again is alive."""
    stripe = Stripe(reusable_id=reusable_id)
    mirror, late = Mirror(stripe), [0]
    for _ in range(data.draw(st.integers(0, 12))):
        before = len(stripe.events)
        match data.draw(
            st.sampled_from(["change", "change", "delete or create", "deliver", "deliver", "drain", "time"])
        ):
            case "change" if stripe.now is not None:
                _, new, _, told = data.draw(changes)
                if new["name"] != stripe.now["name"]:
                    stripe.change({**new, "created": stripe.now["created"]}, told=told)
            case "delete or create":
                stripe.delete_or_create(data.draw(changes)[1])
            case "deliver" if late:
                mirror.deliver(late.pop(data.draw(st.integers(0, len(late) - 1))))
            case "drain":
                mirror.drain(slack=data.draw(st.integers(1, 3)))
            case "time":
                stripe.second += 1
        late += range(before, len(stripe.events))
    for number in data.draw(st.permutations(late)):
        mirror.deliver(number)
    mirror.drain()
    assert mirror.shown == stripe.now


@dataclass
class StripeWithCopies(Stripe):
    """The object shows a price whole, which changes without a word."""

    price: str = "p"

    def read(self, slack: int) -> tuple[dict[str, Any] | None, datetime, datetime]:
        return self._shown(self.now), moment(self.second - slack), moment(self.second)

    def _emit(self, type: str, replaced: dict[str, Any] | None, request: str) -> None:
        assert self.now is not None
        own, self.now = self.now, self._shown(self.now)
        # An array stands whole, and is shown as it would be now.
        items = {"items": self._shown({**own, **replaced})["items"]} if replaced and "plan" in replaced else {}
        super()._emit(type, None if replaced is None else {**replaced, **items}, request)
        self.now = own

    def _shown(self, state: dict[str, Any] | None) -> dict[str, Any]:
        assert state is not None
        price = {"id": "price_1", "object": "price", "nickname": self.price}
        return {**state, "items": [{"id": "si_1", "tier": state["plan"]["tier"], "price": price}]}


@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_copies_that_change_without_a_word_end_as_the_last_event_or_read_showed_them(data: st.DataObject) -> None:
    stripe = StripeWithCopies()
    mirror, late, read = Mirror(stripe), [0], None
    for _ in range(data.draw(st.integers(0, 16))):
        match data.draw(st.sampled_from(["change", "change", "price", "deliver", "deliver", "read", "time"])):
            case "change":
                _, new, times, told = data.draw(changes)
                if new != stripe.now:
                    before = len(stripe.events)
                    stripe.change(new, copies=times, told=told)
                    late += range(before, len(stripe.events))
            case "price":
                stripe.price = data.draw(st.sampled_from("pqr"))
            case "deliver" if late:
                mirror.deliver(late.pop(data.draw(st.integers(0, len(late) - 1))))
            case "read" if mirror.waiting:
                mirror.drain()
                read = (len(stripe.events), stripe.price)
            case "time":
                stripe.second += 1
    last = stripe.events[-1].object["items"][0]["price"]["nickname"]
    known = {last, read[1]} if read and read[0] == len(stripe.events) else {last}
    for number in data.draw(st.permutations(late)):
        mirror.deliver(number)
    known |= {stripe.price} if mirror.waiting else set()
    mirror.drain()
    assert mirror.held is not None and stripe.now is not None
    assert {**mirror.held.state, "items": None} == {**stripe.now, "items": None}
    assert mirror.held.state["items"][0]["price"]["nickname"] in known


@settings(max_examples=600, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from("pq")), min_size=2, max_size=6), data=st.data())
def test_copies_in_a_second_that_runs_in_circles_are_not_taken_from_an_older_event(
    steps: list[tuple[str, str]], data: st.DataObject
) -> None:
    """A to B and back and again, with another price meanwhile: which event comes last can't be told."""
    stripe = StripeWithCopies()
    mirror = Mirror(stripe)
    mirror.deliver(0)
    stripe.second += 1
    for name, price in steps:
        stripe.price = price
        if stripe.now != state(name):
            stripe.change(state(name))
    for number in data.draw(st.permutations(range(1, len(stripe.events)))):
        mirror.deliver(number)
    mirror.drain()
    last = stripe.events[-1].object["items"][0]["price"]
    assert mirror.held is not None and mirror.held.state["name"] == stripe.events[-1].object["name"]
    assert mirror.fetches or mirror.held.state["items"][0]["price"] == last


@settings(max_examples=200, deadline=None)
@given(names=st.lists(st.sampled_from("BCDEFG"), unique=True), prices=st.lists(st.sampled_from("pq")))
def test_copies_that_change_in_order_cost_no_read(names: list[str], prices: list[str]) -> None:
    stripe = StripeWithCopies()
    mirror = Mirror(stripe)
    for name, price in zip(names, prices, strict=False):
        stripe.price = price
        if stripe.now != state(name):
            stripe.change(state(name))
    for number in range(len(stripe.events)):
        mirror.deliver(number)
    assert not mirror.waiting
    assert mirror.held is not None and mirror.held.state == stripe.events[-1].object


def told_of(obj: dict[str, Any], type: str, old: dict[str, Any] | None = None) -> EventState:
    before = previous(old, obj) if old else None
    return EventState(object=obj, at=START_TIME, type=type, previous=before)


def test_other_words_for_an_invoices_change_leave_the_next_of_its_second_provable() -> None:
    """`invoice.finalized` comes beside an update; then more changes in the same second: no read."""
    draft = {**state("a", kind="invoice"), "status": "draft"}
    opened = {**draft, "status": "open"}
    later = {**opened, "name": "b"}
    held = Held(state=draft, as_of=START_TIME)
    for event in (
        told_of(opened, "invoice.updated", draft),
        told_of(opened, "invoice.finalized"),
        told_of(later, "invoice.updated", opened),
    ):
        decision = ordering.decide(held, event)
        assert decision is not Decision.FETCH, event.type
        bounds = ordering.bounds_after(held, event, decision)
        held = Held(state=event.object, as_of=bounds.as_of, read_until=bounds.read_until, version=held.version + 1)
    assert (held.state, held.read_until) == (later, None)


def test_charge_that_was_never_told_as_created_begins_with_what_it_came_to() -> None:
    """A refund in the second of the payment: the direct successor, no read."""
    paid = {**state("a", kind="charge"), "status": "succeeded"}
    succeeded = told_of(paid, "charge.succeeded")
    assert ordering.bounds_after(None, succeeded, ordering.decide(None, succeeded)).read_until is None
    held = Held(state=paid, as_of=START_TIME)
    assert ordering.decide(held, told_of({**paid, "name": "refunded"}, "charge.refunded", paid)) is Decision.APPLY
    late = EventState(object=paid, at=moment(START + 1), type="charge.succeeded")
    assert ordering.bounds_after(None, late, ordering.decide(None, late)).read_until == moment(START + 1)


def test_payment_method_that_is_detached_in_the_second_of_its_attachment_costs_no_read() -> None:
    """It may have been made long before, but nothing is told of it until then, and it is attached only once."""
    attached = {**state("a", kind="payment_method"), "customer": "cus_1", "created": START - 5}
    detached = {**attached, "customer": None}
    first = told_of(attached, "payment_method.attached")
    assert ordering.bounds_after(None, first, ordering.decide(None, first)).read_until is None
    held = Held(state=attached, as_of=START_TIME)
    assert ordering.decide(held, told_of(detached, "payment_method.detached", attached)) is Decision.APPLY
    other = Held(state=detached, as_of=START_TIME, read_until=START_TIME)
    assert ordering.decide(other, first) is Decision.FETCH


@pytest.mark.parametrize(
    ("kind", "statuses"),
    [
        ("checkout.session", ("open", "complete")),
        ("credit_note", ("issued", "void")),
        ("invoice_payment", ("open", "paid")),
        ("payout", ("pending", "in_transit", "paid", "failed")),
        ("refund", ("pending", "succeeded", "failed")),
        ("setup_intent", ("processing", "succeeded")),
        ("subscription_schedule", ("not_started", "active", "released")),
    ],
)
def test_statuses_that_nothing_returns_to_order_the_events_of_a_second(kind: str, statuses: tuple[str, ...]) -> None:
    """Also where the event doesn't say what it replaced, and in any order."""
    for number, status in enumerate(statuses):
        held = Held(state={**state("a", kind=kind), "status": status}, as_of=START_TIME, read_until=START_TIME)
        for other, later in enumerate(statuses):
            told = told_of({**state("b", kind=kind), "status": later}, f"{kind}.updated")
            if other != number:
                assert ordering.decide(held, told) is (Decision.APPLY if other > number else Decision.STALE)
