"""What happens at Stripe without a request of ours: banks dispute and refuse, customers pay, Stripe announces.

Tests ask for it with `running.happens("dispute_charge", charge=…)`, in process or over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.sandbox import checkout
from tests.sandbox.billing import balance_transactions, discounts, disputes, payouts, refunds, setups
from tests.sandbox.resources import tax_ids
from tests.sandbox.store import Row, clone

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

Happening = Callable[..., Row]
HAPPENINGS: dict[str, Happening] = {}


def happening(function: Happening) -> Happening:
    """Declare something that can happen, under the function's name."""
    HAPPENINGS[function.__name__] = function
    return function


def happen(sandbox: Sandbox, name: str, /, **given: Any) -> Row:
    """Let it happen; the object that it happened to."""
    if name not in HAPPENINGS:
        raise ValueError(f"Nothing called {name!r} can happen; there are {sorted(HAPPENINGS)}.")
    with sandbox.lock:
        sandbox.tick()
        row: Row = clone(HAPPENINGS[name](sandbox, **given))
    return row


@happening
def dispute_charge(
    sandbox: Sandbox, charge: str, reason: str = "fraudulent", amount: int | None = None, inquiry: bool = False
) -> Row:
    """A cardholder's bank takes a payment back, or inquires about it."""
    return disputes.open_dispute(sandbox, charge, reason=reason, amount=amount, inquiry=inquiry)


@happening
def decide_dispute(sandbox: Sandbox, dispute: str, won: bool) -> Row:
    """The bank has decided."""
    return disputes.decide(sandbox, dispute, won=won)


@happening
def fail_payout(sandbox: Sandbox, payout: str, code: str = "account_closed") -> Row:
    """Our bank sends a payout back, be it days after it was paid."""
    return payouts.fail(sandbox, payout, code)


@happening
def ask_for_refund_details(sandbox: Sandbox, refund: str, email: str = "ann@example.com") -> Row:
    """Stripe asks a customer where the money of a refund shall go."""
    return refunds.ask_for_details(sandbox, sandbox.fetch("refund", refund), email)


@happening
def authenticate_setup(sandbox: Sandbox, setup_intent: str, succeeds: bool = True) -> Row:
    """A customer has answered the bank's question, or failed to."""
    return setups.authenticated(sandbox, setup_intent, succeeds=succeeds)


@happening
def complete_checkout(sandbox: Sandbox, session: str, **given: str) -> Row:
    """A customer submits the page of a Checkout Session (`payment_method`, `email`, `name`); a declined card leaves the
    session open."""
    return checkout.try_to_complete(sandbox, session, **given)


@happening
def verify_tax_id(sandbox: Sandbox, tax_id: str, status: str = "verified") -> Row:
    """An authority answers about a tax id: verified, unverified or, later on, unavailable."""
    row = sandbox.fetch("tax_id", tax_id)
    tax_ids.answer(sandbox, row, status)
    return row


@happening
def give_coupon(sandbox: Sandbox, customer: str, coupon: str) -> Row:
    """An integration of before 2025-03-31 puts a coupon on a customer, or another one in its place."""
    sandbox.fetch("customer", customer)
    return discounts.give_to_customer(sandbox, customer, coupon)


@happening
def balance_available(sandbox: Sandbox) -> Row:
    """Stripe announces that money can be paid out: an event about the balance, which has no id."""
    shown = balance_transactions.sums(sandbox)
    sandbox.event_log.emit("balance.available", shown)
    return shown


@happening
def announce_invoice(sandbox: Sandbox, subscription: str) -> Row:
    """Stripe announces the next invoice of a subscription: the invoice in the event has no id yet."""
    row = sandbox.fetch("subscription", subscription)
    latest = sandbox.table("invoice").rows[row["latest_invoice"]]
    shown = {key: value for key, value in clone(latest).items() if key not in NOT_YET}
    items = sandbox.table("subscription_item").where("subscription", subscription)
    due = min(item["current_period_end"] for item in items)
    shown |= {"status": "draft", "created": due, "billing_reason": "upcoming", "number": None, "attempted": False}
    sandbox.event_log.emit("invoice.upcoming", shown)
    return shown


NOT_YET = ("id", "hosted_invoice_url", "invoice_pdf")
