"""Payouts to the company's bank account."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import balance_transactions, payouts
from tests.sandbox.billing.money import check_currency
from tests.sandbox.errors import invalid
from tests.sandbox.params import Enum, Int, Metadata, Range, Str
from tests.sandbox.resource import Resource, merge, merged_metadata
from tests.sandbox.store import Row

PAYOUT = Resource(
    "payout",
    "po_",
    "/v1/payouts",
    id_length=24,
    indexes=("status",),
    expands={
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
        "application_fee": "",
        "destination": "",
        "original_payout": "payout",
        "reversed_by": "payout",
    },
)
WHOLE_HUNDREDS = ("huf", "twd")


@PAYOUT.on(
    "POST",
    amount=Int(1, required=True),
    currency=Str(clears=False, required=True),
    description=Str(),
    destination=Str(clears=False),
    metadata=Metadata(),
    method=Enum("instant", "standard"),
    source_type=Enum("bank_account", "card", "fpx"),
    statement_descriptor=Str(22),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Pay out by hand what is available."""
    currency, amount = check_currency(params["currency"]), params["amount"]
    if params.get("destination", payouts.BANK_ACCOUNT) != payouts.BANK_ACCOUNT:
        message = f"No such external account: '{params['destination']}'"
        raise invalid(message, code="resource_missing", param="destination")
    if currency in WHOLE_HUNDREDS and amount % 100:
        raise invalid(f"Payouts in {currency.upper()} must be whole hundreds.", param="amount")
    if amount > balance_transactions.balance(sandbox, currency):
        raise invalid(
            "You have insufficient funds in your Stripe account for this transfer. Your card balance is too low.",
            code="balance_insufficient",
            param="amount",
        )
    given: dict[str, Any] = {
        key: params[key] or None for key in ("description", "statement_descriptor") if key in params
    }
    given |= {key: params[key] for key in ("method", "source_type") if key in params}
    metadata = merged_metadata({}, params.get("metadata", {}))
    return payouts.make(sandbox, amount, currency, automatic=False, metadata=metadata, **given)


@PAYOUT.on("POST", "/{id}", metadata=Metadata())
def update(sandbox: Any, params: dict[str, Any], payout_id: str) -> Row:
    """Edit the metadata."""
    row: Row = sandbox.fetch("payout", payout_id, param="payout")
    with sandbox.edit("payout", payout_id, event="payout.updated"):
        merge(row, params)
    return row


@PAYOUT.on("POST", "/{id}/cancel")
def cancel(sandbox: Any, params: dict[str, Any], payout_id: str) -> Row:
    """Cancel, while it is pending and unless it is automatic."""
    row: Row = sandbox.fetch("payout", payout_id, param="payout")
    if row["automatic"]:
        raise invalid("Automatic payouts can't be canceled.", param="payout", code="payout_not_allowed")
    if row["status"] != "pending":
        message = f"Payout {payout_id} can't be canceled: its status is {row['status']}, not pending."
        raise invalid(message, param="payout")
    return payouts.cancel(sandbox, row)


@PAYOUT.on("POST", "/{id}/reverse", metadata=Metadata())
def reverse(sandbox: Any, params: dict[str, Any], payout_id: str) -> Row:
    """Bring back the money of a paid payout."""
    row: Row = sandbox.fetch("payout", payout_id, param="payout")
    if row["status"] != "paid":
        message = f"Payout {payout_id} can't be reversed: its status is {row['status']}, not paid."
        raise invalid(message, param="payout")
    if row["original_payout"] or row["reversed_by"]:
        raise invalid(f"Payout {payout_id} is a reversal or has been reversed.", param="payout")
    return payouts.reverse(sandbox, row, merged_metadata({}, params.get("metadata", {})))


PAYOUT.lists(arrival_date=Range(), created=Range(), destination=Str(), status=Str())
PAYOUT.reads()
