"""Checkout Sessions: what is on offer, what it costs, and how a session ends without the customer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.billing import prices
from tests.sandbox.billing.money import check_charge, cost, rounded
from tests.sandbox.billing.periods import DAY
from tests.sandbox.billing.timers import action
from tests.sandbox.errors import invalid
from tests.sandbox.expand import render
from tests.sandbox.store import Row

OPEN_SECONDS = DAY
SHORTEST_SECONDS = 1800


def blank(sandbox: Any, mode: str) -> Row:
    """An open session that offers nothing yet."""
    live = "live" if sandbox.livemode else "test"
    session_id = sandbox.new_id(f"cs_{live}_a1", 56)
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": None,
        "amount_total": None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "cancel_url": None,
        "client_reference_id": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": sandbox.now(),
        "currency": None,
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "customer": None,
        "customer_account": None,
        "customer_creation": None,
        "customer_details": None,
        "customer_email": None,
        "discounts": [],
        "expires_at": sandbox.now() + OPEN_SECONDS,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": sandbox.livemode,
        "locale": None,
        "metadata": {},
        "mode": mode,
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always" if mode == "subscription" else "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": None,
        "total_details": None,
        "ui_mode": "hosted_page",
        "url": f"https://checkout.sandbox.example/c/pay/{session_id}",
        "wallet_options": None,
    }


def offer(sandbox: Any, session: Row, asked: list[dict[str, Any]], coupon: Row | None) -> None:
    """Store the line items of a new session and total it."""
    rows = [_line(sandbox, session, entry) for entry in asked]
    currencies = {row["currency"] for row in rows}
    if len(currencies) > 1:
        message = "The price currencies must match: a Checkout Session has line items of one currency only."
        raise invalid(message, param="line_items")
    _check_prices(session["mode"], rows)
    session["currency"] = currencies.pop()
    _take_off(rows, coupon)
    subtotal, total = (sum(row[key] for row in rows) for key in ("amount_subtotal", "amount_total"))
    if session["mode"] == "payment" and total:
        check_charge(total, session["currency"], "line_items")
    session.update(amount_subtotal=subtotal, amount_total=total)
    session["total_details"] = {"amount_discount": subtotal - total, "amount_shipping": 0, "amount_tax": 0}
    for row in rows:
        sandbox.insert(row)


def _line(sandbox: Any, session: Row, entry: dict[str, Any]) -> Row:
    if entry.get("price"):
        price = sandbox.refer("price", entry["price"], "line_items")
    elif entry.get("price_data"):
        price = prices.make(sandbox, entry["price_data"], inline=True)
    else:
        message = "Missing required param: line_items[0][price]."
        raise invalid(message, code="parameter_missing", param="line_items[0][price]")
    quantity = entry.get("quantity", 1)
    amount = cost(sandbox, price, quantity)
    return {
        "id": sandbox.new_id("li_", 24),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": sandbox.table("product").rows[price["product"]]["name"],
        "metadata": entry.get("metadata") or {},
        "price": price["id"],
        "quantity": quantity,
        "session": session["id"],
    }


def shown_line(sandbox: Any, row: Row) -> None:
    """A line item as Stripe shows it: its price is whole, its session is not named."""
    row["price"] = render(sandbox, sandbox.table("price").rows[row["price"]])
    del row["session"]


def _check_prices(mode: str, rows: list[Row]) -> None:
    if not rows:
        raise invalid("Missing required param: line_items.", code="parameter_missing", param="line_items")
    if mode == "setup":
        raise invalid("`line_items` can't be passed in `setup` mode.", param="line_items")


def check_types(mode: str, types: set[str]) -> None:
    """A payment is for one-off prices, a subscription (here) for recurring ones only."""
    if mode == "payment" and "recurring" in types:
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use "
            "only one-time prices.",
            param="line_items",
        )
    if mode == "subscription" and "recurring" not in types:
        message = "You must provide at least one recurring price in `subscription` mode when using prices."
        raise invalid(message, param="line_items")
    if mode == "subscription" and "one_time" in types:
        message = "This sandbox does not sell one-time prices along with a subscription; Stripe does."
        raise invalid(message, param="line_items")


def _take_off(rows: list[Row], coupon: Row | None) -> None:
    """Spread a coupon over the lines; the last one takes what rounding leaves."""
    if coupon is None:
        return
    subtotal = sum(row["amount_subtotal"] for row in rows)
    currency = rows[0]["currency"]
    percent = Decimal(str(coupon["percent_off"] or 0))
    left = min(subtotal, coupon["amount_off"] or rounded(subtotal * percent / 100, currency))
    whole = left
    for row in rows:
        last = row is rows[-1]
        part = left if last else rounded(Decimal(whole) * row["amount_subtotal"] / max(subtotal, 1), currency)
        row["amount_discount"] = part
        row["amount_total"] = row["amount_subtotal"] - part
        left -= part


def expire(sandbox: Any, session: Row) -> None:
    """The session is over, and nothing was bought."""
    with sandbox.edit("checkout.session", session["id"], also=("checkout.session.expired",)):
        session.update(status="expired", url=None)


@action("session_expires")
def _expires(sandbox: Any, session_id: str) -> None:
    session = sandbox.table("checkout.session").rows[session_id]
    if session["status"] == "open":
        expire(sandbox, session)


@action("session_payment_settles")
def _settles(sandbox: Any, session_id: str) -> None:
    """The debit that a completed session waits for has arrived, or come back."""
    session = sandbox.table("checkout.session").rows[session_id]
    succeeded = _has_come(sandbox, session)
    outcome = f"checkout.session.async_payment_{'succeeded' if succeeded else 'failed'}"
    with sandbox.edit("checkout.session", session_id, also=(outcome,)):
        session["payment_status"] = "paid" if succeeded else "unpaid"


def _has_come(sandbox: Any, session: Row) -> bool:
    if session["mode"] == "subscription":
        return bool(sandbox.table("invoice").rows[session["invoice"]]["status"] == "paid")
    return bool(sandbox.table("payment_intent").rows[session["payment_intent"]]["status"] == "succeeded")
