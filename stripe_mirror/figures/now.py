"""What subscriptions are worth a month at this moment, for their own pages: by the rule of the stored figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from stripe_mirror.figures.amounts import NotComputable, counts, monthly_amount
from stripe_mirror.figures.reductions import Known, items_of


def monthly_now(subscription: Any, discounts: Iterable[Any]) -> dict[str, int]:
    """Minor units a month in its currency; {} where it brings nothing, or nobody can know what.

    `discounts`: the rows that it or its customer has, read with their coupons.
    """
    currency = subscription.currency
    if subscription.deleted_at or not currency or not counts(subscription.data):
        return {}
    try:
        reductions = Known.read(discounts).of(subscription.data, subscription.customer_id or "")
        amount = monthly_amount(
            items_of(subscription.data),
            currency=currency,
            moment=timezone.now(),
            reductions=reductions.all,
            of_items=reductions.of_items,
        )
    except NotComputable:
        return {}
    return {currency: amount} if amount else {}
