"""Giving money back, and what becomes of a refund later."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import balance_transactions, cards, disputes
from tests.sandbox.billing.money import in_words
from tests.sandbox.billing.timers import action
from tests.sandbox.errors import invalid
from tests.sandbox.resource import merged_metadata
from tests.sandbox.store import Row

REFUND_SECONDS = 3600
ASKED_SECONDS = 45 * 24 * 3600


def make(sandbox: Any, charge: Row, amount: int | None, *, reason: str | None, metadata: Any) -> Row:
    """Give money back; what the card's behaviour says may come later."""
    left = charge["amount"] - charge["amount_refunded"]
    if charge["status"] != "succeeded":
        intent = charge["payment_intent"]
        raise invalid(f"This PaymentIntent ({intent}) does not have a successful charge to refund.")
    if not charge["captured"]:
        raise invalid(
            f"This uncaptured Charge was created by a PaymentIntent ({charge['payment_intent']}). You must cancel the "
            "PaymentIntent to reverse the authorization instead of refunding the Charge directly. For more "
            "information, see https://stripe.com/docs/payments/place-a-hold-on-a-payment-method"
        )
    if disputes.blocks_refund(sandbox, charge):
        raise invalid(f"Charge {charge['id']} has been charged back; cannot issue a refund.", code="charge_disputed")
    if left <= 0:
        raise invalid(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = left if amount is None else amount
    if amount > left:
        asked, rest = in_words(amount, charge["currency"]), in_words(left, charge["currency"])
        raise invalid(f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})", param="amount")
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


@action("settle_refund")
def _settle(sandbox: Any, refund_id: str) -> None:
    """The late end of a refund: done, or failed and the charge not refunded after all."""
    row = sandbox.table("refund").rows.get(refund_id)
    if row is None or row["status"] in ("canceled", "failed", "requires_action"):
        return
    method = sandbox.table("payment_method").rows.get(row["payment_method"], {"id": ""})
    failed = cards.behaviour(sandbox, method).get("refund") == "fail"
    with sandbox.edit("refund", row["id"], event="refund.updated"):
        row["status"] = "failed" if failed else "succeeded"
        row.pop("pending_reason", None)
        if failed:
            row["failure_reason"] = "expired_or_canceled_card"
            row["failure_balance_transaction"] = balance_transactions.of_failed_refund(sandbox, row)
    if failed:
        _give_back(sandbox, row)


def _give_back(sandbox: Any, row: Row) -> None:
    """The customer did not get the money: it counts as paid again."""
    sandbox.tell("refund.failed", row)
    with sandbox.edit("charge", row["charge"], event="charge.updated") as charge:
        charge["amount_refunded"] -= row["amount"]
        charge["refunded"] = False


def ask_for_details(sandbox: Any, row: Row, email: str) -> Row:
    """The customer's bank account isn't known: Stripe asks for it by mail, and a refund that is on its way waits."""
    if row["status"] != "pending":
        raise ValueError(f"Refund {row['id']} is {row['status']}: Stripe asks only about those on their way.")
    mail = {"email_sent_at": sandbox.now(), "email_sent_to": email}
    details = {"email_sent": mail, "expires_at": sandbox.now() + ASKED_SECONDS}
    with sandbox.edit("refund", row["id"], event="refund.updated"):
        row["status"] = "requires_action"
        row.pop("pending_reason", None)
        row["next_action"] = {"display_details": details, "type": "display_details"}
    return row


def cancel(sandbox: Any, row: Row) -> Row:
    """A refund that waits for the customer's bank account doesn't come about."""
    if row["status"] != "requires_action":
        raise invalid("Canceling this refund is unsupported.")
    with sandbox.edit("refund", row["id"], event="refund.updated"):
        row["status"] = "canceled"
        row["failure_reason"] = "merchant_request"
        row["failure_balance_transaction"] = balance_transactions.of_failed_refund(sandbox, row)
    _give_back(sandbox, row)
    return row
