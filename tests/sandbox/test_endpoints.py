"""Webhook endpoints and the list of events: what can be asked for, what can be changed, and what is told of it."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Any, get_args

import pytest
import stripe
import urllib3
from stripe.params import _webhook_endpoint_create_params as described

from tests.sandbox.conftest import SECRET, Receiver, connect, subscribe
from tests.sandbox.contract.declared import endpoints
from tests.sandbox.event_types import EVENT_TYPES
from tests.sandbox.resource import Route
from tests.sandbox.testing import API_KEY, RunningSandbox, SandboxError, wait_for

ENDPOINTS = "/v1/webhook_endpoints"
URL = "https://example.com/hooks/"
DAY = 24 * 3600


@pytest.fixture(scope="module")
def shared() -> Iterator[RunningSandbox]:
    """One sandbox for tests that change nothing in it."""
    with RunningSandbox() as sandbox:
        yield sandbox


def make(running: RunningSandbox, *events: str, **params: Any) -> dict[str, Any]:
    return running.post(ENDPOINTS, url=URL, enabled_events=list(events or ("*",)), **params)


def test_event_types_are_those_of_the_stripe_package() -> None:
    annotation = described.WebhookEndpointCreateParams.__annotations__["enabled_events"]
    (words,) = get_args(annotation)
    assert set(get_args(words)) - {"*"} == EVENT_TYPES


def test_endpoint_is_changed_except_for_its_version(running: RunningSandbox) -> None:
    made = make(running, "customer.created", api_version="2026-08-26.dahlia", metadata={"a": "b"})
    path = f"{ENDPOINTS}/{made['id']}"
    changed = running.post(path, url=URL + "new", enabled_events=["*"], description="Ours", metadata={"a": "c"})
    assert (changed["url"], changed["enabled_events"], changed["description"]) == (URL + "new", ["*"], "Ours")
    assert (changed["metadata"], changed["api_version"]) == ({"a": "c"}, "2026-08-26.dahlia")
    for fixed in ("api_version", "connect"):
        with pytest.raises(SandboxError, match="unknown parameter"):
            running.post(path, **{fixed: "true"})


def test_secret_is_shown_by_create_only(running: RunningSandbox) -> None:
    made = make(running)
    assert made["secret"].startswith("whsec_")
    path = f"{ENDPOINTS}/{made['id']}"
    later = [running.get(path), running.post(path, disabled=True), running.get(ENDPOINTS)["data"][0]]
    assert all("secret" not in shown for shown in later)


def test_endpoint_is_disabled_enabled_and_deleted(running: RunningSandbox, client: stripe.StripeClient) -> None:
    made = make(running)["id"]
    assert client.v1.webhook_endpoints.update(made, params={"disabled": True}).status == "disabled"
    assert client.v1.webhook_endpoints.update(made, params={"disabled": False}).status == "enabled"
    assert client.v1.webhook_endpoints.delete(made).deleted
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.webhook_endpoints.retrieve(made)
    assert caught.value.http_status == 404


def test_nothing_is_told_of_endpoints(running: RunningSandbox) -> None:
    made = make(running)["id"]
    running.post(f"{ENDPOINTS}/{made}", disabled=True)
    running.delete(f"{ENDPOINTS}/{made}")
    assert running.sandbox.events == []


@pytest.mark.parametrize("events", [["customer.exploded"], ["customer.*"], ["*", "customer.created"]])
def test_types_that_nobody_sends_are_refused(running: RunningSandbox, events: list[str]) -> None:
    with pytest.raises(SandboxError, match="event"):
        make(running, *events)
    made = make(running)["id"]
    with pytest.raises(SandboxError, match="event"):
        running.post(f"{ENDPOINTS}/{made}", enabled_events=events)
    assert running.get(f"{ENDPOINTS}/{made}")["enabled_events"] == ["*"]


@pytest.mark.parametrize("route", endpoints(), ids=lambda route: f"{route.method} {route.path}")
def test_restricted_key_is_told_which_permission_it_lacks(shared: RunningSandbox, route: Route) -> None:
    word = route.path.split("/")[2]
    resource = {"checkout": "checkout_sessions", "test_helpers": "test_clocks"}.get(word, word)
    right = "read" if route.method == "GET" else "write"
    with pytest.raises(SandboxError) as caught:
        key = f"rk_test_sandbox_no{right}_{resource}"
        shared.call(route.method, route.path, headers={"Authorization": f"Bearer {key}"})
    assert caught.value.status == 403
    assert f"'{resource}_{right}'" in caught.value.error["message"]


def test_restricted_key_reads_what_it_may(running: RunningSandbox) -> None:
    restricted = connect(running.url, "rk_test_sandbox_noread_disputes_nowrite_payouts")
    assert restricted.v1.payouts.list().data == []
    with pytest.raises(stripe.PermissionError, match="payouts_write"):
        restricted.v1.payouts.create(params={"amount": 1, "currency": "usd"})
    with pytest.raises(stripe.PermissionError, match="disputes_read"):
        restricted.v1.disputes.list()


def test_date_is_the_sandboxs_and_each_answer_has_its_own_request_id(running: RunningSandbox) -> None:
    running.advance(40 * DAY)
    running.faults.add(status=429, path="/v1/products", times=1)
    headers = {"Authorization": f"Bearer {API_KEY}"}
    paths = ("/v1/customers", "/v1/products", "/v1/customers/cus_none", "/v1/nothing")
    answers = [urllib3.request("GET", running.url + path, headers=headers) for path in paths]
    assert [answer.status for answer in answers] == [200, 429, 404, 404]
    dates = [parsedate_to_datetime(answer.headers["Date"]).timestamp() for answer in answers]
    assert all(abs(date - running.sandbox.now()) < 60 for date in dates)
    assert len({answer.headers["Request-Id"] for answer in answers}) == len(paths)


def test_events_are_listed_for_thirty_days_and_read_no_longer(running: RunningSandbox) -> None:
    running.post("/v1/customers")
    (event,) = running.get("/v1/events")["data"]
    running.sandbox.clock.advance(30 * DAY + 1)
    assert running.get("/v1/events")["data"] == []
    with pytest.raises(SandboxError) as caught:
        running.get(f"/v1/events/{event['id']}")
    assert caught.value.status == 404


def test_events_take_twenty_types_or_one_and_not_both(running: RunningSandbox) -> None:
    running.post("/v1/customers")
    twenty = ["customer.created", *[f"type.number{n}" for n in range(19)]]
    assert len(running.get("/v1/events", types=twenty)["data"]) == 1
    with pytest.raises(SandboxError, match="exceeded maximum 20"):
        running.get("/v1/events", types=[*twenty, "one.more"])
    with pytest.raises(SandboxError, match="not both"):
        running.get("/v1/events", types=["customer.created"], type="customer.created")


@pytest.mark.parametrize(
    ("bound", "seconds"), [("gt", [2, 1]), ("gte", [2, 1, 0]), ("lt", [-1, -2]), ("lte", [0, -1, -2])]
)
def test_events_are_listed_by_time(running: RunningSandbox, bound: str, seconds: list[int]) -> None:
    middle = running.sandbox.now()
    for second in range(-2, 3):
        running.sandbox.clock.set(middle + second)
        running.post("/v1/customers")
    found = running.get("/v1/events", created={bound: middle})["data"]
    assert [event["created"] - middle for event in found] == seconds


def test_event_is_undelivered_until_every_endpoint_has_it(running: RunningSandbox, receiver: Receiver) -> None:
    other = Receiver()
    running.deliver_to(other.url, SECRET)
    other.statuses = [500] * 50
    running.post("/v1/customers")
    receiver.wait(1)
    wait_for(lambda: len(running.deliveries()) >= 2, 5, "the other endpoint was not tried")
    (missed,) = running.get("/v1/events", delivery_success=False)["data"]
    assert missed["pending_webhooks"] == 1
    assert running.get("/v1/events", delivery_success=True)["data"] == []
    other.close()


def test_announced_invoice_has_no_id_and_is_delivered(running: RunningSandbox, receiver: Receiver) -> None:
    subscription = subscribe(running)["id"]
    running.happens("announce_invoice", subscription=subscription)
    wait_for(lambda: "invoice.upcoming" in receiver.types(), 5, "the announcement did not come")
    (event,) = running.get("/v1/events", type="invoice.upcoming")["data"]
    shown = event["data"]["object"]
    assert (shown["object"], shown["billing_reason"], "id" in shown) == ("invoice", "upcoming", False)
    assert event["request"]["id"] is None
