"""One budget of calls over all processes: shares, pauses, and what happens without it."""

from __future__ import annotations

import time

import pytest
from django.db import OperationalError

from stripe_mirror.models import CallBudget
from stripe_mirror.pull.call_budget import SharedLedger
from stripe_mirror.stripe_api.budget import Lane, RequestBudget

pytestmark = pytest.mark.django_db(transaction=True)


class Clock:
    """Time that passes only where somebody sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr("stripe_mirror.pull.call_budget._now", lambda: self.now)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def process() -> RequestBudget:
    """What another process would have."""
    budget = RequestBudget()
    budget.ledger = SharedLedger()
    return budget


def seconds_for(clock: Clock, calls: int, *budgets: RequestBudget, lane: Lane) -> float:
    """How long the processes need for so many calls each, at a limit of 100 per second."""
    started = clock.now
    for _ in range(calls):
        for budget in budgets:
            budget.wait(100, lane)
    return clock.now - started


def test_backfills_of_all_processes_get_three_fifths_together(clock: Clock) -> None:
    assert seconds_for(clock, 300, process(), process(), lane=Lane.SYNC) == pytest.approx(600 / 60, rel=0.05)


def test_other_work_in_the_background_gets_more(clock: Clock) -> None:
    assert seconds_for(clock, 400, process(), lane=Lane.WORKER) == pytest.approx(400 / 80, rel=0.05)


def test_a_backfill_at_full_speed_leaves_a_page_of_staff_alone(clock: Clock) -> None:
    backfill, page = process(), process()
    seconds_for(clock, 100, backfill, lane=Lane.SYNC)
    assert seconds_for(clock, 1, page, lane=Lane.INTERACTIVE) == 0


def test_many_calls_cost_one_write(clock: Clock, django_assert_max_num_queries: object) -> None:
    budget = process()
    seconds_for(clock, 60, budget, lane=Lane.SYNC)
    with django_assert_max_num_queries(50):  # type: ignore[operator]
        seconds_for(clock, 120, budget, lane=Lane.SYNC)


@pytest.mark.parametrize("lane", list(Lane))
def test_a_429_in_one_process_holds_the_others_back(clock: Clock, lane: Lane) -> None:
    one, other = process(), process()
    one.pause(30)
    waited = seconds_for(clock, 1, other, lane=lane)
    assert waited == pytest.approx(1 if lane is Lane.INTERACTIVE else 30)


def test_a_pause_reaches_a_process_that_still_holds_calls_within_a_second(clock: Clock) -> None:
    one, other = process(), process()
    seconds_for(clock, 50, other, lane=Lane.SYNC)
    clock.sleep(0.1)
    one.pause(30)
    assert seconds_for(clock, 80, other, lane=Lane.SYNC) > 29
    assert CallBudget.objects.count() == 1


class Unreachable(SharedLedger):
    """A database that is away."""

    def take(self, calls: int, per_second: float, *, sync: bool, sync_per_second: float) -> float:
        raise OperationalError("server closed the connection")


def test_a_process_without_the_database_keeps_its_own_pace(clock: Clock) -> None:
    budget = process()
    budget.ledger = Unreachable()
    assert seconds_for(clock, 100, budget, lane=Lane.SYNC) == pytest.approx(0.75, rel=0.05)
