"""What forms and objects' pages say of limits: that a form is above one, and what waits for approval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from stripe_mirror.admin import display, receipts
from stripe_mirror.admin.outcomes import operation_label
from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push.limits import approved_stakes, in_words, limits_of, stakes_of
from stripe_mirror.push.operation import Operation

SHOWN = 5


@dataclass(frozen=True)
class Awaited:
    """A push that waits for approval, as a note on its object's page; `url` is "" for who may not read of it."""

    label: str
    url: str


def awaiting(request: HttpRequest, row: StripeObject) -> list[Awaited]:
    """What somebody asked for on this row that waits, oldest first."""
    found = Push.objects.filter(object_type=row.kind.object, object_id=row.pk, state=Push.State.WAITING)
    pushes = found.select_related("approval").order_by("created_at")[:SHOWN]
    return [_awaited(request, push) for push in pushes]


def _awaited(request: HttpRequest, push: Push) -> Awaited:
    readable = push.user_id == request.user.pk or request.user.has_perm("stripe_mirror.view_push")
    label = f"{operation_label(push.operation)}, {in_words(approved_stakes(push.approval))}, by {push.user_name}"
    return Awaited(label, receipts.page_of(request, push) if readable else "")


def above_limit(request: HttpRequest, operation: Operation, row: StripeObject, cleaned: Mapping[str, Any]) -> str:
    """A sentence where this form is above the person's limit, so that it will wait; "" where it isn't complete, too."""
    if not cleaned:
        return ""
    try:
        stakes = stakes_of(operation, row, cleaned)
    except display.ODD_SHAPE:
        return ""
    user = request.user if request.user.is_authenticated else None
    if not stakes or not limits_of(user, operation).exceeded_by(stakes):
        return ""
    return f"{in_words(stakes)} is above your limit: another person has to approve it before it is sent."
