"""Background entry points: each takes an id, may run twice, and calls one function.

The inbox, the pushes and the jobs are the truth; a task only says "look at this one now". What a lost task forgot, the
sweep finds. Periodic tasks put their successor into the queue before they begin, so that a killed worker doesn't end
the chain; however many workers run, there is one of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone
from django_tasks import TaskResultStatus, task
from django_tasks.base import Task
from django_tasks_db import DatabaseBackend
from django_tasks_db.models import DBTaskResult

from stripe_mirror.inbox import processing
from stripe_mirror.inbox.store import store_listed
from stripe_mirror.kinds import get_kind
from stripe_mirror.pull import catch_up as catching_up
from stripe_mirror.pull import fetch
from stripe_mirror.push import jobs, submit

# A periodic task that began so long ago was killed; until then its successors wait for it.
LONGEST_RUN = timedelta(minutes=15)
# How long a job may keep a worker before others get their turn, in seconds.
SLICE = 5.0
# How long finished tasks can be looked at.
KEPT = timedelta(hours=6)
# Any number that no one else uses: PostgreSQL's advisory lock around the scheduling.
SCHEDULING_LOCK = 0x5712BE


@task()
def process_event(event_id: str) -> None:
    """Work on one event that needs Stripe, or that could not be decided before."""
    processing.work(event_id)


@task()
def fetch_object(object_type: str, object_id: str) -> None:
    """Read one object from Stripe."""
    fetch.fetch_now(get_kind(object_type), object_id)


@task()
def complete_lists(object_type: str, object_id: str) -> None:
    """Page through the lists that Stripe cut off inside an object."""
    fetch.complete_lists(get_kind(object_type), object_id)


@task()
def fetch_missing_parents(object_type: str, object_id: str) -> None:
    """Fetch what an object refers to but the mirror lacks."""
    fetch.fetch_missing_parents(get_kind(object_type), object_id)


@task()
def run_push(push_id: str) -> None:
    """Find out what became of a push with an open outcome."""
    submit.resume(UUID(push_id))


@task()
def run_job(job_id: str) -> None:
    """Send a job's rows for a while, then let others have the worker."""
    if jobs.run_job(UUID(job_id), seconds=SLICE):
        _enqueue_once(run_job, job_id)


@task(priority=10)
def sweep() -> None:
    """Every few seconds: what is due but was not told to anyone."""
    with _turn(sweep) as mine:
        if mine:
            processing.drain()


@task(priority=10)
def sweep_pushes() -> None:
    """Every few seconds: pushes with an open outcome, and jobs that nobody runs."""
    with _turn(sweep_pushes) as mine:
        for push_id in submit.due_pushes() if mine else ():
            _enqueue_once(run_push, str(push_id))
        for job_id in jobs.due_jobs() if mine else ():
            _enqueue_once(run_job, str(job_id))


@task()
def catch_up() -> None:
    """Every two minutes: events that did not reach the receiver."""
    with _turn(catch_up) as mine:
        if mine and not catching_up.catch_up(store_listed).failure:
            processing.drain()


@task()
def prune_tasks() -> None:
    """Every hour: forget finished tasks."""
    with _turn(prune_tasks) as mine:
        if mine:
            DBTaskResult.objects.finished().filter(finished_at__lt=timezone.now() - KEPT).delete()


# What runs for ever, and how often.
PERIODIC: tuple[tuple[Task[[], None], timedelta], ...] = (
    (sweep, timedelta(seconds=5)),
    (sweep_pushes, timedelta(seconds=5)),
    (catch_up, timedelta(seconds=120)),
    (prune_tasks, timedelta(hours=1)),
)


def ensure_periodic(*, at_once: bool = True) -> None:
    """Make sure that each periodic task stands in the queue exactly once; a worker calls this when it starts."""
    if not isinstance(sweep.get_backend(), DatabaseBackend):
        # Another backend brings a scheduler of its own.
        return
    with transaction.atomic():
        _lock_scheduling()
        ready = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
        queued = set(ready.values_list("task_path", flat=True))
        for periodic, period in PERIODIC:
            if periodic.module_path not in queued:
                wait = timedelta(0) if at_once else period
                periodic.using(run_after=timezone.now() + wait).enqueue()


@contextmanager
def _turn(periodic: Task[[], None]) -> Iterator[bool]:
    """Queue the successors first, then say whether it is our turn: not while an earlier run is still at it."""
    ensure_periodic(at_once=False)
    running = DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING, task_path=periodic.module_path)
    # This run is one of them.
    yield running.filter(started_at__gt=timezone.now() - LONGEST_RUN).count() <= 1


def _enqueue_once(wanted: Task[[str], None], id: str) -> None:
    """Queue a task for this id unless one waits there already: a sweep comes more often than a busy worker."""
    queued = DBTaskResult.objects.filter(status=TaskResultStatus.READY, task_path=wanted.module_path)
    if not queued.filter(args_kwargs={"args": [id], "kwargs": {}}).exists():
        wanted.enqueue(id)


def _lock_scheduling() -> None:
    """One scheduler at a time; SQLite has one writer anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SCHEDULING_LOCK])
