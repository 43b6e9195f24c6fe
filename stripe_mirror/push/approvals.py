"""What is above a person's limit waits here: another person approves or declines it, or who asked withdraws it.

Decided once, by a conditional UPDATE, and noted with who, when, from where and why. What is approved is sent by the
same path as what was planned before (`planned`), under the push's own key.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.background import enqueue
from stripe_mirror.language import log_language
from stripe_mirror.models import Approval, Push
from stripe_mirror.push.errors import AlreadyDecided, NotAllowed
from stripe_mirror.push.jobs import complete_job
from stripe_mirror.push.limits import approved_stakes, limits_of
from stripe_mirror.push.moments import moment_words
from stripe_mirror.push.operation import get_operation, why_not_user
from stripe_mirror.push.planned import run_alone
from stripe_mirror.push.secrets import scrubbed
from stripe_mirror.push.sending import STEP_PATIENCE, outside_transaction
from stripe_mirror.push.submit import display_name

APPROVE = "stripe_mirror.approve_push"
OWN = gettext_lazy("You asked for this yourself: another person has to decide.")
NO_PERMISSION = gettext_lazy("You may not decide about this: that needs the permission approve_push.")
GONE = gettext_lazy("This can't be done any more: the operation no longer exists. Decline it.")


def waiting_for(user: User | AnonymousUser) -> QuerySet[Push]:
    """What others have asked for and this person may decide about, oldest first."""
    if not user.has_perm(APPROVE):
        return Push.objects.none()
    return Push.objects.filter(state=Push.State.WAITING).exclude(user=user.pk).order_by("created_at")


def why_not_decide(user: User | AnonymousUser, push: Push) -> str:
    """A sentence where this person has no say in it, else ""."""
    if push.user_id == user.pk:
        return str(OWN)
    return "" if user.has_perm(APPROVE) else str(NO_PERMISSION)


def why_not_approve(user: User | AnonymousUser, push: Push) -> str:
    """A sentence where this person may not approve it, else "": who approves must be able to do it alone."""
    if reason := why_not_decide(user, push):
        return reason
    try:
        operation = get_operation(push.operation)
    except KeyError:
        return str(GONE)
    if reason := why_not_user(user, operation):
        return reason
    if limits_of(user, operation).exceeded_by(approved_stakes(push.approval)):
        return _("This is above your own limit, too: somebody with a higher one has to approve it.")
    return ""


def approve(push: Push, *, by: User, reason: str = "", ip: str | None = None) -> None:
    """Let it be sent: at once, or by its job. The push is refreshed: its state says what came of it.

    Raises PermissionDenied; AlreadyDecided, or NotAllowed where who asked may no longer do it: then nothing was sent.
    """
    outside_transaction()
    _demand(why_not_approve(by, push))
    if push.user is None or why_not_user(push.user, get_operation(push.operation)):
        raise NotAllowed(_("Nothing was sent: %(who)s may no longer do this. Decline it.") % {"who": push.user_name})
    # Whoever approves goes on with it at once; the sweep comes where that process died.
    later = None if push.job_id else timezone.now() + STEP_PATIENCE
    kept = {"state": Push.State.PLANNED, "message": "", "next_attempt_at": later}
    _decide(push, Approval.Decision.APPROVED, by=by, reason=reason, ip=ip, **kept)
    if push.job_id:
        enqueue("run_job", str(push.job_id))
    else:
        run_alone(push)
    push.refresh_from_db()


def decline(push: Push, *, by: User, reason: str, ip: str | None = None) -> None:
    """Refuse it for good, with the reason. Raises PermissionDenied, NotAllowed without a reason, AlreadyDecided."""
    _demand(why_not_decide(by, push))
    if not reason.strip():
        raise NotAllowed(_("Nothing was changed: write why it is declined, it is kept in the log."))
    with log_language():
        words = scrubbed(_("Declined by %(who)s: %(reason)s") % {"who": display_name(by), "reason": reason.strip()})
    _end(push, Approval.Decision.DECLINED, Push.State.REFUSED, words, by=by, reason=reason, ip=ip)


def withdraw(push: Push, *, by: User, ip: str | None = None) -> None:
    """Take one's own wish back. Raises PermissionDenied for others, AlreadyDecided."""
    if push.user_id != by.pk:
        raise PermissionDenied(_("Only who asked for this can withdraw it."))
    with log_language():
        words = _("Withdrawn by %(who)s: nothing was sent.") % {"who": display_name(by)}
    _end(push, Approval.Decision.WITHDRAWN, Push.State.SKIPPED, words, by=by, reason="", ip=ip)


def _demand(reason: str) -> None:
    if reason:
        raise PermissionDenied(reason)


def _end(
    push: Push, decision: Approval.Decision, state: Push.State, words: str, *, by: User, reason: str, ip: str | None
) -> None:
    kept = {"state": state, "message": words, "finished_at": timezone.now()}
    _decide(push, decision, by=by, reason=reason, ip=ip, **kept)
    if push.job_id:
        complete_job(push.job_id)
    push.refresh_from_db()


def _decide(push: Push, decision: Approval.Decision, *, by: User, reason: str, ip: str | None, **fields: Any) -> None:
    """Of several people at the same moment one decides; the others are told who did. Raises AlreadyDecided."""
    with transaction.atomic():
        if Push.objects.filter(pk=push.pk, state=Push.State.WAITING).update(**fields):
            Approval.objects.filter(push=push.pk, decision="").update(
                decision=decision,
                decided_by=by,
                decided_by_name=display_name(by),
                reason=scrubbed(reason.strip()),
                decided_at=timezone.now(),
                ip_address=ip,
            )
            return
    raise AlreadyDecided(_told(Push.objects.select_related("approval").get(pk=push.pk)))


def _told(push: Push) -> str:
    approval = getattr(push, "approval", None)
    if approval is None or approval.decided_at is None:
        # Its job was stopped.
        return (
            _("Nothing was changed: this doesn't wait for approval any more. %(message)s") % {"message": push.message}
        ).strip()
    return _("Nothing was changed: %(decided)s.") % {
        "decided": decision_words(approval.decision, approval.decided_by_name, approval.decided_at)
    }


def decision_words(decision: str, who: str, when: datetime) -> str:
    """ "approved by Jo on 01 May 2091 at 12:00 (UTC)" """
    words = {
        Approval.Decision.APPROVED: _("approved by %(who)s on %(when)s"),
        Approval.Decision.DECLINED: _("declined by %(who)s on %(when)s"),
        Approval.Decision.WITHDRAWN: _("withdrawn by %(who)s on %(when)s"),
    }
    return words[Approval.Decision(decision)] % {"who": who, "when": moment_words(int(when.timestamp()))}
