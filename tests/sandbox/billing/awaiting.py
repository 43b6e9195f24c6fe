"""What waits for an invoice to be paid before it happens to a subscription. Imports nothing of billing but the names of
actions: paying has to reach what came of it."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing.timers import ACTIONS
from tests.sandbox.store import Row


def wait(sandbox: Any, subscription: Row, invoice: Row, kind: str) -> None:
    """From now on the actions `{kind}_paid`, `{kind}_failed` and `{kind}_over` hear of what becomes of the invoice."""
    sandbox.table("subscription").secret(subscription["id"])["awaits"] = {"invoice": invoice["id"], "kind": kind}


def stop(sandbox: Any, subscription_id: str) -> str | None:
    """Wait no more; the id of the invoice that was waited for."""
    awaits = sandbox.table("subscription").secret(subscription_id).pop("awaits", None)
    return awaits and str(awaits["invoice"])


def is_awaited(sandbox: Any, invoice: Row) -> bool:
    """Whether something waits for this invoice."""
    return _awaits(sandbox, invoice) is not None


def tell(sandbox: Any, invoice: Row, what: str) -> None:
    """The invoice is paid, over (void or written off), or an attempt failed: say so to what waits for it."""
    kind = _awaits(sandbox, invoice)
    if kind is not None:
        ACTIONS[f"{kind}_{what}"](sandbox, invoice["parent"]["subscription_details"]["subscription"])


def _awaits(sandbox: Any, invoice: Row) -> str | None:
    details = (invoice["parent"] or {}).get("subscription_details") or {}
    awaits = sandbox.table("subscription").private.get(details.get("subscription"), {}).get("awaits")
    return awaits["kind"] if awaits and awaits["invoice"] == invoice["id"] else None
