"""One operation on many rows: planned as a push per row, and run by the worker through the one path.

What a job would do says `jobs_preview`; who may pause, resume and stop it, `jobs_steering`.
"""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.background import enqueue
from stripe_mirror.language import log_language
from stripe_mirror.models import Import, Job, JobAction, Push
from stripe_mirror.push import planned as planned_push
from stripe_mirror.push.errors import NotAllowed, PushIdTaken
from stripe_mirror.push.jobs_preview import CHUNK, JudgedRow, Preview, job_form, preview
from stripe_mirror.push.operation import Operation, get_operation, may, why_not_user
from stripe_mirror.push.sending import outside_transaction
from stripe_mirror.push.submit import display_name
from stripe_mirror.stripe_api.budget import Lane, calls_for

logger = logging.getLogger(__name__)

FINAL = (Push.State.DONE, Push.State.REFUSED, Push.State.SKIPPED)
# Not sent yet, because the job hasn't come to it or because another person has to approve it.
UNSENT = (Push.State.PLANNED, Push.State.WAITING)
# Of a job: the import whose rows it is still being given (an import and its job have one id).
BEING_PLANNED = Import.objects.filter(pk=OuterRef("pk"), state=Import.State.STARTING)
# Nothing becomes of these by themselves.
WITHOUT_EFFECT = (Push.State.REFUSED, Push.State.SKIPPED)


def create_job(
    operation: Operation,
    queryset: QuerySet[Any],
    *,
    user: User,
    cleaned: Mapping[str, Any],
    reason: str,
    job_id: UUID,
    ip: str | None = None,
) -> Job:
    """Judge the rows and plan the job; see `start_job`."""
    demand_bulk(user, operation)
    if found := find_job(job_id, operation, user):
        return found
    with log_language():
        seen = preview(operation, queryset, cleaned=cleaned)
    job = Job(id=job_id, operation=operation.name, user=user, reason=reason, form=job_form(cleaned), ip_address=ip)
    return start_job(job, seen)


def start_job(job: Job, seen: Preview) -> Job:
    """Plan a push per judged row, in one transaction, and call the worker; a second submit finds the first one's job.

    `job` is not stored yet; `seen` was judged before, in the log's language, and outside of a transaction: SQLite has
    one writer, and judging many rows takes a while. Raises PermissionDenied, NotAllowed where no row can be done,
    PushIdTaken.
    """
    operation = get_operation(job.operation)
    demand_bulk(job.user, operation, chosen=not (job.retries_id or job.undoes_id))
    if found := find_job(job.id, operation, job.user):
        return found
    job.object_type, job.reason = operation.object_type, job.reason.strip()
    _demand_sense(job, operation, seen)
    try:
        with transaction.atomic():
            _claim_rows(job, seen)
            job.save(force_insert=True)
            note(job, JobAction.Action.STARTED, user=job.user, ip=job.ip_address)
            _plan_rows(job, seen.rows)
            enqueue("run_job", str(job.id))
    except IntegrityError:
        if found := find_job(job.id, operation, job.user):
            return found
        raise
    return job


def begin_import(job: Job) -> Job:
    """Store the job of an import, still without rows: `plan_more` writes them, in portions, for there may be very many,
    and until the import says that it has started nobody takes it for a job without any.

    A second call finds the first one's job. Raises PermissionDenied, NotAllowed without a reason that is needed,
    PushIdTaken.
    """
    operation = get_operation(job.operation)
    demand_bulk(job.user, operation, chosen=False)
    if found := find_job(job.id, operation, job.user):
        return found
    job.object_type, job.reason = operation.object_type, job.reason.strip()
    demand_reason(operation, job.reason)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            note(job, JobAction.Action.STARTED, user=job.user, ip=job.ip_address)
    except IntegrityError:
        if found := find_job(job.id, operation, job.user):
            return found
        raise
    return job


def planned_so_far(job: Job) -> int:
    """How many rows of it are written."""
    last = job.pushes.order_by("-position").values_list("position", flat=True).first()
    return last or 0


def plan_more(job: Job, rows: Iterable[JudgedRow], *, after: int) -> None:
    """Write the rows behind the first `after`, unless another process has done so."""
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        if planned_so_far(job) == after:
            _plan_rows(job, rows, after=after)


def demand_bulk(user: User, operation: Operation, *, chosen: bool = True) -> None:
    """Raise PermissionDenied for who may not run it on many rows; `chosen` on a list, where not every operation is
    offered for many."""
    if reason := why_not_user(user, operation):
        raise PermissionDenied(reason)
    if not user.has_perm("stripe_mirror.run_job") or (chosen and not operation.bulk):
        raise PermissionDenied(
            _("You may not run operations on many objects at once: that needs the permission run_job.")
        )


def find_job(job_id: UUID, operation: Operation, user: User) -> Job | None:
    """The job of an earlier submit of the same form (S30). Raises PushIdTaken where it was about something else."""
    job = Job.objects.filter(pk=job_id).first()
    if job and (job.user_id != user.pk or job.operation != operation.name):
        raise PushIdTaken(_("Nothing was planned: this form was used before, for something else. Open it again."))
    return job


def demand_reason(operation: Operation, reason: str) -> None:
    """Raise NotAllowed without a reason that is needed."""
    if operation.needs_reason and not reason.strip():
        raise NotAllowed(_("Nothing was planned: write the reason, it is kept in the log."))


def _demand_sense(job: Job, operation: Operation, seen: Preview) -> None:
    demand_reason(operation, job.reason)
    if seen.too_many:
        raise NotAllowed(
            _("Nothing was planned: these are more rows than can be judged at once. Filter the list further.")
        )
    if not seen.allowed:
        raise NotAllowed(_("Nothing was planned: this can't be done to any of the selected rows."))


def _claim_rows(job: Job, seen: Preview) -> None:
    """A row is tried again, or taken back, by one job: somebody may have planned the same meanwhile."""
    source = job.retries_id or job.undoes_id
    if source is None:
        return
    # Whoever comes second waits here, and then finds the first one's rows.
    Job.objects.select_for_update().get(pk=source)
    sent = [row for row in seen.rows if not row.why_not]
    if job.retries_id:
        taken = set(Push.objects.filter(job__retries=source).values_list("object_id", flat=True))
        clash = any(row.id in taken for row in sent)
    else:
        others = Push.objects.filter(undoes__job=source).exclude(state__in=WITHOUT_EFFECT)
        undone = set(others.values_list("undoes", flat=True))
        clash = any(row.undoes in undone for row in sent)
    if clash:
        raise NotAllowed(_("Nothing was planned: somebody has done the same meanwhile. Look at the counts anew."))


def _plan_rows(job: Job, judged: Iterable[JudgedRow], *, after: int = 0) -> None:
    numbered = enumerate(judged, start=after + 1)
    while rows := [_planned_push(job, n, row) for n, row in islice(numbered, CHUNK)]:
        Push.objects.bulk_create(rows)


def _planned_push(job: Job, position: int, row: JudgedRow) -> Push:
    now = timezone.now()
    return Push(
        operation=job.operation,
        object_type=job.object_type,
        object_id=row.id,
        job=job,
        position=position,
        user=job.user,
        user_name=display_name(job.user),
        ip_address=job.ip_address,
        reason=job.reason,
        form=dict(row.form or {}),
        opened=dict(row.opened or {}),
        undoes_id=row.undoes,
        state=Push.State.SKIPPED if row.why_not else Push.State.PLANNED,
        message=row.why_not,
        created_at=now,
        finished_at=now if row.why_not else None,
    )


def note(job: Job, action: JobAction.Action, *, user: User, ip: str | None = None) -> None:
    """Add to the job's log who did what to it."""
    JobAction.objects.create(
        job=job, action=action, user=user, user_name=display_name(user), ip_address=ip, at=timezone.now()
    )


@log_language()
def run_job(job_id: UUID, *, seconds: float = math.inf) -> bool:
    """Send the planned rows one by one; True where time ran out before the rows did.

    Ends, too, when the job is paused or stopped, or Stripe can't be reached (the sweep comes again). May run twice side
    by side and be killed at any point: each row is claimed by a conditional UPDATE.
    """
    outside_transaction()
    ready = Job.objects.filter(pk=job_id, state=Job.State.READY)
    ready.update(state=Job.State.RUNNING, started_at=Coalesce("started_at", timezone.now()))
    job = Job.objects.select_related("user").get(pk=job_id)
    operation = get_operation(job.operation)
    if not may_run(job.user, operation):
        skip_rest(job, _("Nothing was sent: %(who)s may no longer do this.") % {"who": display_name(job.user)})
    end = time.monotonic() + seconds
    # All of it in the background's share of Stripe's limit: a person who waits for a page goes first.
    with calls_for(Lane.WORKER):
        while push := _claim_next(job_id):
            if not planned_push.run(push, operation, push.form or job.form):
                return False
            if time.monotonic() > end:
                return not complete_job(job_id)
    complete_job(job_id)
    return False


def may_run(user: User, operation: Operation) -> bool:
    """Whether this person may still run the rows of a job."""
    return may(user, operation) and user.has_perm("stripe_mirror.run_job")


def skip_rest(job: Job, message: str) -> None:
    """What was not sent yet isn't sent, and says why."""
    unsent = Push.objects.filter(job=job, state__in=UNSENT)
    unsent.update(state=Push.State.SKIPPED, message=message, finished_at=timezone.now())


def _claim_next(job_id: UUID) -> Push | None:
    """Take the next planned row of a running job; of two runners, one gets it."""
    # No join: PostgreSQL would not look at the row's state again after waiting for another runner's claim.
    running = Job.objects.filter(pk=job_id, state=Job.State.RUNNING)
    planned = Push.objects.filter(job__in=running, state=Push.State.PLANNED)
    while (push := planned.order_by("position").first()) is not None:
        if planned_push.claim(planned, push):
            return push
    return None


def complete_job(job_id: UUID) -> bool:
    """Mark the job's end if every row has its result."""
    if stopped := Job.objects.filter(pk=job_id, state=Job.State.STOPPED, finished_at=None).first():
        # A row that was in hand when the job was stopped, and came back unsent.
        skip_rest(stopped, stopped_words(stopped))
    unsettled = Push.objects.filter(job=OuterRef("pk")).exclude(state__in=FINAL)
    ended = Job.objects.filter(~Exists(unsettled), ~Exists(BEING_PLANNED), pk=job_id, finished_at=None)
    # In one statement: another runner may settle the last row between two.
    state = Case(When(state=Job.State.STOPPED, then=F("state")), default=Value(Job.State.FINISHED))
    return bool(ended.update(state=state, finished_at=timezone.now()))


@log_language()
def stopped_words(job: Job) -> str:
    """What a row says that was left when the job was stopped."""
    stop = job.actions.filter(action=JobAction.Action.STOPPED).first()
    return (
        _("Nothing was sent: stopped by %(who)s.") % {"who": stop.user_name}
        if stop
        else _("Nothing was sent: the job was stopped.")
    )


def due_jobs(limit: int = 20) -> list[UUID]:
    """Jobs with rows to send and no runner at work (crashed, or never called), or whose end is to be marked."""
    rows = Push.objects.filter(job=OuterRef("pk"))
    busy = rows.filter(state=Push.State.SENDING, next_attempt_at__gt=timezone.now())
    planned, unsettled = rows.filter(state=Push.State.PLANNED), rows.exclude(state__in=FINAL)
    waits = Q(state=Job.State.PAUSED)
    due = Job.objects.filter(~Exists(busy), (~waits & Exists(planned)) | ~Exists(unsettled), finished_at=None)
    due = due.filter(~Exists(BEING_PLANNED))
    return list(due.order_by("created_at").values_list("pk", flat=True)[:limit])


def progress(job: Job) -> dict[str, Any]:
    """Rows per state, and `total`, `settled` (rows with a result, whichever) and `percent` of them."""
    counted = job.pushes.order_by().values_list("state").annotate(rows=Count("pk"))
    counts = Counter(dict(counted))
    total = sum(counts.values())
    settled = sum(counts[state] for state in FINAL)
    per_state = {state.value: counts[state.value] for state in Push.State}
    return {**per_state, "total": total, "settled": settled, "percent": 100 * settled // total if total else 100}
