"""Events: what changed, frozen at the moment it changed, for thirty days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.store import Row

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

KEPT_SECONDS = 30 * 24 * 3600
ABSENT = object()


def previous_attributes(before: Row, after: Row) -> Row:
    """The old values of what changed: nested objects per leaf, arrays whole, `None` for a key that is new."""
    changed: Row = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key, ABSENT), after.get(key, ABSENT)
        if old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            changed[key] = previous_attributes(old, new)
        else:
            changed[key] = None if old is ABSENT else old
    return changed


class EventLog:
    """Writes events into the event table and hands them to delivery."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.quiet = 0

    def emit(self, event_type: str, shown: Row, previous: Row | None = None) -> None:
        """Record one event about a rendered object."""
        sandbox = self.sandbox
        row: Row = {
            "id": sandbox.new_id("evt_", 24),
            "object": "event",
            "api_version": sandbox.api_version,
            "created": sandbox.clock.real(),
            "data": {"object": shown} if previous is None else {"object": shown, "previous_attributes": previous},
            "livemode": sandbox.livemode,
            "pending_webhooks": 0,
            "request": {
                "id": sandbox.context.request_id,
                "idempotency_key": sandbox.context.idempotency_key,
            },
            "type": event_type,
        }
        endpoints = [] if self.quiet else self.endpoints_for(event_type)
        row["pending_webhooks"] = len(endpoints)
        table = sandbox.table("event")
        table.insert(row)
        if endpoints:
            table.secret(row["id"])["pending"] = [endpoint["id"] for endpoint in endpoints]
            for endpoint in endpoints:
                sandbox.deliveries.enqueue(row, endpoint)
        self.prune()

    def endpoints_for(self, event_type: str) -> list[Row]:
        """The enabled endpoints that asked for this type."""
        rows = self.sandbox.table("webhook_endpoint").rows.values()
        return [row for row in rows if row["status"] == "enabled" and subscribed(row, event_type)]

    def prune(self) -> None:
        """Forget what Stripe would have forgotten."""
        table, oldest = self.sandbox.table("event"), self.sandbox.clock.real() - KEPT_SECONDS
        while table.order and table.order[0][0] < oldest:
            event_id = table.order[0][2]
            table.remove(event_id)
            table.private.pop(event_id, None)

    def delivered(self, event_id: str, endpoint_id: str) -> None:
        """Count an endpoint's success."""
        table = self.sandbox.table("event")
        row = table.rows.get(event_id)
        pending: list[str] = table.private.get(event_id, {}).get("pending", [])
        if row is not None and endpoint_id in pending:
            pending.remove(endpoint_id)
            row["pending_webhooks"] = len(pending)
            table.version += 1


def subscribed(endpoint: Row, event_type: str) -> bool:
    """Whether an endpoint's `enabled_events` take this type."""
    wanted: list[Any] = endpoint["enabled_events"]
    return event_type in wanted or "*" in wanted
