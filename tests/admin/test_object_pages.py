"""How the page of an object is laid out: what stands beside its title, and where its facts are."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from stripe_mirror.admin import display
from stripe_mirror.push.operation import get_operation
from tests.admin import rows

pytestmark = pytest.mark.django_db


def page(client: Client, row: object) -> str:
    return client.get(display.object_url(row)).content.decode()  # type: ignore[arg-type]


def offered(html: str) -> tuple[list[str], list[str]]:
    """The operations beside the title, and those in the menu."""
    shown, _, menu = html.partition('id="more-operations"')
    find = re.compile(r'/operation/([a-z_]+)/"')
    return find.findall(shown.rpartition('class="sm-operations"')[2]), find.findall(menu.partition("</ul>")[0])


def test_what_staff_come_for_stands_beside_the_title_and_the_rest_is_in_a_menu(boss: Client) -> None:
    rows.customer()
    beside, menu = offered(page(boss, rows.subscription()))
    assert len(beside) == 2
    assert all(get_operation(name).at_hand for name in beside)
    assert len(menu) > 3
    dangers = [get_operation(name).danger for name in menu]
    assert dangers == sorted(dangers), "dangerous ones stand last"


@pytest.mark.parametrize(
    ("name", "mark"), [("شركة الخليج", "\u200e"), ("רחל", "\u200e"), ("Éditions Lefèvre", ""), ("青空商事", "")]
)
def test_a_price_beside_a_name_that_is_written_from_right_to_left_stays_as_it_is(
    boss: Client, name: str, mark: str
) -> None:
    """Without a mark between them browsers show “19.00$ – name / month”."""
    rows.price()
    rows.customer(name=name)
    assert f"{name}{mark} – $" in page(boss, rows.subscription())


def test_few_operations_need_no_menu_but_for_what_is_not_possible(boss: Client) -> None:
    beside, menu = offered(page(boss, rows.coupon()))
    assert 0 < len(beside) <= 3
    assert not menu


def test_the_facts_have_the_wide_column_until_there_are_rows_beside_them(boss: Client) -> None:
    coupon = rows.coupon()
    assert 'data-live="facts"' in page(boss, coupon).partition('class="sm-side"')[0]
    subscription = rows.subscription()
    rows.subscription_item()
    assert 'data-live="facts"' in page(boss, subscription).partition('class="sm-side"')[2]
