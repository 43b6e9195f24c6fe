"""Movements of customers: what the steps of their subscriptions add up to, per customer, currency and day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date

from stripe_mirror.models import MrrMovement

# A customer's account in one currency.
Account = tuple[str, str]
# Minor units by which it rose (or fell) on each day.
Deltas = dict[date, int]


def movements(account: Account, deltas: Mapping[date, int]) -> list[MrrMovement]:
    """Unsaved rows, oldest first: days on which nothing was moved have none. Pure."""
    customer, currency = account
    found, amount, had = [], 0, False
    for day in sorted(deltas):
        if not deltas[day]:
            continue
        before, amount = amount, amount + deltas[day]
        nature = nature_of(before, amount, had=had)
        found.append(
            MrrMovement(customer=customer, currency=currency, day=day, nature=nature, before=before, after=amount)
        )
        had = True
    return found


def nature_of(before: int, after: int, *, had: bool) -> MrrMovement.Nature:
    """What a change from one amount to another one is; `had` is whether the customer ever paid before."""
    if not before:
        return MrrMovement.Nature.REACTIVATION if had else MrrMovement.Nature.NEW
    if not after:
        return MrrMovement.Nature.CHURN
    return MrrMovement.Nature.EXPANSION if after > before else MrrMovement.Nature.CONTRACTION


def book(deltas: Mapping[Account, Deltas]) -> date | None:
    """Add to the stored movements; the first day whose sums are no longer right, or None."""
    moved = {account: days for account, days in deltas.items() if any(days.values())}
    if not moved:
        return None
    held = _held({customer for customer, _ in moved})
    gone: list[int] = []
    made: list[MrrMovement] = []
    for account, days in moved.items():
        first = min(day for day, delta in days.items() if delta)
        old = held.get(account, [])
        summed = _summed(old, days)
        gone += [row.pk for row in old if row.day >= first]
        made += [row for row in movements(account, summed) if row.day >= first]
    MrrMovement.objects.filter(pk__in=gone).delete()
    MrrMovement.objects.bulk_create(made, batch_size=500)
    return min(day for days in moved.values() for day, delta in days.items() if delta)


def _held(customers: Iterable[str]) -> dict[Account, list[MrrMovement]]:
    found: dict[Account, list[MrrMovement]] = defaultdict(list)
    for row in MrrMovement.objects.filter(customer__in=list(customers)).order_by("day"):
        found[row.customer, row.currency].append(row)
    return found


def _summed(old: Iterable[MrrMovement], new: Mapping[date, int]) -> Deltas:
    deltas: Deltas = defaultdict(int, new)
    for row in old:
        deltas[row.day] += row.after - row.before
    return deltas
