"""Stripe, our processes and their database, made new for each history, and brought to rest after it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import Q
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult, get_date_max

from stripe_mirror.inbox import endpoints
from stripe_mirror.models import InboxEvent, Push, Refresh
from stripe_mirror.tasks import PERIODIC
from tests.conftest import SECRET
from tests.converge.clock import SharedClock
from tests.converge.processes import Processes
from tests.converge.staff import Staff
from tests.converge.stripe_side import StripeSide
from tests.sandbox.testing import wait_for

# Where Stripe's clock starts, always: histories can be repeated.
START = 1_800_000_000
OPEN = (InboxEvent.State.RECEIVED, InboxEvent.State.WAITING)
# How far time is moved until all is done: past the next catch-up, the longest pause of an event, a task's longest run.
JUMPS = (0, 130, 130, 1000, 3700, 3700, 3700, 3700, 3700, 3700)
# How long (real seconds) what is in the hands of a web server may stand still, and what waits for a later moment.
PATIENCE_WITH_WEB, PATIENCE = 2.0, 0.25
LONGEST = 60.0
# Between two looks: they take the processors from those who are waited for.
LOOK = 0.01


@dataclass(frozen=True)
class UnderWay:
    """How many things are being done now, are in a web server's hands, or wait for a later moment."""

    now: int = 0
    received: int = 0
    later: int = 0


class World:
    """What a shard of the test keeps: processes to fork from, and two Stripes, one of which delivers in order."""

    def __init__(self, folder: Path) -> None:
        self.clock = SharedClock(folder / "clock")
        self.processes = Processes(folder)
        self._sides = {True: StripeSide(parallel=1), False: StripeSide(parallel=4)}
        self.side = self._sides[True]
        self.staff = Staff(self.processes.receiver.removesuffix(endpoints.PATH))
        self.trace: list[str] = []
        self.log_start = 0

    def close(self) -> None:
        """End everything."""
        self.processes.close()
        for side in self._sides.values():
            side.close()

    def begin(self, *, in_order: bool, skew: int, seed: int) -> None:
        """An empty account, an empty database, and fresh processes."""
        self.side = self._sides[in_order]
        self.trace = [f"begin in_order={in_order} skew={skew} seed={seed}"]
        self.log_start = self.processes.log.stat().st_size
        sandbox = self.side.sandbox
        sandbox.reset()
        sandbox.clock.set(START)
        sandbox.faults.random, sandbox.deliveries.random = Random(seed), Random(seed)
        empty_the_database()
        self.clock.show(START + skew)
        self.processes.stripe = self.side.http.url
        sandbox.add_endpoint(self.processes.receiver, SECRET)
        self._put_off()
        self.processes.start("web")
        self.processes.start("worker")
        if in_order:
            # The first catch-up, which could otherwise be ahead of a delivery.
            wait_for(lambda: self._listed_events_since(0), 20, "the worker did not list events")
            self.settle()

    def _put_off(self) -> None:
        """Before the worker puts them into its queue: a reconcile would mend what is to be shown as broken, and the two
        dozen calls of a health check would be half the work of a history."""
        for task, _ in PERIODIC:
            if "reconcile" in task.name or "health" in task.name:
                task.using(run_after=self.clock.now() + timedelta(days=900)).enqueue()

    def end(self) -> None:
        """Nothing of this history may reach the next one."""
        if not self.processes.living["web"]:
            # Who still waits for an answer gets one.
            self.processes.start("web")
        deliveries = self.side.sandbox.deliveries
        self.side.sandbox.faults.clear()
        give_up = time.monotonic() + 15
        while deliveries.moving() and time.monotonic() < give_up:
            deliveries.forget()
            time.sleep(0.005)
        self.processes.kill_all()

    def advance(self, seconds: int) -> None:
        """Time passes, for Stripe and for us."""
        self.side.advance(seconds)
        self.clock.offset += seconds

    def come_to_rest(self) -> None:
        """The faults end; then time passes until nothing is left to do."""
        sandbox = self.side.sandbox
        sandbox.faults.clear()
        sandbox.deliveries.flush(shuffle=True)
        for kind, children in self.processes.living.items():
            if not children:
                self.processes.start(kind)
        # Before a busy machine has let the new worker begin, nothing seems to be left to do.
        wait_for(self._worker_has_begun, 30, "the worker did not queue its periodic tasks")
        asked = sandbox.request_count
        for jump in JUMPS:
            self.advance(jump)
            self.settle()
            if jump and self._listed_events_since(asked) and not leftovers():
                return
        raise AssertionError(f"This is never done: {leftovers() or 'events were not listed again'}.")

    def reconcile(self, *kinds: str) -> dict[str, Any]:
        """Compare and repair with the real command: id → what it said."""
        code, output = self.processes.command("stripe_reconcile", *kinds, "--repair", "--json")
        assert code == 0, f"stripe_reconcile ended with {code}: {output}"
        return {one["id"]: one for kind in json.loads(output)["kinds"] for one in kind["differences"]}

    def settle(self) -> None:
        """Until nothing can be done at this moment."""
        end, seen, since = time.monotonic() + LONGEST, UnderWay(), time.monotonic()
        while time.monotonic() < end:
            found = self._under_way()
            if found == UnderWay():
                return
            if found != seen:
                seen, since = found, time.monotonic()
            patience = LONGEST if found.now else PATIENCE_WITH_WEB if found.received else PATIENCE
            if time.monotonic() - since > patience:
                return
            time.sleep(LOOK)
        raise AssertionError(f"Stuck for {LONGEST} s: {self._under_way()}, {leftovers()}.")

    def log(self) -> str:
        """What the processes of this history wrote."""
        with self.processes.log.open() as file:
            file.seek(self.log_start)
            return file.read()

    def _under_way(self) -> UnderWay:
        # Without a server, what is under way waits for one.
        if self.processes.living["web"] and (moving := self.side.sandbox.deliveries.moving()):
            return UnderWay(now=moving)
        # Without a worker, what is ready waits for one.
        if now := self._tasks() if self.processes.living["worker"] else 0:
            return UnderWay(now=now)
        states = list(InboxEvent.objects.filter(state__in=OPEN).values_list("state", flat=True))
        received = states.count(InboxEvent.State.RECEIVED)
        return UnderWay(received=received, later=len(states) - received + Refresh.objects.count())

    def _tasks(self) -> int:
        """Those that are due, or in the hands of a living worker."""
        open_ones = DBTaskResult.objects.filter(status__in=(TaskResultStatus.READY, TaskResultStatus.RUNNING))
        due = Q(run_after=get_date_max()) | Q(run_after__lte=self.clock.now())
        found = open_ones.filter(Q(status=TaskResultStatus.RUNNING) | due).values_list("status", "worker_ids")
        alive = {child.name for child in self.processes.living["worker"]}
        return sum(status == TaskResultStatus.READY or bool(ids and ids[-1] in alive) for status, ids in found)

    def _worker_has_begun(self) -> bool:
        ready = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
        return {task.module_path for task, _ in PERIODIC} <= set(ready.values_list("task_path", flat=True))

    def _listed_events_since(self, count: int) -> bool:
        return any(
            entry["n"] > count and entry["path"] == "/v1/events" and entry["status"] == 200
            for entry in list(self.side.sandbox.requests)
        )


def leftovers() -> dict[str, list[str]]:
    """What is not done, or was given up: by table."""
    events = InboxEvent.objects.filter(state__in=(*OPEN, InboxEvent.State.FAILED))
    lasting = [task.module_path for task, _ in PERIODIC]
    tasks = DBTaskResult.objects.filter(status=TaskResultStatus.READY).exclude(task_path__in=lasting)
    pushes = Push.objects.exclude(state__in=("done", "refused", "skipped"))
    found = {
        "pushes": [f"{p.operation} {p.object_id} {p.state}" for p in pushes],
        "events": [f"{e.pk} {e.type} {e.state} {e.attempts} {e.next_attempt_at} {e.reason}" for e in events],
        "refreshes": [f"{r} due {r.due_at} {r.attempts} {r.reason}" for r in Refresh.objects.all()],
        "tasks": [f"{t.task_path} {t.args_kwargs} {t.run_after}" for t in tasks],
    }
    return {name: rows for name, rows in found.items() if rows}


def empty_the_database() -> None:
    """Everything that a history left behind; who may log in stays."""
    models = [*apps.get_app_config("stripe_mirror").get_models(), DBTaskResult]
    with transaction.atomic(), connection.cursor() as cursor:
        for model in models:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")


@contextmanager
def new_world(folder: Path) -> Iterator[World]:
    """A world that ends."""
    world = World(folder)
    try:
        yield world
    finally:
        world.close()


def moment(value: datetime | None) -> str:
    """For traces."""
    return value.strftime("%d %H:%M:%S.%f")[:-3] if value else "-"
