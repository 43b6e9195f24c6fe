"""Canceling a subscription at once, by request."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import collection, lines, prorations
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.errors import missing
from tests.sandbox.resource import merge
from tests.sandbox.store import Row


def cancel(sandbox: Any, subscription_id: str, params: Row) -> Row:
    """Cancel at once; what was paid is credited and billed only if asked for."""
    row: Row = sandbox.fetch("subscription", subscription_id)
    if row["status"] in life.OVER:
        raise missing("subscription", subscription_id)
    invoice = settle(sandbox, row, prorate=params.get("prorate", False), invoice_now=params.get("invoice_now", False))
    if invoice is not None:
        collection.finalize_and_collect(sandbox, invoice)
    if row["status"] in life.OVER:  # the last payment failed, and that ended it
        return row
    merge(row["cancellation_details"], params.get("cancellation_details", {}))
    life.end(sandbox, subscription_id, reason="cancellation_requested")
    return row


def settle(sandbox: Any, row: Row, *, prorate: bool, invoice_now: bool, at: int | None = None) -> Row | None:
    """Credit what was paid for and not used, and draft the last invoice, as asked for. With neither, prorations that
    wait for an invoice are dropped."""
    if prorate:
        for item in life.items_of(sandbox, row["id"]):
            prorations.unused(sandbox, row, item, at or sandbox.now())
    if invoice_now:
        return life.bill_what_is_pending(sandbox, row, reason="subscription_cycle", at_once=True)
    if not prorate:
        for item in lines.pending_items(sandbox, row["customer"], row["currency"], row["id"]):
            if item["proration"]:
                sandbox.remove("invoiceitem", item["id"], event="invoiceitem.deleted")
    return None
