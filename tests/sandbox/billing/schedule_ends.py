"""How a subscription schedule ends. Imports nothing of billing: the end of a subscription has to reach its schedule."""

from __future__ import annotations

from typing import Any

from tests.sandbox.store import Row

RUNNING = ("not_started", "active")


def finish(sandbox: Any, row: Row, status: str, *, told_as: str | None = None) -> None:
    """The schedule is canceled, completed or released now; its past phases stay."""
    event = f"subscription_schedule.{told_as or status}"
    with sandbox.edit("subscription_schedule", row["id"], also=(event,)):
        row.update({"status": status, f"{status}_at": sandbox.now(), "current_phase": None})
        if status == "released":
            row.update(released_subscription=row["subscription"], subscription=None)


def subscription_ended(sandbox: Any, subscription: Row, *, reason: str | None) -> None:
    """A subscription that ends by itself or by request takes its schedule with it; told as aborted when nobody paid."""
    row = sandbox.table("subscription_schedule").rows.get(subscription["schedule"])
    if row is not None and row["status"] in RUNNING:
        finish(sandbox, row, "canceled", told_as="aborted" if reason == "payment_failed" else None)
