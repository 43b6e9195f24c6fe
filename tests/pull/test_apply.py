"""The only writer: what an answer of Stripe's does to a row, and when it does nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Change, Coupon, Customer, MirroredAccount, SubscriptionItem
from stripe_mirror.pull.apply import Origin, Outcome, apply_deleted, apply_state
from stripe_mirror.pull.embedded import store_page_children

pytestmark = pytest.mark.django_db

CUSTOMER, COUPON = get_kind("customer"), get_kind("coupon")
API = Origin(Change.Source.API)
T = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def second(number: int) -> datetime:
    return T + timedelta(seconds=number)


def customer(name: str, **values: Any) -> dict[str, Any]:
    return {"id": "cus_1", "object": "customer", "created": int(T.timestamp()), "name": name, **values}


def answer(name: str, start: int, end: int, *, sent_at: datetime | None = None) -> Outcome:
    return apply_state(
        CUSTOMER, customer(name), as_of=second(start), read_until=second(end), origin=API, sent_at=sent_at
    ).outcome


def test_first_state_makes_the_row() -> None:
    MirroredAccount.objects.create(pk="acct_1", livemode=False)
    assert answer("Ada", 0, 1) is Outcome.CREATED
    row = Customer.objects.get()
    assert (row.name, row.as_of, row.read_until, row.version) == ("Ada", second(0), second(1), 1)
    assert (row.account, row.livemode, row.deleted_at) == ("acct_1", False, None)


def test_equal_state_moves_only_the_seconds() -> None:
    answer("Ada", 0, 1)
    assert answer("Ada", 5, 6) is Outcome.UNCHANGED
    row = Customer.objects.get()
    assert (row.version, row.as_of, row.read_until) == (1, second(5), second(6))
    assert Change.objects.count() == 1


def test_older_answer_changes_nothing() -> None:
    answer("new", 5, 6)
    assert answer("old", 1, 2) is Outcome.STALE
    assert Customer.objects.get().name == "new"


def test_answer_to_a_request_sent_after_the_last_touch_wins_within_the_same_second() -> None:
    answer("old", 5, 6)
    assert answer("new", 5, 6, sent_at=timezone.now()) is Outcome.CHANGED


def test_answer_that_was_overtaken_within_the_same_second_changes_nothing() -> None:
    sent_at = timezone.now()
    answer("new", 5, 6)
    assert answer("old", 5, 6, sent_at=sent_at) is Outcome.STALE
    assert Customer.objects.get().name == "new"


def test_deleted_stub_makes_a_tombstone_that_keeps_the_last_state() -> None:
    answer("Ada", 0, 1)
    stub = {"id": "cus_1", "object": "customer", "deleted": True}
    assert apply_state(CUSTOMER, stub, as_of=second(5), read_until=second(6), origin=API).outcome is Outcome.CHANGED
    row = Customer.objects.get()
    assert (row.name, row.deleted_at, row.version) == ("Ada", second(6), 2)
    assert apply_deleted(CUSTOMER, "cus_1", as_of=second(9), origin=API).outcome is Outcome.UNCHANGED
    assert [change.action for change in Change.objects.order_by("id")] == ["created", "deleted"]


def test_deletion_of_an_unknown_object_leaves_a_tombstone() -> None:
    apply_deleted(CUSTOMER, "cus_1", as_of=second(5), origin=API)
    row = Customer.objects.get()
    assert row.deleted_at == second(5)
    assert row.data == {"id": "cus_1", "object": "customer", "deleted": True}
    assert answer("late", 1, 2) is Outcome.STALE


def test_old_deletion_does_not_hit_the_next_coupon_of_that_name() -> None:
    coupon = {"id": "SUMMER", "object": "coupon", "created": int(T.timestamp()), "name": "again"}
    apply_state(COUPON, coupon, as_of=second(5), read_until=None, origin=API)
    assert apply_deleted(COUPON, "SUMMER", as_of=second(2), origin=API).outcome is Outcome.STALE
    assert Coupon.objects.get().deleted_at is None


def subscription(*ids: str, has_more: bool = False) -> dict[str, Any]:
    items = [{"id": id, "object": "subscription_item", "subscription": "sub_1"} for id in ids]
    listed = {"object": "list", "data": items, "has_more": has_more}
    return {"id": "sub_1", "object": "subscription", "status": "active", "items": listed, "n": len(ids)}


def held_items() -> set[str]:
    return set(SubscriptionItem.objects.filter(deleted_at=None).values_list("pk", flat=True))


def test_items_follow_their_subscription() -> None:
    kind = get_kind("subscription")
    for number, (state, expected) in enumerate(
        [
            (subscription("si_1", "si_2"), {"si_1", "si_2"}),
            (subscription("si_2", "si_3", "si_4"), {"si_2", "si_3", "si_4"}),
            (subscription("si_2", has_more=True), {"si_2", "si_3", "si_4"}),
            (subscription(), set()),
            (subscription("si_1"), {"si_1"}),
        ]
    ):
        apply_state(kind, state, as_of=second(number), read_until=None, origin=API)
        assert held_items() == expected


def test_page_that_is_older_than_the_subscription_removes_none_of_its_items() -> None:
    kind = get_kind("subscription")
    apply_state(kind, subscription("si_1", "si_2"), as_of=second(9), read_until=None, origin=API)
    store_page_children(
        kind, [subscription("si_1")], as_of=second(5), read_until=second(6), sent_at=timezone.now() - timedelta(days=1)
    )
    assert held_items() == {"si_1", "si_2"}
