"""Brings files as staff do: from bytes to the compared import, and to its job."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import User

from stripe_mirror.admin.imports.reading import read_table
from stripe_mirror.models import Import, ImportPart, ImportRow, Job, Push
from stripe_mirror.push.imports import comparing, starting
from stripe_mirror.push.imports.judging import needs
from stripe_mirror.push.imports.staging import stage
from stripe_mirror.push.jobs import run_job
from stripe_mirror.push.operation import get_operation


def written(headers: Sequence[str], rows: Iterable[Sequence[object]], *, separator: str = ",") -> bytes:
    """A CSV as a spreadsheet writes it."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(headers)
    writer.writerows(rows)
    return text.getvalue().encode()


def brought(name: str, content: bytes, user: User, **options: Any) -> Import:
    """The file, staged and compared as its headers suggest."""
    operation = get_operation(name)
    upload = stage(operation, read_table(io.BytesIO(content), "file.csv"), owner=user)
    assert needs(operation, upload.targets) == ""
    minor = options.get("minor_units", upload.minor_units)
    assert comparing.begin(upload, upload.targets, minor_units=minor)
    if upload.state == Import.State.JUDGING:
        comparing.compare(upload)
    return upload


def counts(upload: Import) -> tuple[int, int, int]:
    """Rows that change something, that don't, and with errors."""
    return upload.changed, upload.unchanged, upload.wrong


def said(upload: Import) -> dict[int, list[tuple[str, str]]]:
    """The errors by row."""
    return {row.number: [(h, t) for h, t in row.errors] for row in upload.rows.filter(state=ImportRow.State.WRONG)}


def forms(upload: Import) -> dict[int, dict[str, Any]]:
    """What would change by row."""
    return {row.number: row.form for row in upload.rows.filter(state=ImportRow.State.CHANGED)}


def done(upload: Import, *, reason: str = "asked by mail") -> Job:
    """The job, run to its end."""
    job = starting.confirm(upload, reason=reason) or starting.start(Import.objects.get(pk=upload.pk))
    assert job is not None
    run_job(job.pk)
    job.refresh_from_db()
    return job


def pushed(job: Job) -> list[tuple[str, str, Any]]:
    """State, object and parameters of each row, in order."""
    return [(push.state, push.object_id, push.params) for push in job.pushes.order_by("position")]


def left_behind() -> int:
    """Rows of imports and of what they become."""
    return sum(model.objects.count() for model in (Import, ImportPart, ImportRow, Job, Push))  # type: ignore[attr-defined]
