"""Pages begin at rows: nothing is skipped or repeated, far pages cost no walk, and an index carries each order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.core.paginator import InvalidPage
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stripe_mirror.admin import display, paging
from stripe_mirror.admin.page_keys import Order
from stripe_mirror.admin.paging import CappedPaginator, Page, page_of
from stripe_mirror.models import Change, Coupon, CreditNoteLineItem, Invoice, Payout, StripeObject
from tests.admin import rows

SIZE = 3
ORDERS = (
    ("-created", "-id"),
    ("created", "-id"),
    ("arrival_date", "pk"),
    ("-arrival_date",),
    ("-amount", "-arrival_date", "-id"),
    ("amount", "arrival_date"),
    ("pk",),
    ("-id",),
)


@pytest.fixture(autouse=True)
def nothing_remembered(settings: Any) -> Iterator[None]:
    """A cache that remembers, which keys of pages outlive a test's rows in."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()
    yield
    cache.clear()


def payout(number: int, created: int = 0, arrival: int | None = None, amount: int | None = None) -> None:
    """With few different values, so that the id decides often."""
    moments = {"created": rows.SECOND + created, "arrival_date": arrival if arrival is None else rows.SECOND + arrival}
    rows.payout(f"po_{number:04}", **moments, amount=amount)


def listed(*order: str, size: int = SIZE) -> CappedPaginator:
    return CappedPaginator(Payout.objects.order_by(*order), size)


def shown(page: Page) -> list[str]:
    return [row.pk for row in page.rows]


VALUES = st.tuples(
    st.integers(0, 9999), st.integers(0, 2), st.none() | st.integers(0, 2), st.none() | st.integers(0, 1)
)
DISTINCT = {"unique_by": lambda values: values[0]}


@pytest.mark.parametrize("order", ORDERS)
def test_next_and_previous_neither_skip_nor_repeat_a_row_while_others_come(db: None, order: tuple[str, ...]) -> None:
    @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(VALUES, min_size=20, max_size=24, **DISTINCT), st.data())
    def walk(found: list[Any], draw: st.DataObject) -> None:
        Payout.objects.all().delete()
        first, later = found[: len(found) // 2], found[len(found) // 2 :]
        for values in first:
            payout(*values)
        there = {f"po_{values[0]:04}" for values in first}
        asked, seen = "", list[str]()
        while True:
            page = page_of(listed(*order), asked)
            seen += shown(page)
            if not page.next:
                break
            asked = page.next
            for _ in range(draw.draw(st.integers(0, 1)) if later else 0):
                payout(*later.pop())
        assert len(seen) == len(set(seen))
        assert there <= set(seen)
        assert seen == [id for id in everything(order) if id in seen]

        back = shown(page)
        while page.previous:
            page = page_of(listed(*order), page.previous)
            back = shown(page) + back
        assert back == everything(order)

    walk()


def everything(order: tuple[str, ...]) -> list[str]:
    """All ids in an order that follows its first column's direction to the id."""
    names = [name for name in order if name.lstrip("-") not in ("id", "pk")]
    sign = "-" if (names or order)[0].startswith("-") else ""
    return list(Payout.objects.order_by(*names, f"{sign}pk").values_list("pk", flat=True))


@pytest.mark.parametrize("order", ORDERS)
def test_a_far_page_holds_the_rows_of_its_number_however_it_is_found(
    db: None, monkeypatch: pytest.MonkeyPatch, order: tuple[str, ...]
) -> None:
    monkeypatch.setattr(paging, "LIMIT", 4)
    for n in range(40):
        payout(n, created=n // 7, arrival=None if n % 3 == 0 else n // 11, amount=n % 2 or None)
    expected = everything(order)
    for number in (12, 9, 13, 5, 14, 3, 12, 10, 6):
        page = page_of(listed(*order), str(number))
        assert shown(page) == expected[(number - 1) * SIZE : number * SIZE], number
        assert page.number == number
    with pytest.raises(InvalidPage):
        page_of(listed(*order), "15")


def test_a_far_page_is_found_from_a_row_near_it_the_second_time(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LIMIT", 4)
    for n in range(40):
        payout(n, created=n)
    offsets = []
    for number in (11, 11, 13, 13):
        with CaptureQueriesContext(connection) as queries:
            page_of(listed("-created", "-id"), str(number))
        offsets.append([int(n) for one in queries for n in re.findall(r"OFFSET (\d+)", one["sql"])])
    assert offsets == [[29], [], [5], []]


def test_a_far_page_of_what_the_database_numbers_is_found_by_its_number(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a walk even the first time; where a number was left out, nothing is: the next pages go on from a row."""
    monkeypatch.setattr(paging, "LIMIT", 4)
    now = datetime(2027, 1, 15, tzinfo=UTC)
    made = [Change(object_type="price", object_id="p", version=n, happened_at=now, recorded_at=now) for n in range(40)]
    Change.objects.bulk_create(made)
    newest_first = list(Change.objects.values_list("pk", flat=True))

    def changes(kind: str = "") -> CappedPaginator:
        found = Change.objects.filter(object_type=kind) if kind else Change.objects.all()
        return CappedPaginator(found.order_by("-id"), SIZE)

    for number in (12, 9, 14, 3):
        with CaptureQueriesContext(connection) as queries:
            page = page_of(changes(), str(number))
        assert [row.pk for row in page.rows] == newest_first[(number - 1) * SIZE : number * SIZE]
        assert not any("OFFSET" in one["sql"] and int(one["sql"].split("OFFSET")[1].split()[0]) > 6 for one in queries)
    with pytest.raises(InvalidPage):
        page_of(changes(), "15")
    # Of a filtered list nobody knows the numbers.
    assert [row.pk for row in page_of(changes("price"), "9").rows] == newest_first[24:27]
    Change.objects.filter(pk__in=newest_first[5:8]).delete()
    page, seen = page_of(changes(), "1"), []
    while page.rows:
        seen += [row.pk for row in page.rows]
        if not page.next:
            break
        page = page_of(changes(), page.next)
    assert seen == newest_first[:5] + newest_first[8:]
    # Three numbers are missing above, so the page begins where it did before.
    assert page_of(changes(), "9").rows[0].pk == newest_first[24]


def test_a_page_counts_its_rows_not_those_before_it(db: None) -> None:
    for n in range(9):
        payout(n, created=n)
    second = page_of(listed("-created", "-id"), page_of(listed("-created", "-id"), "").next)
    with CaptureQueriesContext(connection) as queries:
        third = page_of(listed("-created", "-id"), second.next)
    assert shown(third) == ["po_0002", "po_0001", "po_0000"]
    assert (third.number, third.next) == (3, "")
    # Keys, those without a date that might follow (on SQLite), and rows by id.
    assert len(queries) <= 3
    assert not any("OFFSET" in one["sql"] for one in queries)


def test_the_links_of_a_list_lead_on_and_its_filters_begin_anew(boss: Client) -> None:
    for n in range(60):
        rows.invoice(f"in_{n:02}", number=None, created=rows.SECOND + n, status="open" if n % 2 else "paid")
    url = display.list_url(Invoice)
    first = boss.get(f"{url}?currency=usd").context_data["cl"]  # type: ignore[attr-defined]
    rows.invoice("in_new", number=None, created=rows.SECOND + 99)
    html = boss.get(url + first.next_page).content.decode()
    assert "26–50 of 61" in html
    assert [f"in_{n:02}/" in html for n in (35, 34, 10, 9)] == [False, True, True, False]
    assert "currency=usd" in first.next_page
    filters = re.findall(r'href="(\?[^"]*status=[^"]*)"', html)
    assert filters
    assert not any("after" in address for address in filters)


@pytest.mark.parametrize(
    "asked",
    [
        "2.after.",
        "2.after.W10",
        "2.after.bm9uc2Vuc2U",
        "2.after.WyJ4IiwgImEiXQ",
        "2.before.WzEsIDIsIDNd",
        "2.after.WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzE0OjAwIiwgImEiXQ",
        "2.after.WyIyMDI2LTAxLTAxVDAwOjAwOjAwWiIsICJcdTAwMDAiXQ",
        "2.sideways.WzFd",
        "1.5",
        "-3",
        "٣",
        "9" * 400,
        "2.after." + "A" * 5000,
    ],
)
def test_addresses_that_name_no_row_never_fail(boss: Client, asked: str) -> None:
    for n in range(30):
        rows.coupon(f"c{n:03}", created=rows.SECOND + n)
    assert boss.get(display.list_url(Coupon), {"p": asked}).status_code in (200, 302)


def test_an_index_carries_each_order_that_lists_offer(boss: Client) -> None:
    rows.one_of_each()
    offered = 0
    for model in filter(lambda model: issubclass(model, StripeObject), admin.site._registry):
        changelist = boss.get(display.list_url(model)).context_data["cl"]  # type: ignore[attr-defined]
        fields = [name for column in changelist.list_display if (name := changelist.get_ordering_field(column))]
        usual = Order.of(changelist.queryset)
        assert usual, model
        for names in ([name.lstrip("-") for name in usual.names], *([str(name), "id"] for name in fields)):
            begun = [[name.lstrip("-") for name in index.fields] for index in model._meta.indexes]
            wanted = [model._meta.get_field(name).name for name in names]
            assert any(index[: len(wanted)] == wanted for index in begun), (model, names)
            offered += 1
    assert offered > 40
    assert Order.of(CreditNoteLineItem.objects.all())
