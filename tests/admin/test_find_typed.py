"""What somebody types is read in every way that makes sense."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from stripe_mirror.admin.find.typed import Typed, read

TODAY = date(2027, 5, 10)
THIRD_OF_MARCH = date(2027, 3, 3)


def typed(text: str) -> Typed:
    return read(text, today=TODAY)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("cus_123abc", ["cus_123abc"]),
        ("  cus_123abc ", ["cus_123abc"]),
        ('"in_1NxYz".', ["in_1NxYz"]),
        ("cs_test_a1B2", ["cs_test_a1B2"]),
        ("sub_sched_1Nx", ["sub_sched_1Nx"]),
        ("cus_123abc, cus_456def\nin_789ghi", ["cus_123abc", "cus_456def", "in_789ghi"]),
        ("cus_123abc cus_123abc", ["cus_123abc"]),
        ("https://dashboard.stripe.com/acct_1Nx/test/customers/cus_123abc?x#y", ["cus_123abc"]),
        ("https://dashboard.stripe.com/test/payments/pi_3Nx1", ["pi_3Nx1"]),
        ("dashboard.stripe.com/invoices/in_1Nx1/", ["in_1Nx1"]),
        ("see https://dashboard.stripe.com/subscriptions/sub_1Nx1, please", ["sub_1Nx1"]),
        ("https://dashboard.stripe.com/customers/cus_1Nx1/invoices/in_1Nx1", ["in_1Nx1"]),
        ("https://dashboard.stripe.com/search?query=cus_1Nx1", ["cus_1Nx1"]),
        ("https://dashboard.stripe.com/test/coupons/SUMMER50", ["SUMMER50"]),
        ("http://localhost:8000/admin/stripe_mirror/customer/cus_1Nx1/change/", ["cus_1Nx1"]),
        ("tr_1Nx1", ["tr_1Nx1"]),
        ("evt_1Nx1", ["evt_1Nx1"]),
        ("john_doe", []),
        ("cus_123abc called again", []),
        ("https://dashboard.stripe.com/", []),
    ],
)
def test_ids_are_found_alone_several_and_in_addresses(text: str, ids: list[str]) -> None:
    assert [one.id for one in typed(text).ids] == ids


@pytest.mark.parametrize(
    ("text", "readings", "currency"),
    [
        ("49.90", ["49.90"], None),
        ("49,90", ["49.90"], None),
        ("49.9", ["49.9"], None),
        ("49", ["49"], None),
        ("-49.90", ["49.90"], None),
        ("$49.90", ["49.90"], "usd"),
        ("49.90 $", ["49.90"], "usd"),
        ("49.90 eur", ["49.90"], "eur"),
        ("EUR 49,90", ["49.90"], "eur"),
        ("49,90€", ["49.90"], "eur"),
        ("£49", ["49"], "gbp"),
        ("¥5000", ["5000"], "jpy"),
        ("5000 JPY", ["5000"], "jpy"),
        ("kwd 5.000", ["5000", "5.000"], "kwd"),
        ("1,234.56", ["1234.56"], None),
        ("1.234,56", ["1234.56"], None),
        ("1 234,56 €", ["1234.56"], "eur"),
        ("1'234.50 CHF", ["1234.50"], "chf"),
        ("1,234", ["1234", "1.234"], None),
        ("1.234", ["1234", "1.234"], None),
        ("€1.000.000,00", ["1000000.00"], "eur"),
        ("1,234,567", ["1234567"], None),
        ("1234.56", ["1234.56"], None),
        ("49.", ["49"], None),
    ],
)
def test_amounts_are_read_in_many_writings(text: str, readings: list[str], currency: str | None) -> None:
    amount = typed(text).amount
    assert amount is not None
    assert amount.readings == tuple(map(Decimal, readings))
    assert currency in amount.currencies if currency else not amount.currencies


@pytest.mark.parametrize(
    "text",
    ["", ".", "-", "€", "try", "49.90 ada", "12 monkeys 3", "1.2.3.4", "12345678901234567890", "49.90 xyz", "²", "٤٢"],
)
def test_what_is_no_amount_is_none(text: str) -> None:
    assert typed(text).amount is None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2027-03-03", [THIRD_OF_MARCH]),
        ("2027/3/3", [THIRD_OF_MARCH]),
        ("3 march", [THIRD_OF_MARCH]),
        ("3rd of March", [THIRD_OF_MARCH]),
        ("3. März", [THIRD_OF_MARCH]),
        ("march 3", [THIRD_OF_MARCH]),
        ("Mar 3rd, 2027", [THIRD_OF_MARCH]),
        ("3mar", [THIRD_OF_MARCH]),
        ("3.3.", [THIRD_OF_MARCH]),
        ("03.03.2027", [THIRD_OF_MARCH]),
        ("3.3.27", [THIRD_OF_MARCH]),
        ("3/3", [THIRD_OF_MARCH]),
        ("03/04/2027", [date(2027, 4, 3), date(2027, 3, 4)]),
        ("25/04/2027", [date(2027, 4, 25)]),
        ("04/25/2027", [date(2027, 4, 25)]),
        ("11 may", [date(2026, 5, 11)]),
        ("10 may", [TODAY]),
        ("29 feb", [date(2024, 2, 29)]),
        ("today", [TODAY]),
        ("yesterday", [date(2027, 5, 9)]),
        ("gestern", [date(2027, 5, 9)]),
        ("31 feb", []),
        ("2027-13-40", []),
        ("3 march company", []),
    ],
)
def test_days_are_read_in_many_writings(text: str, days: list[date]) -> None:
    assert list(typed(text).days) == days


@pytest.mark.parametrize(
    "text",
    [
        "49.90 3 march",
        "3 march 49.90",
        "march 3 49.90",
        "49.90 march 3",
        "49,90 3.3.",
        "49.90 2027-03-03",
        "$49.90 3 march 2027",
        "49,90 €, 3. märz 2027",
        "3/3/2027 usd 49.90",
    ],
)
def test_an_amount_and_a_day_come_in_any_order(text: str) -> None:
    found = typed(text)
    assert found.amount is not None and found.amount.readings == (Decimal("49.90"),)
    assert found.days == (THIRD_OF_MARCH,)
    assert not found.digits


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+49 30 1234", "49301234"),
        ("0049 (0)30 1234", "49301234"),
        ("030/1234567", "301234567"),
        ("(415) 555-2671", "4155552671"),
        ("415.555.2671", "4155552671"),
        ("12345", "12345"),
        ("1234", ""),
        ("1,234.56", ""),
        ("2027-03-03", ""),
        ("ada 12345", ""),
    ],
)
def test_phones_are_their_digits(text: str, digits: str) -> None:
    assert typed(text).digits == digits


@pytest.mark.parametrize(
    ("text", "last4"),
    [
        ("4242", "4242"),
        ("•••• 4242", "4242"),
        ("**** **** **** 4242", "4242"),
        ("Visa 4242", "4242"),
        ("visa ending in 4242", "4242"),
        ("xxxx4242", "4242"),
        ("424", ""),
        ("42424", ""),
        ("order 4242", ""),
    ],
)
def test_cards_are_their_last_digits(text: str, last4: str) -> None:
    assert typed(text).last4 == last4


@pytest.mark.parametrize("text", ["ada", "ada lovelace", "ada@example.com", "ADA-0001", "1000-2024", "user 42", "100%"])
def test_everything_else_is_words(text: str) -> None:
    assert typed(text).words == tuple(text.split())


@pytest.mark.parametrize(
    "text", ["\x00", "a" * 10_000, "_" * 500, "cus_" * 200, "1," * 300, "\u202e\U0001f600", "((((", "\\%_'\""]
)
def test_odd_texts_are_read_without_failing(text: str) -> None:
    assert len(typed(text).text) <= 300
