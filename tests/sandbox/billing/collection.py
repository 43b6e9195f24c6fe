"""Collecting invoices: whom to charge, what success and failure mean for invoice, subscription and customer, and the
retries of failed payments (dunning)."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import awaiting, invoices, payments, schedule_ends
from tests.sandbox.billing.periods import DAY
from tests.sandbox.billing.timers import action
from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.store import Row

RETRY_DAYS = (3, 5, 7)
NO_METHOD = (
    "This customer has no attached payment source or default payment method. Please consider adding a default payment "
    "method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting."
)


def method_for(sandbox: Any, invoice: Row) -> Row | None:
    """The payment method to charge: the invoice's, its subscription's, the customer's."""
    own = sandbox.table("payment_method").rows.get(invoice["default_payment_method"])
    return own or method_of(sandbox, subscription_of(sandbox, invoice) or invoice)


def method_of(sandbox: Any, owing: Row) -> Row | None:
    """The default payment method of a subscription (or of nothing in particular), else of its customer."""
    customer = sandbox.table("customer").rows.get(owing["customer"])
    defaults = customer["invoice_settings"] if customer else {}
    candidates = [owing["default_payment_method"], defaults.get("default_payment_method")]
    known = sandbox.table("payment_method").rows
    return next((known[method_id] for method_id in candidates if method_id in known), None)


def subscription_of(sandbox: Any, invoice: Row) -> Row | None:
    """The subscription that an invoice bills."""
    details = (invoice["parent"] or {}).get("subscription_details")
    return sandbox.table("subscription").rows.get(details["subscription"]) if details else None


def collect(sandbox: Any, invoice: Row, method: Row | None, *, automatic: bool, off_session: bool = True) -> None:
    """One attempt to collect an open or uncollectible invoice; a decline is recorded, then raised."""
    intent = invoices.intent_of(sandbox, invoice)
    if intent is None:
        raise invalid("This invoice has no payment to collect.")
    if intent["status"] == "processing":
        raise invalid("This invoice has a payment that is being processed.", code="invoice_payment_processing")
    if method is None:
        error = invalid(NO_METHOD, code="resource_missing")
    else:
        failure = payments.attempt(sandbox, intent, method, off_session=off_session)
        if failure is None:
            after_attempt(sandbox, invoice, intent, automatic=automatic)
            return
        error = failure
    _failed(sandbox, invoice, automatic=automatic)
    raise error


def after_attempt(sandbox: Any, invoice: Row, intent: Row, *, automatic: bool) -> None:
    """What an attempt that was not declined does to the invoice."""
    if intent["status"] == "succeeded":
        paid(sandbox, invoice, intent, counts=automatic or invoice["attempt_count"] == 0)
    else:
        with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
            count_attempt(invoice, automatic=automatic)
            invoice.update(attempted=True, next_payment_attempt=None)
        if intent["status"] == "requires_action":
            sandbox.tell("invoice.payment_action_required", invoice)
        else:  # a direct debit is on its way: the subscription need not wait for it
            activate(sandbox, invoice)
        if intent["status"] == "processing":
            _trust(sandbox, invoice)


def _trust(sandbox: Any, invoice: Row) -> None:
    """A debit takes days: its subscription is active meanwhile, or it would expire as incomplete."""
    subscription = subscription_of(sandbox, invoice)
    if subscription is not None and subscription["status"] == "incomplete":
        with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
            subscription["status"] = "active"


def count_attempt(invoice: Row, *, automatic: bool) -> None:
    """Automatic attempts count; a manual one only as the first."""
    if automatic or invoice["attempt_count"] == 0:
        invoice["attempt_count"] += 1


def paid(sandbox: Any, invoice: Row, intent: Row, *, counts: bool) -> None:
    """The money has come; `counts` when by an attempt that is counted now."""
    note_payment(sandbox, invoice, intent)
    invoices.mark_paid(sandbox, invoice, attempted=True, counts=counts)
    settle(sandbox, invoice)


def note_payment(sandbox: Any, invoice: Row, intent: Row) -> None:
    """One payment of an invoice has succeeded."""
    for payment in sandbox.table("invoice_payment").where("invoice", invoice["id"]):
        if payment["payment"].get("payment_intent") == intent["id"]:
            payment.update(status="paid", amount_paid=intent["amount_received"])
            payment["status_transitions"]["paid_at"] = sandbox.now()
            sandbox.table("invoice_payment").reindex(payment)
            sandbox.tell("invoice_payment.paid", payment)


def settle(sandbox: Any, invoice: Row) -> None:
    """What a paid invoice means for its customer and subscription."""
    _delinquent(sandbox, invoice["customer"], False)
    awaiting.tell(sandbox, invoice, "paid")
    activate(sandbox, invoice)


def activate(sandbox: Any, invoice: Row) -> None:
    """The subscription whose latest invoice this is can go on."""
    subscription = subscription_of(sandbox, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice["id"]:
        return
    if subscription["status"] in ("incomplete", "past_due", "unpaid"):
        with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
            subscription["status"] = "active"


def give_up(sandbox: Any, invoice: Row) -> None:
    """What an invoice that was voided or written off means for its subscription: it owes nothing any more."""
    awaiting.tell(sandbox, invoice, "over")
    subscription = subscription_of(sandbox, invoice)
    if subscription is not None and subscription["status"] in ("past_due", "unpaid"):
        activate(sandbox, invoice)


def _delinquent(sandbox: Any, customer_id: str, value: bool) -> None:
    customer = sandbox.table("customer").rows.get(customer_id)
    if customer is not None and customer["delinquent"] != value:
        with sandbox.edit("customer", customer_id, event="customer.updated"):
            customer["delinquent"] = value


def _failed(sandbox: Any, invoice: Row, *, automatic: bool) -> None:
    first = invoice["billing_reason"] == "subscription_create"
    with sandbox.edit("invoice", invoice["id"], event="invoice.updated", also=("invoice.payment_failed",)):
        count_attempt(invoice, automatic=automatic)
        invoice["attempted"] = True
        if automatic or invoice["next_payment_attempt"]:
            _plan_retry(sandbox, invoice, first=first)
    _delinquent(sandbox, invoice["customer"], True)
    subscription = subscription_of(sandbox, invoice)
    if awaiting.is_awaited(sandbox, invoice):
        awaiting.tell(sandbox, invoice, "failed")
    elif subscription is not None and not first and subscription["latest_invoice"] == invoice["id"]:
        _overdue(sandbox, invoice, subscription)


def _plan_retry(sandbox: Any, invoice: Row, *, first: bool) -> None:
    count = invoice["attempt_count"]
    if first or count > len(RETRY_DAYS):
        invoice["next_payment_attempt"] = None
    else:
        invoice["next_payment_attempt"] = sandbox.now() + RETRY_DAYS[count - 1] * DAY
        sandbox.timers.at(invoice["next_payment_attempt"], "retry_invoice", invoice["id"])


def _overdue(sandbox: Any, invoice: Row, subscription: Row) -> None:
    """past_due while retries are left, then what the account's setting says."""
    exhausted = invoice["next_payment_attempt"] is None
    if subscription["status"] in ("canceled", "incomplete_expired", "unpaid"):
        return
    if exhausted and sandbox.after_dunning == "canceled":
        end_subscription(sandbox, subscription["id"], reason="payment_failed")
        return
    with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
        subscription["status"] = "unpaid" if exhausted else "past_due"


def end_subscription(
    sandbox: Any, subscription_id: str, *, reason: str | None, kept_invoice: str | None = None
) -> None:
    """The subscription is over now; its open invoices are no longer collected by themselves, but for the last one that
    its end made."""
    also = ("customer.subscription.deleted",)
    with sandbox.edit("subscription", subscription_id, also=also) as row:
        now = sandbox.now()
        expired = row["status"] == "incomplete"
        row["status"] = "incomplete_expired" if expired else "canceled"
        row.update(canceled_at=row["canceled_at"] or now, ended_at=now, pause_collection=None, status_details=None)
        row["cancellation_details"]["reason"] = reason or row["cancellation_details"]["reason"]
    schedule_ends.subscription_ended(sandbox, row, reason=reason)
    for invoice in sandbox.table("invoice").where("parent.subscription_details.subscription", subscription_id):
        if invoice["id"] == kept_invoice and invoice["created"] == now:
            continue
        if invoice["status"] in ("draft", "open") and (invoice["auto_advance"] or invoice["next_payment_attempt"]):
            with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
                invoice.update(auto_advance=False, next_payment_attempt=None, automatically_finalizes_at=None)


def finalize_and_collect(sandbox: Any, invoice: Row) -> StripeError | None:
    """What happens to a draft after its hour: finalized, and charged if it is to be charged; a decline is recorded and
    returned."""
    subscription = subscription_of(sandbox, invoice)
    paused = subscription["pause_collection"] if subscription else None
    invoices.finalize(sandbox, invoice["id"])
    if invoice["status"] == "paid":
        settle(sandbox, invoice)
    elif paused and paused["behavior"] == "void":
        invoices.void(sandbox, invoice)
    elif paused and paused["behavior"] == "mark_uncollectible":
        invoices.mark_uncollectible(sandbox, invoice)
    elif invoice["collection_method"] == "charge_automatically":
        return try_collect(sandbox, invoice)
    return None


def finalize_and_wait(sandbox: Any, invoice: Row) -> None:
    """A draft is finalized and waits until somebody confirms its payment; meanwhile its subscription is overdue."""
    invoices.finalize(sandbox, invoice["id"])
    if invoice["status"] == "paid":
        settle(sandbox, invoice)
        return
    with sandbox.edit("invoice", invoice["id"], event="invoice.updated"):
        invoice.update(auto_advance=False, next_payment_attempt=None)
    subscription = subscription_of(sandbox, invoice)
    if subscription is not None and subscription["status"] == "active":
        with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
            subscription["status"] = "past_due"


def try_collect(sandbox: Any, invoice: Row) -> StripeError | None:
    """An automatic attempt; the decline, if there is one, is returned instead of raised."""
    try:
        collect(sandbox, invoice, method_for(sandbox, invoice), automatic=True)
    except StripeError as error:
        return error
    return None


def confirm(sandbox: Any, intent: Row, method: Row, *, off_session: bool) -> None:
    """Confirm an intent by hand; one of an invoice pays the invoice."""
    invoice_id = sandbox.table("payment_intent").private.get(intent["id"], {}).get("invoice")
    if invoice_id is not None:
        collect(sandbox, sandbox.table("invoice").rows[invoice_id], method, automatic=False, off_session=off_session)
        return
    error = payments.attempt(sandbox, intent, method, off_session=off_session)
    if error is not None:
        raise error


@action("finalize_invoice")
def _finalize(sandbox: Any, invoice_id: str) -> None:
    invoice = sandbox.table("invoice").rows.get(invoice_id)
    if invoice is not None and invoice["status"] == "draft" and invoice["automatically_finalizes_at"] == sandbox.now():
        finalize_and_collect(sandbox, invoice)


@action("invoice_due")
def _due(sandbox: Any, invoice_id: str) -> None:
    """A sent invoice was not paid in time."""
    invoice = sandbox.table("invoice").rows.get(invoice_id)
    if invoice is None or invoice["status"] != "open" or (invoice["due_date"] or sandbox.now() + 1) > sandbox.now():
        return
    sandbox.tell("invoice.overdue", invoice)
    subscription = subscription_of(sandbox, invoice)
    if subscription is None or subscription["latest_invoice"] != invoice_id or subscription["status"] != "active":
        return
    with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
        subscription["status"] = "past_due"


@action("retry_invoice")
def _retry(sandbox: Any, invoice_id: str) -> None:
    invoice = sandbox.table("invoice").rows.get(invoice_id)
    if invoice is not None and invoice["status"] == "open" and invoice["next_payment_attempt"] == sandbox.now():
        try_collect(sandbox, invoice)


@action("settle_payment")
def _settle_payment(sandbox: Any, intent_id: str) -> None:
    intent = sandbox.table("payment_intent").rows.get(intent_id)
    if intent is None or intent["status"] != "processing":
        return
    error = payments.settled(sandbox, intent)
    invoice_id = sandbox.table("payment_intent").private.get(intent_id, {}).get("invoice")
    if invoice_id is None:
        return
    invoice = sandbox.table("invoice").rows[invoice_id]
    if error is None:
        paid(sandbox, invoice, intent, counts=False)
    else:
        _failed(sandbox, invoice, automatic=True)


@action("release_payment")
def _release(sandbox: Any, intent_id: str) -> None:
    intent = sandbox.table("payment_intent").rows.get(intent_id)
    if intent is not None and intent["status"] == "requires_capture":
        payments.cancel(sandbox, intent, "automatic")
