"""Canceling a subscription at once, by request."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import collection, prorations
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.errors import missing
from tests.sandbox.resource import merge
from tests.sandbox.store import Row


def cancel(sandbox: Any, subscription_id: str, params: Row) -> Row:
    """Cancel at once; what was paid is credited and billed only if asked for."""
    row: Row = sandbox.fetch("subscription", subscription_id)
    if row["status"] in life.OVER:
        raise missing("subscription", subscription_id)
    if params.get("prorate"):
        for item in life.items_of(sandbox, subscription_id):
            prorations.unused(sandbox, row, item, sandbox.now())
    if params.get("invoice_now"):
        _final_invoice(sandbox, row)
    merge(row["cancellation_details"], params.get("cancellation_details", {}))
    life.end(sandbox, subscription_id, reason="cancellation_requested")
    return row


def _final_invoice(sandbox: Any, row: Row) -> None:
    pending = sandbox.table("invoiceitem").where("customer", row["customer"])
    if any(item["invoice"] is None for item in pending):
        invoice = life.make_invoice(sandbox, row, [], reason="subscription_update", at_once=True)
        with sandbox.edit("subscription", row["id"], event="customer.subscription.updated"):
            row["latest_invoice"] = invoice["id"]
        collection.finalize_and_collect(sandbox, invoice)
