"""Hands an export over: few rows at once, many as a file that the worker writes. Either way it stands in the log."""

from __future__ import annotations

import getpass
from dataclasses import replace
from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse

from stripe_mirror.admin.client_address import client_address
from stripe_mirror.admin.exports.audit import Action, record
from stripe_mirror.admin.exports.columns import columns_named
from stripe_mirror.admin.exports.counting import RowCount, bare
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.personal import sees_personal
from stripe_mirror.admin.exports.running import ask_for, has_personal, taken
from stripe_mirror.admin.exports.selection import Selection
from stripe_mirror.admin.exports.streaming import streamed
from stripe_mirror.admin.exports.writing import content_type, export_bytes, filename


def note_command(selection: Selection, rows: QuerySet[Any], options: ExportOptions, *, user: User) -> None:
    """Write down that a command is about to write these rows: for a user, or for whoever runs it on the machine."""
    columns = tuple(column.name for column in columns_named(selection.model, options.columns))
    personal = sees_personal(user) and has_personal(selection.model, options)
    seen = replace(taken(selection, options, rows=bare(rows).count(), personal=personal), columns=columns)
    record(Action.COMMAND, seen, user=user if user.pk else None, user_name="" if user.pk else getpass.getuser())


def deliver(
    request: HttpRequest, selection: Selection, rows: QuerySet[Any], *, options: ExportOptions, count: RowCount
) -> HttpResponseBase:
    """The rows as a download, or the page of the run that writes them into a file."""
    user = cast(User, request.user)
    if not count.at_once:
        export = ask_for(user, selection, options, ip_address=client_address(request))
        return HttpResponseRedirect(reverse("exports:run", args=(export.pk,)))
    clear = sees_personal(user)
    personal = clear and has_personal(selection.model, options)
    seen = taken(selection, options, rows=count.rows, personal=personal)
    record(Action.STREAMED, seen, user=user, ip=client_address(request))
    pieces = export_bytes(rows, options, sees_personal=clear)
    return streamed(pieces, filename(selection.model, options), content_type=content_type(options))
