"""Webhook endpoints. The signing secret is shown once, by the request that creates the endpoint."""

from __future__ import annotations

from typing import Any

from tests.sandbox import versions
from tests.sandbox.errors import invalid
from tests.sandbox.event_types import EVENT_TYPES
from tests.sandbox.params import Bool, Many, Metadata, Str, Url
from tests.sandbox.resource import Plain, Resource, merge
from tests.sandbox.store import Row

ENDPOINT = Resource("webhook_endpoint", "we_", "/v1/webhook_endpoints", id_length=24, noun="webhook endpoint")
MOST = 16


def register(sandbox: Any, params: dict[str, Any], *, secret: str | None = None) -> Row:
    """A new endpoint with a secret of its own or the given one."""
    if len(sandbox.table("webhook_endpoint").rows) >= MOST:
        raise invalid(f"You have reached the maximum of {MOST} test webhook endpoints.")
    check_events(params["enabled_events"])
    version = params.get("api_version")
    row: Row = {
        "id": sandbox.new_id("we_", 24),
        "object": "webhook_endpoint",
        "api_version": versions.checked(version) if version else None,
        "application": None,
        "created": sandbox.now(),
        "description": params.get("description") or None,
        "enabled_events": params["enabled_events"],
        "livemode": sandbox.livemode,
        "metadata": {},
        "status": "enabled",
        "url": params["url"],
    }
    merge(row, {"metadata": params.get("metadata", {})})
    sandbox.insert(row)
    sandbox.table("webhook_endpoint").secret(row["id"])["secret"] = secret or sandbox.new_id("whsec_", 32)
    return row


def check_events(asked: list[str]) -> None:
    """Refuse an endpoint that takes nothing, or types that Stripe does not know; `*` stands alone for all."""
    if not asked:
        raise invalid("Invalid array", param="enabled_events")
    for position, name in enumerate(asked):
        if name not in EVENT_TYPES and name != "*":
            message = f"Invalid enabled_events[{position}]: {name} is not an event type that an endpoint can receive."
            raise invalid(message, param=f"enabled_events[{position}]")
    if "*" in asked and len(asked) > 1:
        raise invalid("`*` takes all events: it can't be combined with others.", param="enabled_events")


@ENDPOINT.on(
    "POST",
    api_version=Str(clears=False),
    connect=Bool(),
    description=Str(),
    enabled_events=Many(Str(clears=False), required=True),
    metadata=Metadata(),
    url=Url(required=True, clears=False),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create."""
    row = register(sandbox, params)
    sandbox.table("webhook_endpoint").secret(row["id"])["show_once"] = True
    return row


@ENDPOINT.on(
    "POST",
    "/{id}",
    description=Str(),
    disabled=Bool(),
    enabled_events=Many(Str(clears=False)),
    metadata=Metadata(),
    url=Url(clears=False),
)
def update(sandbox: Any, params: dict[str, Any], endpoint_id: str) -> Row:
    """Edit, disable, enable."""
    row: Row = sandbox.fetch("webhook_endpoint", endpoint_id, param="webhook_endpoint")
    if "enabled_events" in params:
        check_events(params["enabled_events"])
    with sandbox.edit("webhook_endpoint", endpoint_id):
        merge(row, params, skip=("disabled",))
        if "disabled" in params:
            row["status"] = "disabled" if params["disabled"] else "enabled"
    return row


@ENDPOINT.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], endpoint_id: str) -> Plain:
    """Delete: nothing more is sent to it."""
    sandbox.fetch("webhook_endpoint", endpoint_id, param="webhook_endpoint")
    sandbox.remove("webhook_endpoint", endpoint_id, keep=False)
    sandbox.table("webhook_endpoint").private.pop(endpoint_id, None)
    return Plain(ENDPOINT.stub(endpoint_id))


ENDPOINT.lists()
ENDPOINT.reads()
