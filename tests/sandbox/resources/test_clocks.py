"""Test clocks, in test mode only. What they do to time is in `billing/test_clocks.py`."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import test_clocks
from tests.sandbox.billing.timers import action
from tests.sandbox.errors import unknown_url
from tests.sandbox.params import Str, Timestamp
from tests.sandbox.resource import Plain, Resource
from tests.sandbox.resources import customers
from tests.sandbox.store import Row

CLOCK = Resource(
    test_clocks.CLOCK, "clock_", "/v1/test_helpers/test_clocks", id_length=24, noun="testclock", keep_deleted=False
)


@CLOCK.on("POST", frozen_time=Timestamp(required=True), name=Str(300))
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create a clock that stands at a time."""
    if sandbox.livemode:
        raise unknown_url("POST", CLOCK.path)
    now = sandbox.now()
    row: Row = {
        "id": sandbox.new_id("clock_", 24),
        "object": test_clocks.CLOCK,
        "created": now,
        "deletes_after": now + test_clocks.KEPT_SECONDS,
        "frozen_time": params["frozen_time"],
        "livemode": sandbox.livemode,
        "name": params.get("name") or None,
        "status": "ready",
        "status_details": {},
    }
    sandbox.timers.at(row["deletes_after"], "clock_is_deleted", row["id"])
    return sandbox.insert(row, event="test_helpers.test_clock.created")  # type: ignore[no-any-return]


@CLOCK.on("POST", "/{id}/advance", frozen_time=Timestamp(required=True))
def advance(sandbox: Any, params: dict[str, Any], clock_id: str) -> Row:
    """Let its time pass."""
    row: Row = sandbox.fetch(test_clocks.CLOCK, clock_id, param="test_clock")
    test_clocks.advance(sandbox, row, params["frozen_time"])
    return row


@CLOCK.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], clock_id: str) -> Plain:
    """Delete the clock with its customers, whose subscriptions end."""
    sandbox.fetch(test_clocks.CLOCK, clock_id, param="test_clock")
    for customer in test_clocks.customers_of(sandbox, clock_id):
        customers.delete(sandbox, {}, customer["id"])
    sandbox.timers.forget(clock_id)
    sandbox.remove(test_clocks.CLOCK, clock_id, event="test_helpers.test_clock.deleted", keep=False)
    return Plain(CLOCK.stub(clock_id))


@action("clock_is_deleted")
def _is_deleted(sandbox: Any, clock_id: str) -> None:
    row = sandbox.table(test_clocks.CLOCK).rows.get(clock_id)
    if row is not None:
        with sandbox.clock.follow(clock_id, row["frozen_time"]):
            delete(sandbox, {}, clock_id)


CLOCK.lists()
CLOCK.reads()
