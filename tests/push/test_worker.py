"""The worker's side: what is due is found by the sweep, queued once, and done."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stripe_mirror import tasks
from stripe_mirror.models import Job, Push, Subscription
from stripe_mirror.push import jobs
from stripe_mirror.push.operation import get_operation
from tests.push.conftest import Doing
from tests.sandbox.testing import RunningSandbox


def queued(task: Any) -> int:
    """How often a task stands in the queue."""
    return DBTaskResult.objects.filter(status="READY", task_path=task.module_path).count()


def work() -> None:
    """A worker that ends when nothing is left to do now."""
    call_command("db_worker", batch=True, verbosity=0)


def test_s31_the_worker_settles_a_lost_answer(
    doing: Callable[..., Doing], customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    # The task that was queued with it got lost.
    DBTaskResult.objects.all().delete()
    Push.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    tasks.sweep_pushes.call()
    tasks.sweep_pushes.call()
    assert queued(tasks.run_push) == 1
    work()
    push.refresh_from_db()
    assert push.state == Push.State.DONE


def test_the_worker_runs_a_job_slice_by_slice(
    subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox, monkeypatch: Any
) -> None:
    for _ in range(3):
        subscribe()
    monkeypatch.setattr(tasks, "SLICE", 0)
    job = jobs.create_job(
        get_operation("cancel_subscription"),
        Subscription.objects.all(),
        user=canceller,
        cleaned={"when": "now"},
        reason="closed",
        job_id=uuid.uuid4(),
    )
    tasks.run_job.call(str(job.pk))
    assert jobs.progress(job)["settled"] == 1
    assert queued(tasks.run_job) == 1, "the sweep's and the slice's wish are one"
    work()
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED
    assert len(stripe.requests("DELETE")) == 3
