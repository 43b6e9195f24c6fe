"""Sums the movements of each day, and the level that they led to."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Any

from django.db.models import Count, F, Sum

from stripe_mirror.models import MrrDay, MrrMovement

Nature = MrrMovement.Nature
NATURES = tuple(Nature)


def rebuild(first: date) -> None:
    """The sums of this day and of all later ones, from the movements; the caller's transaction makes it one change."""
    levels = _levels_before(first)
    MrrDay.objects.filter(day__gte=first).delete()
    made = []
    for (currency, day), sums in sorted(_sums(first).items()):
        mrr, subscribers = levels.get(currency, (0, 0))
        row = MrrDay(currency=currency, day=day, mrr=mrr, subscribers=subscribers)
        for nature, (amount, count) in sums.items():
            setattr(row, nature, amount)
            setattr(row, f"{nature}_count", count)
            row.mrr += amount
        row.subscribers += row.new_count + row.reactivation_count - row.churn_count
        levels[currency] = row.mrr, row.subscribers
        made.append(row)
    MrrDay.objects.bulk_create(made, batch_size=500)


def _sums(first: date) -> dict[tuple[str, date], dict[str, tuple[int, int]]]:
    found: dict[tuple[str, date], dict[str, tuple[int, int]]] = defaultdict(dict)
    grouped: Any = MrrMovement.objects.filter(day__gte=first).order_by().values("currency", "day", "nature")
    summed = grouped.annotate(moved=Sum(F("after") - F("before")), customers=Count("pk"))
    for row in summed.iterator():
        found[row["currency"], row["day"]][row["nature"]] = (int(row["moved"]), row["customers"])
    return found


def _levels_before(first: date) -> dict[str, tuple[int, int]]:
    """Currency → MRR and subscribers at the end of the day before."""
    found = {}
    for currency in list(MrrDay.objects.order_by().values_list("currency", flat=True).distinct()):
        last = MrrDay.objects.filter(currency=currency, day__lt=first).order_by("-day").first()
        if last is not None:
            found[currency] = (last.mrr, last.subscribers)
    return found
