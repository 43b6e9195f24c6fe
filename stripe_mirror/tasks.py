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

from stripe_mirror.admin.exports import running, scheduling, tidy
from stripe_mirror.conf import conf
from stripe_mirror.figures import work
from stripe_mirror.inbox import heartbeat, processing, retention
from stripe_mirror.inbox.health import report
from stripe_mirror.inbox.store import store_listed
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Import
from stripe_mirror.models.statistics import refresh_statistics
from stripe_mirror.pull import backfill, backfill_runs, fetch, reconcile_repair, reconcile_rounds
from stripe_mirror.pull import catch_up as catching_up
from stripe_mirror.pull.refresh import refresh_due
from stripe_mirror.push import jobs, submit
from stripe_mirror.push.imports import comparing, staging, starting

# A periodic task that began so long ago hangs; until then its successors wait for it, while its worker lives.
LONGEST_RUN = timedelta(minutes=15)
# How long a job may keep a worker before others get their turn, in seconds.
SLICE = 5.0
# Each look at the events is one read; Stripe grants an account at least 10,000 a month (docs.stripe.com/rate-limits).
CATCH_UP = timedelta(minutes=1 if conf.demo else 5)
# A demo shows what was just done.
FIGURES = timedelta(seconds=15) if conf.demo else timedelta(minutes=1)
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


@task()
def compare_import(import_id: str) -> None:
    """Compare a file with the mirror for a while."""
    upload = Import.objects.alive().filter(pk=UUID(import_id)).first()
    if upload and comparing.compare(upload, seconds=SLICE):
        _enqueue_once(compare_import, import_id)


@task()
def start_import(import_id: str) -> None:
    """Write the rows of a confirmed import's job."""
    if upload := Import.objects.select_related("owner").filter(pk=UUID(import_id)).first():
        starting.start(upload)


@task(priority=-10)
def run_reconcile(run_id: str) -> None:
    """Go on with a comparison that a person asked for, for a while."""
    if reconcile_rounds.work(int(run_id), seconds=SLICE):
        _enqueue_once(run_reconcile, run_id)


@task()
def repair_differences(object_type: str, user_id: str) -> None:
    """Repair what differs in a kind, for a while."""
    if reconcile_repair.repair_kind(object_type, user_id=user_id, seconds=SLICE):
        repair_differences.enqueue(object_type, user_id)


@task(priority=-10)
def run_backfill(group: str) -> None:
    """Read on for a while, then let others have the worker."""
    if backfill.work_slice(UUID(group), seconds=SLICE):
        _enqueue_once(run_backfill, group)


@task(priority=-10)
def run_export(export_id: str) -> None:
    """Write the file of a large export."""
    running.run_export(UUID(export_id))


@task(priority=10)
def sweep() -> None:
    """Every few seconds: what is due but was not told to anyone."""
    with _turn(sweep) as mine:
        if mine:
            processing.drain()
            refresh_due()


@task(priority=10)
def sweep_pushes() -> None:
    """Every few seconds: pushes with an open outcome, and jobs and backfills that nobody runs."""
    with _turn(sweep_pushes) as mine:
        for push_id in submit.due_pushes() if mine else ():
            _enqueue_once(run_push, str(push_id))
        for run_id in reconcile_rounds.due_runs() if mine else ():
            _enqueue_once(run_reconcile, str(run_id))
        for job_id in jobs.due_jobs() if mine else ():
            _enqueue_once(run_job, str(job_id))
        for group in backfill_runs.due() if mine else ():
            _enqueue_once(run_backfill, str(group))
        for forgotten, import_id in starting.due() if mine else ():
            _enqueue_once(compare_import if forgotten == "compare_import" else start_import, import_id)


@task()
def catch_up() -> None:
    """Every few minutes: events that did not reach the receiver."""
    with _turn(catch_up) as mine:
        if mine and not catching_up.catch_up(store_listed).failure:
            processing.drain()


@task()
def catch_up_undelivered() -> None:
    """Every hour: events that Stripe itself takes for undelivered."""
    with _turn(catch_up_undelivered) as mine:
        if mine and catching_up.catch_up_undelivered(store_listed).stored:
            processing.drain()


@task(priority=5)
def check_health() -> None:
    """Some times a minute: how everything stands, for the badge; what asks Stripe is due much more rarely."""
    with _turn(check_health) as mine:
        if mine:
            report.refresh()


@task(priority=5)
def check_health_now() -> None:
    """Asked for on the Health page: every check at once."""
    report.check_everything()


@task(priority=-10)
def reconcile() -> None:
    """Every ten minutes: compare a share of the mirror with Stripe, and go on with comparisons that were forgotten."""
    with _turn(reconcile) as mine:
        for run_id in reconcile_rounds.due_runs() if mine else ():
            _enqueue_once(run_reconcile, str(run_id))
        if mine:
            reconcile_rounds.take_turn(seconds=SLICE)


@task(priority=-5)
def compute_figures(what: str) -> None:
    """Put what changed into home's figures for a while; `what` is "all"."""
    if work.work(seconds=SLICE):
        _enqueue_once(compute_figures, what)


@task(priority=-5)
def refresh_figures() -> None:
    """Every minute: home's figures."""
    with _turn(refresh_figures) as mine:
        if mine:
            _enqueue_once(compute_figures, "all")


@task()
def sweep_exports() -> None:
    """A few times a minute: exports whose time has come, and files that nobody writes."""
    with _turn(sweep_exports) as mine:
        if mine:
            scheduling.run_due()
        for export_id in running.due_runs() if mine else ():
            _enqueue_once(run_export, str(export_id))


@task()
def tidy_exports() -> None:
    """Every ten minutes: files of exports whose time is over go."""
    with _turn(tidy_exports) as mine:
        if mine:
            tidy.tidy()


@task()
def prune_tasks() -> None:
    """Every hour: forget finished tasks and old imports, and end those whose worker was killed."""
    with _turn(prune_tasks) as mine:
        if mine:
            _end_orphans()
            DBTaskResult.objects.finished().filter(finished_at__lt=timezone.now() - KEPT).delete()
            staging.forget_expired()


@task()
def keep_tables() -> None:
    """Every day: partitions for the months to come, old events and changes go, and SQLite measures its indexes."""
    with _turn(keep_tables) as mine:
        if mine:
            retention.maintain()
            refresh_statistics()


# What runs for ever, and how often.
PERIODIC: tuple[tuple[Task[[], None], timedelta], ...] = (
    (sweep, timedelta(seconds=5)),
    (sweep_pushes, timedelta(seconds=5)),
    (catch_up, CATCH_UP),
    (catch_up_undelivered, timedelta(hours=1)),
    (check_health, timedelta(seconds=20)),
    (sweep_exports, timedelta(seconds=15)),
    (tidy_exports, timedelta(minutes=10)),
    (prune_tasks, timedelta(hours=1)),
    (reconcile, reconcile_rounds.TURN),
    (refresh_figures, FIGURES),
    (keep_tables, timedelta(days=1)),
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
    at_it = list(running.filter(started_at__gt=timezone.now() - LONGEST_RUN).values_list("worker_ids", flat=True)[:50])
    yield len(at_it) <= 1 or sum(map(_lives, at_it)) <= 1


def _lives(worker_ids: list[str]) -> bool:
    """Whether the last worker that took a task still lives; a task without one was not taken by a worker of ours."""
    return not worker_ids or worker_ids[-1] in heartbeat.alive()


def _end_orphans() -> None:
    """What a killed worker left "running" has failed; the sweeps have long found what it was about."""
    begun = DBTaskResult.objects.filter(
        status=TaskResultStatus.RUNNING, started_at__lt=timezone.now() - heartbeat.DEAD_AFTER
    )
    orphans = [id for id, workers in begun.values_list("pk", "worker_ids") if workers and not _lives(workers)]
    DBTaskResult.objects.filter(pk__in=orphans, status=TaskResultStatus.RUNNING).update(
        status=TaskResultStatus.FAILED,
        # Not earlier: it is kept for a while yet, and its worker may live after all, if a clock was set forward.
        finished_at=timezone.now(),
        exception_class_path="stripe_mirror.inbox.heartbeat.WorkerDied",
    )


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
