"""Pausing, resuming and stopping a job, each with who and when in the job's log."""

from __future__ import annotations

from collections.abc import Iterable

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from stripe_mirror.background import enqueue
from stripe_mirror.models import Job, JobAction
from stripe_mirror.push.jobs import complete_job, may_run, note, skip_rest, stopped_words
from stripe_mirror.push.operation import get_operation

GOING = (Job.State.READY, Job.State.RUNNING)
STOPPABLE = (*GOING, Job.State.PAUSED)


def may_steer(user: User | AnonymousUser, job: Job) -> bool:
    """Whether this person may pause, resume and stop it: who may run its operation on many rows."""
    try:
        return isinstance(user, User) and may_run(user, get_operation(job.operation))
    except KeyError:
        return False


def pause_job(job: Job, *, user: User, ip: str | None = None) -> bool:
    """Send nothing more once the row in hand is done, until it is resumed; False where it isn't going.

    Raises PermissionDenied, as the others.
    """
    return _steer(job, GOING, Job.State.PAUSED, JobAction.Action.PAUSED, user=user, ip=ip)


def resume_job(job: Job, *, user: User, ip: str | None = None) -> bool:
    """Go on with a paused job; False where it isn't paused."""
    if not _steer(job, [Job.State.PAUSED], Job.State.READY, JobAction.Action.RESUMED, user=user, ip=ip):
        return False
    enqueue("run_job", str(job.pk))
    return True


def stop_job(job: Job, *, user: User, ip: str | None = None) -> bool:
    """End it for good: what was not sent is skipped. False where it has ended already.

    The row in hand keeps its own result; one whose outcome is open is still found out.
    """
    if not _steer(job, STOPPABLE, Job.State.STOPPED, JobAction.Action.STOPPED, user=user, ip=ip):
        return False
    complete_job(job.pk)
    return True


def _steer(
    job: Job, states: Iterable[str], state: Job.State, action: JobAction.Action, *, user: User, ip: str | None
) -> bool:
    if not may_steer(user, job):
        raise PermissionDenied(_("You may not steer this job: that needs the permission to run it."))
    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, state__in=states, finished_at=None).update(state=state):
            return False
        note(job, action, user=user, ip=ip)
        if state == Job.State.STOPPED:
            skip_rest(job, stopped_words(job))
    return True
