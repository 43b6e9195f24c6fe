"""Checks over what runs: workers, their queue, periodic tasks, pushes, syncs, and the database's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
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
        words = ngettext(
            "%(number)s worker at work (%(names)s), heard of %(seconds)s s ago.",
            "%(number)s workers at work (%(names)s), heard of %(seconds)s s ago.",
            len(workers),
        )
        said = {"number": len(workers), "names": names, "seconds": f"{heard:.0f}"}
        return [ok("workers", words % said)]
    last = WorkerProcess.objects.order_by("-beat_at").first()
    none = _("No worker is at work, so nothing is caught up with, retried or sent in the background.")
    gone = _("The last one, %(last)s, was killed or lost the database.") % {"last": last}
    return [
        problem(
            "workers",
            f"{none} {gone}" if last else none,
            _(
                "Start one: manage.py db_worker. `make run` starts one beside the server; in production "
                "let your process manager keep it running."
            ),
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
    ] or [ok("periodic", _("All %(count)s periodic tasks come round in time.") % {"count": len(tasks)})]


def _late(late: dict[str, datetime], now: datetime) -> list[Finding]:
    since = min(late.values())
    grade = problem if since < now - VERY_LATE else warning
    todo = _("The workers are busy or stuck: start another one, or restart those that run.")
    return [grade("periodic", _("Due but not begun: %(names)s.") % {"names": names(late)}, todo, since=since)]


def _hanging(hanging: dict[str, datetime], now: datetime) -> list[Finding]:
    since = min(hanging.values())
    what = _("Running for more than %(span)s: %(names)s.") % {
        "span": span(HANGING.total_seconds()),
        "names": names(hanging),
    }
    return [warning("hanging", what, _("If it stays so, restart the worker: every task can be repeated."), since=since)]


def _missing(missing: set[str]) -> list[Finding]:
    return [
        warning(
            "periodic",
            _("Not in the queue: %(names)s.") % {"names": names(missing)},
            _("Restart a worker: it puts them back."),
        )
    ]


def _failing(paths: Iterable[str]) -> list[Finding]:
    """Periodic tasks whose last run raised an error of ours."""
    ended = DBTaskResult.objects.finished().filter(task_path__in=paths).exclude(finished_at=None)
    fields = ("task_path", "status", "finished_at", "exception_class_path")
    last = {row[0]: row for row in ended.order_by("finished_at").values_list(*fields)}
    failed = {path: row for path, row in last.items() if row[1] == TaskResultStatus.FAILED}
    return [
        problem(
            "periodic_failed",
            _("The last run of %(names)s ended with %(error)s.")
            % {"names": names([path]), "error": row[3].rpartition(".")[2] or _("an error")},
            _("The worker's log of that time has the details. It is tried again at its next turn."),
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
    words = ngettext("%(number)s task due in the queue.", "%(number)s tasks due in the queue.", number)
    what = words % {"number": counted(number, most=MOST)}
    if first is None or now - first < LATE:
        return [ok("queue", what)]
    grade = problem if now - first >= VERY_LATE else warning
    return [grade("queue", what, _("Start another worker, or see what keeps those that run busy."), since=first)]


def _pushes(now: datetime) -> list[Finding]:
    open_pushes = Push.objects.filter(state=Push.State.UNKNOWN)
    first = open_pushes.order_by("created_at").values_list("created_at", flat=True).first()
    if first is None:
        return [ok("pushes", _("The outcome of every push is known."))]
    number = open_pushes.count()
    words = ngettext("%(number)s push with an unknown outcome.", "%(number)s pushes with an unknown outcome.", number)
    what = words % {"number": counted(number)}
    todo = _("The worker asks Stripe again by itself. Don't repeat such a change by hand before it is settled.")
    return [(problem if now - first > UNCLEAR else warning)("pushes", what, todo, since=first)]


def _syncs(now: datetime) -> list[Finding]:
    """Of every sync of every kind the newest run counts."""
    runs = SyncRun.objects.filter(started_at__gt=now - RUNS).order_by("started_at", "id")
    fields = ("command", "object_type", "state", "started_at", "message")
    newest = {(row[0], row[1]): row for row in runs.values_list(*fields)[:20_000]}
    failed = [row for row in newest.values() if row[2] == SyncRun.State.FAILED]
    return [
        warning("syncs", _failed_words(command, kind, message), _again_words(kind), since=started)
        for command, kind, _, started, message in failed
    ] or [ok("syncs", _("No sync has failed."))]


def _failed_words(command: str, kind: str, message: str) -> str:
    said = {"sync": SyncRun.Command(command).label.lower(), "kind": kind, "message": message}
    if kind:
        return _("The last %(sync)s of %(kind)s failed: %(message)s") % said
    return _("The last %(sync)s failed: %(message)s") % said


def _again_words(kind: str) -> str:
    command = f"manage.py stripe_sync {kind}".strip()
    return _("Mend what the sentence names; catch-up is repeated by itself, a backfill with %(command)s.") % {
        "command": command
    }


def _database_clock() -> list[Finding]:
    """Due times are compared with the clock of whoever looks: they should agree."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        skew = (timezone.now() - cursor.fetchone()[0]).total_seconds()
    if abs(skew) < SKEW:
        return [
            ok(
                "database_clock",
                _("Our clock and the database's agree within %(seconds)s s.")
                % {"seconds": f"{max(abs(skew), 0.1):.1f}"},
            )
        ]
    seconds = f"{abs(skew):.0f}"
    ahead, behind = (
        _("Our clock is %(seconds)s s ahead of the database's.") % {"seconds": seconds},
        _("Our clock is %(seconds)s s behind the database's.") % {"seconds": seconds},
    )
    what = ahead if skew > 0 else behind
    return [warning("database_clock", what, _("Let both machines follow NTP."))]
