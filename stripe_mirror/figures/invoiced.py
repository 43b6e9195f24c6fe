"""What subscriptions were invoiced for in the past: their items before the mirror saw them change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from stripe_mirror.models import InvoiceLineItem, Price

ITEM = ("data__parent__subscription_item_details__subscription_item", "data__subscription_item")


def invoiced(subscriptions: Iterable[str]) -> dict[str, list[tuple[datetime, list[Any]]]]:
    """Subscription → its items from when on, oldest first, as they stand inside a subscription.

    A line with an amount says which price and quantity an item had from the start of its period; the credit for unused
    time that stands alone says that the item was removed.
    """
    lines = (
        InvoiceLineItem.objects.filter(subscription__in=list(subscriptions), deleted_at=None)
        .exclude(period_start=None)
        .order_by("subscription", "period_start", "amount", "pk")
        .values_list("subscription_id", "period_start", "amount", "price_id", "quantity", *ITEM)
    )
    read = list(lines)
    prices = dict(Price.objects.filter(pk__in={line[3] for line in read if line[3]}).values_list("pk", "data"))
    found: dict[str, list[tuple[datetime, list[Any]]]] = {}
    held: dict[str, dict[str, Any]] = {}
    for subscription, at, amount, price, quantity, newer, older in read:
        item, items = newer or older, held.setdefault(subscription, {})
        if not isinstance(item, str) or price not in prices or amount is None:
            continue
        if amount < 0:
            items.pop(item, None)
        else:
            items[item] = {"id": item, "price": prices[price], "quantity": quantity}
        _note(found.setdefault(subscription, []), at, items)
    return found


def _note(configs: list[tuple[datetime, list[Any]]], at: datetime, items: dict[str, Any]) -> None:
    """The items from then on; what is said of one moment counts together."""
    if configs and configs[-1][0] == at:
        configs.pop()
    configs.append((at, list(items.values())))
