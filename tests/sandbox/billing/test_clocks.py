"""Test clocks: a time of their own for some customers and whatever belongs to them.

While a request is about such a customer, `now()` is the clock's frozen time, and what becomes due later waits in the
clock's own heap of timers; advancing the clock runs it. Events, the balance, payouts and disputes keep to the world's
time. Not simulated: the days that Stripe takes to advance (it is ready at once), and any other kind than customers and
what hangs on them.
"""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing.periods import DAY, add
from tests.sandbox.billing.timers import action
from tests.sandbox.errors import invalid
from tests.sandbox.store import Row

CLOCK = "test_helpers.test_clock"
KEPT_SECONDS = 30 * DAY
MOST_CUSTOMERS = 3
MOST_INTERVALS = 2
OVER = ("canceled", "incomplete_expired")
# Parameters that name an object whose clock the request follows.
NAMING = ("test_clock", "customer", "subscription", "from_subscription", "invoice", "payment_intent", "charge")


def concerned(sandbox: Any, ids: list[str], params: dict[str, Any]) -> Row | None:
    """The clock that a request goes by, if the objects that it names have one."""
    clocks: dict[str, Row] = sandbox.table(CLOCK).rows
    if not clocks:
        return None
    named = [*ids, *(params.get(name) for name in NAMING)]
    found = (clock_of(sandbox, object_id) for object_id in named if isinstance(object_id, str))
    return next((clocks[clock] for clock in found if clock in clocks), None)


def clock_of(sandbox: Any, object_id: str) -> str | None:
    """The id of the clock that an object, its subscription or its customer is attached to."""
    row = next((table.rows[object_id] for table in sandbox.tables.values() if object_id in table.rows), None)
    if row is None:
        return None
    if row["object"] == CLOCK:
        return object_id
    parent = row.get("customer") or row.get("subscription")
    return row.get("test_clock") or (clock_of(sandbox, parent) if isinstance(parent, str) else None)


def check_room(sandbox: Any, clock_id: str) -> None:
    """Refuse a clock that is not there or has its customers already."""
    sandbox.refer(CLOCK, clock_id, "test_clock")
    if len(customers_of(sandbox, clock_id)) >= MOST_CUSTOMERS:
        message = f"You've reached the limit of {MOST_CUSTOMERS} customers attached to a test clock."
        raise invalid(message, param="test_clock")


def customers_of(sandbox: Any, clock_id: str) -> list[Row]:
    """The customers of a clock."""
    return [row for row in sandbox.table("customer").rows.values() if row["test_clock"] == clock_id]


def advance(sandbox: Any, clock: Row, target: int) -> None:
    """Let the clock's time pass: first it says so, then everything happens, then it is ready."""
    if clock["status"] != "ready":
        raise invalid("The test clock is still advancing.", param="test_clock")
    if target <= clock["frozen_time"]:
        raise invalid("The new time must be later than the clock's current frozen time.", param="frozen_time")
    if target > _furthest(sandbox, clock):
        message = f"A test clock can be advanced by at most {MOST_INTERVALS} intervals of its shortest subscription."
        raise invalid(message, param="frozen_time")
    with sandbox.edit(CLOCK, clock["id"], also=(f"{CLOCK}.advancing",)):
        clock.update(status="advancing", status_details={"advancing": {"target_frozen_time": target}})
    sandbox.timers.at(sandbox.clock.real(), "clock_advances", clock["id"], clock=None)


def _furthest(sandbox: Any, clock: Row) -> int:
    subscriptions = [
        row
        for customer in customers_of(sandbox, clock["id"])
        for row in sandbox.table("subscription").where("customer", customer["id"])
        if row["status"] not in OVER
    ]
    items = [
        item for row in subscriptions for item in sandbox.table("subscription_item").where("subscription", row["id"])
    ]
    every = [sandbox.table("price").rows[item["price"]]["recurring"] for item in items]
    times = [add(clock["frozen_time"], e["interval"], MOST_INTERVALS * e["interval_count"]) for e in every]
    return min(times, default=add(clock["frozen_time"], "year", MOST_INTERVALS))


@action("clock_advances")
def _advances(sandbox: Any, clock_id: str) -> None:
    clock = sandbox.table(CLOCK).rows.get(clock_id)
    if clock is None:
        return
    target = clock["status_details"]["advancing"]["target_frozen_time"]
    sandbox.timers.run_apart(clock_id, target)
    with sandbox.edit(CLOCK, clock_id, also=(f"{CLOCK}.ready",)):
        clock.update(status="ready", frozen_time=target, status_details={})
