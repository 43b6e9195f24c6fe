"""What a subscription is worth a month: pure, in exact fractions of minor units, rounded once at the end.

The rules and where they come from stand in `docs/figures.md`, with the examples that the tests compute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

# How often a price is charged in a month, for one interval.
A_MONTH = {"month": Fraction(1), "year": Fraction(1, 12), "week": Fraction(52, 12), "day": Fraction(365, 12)}
# A cancelled, paused or unpaid subscription earns nothing; a trial doesn't yet.
COUNTED = ("active", "past_due")
# Numbers longer than this are no amounts; a fraction of "1e999999" would take all memory.
LONGEST = 40
# More than this a month would not fit its column, and is no money.
MOST = 10**17


class NotComputable(ValueError):
    """Why this subscription's amount can't be known, as a sentence for staff."""


@dataclass(frozen=True)
class Reduction:
    """A recurring discount at work: `percent` of 100, or `amount` off each bill, from `start` until `end`."""

    percent: Fraction | None = None
    # Minor units per currency.
    amounts: Mapping[str, Fraction] | None = None
    start: datetime | None = None
    end: datetime | None = None
    # Only for these products; empty is all of them.
    products: frozenset[str] = frozenset()

    def runs_at(self, moment: datetime) -> bool:
        """Whether it reduces a bill of that moment."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)

    def covers(self, product: str) -> bool:
        """Whether it reduces what is paid for a product."""
        return not self.products or product in self.products


@dataclass(frozen=True)
class Line:
    """One licensed item: what a bill asks for it, and how many bills a month there are."""

    item: str
    product: str
    amount: Fraction
    bills: Fraction


def counts(subscription: Mapping[str, Any]) -> bool:
    """Whether it adds to MRR in this state."""
    return subscription.get("status") in COUNTED and not subscription.get("pause_collection")


def monthly_amount(
    items: Iterable[Any],
    *,
    currency: str,
    moment: datetime,
    reductions: Sequence[Reduction] = (),
    of_items: Mapping[str, Sequence[Reduction]] | None = None,
) -> int:
    """Minor units a month at a moment. Raises NotComputable.

    Discounts of an item reduce it first, then those of the subscription reduce what is left, each in its order.
    """
    lines = [line for item in items if (line := _line(item)) is not None]
    reduced = [_reduced([line], (of_items or {}).get(line.item, ()), currency, moment)[0] for line in lines]
    total = sum((line.amount * line.bills for line in _reduced(reduced, reductions, currency, moment)), Fraction(0))
    if total > MOST:
        raise NotComputable("Its amount is larger than any money.")
    return rounded(total)


def rounded(amount: Fraction) -> int:
    """To whole minor units, halves up; amounts here are never negative."""
    return (2 * amount.numerator + amount.denominator) // (2 * amount.denominator)


def _line(item: Any) -> Line | None:
    """An item of a subscription; None where it is metered: what it costs isn't known before it is used."""
    price = item.get("price") if isinstance(item, dict) else None
    if not isinstance(price, dict):
        raise NotComputable("An item has no price that is known here.")
    recurring = price.get("recurring")
    if not isinstance(recurring, dict):
        raise NotComputable("An item's price isn't recurring.")
    if recurring.get("usage_type") == "metered":
        return None
    quantity = _whole(item.get("quantity", 1) if item.get("quantity") is not None else 1, "quantity")
    product = price.get("product")
    name = product.get("id") if isinstance(product, dict) else product
    return Line(str(item.get("id") or ""), str(name or ""), _per_bill(price, quantity), _bills(recurring))


def _bills(recurring: Mapping[str, Any]) -> Fraction:
    rate = A_MONTH.get(str(recurring.get("interval")))
    count = recurring.get("interval_count", 1)
    if rate is None or not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise NotComputable("An item is billed at an interval that isn't known here.")
    return rate / count


def _per_bill(price: Mapping[str, Any], quantity: int) -> Fraction:
    if price.get("billing_scheme") == "tiered":
        return _tiered(price, quantity)
    return _decimal(price, "unit_amount") * _transformed(price.get("transform_quantity"), quantity)


def _transformed(transform: Any, quantity: int) -> int:
    """Packages: seats divided by their size, rounded as the price says."""
    if transform is None:
        return quantity
    size = transform.get("divide_by") if isinstance(transform, dict) else None
    if not isinstance(size, int) or isinstance(size, bool) or size < 1 or transform.get("round") not in ("up", "down"):
        raise NotComputable("A price counts its quantity in a way that isn't known here.")
    return -(-quantity // size) if transform["round"] == "up" else quantity // size


def _tiered(price: Mapping[str, Any], quantity: int) -> Fraction:
    """By the tiers, where the mirror has them: Stripe sends them only when asked to (`expand`)."""
    tiers = price.get("tiers")
    if not isinstance(tiers, list) or not tiers or not all(isinstance(tier, dict) for tier in tiers):
        raise NotComputable("A price has tiers that Stripe did not send.")
    if price.get("tiers_mode") not in ("volume", "graduated"):
        raise NotComputable("A price has tiers of a mode that isn't known here.")
    volume, total, below = price["tiers_mode"] == "volume", Fraction(0), 0
    for tier in tiers:
        upper = quantity if tier.get("up_to") is None else _whole(tier["up_to"], "tier")
        inside = min(quantity, upper) - below
        if quantity <= upper if volume else inside > 0:
            total += _flat(tier) + _unit(tier) * (quantity if volume else inside)
        if quantity <= upper:
            return total
        below = upper
    raise NotComputable("A price has no tier for the quantity.")


def _flat(tier: Mapping[str, Any]) -> Fraction:
    known = tier.get("flat_amount") is not None or tier.get("flat_amount_decimal") is not None
    return _decimal(tier, "flat_amount") if known else Fraction(0)


def _unit(tier: Mapping[str, Any]) -> Fraction:
    known = tier.get("unit_amount") is not None or tier.get("unit_amount_decimal") is not None
    return _decimal(tier, "unit_amount") if known else Fraction(0)


def _decimal(of: Mapping[str, Any], name: str) -> Fraction:
    """Stripe's decimal text where there is one: it alone holds fractions of a minor unit."""
    value = of.get(f"{name}_decimal")
    return number(of.get(name) if value is None else value, "price")


def number(value: Any, what: str) -> Fraction:
    """A number of Stripe's, exactly and not negative. Raises NotComputable."""
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(text) > LONGEST or "/" in text:
        raise NotComputable(f"A {what} is no number.")
    if "e" in text.lower() and abs(_exponent(text)) > LONGEST:
        raise NotComputable(f"A {what} is no number.")
    try:
        found = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise NotComputable(f"A {what} is no number.") from None
    if found < 0:
        raise NotComputable(f"A {what} is negative.")
    return found


def _exponent(text: str) -> int:
    try:
        return int(text.lower().rpartition("e")[2])
    except ValueError:
        return 0


def _whole(value: Any, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST:
        raise NotComputable(f"A {what} is no whole number.")
    return value


def _reduced(lines: list[Line], reductions: Iterable[Reduction], currency: str, moment: datetime) -> list[Line]:
    for reduction in reductions:
        if reduction.runs_at(moment):
            lines = _less(lines, reduction, currency)
    return lines


def _less(lines: list[Line], reduction: Reduction, currency: str) -> list[Line]:
    covered = [line for line in lines if reduction.covers(line.product)]
    # What is left of 1, for every covered line alike.
    left = Fraction(1)
    if reduction.percent is not None:
        left -= min(reduction.percent / 100, Fraction(1))
    elif reduction.amounts is not None and covered:
        left -= _share(covered, reduction.amounts, currency)
    return [
        Line(line.item, line.product, line.amount * left, line.bills) if line in covered else line for line in lines
    ]


def _share(lines: list[Line], amounts: Mapping[str, Fraction], currency: str) -> Fraction:
    """Which share of a month's bills an amount off takes: each bill gets it, the most frequent ones too."""
    off = amounts.get(currency)
    if off is None:
        raise NotComputable("A discount is in another currency than the subscription.")
    total = sum((line.amount * line.bills for line in lines), Fraction(0))
    return min(off * max(line.bills for line in lines) / total, Fraction(1)) if total else Fraction(0)
