"""Compares a staged file with the mirror, part by part: in the request where it is small, else by the worker.

Each part is stored with its counts in one transaction and only once, so that it may run twice and be killed anywhere.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import override

from stripe_mirror.background import enqueue
from stripe_mirror.models import Import, ImportRow
from stripe_mirror.money import totals
from stripe_mirror.push.imports.judging import DuplicateKey, Judge, Judged
from stripe_mirror.push.imports.staging import parts_of, rows_of
from stripe_mirror.push.operation import get_operation

# So many rows somebody waits for; more are the worker's.
AT_ONCE = 2_000
OPEN = (Import.State.STAGED, Import.State.JUDGING, Import.State.JUDGED)


def begin(upload: Import, targets: Sequence[str], *, minor_units: bool) -> bool:
    """Compare it anew, with its columns matched like this; False where it was confirmed meanwhile."""
    changes = {
        "targets": list(targets),
        "minor_units": minor_units,
        "state": Import.State.JUDGING,
        "round": upload.round + 1,
        "message": "",
        "parts_judged": 0,
        "changed": 0,
        "unchanged": 0,
        "wrong": 0,
        "sums": {},
        "judged_at": None,
    }
    with transaction.atomic():
        if not Import.objects.filter(pk=upload.pk, round=upload.round, state__in=OPEN).update(**changes):
            return False
        ImportRow.objects.filter(upload=upload).delete()
        if upload.total > AT_ONCE:
            enqueue("compare_import", str(upload.pk))
    upload.refresh_from_db()
    if upload.total <= AT_ONCE:
        compare(upload)
    return True


def compare(upload: Import, *, seconds: float = math.inf) -> bool:
    """Go on comparing; True where time ran out before the rows did. `upload` is as it is stored then."""
    end = time.monotonic() + seconds
    operation = get_operation(upload.operation)
    judge = Judge(operation, upload.headers, upload.targets, minor_units=upload.minor_units)
    with override(upload.language or None):
        try:
            for number in range(1, upload.parts_judged + 1):
                judge.remember(rows_of(upload, number))
            while upload.state == Import.State.JUDGING and upload.parts_judged < parts_of(upload):
                if time.monotonic() > end:
                    return True
                number = upload.parts_judged + 1
                found = list(judge.judge(rows_of(upload, number)))
                _store(upload, number, found)
        except DuplicateKey as duplicate:
            fail(upload, str(duplicate))
    upload.refresh_from_db()
    return False


def _store(upload: Import, number: int, found: Sequence[Judged]) -> None:
    """A part's rows and counts, once; what another comparison has begun meanwhile is left to it."""
    kept = [_row(upload, number, judged) for judged in found if judged.state]
    counts = Counter(row.state for row in kept)
    money = [pair for judged in found if judged.form and not judged.errors for pair in judged.sums]
    with transaction.atomic():
        held = Import.objects.select_for_update().get(pk=upload.pk)
        if (held.round, held.parts_judged, held.state) == (upload.round, number - 1, Import.State.JUDGING):
            ImportRow.objects.bulk_create(kept)
            held.parts_judged = number
            held.changed += counts[ImportRow.State.CHANGED]
            held.wrong += counts[ImportRow.State.WRONG]
            held.unchanged += len(found) - len(kept)
            held.sums = totals([*((amount, code) for code, amount in held.sums.items()), *money])
            if number == parts_of(held):
                held.state, held.judged_at = Import.State.JUDGED, timezone.now()
            held.save()
    for name in ("round", "parts_judged", "state"):
        setattr(upload, name, getattr(held, name))


def _row(upload: Import, part: int, judged: Judged) -> ImportRow:
    return ImportRow(
        upload=upload,
        part=part,
        number=judged.number,
        state=judged.state,
        object_id=judged.object_id,
        version=judged.version,
        form={} if judged.errors else judged.form,
        opened={} if judged.errors else judged.opened,
        errors=[[header, text] for header, text in judged.errors],
    )


def fail(upload: Import, message: str) -> None:
    """Nothing can be done with this file: keep only the sentence that says why."""
    with transaction.atomic():
        ImportRow.objects.filter(upload=upload).delete()
        upload.parts.all().delete()
        failed = {"state": Import.State.FAILED, "message": message, "changed": 0, "wrong": 0, "unchanged": 0}
        Import.objects.filter(pk=upload.pk, round=upload.round, state=Import.State.JUDGING).update(**failed)
    upload.refresh_from_db()
