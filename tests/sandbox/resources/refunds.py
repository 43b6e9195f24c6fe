"""Refunds."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import refunds
from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, Email, Enum, Int, Metadata, Range, Str
from tests.sandbox.resource import Resource, merge
from tests.sandbox.store import Row

REFUND = Resource(
    "refund",
    "re_",
    "/v1/refunds",
    id_length=24,
    indexes=("charge", "payment_intent"),
    expands={
        "charge": "charge",
        "customer": "customer",
        "payment_intent": "payment_intent",
        "payment_method": "payment_method",
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
        "source_transfer_reversal": "",
        "transfer_reversal": "",
    },
)


@REFUND.on(
    "POST",
    amount=Int(1),
    charge=Str(clears=False),
    instructions_email=Email(),
    metadata=Metadata(),
    payment_intent=Str(clears=False),
    reason=Enum("duplicate", "fraudulent", "requested_by_customer"),
    refund_application_fee=Bool(),
    reverse_transfer=Bool(),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Give money back, by charge or by payment intent."""
    charge = _charge(sandbox, params)
    return refunds.make(
        sandbox, charge, params.get("amount"), reason=params.get("reason"), metadata=params.get("metadata")
    )


def _charge(sandbox: Any, params: dict[str, Any]) -> Row:
    if "charge" in params:
        charge: Row = sandbox.fetch("charge", params["charge"])
        if params.get("payment_intent", charge["payment_intent"]) != charge["payment_intent"]:
            raise invalid("The charge does not belong to the payment intent.", param="payment_intent")
        return charge
    if "payment_intent" not in params:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise invalid(message, code="parameter_missing")
    intent = sandbox.refer("payment_intent", params["payment_intent"], "payment_intent")
    if intent["latest_charge"] is None or intent["status"] not in ("succeeded", "requires_capture"):
        raise invalid(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    found: Row = sandbox.table("charge").rows[intent["latest_charge"]]
    return found


@REFUND.on("POST", "/{id}", metadata=Metadata())
def update(sandbox: Any, params: dict[str, Any], refund_id: str) -> Row:
    """Edit the metadata."""
    row: Row = sandbox.fetch("refund", refund_id, param="refund")
    with sandbox.edit("refund", refund_id, event="refund.updated"):
        merge(row, params)
    return row


@REFUND.on("POST", "/{id}/cancel")
def cancel(sandbox: Any, params: dict[str, Any], refund_id: str) -> Row:
    """Cancel; only one that waits for the customer's bank details can be, and card refunds never do."""
    return refunds.cancel(sandbox, sandbox.fetch("refund", refund_id, param="refund"))


REFUND.lists(created=Range(), charge=Str(), payment_intent=Str())
REFUND.reads()
