"""Which discounts reduce a subscription, read from the mirror for many subscriptions at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from stripe_mirror.figures.amounts import NotComputable, Reduction, number
from stripe_mirror.models import Coupon, Discount
from stripe_mirror.models.fields import LAST_SECOND

# Discounts for one bill only don't recur.
RECURRING = ("forever", "repeating")


@dataclass(frozen=True)
class Reductions:
    """The discounts of one subscription: on all of it, and on single items."""

    all: Sequence[Reduction] = ()
    of_items: Mapping[str, Sequence[Reduction]] = field(default_factory=dict)

    def bounds(self) -> list[datetime]:
        """The moments at which one of them begins or ends, in order."""
        every = [*self.all, *(each for found in self.of_items.values() for each in found)]
        return sorted({moment for each in every for moment in (each.start, each.end) if moment is not None})


class Known:
    """Discounts and coupons of the mirror that some subscriptions name."""

    def __init__(self, discounts: Mapping[str, Any], of_customers: Mapping[str, list[Any]], coupons: Mapping[str, Any]):
        self.discounts, self.of_customers, self.coupons = discounts, of_customers, coupons

    @classmethod
    def looked_up(cls, subscriptions: Iterable[Mapping[str, Any]], customers: Iterable[str]) -> Known:
        """In three queries."""
        named = {id for data in subscriptions for entry in _entries_within(data) if isinstance(id := entry, str)}
        rows = list(Discount.objects.filter(pk__in=named).values_list("pk", "data"))
        held = {"customer__in": sorted(set(customers)), "deleted_at": None, "subscription": None, "invoice": None}
        own = list(Discount.objects.filter(**held).order_by("created", "pk").values_list("customer_id", "data"))
        of_customers: dict[str, list[Any]] = {}
        for customer, data in own:
            of_customers.setdefault(customer, []).append(data)
        every = [data for _, data in (*rows, *own)]
        coupons = Coupon.objects.filter(pk__in=set(map(_coupon_id, every))).values_list("pk", "data")
        return cls(dict(rows), of_customers, dict(coupons))

    @classmethod
    def read(cls, discounts: Iterable[Any]) -> Known:
        """From rows of discounts that were read with their coupons, oldest first."""
        rows, of_customers = list(discounts), dict[str, list[Any]]()
        for row in rows:
            if row.customer_id and not (row.subscription_id or row.invoice_id or row.deleted_at):
                of_customers.setdefault(row.customer_id, []).append(row.data)
        coupons = {row.coupon.pk: row.coupon.data for row in rows if row.coupon is not None}
        return cls({row.pk: row.data for row in rows}, of_customers, coupons)

    def of(self, data: Mapping[str, Any], customer: str) -> Reductions:
        """Those of a subscription; its customer's own apply where it has none. Raises NotComputable."""
        own = _entries(data) or self.of_customers.get(customer, [])
        return Reductions(self._all(own), {id: self._all(entries) for id, entries in _item_entries(data) if entries})

    def _all(self, entries: Sequence[Any]) -> list[Reduction]:
        return [found for entry in entries if (found := self._one(entry)) is not None]

    def _one(self, entry: Any) -> Reduction | None:
        data = self.discounts.get(entry) if isinstance(entry, str) else entry
        if not isinstance(data, dict):
            raise NotComputable("A discount isn't mirrored yet.")
        coupon = _coupon_of(data)
        coupon = self.coupons.get(coupon) if isinstance(coupon, str) else coupon
        if not isinstance(coupon, dict):
            raise NotComputable("A discount's coupon isn't mirrored yet.")
        return _reduction(data, coupon) if coupon.get("duration") in RECURRING else None


def _reduction(data: Mapping[str, Any], coupon: Mapping[str, Any]) -> Reduction:
    only = coupon.get("applies_to")
    products = only.get("products") if isinstance(only, dict) else None
    named = frozenset(str(product) for product in products) if isinstance(products, list) else frozenset()
    start, end = _moment(data.get("start")), _moment(data.get("end"))
    if coupon.get("percent_off") is not None:
        percent = number(coupon["percent_off"], "discount")
        return Reduction(percent=percent, start=start, end=end, products=named)
    return Reduction(amounts=_amounts(coupon), start=start, end=end, products=named)


def _amounts(coupon: Mapping[str, Any]) -> dict[str, Any]:
    others = coupon.get("currency_options")
    found = {code: option.get("amount_off") for code, option in others.items()} if isinstance(others, dict) else {}
    found[str(coupon.get("currency"))] = coupon.get("amount_off")
    return {code: number(off, "discount") for code, off in found.items() if off is not None}


def _entries(data: Mapping[str, Any]) -> list[Any]:
    """Ids or whole discounts; until 2025 there was one, under another name."""
    found = data.get("discounts")
    if isinstance(found, list):
        return [entry for entry in found if entry]
    return [data["discount"]] if data.get("discount") else []


def _item_entries(data: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    return [(str(item.get("id") or ""), _entries(item)) for item in items_of(data) if isinstance(item, dict)]


def items_of(data: Mapping[str, Any]) -> list[Any]:
    """The items inside a subscription; none where it has another shape."""
    items = data.get("items")
    found = items.get("data") if isinstance(items, dict) else None
    return found if isinstance(found, list) else []


def _entries_within(data: Mapping[str, Any]) -> list[Any]:
    return [*_entries(data), *(entry for _, entries in _item_entries(data) for entry in entries)]


def _coupon_of(discount: Any) -> Any:
    """The coupon's id, or the whole coupon, which stood here until 2025."""
    if not isinstance(discount, dict):
        return None
    source = discount.get("source")
    return source.get("coupon") if isinstance(source, dict) else discount.get("coupon")


def _coupon_id(discount: Any) -> str:
    found = _coupon_of(discount)
    return found if isinstance(found, str) else ""


def _moment(second: Any) -> datetime | None:
    if not isinstance(second, int) or isinstance(second, bool) or not 0 <= second <= LAST_SECOND:
        return None
    return datetime.fromtimestamp(second, UTC)
