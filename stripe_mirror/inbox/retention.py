"""How long events and changes are kept. Mirrored rows are never deleted; these two tables would grow for ever.

On PostgreSQL whole months are dropped (`models.partitions`), on SQLite rows are deleted in small steps, so that the one
writer is never kept long.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models, transaction
from django.utils import timezone

from stripe_mirror.conf import conf
from stripe_mirror.models import Change, InboxEvent, partitions

# Rows per step on SQLite.
STEP = 2000
UNSETTLED = (InboxEvent.State.RECEIVED, InboxEvent.State.WAITING, InboxEvent.State.FAILED)


@dataclass(frozen=True)
class Kept:
    """One table: which column says how old a row is, and for how many days rows are kept (0: for ever)."""

    model: type[models.Model]
    column: str
    days: int

    @property
    def name(self) -> str:
        """In the words of a person."""
        return str(self.model._meta.verbose_name_plural)

    def limit(self, now: datetime) -> datetime | None:
        """What is older may go."""
        return now - timedelta(days=self.days) if self.days else None


@dataclass(frozen=True)
class Maintained:
    """What a run did to one table."""

    name: str
    made: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    # Months that are old enough but hold events that are not settled: those were left, the others deleted.
    held_up: tuple[str, ...] = ()
    deleted: int = 0


def tables() -> tuple[Kept, ...]:
    """The tables that grow, with the settings of the moment."""
    return (
        Kept(InboxEvent, "created", conf.events_kept_days),
        Kept(Change, "recorded_at", conf.changes_kept_days),
    )


def maintain(now: datetime | None = None) -> list[Maintained]:
    """Make the partitions of the months to come, and let go of what is older than it is kept."""
    return [_maintain(kept, now or timezone.now()) for kept in tables()]


def _maintain(kept: Kept, now: datetime) -> Maintained:
    if not partitions.partitioned(kept.model):
        return Maintained(kept.name, deleted=_delete_steps(kept, kept.limit(now)))
    made = partitions.make_partitions(kept.model, kept.column, now=now)
    if (limit := kept.limit(now)) is None:
        return Maintained(kept.name, made=tuple(made))
    ended = [one for one in partitions.partitions(kept.model) if one.end <= limit]
    held_up = [one for one in ended if _unsettled(kept, one.start, one.end)]
    dropped = [one.name for one in ended if one not in held_up and partitions.drop_partition(one)]
    # What is left of the months before: beside unsettled events, or older than any partition.
    deleted = _delete_steps(kept, partitions.month_of(limit))
    return Maintained(kept.name, tuple(made), tuple(dropped), tuple(one.name for one in held_up), deleted)


def _unsettled(kept: Kept, start: datetime, end: datetime) -> bool:
    if kept.model is not InboxEvent:
        return False
    return InboxEvent.objects.filter(state__in=UNSETTLED, created__gte=start, created__lt=end).exists()


def _delete_steps(kept: Kept, end: datetime | None) -> int:
    """Delete what is settled and older than `end`, a step at a time; how many rows."""
    if end is None:
        return 0
    old = kept.model._default_manager.filter(**{f"{kept.column}__lt": end})
    if kept.model is InboxEvent:
        old = old.exclude(state__in=UNSETTLED)
    deleted = 0
    while ids := list(old.order_by(kept.column).values_list("pk", flat=True)[:STEP]):
        with transaction.atomic():
            deleted += kept.model._default_manager.filter(pk__in=ids)._raw_delete(kept.model._default_manager.db)
    return deleted
