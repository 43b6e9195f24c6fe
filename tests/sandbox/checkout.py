"""The customer's side of Checkout: who completes a session, with which payment method, and what comes of it."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards, changes, payments, setups
from tests.sandbox.errors import StripeError
from tests.sandbox.resources import customers
from tests.sandbox.resources.checkout_sessions import details
from tests.sandbox.store import Row


def complete(
    sandbox: Any,
    session_id: str,
    *,
    payment_method: str = "pm_card_visa",
    email: str | None = None,
    name: str = "Jenny Rosen",
) -> Row:
    """The customer fills in the page and submits it; a declined card is raised and leaves the session open."""
    session: Row = sandbox.fetch("checkout.session", session_id)
    if session["status"] != "open":
        raise ValueError(f"Checkout Session {session_id} is {session['status']}, not open. Nothing was changed.")
    known = sandbox.table("customer").rows.get(session["customer"])
    email = session["customer_email"] or (known["email"] if known else None) or email or "jenny.rosen@example.com"
    _find_customer(sandbox, session, email, name)
    done = WAYS[session["mode"]](sandbox, session, payment_method)
    if not done:
        return session
    with sandbox.edit("checkout.session", session_id, also=("checkout.session.completed",)):
        session["customer_details"] = details(email, name=name, country="US")
        session.update(status="complete", url=None, **done)
    if session["payment_status"] == "unpaid":
        sandbox.timers.at(sandbox.now() + payments.SETTLE_SECONDS, "session_payment_settles", session_id)
    return session


def _find_customer(sandbox: Any, session: Row, email: str, name: str) -> None:
    """A subscription needs a customer, a payment only if the session says so."""
    wanted = session["mode"] == "subscription" or session["customer_creation"] == "always"
    if session["customer"] is None and wanted:
        made = customers.create(sandbox, {"email": email, "name": name})
        with sandbox.edit("checkout.session", session["id"]):
            session["customer"] = made["id"]


def _pay(sandbox: Any, session: Row, token: str) -> Row:
    if not session["amount_total"]:
        return {"payment_status": "no_payment_required"}
    method = cards.usable(sandbox, token)
    if session["payment_intent"] is None:
        passed_on = sandbox.table("checkout.session").private[session["id"]]["passed_on"]
        given = {"customer": session["customer"], "metadata": {}, **passed_on}
        intent = payments.make_intent(sandbox, amount=session["amount_total"], currency=session["currency"], **given)
        session["payment_intent"] = intent["id"]
        sandbox.table("checkout.session").reindex(session)
    intent = sandbox.table("payment_intent").rows[session["payment_intent"]]
    error = payments.attempt(sandbox, intent, method, off_session=False)
    if error is not None:
        raise error
    if intent["status"] == "requires_action":  # the page waits for the customer's bank
        return {}
    return {"payment_status": "paid" if intent["status"] == "succeeded" else "unpaid"}


def _subscribe(sandbox: Any, session: Row, token: str) -> Row:
    method = cards.attach(sandbox, token, session["customer"])
    lines = sandbox.table("item").where("session", session["id"])
    passed_on = sandbox.table("checkout.session").private[session["id"]]["passed_on"]
    asked = [{key: value for key, value in entry.items() if value} for entry in session["discounts"]]
    params = {
        "customer": session["customer"],
        "default_payment_method": method["id"],
        "items": [{"price": line["price"], "quantity": line["quantity"]} for line in lines],
        "payment_behavior": "error_if_incomplete",
        **({"discounts": asked} if asked else {}),
        **passed_on,
    }
    subscription = changes.create(sandbox, params)
    invoice = sandbox.table("invoice").rows[subscription["latest_invoice"]]
    status = "paid" if invoice["status"] == "paid" else "unpaid"
    status = status if invoice["total"] else "no_payment_required"
    return {"subscription": subscription["id"], "invoice": invoice["id"], "payment_status": status}


def _save(sandbox: Any, session: Row, token: str) -> Row:
    intent = sandbox.table("setup_intent").rows[session["setup_intent"]]
    setups.confirm(sandbox, intent, cards.usable(sandbox, token))
    return {"payment_status": "no_payment_required"} if intent["status"] == "succeeded" else {}


WAYS = {"payment": _pay, "subscription": _subscribe, "setup": _save}


def try_to_complete(sandbox: Any, session_id: str, **given: Any) -> Row:
    """As `complete`, for callers to whom a declined card is an ordinary outcome: the session is still open then."""
    try:
        return complete(sandbox, session_id, **given)
    except StripeError as error:
        if error.status != 402:
            raise
    session: Row = sandbox.table("checkout.session").rows[session_id]
    return session
