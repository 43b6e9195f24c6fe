"""Every list that has to be read to see a whole kind: what Stripe's plain lists leave out."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from stripe_mirror.kinds import all_kinds, get_kind
from stripe_mirror.models import Customer
from stripe_mirror.pull.embedded import children_in
from stripe_mirror.pull.listing import Source, objects_in, sources
from stripe_mirror.stripe_api import read
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db


def listed(kind: str) -> set[str]:
    """The ids that the lists of a kind show together."""
    return {
        found["id"]
        for source in sources(get_kind(kind))
        for answer in read.list_pages(source.path, source.params)
        for item in answer.body["data"]
        for found in objects_in(item, source.inside)
    }


def alive(sandbox: RunningSandbox, kind: str) -> set[str]:
    return {row["id"] for row in sandbox.objects(kind) if not row.get("deleted")}


@pytest.mark.parametrize("kind", [k.object for k in all_kinds() if not k.parent and not k.nested])
def test_every_object_of_a_company_is_in_some_list(company: RunningSandbox, kind: str) -> None:
    """Canceled subscriptions (S21), inactive prices, tax ids and discounts inside other lists, test clocks, …"""
    missing = alive(company, kind) - listed(kind)
    # Never listed: inline prices and detached payment methods are fetched by the id that names them, and discounts
    # that no customer, subscription or invoice shows any more.
    reasons = {"price": inline(company), "payment_method": detached(company), "discount": embedded(company)}
    assert missing <= reasons.get(kind, set())


def test_objects_of_a_test_clock_are_listed(sandbox: RunningSandbox) -> None:
    on_clock = clocked(sandbox)
    for kind, id in on_clock.items():
        assert id in listed(kind), kind


def test_test_clocks_are_not_asked_for_in_live_mode(sandbox: RunningSandbox, settings: Settings) -> None:
    clocked(sandbox)
    sandbox.clear_requests()
    settings.STRIPE_SECRET_KEY = "rk_live_" + "x" * 24
    assert [source.params for source in sources(get_kind("customer"))] == [{}]
    assert not sandbox.requests()


def test_balance_transactions_are_listed_for_each_mirrored_customer(sandbox: RunningSandbox) -> None:
    ids = [sandbox.post("/v1/customers", name=name)["id"] for name in ("Ada", "Eva")]
    for id in ids:
        sandbox.post(f"/v1/customers/{id}/balance_transactions", amount=-100, currency="usd")
        Customer.objects.create(id=id, data={"id": id}, **seen())
    found = list(sources(get_kind("customer_balance_transaction")))
    paths = {f"/v1/customers/{id}/balance_transactions" for id in ids}
    assert {source.path for source in found} == paths and {source.parent for source in found} == set(ids)
    assert listed("customer_balance_transaction") == alive(sandbox, "customer_balance_transaction")


def test_kinds_without_lists_have_none() -> None:
    assert list(sources(get_kind("subscription_item"))) == []
    assert Source("/v1/customers").params == {}


def clocked(sandbox: RunningSandbox) -> dict[str, str]:
    """A customer of a test clock with a subscription and a schedule."""
    clock = sandbox.post("/v1/test_helpers/test_clocks", frozen_time=sandbox.sandbox.now())["id"]
    customer = sandbox.post("/v1/customers", name="Ada", test_clock=clock)["id"]
    product = sandbox.post("/v1/products", name="Boat")["id"]
    price = sandbox.post("/v1/prices", product=product, currency="usd", unit_amount=9, recurring={"interval": "month"})
    made = sandbox.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": price["id"]}],
        collection_method="send_invoice",
        days_until_due=5,
    )
    schedule = sandbox.post("/v1/subscription_schedules", from_subscription=made["id"])
    return {"customer": customer, "subscription": made["id"], "subscription_schedule": schedule["id"]}


def inline(sandbox: RunningSandbox) -> set[str]:
    """Prices made for one use."""
    lists = (sandbox.get("/v1/prices", active=active, limit=100) for active in ("true", "false"))
    shown = {price["id"] for page in lists for price in page["data"]}
    return alive(sandbox, "price") - shown


def detached(sandbox: RunningSandbox) -> set[str]:
    return {row["id"] for row in sandbox.objects("payment_method") if row["customer"] is None}


def embedded(sandbox: RunningSandbox) -> set[str]:
    """Discounts of customers come with the customer, and others may be over."""
    of_customers = {one["id"] for row in sandbox.objects("customer") for one in children_in(row, "discount")}
    shown: set[Any] = {
        one if isinstance(one, str) else one["id"]
        for kind in ("subscription", "subscription_item", "invoice", "line_item", "invoiceitem")
        for row in sandbox.objects(kind)
        for one in row.get("discounts") or ()
    }
    return of_customers | (alive(sandbox, "discount") - shown)


def seen() -> dict[str, Any]:
    now = timezone.now()
    return {"as_of": now, "synced_at": now, "changed_at": now}
