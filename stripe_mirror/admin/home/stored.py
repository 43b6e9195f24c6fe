"""Reads the stored figures of a period: a few hundred small rows at most, whatever the size of the mirror."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from django.db.models import Sum

from stripe_mirror.admin.home.period import Bucket, Period
from stripe_mirror.figures.amounts import rounded
from stripe_mirror.figures.standing import NAME
from stripe_mirror.models import FigureProgress, MoneyDay, MrrDay, MrrMovement, StandingFigures

NATURES = tuple(MrrMovement.Nature)
MONEY = ("paid", "failed", "refunded", "disputed")


@dataclass(frozen=True)
class Freshness:
    """When the figures were computed, and since when the movements are exact."""

    # Empty until every source was walked once.
    computed_at: datetime | None
    exact_since: datetime | None
    standing_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """What is so now."""

    currencies: dict[str, dict[str, Any]]
    uncomputed: int

    def of(self, currency: str, name: str) -> int:
        """A number of one currency; 0 where there is none."""
        return int(self.currencies.get(currency, {}).get(name) or 0)


@dataclass(frozen=True)
class Stored:
    """All figures of one currency and period."""

    period: Period
    # At the end of the day before the period: MRR and subscribers.
    mrr_before: int
    subscribers_before: int
    mrr_days: dict[date, MrrDay] = field(default_factory=dict)
    money_days: dict[date, MoneyDay] = field(default_factory=dict)
    # Sums of as many days before.
    money_before: dict[str, int] = field(default_factory=dict)

    def moved(self, nature: str, bucket: Bucket | None = None) -> int:
        """Minor units that a nature of movement made, in the period or in some of its days."""
        return sum(getattr(row, nature) for row in _within(self.mrr_days, bucket))

    def customers(self, nature: str) -> int:
        """How many movements of this nature there were."""
        return sum(getattr(row, f"{nature}_count") for row in self.mrr_days.values())

    def money(self, name: str, bucket: Bucket | None = None) -> int:
        """Minor units, or how many, in the period or in some of its days."""
        return sum(getattr(row, name) for row in _within(self.money_days, bucket))

    def levels(self, points: Sequence[Bucket]) -> list[int]:
        """MRR at the end of each of these."""
        found, level, days = [], self.mrr_before, sorted(self.mrr_days)
        for bucket in points:
            while days and days[0] <= bucket.last:
                level = self.mrr_days[days.pop(0)].mrr
            found.append(level)
        return found

    @property
    def mrr(self) -> int:
        """At the end of the period."""
        return self.mrr_days[max(self.mrr_days)].mrr if self.mrr_days else self.mrr_before

    @property
    def subscribers(self) -> int:
        """At the end of the period."""
        return self.mrr_days[max(self.mrr_days)].subscribers if self.mrr_days else self.subscribers_before

    @property
    def arpu(self) -> int | None:
        """MRR per subscriber at the end of the period; None where there is none."""
        return _per(self.mrr, self.subscribers)

    @property
    def arpu_before(self) -> int | None:
        """As `arpu`, at its start."""
        return _per(self.mrr_before, self.subscribers_before)

    @property
    def net(self) -> int:
        """Paid less given back."""
        return self.money("paid") - self.money("refunded")

    @property
    def churn_rate(self) -> float | None:
        """Percent of the subscribers who left; None where there were none."""
        whole = self.subscribers_before + self.customers("new")
        return 100 * self.customers("churn") / whole if whole else None


def _per(amount: int, count: int) -> int | None:
    return rounded(Fraction(amount, count)) if count else None


def _within(days: dict[date, Any], bucket: Bucket | None) -> list[Any]:
    return [row for day, row in days.items() if bucket is None or bucket.first <= day <= bucket.last]


def stored(currency: str, period: Period) -> Stored:
    """Four queries, each along an index."""
    first, last = period.first, period.last
    before = MrrDay.objects.filter(currency=currency, day__lt=first).order_by("-day").first()
    money = MoneyDay.objects.filter(currency=currency)
    sums = money.filter(day__range=period.before).aggregate(**{name: Sum(name) for name in MONEY})
    return Stored(
        period=period,
        mrr_before=before.mrr if before else 0,
        subscribers_before=before.subscribers if before else 0,
        mrr_days={row.day: row for row in MrrDay.objects.filter(currency=currency, day__range=(first, last))},
        money_days={row.day: row for row in money.filter(day__range=(first, last))},
        money_before={name: int(value or 0) for name, value in sums.items()},
    )


def standing() -> tuple[Standing, datetime | None]:
    """What is so now, and when that was looked at."""
    row = StandingFigures.objects.filter(pk=NAME).first()
    content = row.content if row else {}
    return Standing(content.get("currencies", {}), content.get("uncomputed", 0)), row.computed_at if row else None


def freshness(standing_at: datetime | None, sources: Sequence[str]) -> Freshness:
    """How old the figures are: as old as the source that was walked longest ago."""
    rows = {row.source: row for row in FigureProgress.objects.filter(source__in=sources)}
    filled = len(rows) == len(sources) and all(row.filled_at for row in rows.values())
    computed = [row.computed_at for row in rows.values() if row.computed_at]
    exact = rows["subscription"].exact_since if "subscription" in rows else None
    return Freshness(min(computed) if filled and computed else None, exact, standing_at)


def currencies(found: Standing) -> list[str]:
    """Those that have figures, the one with the most subscriptions first."""
    named = [code for code, figures in found.currencies.items() if code and figures]
    return sorted(named, key=lambda code: (-_subscriptions(found, code), code))


def _subscriptions(found: Standing, currency: str) -> int:
    running = ("status_active", "status_past_due", "status_trialing")
    return sum(found.of(currency, name) for name in running)
