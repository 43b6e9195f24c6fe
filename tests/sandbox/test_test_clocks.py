"""Test clocks: their customers are hidden from plain lists, and live by the clock's time."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.billing.periods import DAY
from tests.sandbox.conftest import make_price
from tests.sandbox.testing import RunningSandbox, SandboxError, wait_for

CLOCKS = "/v1/test_helpers/test_clocks"
START = 1_900_000_000  # of the clock, years ahead of the sandbox
MONTH = 31 * DAY


def make_clock(running: RunningSandbox, **params: Any) -> str:
    return str(running.post(CLOCKS, frozen_time=START, **params)["id"])


def subscribe(running: RunningSandbox, clock: str | None, **params: Any) -> dict[str, Any]:
    """A subscription of a new customer, on the clock if there is one."""
    on = {"test_clock": clock} if clock else {}
    default = {"default_payment_method": "pm_card_visa"}
    customer = running.post("/v1/customers", payment_method="pm_card_visa", invoice_settings=default, **on)
    items = [{"price": make_price(running)}]
    return running.post("/v1/subscriptions", customer=customer["id"], items=items, **params)


def advance(running: RunningSandbox, clock: str, seconds: int) -> dict[str, Any]:
    """Let the clock's time pass, and wait until it is ready."""
    target = running.get(f"{CLOCKS}/{clock}")["frozen_time"] + seconds
    running.post(f"{CLOCKS}/{clock}/advance", frozen_time=target)
    wait_for(lambda: running.get(f"{CLOCKS}/{clock}")["status"] == "ready", 5, "the clock was not ready")
    return running.get(f"{CLOCKS}/{clock}")


def ids(running: RunningSandbox, path: str, **params: Any) -> list[str]:
    return [row["id"] for row in running.get(path, **params)["data"]]


def test_customers_of_a_clock_are_listed_only_with_it(running: RunningSandbox) -> None:
    clock = make_clock(running)
    hidden = running.post("/v1/customers", test_clock=clock, email="ann@example.com")["id"]
    plain = running.post("/v1/customers", email="ann@example.com")["id"]
    assert ids(running, "/v1/customers") == [plain]
    assert ids(running, "/v1/customers", email="ann@example.com") == [plain]
    assert ids(running, "/v1/customers", test_clock=clock) == [hidden]
    assert running.get(f"/v1/customers/{hidden}", expand=["test_clock"])["test_clock"]["id"] == clock


def test_subscriptions_of_a_clock_are_listed_with_it_or_their_customer(running: RunningSandbox) -> None:
    clock = make_clock(running)
    hidden, plain = subscribe(running, clock), subscribe(running, None)
    assert hidden["test_clock"] == clock
    assert ids(running, "/v1/subscriptions") == [plain["id"]]
    assert ids(running, "/v1/subscriptions", status="all") == [plain["id"]]
    assert ids(running, "/v1/subscriptions", test_clock=clock) == [hidden["id"]]
    assert ids(running, "/v1/subscriptions", customer=hidden["customer"]) == [hidden["id"]]
    invoices = {row["id"]: row["test_clock"] for row in running.get("/v1/invoices")["data"]}
    assert invoices == {hidden["latest_invoice"]: clock, plain["latest_invoice"]: None}


def test_schedules_of_a_clock_are_hidden_too(running: RunningSandbox) -> None:
    hidden = subscribe(running, make_clock(running))
    schedule = running.post("/v1/subscription_schedules", from_subscription=hidden["id"])["id"]
    assert ids(running, "/v1/subscription_schedules") == []
    assert ids(running, "/v1/subscription_schedules", customer=hidden["customer"]) == [schedule]


def test_objects_are_made_at_the_clocks_time_and_events_at_the_worlds(running: RunningSandbox) -> None:
    subscription = subscribe(running, make_clock(running))
    assert subscription["created"] == START
    assert subscription["items"]["data"][0]["current_period_start"] == START
    charge = running.get("/v1/charges", customer=subscription["customer"], expand=["data.balance_transaction"])
    assert charge["data"][0]["created"] == START
    now = running.sandbox.now()
    assert now - charge["data"][0]["balance_transaction"]["created"] < 60
    assert all(now - event["created"] < 60 for event in running.sandbox.events)


def test_advancing_renews_what_belongs_to_the_clock_and_nothing_else(running: RunningSandbox) -> None:
    clock = make_clock(running)
    hidden, plain = subscribe(running, clock), subscribe(running, None)
    assert advance(running, clock, MONTH + 3 * 3600)["frozen_time"] == START + MONTH + 3 * 3600
    invoices = running.get("/v1/invoices", customer=hidden["customer"])["data"]
    assert [row["billing_reason"] for row in invoices] == ["subscription_cycle", "subscription_create"]
    assert START < invoices[0]["created"] <= START + MONTH
    assert invoices[0]["status"] == "paid"
    assert len(running.get("/v1/invoices", customer=plain["customer"])["data"]) == 1
    kinds = [event["type"] for event in reversed(running.sandbox.events) if "test_clock" in event["type"]]
    assert kinds == [f"test_helpers.test_clock.{kind}" for kind in ("created", "advancing", "ready")]


def test_the_worlds_time_does_not_move_the_clock(running: RunningSandbox) -> None:
    clock = make_clock(running)
    hidden = subscribe(running, clock)
    running.advance(20 * DAY)
    assert running.get(f"{CLOCKS}/{clock}")["frozen_time"] == START
    assert len(running.get("/v1/invoices", customer=hidden["customer"])["data"]) == 1


def test_clock_goes_forward_and_no_further_than_two_intervals(running: RunningSandbox) -> None:
    clock = make_clock(running)
    subscribe(running, clock)
    for target in (START, START - 5, START + 3 * MONTH):
        with pytest.raises(SandboxError) as caught:
            running.post(f"{CLOCKS}/{clock}/advance", frozen_time=target)
        assert caught.value.error["param"] == "frozen_time"


def test_clock_has_at_most_three_customers(running: RunningSandbox) -> None:
    clock = make_clock(running)
    for _ in range(3):
        running.post("/v1/customers", test_clock=clock)
    with pytest.raises(SandboxError, match="limit of 3 customers"):
        running.post("/v1/customers", test_clock=clock)
    with pytest.raises(SandboxError, match="No such testclock"):
        running.post("/v1/customers", test_clock="clock_none")


def test_deleting_a_clock_deletes_its_customers(running: RunningSandbox, client: stripe.StripeClient) -> None:
    clock = make_clock(running)
    hidden = subscribe(running, clock)
    assert client.v1.test_helpers.test_clocks.delete(clock).deleted
    assert running.get(f"/v1/customers/{hidden['customer']}")["deleted"]
    assert running.get(f"/v1/subscriptions/{hidden['id']}")["status"] == "canceled"
    deleted = next(event for event in running.sandbox.events if event["type"] == "test_helpers.test_clock.deleted")
    assert deleted["data"]["object"]["frozen_time"] == START
    with pytest.raises(SandboxError) as caught:
        running.get(f"{CLOCKS}/{clock}")
    assert caught.value.status == 404


def test_clock_is_deleted_after_a_month(running: RunningSandbox) -> None:
    clock = make_clock(running)
    customer = running.post("/v1/customers", test_clock=clock)["id"]
    running.advance(30 * DAY)
    assert ids(running, CLOCKS) == []
    assert running.get(f"/v1/customers/{customer}")["deleted"]


def test_what_waits_for_a_clock_survives_a_restart(running: RunningSandbox, tmp_path: Any) -> None:
    clock = make_clock(running)
    hidden = subscribe(running, clock)
    running.sandbox.snapshot(tmp_path / "state.json")
    with RunningSandbox() as again:
        again.sandbox.load(tmp_path / "state.json")
        advance(again, clock, MONTH)
        assert len(again.get("/v1/invoices", customer=hidden["customer"])["data"]) == 2


def test_live_mode_has_no_clocks() -> None:
    with RunningSandbox(livemode=True) as live, pytest.raises(SandboxError) as caught:
        live.call("POST", CLOCKS, headers={"Authorization": "Bearer sk_live_" + "sandbox"}, frozen_time=START)
    assert caught.value.status == 404
