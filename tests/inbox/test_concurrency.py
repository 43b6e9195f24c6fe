"""Many senders and workers at once, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from stripe_mirror.inbox import processing
from stripe_mirror.models import Change, Customer, InboxEvent
from tests.conftest import differing, events_of, post_event
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(threads: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work(0)`, `work(1)`, … return when all of them begin at the same moment."""
    barrier = threading.Barrier(threads)

    def one(number: int) -> Any:
        barrier.wait()
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(threads)))


def busy_company(sandbox: RunningSandbox) -> list[dict[str, Any]]:
    """At least 200 events about some 20 related objects, many of them in the same second."""
    product = sandbox.post("/v1/products", name="Thing")
    monthly = {"interval": "month"}
    price = sandbox.post("/v1/prices", product=product["id"], currency="usd", unit_amount=900, recurring=monthly)
    customers = [sandbox.post("/v1/customers", name=f"Customer {n}") for n in range(6)]
    subscriptions = [
        sandbox.post(
            "/v1/subscriptions",
            customer=customer["id"],
            items=[{"price": price["id"]}],
            collection_method="send_invoice",
            days_until_due=30,
        )
        for customer in customers
    ]
    for step in range(14):
        sandbox.advance(step % 2)
        for customer, subscription in zip(customers, subscriptions, strict=True):
            sandbox.post(f"/v1/customers/{customer['id']}", name=f"Name {step % 3}")
            sandbox.post(f"/v1/subscriptions/{subscription['id']}", metadata={"step": step % 4})
        sandbox.post(f"/v1/products/{product['id']}", name=f"Thing {step}")
        sandbox.post(f"/v1/prices/{price['id']}", nickname=f"Price {step % 2}")
    sandbox.delete(f"/v1/subscriptions/{subscriptions[0]['id']}")
    sandbox.delete(f"/v1/customers/{customers[1]['id']}")
    return events_of(sandbox)


def test_one_event_posted_by_twenty_threads_is_one_row_and_twenty_successes(sandbox: RunningSandbox) -> None:
    """S05"""
    sandbox.post("/v1/customers", name="Ada")
    [created] = events_of(sandbox)
    answers = at_once(20, lambda _: post_event(Client(), created).status_code)
    assert answers == [200] * 20
    assert InboxEvent.objects.get().state == InboxEvent.State.APPLIED
    assert Customer.objects.get().version == 1
    assert Change.objects.count() == 1


def test_two_first_events_of_one_object_at_once_leave_the_later_state(sandbox: RunningSandbox) -> None:
    """Neither finds a row to lock: the second insert gives way and decides again."""
    for round in range(5):
        made = sandbox.post("/v1/customers", name="old")
        sandbox.advance(1)
        sandbox.post(f"/v1/customers/{made['id']}", name="new")
        events = events_of(sandbox, made["id"])
        assert at_once(2, lambda n, events=events: post_event(Client(), events[n]).status_code) == [200, 200], round
        assert Customer.objects.get(pk=made["id"]).name == "new"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_shuffled_events_over_eight_threads_end_with_stripes_state(sandbox: RunningSandbox, seed: int) -> None:
    """S06 on PostgreSQL, S07 on SQLite: no deadlock, no "database is locked", nothing but 200 to the sender."""
    events = busy_company(sandbox)
    assert len(events) >= 200
    deliveries = events + random.Random(seed).sample(events, 40)
    random.Random(seed).shuffle(deliveries)
    shares: Sequence[list[dict[str, Any]]] = [deliveries[n::8] for n in range(8)]

    def send(number: int) -> list[int]:
        client = Client()
        return [post_event(client, event).status_code for event in shares[number]]

    assert {status for answers in at_once(8, send) for status in answers} == {200}
    at_once(4, lambda _: [None for _ in iter(processing.drain, 0)])
    unsettled = InboxEvent.objects.filter(state__in=("received", "waiting", "failed"))
    assert list(unsettled.values_list("type", "reason")) == []
    assert not InboxEvent.objects.exclude(attempts=0).exists()
    assert differing(sandbox) == {}
