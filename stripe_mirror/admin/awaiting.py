"""What forms and objects' pages say of what isn't sent at once: it is above a limit, or can still be taken back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

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


def awaiting(request: HttpRequest, pushes: Iterable[Push]) -> list[Awaited]:
    """Those of a row's unsettled pushes that wait for a person or for their time, oldest first."""
    waits = [push for push in pushes if push.state == Push.State.WAITING or grace.is_graced(push)]
    return [_awaited(request, push) for push in sorted(waits, key=lambda push: push.created_at)[:SHOWN]]


def _awaited(request: HttpRequest, push: Push) -> Awaited:
    readable = push.user_id == request.user.pk or request.user.has_perm("stripe_mirror.view_push")
    url = receipts.page_of(request, push) if readable else ""
    if push.state != Push.State.WAITING:
        at = display.clock_time(push.next_attempt_at) if push.next_attempt_at else ""
        return Awaited(
            _("%(label)s, by %(who)s") % {"label": operation_label(push.operation), "who": push.user_name}, url, at
        )
    words = _("%(label)s, %(amounts)s, by %(who)s") % {
        "label": operation_label(push.operation),
        "amounts": in_words(approved_stakes(push.approval)),
        "who": push.user_name,
    }
    return Awaited(words, url)


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
    return _("%(amounts)s is above your limit: another person has to approve it before it is sent.") % {
        "amounts": in_words(stakes)
    }
