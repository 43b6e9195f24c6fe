"""What is dangerous can be given a while (PUSH_GRACE_SECONDS) before it is sent, in which who asked takes it back.

It is committed as a planned push, and sent by the worker as those are: judged anew, on the object as it is by then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.conf import conf
from stripe_mirror.language import log_language
from stripe_mirror.models import Approval, Push
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import Operation


def grace_of(operation: Operation) -> timedelta:
    """How long it waits; nothing by default, and where nothing is lost."""
    return timedelta(seconds=conf.push_grace_seconds if operation.danger else 0)


def graced_fields(grace: timedelta) -> dict[str, Any]:
    """What a push holds that waits for its time, instead of being sent."""
    return {
        "state": Push.State.PLANNED,
        "attempts": 0,
        "first_sent_at": None,
        "next_attempt_at": timezone.now() + grace,
    }


def graced() -> QuerySet[Push]:
    """Pushes that wait for their time and can still be taken back; not rows of jobs, steps, or what was approved."""
    # No join: PostgreSQL would not look at the row's state again after waiting for the worker's claim.
    decided = Approval.objects.filter(push=OuterRef("pk"))
    unsent = Push.objects.filter(state=Push.State.PLANNED, job=None, step_of=None, first_sent_at=None)
    return unsent.filter(~Exists(decided))


def is_graced(push: Push) -> bool:
    """As `graced`, of a push that was read together with its approval."""
    approval = getattr(push, "approval", None)
    unsent = push.state == Push.State.PLANNED and push.first_sent_at is None
    return unsent and push.job_id is None and push.step_of_id is None and approval is None


def sent_at(push: Push) -> datetime | None:
    """When it is sent unless it is taken back; None where it can't be taken back (any more)."""
    return push.next_attempt_at if graced().filter(pk=push.pk).exists() else None


def take_back(push: Push, *, by: User) -> None:
    """Never send it. Of this and the worker, who comes first wins. Raises PermissionDenied, NotAllowed."""
    if push.user_id != by.pk:
        raise PermissionDenied(_("Only who asked for this can take it back."))
    with log_language():
        words = _("Taken back by %(who)s: nothing was sent.") % {"who": push.user_name}
    fields = {"state": Push.State.SKIPPED, "message": words, "finished_at": timezone.now(), "next_attempt_at": None}
    taken = graced().filter(pk=push.pk).update(**fields)
    push.refresh_from_db()
    if not taken:
        raise NotAllowed(_("It is too late to take this back: it has been sent, or was taken back before."))
