"""One operation on many rows: previewed, planned as a push per row, and run by the worker through the one path."""

from __future__ import annotations

import json
import logging
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from stripe_mirror.background import enqueue
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Job, Push, StripeObject
from stripe_mirror.money import totals
from stripe_mirror.push.errors import (
    ODD_SHAPE,
    ODD_SHAPE_WORDS,
    CantCheck,
    CantReach,
    NotAllowed,
    PushError,
    PushIdTaken,
)
from stripe_mirror.push.operation import Operation, demand, get_operation, may_in_bulk
from stripe_mirror.push.prepare import checked_call, read_fresh
from stripe_mirror.push.sending import LEASE, outside_transaction, send
from stripe_mirror.push.submit import attempt_fields, display_name

logger = logging.getLogger(__name__)

# Excluded rows that a preview names; the others are only counted.
NAMED = 100
CHUNK = 500
FINAL = (Push.State.DONE, Push.State.REFUSED, Push.State.SKIPPED)


@dataclass
class Preview:
    """What a job would do: nothing is sent, nothing stored. Sums are minor units per currency (S53)."""

    total: int = 0
    allowed: int = 0
    # Rows that would be left out, with the reason; at most NAMED of them.
    excluded: list[tuple[StripeObject, str]] = field(default_factory=list)
    excluded_count: int = 0
    sums: dict[str, int] = field(default_factory=dict)


def preview(operation: Operation, queryset: QuerySet[Any], *, cleaned: Mapping[str, Any] | None = None) -> Preview:
    """Walk the rows as the mirror has them; with the form's `cleaned`, rows that it doesn't fit are excluded, too."""
    seen = Preview()
    form = stored_form(cleaned) if cleaned is not None else None
    for row, reason in _judged(operation, queryset, form):
        seen.total += 1
        if reason:
            seen.excluded_count += 1
            if seen.excluded_count <= NAMED:
                seen.excluded.append((row, reason))
        else:
            seen.allowed += 1
            seen.sums = totals([*((amount, code) for code, amount in seen.sums.items()), *_sums(operation, row)])
    return seen


def _sums(operation: Operation, row: StripeObject) -> list[tuple[int, str]]:
    try:
        return list(operation.sums(row))
    except ODD_SHAPE:
        return []


def _judged(
    operation: Operation, queryset: QuerySet[Any], form: Mapping[str, Any] | None
) -> Iterator[tuple[StripeObject, str]]:
    """Each row with the reason to leave it out, or ""."""
    for row in queryset.iterator(chunk_size=CHUNK):
        try:
            reason = operation.why_not(row)
            if not reason and form is not None:
                operation.plan(row, _cleaned(operation, row, form))
        except PushError as error:
            reason = str(error)
        except ODD_SHAPE:
            reason = ODD_SHAPE_WORDS
        yield row, reason


def stored_form(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """A form's cleaned values as JSON can hold them and as the form reads them again."""
    stored: dict[str, Any] = json.loads(json.dumps(dict(cleaned), cls=DjangoJSONEncoder))
    return stored


def _cleaned(operation: Operation, row: StripeObject, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The stored form, judged for one row. Raises NotAllowed with the form's own sentences."""
    form = operation.get_form(row, stored)
    form.fields["reason"].required = False
    if not form.is_valid():
        raise NotAllowed(" ".join(str(message) for messages in form.errors.values() for message in messages))
    return form.cleaned_data


def create_job(
    operation: Operation,
    queryset: QuerySet[Any],
    *,
    user: User,
    cleaned: Mapping[str, Any],
    reason: str,
    job_id: UUID,
) -> Job:
    """Plan a push per row, in one transaction, and call the worker; a second submit finds the first one's job.

    Raises PermissionDenied, NotAllowed where no row can be done, PushIdTaken.
    """
    demand(user, operation)
    if not may_in_bulk(user, operation):
        raise PermissionDenied("You may not run operations on many objects at once: that needs the permission run_job.")
    if found := _find(job_id, operation, user):
        return found
    if operation.needs_reason and not reason.strip():
        raise NotAllowed("Nothing was planned: write the reason, it is kept in the log.")
    form = {name: value for name, value in stored_form(cleaned).items() if name != "reason"}
    job = Job(
        id=job_id,
        operation=operation.name,
        object_type=operation.object_type,
        user=user,
        reason=reason.strip(),
        form=form,
    )
    # Judged before the transaction: SQLite has one writer, and judging many rows takes a while.
    judged = [(row.pk, why_not) for row, why_not in _judged(operation, queryset, form)]
    if all(why_not for _, why_not in judged):
        raise NotAllowed("Nothing was planned: this can't be done to any of the selected rows.")
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            _plan_rows(job, judged)
            enqueue("run_job", str(job.id))
    except IntegrityError:
        if found := _find(job_id, operation, user):
            return found
        raise
    return job


def _find(job_id: UUID, operation: Operation, user: User) -> Job | None:
    job = Job.objects.filter(pk=job_id).first()
    if job and (job.user_id != user.pk or job.operation != operation.name):
        raise PushIdTaken("Nothing was planned: this form was used before, for something else. Open it again.")
    return job


def _plan_rows(job: Job, judged: Iterable[tuple[str, str]]) -> None:
    numbered = enumerate(judged, start=1)
    while rows := [_planned_push(job, n, id, why_not) for n, (id, why_not) in islice(numbered, CHUNK)]:
        Push.objects.bulk_create(rows)


def _planned_push(job: Job, position: int, id: str, why_not: str) -> Push:
    now = timezone.now()
    return Push(
        operation=job.operation,
        object_type=job.object_type,
        object_id=id,
        job=job,
        position=position,
        user=job.user,
        user_name=display_name(job.user),
        reason=job.reason,
        state=Push.State.SKIPPED if why_not else Push.State.PLANNED,
        message=why_not,
        created_at=now,
        finished_at=now if why_not else None,
    )


def run_job(job_id: UUID, *, seconds: float = math.inf) -> bool:
    """Send the planned rows one by one; True where time ran out before the rows did.

    Ends, too, when the job is stopped or Stripe can't be reached (the sweep comes again). May run twice side by side
    and be killed at any point: each row is claimed by a conditional UPDATE.
    """
    outside_transaction()
    ready = Job.objects.filter(pk=job_id, state=Job.State.READY)
    ready.update(state=Job.State.RUNNING, started_at=Coalesce("started_at", timezone.now()))
    job = Job.objects.select_related("user").get(pk=job_id)
    operation = get_operation(job.operation)
    if not may_in_bulk(job.user, operation):
        _skip_rest(job)
    end = time.monotonic() + seconds
    while push := _claim_next(job_id):
        if not _run_row(push, operation):
            return False
        if time.monotonic() > end:
            return not complete_job(job_id)
    complete_job(job_id)
    return False


def _skip_rest(job: Job) -> None:
    """Who planned it has lost the permission since: what was not sent yet isn't sent."""
    message = f"Nothing was sent: {display_name(job.user)} may no longer do this."
    planned = Push.objects.filter(job=job, state=Push.State.PLANNED)
    planned.update(state=Push.State.SKIPPED, message=message, finished_at=timezone.now())


def _claim_next(job_id: UUID) -> Push | None:
    """Take the next planned row of a running job; of two runners, one gets it."""
    # No join: PostgreSQL would not look at the row's state again after waiting for another runner's claim.
    running = Job.objects.filter(pk=job_id, state=Job.State.RUNNING)
    planned = Push.objects.filter(job__in=running, state=Push.State.PLANNED)
    while (push := planned.select_related("job").order_by("position").first()) is not None:
        claim = {
            "state": Push.State.SENDING,
            "attempts": F("attempts") + 1,
            # Should reading it take longer and somebody else claim it, too: `_mark` lets only one of them send.
            "next_attempt_at": timezone.now() + LEASE,
        }
        if planned.filter(pk=push.pk).update(**claim):
            return push
    return None


def _run_row(push: Push, operation: Operation) -> bool:
    """One row, by the same steps as a single push. False where Stripe can't be reached: the sweep comes again."""
    row = get_kind(push.object_type).model(id=push.object_id, data={})
    try:
        fresh = read_fresh(row, patient=True)
        cleaned = _cleaned(operation, fresh, push.job.form if push.job else {})
        call = checked_call(operation, fresh, cleaned=cleaned, opened={})
    except CantReach as failure:
        _mark(push, state=Push.State.PLANNED, message=str(failure), next_attempt_at=None)
        return False
    except PushError as error:
        state = Push.State.REFUSED if isinstance(error, CantCheck) else Push.State.SKIPPED
        _mark(push, state=state, message=str(error), finished_at=timezone.now(), next_attempt_at=None)
        return True
    except ODD_SHAPE:
        logger.exception("%s of %s could not be prepared", push.operation, push.object_id)
        words = f"Nothing was sent. {ODD_SHAPE_WORDS}"
        _mark(push, state=Push.State.REFUSED, message=words, finished_at=timezone.now(), next_attempt_at=None)
        return True
    if _mark(push, message="", **attempt_fields(operation, fresh, call=call)):
        push.refresh_from_db()
        send(push, operation)
    return True


def _mark(push: Push, **fields: Any) -> bool:
    """Change a claimed row that was not sent yet; False where the claim ran out and somebody took it back."""
    claimed = Push.objects.filter(pk=push.pk, state=Push.State.SENDING, first_sent_at=None)
    return bool(claimed.update(**fields))


def complete_job(job_id: UUID) -> bool:
    """Mark the job finished if every row has its result."""
    unsettled = Push.objects.filter(job=OuterRef("pk")).exclude(state__in=FINAL)
    going = Job.objects.filter(pk=job_id, state__in=(Job.State.RUNNING, Job.State.STOPPED))
    done = going.filter(~Exists(unsettled))
    return bool(done.update(state=Job.State.FINISHED, finished_at=timezone.now()))


def may_steer(user: User | AnonymousUser, job: Job) -> bool:
    """Whether this person may stop and resume it: who may run its operation on many rows."""
    try:
        return may_in_bulk(user, get_operation(job.operation))
    except KeyError:
        return False


def _demand_steering(user: User | AnonymousUser, job: Job) -> None:
    if not may_steer(user, job):
        raise PermissionDenied("You may not stop or resume this job: that needs the permission to run it.")


def stop_job(job: Job, *, user: User | AnonymousUser) -> bool:
    """Send nothing more once the row in hand is done; False where the job has ended already.

    Raises PermissionDenied.
    """
    _demand_steering(user, job)
    going = Job.objects.filter(pk=job.pk, state__in=(Job.State.READY, Job.State.RUNNING))
    return bool(going.update(state=Job.State.STOPPED))


def resume_job(job: Job, *, user: User | AnonymousUser) -> bool:
    """Go on with a stopped job; False where it isn't stopped. Raises PermissionDenied."""
    _demand_steering(user, job)
    if not Job.objects.filter(pk=job.pk, state=Job.State.STOPPED).update(state=Job.State.READY):
        return False
    enqueue("run_job", str(job.pk))
    return True


def due_jobs(limit: int = 20) -> list[UUID]:
    """Jobs with rows to send and no runner at work (crashed, or never called), or to be marked as finished."""
    rows = Push.objects.filter(job=OuterRef("pk"))
    busy = rows.filter(state=Push.State.SENDING, next_attempt_at__gt=timezone.now())
    planned, unsettled = rows.filter(state=Push.State.PLANNED), rows.exclude(state__in=FINAL)
    going = Q(state__in=(Job.State.READY, Job.State.RUNNING))
    unfinished = Job.objects.exclude(state=Job.State.FINISHED)
    due = unfinished.filter(~Exists(busy), (going & Exists(planned)) | ~Exists(unsettled))
    return list(due.order_by("created_at").values_list("pk", flat=True)[:limit])


def progress(job: Job) -> dict[str, Any]:
    """Rows per state, and `total`, `settled` (rows with a result, whichever) and `percent` of them."""
    counted = job.pushes.order_by().values_list("state").annotate(rows=Count("pk"))
    counts = Counter(dict(counted))
    total = sum(counts.values())
    settled = sum(counts[state] for state in FINAL)
    per_state = {state.value: counts[state.value] for state in Push.State}
    return {**per_state, "total": total, "settled": settled, "percent": 100 * settled // total if total else 100}
