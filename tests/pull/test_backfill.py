"""Backfill: whole kinds from the sandbox into rows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from stripe_mirror.kinds import all_kinds, get_kind
from stripe_mirror.models import (
    Change,
    Charge,
    Customer,
    Invoice,
    Price,
    Refund,
    Subscription,
    SubscriptionItem,
    SyncRun,
)
from stripe_mirror.pull import backfill as module
from stripe_mirror.pull.apply import Origin, apply_state
from stripe_mirror.pull.backfill import backfill, backfill_kind, listed_kinds
from tests.conftest import differing
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

State = SyncRun.State


def test_backfill_of_all_kinds_makes_the_mirror_equal_to_stripe(company: RunningSandbox) -> None:
    runs = backfill(listed_kinds(), workers=2)
    assert {run.state for run in runs} == {State.DONE}, [run.message for run in runs]
    assert differing(company) == {}
    assert all(run.finished_at and run.pages for run in runs)
    assert sum(run.seen for run in runs) >= Customer.objects.count() + Invoice.objects.count()


def test_first_backfill_writes_no_history(company: RunningSandbox) -> None:
    backfill(listed_kinds(["customer"]))
    assert not Change.objects.exists()


def test_second_backfill_changes_only_what_differs(company: RunningSandbox) -> None:
    backfill(listed_kinds())
    before = {row.pk: (row.version, row.changed_at) for row in Customer.objects.all()}
    changed, other = [row["id"] for row in company.objects("customer") if not row.get("deleted")][:2]
    company.post(f"/v1/customers/{changed}", name="Other", metadata={"k": "v"})
    runs = backfill(listed_kinds())
    assert sum(run.changed for run in runs) == 1
    assert differing(company) == {}
    row = Customer.objects.get(pk=changed)
    assert (row.name, row.version) == ("Other", 2)
    assert (Customer.objects.get(pk=other).version, Customer.objects.get(pk=other).changed_at) == before[other]
    change = Change.objects.get()
    assert (change.object_id, change.source, change.version) == (changed, Change.Source.SYNC, 2)
    assert change.fields["name"][1] == "Other"
    assert change.fields["metadata.k"] == [None, "v"]


def test_unchanged_rows_are_known_to_be_current(company: RunningSandbox) -> None:
    """Their seconds move, or an older event would pass later."""
    backfill(listed_kinds(["customer"]))
    first = {row.pk: (row.as_of, row.synced_at) for row in Customer.objects.all()}
    company.advance(100)
    backfill(listed_kinds(["customer"]))
    for row in Customer.objects.all():
        assert row.as_of > first[row.pk][0]
        assert row.synced_at > first[row.pk][1]
        assert row.version == 1


def test_cancelled_subscriptions_are_listed(sandbox: RunningSandbox) -> None:
    """S21: 10 of 30 are cancelled."""
    price = priced(sandbox)
    for number in range(30):
        made = subscribed(sandbox, price)
        if number < 10:
            sandbox.delete(f"/v1/subscriptions/{made['id']}")
    backfill(listed_kinds(["subscription"]))
    assert Subscription.objects.count() == 30
    assert Subscription.objects.filter(status="canceled").count() == 10


def priced(sandbox: RunningSandbox, amount: int = 900) -> str:
    product = sandbox.post("/v1/products", name="Thing")
    monthly = {"interval": "month"}
    price = sandbox.post("/v1/prices", product=product["id"], currency="usd", unit_amount=amount, recurring=monthly)
    return str(price["id"])


def subscribed(sandbox: RunningSandbox, *prices: str) -> dict[str, Any]:
    buyer = sandbox.post("/v1/customers", name="Buyer")
    return sandbox.post(
        "/v1/subscriptions",
        customer=buyer["id"],
        items=[{"price": price} for price in prices],
        collection_method="send_invoice",
        days_until_due=30,
    )


def test_all_items_of_a_long_subscription_and_all_refunds_of_a_charge_are_stored(sandbox: RunningSandbox) -> None:
    """S25: lists that Stripe cuts off inside an object are completed."""
    made = subscribed(sandbox, *[priced(sandbox, 100 + n) for n in range(20)])
    for n in range(5):
        sandbox.post("/v1/subscription_items", subscription=made["id"], price=priced(sandbox, 500 + n))
    method = sandbox.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})
    intent = sandbox.post(
        "/v1/payment_intents",
        amount=5000,
        currency="usd",
        payment_method=method["id"],
        confirm=True,
        return_url="https://example.com",
    )
    for _ in range(12):
        sandbox.post("/v1/refunds", payment_intent=intent["id"], amount=100)
    backfill(listed_kinds())
    assert SubscriptionItem.objects.filter(subscription=made["id"]).count() == 25
    assert Refund.objects.filter(charge=Charge.objects.get()).count() == 12
    assert differing(sandbox) == {}


def test_item_that_left_while_nobody_listened_becomes_a_tombstone(sandbox: RunningSandbox) -> None:
    made = subscribed(sandbox, priced(sandbox, 1), priced(sandbox, 2))
    backfill(listed_kinds())
    left = made["items"]["data"][0]["id"]
    sandbox.delete(f"/v1/subscription_items/{left}")
    backfill(listed_kinds(["subscription"]))
    assert SubscriptionItem.objects.get(pk=left).deleted_at is not None
    assert SubscriptionItem.objects.filter(deleted_at=None).count() == 1


def test_archived_prices_are_listed(sandbox: RunningSandbox) -> None:
    kept, archived = priced(sandbox), priced(sandbox)
    sandbox.post(f"/v1/prices/{archived}", active=False)
    backfill(listed_kinds(["price"]))
    assert {row.pk: row.active for row in Price.objects.all()} == {kept: True, archived: False}


def test_kind_that_comes_with_its_parent_is_listed_through_it() -> None:
    assert [kind.object for kind in listed_kinds(["subscription_item", "subscription", "price"])] == [
        "subscription",
        "price",
    ]
    assert "subscription_item" not in [kind.object for kind in listed_kinds()]
    assert {kind.object for kind in all_kinds()} - {kind.object for kind in listed_kinds()} == {"subscription_item"}


def test_failed_kind_is_recorded_and_the_others_go_on(company: RunningSandbox, impatient: None) -> None:
    """S12"""
    company.faults.add(status=429, path="/v1/invoices")
    runs = {run.object_type: run for run in backfill(listed_kinds(), workers=2)}
    assert runs["invoice"].state == State.FAILED
    assert "limiting our requests" in runs["invoice"].message
    assert {run.state for name, run in runs.items() if name != "invoice"} == {State.DONE}
    assert Customer.objects.exists()
    company.faults.clear()
    assert [run.state for run in backfill(listed_kinds(["invoice"]))] == [State.DONE]
    assert differing(company) == {}


def test_interrupted_backfill_keeps_its_pages_and_a_repeat_completes_it(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S13: no row twice, none missing."""
    for n in range(250):
        sandbox.post("/v1/customers", name=str(n))
    kind, pages = get_kind("customer"), []

    def killed(*args: Any, **kwargs: Any) -> Any:
        pages.append(1)
        if len(pages) == 2:
            raise KeyboardInterrupt
        return apply_page(*args, **kwargs)

    apply_page: Callable[..., Any] = module.apply_page
    with monkeypatch.context() as patch:
        patch.setattr(module, "apply_page", killed)
        with pytest.raises(KeyboardInterrupt):
            backfill_kind(kind)
    assert Customer.objects.count() == 100
    assert SyncRun.objects.get().state == State.FAILED
    assert backfill_kind(kind).state == State.DONE
    assert Customer.objects.count() == 250
    assert differing(sandbox) == {}


def test_only_objects_since_a_date_are_listed(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="old")
    sandbox.advance(86400)
    new = sandbox.post("/v1/customers", name="new")
    since = datetime.fromtimestamp(new["created"], timezone.get_current_timezone())
    run = backfill_kind(get_kind("customer"), since=since)
    assert (run.seen, Customer.objects.get().name) == (1, "new")


def test_event_that_arrives_during_a_backfill_is_not_overwritten(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page was read before the change, and comes to be stored after the change's own event."""
    made = sandbox.post("/v1/customers", name="old")
    real: Callable[..., Any] = module.apply_page

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        sandbox.advance(3)
        newer = sandbox.post(f"/v1/customers/{made['id']}", name="new")
        at = datetime.fromtimestamp(sandbox.sandbox.now(), timezone.get_current_timezone())
        apply_state(get_kind("customer"), newer, as_of=at, read_until=None, origin=Origin(Change.Source.API))
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "apply_page", overtaken)
    backfill_kind(get_kind("customer"))
    assert Customer.objects.get().name == "new"


def test_characters_that_postgresql_refuses_do_not_fail_a_page(sandbox: RunningSandbox) -> None:
    for name in ("plain", "emoji \U0001f600", "a backslash \\u0000"):
        sandbox.post("/v1/customers", name=name)
    rows = sandbox.sandbox.table("customer").rows
    rows[next(iter(rows))]["name"] = "nul \0 and half \ud83d"
    assert backfill_kind(get_kind("customer")).state == State.DONE
    assert {row.name: row.nul_replaced for row in Customer.objects.all()} == {
        "nul \ufffd and half \ufffd": True,
        "emoji \U0001f600": False,
        "a backslash \\u0000": False,
    }
