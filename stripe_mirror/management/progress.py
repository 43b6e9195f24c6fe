"""How far a backfill is, in a terminal: bars where someone looks, plain lines in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any, cast
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from stripe_mirror.models import SyncRun
from stripe_mirror.pull.backfill_progress import KindProgress, duration, progress_of

# Seconds between two lines of a log.
EVERY = 10.0
Show = Callable[[list[SyncRun]], None]


@contextmanager
def shown(stdout: Any, group: UUID) -> Iterator[Show]:
    """Something to call with the runs, now and then."""
    console = Console(file=cast(IO[str], stdout))
    if not console.is_terminal:
        yield Lines(stdout, group).show
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:>9,} read {task.fields[changed]:>9,} changed  {task.fields[speed]}"),
    )
    with Progress(*columns, console=console) as bars:
        yield Bars(bars, group).show


class Bars:
    """A bar per kind; it pulses while nobody knows how much there is."""

    def __init__(self, bars: Progress, group: UUID) -> None:
        self.bars, self.group = bars, group
        self.tasks: dict[str, TaskID] = {}

    def show(self, runs: list[SyncRun]) -> None:
        """What is known now."""
        for one in progress_of(runs):
            if one.object_type not in self.tasks:
                self.tasks[one.object_type] = self.bars.add_task(one.object_type, total=None, changed=0, speed="")
            total = max(one.seen, 1) if one.state != SyncRun.State.RUNNING else one.expected
            done = max(one.seen, 1) if one.state != SyncRun.State.RUNNING else one.seen
            self.bars.update(
                self.tasks[one.object_type], total=total, completed=done, changed=one.changed, speed=speed_of(one)
            )


class Lines:
    """A line per kind that has ended, and one about all of them every few seconds."""

    def __init__(self, stdout: Any, group: UUID) -> None:
        self.stdout, self.group = stdout, group
        self.ended: set[str] = set()
        self.last = time.monotonic()

    def show(self, runs: list[SyncRun]) -> None:
        """What is new."""
        for run in runs:
            if run.finished_at and run.object_type not in self.ended:
                self.ended.add(run.object_type)
                words = f"{run.object_type}: {run.get_state_display().lower()}"
                self.stdout.write(f"{words}, {run.seen} read, {run.changed} new or changed")
        if time.monotonic() - self.last > EVERY:
            self.last = time.monotonic()
            self.stdout.write(summary(progress_of(runs)))


def speed_of(one: KindProgress) -> str:
    """Objects per second and the time left."""
    if one.state != SyncRun.State.RUNNING:
        return one.state
    left = f", {duration(one.seconds_left)} left" if one.seconds_left is not None else ""
    return f"{one.rate:,.0f}/s{left}" if one.rate else "waiting"


def summary(kinds: Sequence[KindProgress]) -> str:
    """All kinds in a line."""
    running = [one for one in kinds if one.state == SyncRun.State.RUNNING]
    lefts = [one.seconds_left for one in running]
    left = max((left for left in lefts if left is not None), default=None)
    words = f", about {duration(left)} left" if left is not None and None not in lefts else ""
    seen, rate = sum(one.seen for one in kinds), sum(one.rate for one in running)
    return f"{seen:,} objects read, {rate:,.0f} per second, {len(running)} of {len(kinds)} kinds to go{words}"
