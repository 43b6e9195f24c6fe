"""The Stripe side of a test: a sandbox whose time jumps only between answers, and everything that can happen in it.

What can happen is found in the sandbox's registry: every edit, verb and deletion that it declares. Only how an object
is made has a line of its own below.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from tests.sandbox.errors import StripeError
from tests.sandbox.happenings import HAPPENINGS, happen
from tests.sandbox.resource import Route, all_resources
from tests.sandbox.server import Sandbox
from tests.sandbox.testing import RunningSandbox

# Ours to read, not Stripe's to change.
NOT_BUSINESS = {"account", "event", "webhook_endpoint"}
CARDS = (
    "pm_card_visa",
    "pm_card_mastercard",
    "pm_card_chargeCustomerFail",
    "pm_card_authenticationRequired",
    "pm_card_refundFail",
    "pm_sepaDebit",
    "pm_card_bypassPending",
    "pm_card_createDispute",
)
TEXTS = ("a", "b", "Ωmega \u0000 nul")
INTERVALS = ({"interval": "day"}, {"interval": "week"}, {"interval": "month"})


class Gate:
    """Lets API calls pass, and time jump only while none is under way: an answer's Date is near its state."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._inside = 0
        self._shut = False
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        import asyncio

        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        while not self._enter():
            await asyncio.sleep(0.001)
        try:
            await self.app(scope, receive, send)
        finally:
            with self._lock:
                self._inside -= 1

    def _enter(self) -> bool:
        with self._lock:
            self._inside += not self._shut
            return not self._shut

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Inside, no call is under way and none begins."""
        with self._lock:
            self._shut = True
        try:
            while self._inside:
                time.sleep(0.001)
            yield
        finally:
            self._shut = False


class StripeSide:
    """One running sandbox and what is done to it, by the same path as over HTTP but spared by the faults."""

    def __init__(self, *, parallel: int) -> None:
        self.http = RunningSandbox(Sandbox(parallel=parallel))
        self.sandbox = self.http.sandbox
        config = self.http._server.config
        self.gate = config.loaded_app = Gate(config.loaded_app)  # type: ignore[assignment]

    def close(self) -> None:
        """Stop serving."""
        self.http.close()

    def advance(self, seconds: int) -> None:
        """Let Stripe's time jump."""
        with self.gate.closed():
            self.sandbox.advance(seconds)

    def call(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        """One call; a refusal is no change, a breakdown of the sandbox a failed test."""
        reply = self.sandbox.request(method, path, params)
        if reply.status >= 500:
            raise AssertionError(f"The sandbox broke down at {method} {path} {params}: {reply.body}")
        return reply.body

    def pick(self, object_type: str, number: int) -> str:
        """The id of an object, counted from the newest; an unknown one where there is none."""
        with self.sandbox.lock:
            ids = list(self.sandbox.table(object_type).rows)
        return ids[-1 - number % len(ids)] if ids else "none"


# -- what is made ----------------------------------------------------------------------------------------------------

Making = Callable[[StripeSide, int, int], dict[str, Any]]
MAKINGS: dict[str, Making] = {}


def making(function: Making) -> Making:
    """Declare a way to make something; two drawn numbers choose what to make it of."""
    MAKINGS[function.__name__] = function
    return function


@making
def customer(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """With a card that works, fails, asks or settles late; or with none."""
    if n >= len(CARDS):
        return side.call("POST", "/v1/customers", name=TEXTS[m % 3])
    made = side.call("POST", "/v1/customers", name=TEXTS[m % 3], email=f"{n}@example.com")
    return card(side, 0, n, customer=made["id"])


@making
def card(side: StripeSide, n: int, m: int, customer: str = "") -> dict[str, Any]:
    """A customer's new default."""
    customer = customer or side.pick("customer", n)
    method = side.call("POST", f"/v1/payment_methods/{CARDS[m % len(CARDS)]}/attach", customer=customer)
    default = {"default_payment_method": method.get("id", "none")}
    return side.call("POST", f"/v1/customers/{customer}", invoice_settings=default)


@making
def product(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Under an id of our own, so that it can come again."""
    return side.call("POST", "/v1/products", id=f"PLAN{n % 2}", name=TEXTS[m % 3])


@making
def price(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Daily, weekly or monthly."""
    recurring = INTERVALS[m % 3]
    product = side.pick("product", n)
    return side.call("POST", "/v1/prices", product=product, currency="usd", unit_amount=900 + m, recurring=recurring)


@making
def coupon(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Under an id that comes again."""
    return side.call("POST", "/v1/coupons", id=f"SAVE{n % 2}", percent_off=10 + m, duration="forever")


@making
def subscription(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Paid by card, by invoice, after a trial or with a coupon; of one price or two, one of them made for it."""
    prices = list(dict.fromkeys([side.pick("price", m), side.pick("price", m + n)]))
    wishes: dict[str, Any] = {
        0: {},
        1: {"collection_method": "send_invoice", "days_until_due": 3},
        2: {"trial_period_days": 2},
        3: {"discounts": [{"coupon": side.pick("coupon", m)}]},
        4: {"payment_behavior": "default_incomplete"},
    }[m % 5]
    items = [{"price": price, "quantity": 1 + n} for price in prices]
    return side.call("POST", "/v1/subscriptions", customer=side.pick("customer", n), items=items, **wishes)


@making
def item_change(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Another quantity for an item of a subscription."""
    return side.call("POST", f"/v1/subscription_items/{side.pick('subscription_item', n)}", quantity=1 + m)


@making
def item_added(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """One more item."""
    subscription = side.pick("subscription", n)
    return side.call("POST", "/v1/subscription_items", subscription=subscription, price=side.pick("price", m))


@making
def cancel_later(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """At the period's end, or not after all."""
    return side.call("POST", f"/v1/subscriptions/{side.pick('subscription', n)}", cancel_at_period_end=m % 2 == 0)


@making
def invoice_item(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """To be billed with the next invoice."""
    customer = side.pick("customer", n)
    return side.call("POST", "/v1/invoiceitems", customer=customer, amount=100 + m, currency="usd")


@making
def invoice(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """A draft by hand; now and then with more lines than Stripe shows at once."""
    customer = side.pick("customer", n)
    for number in range(12 if m == 5 else m):
        side.call("POST", "/v1/invoiceitems", customer=customer, amount=100 + number, currency="usd")
    wishes = {"collection_method": "send_invoice", "days_until_due": 3} if m % 2 else {}
    include = "include" if m else "exclude"
    return side.call("POST", "/v1/invoices", customer=customer, pending_invoice_items_behavior=include, **wishes)


@making
def payment(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """With a customer's own card; confirmed, held for capture, or only begun."""
    method = side.pick("payment_method", n)
    customer = side.sandbox.table("payment_method").rows.get(method, {}).get("customer")
    wishes: dict[str, Any] = {
        0: {"confirm": True},
        1: {"confirm": True, "capture_method": "manual"},
        2: {},
    }[m % 3]
    return side.call(
        "POST",
        "/v1/payment_intents",
        amount=1000 + m,
        currency="usd",
        customer=customer or "none",
        payment_method=method,
        return_url="https://example.com/",
        **wishes,
    )


@making
def refund(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Of a part, or of what is left."""
    wishes = {"amount": 10 * m} if m else {}
    return side.call("POST", "/v1/refunds", charge=side.pick("charge", n), **wishes)


@making
def promotion_code(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """For a coupon."""
    promotion = {"type": "coupon", "coupon": side.pick("coupon", n)}
    return side.call("POST", "/v1/promotion_codes", promotion=promotion, code=f"CODE{n}{m}")


@making
def discount(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """On a subscription, by a coupon or a code; or on a customer's draft."""
    source = {"promotion_code": side.pick("promotion_code", m)} if m % 2 else {"coupon": side.pick("coupon", m)}
    target = ("subscription", "invoice")[n % 2]
    return side.call("POST", f"/v1/{target}s/{side.pick(target, n // 2)}", discounts=[source])


@making
def tax_rate(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Of any percentage."""
    return side.call("POST", "/v1/tax_rates", display_name="VAT", inclusive=n % 2 == 0, percentage=m)


@making
def tax_id(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Of a customer."""
    return side.call("POST", f"/v1/customers/{side.pick('customer', n)}/tax_ids", type="eu_vat", value="DE123456789")


@making
def credit(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """On a customer's balance, or taken from it."""
    path = f"/v1/customers/{side.pick('customer', n)}/balance_transactions"
    return side.call("POST", path, amount=(m - 3) * 100, currency="usd")


@making
def setup_intent(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """To keep a card for later."""
    customer = side.pick("customer", n)
    return side.call(
        "POST",
        "/v1/setup_intents",
        customer=customer,
        payment_method=CARDS[m % len(CARDS)],
        confirm=m % 2 == 0,
        return_url="https://example.com/",
    )


@making
def credit_note(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Less owed, or money back, on the customer's balance or outside."""
    wishes = ({}, {"refund_amount": 50}, {"credit_amount": 50}, {"out_of_band_amount": 50})[m % 4]
    return side.call("POST", "/v1/credit_notes", invoice=side.pick("invoice", n), amount=50, **wishes)


@making
def payout(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """By hand, beside Stripe's own."""
    return side.call("POST", "/v1/payouts", amount=100 + m, currency="usd")


@making
def schedule(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """Of a running subscription, or of one to come."""
    if m % 2:
        return side.call("POST", "/v1/subscription_schedules", from_subscription=side.pick("subscription", n))
    items = [{"price": side.pick("price", m)}]
    phases = [{"items": items, "duration": INTERVALS[0]}, {"items": [{**items[0], "quantity": 2}]}]
    start = "now" if m else side.sandbox.now() + 3600
    return side.call(
        "POST",
        "/v1/subscription_schedules",
        customer=side.pick("customer", n),
        start_date=start,
        end_behavior="release" if n % 2 else "cancel",
        phases=phases,
    )


@making
def checkout_session(side: StripeSide, n: int, m: int) -> dict[str, Any]:
    """A page to pay, to subscribe or to leave a card."""
    mode = ("payment", "subscription", "setup")[m % 3]
    described = {"currency": "usd", "unit_amount": 700, "product": side.pick("product", n)}
    lines = {
        "payment": {"line_items": [{"price_data": described, "quantity": 1}]},
        "subscription": {"line_items": [{"price": side.pick("price", n), "quantity": 1}]},
        "setup": {"currency": "usd"},
    }[mode]
    return side.call(
        "POST",
        "/v1/checkout/sessions",
        mode=mode,
        customer=side.pick("customer", n),
        success_url="https://example.com/",
        **lines,
    )


# -- what happens by itself: found in the sandbox's list of happenings -----------------------------------------------

# Where a happening's parameter isn't called like the kind of object that it wants.
CALLED = {"session": "checkout.session"}
ODDS = {"won": (True, False), "succeeds": (True, False), "inquiry": (True, False)}


def happening(side: StripeSide, which: int, n: int, m: int) -> dict[str, Any]:
    """One of them; what is impossible at the moment does not happen."""
    name = sorted(HAPPENINGS)[which % len(HAPPENINGS)]
    given: dict[str, Any] = {}
    for parameter in list(inspect.signature(HAPPENINGS[name]).parameters.values())[1:]:
        if parameter.name in ODDS:
            given[parameter.name] = ODDS[parameter.name][m % 2]
        elif parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD:
            given[parameter.name] = side.pick(CALLED.get(parameter.name, parameter.name), n)
    if "none" in given.values():
        return {}
    try:
        return {**happen(side.sandbox, name, **given), "happened": name}
    except (StripeError, ValueError) as refusal:
        return {"error": {"message": f"{name}: {refusal}"}}


# -- what is changed: found in the registry ----------------------------------------------------------------------------


def _routes() -> Iterator[Route]:
    for resource in all_resources():
        if resource.object not in NOT_BUSINESS:
            yield from resource.routes


def _of_one(route: Route) -> bool:
    """Whether it is about one object, and nothing has to be said but which."""
    required = any(kind.required for kind in route.params.members.values())
    return route.path.count("{") == 1 and not required


EDITS = [
    route
    for route in _routes()
    if route.method == "POST" and route.path.endswith("/{id}") and _of_one(route) and "metadata" in route.params.members
]
VERBS = [
    route
    for route in _routes()
    if route.method == "POST" and not route.path.endswith("/{id}") and "{id}" in route.path and _of_one(route)
]
DELETIONS = [route for route in _routes() if route.method == "DELETE" and _of_one(route)]
