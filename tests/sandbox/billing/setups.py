"""Setup intents: a payment method is saved for later without taking money."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards
from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.store import Row, clone

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = CONFIRMABLE
AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod "
    "to attempt to fulfill this SetupIntent again."
)


def make(sandbox: Any, **values: Any) -> Row:
    """A new setup intent; with a payment method it only waits to be confirmed."""
    intent_id = sandbox.new_id("seti_", 24)
    row: Row = {
        "id": intent_id,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "cancellation_reason": None,
        "client_secret": f"{intent_id}_secret_{sandbox.new_id('', 25)}",
        "created": sandbox.now(),
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": sandbox.livemode,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
        **values,
    }
    if row["payment_method"]:
        row["status"] = "requires_confirmation"
    sandbox.insert(row, event="setup_intent.created")
    return row


def confirm(sandbox: Any, intent: Row, method: Row) -> None:
    """Try to save the payment method; a declined card is noted, then raised."""
    known = cards.behaviour(sandbox, method)
    if method["type"] not in intent["payment_method_types"]:
        intent["payment_method_types"] = [*intent["payment_method_types"], method["type"]]
    if reason := known.get("attach"):
        raise _failed(sandbox, intent, method, cards.declined(reason))
    if known.get("action"):
        url = f"https://hooks.sandbox.example/authenticate/{intent['id']}"
        action = {"type": "redirect_to_url", "redirect_to_url": {"return_url": None, "url": url}}
        intent.update(payment_method=method["id"], status="requires_action", next_action=action, last_setup_error=None)
        _changed(sandbox, intent, "setup_intent.requires_action")
    else:
        _succeed(sandbox, intent, method)


def authenticated(sandbox: Any, intent_id: str, *, succeeds: bool) -> Row:
    """The customer has answered the bank's question."""
    intent: Row = sandbox.fetch("setup_intent", intent_id)
    if intent["status"] != "requires_action":
        raise ValueError(f"SetupIntent {intent_id} waits for nobody: it is {intent['status']}. Nothing was changed.")
    method = sandbox.table("payment_method").rows[intent["payment_method"]]
    if succeeds:
        _succeed(sandbox, intent, method)
    else:
        error = invalid(AUTHENTICATION_FAILED, code="setup_intent_authentication_failure")
        _failed(sandbox, intent, method, error)
    return intent


def _succeed(sandbox: Any, intent: Row, method: Row) -> None:
    if intent["customer"] is not None:
        cards.attach(sandbox, method["id"], intent["customer"])
    intent.update(payment_method=method["id"], status="succeeded", next_action=None, last_setup_error=None)
    _changed(sandbox, intent, "setup_intent.succeeded")


def _failed(sandbox: Any, intent: Row, method: Row, error: StripeError) -> StripeError:
    noted = {
        "advice_code": error.extra.get("advice_code"),
        "code": error.code,
        "decline_code": error.extra.get("decline_code"),
        "doc_url": f"https://stripe.com/docs/error-codes/{(error.code or '').replace('_', '-')}",
        "message": error.message,
        "payment_method": clone(method),
        "type": error.extra.get("type", "invalid_request_error"),
    }
    known = {key: value for key, value in noted.items() if value is not None}
    intent.update(payment_method=None, status="requires_payment_method", next_action=None, last_setup_error=known)
    _changed(sandbox, intent, "setup_intent.setup_failed")
    error.extra |= {"setup_intent": clone(intent), "payment_method": clone(method)}
    return error


def cancel(sandbox: Any, intent: Row, reason: str | None) -> None:
    """Give up."""
    intent.update(status="canceled", cancellation_reason=reason, next_action=None)
    _changed(sandbox, intent, "setup_intent.canceled")


def _changed(sandbox: Any, intent: Row, event: str) -> None:
    sandbox.table("setup_intent").reindex(intent)
    sandbox.tell(event, intent)


def unexpected_state(intent: Row, verb: str, done: str, allowed: tuple[str, ...]) -> StripeError:
    """400 with the whole intent, as Stripe answers when the status does not allow the verb."""
    one_of = ", ".join(allowed)
    return invalid(
        f"You cannot {verb} this SetupIntent because it has a status of {intent['status']}. Only a SetupIntent "
        f"with one of the following statuses may be {done}: {one_of}.",
        code="setup_intent_unexpected_state",
        setup_intent=clone(intent),
    )
