"""Fixtures for the sandbox's own tests: a running sandbox, the real stripe package, and a receiver of webhooks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import stripe

from tests.sandbox.testing import API_KEY, RunningSandbox, wait_for

SECRET = "whsec_" + "receiver"
DAY, HOUR = 86400, 3600
FEBRUARY_1 = 1_706_745_600  # 2024-02-01 00:00 UTC: a month of 29 days
MONTHLY = {"interval": "month"}
PLAN = {"currency": "usd", "unit_amount": 2000, "recurring": MONTHLY}
Params = dict[str, Any]


class Receiver:
    """A web server that takes webhooks, checks their signature with the stripe package, and keeps them."""

    def __init__(self) -> None:
        self.events: list[stripe.Event] = []
        self.statuses: list[int] = []  # what to answer first; 200 when used up
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], SECRET)
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                if status == 200:
                    receiver.events.append(event)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def types(self) -> list[str]:
        """The types received, in order of arrival."""
        return [event.type for event in self.events]

    def wait(self, count: int, timeout: float = 5) -> None:
        """Until so many events have come."""
        wait_for(lambda: len(self.events) >= count, timeout, f"{len(self.events)} of {count} events had come")

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with RunningSandbox() as sandbox:
        yield sandbox


@pytest.fixture
def client(running: RunningSandbox) -> stripe.StripeClient:
    return connect(running.url)


@pytest.fixture
def receiver(running: RunningSandbox) -> Iterator[Receiver]:
    taking = Receiver()
    running.deliver_to(taking.url, SECRET)
    yield taking
    taking.close()


@pytest.fixture
def halfway(running: RunningSandbox) -> Params:
    """A subscription (20 dollars a month) in the middle of its month."""
    running.sandbox.clock.set(FEBRUARY_1)
    subscription = subscribe(running)
    running.advance(14 * DAY + 12 * HOUR)
    return subscription


def events_since(running: RunningSandbox, since: int) -> list[str]:
    """The types of all events but the first so many, oldest first."""
    return [event["type"] for event in running.sandbox.events[: len(running.sandbox.events) - since]][::-1]


def refusal(caught: pytest.ExceptionInfo[stripe.StripeError]) -> tuple[Any, Any, Any, Any]:
    """What a refusal consists of: status, code, parameter, sentence."""
    error = caught.value
    return error.http_status, error.code, getattr(error, "param", None), error.user_message


def connect(url: str, key: str = API_KEY, **options: Any) -> stripe.StripeClient:
    """The real package, pointed at a sandbox, without retries."""
    return stripe.StripeClient(key, base_addresses={"api": url}, max_network_retries=0, **options)


def make_customer(running: RunningSandbox, card: str = "pm_card_visa", **params: Any) -> dict[str, Any]:
    """A customer with a card."""
    default = {"default_payment_method": card}
    return running.post("/v1/customers", payment_method=card, invoice_settings=default, **params)


def make_price(running: RunningSandbox, **price: Any) -> str:
    """A monthly price of 20 dollars, or as described."""
    product = running.post("/v1/products", name="Gold", default_price_data={**PLAN, **price})
    return str(product["default_price"])


def subscribe(running: RunningSandbox, customer: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
    """A subscription to one item of the monthly price."""
    customer = customer or make_customer(running)
    if "items" not in params:
        params["items"] = [{"price": make_price(running)}]
    return running.post("/v1/subscriptions", customer=customer["id"], **params)
