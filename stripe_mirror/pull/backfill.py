"""Reads a stored backfill's parts side by side: threads that ask Stripe, threads that store, and one that keeps order.

A reader asks for the next page of a part as soon as it knows the cursor of the one before, which is stored meanwhile;
the pages of one part are stored in their order, and its row says after each how far it is. After every page a reader
turns to the part whose objects are the newest: so all kinds come back in time together. See `pull.backfill_parts` for
a single part, `pull.windows` for how a list is read, `pull.backfill_runs` for what is stored.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID, uuid4

from django.db import close_old_connections, connection, connections

from stripe_mirror.kinds import Kind
from stripe_mirror.models import SyncRun
from stripe_mirror.pull import backfill_runs as runs
from stripe_mirror.pull.account import check_account
from stripe_mirror.pull.backfill_parts import Part, ended, failed, next_page, opened, store, stored
from stripe_mirror.pull.backfill_progress import Counter
from stripe_mirror.pull.backfill_runs import listed_kinds
from stripe_mirror.pull.windows import ListBroken
from stripe_mirror.stripe_api.budget import Lane, calls_for
from stripe_mirror.stripe_api.client import on_the_way
from stripe_mirror.stripe_api.errors import StripeFailure

__all__ = ["backfill", "listed_kinds", "work"]

# Told about once a second.
Progress = Callable[[list[SyncRun]], None]
WORKERS = 4
# Threads that store: more only wait for each other in the database, and SQLite has one writer.
STORERS = 2
# Readers beyond the requests that may be on their way: one asks while another takes its answer to pieces.
READ_AHEAD = 1
TICK = 0.5
# How long a thread computes before another gets its turn, in seconds: by Python's own 5 ms, a reader that has its
# answer waits longer for those that store than for Stripe.
TURN = 0.0005


def backfill(
    kinds: Iterable[Kind],
    *,
    since: datetime | None = None,
    workers: int = WORKERS,
    progress: Progress = lambda _: None,
    stop: threading.Event | None = None,
) -> list[SyncRun]:
    """List these kinds anew, to the end; what failed is in its run and doesn't hold up the others."""
    group = runs.start(kinds, since=since)
    work(group, workers=workers, progress=progress, stop=stop)
    return list(runs.runs_of(group))


def work(
    group: UUID,
    *,
    workers: int = WORKERS,
    seconds: float | None = None,
    progress: Progress = lambda _: None,
    stop: threading.Event | None = None,
) -> bool:
    """Read on until the end, for so many seconds, or until `stop`; whether something is left to do.

    Failures of Stripe's end their part only. What another process reads is waited for, in case that one dies; not with
    `seconds`: then nothing is left to do for us.
    """
    crew = Crew(group, workers=workers, stop=stop or threading.Event())
    crew.run(progress, None if seconds is None else time.monotonic() + seconds)
    return (crew.worked or seconds is None) and runs.has_open_parts(group)


def work_slice(group: UUID, *, seconds: float) -> bool:
    """As `work`, for the background: with a key of another account or mode the runs end with that as their reason."""
    try:
        check_account()
    except StripeFailure as failure:
        for run in runs.runs_of(group).filter(state=SyncRun.State.RUNNING):
            runs.fail(run, str(failure))
        return False
    return work(group, seconds=seconds)


class Crew:
    """The threads of one process over one backfill."""

    def __init__(self, group: UUID, *, workers: int, stop: threading.Event) -> None:
        self.group, self.workers, self.stop = group, workers, stop
        self.owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid4().hex[:8]}"
        self.parts: dict[int, Part] = {}
        self.changed = threading.Condition()
        self.error: BaseException | None = None
        # Readers without work, and pages on their way into the database.
        self.idle = self.pending = 0
        self.closing = self.worked = False
        self.counter = Counter()
        self.slots = threading.Semaphore(workers)

    def run(self, progress: Progress, deadline: float | None) -> None:
        """Start the threads, look after the runs, end the threads; what is at hand is stored in any case."""
        storers = 1 if connection.vendor == "sqlite" else min(STORERS, self.workers)
        readers = self.workers + READ_AHEAD
        threads = [threading.Thread(target=self._guarded, args=(self._read_on,)) for _ in range(readers)]
        threads += [threading.Thread(target=self._guarded, args=(self._store_on,)) for _ in range(storers)]
        usual = sys.getswitchinterval()
        sys.setswitchinterval(TURN)
        try:
            self._look_around()
            for thread in threads:
                thread.start()
            self._stay(progress, deadline)
        finally:
            with self.changed:
                self.closing = True
                self.changed.notify_all()
            for thread in threads:
                if thread.ident:
                    thread.join()
            sys.setswitchinterval(usual)
            runs.release(self.owner)
            progress(runs.add_up(self.group, {}))
        if self.error:
            raise self.error

    def _stay(self, progress: Progress, deadline: float | None) -> None:
        renewed = shown = time.monotonic()
        while not self.stop.is_set() and self.error is None and (deadline is None or time.monotonic() < deadline):
            with self.changed:
                self.changed.wait(TICK)
                left = bool(self.parts)
            now = time.monotonic()
            if left and now - shown < TICK:
                continue
            shown = now
            progress(runs.add_up(self.group, self.counter.rates()))
            self._look_around()
            if not self.parts and (deadline is not None or not runs.has_open_parts(self.group)):
                return
            if now - renewed > runs.LEASE.total_seconds() / 4:
                runs.renew(self.owner)
                renewed = now

    def _look_around(self) -> None:
        """Leave what was paused, plan what can be planned, take what nobody reads."""
        states = dict(runs.runs_of(self.group).values_list("pk", "state"))
        halted = {pk for pk, state in states.items() if state != SyncRun.State.RUNNING}
        with self.changed:
            for part in list(self.parts.values()):
                if part.row.run_id in halted and not (part.pages or part.reading or part.storing):
                    del self.parts[part.row.pk]
        runs.release(self.owner, run_ids=halted)
        for run in runs.plannable(self.group):
            try:
                runs.plan(run)
            except StripeFailure as failure:
                runs.fail(run, str(failure))
        taken = [opened(row) for row in runs.claim(self.group, self.owner)]
        self.worked = self.worked or bool(taken)
        with self.changed:
            self.parts |= {part.row.pk: part for part in taken}
            self.changed.notify_all()

    def _guarded(self, loop: Callable[[], None]) -> None:
        close_old_connections()
        try:
            _commit_without_waiting()
            with calls_for(Lane.SYNC), on_the_way(self.slots):
                loop()
        except BaseException as error:
            with self.changed:
                self.error = self.error or error
                self.closing = True
                self.changed.notify_all()
        finally:
            connections.close_all()

    # Reading

    def _read_on(self) -> None:
        while part := self._next_to_read():
            self._read(part)

    def _next_to_read(self) -> Part | None:
        with self.changed:
            while not self.closing:
                ready = [part for part in self.parts.values() if not (part.reading or part.ended)]
                # Enough pages at hand keep the storing threads busy; more would only fill the memory.
                if ready and self.pending < self.workers + STORERS:
                    part = max(ready, key=lambda part: part.frontier)
                    part.reading = True
                    return part
                self.idle += not ready
                self.changed.wait(1)
                self.idle -= not ready
        return None

    def _read(self, part: Part) -> None:
        page, failure = None, ""
        try:
            page = next_page(part)
        except (StripeFailure, ListBroken) as error:
            failure = str(error)
        with self.changed:
            part.reading, part.failure = False, failure
            if page is not None:
                part.pages.append(page)
                self.pending += 1
                if not part.lines.done and self.idle > sum(one.cut is not None for one in self.parts.values()):
                    part.cut = part.lines.split(int(page.answer.as_of.timestamp()))
            part.ended = bool(failure or part.lines.done or part.cut)
            self.changed.notify_all()

    # Storing

    def _store_on(self) -> None:
        while part := self._next_to_store():
            over = True
            try:
                over = self._store(part)
            finally:
                with self.changed:
                    part.storing = False
                    if over:
                        self._drop(part)
                    self.changed.notify_all()

    def _drop(self, part: Part) -> None:
        self.parts.pop(part.row.pk, None)
        self.pending -= len(part.pages)
        part.pages.clear()
        part.ended = True

    def _next_to_store(self) -> Part | None:
        with self.changed:
            while self.error is None:
                for part in self.parts.values():
                    if not part.storing and (part.pages or (part.ended and not part.reading)):
                        part.storing = True
                        return part
                if self.closing and not any(part.reading or part.storing for part in self.parts.values()):
                    return None
                self.changed.wait(1)
        return None

    def _store(self, part: Part) -> bool:
        """Store the part's next page, or its end; whether we are through with it."""
        with self.changed:
            page = part.pages.popleft() if part.pages else None
            self.pending -= page is not None
        if page is not None:
            try:
                inside = "" if part.row.inside == runs.UNLISTED else part.row.inside
                changed = store(part.kind, inside, page)
            except StripeFailure as failure:
                # A list inside an object could not be completed: its page is read again.
                failed(part, str(failure), self.owner)
                return True
            if not stored(part, page, changed, self.owner):
                # Another process has taken it over.
                return True
            self.counter.add(part.row.run_id, len(page.fresh))
        with self.changed:
            if part.pages or not part.ended:
                return False
        if part.failure:
            failed(part, part.failure, self.owner)
            return True
        added = [opened(row) for row in ended(part, self.owner)]
        with self.changed:
            self.parts |= {one.row.pk: one for one in added}
        return True


def _commit_without_waiting() -> None:
    """Commits reach the disk in their order: with the last pages, a crash also takes the note that they were read."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit TO off")
