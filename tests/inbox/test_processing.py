"""What becomes of stored events: order, origin, waiting, and who is asked."""

from __future__ import annotations

import itertools
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stripe_mirror.inbox import processing
from stripe_mirror.inbox.events import EMBEDDED_LEFT
from stripe_mirror.inbox.store import row_for, store
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import (
    Change,
    Coupon,
    Customer,
    CustomerLink,
    Discount,
    InboxEvent,
    Invoice,
    MirroredAccount,
    PaymentMethod,
    Price,
    Product,
    Push,
    Subscription,
    SubscriptionItem,
)
from stripe_mirror.pull import fetch
from stripe_mirror.pull.apply import Origin, apply_state
from stripe_mirror.pull.backfill import backfill, listed_kinds
from tests.conftest import events_of, post_event
from tests.sandbox.billing.discounts import give_to_customer
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

State = InboxEvent.State
T = 1_800_000_000
ENDIVE = "2026-10-28.endive"


def event(
    number: int, type: str, obj: dict[str, Any], *, at: int = T, previous: dict[str, Any] | None = None, **values: Any
) -> dict[str, Any]:
    contents: dict[str, Any] = {"object": obj}
    if previous is not None:
        contents["previous_attributes"] = previous
    return {
        "id": f"evt_{number}",
        "object": "event",
        "api_version": ENDIVE,
        "created": at,
        "livemode": False,
        "type": type,
        "request": {"id": f"req_{number}", "idempotency_key": None},
        "data": contents,
        **values,
    }


def customer(**values: Any) -> dict[str, Any]:
    return {"id": "cus_1", "object": "customer", "created": T, "name": "Ada", "metadata": {}, **values}


def subscription(status: str, **values: Any) -> dict[str, Any]:
    return {
        "id": "sub_1",
        "object": "subscription",
        "created": T,
        "status": status,
        "items": {"object": "list", "data": [], "has_more": False},
        **values,
    }


def keep(*events: dict[str, Any]) -> list[str]:
    """Store events and process each as the receiver does; their states afterwards."""
    for payload in events:
        row = row_for(payload, source=InboxEvent.Source.WEBHOOK)
        store(row)
        processing.process(row.pk)
    return [InboxEvent.objects.get(pk=payload["id"]).state for payload in events]


def drain() -> None:
    while processing.drain():
        pass


def test_later_state_wins_over_a_creation_that_arrives_after_it() -> None:
    """S01"""
    updated = event(
        2, "customer.subscription.updated", subscription("active"), at=T + 1, previous={"status": "incomplete"}
    )
    created = event(1, "customer.subscription.created", subscription("incomplete"))
    assert keep(updated, created) == [State.APPLIED, State.STALE]
    assert Subscription.objects.get().status == "active"


@pytest.mark.parametrize("order", list(itertools.permutations([0, 0, 0, 1, 1, 1], 6))[::97])
def test_two_updates_in_one_second_end_with_the_later(
    sandbox: RunningSandbox, client: Client, order: tuple[int, ...]
) -> None:
    """S02: every order, each delivered up to three times."""
    sandbox.sandbox.clock.set(T)
    made = sandbox.post("/v1/customers", name="a")
    sandbox.advance(100)
    for name in "bc":
        sandbox.post(f"/v1/customers/{made['id']}", name=name)
    created, *updates = events_of(sandbox, made["id"])
    assert len({update["created"] for update in updates}) == 1
    post_event(client, created)
    for number in order:
        assert post_event(client, updates[number]).status_code == 200
    drain()
    assert Customer.objects.get().data == sandbox.objects("customer")[0]


def test_ids_of_events_say_nothing_of_their_order() -> None:
    """S03"""
    first = event(9, "customer.updated", customer(name="old"), at=T + 1, previous={"name": "Ada"})
    second = event(3, "customer.updated", customer(name="new"), at=T + 2, previous={"name": "old"})
    keep(first, second)
    assert Customer.objects.get().name == "new"
    assert keep(event(10, "customer.updated", customer(name="older"), at=T)) == [State.STALE]
    assert Customer.objects.get().name == "new"


def test_event_for_an_object_with_a_missing_parent_blocks_nothing_and_the_parent_is_fetched(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S10"""
    parent = sandbox.post("/v1/customers", name="Parent")
    child = {"id": "pi_1", "object": "payment_intent", "created": T, "status": "succeeded", "customer": parent["id"]}
    other = event(2, "customer.updated", customer())
    assert keep(event(1, "payment_intent.succeeded", child), other) == [State.APPLIED, State.APPLIED]
    task = DBTaskResult.objects.get(task_path="stripe_mirror.tasks.fetch_missing_parents")
    # Not at once: the parent's own event is probably under way, and in order nothing may cost a call.
    assert task.run_after > timezone.now()
    assert sandbox.requests("GET") == []
    task.task.call(*task.args_kwargs["args"])
    assert Customer.objects.get(pk=parent["id"]).name == "Parent"


def test_parent_that_stripe_does_not_have_either_is_asked_for_once(sandbox: RunningSandbox) -> None:
    child = {"id": "pi_1", "object": "payment_intent", "created": T, "status": "succeeded", "customer": "cus_never"}
    keep(event(1, "payment_intent.succeeded", child))
    task = DBTaskResult.objects.get(task_path="stripe_mirror.tasks.fetch_missing_parents")
    task.task.call(*task.args_kwargs["args"])
    assert Customer.objects.get(pk="cus_never").deleted_at is not None
    sandbox.clear_requests()
    keep(event(2, "payment_intent.succeeded", {**child, "amount": 5}, at=T + 5))
    assert DBTaskResult.objects.filter(task_path__endswith="fetch_missing_parents").count() == 1


def test_rate_limited_read_waits_visibly_and_is_tried_again(sandbox: RunningSandbox) -> None:
    """S11"""
    made = sandbox.post("/v1/customers", name="Ada")
    [created] = events_of(sandbox, made["id"])
    sandbox.faults.add(status=429, path="/v1/customers")
    assert keep({**created, "api_version": "2024-06-20"}) == [State.WAITING]
    drain()
    waiting = InboxEvent.objects.get()
    assert (waiting.state, waiting.attempts) == (State.WAITING, 1)
    assert "limiting our requests" in waiting.reason
    assert waiting.next_attempt_at is not None
    pause = waiting.next_attempt_at - timezone.now()
    assert timedelta(seconds=3) < pause <= timedelta(seconds=5)
    sandbox.faults.clear()
    InboxEvent.objects.update(next_attempt_at=timezone.now())
    drain()
    assert InboxEvent.objects.get().state == State.APPLIED
    assert Customer.objects.get().data == made


def test_pauses_grow_to_an_hour_and_the_tenth_refusal_is_the_last(sandbox: RunningSandbox) -> None:
    """S11"""
    sandbox.faults.add(status=403)
    keep(event(1, "customer.created", customer(), api_version="2024-06-20"))
    pauses = []
    while InboxEvent.objects.get().state == State.WAITING:
        InboxEvent.objects.update(next_attempt_at=timezone.now())
        drain()
        due = InboxEvent.objects.get().next_attempt_at
        pauses.append(round((due - timezone.now()).total_seconds()) if due else None)
    assert pauses == [5, 20, 80, 320, 1280, 3600, 3600, 3600, 3600, None]
    assert InboxEvent.objects.get().state == State.FAILED
    assert InboxEvent.objects.get().reason


@pytest.mark.parametrize("status", [401, 429, 500])
def test_an_outage_never_ends_an_event_however_long_it_lasts(sandbox: RunningSandbox, status: int) -> None:
    """S11: catch-up skips what the inbox has, so nothing else would bring this state."""
    made = sandbox.post("/v1/customers", name="Jo")
    sandbox.faults.add(status=status)
    keep({**events_of(sandbox)[0], "api_version": "2024-06-20"})
    for _ in range(processing.TRIES + 2):
        InboxEvent.objects.update(next_attempt_at=timezone.now())
        drain()
    assert InboxEvent.objects.get().state == State.WAITING
    sandbox.faults.clear()
    InboxEvent.objects.update(next_attempt_at=timezone.now())
    drain()
    assert Customer.objects.get().pk == made["id"]


def test_while_stripe_is_down_each_round_asks_only_once_and_each_event_gets_its_turn(sandbox: RunningSandbox) -> None:
    """A worker that waited for every event's time-out would do nothing else."""
    made = [sandbox.post("/v1/customers", name=str(n)) for n in range(4)]
    keep(*[{**e, "api_version": "2024-06-20"} for e in events_of(sandbox)])
    sandbox.faults.add(status=500)
    sandbox.clear_requests()
    processing.drain()
    assert len(sandbox.requests()) == 1
    for _ in range(3):
        processing.drain()
    assert set(InboxEvent.objects.values_list("attempts", flat=True)) == {1}
    sandbox.faults.clear()
    InboxEvent.objects.update(next_attempt_at=timezone.now())
    drain()
    assert Customer.objects.count() == len(made)


def test_subscription_in_the_shape_of_2024_and_in_todays_has_the_same_period() -> None:
    """S15"""
    period = {"current_period_start": T, "current_period_end": T + 86400}
    item = {"id": "si_1", "object": "subscription_item", "created": T, "subscription": "sub_1", **period}
    new = subscription("active", items={"object": "list", "has_more": False, "data": [item]})
    keep(event(1, "customer.subscription.created", {**subscription("active"), "id": "sub_old", **period}))
    keep(event(2, "customer.subscription.created", new))
    old, today = Subscription.objects.get(pk="sub_old"), Subscription.objects.get(pk="sub_1")
    assert old.current_period_end == today.current_period_end is not None
    assert old.current_period_start == today.current_period_start is not None
    assert SubscriptionItem.objects.get().current_period_end == today.current_period_end


@pytest.mark.parametrize("version", ["2024-06-20", "2026-08-26.dahlia", None])
def test_event_of_another_major_version_is_not_trusted_but_fetched(
    sandbox: RunningSandbox, version: str | None
) -> None:
    """S16"""
    made = sandbox.post("/v1/customers", name="Ada")
    [created] = events_of(sandbox, made["id"])
    created["data"]["object"]["name"] = "in an old shape"
    assert keep({**created, "api_version": version}) == [State.WAITING]
    assert "another API version" in InboxEvent.objects.get().reason
    assert not Customer.objects.exists()
    drain()
    assert Customer.objects.get().data == made


def test_event_of_another_release_of_our_major_version_is_trusted() -> None:
    """S16: monthly releases only add."""
    assert keep(event(1, "customer.created", customer(), api_version="2026-12-01.endive")) == [State.APPLIED]


def test_invoice_that_names_its_subscription_only_under_parent_is_linked() -> None:
    """S17"""
    parent = {"type": "subscription_details", "subscription_details": {"subscription": "sub_1"}}
    invoice = {"id": "in_1", "object": "invoice", "created": T, "status": "open", "parent": parent}
    keep(event(1, "customer.subscription.created", subscription("active")), event(2, "invoice.created", invoice))
    assert Invoice.objects.get().subscription == Subscription.objects.get()


def test_unknown_status_and_payment_method_type_are_stored_as_they_are() -> None:
    """S18"""
    method = {"id": "pm_1", "object": "payment_method", "created": T, "type": "teleportation", "teleportation": {}}
    keep(
        event(1, "payment_method.attached", method), event(2, "customer.subscription.created", subscription("dormant"))
    )
    assert PaymentMethod.objects.get().type == "teleportation"
    assert Subscription.objects.get().status == "dormant"


@pytest.mark.parametrize("id", ["src_1", "card_1", "pm_1", "c" * 255])
def test_ids_of_every_form_and_length_are_stored(id: str) -> None:
    """S19"""
    method = {"id": id, "object": "payment_method", "created": T, "type": "card"}
    keep(event(1, "payment_method.attached", method))
    assert PaymentMethod.objects.get().pk == id


def test_deleted_coupon_and_price_keep_their_rows_and_names(sandbox: RunningSandbox) -> None:
    """S23"""
    sandbox.post("/v1/coupons", id="SUMMER", percent_off=20, duration="once", name="Summer")
    sandbox.delete("/v1/coupons/SUMMER")
    price = {"id": "gold", "object": "price", "created": T, "active": True, "nickname": "Gold", "unit_amount": None}
    keep(*events_of(sandbox, "SUMMER"))
    keep(event(1, "price.created", price), event(2, "price.deleted", price, at=T + 9))
    drain()
    assert [(str(row), row.deleted_at is not None) for row in (Coupon.objects.get(), Price.objects.get())] == [
        ("Summer", True),
        ("Gold", True),
    ]
    assert list(Coupon.objects.alive()) == []


def test_late_update_does_not_wake_a_deleted_customer() -> None:
    """S24"""
    gone = event(3, "customer.deleted", customer(name="last"), at=T + 5)
    late = [event(n, "customer.updated", customer(name=f"{n}"), at=T + n, previous={"name": "Ada"}) for n in (4, 5)]
    assert keep(event(1, "customer.created", customer()), gone, *late) == [
        State.APPLIED,
        State.APPLIED,
        State.STALE,
        State.STALE,
    ]
    row = Customer.objects.get()
    assert row.deleted_at is not None
    assert row.name == "last"
    assert Change.objects.filter(action=Change.Action.DELETED).count() == 1


def test_coupon_that_is_created_again_under_its_id_is_alive() -> None:
    """S24"""
    coupon = {"id": "SUMMER", "object": "coupon", "created": T, "name": "one"}
    again = {**coupon, "created": T + 9, "name": "two"}
    keep(event(1, "coupon.created", coupon), event(2, "coupon.deleted", coupon, at=T + 5))
    assert keep(event(3, "coupon.created", again, at=T + 9)) == [State.APPLIED]
    row = Coupon.objects.get()
    assert (row.deleted_at, row.name) == (None, "two")


def test_truncated_list_of_items_is_completed_and_removes_none(sandbox: RunningSandbox) -> None:
    """S25: a subscription with 25 items; then an event that shows only some of them."""
    subscribed = subscription_with_items(sandbox, 15)
    backfill(listed_kinds())
    assert SubscriptionItem.objects.count() == 15
    whole = sandbox.objects("subscription")[0]
    some = {**whole, "items": {**whole["items"], "data": whole["items"]["data"][:3], "has_more": True}}
    at = int(timezone.now().timestamp()) + 100
    keep(event(1, "customer.subscription.updated", {**some, "description": "x"}, at=at, previous={"description": None}))
    assert SubscriptionItem.objects.filter(deleted_at=None).count() == 15
    task = DBTaskResult.objects.get(task_path="stripe_mirror.tasks.complete_lists")
    SubscriptionItem.objects.filter(pk__in=[i["id"] for i in whole["items"]["data"][5:9]]).delete()
    task.task.call(*task.args_kwargs["args"])
    assert set(SubscriptionItem.objects.filter(deleted_at=None, subscription=subscribed["id"])) == set(
        SubscriptionItem.objects.all()
    )
    assert SubscriptionItem.objects.count() == 15


def subscription_with_items(sandbox: RunningSandbox, count: int) -> dict[str, Any]:
    buyer = sandbox.post("/v1/customers", name="Buyer")
    product = sandbox.post("/v1/products", name="Thing")
    prices = [
        sandbox.post(
            "/v1/prices", product=product["id"], currency="usd", unit_amount=100 + n, recurring={"interval": "month"}
        )
        for n in range(count)
    ]
    return sandbox.post(
        "/v1/subscriptions",
        customer=buyer["id"],
        items=[{"price": price["id"]} for price in prices],
        collection_method="send_invoice",
        days_until_due=30,
    )


def test_item_that_left_the_subscription_becomes_a_tombstone_and_its_price_is_kept(sandbox: RunningSandbox) -> None:
    subscribed = subscription_with_items(sandbox, 2)
    keep(*events_of(sandbox))
    left = subscribed["items"]["data"][0]["id"]
    sandbox.advance(2)
    sandbox.delete(f"/v1/subscription_items/{left}")
    keep(*events_of(sandbox))
    drain()
    assert SubscriptionItem.objects.get(pk=left).deleted_at is not None
    assert SubscriptionItem.objects.filter(deleted_at=None).count() == 1
    assert Price.objects.filter(deleted_at=None).count() == 2
    assert Change.objects.filter(object_id=left, action=Change.Action.DELETED).count() == 1


def test_older_subscription_neither_wakes_nor_removes_items() -> None:
    def item(id: str) -> dict[str, Any]:
        return {"id": id, "object": "subscription_item", "created": T, "subscription": "sub_1", "quantity": 1}

    def with_items(*ids: str) -> dict[str, Any]:
        items = {"object": "list", "has_more": False, "data": [item(id) for id in ids]}
        return subscription("active", items=items, description="".join(ids))

    keep(event(1, "customer.subscription.updated", with_items("si_b"), at=T + 5))
    keep(event(2, "customer.subscription.created", with_items("si_a"), at=T))
    assert [row.pk for row in SubscriptionItem.objects.all()] == ["si_b"]
    keep(event(3, "customer.subscription.updated", with_items("si_c"), at=T + 9))
    assert [row.pk for row in SubscriptionItem.objects.filter(deleted_at=None)] == ["si_c"]


def test_inline_price_is_stored_with_its_subscription_and_a_newer_price_is_not_overwritten() -> None:
    price = {"id": "price_1", "object": "price", "created": T, "nickname": "inline", "unit_amount": 500}
    item = {"id": "si_1", "object": "subscription_item", "created": T, "subscription": "sub_1", "price": price}
    whole = subscription("active", items={"object": "list", "has_more": False, "data": [item]})
    keep(event(1, "customer.subscription.created", whole))
    assert Price.objects.get().nickname == "inline"
    keep(event(2, "price.updated", {**price, "nickname": "renamed"}, at=T + 9, previous={"nickname": "inline"}))
    keep(event(3, "customer.subscription.updated", {**whole, "description": "x"}, at=T + 5))
    assert Price.objects.get().nickname == "renamed"


def test_cancelled_subscription_is_no_tombstone_and_its_link_survives(django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("ada")
    keep(event(1, "customer.created", customer()))
    CustomerLink.objects.create(user=user, customer_id="cus_1")
    keep(event(2, "customer.subscription.deleted", subscription("canceled"), at=T + 5))
    keep(event(3, "customer.deleted", customer(), at=T + 6))
    assert Subscription.objects.get().status == "canceled"
    assert Subscription.objects.get().deleted_at is None
    assert CustomerLink.objects.get().customer.deleted_at is not None


def test_event_that_waited_while_the_subscription_was_cancelled_does_not_revive_it(sandbox: RunningSandbox) -> None:
    """S39, also within one second."""
    subscribed = subscription_with_items(sandbox, 1)
    sandbox.post(f"/v1/subscriptions/{subscribed['id']}", description="still active")
    waiting = events_of(sandbox, subscribed["id"])[-1]
    sandbox.delete(f"/v1/subscriptions/{subscribed['id']}")
    processing.fetch_now(Subscription.kind, subscribed["id"])
    keep(waiting, *events_of(sandbox, subscribed["id"]))
    drain()
    assert Subscription.objects.get().status == "canceled"


def test_detached_payment_method_loses_its_customer() -> None:
    method = {"id": "pm_1", "object": "payment_method", "created": T, "type": "card", "customer": "cus_1"}
    keep(event(1, "payment_method.attached", method))
    detached = event(
        2, "payment_method.detached", {**method, "customer": None}, at=T + 1, previous={"customer": "cus_1"}
    )
    assert keep(detached) == [State.APPLIED]
    assert PaymentMethod.objects.get().customer_id is None


def test_one_read_settles_all_waiting_events_of_an_object(sandbox: RunningSandbox) -> None:
    made = sandbox.post("/v1/customers", name="a")
    for name in "bcdef":
        sandbox.post(f"/v1/customers/{made['id']}", name=name)
    strange = [{**e, "api_version": "2024-06-20"} for e in events_of(sandbox, made["id"])]
    assert set(keep(*strange)) == {State.WAITING}
    sandbox.clear_requests()
    drain()
    assert len(sandbox.requests("GET")) == 1
    assert not InboxEvent.objects.filter(state=State.WAITING).exists()
    assert Customer.objects.get().name == "f"


def test_event_in_order_costs_no_call_to_stripe(company: RunningSandbox) -> None:
    backfill(listed_kinds())
    company.advance(60)
    for row in company.objects("customer")[:10]:
        if not row.get("deleted"):
            for name in ("one", "two"):
                company.post(f"/v1/customers/{row['id']}", name=name, metadata={"n": name})
    company.advance(20 * 86400)
    company.clear_requests()
    keep(*events_of(company))
    drain()
    assert company.requests() == []
    truth = {row["id"]: row for row in company.objects("subscription")}
    assert {row.pk: row.data for row in Subscription.objects.all()} == truth


def test_event_that_was_stored_but_never_decided_is_found_by_the_sweep() -> None:
    store(row_for(event(1, "customer.created", customer()), source=InboxEvent.Source.WEBHOOK))
    drain()
    assert InboxEvent.objects.get().state == State.RECEIVED
    InboxEvent.objects.update(next_attempt_at=timezone.now())
    drain()
    assert InboxEvent.objects.get().state == State.APPLIED


def test_crash_between_a_subscription_and_its_items_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    item = {"id": "si_1", "object": "subscription_item", "created": T, "subscription": "sub_1"}
    whole = subscription("active", items={"object": "list", "has_more": False, "data": [item]})
    with monkeypatch.context() as patch:
        patch.setattr(processing, "store_embedded", lambda *args, **kwargs: 1 / 0)
        assert keep(event(1, "customer.subscription.created", whole)) == [State.WAITING]
    assert Subscription.objects.count() == 1
    InboxEvent.objects.update(next_attempt_at=timezone.now())
    drain()
    assert InboxEvent.objects.get().state == State.APPLIED
    assert SubscriptionItem.objects.count() == 1
    assert Change.objects.filter(object_type="subscription").count() == 1


def test_change_names_its_author(django_user_model: Any) -> None:
    by_key, by_request = (
        Push.objects.create(operation="edit_customer", object_id="cus_1", created_at=timezone.now(), request_id=request)
        for request in ("", "req_ours")
    )
    requests: list[tuple[Any, tuple[str, uuid.UUID | None]]] = [
        ({"id": "req_x", "idempotency_key": str(by_key.pk)}, (Change.Source.PUSH, by_key.pk)),
        ({"id": "req_ours", "idempotency_key": None}, (Change.Source.PUSH, by_request.pk)),
        ({"id": "req_other", "idempotency_key": "any-text"}, (Change.Source.API, None)),
        ({"id": "req_other", "idempotency_key": str(uuid.uuid4())}, (Change.Source.API, None)),
        ({"id": None, "idempotency_key": None}, (Change.Source.STRIPE, None)),
        (None, (Change.Source.STRIPE, None)),
    ]
    for number, (request, expected) in enumerate(requests):
        keep(event(number, "customer.updated", customer(name=str(number)), at=T + number, request=request))
        change = Change.objects.latest("id")
        assert (change.source, change.push_id) == expected
        assert (change.event_id, change.event_type) == (f"evt_{number}", "customer.updated")


def test_change_says_which_fields_changed_from_what_to_what() -> None:
    keep(event(1, "customer.created", customer(metadata={"a": "1"}, address={"city": "Rome", "country": "IT"})))
    now = customer(metadata={"b": "2"}, address={"city": "Oslo", "country": "IT"})
    keep(event(2, "customer.updated", now, at=T + 1))
    created, updated = Change.objects.order_by("id")
    assert (created.action, created.fields) == (Change.Action.CREATED, {})
    assert updated.fields == {
        "metadata.a": ["1", None],
        "metadata.b": [None, "2"],
        "address.city": ["Rome", "Oslo"],
    }
    assert updated.version == Customer.objects.get().version == 2


def test_own_account_in_an_event_is_not_foreign() -> None:
    MirroredAccount.objects.create(pk="acct_1", livemode=False)
    assert keep(event(1, "customer.created", customer(), account="acct_1")) == [State.APPLIED]
    assert Customer.objects.get().account == "acct_1"


def test_object_that_stripe_no_longer_has_closes_its_waiting_event(sandbox: RunningSandbox) -> None:
    keep(event(1, "product.updated", {"id": "prod_gone", "object": "product"}, api_version="2024-06-20"))
    drain()
    assert InboxEvent.objects.get().state == State.STALE
    assert "no such object" in InboxEvent.objects.get().reason
    assert not Product.objects.exists()


def test_an_error_of_our_own_while_asking_stripe_neither_loses_the_event_nor_holds_up_the_others(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [sandbox.post("/v1/customers", name=str(n)) for n in range(2)]
    keep(*[{**e, "api_version": "2024-06-20"} for e in events_of(sandbox)])
    fetch = processing.fetch_now

    def broken(kind: Any, id: str, **options: Any) -> Any:
        if id == made[0]["id"]:
            raise KeyError("id")
        return fetch(kind, id, **options)

    monkeypatch.setattr(processing, "fetch_now", broken)
    processing.drain()
    assert Customer.objects.get().pk == made[1]["id"]
    waiting = InboxEvent.objects.get(state=State.WAITING)
    assert (waiting.attempts, "KeyError" in waiting.reason) == (1, True)
    monkeypatch.undo()
    InboxEvent.objects.filter(state=State.WAITING).update(next_attempt_at=timezone.now())
    drain()
    assert Customer.objects.count() == 2


def test_foreign_event_leads_to_an_object_that_has_no_address_of_its_own(company: RunningSandbox) -> None:
    """S16: we hold nothing of the discount yet, so only the event says on which subscription it stands."""
    discounted = next(row for row in company.objects("subscription") if row["discounts"] and not row.get("ended_at"))
    [seen] = company.get(f"/v1/subscriptions/{discounted['id']}", expand=["discounts"])["discounts"]
    old = event(1, "customer.discount.created", {**seen, "name": "an old shape"}, api_version="2024-06-20")
    assert keep(old) == [State.WAITING]
    drain()
    assert Discount.objects.get().data == seen


def test_foreign_event_leads_to_the_discount_of_a_customer_that_names_no_subscription(
    sandbox: RunningSandbox,
) -> None:
    """S16"""
    sandbox.post("/v1/coupons", id="TEN", percent_off=10, duration="forever")
    made = sandbox.post("/v1/customers", name="Ada")["id"]
    with sandbox.sandbox.lock:
        give_to_customer(sandbox.sandbox, made, "TEN")
    seen = sandbox.get(f"/v1/customers/{made}")["discount"]
    assert (seen["customer"], seen["subscription"]) == (made, None)
    keep(event(1, "customer.discount.created", {**seen, "name": "an old shape"}, api_version="2024-06-20"))
    drain()
    assert InboxEvent.objects.get().state == State.APPLIED
    assert Discount.objects.get().data == seen


def test_foreign_event_about_what_cannot_be_looked_for_fails_and_says_why(sandbox: RunningSandbox) -> None:
    """S16: of a Checkout session without a customer. It is not said to be gone, and another event takes its course."""
    nowhere = {"id": "di_1", "object": "discount", "customer": None, "subscription": None, "checkout_session": "cs_1"}
    keep(event(1, "customer.discount.created", nowhere, api_version="2024-06-20"))
    drain()
    failed = InboxEvent.objects.get()
    assert (failed.state, failed.attempts, failed.next_attempt_at) == (State.FAILED, 1, None)
    assert "of a known customer, invoice, invoice item or subscription" in failed.reason
    assert "no such object" not in failed.reason
    assert not Discount.objects.exists()


def test_change_whose_items_are_not_stored_yet_counts_among_those_of_its_second() -> None:
    """A→B→A in a second, and a copy of the first change: without knowing that one it would pass for the next."""
    active, past_due = subscription("active"), subscription("past_due")
    there = event(2, "customer.subscription.updated", past_due, at=T + 1, previous={"status": "active"})
    back = event(3, "customer.subscription.updated", active, at=T + 1, previous={"status": "past_due"})
    keep(event(1, "customer.subscription.created", active), there, back)
    # A process died before it stored the items.
    InboxEvent.objects.filter(pk=there["id"]).update(state=State.WAITING, reason=EMBEDDED_LEFT)
    assert keep({**there, "id": "evt_copy", "request": there["request"]}) == [State.DUPLICATE]
    assert Subscription.objects.get().status == "active"


@pytest.mark.parametrize("looked_at", [True, False], ids=["waiting", "not looked at yet"])
def test_what_arrives_before_an_overtaken_object_is_read_again_is_settled_by_that_read(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, looked_at: bool
) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    first, second = (event(n, "customer.updated", made, at=T + n, api_version="2019-05-16") for n in (1, 2))
    read, reads = fetch.read.retrieve, list[int]()

    def retrieve(*args: Any, **options: Any) -> Any:
        answer = read(*args, **options)
        reads.append(1)
        if len(reads) == 1:
            at, newer = timezone.now().replace(microsecond=0), sandbox.post(f"/v1/customers/{made['id']}", name="newer")
            apply_state(get_kind("customer"), newer, as_of=at, read_until=None, origin=Origin(Change.Source.API))
            store(row_for(second, source=InboxEvent.Source.WEBHOOK))
            assert not looked_at or processing.process(second["id"])
        return answer

    monkeypatch.setattr(fetch.read, "retrieve", retrieve)
    store(row_for(first, source=InboxEvent.Source.WEBHOOK))
    processing.process(first["id"])
    InboxEvent.objects.update(next_attempt_at=timezone.now())
    assert processing.work(first["id"])
    assert len(reads) == 2
    assert not InboxEvent.objects.filter(state__in=processing.OPEN).exists()
