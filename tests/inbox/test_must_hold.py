"""What well-known mirrors get wrong: seconds, deletions, slow reads, clocks, odd bodies. Each holds here.

The first two of the list stand in `tests/pull/test_ordering_properties.py`, too, against random histories.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from stripe_mirror.inbox import processing
from stripe_mirror.inbox.batch import apply_many
from stripe_mirror.inbox.events import DOUBTFUL
from stripe_mirror.inbox.store import row_for, store, store_listed
from stripe_mirror.kinds import Kind, all_kinds, get_kind
from stripe_mirror.models import (
    Change,
    Coupon,
    Customer,
    Dispute,
    InboxEvent,
    Subscription,
    SubscriptionItem,
    SubscriptionSchedule,
)
from stripe_mirror.pull import rows
from stripe_mirror.pull.apply import Origin, Outcome, apply_state
from tests.conftest import post_event
from tests.inbox.test_processing import T, customer, event, subscription

pytestmark = pytest.mark.django_db(transaction=True)

State = InboxEvent.State
CUSTOMER = get_kind("customer")
API = Origin(Change.Source.API)
WITH_EVENTS = [kind for kind in all_kinds() if kind.events]
MINUTE = timedelta(seconds=60)


def alone(*events: dict[str, Any]) -> list[str]:
    """Each in its own transaction; their states."""
    for payload in events:
        store(row_for(payload, source=InboxEvent.Source.WEBHOOK))
        processing.process(payload["id"])
    return states(*events)


def together(*events: dict[str, Any]) -> list[str]:
    """All in one transaction; their states."""
    for payload in events:
        store(row_for(payload, source=InboxEvent.Source.WEBHOOK))
    apply_many([payload["id"] for payload in events])
    return states(*events)


def states(*events: dict[str, Any]) -> list[str]:
    return [InboxEvent.objects.get(pk=payload["id"]).state for payload in events]


both_ways = pytest.mark.parametrize("keep", [alone, together])


@both_ways
def test_second_of_two_changes_in_one_second_is_not_lost(keep: Any) -> None:
    """S02, in the right order, and without a call to Stripe."""
    first = event(2, "customer.updated", customer(name="one"), at=T + 1, previous={"name": "Ada"})
    second = event(3, "customer.updated", customer(name="two"), at=T + 1, previous={"name": "one"})
    assert keep(event(1, "customer.created", customer()), first, second) == [State.APPLIED] * 3
    assert (Customer.objects.get().name, Change.objects.count()) == ("two", 3)


def test_listed_event_is_not_ahead_of_one_that_a_web_server_has_in_its_hands() -> None:
    """The list shows both; the older one was delivered, too, and is stored but not yet applied."""
    alone(event(1, "customer.created", customer()))
    first = event(2, "customer.updated", customer(name="one"), at=T + 1, previous={"name": "Ada"})
    second = event(3, "customer.updated", customer(name="two"), at=T + 1, previous={"name": "one"})
    store(row_for(first, source=InboxEvent.Source.WEBHOOK))
    store_listed([second, first])
    assert processing.drain() == 1
    assert states(first, second) == [State.APPLIED] * 2
    assert [change.event_id for change in Change.objects.order_by("id")] == ["evt_1", "evt_2", "evt_3"]


@both_ways
def test_deletion_in_the_second_of_an_update_holds(keep: Any) -> None:
    updated = event(2, "customer.updated", customer(name="one"), at=T + 1, previous={"name": "Ada"})
    deleted = event(3, "customer.deleted", customer(name="one"), at=T + 1)
    keep(event(1, "customer.created", customer()), updated, deleted)
    assert Customer.objects.get().deleted_at is not None


@both_ways
@pytest.mark.parametrize("kind", WITH_EVENTS, ids=lambda kind: kind.object)
def test_late_update_after_a_deletion_wakes_nothing_of_any_kind(keep: Any, kind: Kind) -> None:
    """S24"""
    id = f"{kind.prefixes[0] if kind.prefixes else ''}1"
    obj = {"id": id, "object": kind.object, "created": T, "livemode": False}
    happened = kind.events[0].rpartition(".")[0]
    gone = event(2, f"{happened}.deleted", {**obj, "metadata": {"last": "1"}}, at=T + 5)
    late = event(3, f"{happened}.updated", {**obj, "metadata": {"late": "1"}}, at=T + 3, previous={"metadata": {}})
    keep(event(1, f"{happened}.created", obj), gone)
    keep(late)
    row = kind.model._default_manager.get(pk=id)
    # A "deleted" subscription is only cancelled, and its row lives on; but what is late changes neither.
    assert (row.deleted_at is not None) == (kind.object != "subscription")
    assert row.data["metadata"] == {"last": "1"}


def read(name: str, start: int, end: int, *, sent_at: datetime) -> Outcome:
    bounds = {"as_of": moment(start), "read_until": moment(end)}
    return apply_state(CUSTOMER, customer(name=name), **bounds, origin=API, sent_at=sent_at).outcome


def moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, timezone.get_default_timezone())


def test_slow_fetch_that_overlaps_an_event_leaves_no_old_data() -> None:
    alone(event(1, "customer.created", customer()))
    sent_at = rows.stamp(CUSTOMER, "cus_1")
    alone(event(2, "customer.updated", customer(name="new"), at=T + 5, previous={"name": "Ada"}))
    # It was read before the change, in its second, and took its time.
    assert read("Ada", T + 4, T + 5, sent_at=sent_at) is Outcome.STALE
    assert Customer.objects.get().name == "new"


def test_two_fetches_that_end_in_the_wrong_order_leave_no_old_data() -> None:
    alone(event(1, "customer.created", customer()))
    first, second = rows.stamp(CUSTOMER, "cus_1"), rows.stamp(CUSTOMER, "cus_1")
    assert read("new", T + 9, T + 10, sent_at=second) is Outcome.CHANGED
    assert read("old", T + 9, T + 10, sent_at=first) is Outcome.STALE
    assert Customer.objects.get().name == "new"


@pytest.mark.parametrize("skew", [-MINUTE, timedelta(0), MINUTE])
def test_clock_that_is_a_minute_off_changes_nothing(monkeypatch: pytest.MonkeyPatch, skew: timedelta) -> None:
    """Between machines: the one that reads has another clock than the one that took the event."""
    now = timezone.now
    alone(event(1, "customer.created", customer()))
    with monkeypatch.context() as reader:
        reader.setattr(timezone, "now", lambda: now() + skew)
        sent_at = rows.stamp(CUSTOMER, "cus_1")
    alone(event(2, "customer.updated", customer(name="new"), at=T + 5, previous={"name": "Ada"}))
    with monkeypatch.context() as reader:
        reader.setattr(timezone, "now", lambda: now() + skew)
        # Overtaken: it is read again, and that answer wins though it came within the same second.
        assert read("Ada", T + 4, T + 5, sent_at=sent_at) is Outcome.STALE
        again = rows.stamp(CUSTOMER, "cus_1")
        assert read("newer", T + 4, T + 5, sent_at=again) is Outcome.CHANGED
    late = event(3, "customer.updated", customer(name="old"), at=T + 3, previous={"name": "Ada"})
    later = event(4, "customer.updated", customer(name="last"), at=T + 8, previous={"name": "newer"})
    assert alone(late, later) == [State.STALE, State.APPLIED]
    assert Customer.objects.get().name == "last"


def test_stamp_of_a_row_grows_with_each_touch_whatever_the_clocks_show(monkeypatch: pytest.MonkeyPatch) -> None:
    now, stamps = timezone.now, []
    for number, skew in enumerate([MINUTE, -MINUTE, timedelta(0)]):
        with monkeypatch.context() as machine:
            machine.setattr(timezone, "now", lambda skew=skew: now() + skew)
            alone(event(number, "customer.updated", customer(name=str(number)), at=T + number))
        stamps.append(Customer.objects.get().synced_at)
    assert stamps == sorted(set(stamps))


@both_ways
def test_old_event_of_a_subscription_does_not_mark_newer_items_deleted(keep: Any) -> None:
    """S25"""

    def having(*ids: str) -> dict[str, Any]:
        items = [{"id": id, "object": "subscription_item", "created": T, "subscription": "sub_1"} for id in ids]
        listed = {"object": "list", "has_more": False, "data": items}
        return subscription("active", items=listed, description=" ".join(ids))

    events = [
        event(1, "customer.subscription.created", having("si_a")),
        event(3, "customer.subscription.updated", having("si_a", "si_b"), at=T + 9),
        event(2, "customer.subscription.updated", having("si_a"), at=T + 5),
    ]
    for one in events:
        keep(one)
        processing.process(one["id"])
    assert set(SubscriptionItem.objects.filter(deleted_at=None).values_list("pk", flat=True)) == {"si_a", "si_b"}
    assert Subscription.objects.get().data["description"] == "si_a si_b"


def test_odd_bodies_and_a_refused_connection_stop_no_later_event(client: Client) -> None:
    """A NUL in a name, a signed number or list, a database that is away: an answer each, and the next one counts."""

    def refuse(*args: Any) -> None:
        raise OperationalError("connection refused")

    odd = event(1, "customer.created", customer(name="a\0b"))
    answers = [post_event(client, body).status_code for body in (json.dumps(odd).encode(), b"7", b"[1]")]
    with connection.execute_wrapper(refuse):
        answers.append(post_event(client, event(2, "customer.created", customer(id="cus_2"))).status_code)
    answers.append(post_event(client, event(2, "customer.created", customer(id="cus_2"))).status_code)
    assert answers == [200, 400, 400, 503, 200]
    assert dict(Customer.objects.values_list("pk", "name")) == {"cus_1": "a\ufffdb", "cus_2": "Ada"}


@both_ways
def test_unchanged_object_costs_no_write(keep: Any) -> None:
    keep(event(1, "customer.created", customer()))
    read("Ada", T + 50, T + 51, sent_at=rows.stamp(CUSTOMER, "cus_1"))
    before = Customer.objects.values().get()
    assert keep(event(2, "customer.updated", customer(), at=T + 9, previous={"name": "Bo"})) == [State.STALE]
    assert Customer.objects.values().get() == before
    assert Change.objects.count() == 1


@pytest.mark.parametrize("type", ["invoice.upcoming", "invoice.created"])
def test_payload_without_an_id_is_kept_and_not_taken_for_an_object(type: str, client: Client) -> None:
    body = event(1, type, {"object": "invoice", "amount_due": 5})
    assert post_event(client, body).status_code == 200
    assert InboxEvent.objects.get().state == State.IGNORED


def test_events_of_one_transaction_end_as_if_each_had_come_alone() -> None:
    """One that fails, one for another mode, one that needs Stripe: none holds up another."""
    events = [
        event(1, "customer.created", customer()),
        event(2, "customer.created", customer(id="cus_2"), livemode=True),
        event(3, "customer.created", customer(id="cus_3"), api_version="2024-06-20"),
        event(4, "unheard.of", {"id": "x_1", "object": "unheard"}),
        event(5, "customer.updated", customer(name="two"), at=T + 1, previous={"name": "Ada"}),
        event(6, "customer.updated", customer(), at=T + 1, previous={"name": "Bo"}),
    ]
    ends = [State.APPLIED, State.PARKED, State.APPLIED, State.IGNORED, State.APPLIED, State.WAITING]
    found = together(*events)
    assert found[:2] + found[3:] == ends[:2] + ends[3:]
    # A first state is read from Stripe where it was rendered in another version.
    assert found[2] == State.WAITING
    assert Customer.objects.get().name == "two"


@both_ways
def test_objects_of_two_kinds_with_one_id_are_told_apart(keep: Any) -> None:
    """People choose the ids of coupons and products: one is here already, the other is new."""
    alone(event(1, "coupon.created", {"id": "gold", "object": "coupon", "created": T, "name": "Gold"}))
    made = event(2, "product.created", {"id": "gold", "object": "product", "created": T, "name": "Gold"}, at=T + 5)
    renamed = {"id": "gold", "object": "coupon", "created": T, "name": "Old gold"}
    changed = event(3, "coupon.updated", renamed, at=T + 5, previous={"name": "Gold"})
    assert keep(made, changed) == [State.APPLIED, State.APPLIED]
    assert Coupon.objects.get().name == "Old gold"


@both_ways
def test_update_in_the_second_of_a_cancellation_costs_no_call(keep: Any) -> None:
    """A cancelled subscription's metadata can be edited; its cancellation is told by no update."""
    none, a, b = ({"metadata": metadata} for metadata in ({}, {"k": "a"}, {"k": "b"}))
    updated = "customer.subscription.updated"
    keep(
        event(1, "customer.subscription.created", subscription("active", **none)),
        event(2, "customer.subscription.deleted", subscription("canceled", **none), at=T + 5),
        event(3, updated, subscription("canceled", **a), at=T + 5, previous={"metadata": {"k": None}}),
        event(4, updated, subscription("canceled", **b), at=T + 5, previous={"metadata": {"k": "a"}}),
    )
    keep(event(5, updated, subscription("active", **none, description="x"), at=T + 5, previous={}))
    row = Subscription.objects.get()
    assert (row.data["status"], row.data["metadata"]) == ("canceled", {"k": "b"})
    assert not InboxEvent.objects.filter(reason=DOUBTFUL).exists()


@both_ways
def test_changes_around_a_price_that_changes_without_a_word_cost_no_call(keep: Any) -> None:
    """An item shows its price whole: as of the last event about the subscription, and no part of what that one changed.

    Within a second that runs in circles nobody can tell which copy is the newer one: that has to be read.
    """

    def shown(name: str, price: str) -> dict[str, Any]:
        item = {"id": "si_1", "object": "subscription_item", "created": T, "subscription": "sub_1"}
        item |= {"price": {"id": "price_1", "object": "price", "created": T, "nickname": price}}
        items = {"object": "list", "data": [item], "has_more": False}
        return subscription("active", items=items, description=name)

    def updated(number: int, old: str, new: str, price: str) -> dict[str, Any]:
        was = {"description": old}
        return event(number, "customer.subscription.updated", shown(new, price), at=T + 5, previous=was)

    keep(event(1, "customer.subscription.created", shown("a", "low")))
    keep(updated(2, "a", "b", "low"), updated(3, "b", "c", "high"), updated(4, "c", "d", "higher"))
    assert not InboxEvent.objects.filter(reason=DOUBTFUL).exists()
    row = Subscription.objects.get()
    assert (row.data["description"], row.data["items"]["data"][0]["price"]["nickname"]) == ("d", "higher")
    keep(updated(5, "d", "b", "highest"))
    assert InboxEvent.objects.get(pk="evt_5").reason == DOUBTFUL


@both_ways
def test_announcement_in_the_second_of_a_change_costs_no_call(keep: Any) -> None:
    """A schedule that ends within a week is told as expiring at once, and can be edited in that second."""

    def schedule(**metadata: str) -> dict[str, Any]:
        return {"id": "sub_sched_1", "object": "subscription_schedule", "created": T, "metadata": metadata}

    keep(
        event(1, "subscription_schedule.created", schedule()),
        event(2, "subscription_schedule.expiring", schedule()),
        event(3, "subscription_schedule.updated", schedule(k="a"), previous={"metadata": {"k": None}}),
        event(4, "subscription_schedule.updated", schedule(k="b"), previous={"metadata": {"k": "a"}}),
    )
    assert SubscriptionSchedule.objects.get().data["metadata"] == {"k": "b"}
    assert not InboxEvent.objects.filter(reason=DOUBTFUL).exists()


@both_ways
def test_everything_that_befalls_a_dispute_in_one_second_costs_no_call(keep: Any) -> None:
    """Money goes, evidence is kept, the bank decides, money comes back: only the changes of evidence are updates."""

    def dispute(status: str, *moved: str, **metadata: str) -> dict[str, Any]:
        balance = [{"id": id, "object": "balance_transaction", "created": T, "amount": -1} for id in moved]
        told = {"status": status, "balance_transactions": balance, "metadata": metadata}
        return {"id": "du_1", "object": "dispute", "created": T, **told}

    def update(number: int, obj: dict[str, Any], **previous: Any) -> dict[str, Any]:
        return event(number, "charge.dispute.updated", obj, previous={"metadata": previous})

    keep(
        event(1, "charge.dispute.created", dispute("needs_response", "txn_1")),
        event(2, "charge.dispute.funds_withdrawn", dispute("needs_response", "txn_1")),
        update(3, dispute("needs_response", "txn_1", k="a"), k=None),
        update(4, dispute("needs_response", "txn_1", k="b"), k="a"),
        event(5, "charge.dispute.closed", dispute("won", "txn_1", "txn_2", k="b")),
        event(6, "charge.dispute.funds_reinstated", dispute("won", "txn_1", "txn_2", k="b")),
        update(7, dispute("won", "txn_1", "txn_2", k="c"), k="b"),
    )
    assert not InboxEvent.objects.filter(reason=DOUBTFUL).exists()
    # What was told before the verdict and comes late is older than it.
    keep(update(8, dispute("under_review", "txn_1", k="b"), k="a"))
    row = Dispute.objects.get()
    assert (row.status, row.data["metadata"]) == ("won", {"k": "c"})
    assert not InboxEvent.objects.filter(reason=DOUBTFUL).exists()
