"""Large exports: asked for on a page or by a schedule, written into a file by the worker, kept for a while.

The rows of `Export` are the truth: a task may run twice, be killed at any point, or get lost.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.admin.exports import files
from stripe_mirror.admin.exports.access import why_not
from stripe_mirror.admin.exports.audit import Action, Taken, record
from stripe_mirror.admin.exports.claiming import MOST_ATTEMPTS, Claim, ClaimLost, claim_run, is_due, keeping
from stripe_mirror.admin.exports.columns import columns_named
from stripe_mirror.admin.exports.counting import bare, counted_bytes
from stripe_mirror.admin.exports.options import ExportOptions, WrongOptions
from stripe_mirror.admin.exports.personal import sees_personal
from stripe_mirror.admin.exports.selection import Selection, WrongSelection, queryset_of
from stripe_mirror.admin.exports.writing import export_bytes
from stripe_mirror.admin.preferring import preferences_of, zone_of
from stripe_mirror.background import enqueue
from stripe_mirror.conf import conf
from stripe_mirror.language import log_language
from stripe_mirror.models import Export, SavedExport

logger = logging.getLogger(__name__)
# What was asked for a moment ago has a task of its own in the queue.
PATIENCE = timedelta(seconds=15)
GOING = (Export.State.QUEUED, Export.State.RUNNING)
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class NoFile(Exception):
    """There can't be a file; the message is a sentence for whoever asked."""


def ask_for(user: User, selection: Selection, options: ExportOptions, **more: Any) -> Export:
    """Have a file written by the worker. `more`: `ip_address`, and of what runs for a saved export `saved`."""
    export = Export.objects.create(
        owner=user,
        model_name=selection.model_name,
        selection=selection.to_json(),
        options=options.to_json(),
        created_at=timezone.now(),
        **more,
    )
    enqueue("run_export", str(export.pk))
    return export


def run_again(saved: SavedExport, *, scheduled: bool = False, ip: str | None = None) -> Export:
    """Have the file of a saved export written now."""
    selection, options = Selection.from_json(saved.selection), ExportOptions.from_json(saved.options)
    return ask_for(saved.owner, selection, options, saved=saved, scheduled=scheduled, ip_address=ip)


def cancel(export: Export) -> bool:
    """End it without a file; False where it has ended already. The worker notices within seconds."""
    going = Export.objects.filter(pk=export.pk, state__in=GOING)
    return bool(going.update(state=Export.State.CANCELLED, finished_at=timezone.now()))


def due_runs(limit: int = 20) -> list[UUID]:
    """Runs that nobody writes, the oldest first: their task got lost, or their worker was killed."""
    waiting = Export.objects.filter(is_due(), created_at__lt=timezone.now() - PATIENCE)
    return list(waiting.order_by("created_at").values_list("pk", flat=True)[:limit])


@log_language()
def run_export(export_id: UUID) -> None:
    """Write the file, from its beginning; nothing where somebody else does, or it was cancelled."""
    claim = claim_run(export_id)
    if claim is None:
        return
    export = Export.objects.select_related("owner__preferences").get(pk=export_id)
    try:
        if export.attempts > MOST_ATTEMPTS:
            raise NoFile(
                _("The worker was stopped several times while it wrote the file. Try again, or with fewer rows.")
            )
        with keeping(claim):
            _write(export, claim)
    except ClaimLost:
        return
    except (NoFile, WrongOptions, WrongSelection, PermissionDenied, OSError) as error:
        _fail(claim, _sentence(error))
    except Exception:
        # Whatever went wrong must be seen by who waits for the file, and by who reads the log.
        logger.exception("The export %s failed.", export_id)
        _fail(claim, _("Something went wrong while the file was written; the server's log says what. Try again."))


def _write(export: Export, claim: Claim) -> None:
    user, selection = export.owner, Selection.from_json(export.selection)
    options, clear = ExportOptions.from_json(export.options), sees_personal(user)
    if reason := why_not(user, selection.model_name, options.columns):
        raise NoFile(reason)
    # Days in filters are days of the person, as on the page.
    with timezone.override(zone_of(preferences_of(user))):
        rows = queryset_of(selection, user, admin.site)
        counted = bare(rows).count()
        Export.objects.filter(claim.held()).update(counted=counted)
        name = f"{export.pk}.{options.format}"
        with files.written(name, claim=claim.id) as file:
            for piece in _counted(export_bytes(rows, options, sees_personal=clear), options, claim):
                claim.demand()
                file.write(piece)
            size = file.tell()
    export.counted, export.size, export.file_name = counted, size, name
    export.personal = clear and has_personal(selection.model, options)
    _offer(export, claim, selection, options)


def _counted(pieces: Iterable[bytes], options: ExportOptions, claim: Claim) -> Iterable[bytes]:
    """The file's pieces, with the claim knowing how many rows they hold."""
    for piece, rows in counted_bytes(pieces, options.format):
        claim.written = rows
        yield piece


def has_personal(model: type[Any], options: ExportOptions) -> bool:
    """Whether any of the chosen columns holds personal data."""
    return any(column.personal for column in columns_named(model, options.columns))


def _offer(export: Export, claim: Claim, selection: Selection, options: ExportOptions) -> None:
    """The file is whole: it may be fetched from now on, and the log says that it was written."""
    now = timezone.now()
    rows = claim.written if options.format != "xlsx" else export.counted or 0
    with transaction.atomic():
        ours = Export.objects.filter(claim.held()).update(
            state=Export.State.READY,
            file_name=export.file_name,
            size=export.size,
            written=rows,
            personal=export.personal,
            finished_at=now,
            expires_at=now + timedelta(days=conf.exports_kept_days),
        )
        if ours:
            action = Action.SCHEDULED if export.scheduled else Action.WRITTEN
            record(
                action,
                taken(selection, options, rows=rows, personal=export.personal),
                user=export.owner,
                ip=export.ip_address,
                export_id=export.pk,
            )
    if not ours:
        # Cancelled in the last moment; another worker would have its own file under this name.
        if not Export.objects.filter(pk=export.pk, state__in=(*GOING, Export.State.READY)).exists():
            files.remove(export.file_name)
        raise ClaimLost


def taken(selection: Selection, options: ExportOptions, *, rows: int, personal: bool) -> Taken:
    """What the log says of an export."""
    return Taken(
        model_name=selection.model_name,
        rows=rows,
        columns=tuple(options.columns),
        file_format=options.format,
        personal=personal,
        query=selection.query,
        ids=tuple(selection.ids or ()),
    )


def _fail(claim: Claim, sentence: str) -> None:
    Export.objects.filter(claim.held()).update(state=Export.State.FAILED, error=sentence, finished_at=timezone.now())


def _sentence(error: Exception) -> str:
    if not isinstance(error, OSError):
        return str(error)
    if error.errno in NO_SPACE:
        return _("The server's disk is full, so the file could not be written. Tell who runs the server.")
    return _("The server could not write the file: the folder EXPORTS_DIR can't be used. Tell who runs it.")
