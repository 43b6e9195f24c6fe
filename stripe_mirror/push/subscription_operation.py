"""What all operations on a subscription have in common."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from stripe_mirror.models import StripeObject
from stripe_mirror.push.operation import Call, Operation
from stripe_mirror.push.subscription_facts import charges_per_period


class SubscriptionOperation(Operation):
    """Offered on subscriptions."""

    object_type = "subscription"

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What its items charge per period."""
        return charges_per_period(row)


def update(row: StripeObject, params: Mapping[str, Any]) -> Call:
    """https://docs.stripe.com/api/subscriptions/update"""
    return Call("post", f"/v1/subscriptions/{row.pk}", dict(params))
