"""What was compared and confirmed becomes a job: a push per row that changes something, run like any other job's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.background import enqueue
from stripe_mirror.kinds import get_kind
from stripe_mirror.language import log_language
from stripe_mirror.models import Import, ImportRow, Job
from stripe_mirror.push.errors import NotAllowed, PushError
from stripe_mirror.push.imports.comparing import AT_ONCE
from stripe_mirror.push.jobs import begin_import, demand_bulk, demand_reason, plan_more, planned_so_far
from stripe_mirror.push.jobs_preview import JudgedRow
from stripe_mirror.push.operation import get_operation

# Rows that are written in one transaction: SQLite's other writers wait for each.
PORTION = 1_000
STALE = gettext_lazy(
    "It has changed since the file was compared. Compare the file again, or change it on its own page."
)


def job_of(upload: Import) -> Job | None:
    """The job that it became."""
    return Job.objects.filter(pk=upload.pk).first()


def confirm(upload: Import, *, reason: str, ip: str | None = None) -> Job | None:
    """Do what was compared: the job, or None where the worker writes its many rows first. Once, however often.

    Raises PermissionDenied, NotAllowed.
    """
    operation = get_operation(upload.operation)
    demand_bulk(upload.owner, operation, chosen=False)
    if job := job_of(upload):
        return job
    demand_reason(operation, reason)
    with transaction.atomic():
        judged = Import.objects.filter(
            pk=upload.pk, state=Import.State.JUDGED, round=upload.round, changed=upload.changed, changed__gt=0
        )
        if not judged.update(state=Import.State.STARTING, reason=reason.strip(), ip_address=ip):
            _demand_started(upload)
        elif upload.changed > AT_ONCE:
            enqueue("start_import", str(upload.pk))
    upload.refresh_from_db()
    return start(upload) if upload.changed <= AT_ONCE else None


def _demand_started(upload: Import) -> None:
    """Whoever comes second finds it started. Raises NotAllowed where it isn't."""
    upload.refresh_from_db()
    if upload.state not in (Import.State.STARTING, Import.State.STARTED):
        raise NotAllowed(_("Nothing was started: the file was compared again since. Look at the counts, then confirm."))


def start(upload: Import) -> Job | None:
    """Write the job's rows, once; None where that can't be done (any more), which the import then says."""
    if upload.state not in (Import.State.STARTING, Import.State.STARTED):
        return None
    job = Job(
        id=upload.pk,
        operation=upload.operation,
        user=upload.owner,
        reason=upload.reason,
        ip_address=upload.ip_address,
    )
    try:
        with log_language():
            job = begin_import(job)
            while rows := list(_rows(upload, after := planned_so_far(job))):
                plan_more(job, rows, after=after)
    except (PushError, PermissionDenied) as error:
        Import.objects.filter(pk=upload.pk).update(state=Import.State.JUDGED, message=str(error))
        return None
    with transaction.atomic():
        Import.objects.filter(pk=upload.pk).update(state=Import.State.STARTED, message="")
        enqueue("run_job", str(job.pk))
    upload.refresh_from_db()
    return job


def _rows(upload: Import, after: int) -> Iterator[JudgedRow]:
    """The next rows that change something, behind the first `after`; those that changed meanwhile are left out."""
    operation = get_operation(upload.operation)
    model: Any = get_kind(upload.object_type).model
    makes = operation.creates or operation.adds
    changed = upload.rows.filter(state=ImportRow.State.CHANGED).order_by("number")
    batch = list(changed[after : after + PORTION])
    now = {} if makes else _versions(model, batch)
    for row in batch:
        stale = not makes and now.get(row.object_id) != row.version
        yield JudgedRow(row.object_id, str(STALE) if stale else "", row.form, None, row.opened or None)


def _versions(model: Any, rows: Sequence[ImportRow]) -> dict[str, int]:
    held = model._default_manager.filter(pk__in=[row.object_id for row in rows])
    return dict(held.values_list("pk", "version"))


def stale_rows(upload: Import) -> QuerySet[ImportRow]:
    """The rows whose objects changed since they were compared; they would be left out."""
    operation = get_operation(upload.operation)
    changed = upload.rows.filter(state=ImportRow.State.CHANGED)
    if operation.creates or operation.adds:
        return changed.none()
    model: Any = get_kind(upload.object_type).model
    same = model._default_manager.filter(pk=OuterRef("object_id"), version=OuterRef("version"))
    return changed.filter(~Exists(same))


def due() -> list[tuple[str, str]]:
    """What the worker was to do for imports and may have forgotten: the task and the import's id."""
    waiting = Import.objects.alive().filter(state__in=(Import.State.JUDGING, Import.State.STARTING))
    tasks = {Import.State.JUDGING: "compare_import", Import.State.STARTING: "start_import"}
    return [(tasks[Import.State(state)], str(pk)) for pk, state in waiting.values_list("pk", "state")[:20]]
