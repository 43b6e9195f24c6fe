"""Subscriptions as the mirror stores them, and what happens to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Sum

from stripe_mirror.figures import standing, work
from stripe_mirror.models import Change, MrrDay, MrrMovement, Subscription, SubscriptionAmount
from stripe_mirror.pull.changes import differences
from tests.admin import rows

# Long enough ago that no walk looks at it again by itself.
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def items(amount: int = 2900, *, quantity: int = 1, currency: str = "usd", id: str = "si_1") -> dict[str, Any]:
    price = rows.price_payload() | {"unit_amount": amount, "currency": currency}
    return {"object": "list", "has_more": False, "data": [{"id": id, "price": price, "quantity": quantity}]}


def subscribe(id: str = "sub_1", *, at: datetime = START, amount: int = 2900, **fields: Any) -> Any:
    """An active subscription that began then; changed lately."""
    currency = fields.get("currency", "usd")
    began = {"start_date": seconds(at), "created": seconds(at), "items": items(amount, currency=currency)}
    return rows.subscription(id, **(began | fields))


def change(id: str, at: datetime, **fields: Any) -> None:
    """Something happens to a subscription, and the mirror records it."""
    row = Subscription.objects.get(pk=id)
    new = {**row.data, **fields}
    version = row.version + 1
    Subscription.objects.filter(pk=id).update(data=new, version=version, changed_at=max(at, row.changed_at))
    Change.objects.create(
        object_type="subscription",
        object_id=id,
        action="updated",
        fields=differences(row.data, new),
        version=version,
        happened_at=at,
        recorded_at=at,
        source="stripe",
    )


def compute() -> None:
    """What the background task does, to its end."""
    while work.work(seconds=60):
        pass
    standing.refresh(force=True)


def told(**which: Any) -> list[tuple[str, str, int, int]]:
    """The movements, oldest first: day, nature, before, after."""
    found = MrrMovement.objects.filter(**which).order_by("day", "customer")
    return [(f"{row.day:%m-%d}", row.nature, row.before, row.after) for row in found]


def check_sums() -> None:
    """Whatever happened: levels, movements and subscriptions tell the same, to the last minor unit."""
    worth = dict(SubscriptionAmount.objects.order_by().values_list("currency").annotate(Sum("amount")))
    moved = MrrMovement.objects.order_by().values_list("currency").annotate(moved=Sum(F("after") - F("before")))
    last = {row.currency: row for row in MrrDay.objects.order_by("day")}
    assert {c: a for c, a in worth.items() if a} == {c: int(a) for c, a in moved if a}
    for currency, row in last.items():
        assert row.mrr == worth.get(currency, 0)
        paying = SubscriptionAmount.objects.filter(currency=currency, amount__gt=0)
        assert row.subscribers == paying.aggregate(n=Count("customer", distinct=True))["n"]
    for row in MrrDay.objects.all():
        before = MrrDay.objects.filter(currency=row.currency, day__lt=row.day).order_by("-day").first()
        parts = row.new + row.reactivation + row.expansion + row.contraction + row.churn
        assert row.mrr - (before.mrr if before else 0) == parts
