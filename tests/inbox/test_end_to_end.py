"""From the Stripe side to rows over real HTTP: signed deliveries that get lost, doubled, delayed and shuffled."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from django.apps import apps
from django_tasks_db.models import DBTaskResult
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from stripe_mirror.inbox import processing
from stripe_mirror.inbox.store import store_listed
from stripe_mirror.models import Customer, InboxEvent
from stripe_mirror.pull.catch_up import catch_up
from tests.conftest import SECRET, differing
from tests.sandbox.testing import API_KEY, RunningSandbox, SandboxError

pytestmark = pytest.mark.django_db(transaction=True)

RULES: list[dict[str, Any]] = [
    {"lose": True, "probability": 0.4},
    {"repeat": 2, "probability": 0.4},
    {"reorder": 5},
    {"hold": True, "probability": 0.5},
    {"status": 429, "times": 1},
    {"status": 500, "times": 1, "method": "GET"},
]
steps = st.one_of(
    st.tuples(st.just("customer"), st.sampled_from("abc")),
    st.tuples(st.just("rename"), st.integers(0, 3), st.sampled_from("abc")),
    st.tuples(st.just("subscribe"), st.integers(0, 3)),
    st.tuples(st.just("change"), st.integers(0, 3), st.sampled_from(["xy", "yz", "x"])),
    st.tuples(st.just("cancel"), st.integers(0, 3)),
    st.tuples(st.just("delete"), st.integers(0, 3)),
    st.tuples(st.just("coupon")),
    st.tuples(st.just("fault"), st.sampled_from(RULES)),
    st.tuples(st.just("pass"), st.sampled_from([1, 1, 86400])),
    st.tuples(st.just("work")),
)


class StripeSide:
    """Does things at Stripe; what Stripe refuses (a cancelled subscription, a deleted customer) is no change."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        product = sandbox.post("/v1/products", name="Thing")
        monthly = {"interval": "month"}
        prices = [
            sandbox.post("/v1/prices", product=product["id"], currency="usd", unit_amount=n, recurring=monthly)
            for n in (900, 1900)
        ]
        self.prices = [price["id"] for price in prices]

    def do(self, verb: str, *values: Any) -> None:
        with contextlib.suppress(SandboxError, IndexError):
            getattr(self, f"_{verb}")(*values)

    def _customer(self, name: str) -> None:
        self.sandbox.post("/v1/customers", name=name)

    def _rename(self, number: int, name: str) -> None:
        self.sandbox.post(f"/v1/customers/{self._id('customer', number)}", name=name)

    def _subscribe(self, number: int) -> None:
        self.sandbox.post(
            "/v1/subscriptions",
            customer=self._id("customer", number),
            items=[{"price": price} for price in self.prices],
            collection_method="send_invoice",
            days_until_due=3,
        )

    def _change(self, number: int, text: str) -> None:
        self.sandbox.post(f"/v1/subscriptions/{self._id('subscription', number)}", description=text)

    def _cancel(self, number: int) -> None:
        self.sandbox.delete(f"/v1/subscriptions/{self._id('subscription', number)}")

    def _delete(self, number: int) -> None:
        self.sandbox.delete(f"/v1/customers/{self._id('customer', number)}")

    def _coupon(self) -> None:
        """Made, or deleted, or made again under the same id."""
        try:
            self.sandbox.post("/v1/coupons", id="SUMMER", percent_off=10, duration="once")
        except SandboxError:
            self.sandbox.delete("/v1/coupons/SUMMER")

    def _fault(self, rule: dict[str, Any]) -> None:
        self.sandbox.faults.add(**rule)

    def _pass(self, seconds: int) -> None:
        self.sandbox.advance(seconds)

    def _work(self) -> None:
        processing.drain()

    def _id(self, object_type: str, number: int) -> str:
        return str(self.sandbox.objects(object_type)[number]["id"])


def empty_the_mirror() -> None:
    for model in apps.get_app_config("stripe_mirror").get_models():
        model._default_manager.all().delete()
    DBTaskResult.objects.all().delete()


def come_to_rest(sandbox: RunningSandbox) -> None:
    """The faults end; what is under way arrives, what got lost is caught up with, the worker comes round."""
    sandbox.faults.clear()
    sandbox.flush(shuffle=True)
    sandbox.drain_deliveries(20)
    assert catch_up(store_listed).failure == ""
    # What waits for its next attempt is due now.
    InboxEvent.objects.filter(state__in=processing.OPEN).update(next_attempt_at="2000-01-01T00:00Z")
    while processing.drain():
        pass


def test_change_at_stripe_reaches_the_row_by_itself(sandbox: RunningSandbox, live_server: LiveServer) -> None:
    sandbox.deliver_to(f"{live_server.url}/stripe-webhooks/", SECRET)
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.post(f"/v1/customers/{made['id']}", name="Grace")
    sandbox.drain_deliveries(10)
    while processing.drain():
        pass
    assert Customer.objects.get().name == "Grace"


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(history=st.lists(steps, min_size=5, max_size=25))
def test_whatever_gets_lost_doubled_or_shuffled_the_mirror_ends_equal_to_stripe(
    history: list[tuple[Any, ...]], live_server: LiveServer, settings: Settings, impatient: None
) -> None:
    empty_the_mirror()
    with RunningSandbox() as sandbox:
        settings.STRIPE_API_BASE, settings.STRIPE_SECRET_KEY = sandbox.url, API_KEY
        sandbox.deliver_to(f"{live_server.url}/stripe-webhooks/", SECRET)
        side = StripeSide(sandbox)
        for step in history:
            side.do(*step)
        come_to_rest(sandbox)
        assert not InboxEvent.objects.filter(state__in=("received", "waiting", "failed")).exists()
        assert differing(sandbox) == {}
