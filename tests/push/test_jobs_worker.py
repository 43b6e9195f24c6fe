"""Jobs in the worker: real processes that are killed, and the common budget of calls (S44)."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from stripe_mirror.models import CallBudget, Customer, Job, Push
from stripe_mirror.pull.call_budget import SharedLedger
from stripe_mirror.push import jobs, jobs_steering
from stripe_mirror.push.operation import get_operation
from stripe_mirror.stripe_api.budget import RequestBudget
from tests.bench.processes import ROOT, environment
from tests.inbox.test_many_processes import database_url
from tests.push.conftest import Doing
from tests.sandbox.testing import API_KEY, RunningSandbox, wait_for
from tests.stripe_api.test_budget import Clock

ADJUST = get_operation("adjust_customer_balance")
ROWS = 30


@pytest.fixture
def customers(stripe: RunningSandbox, mirrored: Callable[..., Any]) -> list[Any]:
    """Thirty customers without a balance, in the order of the job."""
    made = [mirrored(stripe.post("/v1/customers", name=f"Customer {n}")) for n in range(ROWS)]
    return sorted(made, key=lambda row: row.pk)


def give_credit(user: User, rows: int = ROWS) -> Job:
    """€2.50 to each; every second execution would be a second entry."""
    form = ADJUST.get_form(ADJUST.new_row(), {"direction": "credit", "amount": "2.5", "currency": "eur", "reason": "x"})
    assert form.is_valid(), form.errors
    first = Customer.objects.order_by("pk")
    chosen = first.filter(pk__in=[row.pk for row in first[:rows]])
    return jobs.create_job(ADJUST, chosen, user=user, cleaned=form.cleaned_data, reason="outage", job_id=uuid.uuid4())


def entries(stripe: RunningSandbox, rows: list[Any]) -> list[int]:
    """How many entries each has at Stripe."""
    found = [obj["customer"] for obj in stripe.objects("customer_balance_transaction")]
    return [found.count(row.pk) for row in rows]


@contextmanager
def worker(stripe: RunningSandbox) -> Iterator[subprocess.Popen[bytes]]:
    """`manage.py db_worker` as in production; killed at the end as hard as in the middle."""
    env = environment(database_url(), stripe=stripe.url) | {"STRIPE_SECRET_KEY": API_KEY}
    # Without the connection of this test nothing of it is inherited.
    connection.close()
    command = [sys.executable, "manage.py", "db_worker", "--no-startup-delay"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def leases_end() -> None:
    """As if a minute had passed since the process died."""
    Push.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.long
def test_s44_a_worker_killed_in_the_middle_twice_leaves_each_row_with_one_effect(
    customers: list[Any], keeper: User, stripe: RunningSandbox
) -> None:
    job = give_credit(keeper)
    read, write = customers[9], customers[19]
    # Once before anything of the row was sent, once while Stripe is at it.
    stripe.faults.add(method="GET", path=f"/v1/customers/{read.pk}", hang=2, times=1)
    stripe.faults.add(method="POST", path=f"/v1/customers/{write.pk}/balance_transactions", hang=2, times=1)
    for number in range(2):
        with worker(stripe) as process:
            wait_for(lambda n=number: stripe.faults.list()[n]["used"] == 1, 60, "the worker did not come so far")  # type: ignore[misc]
            process.kill()
            process.wait()
        job.refresh_from_db()
        assert job.state == Job.State.RUNNING
        assert jobs.progress(job)["settled"] == (9, 19)[number]
        leases_end()
    wait_for(lambda: entries(stripe, [write]) == [1], 10, "the sandbox did not finish the work")
    with worker(stripe):
        wait_for(lambda: Job.objects.get().finished_at is not None, 90, "the job did not end")
    assert entries(stripe, customers) == [1] * ROWS
    job.refresh_from_db()
    assert (job.state, jobs.progress(job)["done"]) == (Job.State.FINISHED, ROWS)
    # The row in Stripe's hands was asked about again under its own key.
    asked = stripe.requests("POST", f"/v1/customers/{write.pk}/balance_transactions")
    assert {r["idempotency_key"] for r in asked} == {str(job.pushes.get(object_id=write.pk).pk)}


@pytest.mark.long
def test_a_paused_job_stays_paused_although_workers_start(
    customers: list[Any], keeper: User, stripe: RunningSandbox
) -> None:
    job = give_credit(keeper, rows=3)
    jobs.run_job(job.pk, seconds=0)
    jobs_steering.pause_job(job, user=keeper)
    stripe.clear_requests()
    with worker(stripe):
        wait_for(lambda: bool(stripe.requests("GET", "/v1/events")), 60, "the worker did not start")
        time.sleep(1)
    assert stripe.requests("POST") == []
    assert jobs.progress(job)["planned"] == 2


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> RequestBudget:
    """A process of its own, which shares the ledger, at a limit of 100 calls a second."""
    settings.STRIPE_MAX_REQUESTS_PER_SECOND = 100.0
    own = RequestBudget()
    own.ledger = SharedLedger()
    monkeypatch.setattr("stripe_mirror.stripe_api.client.budget", own)
    return own


def test_all_calls_of_a_job_come_from_the_backgrounds_share(
    customers: list[Any], keeper: User, stripe: RunningSandbox, budget: RequestBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, clock = give_credit(keeper, rows=10), Clock(monkeypatch)
    started = clock.now
    jobs.run_job(job.pk)
    calls = len(stripe.requests())
    assert calls >= 20
    given = CallBudget.objects.get().given_until - started
    assert given >= calls / 80, "the ledger gave out fewer calls than were made"


def test_a_job_at_full_speed_holds_no_single_push_up(
    customers: list[Any],
    keeper: User,
    doing: Callable[..., Doing],
    budget: RequestBudget,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, clock = give_credit(keeper, rows=10), Clock(monkeypatch)
    jobs.run_job(job.pk)
    started = clock.now
    assert CallBudget.objects.get().given_until > started, "the background has taken calls ahead"
    assert doing("edit_customer", customers[0], keeper).submit(phone="1").state == Push.State.DONE
    assert clock.now == started
