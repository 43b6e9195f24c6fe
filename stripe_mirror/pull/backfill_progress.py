"""How far a backfill is, for people: objects, objects per second, time left."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from stripe_mirror.models import SyncPart, SyncRun


@dataclass(frozen=True)
class KindProgress:
    """One kind's."""

    object_type: str
    state: str
    seen: int
    changed: int
    rate: float
    # Parts that are done, failed, and all.
    done: int
    failed: int
    parts: int
    # How many objects there will be, as far as can be guessed.
    expected: int | None
    message: str

    @property
    def seconds_left(self) -> float | None:
        """At the present speed; None where it can't be told."""
        if self.state != SyncRun.State.RUNNING or self.expected is None or self.rate <= 0:
            return None
        return max(self.expected - self.seen, 0) / self.rate


def progress_of(runs: Sequence[SyncRun]) -> list[KindProgress]:
    """Where each run stands, in three queries."""
    pks = [run.pk for run in runs]
    states = SyncPart.State
    parts = SyncPart.objects.filter(run__in=pks).order_by().values("run")
    counted: dict[int, Mapping[str, Any]] = {
        row["run"]: row
        for row in parts.annotate(
            parts=Count("pk"),
            done=Count("pk", filter=Q(state=states.DONE)),
            failed=Count("pk", filter=Q(state=states.FAILED)),
        )
    }
    expected = _expected(runs)
    return [_progress(run, counted.get(run.pk, {}), expected.get(run.pk)) for run in runs]


def _progress(run: SyncRun, counted: Mapping[str, Any], expected: int | None) -> KindProgress:
    return KindProgress(
        object_type=run.object_type,
        state=run.state,
        seen=run.seen,
        changed=run.changed,
        rate=run.rate,
        done=counted.get("done", 0),
        failed=counted.get("failed", 0),
        parts=counted.get("parts", 0),
        expected=max(expected, run.seen) if expected is not None else None,
        message=run.message,
    )


def _expected(runs: Sequence[SyncRun]) -> dict[int, int]:
    """As many as the last whole run over the kind saw; else as dense in the windows ahead as in those read."""
    names = [run.object_type for run in runs if run.since is None]
    earlier = SyncRun.objects.filter(
        command=SyncRun.Command.BACKFILL, state=SyncRun.State.DONE, since=None, object_type__in=names
    )
    newest = earlier.order_by().values("object_type").annotate(last=Max("pk")).values("last")
    seen = dict(SyncRun.objects.filter(pk__in=newest).values_list("object_type", "seen"))
    known = {run.pk: seen[run.object_type] for run in runs if run.object_type in seen and run.since is None}
    open_ended = {run.pk for run in runs} - known.keys()
    return known | _by_density(open_ended)


def _by_density(pks: set[int]) -> dict[int, int]:
    """Only where every window that is left has two ends."""
    parts = SyncPart.objects.filter(run__in=pks, created_filter=True).order_by().values("run")
    found: dict[int, int] = {}
    rows = parts.annotate(
        seen_=Sum("seen"),
        read_from=Min("oldest"),
        read_to=Max("created_to"),
        bottom=Min("created_from"),
        endless=Count("pk", filter=Q(created_from=None, state=SyncPart.State.OPEN)),
    )
    for row in rows:
        ends = row["read_from"], row["read_to"], row["bottom"]
        if row["endless"] or None in ends or row["read_to"] <= row["read_from"]:
            continue
        density = row["seen_"] / (row["read_to"] - row["read_from"])
        found[row["run"]] = int(density * (row["read_to"] - row["bottom"]))
    return found


def duration(seconds: float) -> str:
    """In the largest two units."""
    whole = int(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


class Counter:
    """Objects a second of each run, over the last seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[int, int] = {}
        self._rates: dict[int, float] = {}
        self._since = time.monotonic()

    def add(self, run_id: int, count: int) -> None:
        """So many objects were stored."""
        with self._lock:
            self._seen[run_id] = self._seen.get(run_id, 0) + count

    def rates(self) -> dict[int, float]:
        """Since the last question, smoothed."""
        with self._lock:
            now = time.monotonic()
            took, self._since = max(now - self._since, 0.001), now
            for run_id in self._seen.keys() | self._rates.keys():
                last, rate = self._rates.get(run_id), self._seen.get(run_id, 0) / took
                self._rates[run_id] = rate if last is None else 0.7 * last + 0.3 * rate
            self._seen.clear()
            return dict(self._rates)
