"""Events of the last thirty days."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, Many, Range, Str
from tests.sandbox.resource import PAGING, Listing, Resource
from tests.sandbox.store import Row

EVENT = Resource("event", "evt_", "/v1/events", id_length=24, indexes=("type",))


@EVENT.on(
    "GET",
    **{**PAGING, "created": Range(), "delivery_success": Bool(), "type": Str(), "types": Many(Str(), most=20)},
)
def listing(sandbox: Any, params: dict[str, Any]) -> Listing:
    """List; `type` may hold a `*`, `delivery_success` is false while an endpoint has not taken the event."""
    sandbox.event_log.prune()
    if "type" in params and "types" in params:
        raise invalid("You may pass either `type` or `types`, but not both.", param="types")
    success = params.pop("delivery_success", None)
    pattern = params.pop("type") if "*" in params.get("type", "") else None

    def wanted(row: Row) -> bool:
        if success is not None and success != (row["pending_webhooks"] == 0):
            return False
        return pattern is None or fnmatchcase(row["type"], pattern)

    page: Listing = sandbox.page("event", params, columns={"types": "type"}, where=wanted)
    return page


@EVENT.on("GET", "/{id}")
def read(sandbox: Any, params: dict[str, Any], event_id: str) -> Row:
    """One event, for thirty days."""
    sandbox.event_log.prune()
    row: Row = sandbox.fetch("event", event_id, param="id")
    return row
