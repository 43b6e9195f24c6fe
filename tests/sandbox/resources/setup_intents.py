"""Setup intents."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards, setups
from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, Enum, Fields, Many, Metadata, Range, Str
from tests.sandbox.resource import Resource, merge
from tests.sandbox.store import Row

SETUP = Resource(
    "setup_intent",
    "seti_",
    "/v1/setup_intents",
    id_length=24,
    noun="setupintent",
    indexes=("customer", "payment_method"),
    expands={
        "customer": "customer",
        "payment_method": "payment_method",
        "application": "",
        "latest_attempt": "",
        "mandate": "",
        "on_behalf_of": "",
        "single_use_mandate": "",
    },
)
BOTH = {
    "customer": Str(clears=False),
    "description": Str(1000),
    "metadata": Metadata(),
    "payment_method": Str(clears=False),
    "payment_method_types": Many(Str()),
}


@SETUP.on(
    "POST",
    **BOTH,
    automatic_payment_methods=Fields(allow_redirects=Enum("always", "never"), enabled=Bool(required=True)),
    confirm=Bool(),
    return_url=Str(),
    usage=Enum("off_session", "on_session"),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create, and confirm at once if asked to."""
    _check(sandbox, params)
    given: dict[str, Any] = {"metadata": {}}
    merge(given, params, skip=("confirm", "return_url"))
    row = setups.make(sandbox, **given)
    if params.get("confirm"):
        setups.confirm(sandbox, row, _method(sandbox, row, params))
    return row


def _check(sandbox: Any, params: dict[str, Any]) -> None:
    if "customer" in params:
        sandbox.refer("customer", params["customer"], "customer")
    if "payment_method" in params:
        params["payment_method"] = cards.usable(sandbox, params["payment_method"])["id"]


def _method(sandbox: Any, row: Row, params: dict[str, Any]) -> Row:
    method_id = params.get("payment_method") or row["payment_method"]
    if not method_id:
        raise invalid(
            "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a "
            "payment method and then confirm it again.",
            code="setup_intent_unexpected_state",
        )
    return cards.usable(sandbox, method_id)


@SETUP.on("POST", "/{id}", **BOTH)
def update(sandbox: Any, params: dict[str, Any], intent_id: str) -> Row:
    """Edit; there is no event for it."""
    row: Row = sandbox.fetch("setup_intent", intent_id, param="intent")
    if {"customer", "payment_method"} & set(params) and row["status"] not in setups.CONFIRMABLE:
        raise setups.unexpected_state(row, "update", "updated", setups.CONFIRMABLE)
    _check(sandbox, params)
    if "payment_method" in params:
        row.update(status="requires_confirmation", next_action=None)
    merge(row, params)
    sandbox.table("setup_intent").reindex(row)
    return row


@SETUP.on("POST", "/{id}/confirm", payment_method=Str(clears=False), return_url=Str())
def confirm(sandbox: Any, params: dict[str, Any], intent_id: str) -> Row:
    """Save the payment method."""
    row: Row = sandbox.fetch("setup_intent", intent_id, param="intent")
    if row["status"] not in setups.CONFIRMABLE:
        raise setups.unexpected_state(row, "confirm", "confirmed", setups.CONFIRMABLE)
    setups.confirm(sandbox, row, _method(sandbox, row, params))
    return row


@SETUP.on("POST", "/{id}/cancel", cancellation_reason=Enum("abandoned", "duplicate", "requested_by_customer"))
def cancel(sandbox: Any, params: dict[str, Any], intent_id: str) -> Row:
    """Give up; one of a Checkout Session ends with its session."""
    row: Row = sandbox.fetch("setup_intent", intent_id, param="intent")
    if row["status"] not in setups.CANCELABLE:
        raise setups.unexpected_state(row, "cancel", "canceled", setups.CANCELABLE)
    sessions = sandbox.table("checkout.session").rows.values()
    if any(session["status"] == "open" and session["setup_intent"] == intent_id for session in sessions):
        message = "You cannot cancel this SetupIntent because it belongs to a Checkout Session. Expire that instead."
        raise invalid(message, code="setup_intent_unexpected_state")
    setups.cancel(sandbox, row, params.get("cancellation_reason"))
    return row


SETUP.lists(created=Range(), customer=Str(), payment_method=Str())
SETUP.reads()
