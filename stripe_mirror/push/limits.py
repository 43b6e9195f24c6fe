"""How much a person may move by one operation without another's approval, by the limits of their groups.

The most generous of a person's groups counts. Who is in no group that has a limit for the operation has none; where
there are limits, but none in a currency, everything in it needs approval. Superusers are people like others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext as _

from stripe_mirror.models import Approval, OperationLimit, StripeObject
from stripe_mirror.money import format_money, totals
from stripe_mirror.push.operation import Operation, all_operations
from stripe_mirror.push.wording import joined

# An amount in minor units beside its currency.
Stakes = list[tuple[int, str]]
# Below every amount: also a push over nothing needs approval in a currency without a limit.
NOTHING = -1


@dataclass(frozen=True)
class Limits:
    """What may be moved at once: minor units per currency; None where nobody limits it."""

    most: Mapping[str, int] | None = None

    def exceeded_by(self, stakes: Stakes) -> bool:
        """Whether a push with this at stake needs approval."""
        return self.most is not None and any(amount > self.most.get(code, NOTHING) for amount, code in stakes)


def limited_operations() -> list[Operation]:
    """The operations that limits can be set for."""
    return [operation for operation in all_operations() if operation.limited]


def limits_of(user: User | AnonymousUser | None, operation: Operation) -> Limits:
    """What this person may move by the operation; somebody who is no longer here, nothing."""
    if not operation.limited:
        return Limits()
    if user is None:
        return Limits({})
    held = OperationLimit.objects.filter(operation=operation.name, group__user=user.pk)
    most: dict[str, int] = {}
    for code, amount in held.values_list("currency", "amount"):
        most[code] = max(amount, most.get(code, NOTHING))
    return Limits(most or None)


def stakes_of(operation: Operation, row: StripeObject, cleaned: Mapping[str, Any]) -> Stakes:
    """What one push of a limited operation moves, a sum per currency (S53); [] for other operations."""
    if not operation.limited:
        return []
    found = totals((amount, code.lower()) for amount, code in operation.at_stake(row, cleaned))
    return [(amount, code) for code, amount in found.items()]


def approved_stakes(approval: Approval) -> Stakes:
    """What was asked for, as it was stored."""
    return [(amount, code) for amount, code in approval.stakes]


def in_words(stakes: Stakes) -> str:
    """ "€20.00" or "€20.00 and $5.00"."""
    return joined(format_money(amount, code) for amount, code in stakes)


def above_limit_words(stakes: Stakes) -> str:
    """Why it waits, for everybody who sees the push."""
    return _("%(amounts)s is above the limit of who asked for it: another person has to approve it.") % {
        "amounts": in_words(stakes)
    }
