"""Payouts: the available balance goes to the company's bank each Monday, and by hand at any time.

An automatic payout takes everything of its currency that is available, and the transactions it contains are its own
(`balance_transactions?payout=`). It is on its way the day after and arrives the second day. A payout that was made by
hand contains nothing that can be listed, as at Stripe.
"""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import balance_transactions
from tests.sandbox.billing.periods import DAY
from tests.sandbox.billing.timers import action
from tests.sandbox.store import Row

INSTANT_SECONDS = 1800
ARRIVES_AFTER_DAYS = 2
BANK_ACCOUNT = "ba_1SandboxBackOfficeBank00"
FAILURES = {
    "account_closed": "The bank account has been closed.",
    "could_not_process": "The bank could not process this payout.",
    "no_account": "The bank account details on file are probably incorrect. No bank account could be located with "
    "those details.",
}


@action("pay_out")
def pay_out(sandbox: Any, currency: str) -> None:
    """The automatic payout of a currency; nothing happens while the balance is empty or negative."""
    contained = balance_transactions.unpaid(sandbox, currency)
    amount = sum(row["net"] for row in contained)
    if amount > 0:
        payout = make(sandbox, amount, currency, automatic=True)
        table = sandbox.table("balance_transaction")
        for row in [*contained, table.rows[payout["balance_transaction"]]]:
            row["payout"] = payout["id"]
            table.reindex(row)
    if any(row["currency"] == currency for row in sandbox.table("balance_transaction").where("payout", None)):
        balance_transactions.plan(sandbox, currency)


def make(sandbox: Any, amount: int, currency: str, *, automatic: bool, **values: Any) -> Row:
    """A new payout; the money has left the balance."""
    now = sandbox.clock.real()
    instant = values.get("method") == "instant"
    arrival = now + INSTANT_SECONDS if instant else now // DAY * DAY + ARRIVES_AFTER_DAYS * DAY
    row: Row = {
        "id": sandbox.new_id("po_", 24),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival,
        "automatic": automatic,
        "balance_transaction": None,
        "created": now,
        "currency": currency,
        "description": "STRIPE PAYOUT" if automatic else None,
        "destination": BANK_ACCOUNT,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": sandbox.livemode,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "in_progress" if automatic else "not_applicable",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "pending",
        "trace_id": {"status": "pending", "value": None},
        "type": "bank_account",
        **values,
    }
    made = balance_transactions.record(sandbox, row, "payout", -amount, description=row["description"])
    row["balance_transaction"] = made["id"]
    sandbox.insert(row, event="payout.created")
    if not instant:
        sandbox.timers.at(min(now + DAY, arrival - 1), "send_payout", row["id"], clock=None)
    sandbox.timers.at(arrival, "payout_arrives", row["id"], clock=None)
    return row


@action("send_payout")
def _send(sandbox: Any, payout_id: str) -> None:
    """The payout is with the bank; of an automatic one it is known now what it contains."""
    row = sandbox.table("payout").rows[payout_id]
    if row["status"] != "pending":
        return
    also = ("payout.reconciliation_completed",) if row["automatic"] else ()
    with sandbox.edit("payout", payout_id, event="payout.updated", also=also):
        row["status"] = "in_transit"
        if row["automatic"]:
            row["reconciliation_status"] = "completed"


@action("payout_arrives")
def _arrive(sandbox: Any, payout_id: str) -> None:
    row = sandbox.table("payout").rows[payout_id]
    if row["status"] not in ("pending", "in_transit"):
        return
    with sandbox.edit("payout", payout_id, event="payout.updated", also=("payout.paid",)):
        row["status"] = "paid"
        row["trace_id"] = {"status": "supported", "value": sandbox.new_id("", 12).upper()}


def fail(sandbox: Any, payout_id: str, code: str = "account_closed") -> Row:
    """The bank sends a payout back, be it days after it was paid; the money is in the balance again."""
    row: Row = sandbox.fetch("payout", payout_id)
    if row["status"] in ("failed", "canceled"):
        raise ValueError(f"Payout {payout_id} is {row['status']} already. Nothing was changed.")
    return _give_back(sandbox, row, "payout_failure", status="failed", failure=code)


def cancel(sandbox: Any, row: Row) -> Row:
    """A pending payout does not leave."""
    return _give_back(sandbox, row, "payout_cancel", status="canceled")


def reverse(sandbox: Any, row: Row, metadata: Row) -> Row:
    """Another payout brings the money of a paid one back."""
    given = {"metadata": metadata, "original_payout": row["id"]}
    made = make(sandbox, -row["amount"], row["currency"], automatic=False, **given)
    with sandbox.edit("payout", row["id"], event="payout.updated"):
        row["reversed_by"] = made["id"]
    return made


def _give_back(sandbox: Any, row: Row, kind: str, *, status: str, failure: str | None = None) -> Row:
    made = balance_transactions.record(sandbox, row, kind, row["amount"], description=row["description"])
    with sandbox.edit("payout", row["id"], event="payout.updated", also=(f"payout.{status}",)):
        row.update(status=status, failure_balance_transaction=made["id"])
        if failure:
            row.update(failure_code=failure, failure_message=FAILURES.get(failure, "The payout failed."))
    return row
