"""Disputes: a cardholder's bank takes a payment back until somebody has decided.

A chargeback withdraws the amount and a fee at once; an inquiry only asks. What is not answered by `due_by` is lost (an
inquiry closes). After evidence was submitted the bank decides by Stripe's test words in `uncategorized_text`
(`winning_evidence`, `losing_evidence`), or when a test says so.
"""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import balance_transactions
from tests.sandbox.billing.periods import DAY
from tests.sandbox.billing.timers import action
from tests.sandbox.expand import render
from tests.sandbox.store import Row

ANSWER_DAYS = 9
REASON_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "duplicate": "12.6.1", "general": "13.5"}
EVIDENCE_TEXTS = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
EVIDENCE_FILES = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)
OPEN = ("needs_response", "warning_needs_response")
REVIEWED = {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}
CLOSED = ("lost", "warning_closed", "won")
UNREFUNDABLE = ("needs_response", "under_review", "lost")
VERDICTS = {"winning_evidence": "won", "losing_evidence": "lost"}


def expect(sandbox: Any, charge: Row) -> None:
    """A payment with one of the test cards that stand for it is disputed at once, yet not within the same request."""
    known = sandbox.table("payment_method").private.get(charge["payment_method"], {})
    if known.get("dispute"):
        sandbox.timers.at(sandbox.clock.real(), "dispute_charge", charge["id"], clock=None)


@action("dispute_charge")
def _expected(sandbox: Any, charge_id: str) -> None:
    charge = sandbox.table("charge").rows[charge_id]
    reason = sandbox.table("payment_method").private[charge["payment_method"]]["dispute"]
    inquiry = reason == "inquiry"
    open_dispute(sandbox, charge_id, reason="fraudulent" if inquiry else reason, inquiry=inquiry)


def open_dispute(
    sandbox: Any, charge_id: str, *, reason: str = "fraudulent", amount: int | None = None, inquiry: bool = False
) -> Row:
    """The bank of the cardholder disputes a payment, or only inquires about it."""
    charge: Row = sandbox.fetch("charge", charge_id)
    if charge["status"] != "succeeded" or charge["disputed"]:
        raise ValueError(f"Charge {charge_id} can't be disputed: it is disputed already or was never paid.")
    row = _blank(sandbox, charge, reason, inquiry=inquiry)
    row["amount"] = amount or charge["amount"] - charge["amount_refunded"]
    if not inquiry:
        _withdraw(sandbox, row)
    sandbox.insert(row, event="charge.dispute.created")
    with sandbox.edit("charge", charge_id, event="charge.updated"):
        charge["disputed"] = True
    if not inquiry:
        sandbox.tell("charge.dispute.funds_withdrawn", row)
    sandbox.timers.at(row["evidence_details"]["due_by"], "dispute_due", row["id"], clock=None)
    return row


def _blank(sandbox: Any, charge: Row, reason: str, *, inquiry: bool) -> Row:
    now = sandbox.clock.real()
    evidence = dict.fromkeys(sorted((*EVIDENCE_TEXTS, *EVIDENCE_FILES)))
    return {
        "id": sandbox.new_id("du_", 24),
        "object": "dispute",
        "amount": charge["amount"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**evidence, "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": (now // DAY + ANSWER_DAYS + 1) * DAY - 1,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": sandbox.livemode,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": _method(charge, reason, inquiry=inquiry),
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }


def _method(charge: Row, reason: str, *, inquiry: bool) -> Row:
    brand = charge["payment_method_details"].get("card", {}).get("brand", "visa")
    card = {
        "brand": brand,
        "case_type": "inquiry" if inquiry else "chargeback",
        "network": brand,
        "network_reason_code": REASON_CODES.get(reason, "10.4"),
    }
    return {"card": card, "type": "card"}


def _withdraw(sandbox: Any, row: Row) -> None:
    fee = (balance_transactions.dispute_fee(row["currency"]), "Dispute fee")
    _move(sandbox, row, -row["amount"], "dispute", f"Chargeback withdrawal for {row['charge']}", fee=fee)


def _reinstate(sandbox: Any, row: Row) -> None:
    _move(sandbox, row, row["amount"], "dispute_reversal", f"Chargeback reversal for {row['charge']}")


def _move(
    sandbox: Any, row: Row, amount: int, category: str, description: str, *, fee: tuple[int, str] = (0, "")
) -> None:
    made = balance_transactions.record(
        sandbox, row, "adjustment", amount, fee=fee, category=category, description=description
    )
    row["balance_transactions"] = [*row["balance_transactions"], render(sandbox, made)]


def submit(sandbox: Any, row: Row) -> None:
    """Send what evidence there is to the bank; to be called while the dispute is being edited."""
    row["status"] = REVIEWED[row["status"]]
    row["evidence_details"]["submission_count"] += 1
    if row["evidence"]["uncategorized_text"] in VERDICTS:
        sandbox.timers.at(sandbox.clock.real(), "dispute_decided", row["id"], clock=None)


@action("dispute_decided")
def _decided(sandbox: Any, dispute_id: str) -> None:
    row = sandbox.table("dispute").rows[dispute_id]
    if row["status"] in REVIEWED.values():
        decide(sandbox, dispute_id, won=VERDICTS[row["evidence"]["uncategorized_text"]] == "won")


@action("dispute_due")
def _due(sandbox: Any, dispute_id: str) -> None:
    """Nobody has answered in time."""
    row = sandbox.table("dispute").rows[dispute_id]
    if row["status"] in OPEN:
        decide(sandbox, dispute_id, won=False, past_due=True)


def decide(sandbox: Any, dispute_id: str, *, won: bool, past_due: bool = False) -> Row:
    """The bank's verdict: won, and the money comes back; or lost. An inquiry just closes."""
    row: Row = sandbox.fetch("dispute", dispute_id)
    if row["status"] not in (*OPEN, *REVIEWED.values()):
        raise ValueError(f"Dispute {dispute_id} is {row['status']} already. Nothing was changed.")
    inquiry = row["status"].startswith("warning")
    with sandbox.edit("dispute", dispute_id):
        row["status"] = "warning_closed" if inquiry else "won" if won else "lost"
        row["evidence_details"]["past_due"] = past_due
        if won and not inquiry:
            row["is_charge_refundable"] = True
            _reinstate(sandbox, row)
    if won and not inquiry:
        sandbox.tell("charge.dispute.funds_reinstated", row)
    sandbox.tell("charge.dispute.closed", row)
    touch_charge(sandbox, row)
    return row


def touch_charge(sandbox: Any, row: Row) -> None:
    """Stripe tells of the charge whenever its dispute has moved, though nothing that it shows has changed."""
    sandbox.tell("charge.updated", sandbox.table("charge").rows[row["charge"]], {})


def blocks_refund(sandbox: Any, charge: Row) -> bool:
    """Whether a payment can't be refunded because its bank has taken it back, or may."""
    rows = sandbox.table("dispute").where("charge", charge["id"])
    return any(row["status"] in UNREFUNDABLE for row in rows)
