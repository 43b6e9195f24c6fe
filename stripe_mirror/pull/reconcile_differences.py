"""The differences that are open: a row each, with the time of the first look, closed where a later look finds none."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from stripe_mirror.kinds import Kind
from stripe_mirror.models import Difference, SyncRun
from stripe_mirror.pull.compare import Mismatch, equal, held_rows
from stripe_mirror.pull.storable import storable

Outcome = Difference.Outcome
# Of one kind at a time.
BATCH = 1000


class OpenDifferences:
    """Those of a kind and of what stands inside it, while it is compared."""

    def __init__(self, kind: Kind) -> None:
        names = {kind.object, *(embeds.object for embeds in kind.embeds)}
        found = Difference.objects.filter(outcome=Outcome.OPEN, object_type__in=names)
        self._keys = set(found.values_list("object_type", "object_id"))

    def note(self, one: Mismatch, *, run: SyncRun, likely_why: str) -> Difference:
        """The row of an object that stays different."""
        values = {
            "run": run,
            "nature": one.nature,
            # Stripe's side comes as it was sent, and PostgreSQL can't hold a NUL.
            "fields": storable(one.fields)[0],
            "likely_why": likely_why,
            "near": storable(one.near)[0],
        }
        difference, _ = Difference.objects.update_or_create(
            object_type=one.kind.object,
            object_id=one.id,
            outcome=Outcome.OPEN,
            defaults=values,
            create_defaults={**values, "found_at": timezone.now()},
        )
        return difference

    def watch(self, one: Mismatch) -> None:
        """A later look at it may close it."""
        self._keys.add(one.key)

    def close_equal(self, kind: Kind, ids: set[str]) -> None:
        """What differed at an earlier look and is equal now was brought by an event or a sync."""
        healed = {id for id in ids if (kind.object, id) in self._keys}
        if not healed:
            return
        _close(_open(kind).filter(object_id__in=healed), note="Found equal by a later comparison.")
        self._keys -= {(kind.object, id) for id in healed}


def is_open(kind: Kind, id: str) -> bool:
    """Whether the object is known to differ, be it by the comparison of another kind."""
    return bool(_open(kind).filter(object_id=id).exists())


def close_buried(kind: Kind) -> None:
    """End the open differences about objects that Stripe lacks and that are marked deleted here by now."""
    waiting = _open(kind).filter(nature=Difference.Nature.MISSING_IN_STRIPE)
    ids = list(waiting.values_list("object_id", flat=True)[:BATCH])
    buried = [id for id, held in held_rows(kind, ids).items() if equal(held, None)]
    _close(waiting.filter(object_id__in=buried), note="Marked deleted by now.")


def _open(kind: Kind) -> QuerySet[Difference]:
    return Difference.objects.filter(outcome=Outcome.OPEN, object_type=kind.object)


def _close(found: QuerySet[Difference], *, note: str) -> None:
    found.update(outcome=Outcome.EQUAL, repaired_at=timezone.now(), note=note)
