"""Pages of lists go into the database in one statement, by the rules of single objects, whatever stands in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Change, Customer
from stripe_mirror.pull.apply import Origin, apply_deleted, apply_page, apply_state
from stripe_mirror.pull.pages import PageResult

pytestmark = pytest.mark.django_db(transaction=True)

CUSTOMER = get_kind("customer")
T = datetime(2027, 1, 15, 8, tzinfo=UTC)
SYNC = Origin(Change.Source.SYNC)


def customer(id: str = "cus_1", **values: Any) -> dict[str, Any]:
    return {"id": id, "object": "customer", "created": 1_700_000_000, "metadata": {}, **values}


def store(*items: dict[str, Any], at: datetime = T) -> PageResult:
    """A page that was asked for just now."""
    return apply_page(
        CUSTOMER, json.dumps({"data": items}), list(items), as_of=at, read_until=at, sent_at=timezone.now()
    )


def test_an_object_that_stands_twice_in_a_page_is_stored_once() -> None:
    store(customer(name="a"), customer(name="a"), customer("cus_2"))
    store(customer(name="a"), customer(name="a"), at=T + timedelta(seconds=5))
    assert sorted(Customer.objects.values_list("pk", "version")) == [("cus_1", 1), ("cus_2", 1)]
    assert not Change.objects.exists()


def test_nul_and_halves_of_pairs_are_replaced_and_said_so() -> None:
    store(customer(name="a\0b"), customer("cus_2", name="\ud83d"), customer("cus_3", name="\U0001f600 \\u0000"))
    rows = {row.pk: (row.data["name"], row.nul_replaced) for row in Customer.objects.all()}
    assert rows == {
        "cus_1": ("a\ufffdb", True),
        "cus_2": ("\ufffd", True),
        "cus_3": ("\U0001f600 \\u0000", False),
    }


@pytest.mark.parametrize("odd", [10**30, -(10**30), 2**63, "12", [1], True])
def test_numbers_that_fit_no_column_fail_no_page(odd: Any) -> None:
    store(customer(created=odd), customer("cus_2", balance=5))
    assert Customer.objects.get(pk="cus_1").created is None
    assert Customer.objects.get(pk="cus_1").data["created"] == odd
    assert Customer.objects.get(pk="cus_2").created is not None


def test_a_row_that_learned_something_later_is_left_alone() -> None:
    sent_at = timezone.now()
    apply_state(CUSTOMER, customer(name="newer"), as_of=T, read_until=T, origin=SYNC)
    items = [customer(name="older"), customer("cus_2")]
    result = apply_page(CUSTOMER, json.dumps({"data": items}), items, as_of=T, read_until=T, sent_at=sent_at)
    assert Customer.objects.get(pk="cus_1").data["name"] == "newer"
    assert (result.created, result.changed) == (1, 0)


def test_an_old_page_does_not_wake_a_deleted_customer() -> None:
    sent_at = timezone.now()
    apply_state(CUSTOMER, customer(name="Jo"), as_of=T, read_until=T, origin=SYNC)
    apply_deleted(CUSTOMER, "cus_1", as_of=T + timedelta(seconds=3), origin=SYNC)
    items = [customer(name="Jo")]
    apply_page(CUSTOMER, json.dumps({"data": items}), items, as_of=T, read_until=T, sent_at=sent_at)
    assert Customer.objects.get().deleted_at is not None


def test_a_deleted_stub_in_a_page_does_not_overwrite_the_last_state() -> None:
    store(customer(name="Jo"))
    store({"id": "cus_1", "object": "customer", "deleted": True}, customer("cus_2"), at=T + timedelta(seconds=5))
    assert Customer.objects.get(pk="cus_1").data["name"] == "Jo"
    assert Customer.objects.get(pk="cus_2").deleted_at is None


def test_new_rows_are_made_in_the_order_of_their_ids_on_every_path() -> None:
    """As all who make more than one: else two of them could wait for each other's."""
    with CaptureQueriesContext(connection) as queries:
        store(customer("cus_2", name="a\0b"), customer("cus_1"))
    [made] = [query["sql"] for query in queries if query["sql"].startswith("INSERT")]
    assert made.index("cus_1") < made.index("cus_2")
