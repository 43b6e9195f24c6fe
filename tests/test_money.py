"""Money: Stripe's table decides how many decimals a currency has, in both directions."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stripe_mirror import money

CURRENCIES = sorted(
    {*money.ZERO_DECIMAL, *money.THREE_DECIMAL, *money.WHOLE_BUT_TWO_DECIMAL, "usd", "eur", "huf", "twd"}
)


@pytest.mark.parametrize(
    ("typed", "currency", "sent"),
    [
        ("500", "jpy", 500),
        ("49.90", "usd", 4990),
        ("49.9", "eur", 4990),
        ("5", "ugx", 500),
        ("5", "isk", 500),
        ("5.000", "kwd", 5000),
        ("5.12", "kwd", 5120),
        ("-3", "usd", -300),
        (" 7 ", "usd", 700),
    ],
)
def test_s50_s51_what_is_typed_is_sent_in_stripes_minor_units(typed: str, currency: str, sent: int) -> None:
    assert money.to_minor(typed, currency) == sent


@pytest.mark.parametrize(
    ("typed", "currency"),
    [("500.5", "jpy"), ("5.5", "ugx"), ("0.01", "isk"), ("5.0005", "kwd"), ("5.125", "kwd"), ("1.005", "usd"),
     ("", "usd"), ("ten", "usd"), ("NaN", "usd"), ("Infinity", "eur"), ("1,50", "eur")],
)  # fmt: skip
def test_s50_s51_what_the_currency_can_not_hold_is_refused_with_a_sentence(typed: str, currency: str) -> None:
    with pytest.raises(money.WrongAmount, match=currency.upper()):
        money.to_minor(typed, currency)


@pytest.mark.parametrize(
    ("typed", "currency", "minor", "shown"),
    [
        ("0.005", "usd", "0.5", "$0.005"),
        ("29", "eur", "2900", "€29.00"),
        ("0.000000000001", "jpy", "0.000000000001", "¥0.000000000001"),
        ("5.5", "isk", "550", "ISK\u00a05.5"),
        ("1.2345", "kwd", "1234.5", "KWD\u00a01.2345"),
        ("0", "usd", "0", "$0.00"),
    ],
)
def test_what_one_unit_costs_may_have_fractions_of_a_minor_unit(
    typed: str, currency: str, minor: str, shown: str
) -> None:
    amount = money.to_fine_minor(typed, currency)
    assert amount == Decimal(minor)
    assert money.format_money(amount, currency) == shown
    assert money.to_fine_minor(money.to_major(amount, currency), currency) == amount


@pytest.mark.parametrize("typed", ["0.000000000000001", "x", "NaN", "1e15"])
def test_more_decimals_than_stripe_keeps_and_what_is_no_number_are_refused(typed: str) -> None:
    with pytest.raises(money.WrongAmount, match="USD"):
        money.to_fine_minor(typed, "usd")


@pytest.mark.parametrize("typed", ["1e15", "1e400", "-1e28", "9999999999999999"])
def test_an_amount_too_large_for_anything_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(money.WrongAmount, match="more USD"):
        money.to_minor(typed, "usd")


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        (5000, "usd", "$50.00"),
        (500, "jpy", "¥500"),
        (500, "ugx", "UGX\u00a05"),
        (505, "ugx", "UGX\u00a05.05"),
        (500, "isk", "ISK\u00a05"),
        (5000, "kwd", "KWD\u00a05.000"),
        (-1234567, "eur", "-€12,345.67"),
        (None, "usd", ""),
        (7, None, "7"),
    ],
)
def test_s51_s52_amounts_read_as_people_write_them(amount: int | None, currency: str | None, shown: str) -> None:
    assert money.format_money(amount, currency) == shown


@given(st.sampled_from(CURRENCIES), st.integers(-99_999_999, 99_999_999))
def test_s51_every_amount_that_stripe_takes_survives_the_round_trip(currency: str, amount: int) -> None:
    if currency in money.THREE_DECIMAL:
        amount -= amount % 10
    if currency in money.WHOLE_BUT_TWO_DECIMAL:
        amount -= amount % 100
    assert money.to_minor(money.to_major(amount, currency), currency) == amount


@given(st.sampled_from(CURRENCIES), st.integers(-99_999_999, 99_999_999))
def test_major_units_are_exact(currency: str, amount: int) -> None:
    assert money.to_major(amount, currency) == Decimal(amount) / 10 ** money.exponent(currency)


def test_s53_currencies_are_never_added_to_each_other() -> None:
    assert money.totals([(100, "usd"), (500, "jpy"), (50, "usd")]) == {"jpy": 500, "usd": 150}
