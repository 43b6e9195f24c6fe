"""A finished listing confirms the rows that it found unchanged, without writing them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Change, Customer
from stripe_mirror.pull import confirmations
from stripe_mirror.pull.apply import Origin, Outcome, apply_event, apply_page, apply_state
from stripe_mirror.pull.ordering import Decision, EventState

pytestmark = pytest.mark.django_db

CUSTOMER = get_kind("customer")
API = Origin(Change.Source.API)
T = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def second(number: int) -> datetime:
    return T + timedelta(seconds=number)


def customer(name: str) -> dict[str, Any]:
    return {"id": "cus_1", "object": "customer", "created": int(T.timestamp()), "name": name}


def listed(start: int | None, end: int | None, at: int, until: int, *, kind: str = "customer", ago: int = -5) -> None:
    """A listing was finished that began so many minutes ago, by our clock."""
    window = tuple(None if number is None else second(number) for number in (start, end))
    begun_at = timezone.now() - timedelta(minutes=ago)
    confirmations.record(get_kind(kind), *window, second(at), second(until), begun_at=begun_at)


def told(name: str, at: int, *, was: str | None = None, type: str = "customer.updated") -> Decision:
    """What is decided on an event."""
    previous = {"name": was} if was else None
    event = EventState(object=customer(name), at=second(at), type=type, previous=previous, request_id=f"req_{at}")
    return apply_event(CUSTOMER, event, origin=API, siblings=lambda _: ())[0]


@pytest.fixture
def confirmed() -> None:
    """A row of second 10 that a listing of its hour found unchanged between the seconds 100 and 105."""
    told("D", 10, type="customer.created")
    listed(-1800, 1800, 100, 105)


@pytest.mark.usefixtures("confirmed")
def test_circle_that_no_event_told_of_is_over_once_a_listing_found_its_end() -> None:
    """D→S→D, both events late: the first would have looked like news."""
    assert told("S", 20, was="D") is Decision.STALE
    assert told("D", 30, was="S") is Decision.STALE
    row = Customer.objects.get()
    assert (row.name, row.version, row.as_of) == ("D", 1, second(10))


@pytest.mark.usefixtures("confirmed")
def test_change_after_the_listing_is_applied() -> None:
    assert told("S", 106, was="D") is Decision.APPLY
    assert Customer.objects.get().name == "S"


@pytest.mark.usefixtures("confirmed")
def test_change_while_the_listing_ran_is_read_from_stripe() -> None:
    assert told("S", 103, was="D") is Decision.FETCH


@pytest.mark.usefixtures("confirmed")
def test_late_deletion_holds_although_the_listing_confirmed_others() -> None:
    """What is deleted isn't listed, so the listing said nothing of it."""
    assert told("D", 50, type="customer.deleted") is Decision.APPLY
    row = Customer.objects.get()
    assert (row.deleted_at, row.as_of) == (second(50), second(50))


@pytest.mark.parametrize(("start", "end"), [(1, 1800), (-1800, -1)])
def test_listing_of_another_window_confirms_nothing(start: int, end: int) -> None:
    told("D", 10, type="customer.created")
    listed(start, end, 100, 105)
    assert told("S", 20, was="D") is Decision.APPLY


def test_listing_of_another_kind_or_from_before_the_row_confirms_nothing() -> None:
    told("D", 10, type="customer.created")
    listed(None, None, 100, 105, kind="coupon")
    listed(None, None, 5, 6)
    assert told("S", 20, was="D") is Decision.APPLY


def test_row_that_was_touched_while_the_listing_ran_is_left_to_its_own_times() -> None:
    """What it holds now may have come late, after its page was read: D (read), S (late, older), D (late, newer)."""
    told("S", 20)
    listed(-1800, 1800, 100, 105, ago=1)
    assert told("D", 30, was="S") is Decision.APPLY
    assert Customer.objects.get().name == "D"


@pytest.mark.usefixtures("confirmed")
def test_answer_and_page_from_before_the_listing_change_nothing() -> None:
    seen = {"as_of": second(20), "read_until": second(21)}
    assert apply_state(CUSTOMER, customer("S"), **seen, origin=API, sent_at=timezone.now()).outcome is Outcome.STALE
    apply_page(CUSTOMER, json.dumps({"data": [customer("S")]}), [customer("S")], **seen, sent_at=timezone.now())
    assert Customer.objects.get().name == "D"


@pytest.mark.usefixtures("confirmed")
def test_answer_and_page_from_after_the_listing_are_news() -> None:
    page = [customer("S")]
    apply_page(CUSTOMER, json.dumps({"data": page}), page, as_of=second(110), read_until=second(111))
    assert Customer.objects.get().name == "S"
    applied = apply_state(CUSTOMER, customer("T"), as_of=second(120), read_until=second(121), origin=API)
    assert applied.outcome is Outcome.CHANGED


@pytest.mark.usefixtures("confirmed")
def test_confirmed_row_is_not_written_by_what_it_outlives() -> None:
    """An unchanged object costs no write."""
    before = Customer.objects.values().get()
    told("S", 20, was="D")
    told("D", 30, was="S")
    assert Customer.objects.values().get() == before
