"""What a customer owes or has to its credit: every change of `customer.balance` leaves a transaction.

Negative is credit for the customer. The transactions have no events: the customer's own tells that there is a new one.
"""

from __future__ import annotations

from typing import Any

from tests.sandbox.resource import merged_metadata
from tests.sandbox.store import Row


def move(sandbox: Any, customer: Row, amount: int, kind: str, **values: Any) -> Row:
    """Change the balance, and record why."""
    with sandbox.edit("customer", customer["id"], event="customer.updated"):
        customer["balance"] += amount
        customer["currency"] = customer["currency"] or values.get("currency")
        return record(sandbox, customer, amount, kind, **values)


def record(
    sandbox: Any, customer: Row, amount: int, kind: str, *, metadata: dict[str, str] | None = None, **values: Any
) -> Row:
    """The transaction of a balance that has just been changed."""
    row: Row = {
        "id": sandbox.new_id("cbtxn_", 24),
        "object": "customer_balance_transaction",
        "amount": amount,
        "checkout_session": None,
        "created": sandbox.now(),
        "credit_note": None,
        "currency": customer["currency"] or "usd",
        "customer": customer["id"],
        "customer_account": None,
        "description": None,
        "ending_balance": customer["balance"],
        "invoice": None,
        "livemode": sandbox.livemode,
        "metadata": merged_metadata({}, metadata or {}),
        "type": kind,
    }
    row.update(values)
    sandbox.insert(row)
    return row
