"""MRR and its movements, kept up with what the mirror says."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from stripe_mirror.figures import mrr, work
from stripe_mirror.figures.now import monthly_now
from stripe_mirror.models import (
    Change,
    Discount,
    FigureProgress,
    MrrDay,
    MrrMovement,
    Subscription,
    SubscriptionAmount,
)
from tests.admin import rows
from tests.figures.subscribing import DAY, START, change, check_sums, compute, items, seconds, subscribe, told

pytestmark = pytest.mark.django_db
PAUSED = {"behavior": "void", "resumes_at": None}


def test_a_page_says_of_a_subscription_what_the_figures_keep() -> None:
    coupon = rows.coupon("C", percent_off=25, duration="forever")
    for id, fields in (
        ("sub_own", {"discounts": ["di_1"]}),
        ("sub_plain", {}),
        ("sub_paused", {"pause_collection": PAUSED}),
    ):
        subscribe(id, amount=10_000, **fields)
    discount = rows.discount("di_1", source={"type": "coupon", "coupon": "C"}, subscription="sub_own", end=None)
    compute()
    kept = dict(SubscriptionAmount.objects.values_list("subscription", "amount"))
    discount.coupon = coupon
    shown = {row.pk: monthly_now(row, [discount]).get("usd", 0) for row in Subscription.objects.all()}
    assert kept == shown == {"sub_own": 7500, "sub_plain": 10_000, "sub_paused": 0}


def test_a_life_is_told_in_movements_on_the_days_they_happened() -> None:
    subscribe(amount=2900)
    compute()
    for day, fields in (
        (10, {"items": items(2900, quantity=3)}),
        (12, {"items": items(4900)}),
        (20, {"pause_collection": PAUSED}),
        (25, {"pause_collection": None}),
        (30, {"status": "past_due"}),
        (40, {"status": "canceled", "ended_at": seconds(START + 40 * DAY)}),
    ):
        change("sub_1", START + day * DAY, **fields)
    compute()
    assert told() == [
        ("03-02", "new", 0, 2900),
        ("03-12", "expansion", 2900, 8700),
        ("03-14", "contraction", 8700, 4900),
        ("03-22", "churn", 4900, 0),
        ("03-27", "reactivation", 0, 4900),
        ("04-11", "churn", 4900, 0),
    ]
    check_sums()


def test_what_a_customer_has_is_added_up_and_currencies_never_are() -> None:
    subscribe("sub_1", amount=2900)
    subscribe("sub_2", amount=1000, at=START + DAY)
    subscribe("sub_3", amount=500, currency="jpy")
    subscribe("sub_4", amount=0)
    compute()
    change("sub_2", START + 5 * DAY, status="canceled")
    change("sub_1", START + 5 * DAY + timedelta(hours=3), items=items(3900))
    compute()
    assert told(currency="usd") == [
        ("03-02", "new", 0, 2900),
        ("03-03", "expansion", 2900, 3900),
    ]
    assert told(currency="jpy") == [("03-02", "new", 0, 500)]
    check_sums()


def test_the_past_before_the_mirror_is_told_by_starts_trials_ends_and_invoices() -> None:
    ended = {"status": "canceled", "ended_at": seconds(START + 60 * DAY)}
    subscribe("sub_trial", customer="cus_A", trial_end=seconds(START + 14 * DAY), **ended)
    subscribe("sub_tried", customer="cus_B", trial_end=seconds(START + 80 * DAY), **ended)
    subscribe("sub_trialing", customer="cus_C", status="trialing", trial_end=seconds(timezone.now() + DAY))
    subscribe("sub_never", customer="cus_D", status="incomplete_expired")
    unpaid = items() | {"data": [items()["data"][0] | {"current_period_start": seconds(START + 31 * DAY)}]}
    subscribe("sub_unpaid", customer="cus_E", status="unpaid", items=unpaid)
    subscribe("sub_grown", customer="cus_F", items=items(2900, quantity=5))
    rows.price()
    for id, day, amount, quantity in (("a", 0, 2900, 1), ("b", 9, -2000, 1), ("c", 9, 9000, 4), ("d", 31, 14500, 5)):
        of = {"subscription_item_details": {"subscription": "sub_grown", "subscription_item": "si_1"}}
        span = {"start": seconds(START + day * DAY), "end": seconds(START + 62 * DAY)}
        rows.line_item(f"il_{id}", amount=amount, quantity=quantity, period=span, parent=of)
    compute()
    assert told(customer="cus_A") == [("03-16", "new", 0, 2900), ("05-01", "churn", 2900, 0)]
    assert told(customer__in=["cus_B", "cus_C", "cus_D"]) == []
    assert told(customer="cus_E") == [("03-02", "new", 0, 2900), ("04-02", "churn", 2900, 0)]
    assert told(customer="cus_F") == [
        ("03-02", "new", 0, 2900),
        ("03-11", "expansion", 2900, 11600),
        ("04-02", "expansion", 11600, 14500),
    ]
    check_sums()


def test_discounts_that_recur_reduce_it_while_they_run_and_others_never() -> None:
    now = timezone.now().replace(microsecond=0)
    rows.coupon("HALF", amount_off=None, percent_off=50, duration="repeating")
    rows.coupon("ONCE", amount_off=1000, duration="once")
    over, runs = seconds(START + 90 * DAY), seconds(now + timedelta(hours=2))
    for id, coupon, end in (("di_1", "HALF", over), ("di_2", "HALF", runs), ("di_3", "ONCE", None)):
        source = {"type": "coupon", "coupon": coupon}
        rows.discount(id, source=source, start=seconds(START), end=end, customer="cus_X", subscription=None)
    subscribe("sub_1", customer="cus_A", discounts=["di_1"])
    subscribe("sub_2", customer="cus_B", discounts=["di_2"])
    subscribe("sub_3", customer="cus_C", discounts=["di_3"])
    subscribe("sub_4", customer="cus_D", discounts=["di_missing"])
    compute()
    assert told(customer="cus_A") == [("03-02", "new", 0, 1450), ("05-31", "expansion", 1450, 2900)]
    assert told(customer="cus_B") == [("03-02", "new", 0, 1450)]
    assert told(customer="cus_C") == [("03-02", "new", 0, 2900)]
    held = SubscriptionAmount.objects.in_bulk()
    assert held["sub_2"].due_at == now + timedelta(hours=2)
    assert (held["sub_4"].amount, held["sub_4"].problem) == (0, "A discount isn't mirrored yet.")
    # The discount comes, and the mirror notes it; nothing of the subscription changed.
    rows.discount("di_missing", source={"coupon": "HALF"}, start=seconds(START), end=None, subscription="sub_4")
    Discount.objects.filter(pk="di_missing").update(changed_at=timezone.now())
    compute()
    assert told(customer="cus_D") == [("03-02", "new", 0, 1450)]
    # Time passes: the discount that ran is over.
    SubscriptionAmount.objects.filter(pk="sub_2").update(due_at=now)
    Discount.objects.filter(pk="di_2").update(data=Discount.objects.get(pk="di_2").data | {"end": seconds(now)})
    compute()
    assert told(customer="cus_B")[-1][1:] == ("expansion", 1450, 2900)
    check_sums()


def test_a_customers_own_discount_applies_where_the_subscription_has_none() -> None:
    rows.coupon("TEN", amount_off=None, percent_off=10, duration="forever")
    own = {"source": {"coupon": "TEN"}, "start": seconds(START), "end": None, "customer": "cus_A"}
    rows.discount("di_own", **own, subscription=None, invoice=None)
    subscribe("sub_1", customer="cus_A")
    compute()
    assert told() == [("03-02", "new", 0, 2610)]


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", "01-31"), ("Pacific/Auckland", "02-01"), ("America/Los_Angeles", "01-31")]
)
def test_a_day_is_a_day_of_the_company_s54(zone: str, day: str, settings: Any) -> None:
    settings.TIME_ZONE = zone
    subscribe(at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    with timezone.override("Asia/Tokyo"):
        compute()
    assert [each[0] for each in told()] == [day]


def test_another_zone_computes_everything_anew(settings: Any) -> None:
    subscribe(at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    compute()
    settings.TIME_ZONE = "Pacific/Auckland"
    compute()
    assert [each[0] for each in told()] == ["02-01"]
    check_sums()


def test_odd_shapes_are_counted_and_fail_nothing() -> None:
    subscribe("sub_fine")
    for number, odd in enumerate(
        ({"items": None}, {"items": {"data": "x"}}, {"items": {"data": [None]}}, {"discounts": [7]}, {"currency": 7})
    ):
        subscribe(f"sub_odd{number}", **odd)
    subscribe("sub_nobody", customer=None)
    subscribe("sub_future", status="hibernating", start_date="yesterday", created=-4)
    compute()
    problems = dict(SubscriptionAmount.objects.filter(problem__gt="").values_list("pk", "problem"))
    assert problems.keys() == {"sub_odd2", "sub_odd3", "sub_nobody"}
    assert told(currency="usd") == [("03-02", "new", 0, 2900)]
    check_sums()
    # It was worth something before it became odd: it keeps that, and says so.
    change("sub_fine", START + 9 * DAY, items={"data": [{"price": "price_1"}]})
    compute()
    fine = SubscriptionAmount.objects.get(pk="sub_fine")
    assert (fine.amount, bool(fine.problem)) == (2900, True)
    change("sub_fine", START + 12 * DAY, items=items(1000))
    SubscriptionAmount.objects.update(due_at=timezone.now())
    compute()
    assert told(currency="usd")[-1] == ("03-14", "contraction", 2900, 1000)


def test_a_change_whose_record_is_gone_is_dated_by_when_it_was_seen() -> None:
    subscribe()
    compute()
    change("sub_1", START + 9 * DAY, items=items(900))
    Change.objects.all().delete()
    seen = Subscription.objects.get().changed_at
    compute()
    assert told()[-1] == (f"{seen:%m-%d}", "contraction", 2900, 900)


def everything() -> list[Any]:
    """All that is stored but when it was stored."""
    amounts = SubscriptionAmount.objects.order_by("pk").values_list("pk", "amount", "version", "moved_at", "due_at")
    moved = MrrMovement.objects.order_by("customer", "currency", "day").values_list(
        "customer", "currency", "day", "nature", "before", "after"
    )
    summed = MrrDay.objects.order_by("currency", "day").values_list("currency", "day", "mrr", "subscribers", "new")
    return [list(amounts), list(moved), list(summed)]


def test_a_repetition_changes_nothing_and_a_kill_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mrr, "CHUNK", 3)
    for n in range(10):
        subscribe(f"sub_{n}", customer=f"cus_{n % 4}", at=START + n * DAY, amount=100 + n)
    compute()
    first = everything()
    compute()
    FigureProgress.objects.update(cursor_at=START - DAY, cursor_id="")
    compute()
    assert everything() == first
    for model in (SubscriptionAmount, MrrMovement, MrrDay, FigureProgress):
        model._default_manager.all().delete()
    for _ in range(3):
        mrr.step()
        # Killed before the transaction of the next step ended.
        with suppress(KeyboardInterrupt), transaction.atomic():
            mrr.step()
            raise KeyboardInterrupt
    compute()
    assert everything() == first


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_count_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mrr, "CHUNK", 4)
    for n in range(30):
        subscribe(f"sub_{n}", customer=f"cus_{n % 5}", at=START + n * DAY, amount=100 + n)
    failures: list[BaseException] = []

    def worker() -> None:
        try:
            work.work(seconds=60)
        except BaseException as failure:
            failures.append(failure)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert SubscriptionAmount.objects.count() == 30
    check_sums()
    assert MrrDay.objects.last().mrr == sum(100 + n for n in range(30))  # type: ignore[union-attr]


HAPPENING = st.tuples(
    st.integers(0, 3),
    st.integers(0, 20),
    st.sampled_from(("active", "past_due", "unpaid", "canceled", "trialing")),
    st.integers(0, 3),
    st.booleans(),
)


class Histories(TestCase):
    """hypothesis needs a database that is rolled back for each example."""

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(HAPPENING, max_size=12))
    def test_whatever_happens_movements_add_up_to_the_difference_of_mrr(self, history: list[Any]) -> None:
        for n in range(4):
            subscribe(f"sub_{n}", customer=f"cus_{n % 2}", currency="usd" if n < 3 else "eur", amount=100)
        day = 0
        for n, later, status, seats, now in history:
            day += later
            change(f"sub_{n}", START + day * DAY, status=status, items=items(100, quantity=seats))
            if now:
                compute()
        compute()
        check_sums()


def test_a_walk_over_what_changed_uses_the_index() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("the plan of an empty table says nothing on PostgreSQL")
    FigureProgress.objects.create(source="x", cursor_at=START)
    rows_ = Subscription.objects.filter(changed_at__gte=START).order_by("changed_at", "pk")
    assert "subscription_changed" in rows_.explain()
