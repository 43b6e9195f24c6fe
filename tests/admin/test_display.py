"""How money, moments and texts look."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone
from django.utils.translation import override

from stripe_mirror.admin import display
from stripe_mirror.admin.customers import address
from stripe_mirror.admin.raw import masked

LATE = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "moment"),
    [
        ("Pacific/Auckland", "1 Feb 2026", "1 Feb 2026, 12:30 NZDT"),
        ("America/Los_Angeles", "31 Jan 2026", "31 Jan 2026, 15:30 PST"),
        ("UTC", "31 Jan 2026", "31 Jan 2026, 23:30 UTC"),
    ],
)
def test_s54_moments_are_shown_in_the_zone_with_its_name_and_utc_on_hover(zone: str, day: str, moment: str) -> None:
    with timezone.override(zone):
        assert display.day_text(LATE) == day
        html = display.when(LATE, zone=True)
    assert f">{moment}</time>" in html
    assert 'title="2026-01-31 23:30:00 UTC"' in html


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [(5000, "usd", "$50.00"), (500, "jpy", "¥500"), (500, "ugx", "5"), (5000, "kwd", "5.000"), (-5, "usd", "-$0.05")],
)
def test_s51_money_has_the_decimals_of_its_currency(amount: int, currency: str, expected: str) -> None:
    # The code stands behind the digits, also where the currency has no sign.
    assert display.money(amount, currency) == (
        f'<span class="sm-money">{expected} <span class="sm-currency">{currency.upper()}</span></span>'
    )


def test_a_name_that_turns_the_text_around_it_turns_nothing() -> None:
    assert display.plain("Right\u202eToLeft") == "RightToLeft"


def test_no_amount_is_a_dash_and_nought_is_not() -> None:
    assert display.money(None, "usd") == display.EMPTY
    assert "$0.00" in display.money(0, "usd")


def test_what_comes_from_stripe_is_escaped() -> None:
    for shown in (display.plain("<b>"), display.pill("<b>"), display.link("<b>", "/x"), display.mono("<b>")):
        assert "<b>" not in shown
        assert "&lt;b&gt;" in shown


def test_masking_hides_secrets_and_nothing_else() -> None:
    value: dict[str, Any] = {
        "client_secret": "pi_1_secret_2",
        "risk_level": "normal",
        "note": "task_1 and " + "sk_" + "test_123",
        "lines": [{"hosted_invoice_url": "https://x"}],
        "client_secret_missing": None,
    }
    assert masked(value) == {
        "client_secret": display.HIDDEN,
        "risk_level": "normal",
        "note": f"task_1 and {display.HIDDEN}",
        "lines": [{"hosted_invoice_url": display.HIDDEN}],
        "client_secret_missing": None,
    }


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Tax IDs", "tax IDs"),
        ("en", "Credit note lines", "credit note lines"),
        ("en", "ID of the PDF", "ID of the PDF"),
        ("de", "Steuernummern", "Steuernummern"),
    ],
)
def test_a_heading_begins_small_inside_an_english_sentence_but_for_abbreviations(
    language: str, text: str, expected: str
) -> None:
    with override(language):
        assert display.in_sentence(text) == expected


def test_a_post_code_stays_in_its_town_behind_a_street_that_is_written_from_right_to_left() -> None:
    there = {"line1": "شارع الخليج 152", "postal_code": "13001", "city": "Kuwait City", "country": "KW"}
    assert address(there) == "شارع الخليج 152\u200e, 13001 Kuwait City, KW"
    assert address(there | {"line1": "Gulf Street 152"}) == "Gulf Street 152, 13001 Kuwait City, KW"
