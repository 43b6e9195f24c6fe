"""Payment intents: one attempt to take money, what may come of it, and giving up."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import balance_transactions, blanks, cards, charges, disputes
from tests.sandbox.billing.timers import ACTIONS
from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.store import Row, clone

SETTLE_SECONDS = 3 * 24 * 3600
CAPTURE_SECONDS = 7 * 24 * 3600
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def make_intent(sandbox: Any, *, amount: int, currency: str, **values: Any) -> Row:
    """A new payment intent that waits for a payment method."""
    intent_id = sandbox.new_id("pi_", 24)
    row: Row = {
        **clone(blanks.PAYMENT_INTENT),
        "id": intent_id,
        "amount": amount,
        "client_secret": f"{intent_id}_secret_{sandbox.new_id('', 25)}",
        "created": sandbox.now(),
        "currency": currency,
        "livemode": sandbox.livemode,
    }
    row.update(values)
    if row["payment_method"]:
        row["status"] = "requires_confirmation"
    sandbox.insert(row, event="payment_intent.created")
    return row


def attempt(sandbox: Any, intent: Row, method: Row, *, off_session: bool) -> StripeError | None:
    """Charge the payment method for the intent; a decline is recorded and returned."""
    known = cards.behaviour(sandbox, method)
    if method["type"] not in intent["payment_method_types"]:
        intent["payment_method_types"] = [*intent["payment_method_types"], method["type"]]
    if reason := known.get("charge"):
        return _decline(sandbox, intent, method, reason)
    if known.get("action"):
        return _ask_for_action(sandbox, intent, method, off_session=off_session)
    _charge(sandbox, intent, method, settle=known.get("settle"))
    return None


def _charge(sandbox: Any, intent: Row, method: Row, *, settle: str | None) -> None:
    manual = intent["capture_method"] == "manual"
    charge = charges.make(sandbox, intent, method)
    intent.update(payment_method=method["id"], latest_charge=charge["id"], last_payment_error=None, next_action=None)
    if settle:
        charge.update(status="pending", paid=False, captured=True)
        sandbox.insert(charge, event="charge.pending")
        intent["status"] = "processing"
        _changed(sandbox, intent, "payment_intent.processing")
        sandbox.timers.at(sandbox.now() + SETTLE_SECONDS, "settle_payment", intent["id"])
    elif manual:
        charge.update(captured=False, amount_captured=0)
        sandbox.insert(charge, event="charge.succeeded")
        intent.update(status="requires_capture", amount_capturable=intent["amount"])
        _changed(sandbox, intent, "payment_intent.amount_capturable_updated")
        sandbox.timers.at(sandbox.now() + CAPTURE_SECONDS, "release_payment", intent["id"])
    else:
        charge["balance_transaction"] = balance_transactions.of_charge(sandbox, charge, charge["amount"])
        sandbox.insert(charge, event="charge.succeeded")
        _succeed(sandbox, intent, intent["amount"])


def _changed(sandbox: Any, intent: Row, event: str) -> None:
    sandbox.table("payment_intent").reindex(intent)
    sandbox.tell(event, intent)


def _succeed(sandbox: Any, intent: Row, amount: int) -> None:
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0, processing=None)
    _changed(sandbox, intent, "payment_intent.succeeded")
    disputes.expect(sandbox, sandbox.table("charge").rows[intent["latest_charge"]])
    if "attached" in sandbox.table("payment_intent").private.get(intent["id"], {}):
        ACTIONS["attached_payment_succeeded"](sandbox, intent["id"])


def _decline(sandbox: Any, intent: Row, method: Row, reason: str) -> StripeError:
    error = cards.declined(reason)
    charge = charges.make(sandbox, intent, method)
    charge.update(
        status="failed",
        paid=False,
        captured=False,
        amount_captured=0,
        receipt_url=None,
        failure_code=error.code,
        failure_message=error.message,
        outcome={
            "advice_code": error.extra["advice_code"],
            "network_advice_code": None,
            "network_decline_code": "51" if reason == "insufficient_funds" else "05",
            "network_status": "declined_by_network",
            "reason": reason,
            "risk_level": "normal",
            "risk_score": 21,
            "seller_message": f"The bank returned the decline code `{reason}`.",
            "type": "issuer_declined",
        },
    )
    sandbox.insert(charge, event="charge.failed")
    intent.update(latest_charge=charge["id"], payment_method=None, status="requires_payment_method", next_action=None)
    _note_error(sandbox, intent, method, error, charge_id=charge["id"])
    _changed(sandbox, intent, "payment_intent.payment_failed")
    error.extra |= {"charge": charge["id"], "payment_intent": clone(intent), "payment_method": clone(method)}
    return error


def _note_error(sandbox: Any, intent: Row, method: Row, error: StripeError, *, charge_id: str | None = None) -> None:
    noted = {
        "advice_code": error.extra.get("advice_code"),
        "charge": charge_id,
        "code": error.code,
        "decline_code": error.extra.get("decline_code"),
        "doc_url": f"https://stripe.com/docs/error-codes/{(error.code or '').replace('_', '-')}",
        "message": error.message,
        "payment_method": clone(method),
        "type": "card_error",
    }
    intent["last_payment_error"] = {key: value for key, value in noted.items() if value is not None}


def _ask_for_action(sandbox: Any, intent: Row, method: Row, *, off_session: bool) -> StripeError | None:
    if off_session:
        message = "Your card was declined. This transaction requires authentication."
        error = StripeError(402, message, code="authentication_required", type="card_error")
        error.extra |= {"decline_code": "authentication_required"}
        intent.update(payment_method=None, status="requires_payment_method")
        _note_error(sandbox, intent, method, error)
        _changed(sandbox, intent, "payment_intent.payment_failed")
        error.extra["payment_intent"] = clone(intent)
        return error
    intent.update(
        payment_method=method["id"],
        status="requires_action",
        next_action={
            "type": "redirect_to_url",
            "redirect_to_url": {
                "return_url": None,
                "url": f"https://hooks.sandbox.example/authenticate/{intent['id']}",
            },
        },
    )
    _changed(sandbox, intent, "payment_intent.requires_action")
    return None


def settled(sandbox: Any, intent: Row) -> StripeError | None:
    """A direct debit arrives, or comes back; the error is returned."""
    charge = sandbox.table("charge").rows[intent["latest_charge"]]
    method = sandbox.table("payment_method").rows[charge["payment_method"]]
    if cards.behaviour(sandbox, method).get("settle") != "fail":
        with sandbox.edit("charge", charge["id"]):
            made = balance_transactions.of_charge(sandbox, charge, charge["amount"])
            charge.update(status="succeeded", paid=True, balance_transaction=made)
        sandbox.tell("charge.succeeded", charge)
        _succeed(sandbox, intent, intent["amount"])
        return None
    error = cards.declined("insufficient_funds")
    with sandbox.edit("charge", charge["id"]):
        charge.update(status="failed", paid=False, failure_code="insufficient_funds", failure_message=error.message)
    sandbox.tell("charge.failed", charge)
    intent.update(status="requires_payment_method", payment_method=None)
    _note_error(sandbox, intent, method, error, charge_id=charge["id"])
    _changed(sandbox, intent, "payment_intent.payment_failed")
    return error


def capture(sandbox: Any, intent: Row, amount: int) -> None:
    """Take what was held, all or part; the rest is released."""
    with sandbox.edit("charge", intent["latest_charge"], event="charge.captured") as charge:
        charge.update(captured=True, amount_captured=amount)
        charge["balance_transaction"] = balance_transactions.of_charge(sandbox, charge, amount)
        if amount < charge["amount"]:
            charge["amount_refunded"] = charge["amount"] - amount
    _succeed(sandbox, intent, amount)


def cancel(sandbox: Any, intent: Row, reason: str | None) -> None:
    """Cancel an intent; money that is held is released."""
    if intent["status"] == "requires_capture":
        with sandbox.edit("charge", intent["latest_charge"], event="charge.refunded") as charge:
            charge.update(refunded=True, amount_refunded=charge["amount"])
    intent.update(
        status="canceled",
        canceled_at=sandbox.now(),
        cancellation_reason=reason,
        amount_capturable=0,
        next_action=None,
    )
    _changed(sandbox, intent, "payment_intent.canceled")


def unexpected_state(intent: Row, verb: str, done: str, allowed: tuple[str, ...]) -> StripeError:
    """400 with the whole intent, as Stripe answers when the status does not allow the verb."""
    one_of = ", ".join(allowed)
    return invalid(
        f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. Only a PaymentIntent "
        f"with one of the following statuses may be {done}: {one_of}.",
        code="payment_intent_unexpected_state",
        payment_intent=clone(intent),
    )
