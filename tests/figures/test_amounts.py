"""What a subscription is worth a month: the worked examples of docs/figures.md."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_mirror.figures.amounts import NotComputable, Reduction, counts, monthly_amount, rounded

DOCS = Path(__file__).resolve().parents[2] / "docs" / "figures.md"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def item(amount: Any, interval: str = "month", *, count: int = 1, quantity: Any = 1, **price: Any) -> dict[str, Any]:
    recurring = {"interval": interval, "interval_count": count, "usage_type": "licensed"}
    of = {"unit_amount": amount, "recurring": recurring, "product": "prod_Tea"} | price
    return {"id": "si_1", "quantity": quantity, "price": of}


def percent(value: Any, **fields: Any) -> Reduction:
    return Reduction(percent=Fraction(str(value)), **fields)


def off(value: int, **fields: Any) -> Reduction:
    return Reduction(amounts={"usd": Fraction(value)}, **fields)


METERED = item(None, recurring={"interval": "month", "interval_count": 1, "usage_type": "metered"})
GRADUATED = [{"up_to": 10, "unit_amount": 500}, {"up_to": None, "unit_amount": 300, "flat_amount": 1000}]
VOLUME = [{"up_to": 10, "unit_amount": 500}, {"up_to": None, "unit_amount": 300}]
TIERED = {"billing_scheme": "tiered", "quantity": 15}

EXAMPLES: dict[str, tuple[list[Any], list[Reduction], int]] = {
    "E1": ([item(2900)], [], 2900),
    "E2": ([item(60000, "year")], [], 5000),
    "E3": ([item(1000, "week", quantity=3)], [], 13000),
    "E4": ([item(100, "day")], [], 3042),
    "E5": ([item(9000, count=3, quantity=2)], [], 6000),
    "E6": ([item(None, unit_amount_decimal="0.5", quantity=333)], [], 167),
    "E7": ([item(4900, quantity=5), METERED], [], 24500),
    "E8": ([item(1000, quantity=12, transform_quantity={"divide_by": 5, "round": "up"})], [], 3000),
    "E9": ([item(None, tiers_mode="graduated", tiers=GRADUATED, **TIERED)], [], 7500),
    "E10": ([item(None, tiers_mode="volume", tiers=VOLUME, **TIERED)], [], 4500),
    "E11": ([item(4900)], [percent(20)], 3920),
    "E12": ([item(12000, "year")], [off(6000)], 500),
    # A coupon for one bill is no reduction at all: see test_reductions.
    "E13": ([item(4900)], [], 4900),
    "E14": ([item(4900)], [percent(50, end=NOW - timedelta(days=1))], 4900),
    "E15": ([item(1000)], [off(5000)], 0),
    "E16": ([item(10000)], [percent(10), off(1000)], 8000),
    "E17": ([item(10000), item(10000, product="prod_Cake")], [percent(50, products=frozenset(["prod_Tea"]))], 15000),
    "E18": ([item(333, "year")], [], 28),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_worth_what_the_documentation_says(name: str) -> None:
    items, reductions, amount = EXAMPLES[name]
    assert monthly_amount(items, currency="usd", moment=NOW, reductions=reductions) == amount
    documented = re.search(rf"^\| {name} \|.*\| (\d+) \|$", DOCS.read_text(), re.M)
    assert documented, f"{name} stands in no example of docs/figures.md"
    assert int(documented.group(1)) == amount


def test_every_documented_example_is_computed() -> None:
    assert re.findall(r"^\| (E\d+) \|", DOCS.read_text(), re.M) == list(EXAMPLES)


def test_a_discount_of_an_item_comes_before_that_of_the_subscription() -> None:
    both = [item(10000), {**item(2000), "id": "si_2"}]
    amount = monthly_amount(both, currency="usd", moment=NOW, reductions=[off(1000)], of_items={"si_2": [percent(50)]})
    assert amount == 10000 + 1000 - 1000


def test_a_discount_runs_from_its_start_until_its_end() -> None:
    day = timedelta(days=1)
    reduction = percent(50, start=NOW - day, end=NOW + day)
    moments = [NOW - 2 * day, NOW - day, NOW, NOW + day]
    worth = [monthly_amount([item(100)], currency="usd", moment=at, reductions=[reduction]) for at in moments]
    assert worth == [100, 50, 50, 100]


@pytest.mark.parametrize(
    ("subscription", "counted"),
    [
        ({"status": "active"}, True),
        ({"status": "past_due"}, True),
        ({"status": "active", "cancel_at_period_end": True}, True),
        ({"status": "active", "pause_collection": {"behavior": "void"}}, False),
        *(({"status": status}, False) for status in ("trialing", "unpaid", "paused", "canceled", "incomplete")),
        ({"status": "from_the_future"}, False),
        ({}, False),
    ],
)
def test_only_running_subscriptions_count(subscription: dict[str, Any], counted: bool) -> None:
    assert counts(subscription) is counted


ODD: list[Any] = [
    None,
    {},
    {"price": None},
    {"price": "price_1"},
    item(None),
    item("a lot"),
    item(-5),
    item(True),
    item("1e999999999"),
    item("9" * 60),
    item(100, "fortnight"),
    item(100, count=0),
    item(100, quantity="many"),
    item(100, quantity=-1),
    item(100, recurring=None),
    item(100, billing_scheme="tiered"),
    item(100, billing_scheme="tiered", tiers=[7], tiers_mode="volume"),
    item(100, billing_scheme="tiered", tiers=[{"up_to": 1, "unit_amount": 5}], tiers_mode="volume", quantity=3),
    item(100, billing_scheme="tiered", tiers=VOLUME, tiers_mode="magic"),
    item(100, transform_quantity={"divide_by": 0, "round": "up"}),
    item(10**17, quantity=10**6),
]


@pytest.mark.parametrize("odd", ODD)
def test_an_unknown_shape_is_said_not_guessed(odd: Any) -> None:
    with pytest.raises(NotComputable, match=r"\.$"):
        monthly_amount([item(100), odd], currency="usd", moment=NOW)


def test_an_amount_off_in_another_currency_is_not_subtracted() -> None:
    with pytest.raises(NotComputable, match="another currency"):
        monthly_amount([item(100)], currency="eur", moment=NOW, reductions=[off(10)])


@given(st.fractions(min_value=0, max_value=10**12))
def test_rounding_moves_an_amount_by_at_most_half_a_unit(amount: Fraction) -> None:
    assert abs(rounded(amount) - amount) <= Fraction(1, 2)
    assert rounded(Fraction(5, 2)) == 3
