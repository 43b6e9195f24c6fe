"""Lives in which more happens to the money: payments that a bank takes back, and what the company answers."""

from typing import Any

from tests.sandbox.billing.balance_transactions import balance
from tests.sandbox.happenings import happen
from tests.sandbox.seed_company import DAY, Api, Customer
from tests.sandbox.seed_lives import Steps, sign_up

EVIDENCE = {
    "product_description": "A monthly plan of an uptime monitor, used daily until last week",
    "access_activity_log": "Signed in on 14 days of the disputed month, last from the usual address",
    "refund_policy_disclosure": "Shown and accepted at sign-up",
}


def disputed(customer: Customer, end: int, *, days: int, reason: str, inquiry: bool = False) -> Steps:
    """A bank takes the last payment back, or asks about it, some days before the end; nobody has answered yet."""
    yield from sign_up(customer, "pm_card_visa")
    customer.subscribe("team")
    yield end - days * DAY
    charge = customer.charges()[0]["id"]
    happen(customer.api.sandbox, "dispute_charge", charge=charge, reason=reason, inquiry=inquiry)


def answered(customer: Customer, end: int, *, days: int, reason: str, evidence: str = "") -> Steps:
    """The company has sent evidence two days later; `evidence` are Stripe's test words for how that ends."""
    yield from disputed(customer, end, days=days, reason=reason)
    yield end - (days - 2) * DAY
    dispute = _dispute(customer)
    proof = EVIDENCE | ({"uncategorized_text": evidence} if evidence else {"customer_name": customer.identity.latin})
    customer.api.call("POST", f"/v1/disputes/{dispute}", {"evidence": proof})


def accepted(customer: Customer, end: int, *, days: int) -> Steps:
    """The company accepts that the money is gone."""
    yield from disputed(customer, end, days=days, reason="duplicate")
    yield end - (days - 1) * DAY
    customer.api.call("POST", f"/v1/disputes/{_dispute(customer)}/close")


def card_for_later(customer: Customer, end: int, *, card: str) -> Steps:
    """Leaves a card before the free trial is over; banks may ask, or refuse."""
    customer.create()
    yield customer.after(0.1)
    params = {"customer": customer.id, "payment_method": card, "confirm": True, "description": "Card for later"}
    ask = customer.api.declined if "Declined" in card else customer.api.call
    ask("POST", "/v1/setup_intents", params)


def bought(customer: Customer, end: int, *, card: str = "pm_card_visa") -> Steps:
    """Buys a workshop on a Checkout page."""
    customer.create()
    yield customer.after(0.1)
    prices = {"usd": 50000, "eur": 48000, "jpy": 75000, "kwd": 154000}
    described = {"currency": customer.currency, "product": customer.catalog.products["business"]}
    line = {"price_data": described | {"unit_amount": prices[customer.currency]}, "quantity": 1}
    session = _checkout(customer, mode="payment", line_items=[line], metadata={"campaign": "spring"})
    happen(customer.api.sandbox, "complete_checkout", session=session, payment_method=card)


def subscribed_by_checkout(customer: Customer, end: int) -> Steps:
    """Subscribes on a Checkout page, after one visit that came to nothing."""
    customer.create()
    yield customer.after(0.1)
    lines = [{"price": customer.price("team"), "quantity": 2}]
    _checkout(customer, mode="subscription", line_items=lines)
    yield customer.after(2)
    session = _checkout(customer, mode="subscription", line_items=lines)
    happen(customer.api.sandbox, "complete_checkout", session=session, name=customer.identity.latin)


def still_thinking(customer: Customer, end: int) -> Steps:
    """Has a Checkout page open."""
    customer.create()
    yield customer.after(0)
    _checkout(customer, mode="subscription", line_items=[{"price": customer.price("starter")}])


def _checkout(customer: Customer, **params: Any) -> str:
    addresses = {
        "success_url": "https://lanternfish.example.com/welcome",
        "cancel_url": "https://lanternfish.example.com",
    }
    session = customer.api.call("POST", "/v1/checkout/sessions", {"customer": customer.id, **addresses, **params})
    return str(session["id"])


def lately(api: Api) -> None:
    """What happened to the company's own money: its bank sent a payout back, and half of the balance was paid out by
    hand. And somebody prepares to rehearse a renewal."""
    if not api.sandbox.livemode:
        params = {"frozen_time": api.sandbox.clock.now(), "name": "Rehearsal of the renewal in autumn"}
        api.call("POST", "/v1/test_helpers/test_clocks", params)
    paid = api.call("GET", "/v1/payouts", {"status": "paid"})["data"]
    payout = next((row for row in paid if row["currency"] == "usd"), None)
    if payout is not None:
        happen(api.sandbox, "fail_payout", payout=payout["id"], code="could_not_process")
    half = balance(api.sandbox, "usd") // 2
    if half > 0:
        by_hand = {"amount": half, "currency": "usd", "description": "Second attempt, by hand"}
        api.call("POST", "/v1/payouts", by_hand | {"metadata": {"asked_by": "Lena Vogel"}})


def _dispute(customer: Customer) -> str:
    charges = {charge["id"] for charge in customer.charges()}
    rows = customer.api.call("GET", "/v1/disputes", {"limit": 100})["data"]
    return str(next(row["id"] for row in rows if row["charge"] in charges))
