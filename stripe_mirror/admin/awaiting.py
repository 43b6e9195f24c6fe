"""What forms and objects' pages say of what isn't sent at once: it is above a limit, or can still be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.http import HttpRequest

from stripe_mirror.admin import display, receipts
from stripe_mirror.admin.outcomes import operation_label
from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push import grace
from stripe_mirror.push.limits import approved_stakes, in_words, limits_of, stakes_of
from stripe_mirror.push.operation import Operation

SHOWN = 5


@dataclass(frozen=True)
class Awaited:
    """A push that isn't sent yet, as a note on its object's page; `url` is "" for who may not read of it.

    `sent_at` is empty where it waits for approval, otherwise the time until which it can be taken back.
    """

    label: str
    url: str
    sent_at: str = ""


def awaiting(request: HttpRequest, row: StripeObject) -> list[Awaited]:
    """What somebody asked for on this row that waits for a person or for its time, oldest first."""
    of_row = Push.objects.filter(object_type=row.kind.object, object_id=row.pk)
    # One query for both: an object's page is opened far more often than anything waits.
    found = of_row.filter(Q(state=Push.State.WAITING) | Q(pk__in=grace.graced().filter(object_id=row.pk)))
    pushes = found.select_related("approval").order_by("created_at")[:SHOWN]
    return [_awaited(request, push) for push in pushes]


def _awaited(request: HttpRequest, push: Push) -> Awaited:
    readable = push.user_id == request.user.pk or request.user.has_perm("stripe_mirror.view_push")
    url = receipts.page_of(request, push) if readable else ""
    if push.state != Push.State.WAITING:
        at = display.clock_time(push.next_attempt_at) if push.next_attempt_at else ""
        return Awaited(f"{operation_label(push.operation)}, by {push.user_name}", url, at)
    label = f"{operation_label(push.operation)}, {in_words(approved_stakes(push.approval))}, by {push.user_name}"
    return Awaited(label, url)


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
