"""Pending updates: a change that is only made when its invoice is paid (`payment_behavior=pending_if_incomplete`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sandbox.billing import awaiting, collection, invoices
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.billing.timers import action
from tests.sandbox.errors import invalid
from tests.sandbox.expand import render
from tests.sandbox.store import Row, clone

KEPT_SECONDS = 23 * 3600
FIELDS = ("billing_cycle_anchor", "status", "trial_end", "trial_start")
SUPPORTED = {"billing_cycle_anchor", "expand", "items", "off_session", "payment_behavior", "proration_behavior"}
SUPPORTED |= {"proration_date", "trial_end", "trial_from_plan"}
Write = Callable[[Any, Row, Row], Row | None]


def check(params: Row) -> None:
    """Refuse what can't wait for a payment."""
    if refused := sorted(set(params) - SUPPORTED):
        raise invalid(
            f"You can only pass supported parameters when `payment_behavior` is `pending_if_incomplete`; "
            f"`{refused[0]}` is not one.",
            param=refused[0],
        )


def hold(sandbox: Any, row: Row, params: Row, write: Write) -> None:
    """Bill a change, find the payment declined, and leave the subscription as it was until it is paid."""
    before = _state(sandbox, row)
    with sandbox.edit("subscription", row["id"], event="customer.subscription.updated"):
        invoice = write(sandbox, row, params)
        assert invoice is not None, "only what is billed at once can be declined"
        after = _state(sandbox, row)
        _put(sandbox, row, before)
        row["pending_update"] = {
            "billing_cycle_anchor": _changed(before, after, "billing_cycle_anchor"),
            "expires_at": sandbox.now() + KEPT_SECONDS,
            "subscription_items": [render(sandbox, item) for item in after["items"]],
            "trial_end": _changed(before, after, "trial_end"),
            "trial_from_plan": None,
        }
        sandbox.table("subscription").secret(row["id"])["pending"] = after
    awaiting.wait(sandbox, row, invoice, "pending_update")
    sandbox.timers.at(row["pending_update"]["expires_at"], "pending_update_expires", row["id"])
    collection.finalize_and_collect(sandbox, invoice)
    if invoice["next_payment_attempt"]:
        with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
            invoice["next_payment_attempt"] = None


def _state(sandbox: Any, row: Row) -> Row:
    fields = {name: row[name] for name in FIELDS}
    return {"fields": fields, "items": [clone(item) for item in life.items_of(sandbox, row["id"])]}


def _changed(before: Row, after: Row, name: str) -> Any:
    return after["fields"][name] if after["fields"][name] != before["fields"][name] else None


def _put(sandbox: Any, row: Row, state: Row) -> None:
    row.update(state["fields"])
    table = sandbox.table("subscription_item")
    wanted = {item["id"]: clone(item) for item in state["items"]}
    for item in list(life.items_of(sandbox, row["id"])):
        if item["id"] in wanted:
            item.update(wanted.pop(item["id"]))
            table.reindex(item)
        else:
            sandbox.remove("subscription_item", item["id"], keep=False)
    for item in wanted.values():
        sandbox.insert(item)


@action("pending_update_paid")
def _apply(sandbox: Any, subscription_id: str) -> None:
    """The invoice was paid."""
    awaiting.stop(sandbox, subscription_id)
    row = sandbox.table("subscription").rows[subscription_id]
    also = ("customer.subscription.pending_update_applied",)
    with sandbox.edit("subscription", subscription_id, event="customer.subscription.updated", also=also):
        _put(sandbox, row, sandbox.table("subscription").secret(subscription_id).pop("pending"))
        row["pending_update"] = None
    life.schedule(sandbox, row)


@action("pending_update_failed")
def _try_again(sandbox: Any, subscription_id: str) -> None:
    """A declined attempt changes nothing: the customer may try another card until the update expires."""


@action("pending_update_expires")
def _expire(sandbox: Any, subscription_id: str) -> None:
    row = sandbox.table("subscription").rows.get(subscription_id)
    if row is not None and row["pending_update"] and row["pending_update"]["expires_at"] <= sandbox.now():
        _give_up(sandbox, subscription_id)


@action("pending_update_over")
def _give_up(sandbox: Any, subscription_id: str) -> None:
    row, also = sandbox.table("subscription").rows[subscription_id], ("customer.subscription.pending_update_expired",)
    with sandbox.edit("subscription", subscription_id, event="customer.subscription.updated", also=also):
        discard(sandbox, row)


def discard(sandbox: Any, row: Row) -> None:
    """The change will not be made: its invoice is void."""
    row["pending_update"] = None
    invoice = sandbox.table("invoice").rows.get(awaiting.stop(sandbox, row["id"]))
    if invoice is not None and invoice["status"] == "open":
        invoices.void(sandbox, invoice)
