"""Events: one per change, with what was before, whose request it was, and for thirty days."""

from __future__ import annotations

from typing import Any

import stripe

from tests.sandbox.conftest import make_customer, make_price, subscribe
from tests.sandbox.events import previous_attributes
from tests.sandbox.expand import render
from tests.sandbox.seed import seed
from tests.sandbox.server import Sandbox
from tests.sandbox.testing import RunningSandbox

DAY = 86400


def last(running: RunningSandbox, event_type: str) -> dict[str, Any]:
    found: dict[str, Any] = running.get("/v1/events", type=event_type)["data"][0]
    return found


def test_previous_attributes_hold_old_leaves_whole_arrays_and_null_for_new_keys() -> None:
    before = {"a": 1, "address": {"city": "Ulm", "line1": "x"}, "tags": [1, 2], "metadata": {"k": "1"}, "phone": None}
    after = {
        "a": 1,
        "address": {"city": "Bonn", "line1": "x"},
        "tags": [2],
        "metadata": {"k": "1", "n": "2"},
        "phone": {"x": 1},
    }
    assert previous_attributes(before, after) == {
        "address": {"city": "Ulm"},
        "tags": [1, 2],
        "metadata": {"n": None},
        "phone": None,
    }


def test_update_tells_what_was_and_who_did_it(running: RunningSandbox, client: stripe.StripeClient) -> None:
    customer = make_customer(running, name="Ann", metadata={"a": "1"})
    params: Any = {"name": "Bob", "metadata": {"b": "2"}}
    answer = client.v1.customers.update(customer["id"], params=params, options={"idempotency_key": "k1"})
    event = last(running, "customer.updated")
    assert event["data"]["previous_attributes"] == {"name": "Ann", "metadata": {"b": None}}
    assert event["data"]["object"]["name"] == "Bob"
    assert event["request"] == {"id": answer.last_response.request_id, "idempotency_key": "k1"}


def test_update_without_change_tells_nothing(running: RunningSandbox) -> None:
    customer = make_customer(running, name="Ann")
    count = len(running.sandbox.events)
    running.post(f"/v1/customers/{customer['id']}", name="Ann", metadata={"x": ""})
    assert len(running.sandbox.events) == count


def test_deleted_events_carry_the_full_last_object(running: RunningSandbox) -> None:
    customer = make_customer(running, name="Ann")
    product = running.post("/v1/products", name="Gold")
    running.post("/v1/coupons", id="TEN", percent_off=10)
    for path in (f"customers/{customer['id']}", f"products/{product['id']}", "coupons/TEN"):
        running.delete(f"/v1/{path}")
    shown = last(running, "customer.deleted")["data"]["object"]
    assert (shown["name"], "deleted" in shown) == ("Ann", False)
    assert last(running, "product.deleted")["data"]["object"]["active"] is False
    assert last(running, "coupon.deleted")["data"]["object"]["valid"] is False


def test_deleting_a_customer_cancels_its_subscriptions(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    running.delete(f"/v1/customers/{subscription['customer']}")
    types = [event["type"] for event in running.sandbox.events[:3]]
    assert types == ["customer.deleted", "payment_method.detached", "customer.subscription.deleted"]
    assert running.get(f"/v1/subscriptions/{subscription['id']}")["status"] == "canceled"


def test_what_happens_by_itself_names_no_request_and_has_its_own_second(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    period_end = subscription["items"]["data"][0]["current_period_end"]
    running.advance(40 * DAY)
    event = last(running, "customer.subscription.updated")
    assert event["request"] == {"id": None, "idempotency_key": None}
    assert event["created"] == period_end
    assert "items" in event["data"]["previous_attributes"]
    assert last(running, "invoice.finalized")["created"] == period_end + 3600


def test_events_are_kept_for_thirty_days(running: RunningSandbox) -> None:
    customer = make_customer(running)
    running.advance(29 * DAY)
    running.post(f"/v1/customers/{customer['id']}", name="Late")
    running.advance(2 * DAY)
    assert [event["type"] for event in running.get("/v1/events")["data"]] == ["customer.updated"]


def test_events_filter_by_type_wildcard_types_and_time(running: RunningSandbox) -> None:
    running.sandbox.clock.set(1_700_000_000)
    make_price(running)
    running.sandbox.clock.advance(10)
    make_customer(running)

    def types(**params: Any) -> list[str]:
        return [event["type"] for event in running.get("/v1/events", **params)["data"]]

    assert types(type="product.created") == ["product.created"]
    assert types(type="customer.*") == ["customer.created"]
    assert types(types=["price.created", "product.created"]) == ["product.created", "price.created"]
    assert types(created={"gt": 1_700_000_000}) == ["customer.created", "payment_method.attached"]
    assert types(delivery_success=False) == []


def test_event_lists_the_first_page_of_nested_lists(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    event = last(running, "customer.subscription.created")
    assert event["data"]["object"]["items"]["data"][0]["id"] == subscription["items"]["data"][0]["id"]
    assert event["data"]["object"]["status"] == "incomplete"
    assert last(running, "customer.subscription.updated")["data"]["previous_attributes"] == {"status": "incomplete"}


def undone(shown: dict[str, Any], previous: dict[str, Any]) -> dict[str, Any]:
    """The object as it was before an event."""
    before = dict(shown)
    for key, old in previous.items():
        nested = isinstance(old, dict) and isinstance(shown.get(key), dict)
        before[key] = undone(shown[key], old) if nested else old
    return before


def known(shown: dict[str, Any]) -> dict[str, Any]:
    """Without what is null: an attribute that is new was null before, says Stripe, or not there."""
    return {
        key: known(value) if isinstance(value, dict) else value for key, value in shown.items() if value is not None
    }


def test_undoing_each_event_gives_the_state_that_the_one_before_it_showed() -> None:
    sandbox = Sandbox()
    seed(sandbox, customers=30)
    held: dict[str, dict[str, Any]] = {}
    proved = 0
    for event in reversed(sandbox.events):
        shown, previous = event["data"]["object"], event["data"].get("previous_attributes")
        if previous is not None and shown["id"] in held:
            assert known(undone(shown, previous)) == known(held[shown["id"]]), event["type"]
            proved += 1
        held[shown["id"]] = shown
    assert proved > 50
    for shown in held.values():
        row = sandbox.table(shown["object"]).rows.get(shown["id"])
        if row is not None and shown["object"] != "invoiceitem":  # has no event for its update, as at Stripe
            assert render(sandbox, row) == shown


def test_renaming_a_lookup_key_tells_the_loser_first(running: RunningSandbox) -> None:
    product = running.post("/v1/products", name="Gold")["id"]
    common: dict[str, Any] = {"currency": "usd", "unit_amount": 100, "product": product, "lookup_key": "gold"}
    old = running.post("/v1/prices", **common)
    new = running.post("/v1/prices", **common, transfer_lookup_key=True)
    told = [(event["type"], event["data"]["object"]["id"]) for event in running.sandbox.events[:2]]
    assert told == [("price.created", new["id"]), ("price.updated", old["id"])]
