"""Webhooks: signed, in the endpoint's version, retried, and lost, repeated, held or shuffled on demand."""

from __future__ import annotations

import stripe

from tests.sandbox.conftest import SECRET, Receiver, make_customer
from tests.sandbox.testing import RunningSandbox, SandboxError, wait_for


def test_signed_events_arrive_and_are_counted_as_delivered(running: RunningSandbox, receiver: Receiver) -> None:
    customer = running.post("/v1/customers", name="Zoë")
    receiver.wait(1)  # the receiver checks the signature with the stripe package
    running.drain_deliveries()
    event = receiver.events[0]
    assert (event.type, event.data.object["id"]) == ("customer.created", customer["id"])
    assert event.data.object["name"] == "Zoë"
    assert event.pending_webhooks == 1
    assert running.get(f"/v1/events/{event.id}")["pending_webhooks"] == 0
    assert running.get("/v1/events", delivery_success=False)["data"] == []


def test_payload_is_in_the_version_of_the_endpoint(running: RunningSandbox, receiver: Receiver) -> None:
    dahlia = Receiver()
    running.deliver_to(dahlia.url, SECRET, api_version="2026-08-26.dahlia")
    running.post("/v1/customers")
    receiver.wait(1)
    dahlia.wait(1)
    assert receiver.events[0].api_version == "2026-10-28.endive"
    assert dahlia.events[0].api_version == "2026-08-26.dahlia"
    dahlia.close()


def test_endpoints_get_only_what_they_asked_for(running: RunningSandbox) -> None:
    products = Receiver()
    running.deliver_to(products.url, SECRET, events="product.created")
    running.post("/v1/customers")
    running.post("/v1/products", name="Gold")
    products.wait(1)
    running.drain_deliveries()
    assert products.types() == ["product.created"]
    products.close()


def test_failures_are_retried_and_redirects_are_failures(running: RunningSandbox, receiver: Receiver) -> None:
    receiver.statuses = [500, 302]
    running.post("/v1/customers")
    wait_for(lambda: len(running.deliveries()) == 2, 5, "two attempts had not been made")
    assert [entry["outcome"] for entry in running.deliveries()] == [500, 302]
    assert len(running.get("/v1/events", delivery_success=False)["data"]) == 1
    assert receiver.events == []


def test_second_attempt_delivers_the_same_bytes_with_a_fresh_signature(
    running: RunningSandbox, receiver: Receiver
) -> None:
    receiver.statuses = [503]
    running.post("/v1/customers")
    receiver.wait(1)
    running.drain_deliveries()
    assert [(entry["attempt"], entry["outcome"]) for entry in running.deliveries()] == [(1, 503), (2, 200)]


def test_disabled_endpoints_get_nothing_more(running: RunningSandbox, receiver: Receiver) -> None:
    endpoint = running.get("/v1/webhook_endpoints")["data"][0]["id"]
    receiver.statuses = [500]
    running.post("/v1/customers")
    wait_for(lambda: len(running.deliveries()) == 1, 5, "no attempt was made")
    running.post(f"/v1/webhook_endpoints/{endpoint}", disabled=True)
    running.post("/v1/customers")
    running.drain_deliveries()
    assert receiver.events == []
    assert len(running.deliveries()) == 1


def test_secret_is_shown_once_and_sixteen_endpoints_are_the_most(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    made = client.v1.webhook_endpoints.create(params={"url": "https://example.com/h", "enabled_events": ["*"]})
    assert made.secret is not None
    assert made.secret.startswith("whsec_")
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id)
    assert "secret" not in client.v1.webhook_endpoints.update(made.id, params={"description": "x"})
    for _ in range(15):
        running.post("/v1/webhook_endpoints", url="https://example.com/h", enabled_events=["*"])
    try:
        running.post("/v1/webhook_endpoints", url="https://example.com/h", enabled_events=["*"])
    except SandboxError as error:
        assert "maximum of 16" in error.error["message"]
    else:
        raise AssertionError("a seventeenth endpoint was taken")


def test_lost_events_stay_undelivered_until_they_are_sent_again(running: RunningSandbox, receiver: Receiver) -> None:
    running.faults.add(lose=True, event="customer.*", times=1)
    running.post("/v1/customers")
    running.post("/v1/customers")
    receiver.wait(1)
    running.drain_deliveries()
    (missed,) = running.get("/v1/events", delivery_success=False)["data"]
    assert running.redeliver(missed["id"]) == 1
    receiver.wait(2)
    running.drain_deliveries()
    assert receiver.events[1].id == missed["id"]
    assert running.get("/v1/events", delivery_success=False)["data"] == []


def test_repeated_events_come_several_times(running: RunningSandbox, receiver: Receiver) -> None:
    running.faults.add(repeat=2)
    running.post("/v1/customers")
    receiver.wait(3)
    assert len({event.id for event in receiver.events}) == 1


def test_delayed_events_come_after_later_ones(running: RunningSandbox, receiver: Receiver) -> None:
    running.faults.add(delay=0.3, event="customer.created")
    running.post("/v1/customers")
    running.post("/v1/products", name="Gold")
    receiver.wait(2)
    assert receiver.types() == ["product.created", "customer.created"]


def test_held_events_wait_for_the_flush(running: RunningSandbox, receiver: Receiver) -> None:
    running.faults.add(hold=True)
    customer = make_customer(running)
    for number in range(8):
        running.post(f"/v1/customers/{customer['id']}", name=str(number))
    running.drain_deliveries()
    assert receiver.events == []
    running.faults.clear()
    assert running.flush(shuffle=True) == 10
    receiver.wait(10)


def test_reordered_events_all_come_shuffled() -> None:
    taking = Receiver()
    with RunningSandbox(parallel=1) as running:
        running.deliver_to(taking.url, SECRET)
        running.faults.add(reorder=20)
        for number in range(20):
            running.post("/v1/customers", name=str(number))
        taking.wait(20)
    names = [int(event.data.object["name"]) for event in taking.events]
    assert sorted(names) == list(range(20))
    assert names != sorted(names)
    taking.close()


def test_one_thread_delivers_in_order() -> None:
    taking = Receiver()
    with RunningSandbox(parallel=1) as running:
        running.deliver_to(taking.url, SECRET)
        for number in range(30):
            running.post("/v1/customers", name=str(number))
        taking.wait(30)
    assert [event.data.object["name"] for event in taking.events] == [str(number) for number in range(30)]
    taking.close()


def test_quiet_changes_are_recorded_but_not_delivered(running: RunningSandbox, receiver: Receiver) -> None:
    with running.sandbox.quiet():
        running.sandbox.request("POST", "/v1/customers", {"name": "Ann"})
    running.drain_deliveries()
    assert receiver.events == []
    assert [event["type"] for event in running.get("/v1/events")["data"]] == ["customer.created"]
