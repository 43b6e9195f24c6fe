"""Calls to Stripe that 1,000 events cost, delivered in order and shuffled; afterwards the mirror must equal Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.bench.databases import databases
from tests.bench.figures import Figure
from tests.bench.processes import WEBHOOK_SECRET, Server, environment, probe
from tests.sandbox.server import Sandbox
from tests.sandbox.testing import RunningSandbox, wait_for

EVENTS, EVENTS_QUICK = 1_000, 150
COMPARED = ("customer", "subscription", "invoice", "payment_intent", "charge")
# Catching up and asking whose key it is are no price of an event.
NOT_FOR_EVENTS = ("/v1/events", "/v1/account")


def calls(*, quick: bool) -> Iterator[Figure]:
    """Per database and order."""
    events = EVENTS_QUICK if quick else EVENTS
    for database, fresh in databases().items():
        for order in ("in order", "shuffled"):
            # One delivery at a time, so that the order is what it says.
            with fresh() as url, RunningSandbox(Sandbox(parallel=1)) as stripe:
                yield from measured(stripe, environment(url, stripe=stripe.url), database, order, events)


def measured(stripe: RunningSandbox, env: dict[str, str], database: str, order: str, wanted: int) -> Iterator[Figure]:
    """Let things happen on the Stripe side, deliver, drain, count, compare."""
    with Server(env) as server:
        stripe.deliver_to(f"http://127.0.0.1:{server.port}/stripe-webhooks/", WEBHOOK_SECRET)
        if order == "shuffled":
            stripe.faults.add(hold=True)
        live_through(stripe, wanted)
        stripe.flush(shuffle=True)
        moving = lambda: stripe.admin("GET", "/state")["moving_deliveries"]  # noqa: E731
        wait_for(lambda: moving() == 0, 300, "deliveries are pending")
        left = probe("settle", env=env)["open"]
    states = probe("states", env=env)
    reads = [one for one in stripe.requests("GET") if not one["path"].startswith(NOT_FOR_EVENTS)]
    events = len(stripe.objects("event"))
    yield Figure("calls", database, order, "calls to Stripe", 1000 * len(reads) / events, "per 1,000 events")
    yield Figure("calls", database, order, "events", events, "")
    # In order every event is news; a shuffle that leaves none behind has shuffled nothing.
    yield Figure("calls", database, order, "applied", states.get("applied", 0), "events")
    yield Figure("calls", database, order, "left open", left, "events")
    yield Figure("calls", database, order, "objects that differ", differing(stripe, env), "")


def live_through(stripe: RunningSandbox, wanted: int) -> None:
    """Customers subscribe, pay, change and leave, with several events of an object in a second."""
    stripe.admin("POST", "/clock", advance=-100_000)
    product = stripe.post("/v1/products", name="Tea")["id"]
    recurring = {"interval": "month"}
    price = stripe.post("/v1/prices", product=product, currency="eur", unit_amount=900, recurring=recurring)["id"]
    number = 0
    while len(stripe.objects("event")) < wanted:
        number += 1
        one_customer(stripe, price, number)
        stripe.advance(1)


def one_customer(stripe: RunningSandbox, price: str, number: int) -> None:
    """A customer's life in a few seconds."""
    customer = stripe.post("/v1/customers", name=f"Customer {number}", email=f"c{number}@example.com")["id"]
    card = stripe.post("/v1/payment_methods/pm_card_visa/attach", customer=customer)["id"]
    chosen: dict[str, Any] = {"default_payment_method": card, "items": [{"price": price}]}
    subscription = stripe.post("/v1/subscriptions", customer=customer, **chosen)["id"]
    stripe.advance(2)
    stripe.post(f"/v1/subscriptions/{subscription}", metadata={"note": "kept"})
    stripe.post(f"/v1/customers/{customer}", name=f"Customer {number} the second")
    # There and back within a second: which of the equal states came last can't be seen from one event.
    for turn in (1, 2, 1) if number % 5 == 0 else (1, 2, 3):
        stripe.post(f"/v1/customers/{customer}", description=f"Turn {turn}", metadata={"turn": str(turn)})
    if number % 2:
        stripe.delete(f"/v1/subscriptions/{subscription}")


def differing(stripe: RunningSandbox, env: dict[str, str]) -> int:
    """Objects whose row isn't what Stripe holds."""
    held = probe("mirrored", *COMPARED, env=env)
    return sum(held.get(row["id"]) != row for kind in COMPARED for row in stripe.objects(kind))
