"""Payment intents."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards, collection, payments
from tests.sandbox.billing.money import check_charge, check_currency
from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, Either, Email, Enum, Fields, Int, Many, Metadata, Range, Str
from tests.sandbox.resource import Resource, merge
from tests.sandbox.resources.shapes import complete_addresses, shipping
from tests.sandbox.store import Row

INTENT = Resource(
    "payment_intent",
    "pi_",
    "/v1/payment_intents",
    id_length=24,
    indexes=("customer",),
    expands={
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
        "application": "",
        "on_behalf_of": "",
        "review": "",
    },
)
BOTH = {
    "capture_method": Enum("automatic", "automatic_async", "manual"),
    "customer": Str(clears=False),
    "description": Str(1000),
    "metadata": Metadata(),
    "payment_method": Str(clears=False),
    "payment_method_types": Many(Str()),
    "receipt_email": Email(),
    "setup_future_usage": Enum("off_session", "on_session"),
    "shipping": shipping(carrier=True),
    "statement_descriptor": Str(22),
    "statement_descriptor_suffix": Str(22),
    "transfer_group": Str(),
}
SESSION = Either(scalar=Enum("true", "false", "one_off", "recurring"))
MONEY = {"amount", "currency", "customer", "payment_method"}
CANCELABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action")


@INTENT.on(
    "POST",
    **BOTH,
    amount=Int(required=True),
    automatic_payment_methods=Fields(allow_redirects=Enum("always", "never"), enabled=Bool(required=True)),
    confirm=Bool(),
    confirmation_method=Enum("automatic", "manual"),
    currency=Str(clears=False, required=True),
    off_session=SESSION,
    return_url=Str(),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create, and confirm at once if asked to."""
    currency = check_currency(params["currency"])
    check_charge(params["amount"], currency)
    if "customer" in params:
        sandbox.refer("customer", params["customer"], "customer")
    method = cards.usable(sandbox, params["payment_method"]) if "payment_method" in params else None
    values = {"capture_method": params.get("capture_method", "automatic")}
    row = payments.make_intent(sandbox, amount=params["amount"], currency=currency, **values, **_given(params, method))
    if params.get("confirm"):
        if method is None:
            raise invalid("You cannot confirm this PaymentIntent because it's missing a payment method.")
        collection.confirm(sandbox, row, method, off_session=_off_session(params))
    return row


def _given(params: dict[str, Any], method: Row | None) -> dict[str, Any]:
    given: dict[str, Any] = {"metadata": {}}
    skip = ("amount", "currency", "confirm", "off_session", "return_url", "capture_method", "payment_method")
    merge(given, params, skip=skip)
    complete_addresses(given, "shipping")
    if method is not None:
        given["payment_method"] = method["id"]
    return given


def _off_session(params: dict[str, Any]) -> bool:
    return bool(params.get("off_session", "false") != "false")


@INTENT.on("POST", "/{id}", **BOTH, amount=Int(), currency=Str(clears=False))
def update(sandbox: Any, params: dict[str, Any], intent_id: str) -> Row:
    """Edit; there is no event for it."""
    row: Row = sandbox.fetch("payment_intent", intent_id, param="intent")
    if MONEY & set(params) and row["status"] not in payments.CONFIRMABLE:
        error = payments.unexpected_state(row, "update", "updated", payments.CONFIRMABLE)
        error.param = sorted(MONEY & set(params))[0]
        raise error
    if "amount" in params:
        check_charge(params["amount"], row["currency"])
    if "customer" in params:
        sandbox.refer("customer", params["customer"], "customer")
    if "payment_method" in params:
        params["payment_method"] = cards.usable(sandbox, params["payment_method"])["id"]
        row["status"] = "requires_confirmation"
    merge(row, params)
    complete_addresses(row, "shipping")
    sandbox.table("payment_intent").reindex(row)
    return row


@INTENT.on(
    "POST",
    "/{id}/confirm",
    off_session=SESSION,
    payment_method=Str(clears=False),
    receipt_email=Email(),
    return_url=Str(),
    setup_future_usage=Enum("off_session", "on_session", clears=True),
)
def confirm(sandbox: Any, params: dict[str, Any], intent_id: str) -> Row:
    """Try to take the money."""
    row: Row = sandbox.fetch("payment_intent", intent_id, param="intent")
    if row["status"] not in payments.CONFIRMABLE:
        raise payments.unexpected_state(row, "confirm", "confirmed", payments.CONFIRMABLE)
    method_id = params.get("payment_method") or row["payment_method"]
    if not method_id:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method.",
            code="payment_intent_unexpected_state",
        )
    method = cards.usable(sandbox, method_id)
    collection.confirm(sandbox, row, method, off_session=_off_session(params))
    return row


@INTENT.on(
    "POST",
    "/{id}/capture",
    amount_to_capture=Int(1),
    final_capture=Bool(),
    metadata=Metadata(),
    statement_descriptor=Str(22),
    statement_descriptor_suffix=Str(22),
)
def capture(sandbox: Any, params: dict[str, Any], intent_id: str) -> Row:
    """Take what is held, all or part."""
    row: Row = sandbox.fetch("payment_intent", intent_id, param="intent")
    if row["status"] != "requires_capture":
        raise payments.unexpected_state(row, "capture", "captured", ("requires_capture",))
    amount = params.get("amount_to_capture", row["amount_capturable"])
    if amount > row["amount_capturable"]:
        raise invalid(
            f"The amount to capture ({amount}) is more than what is capturable ({row['amount_capturable']}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    merge(row, params, skip=("amount_to_capture", "final_capture"))
    payments.capture(sandbox, row, amount)
    return row


@INTENT.on(
    "POST",
    "/{id}/cancel",
    cancellation_reason=Enum("abandoned", "duplicate", "fraudulent", "requested_by_customer"),
)
def cancel(sandbox: Any, params: dict[str, Any], intent_id: str) -> Row:
    """Cancel; an invoice's intent is canceled by voiding the invoice."""
    row: Row = sandbox.fetch("payment_intent", intent_id, param="intent")
    if row["status"] not in CANCELABLE:
        raise payments.unexpected_state(row, "cancel", "canceled", CANCELABLE)
    if sandbox.table("payment_intent").private.get(intent_id, {}).get("invoice"):
        message = "You cannot cancel this PaymentIntent because it belongs to an invoice. Void the invoice instead."
        raise invalid(message, code="payment_intent_unexpected_state")
    sessions = sandbox.table("checkout.session").where("payment_intent", intent_id)
    if any(session["status"] == "open" for session in sessions):
        message = "You cannot cancel this PaymentIntent because it belongs to a Checkout Session. Expire that instead."
        raise invalid(message, code="payment_intent_unexpected_state")
    payments.cancel(sandbox, row, params.get("cancellation_reason"))
    return row


INTENT.lists(created=Range(), customer=Str())
INTENT.reads()
