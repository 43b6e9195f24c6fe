"""Disputes: evidence is staged or submitted, or the dispute is accepted."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import disputes
from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, Enum, Fields, Metadata, Range, Str
from tests.sandbox.resource import Resource, merge
from tests.sandbox.store import Row

DISPUTE = Resource(
    "dispute",
    "du_",
    "/v1/disputes",
    id_length=24,
    indexes=("charge", "payment_intent"),
    expands={
        "charge": "charge",
        "payment_intent": "payment_intent",
        **{f"evidence.{name}": "" for name in disputes.EVIDENCE_FILES},
    },
    embeds={"balance_transactions": "balance_transaction"},
)
LONGEST_EVIDENCE = 150_000
EVIDENCE = Fields(
    {name: Str(LONGEST_EVIDENCE) for name in disputes.EVIDENCE_TEXTS},
    {name: Str() for name in disputes.EVIDENCE_FILES},
)


METHODS = Enum("manual", "prefer_manual", "prefer_smart_disputes", "smart_disputes")


@DISPUTE.on(
    "POST",
    "/{id}",
    evidence=EVIDENCE,
    intended_submission_method=METHODS,
    metadata=Metadata(),
    submit=Bool(),
)
def update(sandbox: Any, params: dict[str, Any], dispute_id: str) -> Row:
    """Edit. `submit` is true unless it is sent as false: then whatever evidence there is goes to the bank."""
    row: Row = sandbox.fetch("dispute", dispute_id, param="dispute")
    _check_open(row)
    has_evidence = bool(params.get("evidence")) or row["evidence_details"]["has_evidence"]
    submits = params.get("submit", True) and has_evidence and row["status"] in disputes.OPEN
    if (params.get("evidence") or params.get("submit")) and row["status"] not in disputes.OPEN:
        raise invalid(f"This dispute's evidence can't be changed any more: its status is {row['status']}.")
    _check_length(row, params.get("evidence", {}))
    with sandbox.edit("dispute", dispute_id, event="charge.dispute.updated"):
        merge(row, params, skip=("submit",))
        kept = (value for name, value in row["evidence"].items() if name != "enhanced_evidence")
        row["evidence_details"]["has_evidence"] = any(kept)
        if submits:
            disputes.submit(sandbox, row)
    disputes.touch_charge(sandbox, row)
    return row


def _check_open(row: Row) -> None:
    if row["status"] in disputes.CLOSED:
        raise invalid("This dispute is already closed")


def _check_length(row: Row, evidence: dict[str, str]) -> None:
    texts = {name: row["evidence"][name] or "" for name in disputes.EVIDENCE_TEXTS} | evidence
    if sum(len(text) for text in texts.values()) > LONGEST_EVIDENCE:
        message = f"The combined length of the evidence must be at most {LONGEST_EVIDENCE:,} characters."
        raise invalid(message, param="evidence")


@DISPUTE.on("POST", "/{id}/close")
def close(sandbox: Any, params: dict[str, Any], dispute_id: str) -> Row:
    """Accept: the payment is lost."""
    row: Row = sandbox.fetch("dispute", dispute_id, param="dispute")
    _check_open(row)
    return disputes.decide(sandbox, dispute_id, won=False)


DISPUTE.lists(charge=Str(), created=Range(), payment_intent=Str())
DISPUTE.reads()
