"""Amounts in forms: what a person types is what Stripe gets, by Stripe's table of currencies (S50, S51)."""

from __future__ import annotations

import pytest
from django import forms
from hypothesis import given
from hypothesis import strategies as st

from stripe_mirror.money import THREE_DECIMAL, WHOLE_BUT_TWO_DECIMAL, ZERO_DECIMAL
from stripe_mirror.push.amounts import AmountField

CURRENCIES = sorted({"usd", "eur", "gbp", "huf"} | ZERO_DECIMAL | THREE_DECIMAL | WHOLE_BUT_TWO_DECIMAL)


@pytest.mark.parametrize(
    ("typed", "currency", "sent"),
    [
        ("500", "jpy", 500),
        ("5", "ugx", 500),
        ("5", "isk", 500),
        ("5.00", "kwd", 5000),
        (" 49.90 ", "usd", 4990),
        ("0.50", "eur", 50),
    ],
)
def test_s50_s51_the_typed_amount_becomes_stripes_minor_units(typed: str, currency: str, sent: int) -> None:
    assert AmountField(currency=currency).clean(typed) == sent


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("500.5", "jpy"),
        ("5.5", "ugx"),
        ("5.0005", "kwd"),
        ("1.234", "usd"),
        ("1,50", "usd"),
        ("0", "usd"),
        ("-5", "usd"),
        ("NaN", "usd"),
        ("Infinity", "usd"),
        ("", "usd"),
        ("five", "usd"),
    ],
)
def test_s50_s51_what_the_currency_does_not_have_is_refused_at_the_field(typed: str, currency: str) -> None:
    with pytest.raises(forms.ValidationError):
        AmountField(currency=currency).clean(typed)


@given(currency=st.sampled_from(CURRENCIES), units=st.integers(min_value=1, max_value=999_999))
def test_s51_an_amount_shown_and_sent_again_is_the_same(currency: str, units: int) -> None:
    # Stripe's amounts of these currencies end in zeros.
    amount = units * (100 if currency in WHOLE_BUT_TWO_DECIMAL else 10 if currency in THREE_DECIMAL else 1)
    field = AmountField(currency=currency)
    shown = field.prepare_value(amount)
    assert field.clean(shown) == amount
    assert not field.has_changed(amount, shown)
    assert field.clean(amount) == amount, "a stored form holds minor units"
