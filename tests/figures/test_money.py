"""Payments, refunds and disputes per day, and what is so now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from stripe_mirror.figures import standing
from stripe_mirror.models import Charge, MoneyDay, Refund, StandingFigures
from tests.admin import rows
from tests.figures.subscribing import DAY, START, compute, seconds, subscribe

pytestmark = pytest.mark.django_db
NAMES = ("paid", "paid_count", "failed", "failed_count", "refunded", "refunded_count", "disputed", "disputed_count")


def days() -> dict[tuple[str, str], dict[str, int]]:
    """(currency, day) → what isn't zero."""
    found = {}
    for row in MoneyDay.objects.all():
        sums = {name: getattr(row, name) for name in NAMES if getattr(row, name)}
        if sums:
            found[row.currency, f"{row.day:%m-%d}"] = sums
    return found


def test_a_day_is_summed_per_currency_s53() -> None:
    at = {"created": seconds(START)}
    rows.charge("ch_1", amount=5000, amount_captured=5000, **at)
    rows.charge("ch_2", amount=5000, amount_captured=3000, **at)
    rows.charge("ch_3", amount=700, status="failed", captured=False, amount_captured=0, **at)
    rows.charge("ch_4", amount=900, captured=False, amount_captured=0, **at)
    rows.charge("ch_5", amount=400, amount_captured=400, currency="jpy", **at)
    rows.charge("ch_old", amount=100, amount_captured=None, captured=True, created=seconds(START - 800 * DAY))
    rows.refund("re_1", amount=500, status="succeeded", created=seconds(START + DAY))
    rows.refund("re_2", amount=600, status="pending", created=seconds(START + DAY))
    rows.dispute("du_1", amount=5000, **at)
    # Shapes that are in no day.
    rows.charge("ch_odd1", created="soon")
    rows.charge("ch_odd2", currency=None, **at)
    rows.charge("ch_odd3", created=seconds(timezone.now() + 900 * DAY))
    compute()
    assert days() == {
        ("usd", "03-02"): {
            "paid": 8000,
            "paid_count": 2,
            "failed": 700,
            "failed_count": 1,
            "disputed": 5000,
            "disputed_count": 1,
        },
        ("jpy", "03-02"): {"paid": 400, "paid_count": 1},
        ("usd", "12-23"): {"paid": 100, "paid_count": 1},
        ("usd", "03-03"): {"refunded": 500, "refunded_count": 1},
    }


def test_a_day_is_summed_anew_when_one_of_its_rows_changes() -> None:
    rows.refund("re_1", amount=500, status="succeeded", created=seconds(START))
    rows.charge("ch_1", amount=900, amount_captured=900, status="pending", created=seconds(START))
    compute()
    assert days() == {("usd", "03-02"): {"refunded": 500, "refunded_count": 1}}
    now = timezone.now()
    Refund.objects.update(data=Refund.objects.get().data | {"status": "failed"}, changed_at=now)
    Charge.objects.update(data=Charge.objects.get().data | {"status": "succeeded"}, changed_at=now)
    rows.charge("ch_2", amount=50, amount_captured=50, created=seconds(START))
    Charge.objects.filter(pk="ch_2").update(changed_at=now)
    compute()
    compute()
    assert days() == {("usd", "03-02"): {"paid": 950, "paid_count": 2}}


@pytest.mark.parametrize(
    ("zone", "day"), [("Pacific/Auckland", "02-01"), ("America/Los_Angeles", "01-31"), ("UTC", "01-31")]
)
def test_a_payment_counts_on_the_day_of_the_company_s54(zone: str, day: str, settings: Any) -> None:
    settings.TIME_ZONE = zone
    late = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    rows.charge("ch_1", amount=100, amount_captured=100, created=seconds(late))
    with timezone.override("Asia/Tokyo"):
        compute()
    assert list(days()) == [("usd", day)]


def test_what_is_so_now_is_counted_per_currency() -> None:
    now, past = timezone.now(), seconds(timezone.now() - DAY)
    owed = {"status": "open", "amount_remaining": 1000}
    rows.invoice("in_late", **owed, due_date=past, attempt_count=0, collection_method="send_invoice")
    rows.invoice("in_tried", **owed, attempt_count=2, next_payment_attempt=past, due_date=None)
    rows.invoice("in_stuck", **owed, attempt_count=4, next_payment_attempt=None, due_date=None, currency="eur")
    rows.invoice("in_fine", **owed, attempt_count=0, due_date=None)
    rows.invoice("in_draft", status="draft", auto_advance=True, created=seconds(now - 9 * DAY))
    rows.invoice("in_own", status="draft", auto_advance=False, created=seconds(now - 9 * DAY))
    rows.dispute("du_1", amount=300, status="needs_response")
    rows.dispute("du_2", amount=400, status="under_review")
    subscribe("sub_1")
    subscribe("sub_2", status="trialing")
    subscribe("sub_3", customer=None)
    compute()
    found = StandingFigures.objects.get(pk=standing.NAME).content
    usd, eur = found["currencies"]["usd"], found["currencies"]["eur"]
    assert (usd["past_due"], usd["past_due_count"], usd["stuck_count"]) == (2000, 2, 1)
    assert (eur["past_due"], eur["past_due_count"], eur["stuck_count"]) == (1000, 1, 1)
    assert (usd["disputes_due"], usd["disputes_due_count"]) == (300, 1)
    assert (usd["status_active"], usd["status_trialing"], found["uncomputed"]) == (2, 1, 1)


def test_it_is_not_counted_again_within_moments() -> None:
    standing.refresh()
    first = StandingFigures.objects.get().computed_at
    standing.refresh()
    assert StandingFigures.objects.get().computed_at == first
    StandingFigures.objects.update(computed_at=first - timedelta(minutes=1))
    standing.refresh()
    assert StandingFigures.objects.get().computed_at > first - timedelta(minutes=1)
