"""Subscription schedules: phases follow each other with the sandbox's time, and every way to end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import make_customer, make_price, subscribe
from tests.sandbox.testing import RunningSandbox, SandboxError

DAY = 86400
PATH = "/v1/subscription_schedules"
MONTH = {"interval": "month"}


def phase(price: str, **params: Any) -> dict[str, Any]:
    return {"items": [{"price": price, "quantity": params.pop("quantity", 1)}], "duration": MONTH, **params}


def plan(running: RunningSandbox, *phases: dict[str, Any], **params: Any) -> dict[str, Any]:
    return running.post(PATH, customer=make_customer(running)["id"], phases=list(phases), **params)


def again(running: RunningSandbox, shown: dict[str, Any], path: str = PATH) -> dict[str, Any]:
    return running.get(f"{path}/{shown['id']}")


def subscription_of(running: RunningSandbox, schedule: dict[str, Any]) -> dict[str, Any]:
    return running.get(f"/v1/subscriptions/{schedule['subscription'] or schedule['released_subscription']}")


def told(running: RunningSandbox, schedule: dict[str, Any]) -> list[str]:
    """What the events about a schedule say, oldest first."""
    about = [event for event in running.sandbox.events[::-1] if event["data"]["object"]["id"] == schedule["id"]]
    return [event["type"].rpartition(".")[2] for event in about]


def test_phases_follow_each_other_at_their_own_prices(running: RunningSandbox) -> None:
    cheap, dear = make_price(running), make_price(running, unit_amount=5000)
    schedule = plan(running, phase(cheap), phase(dear, quantity=2))
    first, second = schedule["phases"]
    assert (schedule["status"], schedule["end_behavior"]) == ("active", "release")
    assert first["end_date"] == second["start_date"]
    assert schedule["current_phase"] == {"start_date": first["start_date"], "end_date": first["end_date"]}
    assert first["items"][0]["price"] == cheap
    assert subscription_of(running, schedule)["schedule"] == schedule["id"]
    running.advance(31 * DAY + 2 * 3600)
    assert again(running, schedule)["current_phase"]["start_date"] == second["start_date"]
    totals = [row["total"] for row in running.get("/v1/invoices", subscription=schedule["subscription"])["data"]]
    assert totals == [10000, 2000]
    (item,) = subscription_of(running, schedule)["items"]["data"]
    assert (item["price"]["id"], item["quantity"]) == (dear, 2)
    moved = running.get("/v1/events", type="subscription_schedule.updated")["data"][0]
    assert moved["data"]["previous_attributes"] == {"current_phase": schedule["current_phase"]}
    assert moved["request"]["id"] is None


def test_schedule_that_is_released_at_its_end_leaves_the_subscription(running: RunningSandbox) -> None:
    schedule = plan(running, phase(make_price(running)))
    running.advance(32 * DAY)
    ended = again(running, schedule)
    assert (ended["status"], ended["subscription"], ended["current_phase"]) == ("released", None, None)
    assert ended["released_subscription"] == schedule["subscription"]
    subscription = subscription_of(running, ended)
    assert (subscription["status"], subscription["schedule"]) == ("active", None)
    assert told(running, schedule) == ["expiring", "released"]  # created is out of the thirty days
    running.advance(31 * DAY)
    assert len(running.get("/v1/invoices", subscription=subscription["id"])["data"]) == 3


def test_schedule_that_cancels_at_its_end_is_completed(running: RunningSandbox) -> None:
    schedule = plan(running, phase(make_price(running)), end_behavior="cancel")
    end = schedule["phases"][0]["end_date"]
    assert subscription_of(running, schedule)["cancel_at"] == end
    running.advance(32 * DAY)
    ended, subscription = again(running, schedule), subscription_of(running, schedule)
    assert (ended["status"], ended["completed_at"], ended["subscription"]) == ("completed", end, subscription["id"])
    assert (subscription["status"], subscription["ended_at"]) == ("canceled", end)
    assert told(running, schedule)[-1] == "completed"
    assert len(running.get("/v1/invoices", subscription=subscription["id"])["data"]) == 1


def test_schedule_of_later_has_no_subscription_until_it_starts(running: RunningSandbox) -> None:
    start = running.sandbox.now() + 10 * DAY
    schedule = plan(running, phase(make_price(running)), start_date=start)
    assert (schedule["status"], schedule["subscription"], schedule["current_phase"]) == ("not_started", None, None)
    assert running.get("/v1/subscriptions")["data"] == []
    running.advance(10 * DAY)
    started = again(running, schedule)
    assert started["status"] == "active"
    assert subscription_of(running, started)["start_date"] == start
    assert told(running, schedule) == ["created", "updated"]


def test_schedule_without_a_card_on_its_first_day_is_aborted(running: RunningSandbox) -> None:
    customer, price = running.post("/v1/customers")["id"], make_price(running)
    start = running.sandbox.now() + DAY
    schedule = running.post(PATH, customer=customer, phases=[phase(price)], start_date=start)
    running.advance(DAY)
    assert again(running, schedule)["status"] == "canceled"
    assert told(running, schedule) == ["created", "aborted"]


def test_subscription_is_taken_over_as_it_is(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    schedule = running.post(PATH, from_subscription=subscription["id"])
    (only,) = schedule["phases"]
    item = subscription["items"]["data"][0]
    assert (only["start_date"], only["end_date"]) == (item["current_period_start"], item["current_period_end"])
    assert (only["items"][0]["price"], schedule["status"]) == (item["price"]["id"], "active")
    event = running.get("/v1/events", type="customer.subscription.updated")["data"][0]
    assert event["data"]["previous_attributes"] == {"schedule": None}
    expanded = running.get(f"/v1/subscriptions/{subscription['id']}", expand=["schedule"])
    assert expanded["schedule"] == schedule
    with pytest.raises(SandboxError, match="already attached"):
        running.post(PATH, from_subscription=subscription["id"])
    with pytest.raises(SandboxError) as caught:
        running.post(PATH, from_subscription=subscribe(running)["id"], end_behavior="cancel")
    assert caught.value.error["param"] == "end_behavior"


def test_current_phase_is_changed_at_once_and_later_ones_when_they_come(running: RunningSandbox) -> None:
    cheap, dear = make_price(running), make_price(running, unit_amount=5000)
    schedule = plan(running, phase(cheap))
    running.advance(5 * DAY)
    end = schedule["phases"][0]["end_date"]
    now = {"items": [{"price": cheap, "quantity": 3}], "end_date": end, "proration_behavior": "none"}
    changed = running.post(f"{PATH}/{schedule['id']}", phases=[now, phase(dear)], proration_behavior="none")
    assert subscription_of(running, changed)["items"]["data"][0]["quantity"] == 3
    assert running.get("/v1/invoiceitems")["data"] == []
    event = running.get("/v1/events", type="subscription_schedule.updated")["data"][0]
    assert event["data"]["previous_attributes"] == {"phases": schedule["phases"]}
    running.advance(27 * DAY)
    assert subscription_of(running, changed)["items"]["data"][0]["price"]["id"] == dear
    past = {**phase(cheap), "start_date": end + 90 * DAY}
    with pytest.raises(SandboxError) as caught:
        running.post(f"{PATH}/{schedule['id']}", phases=[past])
    assert caught.value.error["param"] == "phases"


def test_release_keeps_the_subscription_and_drops_the_planned_end(running: RunningSandbox) -> None:
    schedule = plan(running, phase(make_price(running)), end_behavior="cancel")
    released = running.post(f"{PATH}/{schedule['id']}/release")
    assert (released["status"], released["released_at"]) == ("released", running.sandbox.events[0]["created"])
    subscription = subscription_of(running, released)
    assert (subscription["schedule"], subscription["cancel_at"], subscription["status"]) == (None, None, "active")
    kept = plan(running, phase(make_price(running)), end_behavior="cancel")
    kept = running.post(f"{PATH}/{kept['id']}/release", preserve_cancel_date=True)
    assert subscription_of(running, kept)["cancel_at"] == kept["phases"][0]["end_date"]


def test_cancel_ends_the_subscription_with_a_credit_unless_declined(running: RunningSandbox) -> None:
    one, other = plan(running, phase(make_price(running))), plan(running, phase(make_price(running)))
    running.advance(10 * DAY)
    canceled = running.post(f"{PATH}/{one['id']}/cancel")
    assert (canceled["status"], canceled["canceled_at"] is None) == ("canceled", False)
    assert subscription_of(running, canceled)["status"] == "canceled"
    assert running.get(f"/v1/customers/{one['customer']}")["balance"] < 0
    running.post(f"{PATH}/{other['id']}/cancel", prorate=False, invoice_now=False)
    assert running.get(f"/v1/customers/{other['customer']}")["balance"] == 0
    for verb in ("cancel", "release"):
        with pytest.raises(SandboxError, match="currently in the `canceled` status"):
            running.post(f"{PATH}/{one['id']}/{verb}")


def test_end_of_the_subscription_ends_its_schedule(running: RunningSandbox) -> None:
    schedule, unpaid = plan(running, phase(make_price(running))), plan(running, phase(make_price(running)))
    running.delete(f"/v1/subscriptions/{schedule['subscription']}")
    assert told(running, schedule)[-1] == "canceled"
    running.sandbox.after_dunning = "canceled"
    months = [{**phase(make_price(running)), "duration": {"interval": "year"}}]
    running.post(f"{PATH}/{unpaid['id']}", phases=months)
    failing = "pm_card_chargeCustomerFail"
    method = running.post(f"/v1/payment_methods/{failing}/attach", customer=unpaid["customer"])["id"]
    running.post(f"/v1/customers/{unpaid['customer']}", invoice_settings={"default_payment_method": method})
    running.advance(60 * DAY)
    assert again(running, unpaid)["status"] == "canceled"
    assert "aborted" in [event["type"].rpartition(".")[2] for event in running.sandbox.events]


def test_schedule_whose_first_payment_never_comes_is_aborted(running: RunningSandbox) -> None:
    customer = make_customer(running, card="pm_card_chargeCustomerFail")["id"]
    schedule = running.post(PATH, customer=customer, phases=[phase(make_price(running))])
    assert subscription_of(running, schedule)["status"] == "incomplete"
    running.advance(DAY)
    assert subscription_of(running, schedule)["status"] == "incomplete_expired"
    assert told(running, schedule) == ["created", "aborted"]


def test_deleting_a_customer_cancels_what_has_not_started(running: RunningSandbox) -> None:
    schedule = plan(running, phase(make_price(running)), start_date=running.sandbox.now() + DAY)
    running.delete(f"/v1/customers/{schedule['customer']}")
    assert again(running, schedule)["status"] == "canceled"


def test_schedules_are_listed_by_customer_state_and_the_times_of_their_ends(running: RunningSandbox) -> None:
    price, now = make_price(running), running.sandbox.now()
    later = plan(running, phase(price), start_date=now + DAY)["id"]
    active = plan(running, phase(price))
    gone = plan(running, phase(price))["id"]
    running.post(f"{PATH}/{gone}/release")

    def listed(**filters: Any) -> list[str]:
        return [row["id"] for row in running.get(PATH, **filters)["data"]]

    assert listed() == [gone, active["id"], later]
    assert listed(scheduled=True) == [later]
    assert listed(customer=active["customer"]) == [active["id"]]
    assert listed(released_at={"gte": now}) == [gone]
    assert listed(canceled_at={"gte": now}) == listed(completed_at={"gte": now}) == []


def test_schedule_of_a_test_clock_moves_with_that_clock(running: RunningSandbox) -> None:
    weekly, now = {"interval": "week"}, running.sandbox.now()
    cheap, dear = make_price(running, recurring=weekly), make_price(running, unit_amount=5000, recurring=weekly)
    clock = running.post("/v1/test_helpers/test_clocks", frozen_time=now)["id"]
    customer = make_customer(running, test_clock=clock)["id"]
    schedule = running.post(PATH, customer=customer, phases=[phase(cheap, duration=weekly), phase(dear)])
    running.advance(10 * DAY)
    assert again(running, schedule)["current_phase"] == schedule["current_phase"]
    assert running.get(PATH)["data"] == []
    assert [row["id"] for row in running.get(PATH, customer=customer)["data"]] == [schedule["id"]]
    running.post(f"/v1/test_helpers/test_clocks/{clock}/advance", frozen_time=now + 8 * DAY)
    running.sandbox.tick()
    assert again(running, schedule)["current_phase"]["start_date"] == schedule["phases"][1]["start_date"]
    totals = [row["total"] for row in running.get("/v1/invoices", customer=customer)["data"]]
    assert totals == [5000, 2000]
