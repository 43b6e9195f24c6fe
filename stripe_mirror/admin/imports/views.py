"""The first pages of an import: the file, and its columns. What it would change is `review`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.imports.forms import UploadForm
from stripe_mirror.kinds import get_kind, kind_of
from stripe_mirror.models import Import
from stripe_mirror.push.imports import comparing
from stripe_mirror.push.imports.columns import (
    METADATA,
    fields_of,
    importable_operations,
    made_kind,
    may_import,
    metadata_key,
    offered,
    valid_target,
    why_ignored,
)
from stripe_mirror.push.imports.judging import needs
from stripe_mirror.push.imports.staging import find, rows_of
from stripe_mirror.push.imports.starting import job_of
from stripe_mirror.push.operation import Operation, get_operation
from stripe_mirror.push.wording import Words

ASKING = ("GET", "HEAD", "POST")
# Rows whose cells stand beside each header.
EXAMPLES = 3
LONGEST_EXAMPLE = 60


@dataclass(frozen=True)
class ShownColumn:
    """A column of the file as the page matches it."""

    name: str
    header: str
    examples: list[str]
    target: str
    choices: list[tuple[str, Words]]
    why_ignored: str


def new(request: HttpRequest, object_type: str) -> HttpResponse:
    """Bring a file about one kind of object."""
    if kind_of(object_type) is None:
        raise Http404
    operations = [o for o in importable_operations(object_type) if may_import(request.user, o)]
    if not operations:
        raise PermissionDenied(_("You may not import these: that needs an operation on them, and run_job."))
    if request.method not in ASKING:
        return HttpResponseNotAllowed(ASKING)
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = UploadForm(operations, cast(User, request.user), *sent)
    if sent and form.is_valid() and form.upload:
        return HttpResponseRedirect(reverse("import-columns", args=(form.upload.pk,)))
    title = _("Import %(kind)s") % {"kind": plural_of(object_type)}
    page = {**frame(request, object_type), "title": title, "form": form, "described": described(operations)}
    return TemplateResponse(request, "stripe_mirror/imports/new.html", page)


def described(operations: list[Operation]) -> list[tuple[Operation, list[str]]]:
    """Each operation with the columns that it takes."""
    return [(operation, list(fields_of(operation).values())) for operation in operations]


def columns(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Match the file's columns; a POST compares it."""
    upload = own(request, import_id)
    if job := job_of(upload):
        return HttpResponseRedirect(display.object_url(job))
    if request.method not in ASKING:
        return HttpResponseNotAllowed(ASKING)
    if upload.state not in comparing.OPEN:
        return HttpResponseRedirect(reverse("import-review", args=(upload.pk,)))
    operation = get_operation(upload.operation)
    targets, minor, wrong = upload.targets, upload.minor_units, ""
    if request.method == "POST":
        targets = [_posted(request, operation, upload, place) for place in range(len(upload.headers))]
        minor = bool(request.POST.get("minor_units"))
        wrong = needs(operation, targets)
        if not wrong:
            if not comparing.begin(upload, targets, minor_units=minor):
                messages.info(request, _("Nothing was changed: this import is in another state by now."))
            return HttpResponseRedirect(reverse("import-review", args=(upload.pk,)))
    page = {
        **frame(request, shown_kind(operation)),
        "title": _("Match the columns"),
        "upload": upload,
        "operation": operation,
        "columns": _shown(upload, operation, targets),
        "minor_units": minor,
        "wrong": wrong,
    }
    return TemplateResponse(request, "stripe_mirror/imports/columns.html", page)


def discard(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Forget the file; its job, if it has one, stays."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    upload = own(request, import_id)
    operation = get_operation(upload.operation)
    if upload.state == Import.State.STARTING:
        # Its job is being given the rows: that one can be stopped.
        messages.info(request, _("Nothing was changed: this import is in another state by now."))
        return HttpResponseRedirect(reverse("import-review", args=(upload.pk,)))
    upload.delete()
    messages.success(request, _("The file was deleted. Nothing was changed in Stripe."))
    return HttpResponseRedirect(display.list_url(get_kind(shown_kind(operation)).model))


def own(request: HttpRequest, import_id: UUID) -> Import:
    """The person's own import. Raises Http404, and PermissionDenied where they may do it no longer."""
    upload = find(import_id, request.user)
    if upload is None:
        raise Http404(_("There is no such import here; they are kept for a day, for whoever brought the file."))
    if not may_import(request.user, get_operation(upload.operation)):
        raise PermissionDenied
    return upload


def shown_kind(operation: Operation) -> str:
    """The kind whose list the import belongs to."""
    return made_kind(operation) if operation.adds else operation.object_type


def plural_of(object_type: str) -> str:
    """ "customers" """
    return str(get_kind(object_type).model._meta.verbose_name_plural)


def frame(request: HttpRequest, object_type: str) -> dict[str, Any]:
    """What every page of an import of this kind has around it."""
    model = get_kind(object_type).model
    back = {"back": display.list_url(model), "back_title": display.words(model._meta.verbose_name_plural)}
    return {**admin.site.each_context(request), **back, "opts": model._meta}


def _posted(request: HttpRequest, operation: Operation, upload: Import, place: int) -> str:
    target = request.POST.get(f"column-{place}", "")
    return target if valid_target(operation, target) else ""


def _shown(upload: Import, operation: Operation, targets: list[str]) -> list[ShownColumn]:
    rows, choices = rows_of(upload, 1)[:EXAMPLES], offered(operation)
    return [
        ShownColumn(
            name=f"column-{place}",
            header=display.without_secrets(header),
            examples=[_example(cells[place]) for _number, cells in rows],
            target=target,
            choices=[*choices, *_metadata_choice(operation, header, target)],
            why_ignored="" if target else why_ignored(operation, header),
        )
        for place, (header, target) in enumerate(zip(upload.headers, targets, strict=True))
    ]


def _metadata_choice(operation: Operation, header: str, target: str) -> list[tuple[str, Words]]:
    """A key of the metadata: the one that the header names, or that is named like the column."""
    if "metadata" not in fields_of(operation):
        return []
    key = target.removeprefix(METADATA) if target.startswith(METADATA) else metadata_key(header) or header
    return [(METADATA + key, _("Metadata “%(key)s”") % {"key": key})]


def _example(cell: str) -> str:
    text = display.without_secrets(cell)
    return text if len(text) <= LONGEST_EXAMPLE else f"{text[:LONGEST_EXAMPLE]}…"
