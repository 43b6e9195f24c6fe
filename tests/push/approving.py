"""Limits and people for tests of approvals."""

from __future__ import annotations

from django.contrib.auth.models import Group, User

from stripe_mirror.models import OperationLimit, Push


def limit(user: User, operation: str, currency: str, amount: int, *, group: str = "") -> OperationLimit:
    """The user's own group, or the one of that name, may move so much."""
    of, _ = Group.objects.get_or_create(name=group or f"group of {user.username}")
    user.groups.add(of)
    return OperationLimit.objects.create(group=of, operation=operation, currency=currency, amount=amount)


def again(push: Push) -> Push:
    """The push as it is by now."""
    return Push.objects.select_related("approval").get(pk=push.pk)
