"""Giving money back, and what becomes of a refund later."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import balance_transactions, cards, disputes
from tests.sandbox.errors import invalid
from tests.sandbox.resource import merged_metadata
from tests.sandbox.store import Row

REFUND_SECONDS = 3600


def make(sandbox: Any, charge: Row, amount: int | None, *, reason: str | None, metadata: Any) -> Row:
    """Give money back; what the card's behaviour says may come later."""
    left = charge["amount"] - charge["amount_refunded"]
    if not charge["captured"] or charge["status"] != "succeeded":
        raise invalid(f"This charge ({charge['id']}) cannot be refunded: it was not captured.", param="charge")
    if disputes.blocks_refund(sandbox, charge):
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left <= 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if amount is None else amount
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise invalid(message, param="amount")
    method = sandbox.table("payment_method").rows.get(charge["payment_method"], {"id": ""})
    fate = cards.behaviour(sandbox, method).get("refund")
    row: Row = {
        "id": sandbox.new_id("re_" if charge["id"].startswith("ch_") else "pyr_", 24),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": sandbox.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "customer_account": None,
        "destination_details": _destination(charge, fate),
        "metadata": merged_metadata({}, metadata or {}),
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending" if fate == "pending" else "succeeded",
        "transfer_reversal": None,
    }
    if fate == "pending":
        row["pending_reason"] = "processing"
    row["balance_transaction"] = balance_transactions.of_refund(sandbox, row)
    sandbox.insert(row, event="refund.created")
    with sandbox.edit("charge", charge["id"], event="charge.refunded"):
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
    if fate:
        sandbox.timers.at(sandbox.now() + REFUND_SECONDS, "settle_refund", row["id"])
    return row


def _destination(charge: Row, fate: str | None) -> Row:
    if not charge["id"].startswith("ch_"):
        return {"type": charge["payment_method_details"]["type"]}
    reference = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"card": {**reference, "type": "pending"} if fate else reference, "type": "card"}


def settle(sandbox: Any, row: Row) -> None:
    """The late end of a refund: done, or failed and the charge not refunded after all."""
    method = sandbox.table("payment_method").rows.get(row["payment_method"], {"id": ""})
    failed = cards.behaviour(sandbox, method).get("refund") == "fail"
    with sandbox.edit("refund", row["id"], event="refund.updated"):
        row["status"] = "failed" if failed else "succeeded"
        row.pop("pending_reason", None)
        if failed:
            row["failure_reason"] = "expired_or_canceled_card"
            row["failure_balance_transaction"] = balance_transactions.of_failed_refund(sandbox, row)
    if failed:
        sandbox.tell("refund.failed", row)
        with sandbox.edit("charge", row["charge"], event="charge.updated") as charge:
            charge["amount_refunded"] -= row["amount"]
            charge["refunded"] = False
