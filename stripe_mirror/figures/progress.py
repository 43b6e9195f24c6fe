"""How far each source has been walked. One transaction takes a source's row, does a little and moves the cursor: a kill
loses nothing, two workers take turns, and what is walked twice is the same the second time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from stripe_mirror.figures.days import zone_name
from stripe_mirror.models import FigureProgress
from stripe_mirror.pull import clock

# A row is stamped before its transaction ends: each walk looks this far behind the one before it.
OVERLAP = timedelta(minutes=2)
# Grows when a formula changes: what is stored is then computed anew.
FORMULAS = 1
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def taken(source: str) -> Iterator[FigureProgress]:
    """A source's progress, ours until the transaction ends; what the block changes in it is stored with the rest."""
    with transaction.atomic():
        FigureProgress.objects.get_or_create(pk=source)
        progress = FigureProgress.objects.select_for_update().get(pk=source)
        if (progress.zone, progress.formulas) != (zone_name(), FORMULAS):
            progress = FigureProgress(source=source, zone=zone_name(), formulas=FORMULAS)
        yield progress
        progress.save()


def is_new(progress: FigureProgress) -> bool:
    """Whether nothing is stored yet, or nothing that still holds: what is there has to go first."""
    return progress.cursor_at is None


def begin_pass(progress: FigureProgress) -> None:
    """Note when this walk begins, unless it is under way."""
    if progress.pass_began_at is None:
        progress.pass_began_at = clock.now()
        progress.cursor_at = progress.cursor_at or BEGINNING


def next_changed(progress: FigureProgress, rows: QuerySet[Any], *, limit: int) -> list[Any]:
    """The next rows that changed, in the order of the index on (changed_at, id)."""
    at = progress.cursor_at
    later = Q(changed_at__gt=at) | Q(changed_at=at, pk__gt=progress.cursor_id)
    # The first condition is what the index is entered by.
    return list(rows.filter(Q(changed_at__gte=at), later).order_by("changed_at", "pk")[:limit])


def move(progress: FigureProgress, row: Any) -> None:
    """Everything up to this row is in the figures."""
    progress.cursor_at, progress.cursor_id = row.changed_at, row.pk


def end_pass(progress: FigureProgress) -> None:
    """Nothing is left: the next walk begins a little before this one did."""
    assert progress.pass_began_at is not None and progress.cursor_at is not None
    now = clock.now()
    # Not before the newest row that was seen in a quiet time: then there is nothing to look at twice.
    progress.cursor_at, progress.cursor_id = min(progress.cursor_at, progress.pass_began_at - OVERLAP), ""
    progress.filled_at, progress.computed_at = progress.filled_at or now, now
    progress.pass_began_at = None
