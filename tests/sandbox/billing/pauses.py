"""Pausing a subscription (no service, no invoices) and resuming it. Not to be taken for `pause_collection`, by which a
subscription goes on and only its invoices are treated differently."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import awaiting, collection, invoices, prorations, terms
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.billing.periods import DAY
from tests.sandbox.billing.timers import action
from tests.sandbox.errors import invalid, missing
from tests.sandbox.store import Row

UNATTEMPTED_SECONDS = 23 * 3600
UNPAID_SECONDS = 365 * DAY
PAUSABLE = ("active", "past_due", "unpaid")
RESUMED = ("customer.subscription.resumed",)


def pause(sandbox: Any, subscription_id: str, params: Row) -> Row:
    """Stop service and invoices; what was paid and not used is credited as asked for."""
    row: Row = sandbox.fetch("subscription", subscription_id)
    check_pause(row)
    with sandbox.edit("subscription", subscription_id, event="customer.subscription.updated"):
        invoice = settle(sandbox, row, params)
        life.set_paused(sandbox, row, "pause_requested")
    sandbox.tell("customer.subscription.paused", row)
    if invoice is not None:
        collection.finalize_and_collect(sandbox, invoice)
    life.schedule(sandbox, row)
    return row


def check_pause(row: Row) -> None:
    """Refuse what can't be paused."""
    if row["status"] in life.OVER:
        raise missing("subscription", row["id"])
    if row["status"] not in PAUSABLE:
        raise invalid(f"You cannot pause a subscription that is `{row['status']}`.")
    if row["billing_mode"]["type"] != "flexible":
        raise invalid("You can only pause a subscription whose `billing_mode` is `flexible`.")
    if row["collection_method"] != "charge_automatically":
        raise invalid("You can only pause a subscription whose `collection_method` is `charge_automatically`.")
    if row["schedule"]:
        raise invalid(f"You cannot pause a subscription that is attached to a schedule: `{row['schedule']}`.")


def settle(sandbox: Any, row: Row, params: Row) -> Row | None:
    """Credit the time that was paid for; the draft that shows it, if an invoice is asked for and not empty."""
    since = params.get("bill_for", {}).get("unused_time_from", {}).get("type", "now")
    if since != "none":
        for item in life.items_of(sandbox, row["id"]):
            at = sandbox.now() if since == "now" else item["current_period_start"]
            prorations.unused(sandbox, row, item, at)
    if params.get("invoicing_behavior") != "invoice":
        return None
    return life.bill_what_is_pending(sandbox, row, reason="subscription_update", at_once=True)


def resume(sandbox: Any, subscription_id: str, params: Row) -> Row:
    """Begin again: at once, or when the invoice of it is paid."""
    row: Row = sandbox.fetch("subscription", subscription_id)
    check_resume(sandbox, row, params)
    _forget_earlier(sandbox, row)
    invoice = None
    with sandbox.edit("subscription", subscription_id, event="customer.subscription.updated"):
        invoice = restart(sandbox, row, params)
        if invoice is None:
            _set_going(row, "active")
    if invoice is None:
        sandbox.tell("customer.subscription.resumed", row)
    else:
        _collect(sandbox, row, invoice, params.get("payment_behavior", "resume_on_payment_attempt"))
    life.schedule(sandbox, row)
    return row


def check_resume(sandbox: Any, row: Row, params: Row) -> None:
    """Refuse what can't be resumed."""
    if row["status"] in life.OVER:
        raise missing("subscription", row["id"])
    if row["status"] != "paused":
        raise invalid("You can only resume a subscription if it is `paused`.")
    if row["collection_method"] != "charge_automatically":
        raise invalid("You can only resume a subscription whose `collection_method` is `charge_automatically`.")
    flexible = row["billing_mode"]["type"] == "flexible"
    if params.get("payment_behavior") == "resume_on_payment_success" and not flexible:
        message = "`resume_on_payment_success` is only available if the subscription's `billing_mode` is `flexible`."
        raise invalid(message, param="payment_behavior")
    started = min(item["current_period_start"] for item in life.items_of(sandbox, row["id"]))
    if not started <= params.get("proration_date", started) <= sandbox.now():
        raise invalid(terms.OUTSIDE, param="proration_date")


def restart(sandbox: Any, row: Row, params: Row) -> Row | None:
    """Begin the periods anew, or go on in those that are running; the draft of what is due for it, if anything is."""
    items = life.items_of(sandbox, row["id"])
    if params.get("billing_cycle_anchor", "now") == "now":
        row["billing_cycle_anchor"] = sandbox.now()
        _begin_periods(sandbox, row, items)
        return _bill(sandbox, row, items)
    _begin_periods(sandbox, row, items)
    wish = params.get("proration_behavior", "create_prorations")
    if wish != "none":
        _charge_rest(sandbox, row, items, params.get("proration_date", sandbox.now()))
    return _bill(sandbox, row, []) if wish == "always_invoice" else None


def _begin_periods(sandbox: Any, row: Row, items: list[Row]) -> None:
    for item in items:
        life.set_periods(sandbox, row, item, start=sandbox.now())


def _charge_rest(sandbox: Any, row: Row, items: list[Row], at: int) -> None:
    """The rest of the running periods, from `at` on."""
    status, row["status"] = row["status"], "active"  # paused time costs nothing, but this is the time after it
    for item in items:
        item["current_period_start"] = min(at, item["current_period_start"])
        prorations.remaining(sandbox, row, item, at)
        item["current_period_start"] = sandbox.now()
    row["status"] = status


def _bill(sandbox: Any, row: Row, items: list[Row]) -> Row:
    invoice = life.make_invoice(sandbox, row, items, reason="subscription_update", at_once=True)
    row["latest_invoice"] = invoice["id"]
    return invoice


def _collect(sandbox: Any, row: Row, invoice: Row, behavior: str) -> None:
    """The subscription stays paused until its invoice is paid; without a payment for too long, the invoice is void."""
    awaiting.wait(sandbox, row, invoice, "resumption")
    sandbox.table("subscription").secret(row["id"])["tolerant"] = behavior == "resume_on_payment_attempt"
    if behavior == "resume_on_payment_success":
        sandbox.timers.at(sandbox.now() + UNPAID_SECONDS, "resumption_expires", row["id"])
        collection.finalize_and_collect(sandbox, invoice)
        return
    invoices.finalize(sandbox, invoice["id"])
    if invoice["status"] == "paid":
        collection.settle(sandbox, invoice)
        return
    with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
        invoice.update(auto_advance=False, next_payment_attempt=None)
    sandbox.timers.at(sandbox.now() + UNATTEMPTED_SECONDS, "resumption_expires", row["id"])


def _forget_earlier(sandbox: Any, row: Row) -> None:
    """An invoice of an earlier try to resume is void."""
    earlier = sandbox.table("invoice").rows.get(awaiting.stop(sandbox, row["id"]))
    if earlier is not None and earlier["status"] == "open":
        invoices.void(sandbox, earlier)


def _set_going(row: Row, status: str) -> None:
    row.update(status=status, status_details=None)


def _go_on(sandbox: Any, subscription_id: str, status: str) -> None:
    awaiting.stop(sandbox, subscription_id)
    with sandbox.edit("subscription", subscription_id, event="customer.subscription.updated", also=RESUMED) as row:
        _set_going(row, status)
    life.schedule(sandbox, row)


@action("resumption_paid")
def _paid(sandbox: Any, subscription_id: str) -> None:
    _go_on(sandbox, subscription_id, "active")


@action("resumption_failed")
def _failed(sandbox: Any, subscription_id: str) -> None:
    """An attempt was enough where no success was asked for: the subscription goes on and owes."""
    if sandbox.table("subscription").private[subscription_id]["tolerant"]:
        _go_on(sandbox, subscription_id, "past_due")


@action("resumption_over")
def _over(sandbox: Any, subscription_id: str) -> None:
    """Written off, the invoice counts as settled; void, it leaves the subscription paused."""
    invoice_id = sandbox.table("subscription").private[subscription_id]["awaits"]["invoice"]
    if sandbox.table("invoice").rows[invoice_id]["status"] == "uncollectible":
        _go_on(sandbox, subscription_id, "active")
    else:
        awaiting.stop(sandbox, subscription_id)


@action("resumption_expires")
def _expire(sandbox: Any, subscription_id: str) -> None:
    row = sandbox.table("subscription").rows.get(subscription_id)
    awaits = sandbox.table("subscription").private.get(subscription_id, {}).get("awaits")
    if row is None or row["status"] != "paused" or not awaits or awaits["kind"] != "resumption":
        return
    invoice = sandbox.table("invoice").rows[awaits["invoice"]]
    if invoice["status"] == "open" and sandbox.now() - invoice["created"] >= UNATTEMPTED_SECONDS:
        _forget_earlier(sandbox, row)
