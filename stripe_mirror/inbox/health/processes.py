"""Checks over what runs: workers, their queue, periodic tasks, pushes, syncs, and the database's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from stripe_mirror import background
from stripe_mirror.inbox.health.finding import Finding, counted, ok, problem, span, warning
from stripe_mirror.inbox.heartbeat import living
from stripe_mirror.models import Push, SyncRun, WorkerProcess
from stripe_mirror.pull import clock

# Something due for longer than this waits for more than its turn.
LATE, VERY_LATE = timedelta(minutes=1), timedelta(minutes=10)
# A task that has run for so long probably hangs.
HANGING = timedelta(minutes=30)
# A push's outcome is asked for again within this time (see `push`).
UNCLEAR = timedelta(hours=24)
RUNS = timedelta(days=30)
SKEW = 5.0
MOST = 1000


def check_processes() -> list[Finding]:
    """All checks over what runs."""
    now = timezone.now()
    workers = list(living())
    return [
        *_workers(workers),
        *(_periodic(now) if workers else ()),
        *_queue(now),
        *_pushes(now),
        *_syncs(now),
        *_database_clock(),
    ]


def _workers(workers: list[WorkerProcess]) -> list[Finding]:
    if workers:
        beat = max(worker.beat_at for worker in workers)
        heard = max(0.0, (clock.now() - beat).total_seconds())
        names = ", ".join(str(worker) for worker in workers[:5])
        return [ok("workers", f"{counted(len(workers), 'worker')} at work ({names}), heard of {heard:.0f} s ago.")]
    last = WorkerProcess.objects.order_by("-beat_at").first()
    gone = f" The last one, {last}, was killed or lost the database." if last else ""
    return [
        problem(
            "workers",
            f"No worker is at work, so nothing is caught up with, retried or sent in the background.{gone}",
            "Start one: manage.py db_worker. `make run` starts one beside the server; in production let your process "
            "manager keep it running.",
            since=last.beat_at if last else None,
        )
    ]


def _periodic(now: datetime) -> list[Finding]:
    """Each periodic task stands in the queue for its next run, and that time is not long past."""
    tasks = background.periodic()
    open_states = (TaskResultStatus.READY, TaskResultStatus.RUNNING)
    rows = DBTaskResult.objects.filter(task_path__in=tasks, status__in=open_states)
    found = list(rows.values_list("task_path", "status", "run_after", "started_at"))
    queued = {path: after for path, status, after, _ in found if status == TaskResultStatus.READY}
    running = {path: at for path, status, _, at in found if status == TaskResultStatus.RUNNING and at}
    hanging = {path: at for path, at in running.items() if at < now - HANGING}
    late = {path: after for path, after in queued.items() if after < now - LATE}
    missing = tasks.keys() - queued.keys() - running.keys()
    return [
        *(_late(late, now) if late else ()),
        *(_hanging(hanging, now) if hanging else ()),
        *(_missing(missing) if missing else ()),
        *_failing(tasks.keys()),
    ] or [ok("periodic", f"All {len(tasks)} periodic tasks come round in time.")]


def _late(late: dict[str, datetime], now: datetime) -> list[Finding]:
    since = min(late.values())
    grade = problem if since < now - VERY_LATE else warning
    todo = "The workers are busy or stuck: start another one, or restart those that run."
    return [grade("periodic", f"Due but not begun: {names(late)}.", todo, since=since)]


def _hanging(hanging: dict[str, datetime], now: datetime) -> list[Finding]:
    since = min(hanging.values())
    what = f"Running for more than {span(HANGING.total_seconds())}: {names(hanging)}."
    return [warning("hanging", what, "If it stays so, restart the worker: every task can be repeated.", since=since)]


def _missing(missing: set[str]) -> list[Finding]:
    return [warning("periodic", f"Not in the queue: {names(missing)}.", "Restart a worker: it puts them back.")]


def _failing(paths: Iterable[str]) -> list[Finding]:
    """Periodic tasks whose last run raised an error of ours."""
    ended = DBTaskResult.objects.finished().filter(task_path__in=paths).exclude(finished_at=None)
    fields = ("task_path", "status", "finished_at", "exception_class_path")
    last = {row[0]: row for row in ended.order_by("finished_at").values_list(*fields)}
    failed = {path: row for path, row in last.items() if row[1] == TaskResultStatus.FAILED}
    return [
        problem(
            "periodic_failed",
            f"The last run of {names([path])} ended with {row[3].rpartition('.')[2] or 'an error'}.",
            "The worker's log of that time has the details. It is tried again at its next turn.",
            since=row[2],
        )
        for path, row in failed.items()
    ]


def names(paths: Iterable[str]) -> str:
    """Tasks by their short names."""
    return ", ".join(sorted(path.rpartition(".")[2] for path in paths))


def _queue(now: datetime) -> list[Finding]:
    due = DBTaskResult.objects.filter(status=TaskResultStatus.READY, run_after__lte=now)
    number = due.order_by().values("pk")[: MOST + 1].count()
    first = due.order_by("run_after").values_list("run_after", flat=True).first()
    what = f"{counted(number, 'task', most=MOST)} due in the queue."
    if first is None or now - first < LATE:
        return [ok("queue", what)]
    grade = problem if now - first >= VERY_LATE else warning
    return [grade("queue", what, "Start another worker, or see what keeps those that run busy.", since=first)]


def _pushes(now: datetime) -> list[Finding]:
    open_pushes = Push.objects.filter(state=Push.State.UNKNOWN)
    first = open_pushes.order_by("created_at").values_list("created_at", flat=True).first()
    if first is None:
        return [ok("pushes", "The outcome of every push is known.")]
    what = f"{counted(open_pushes.count(), 'push with an unknown outcome')}."
    todo = "The worker asks Stripe again by itself. Don't repeat such a change by hand before it is settled."
    return [(problem if now - first > UNCLEAR else warning)("pushes", what, todo, since=first)]


def _syncs(now: datetime) -> list[Finding]:
    """Of every sync of every kind the newest run counts."""
    runs = SyncRun.objects.filter(started_at__gt=now - RUNS).order_by("started_at", "id")
    fields = ("command", "object_type", "state", "started_at", "message")
    newest = {(row[0], row[1]): row for row in runs.values_list(*fields)[:20_000]}
    failed = [row for row in newest.values() if row[2] == SyncRun.State.FAILED]
    return [
        warning(
            "syncs",
            f"The last {SyncRun.Command(command).label.lower()} {f'of {kind} ' if kind else ''}failed: {message}",
            "Mend what the sentence names; catch-up is repeated by itself, a backfill with manage.py stripe_sync"
            f"{' ' + kind if kind else ''}.",
            since=started,
        )
        for command, kind, _, started, message in failed
    ] or [ok("syncs", "No sync has failed.")]


def _database_clock() -> list[Finding]:
    """Due times are compared with the clock of whoever looks: they should agree."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        skew = (timezone.now() - cursor.fetchone()[0]).total_seconds()
    if abs(skew) < SKEW:
        return [ok("database_clock", f"Our clock and the database's agree within {max(abs(skew), 0.1):.1f} s.")]
    what = f"Our clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} the database's."
    return [warning("database_clock", what, "Let both machines follow NTP.")]
