"""A person's exports: the runs with their files, and what they saved. Nobody sees those of others."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qsl

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.client_address import client_address
from stripe_mirror.admin.detail import zone_name
from stripe_mirror.admin.exports import files
from stripe_mirror.admin.exports.access import exports_anything, model_of, rows_words, why_not
from stripe_mirror.admin.exports.audit import Action, record
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.personal import sees_personal
from stripe_mirror.admin.exports.remembering import saved_by
from stripe_mirror.admin.exports.running import GOING, cancel, taken
from stripe_mirror.admin.exports.schedule_form import next_words, schedule_words
from stripe_mirror.admin.exports.selection import Selection
from stripe_mirror.admin.exports.streaming import HEADERS
from stripe_mirror.admin.exports.writing import content_type, filename
from stripe_mirror.conf import conf
from stripe_mirror.language import number_words
from stripe_mirror.models import Export, SavedExport

TONES = {"ready": "success", "running": "info", "failed": "danger", "queued": "info"}
SHOWN = 50


def index(request: HttpRequest) -> HttpResponse:
    """What the person has exported lately, and what they saved."""
    user = cast(User, request.user)
    runs = list(Export.objects.filter(owner=user).select_related("saved")[:SHOWN])
    if not exports_anything(user) and not runs:
        raise PermissionDenied(_("You may not export anything."))
    context = {
        "title": _("Exports"),
        "runs": [shown(run) for run in runs],
        "going": any(run.state in GOING for run in runs),
        "saved": [shown_saved(one) for one in saved_by(user)],
        "kept_days": conf.exports_kept_days,
    }
    return page(request, "stripe_mirror/exports/index.html", context)


def run(request: HttpRequest, export_id: Any) -> HttpResponse:
    """How far a run is, and its file once it is written."""
    export = own(request, export_id)
    found = shown(export)
    context = {
        **found,
        "title": _("Export of %(rows)s") % {"rows": display.in_sentence(found["what"])},
        "lines": facts(export),
        "kept_days": conf.exports_kept_days,
    }
    return page(request, "stripe_mirror/exports/run.html", context)


def download(request: HttpRequest, export_id: Any) -> HttpResponseBase:
    """The file, for its owner alone, who must still be allowed to have what stands in it."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    export = own(request, export_id)
    demand_allowed(request, export)
    if export.state != Export.State.READY or is_over(export):
        return _no_file(request, export, _("There is no file (any more)."))
    try:
        file = files.path_of(export.file_name).open("rb")
    except OSError:
        return _no_file(request, export, _("The file can't be found on the server. Run the export again."))
    options, selection = ExportOptions.from_json(export.options), Selection.from_json(export.selection)
    seen = taken(selection, options, rows=export.written, personal=export.personal)
    record(Action.DOWNLOADED, seen, user=export.owner, ip=client_address(request), export_id=export.pk)
    name = filename(selection.model, options)
    return FileResponse(file, as_attachment=True, filename=name, content_type=content_type(options), headers=HEADERS)


def stop(request: HttpRequest, export_id: Any) -> HttpResponse:
    """End a run without a file."""
    export = own(request, export_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if cancel(export):
        messages.success(request, _("The export is cancelled."))
    else:
        messages.info(request, _("Nothing was changed: the export has ended already."))
    return HttpResponseRedirect(reverse("exports:run", args=(export.pk,)))


def own(request: HttpRequest, export_id: Any) -> Export:
    """A run of this person's. Raises Http404 for those of others, whoever asks."""
    found = Export.objects.filter(pk=export_id, owner_id=request.user.pk).select_related("owner", "saved").first()
    if found is None:
        raise Http404
    return found


def demand_allowed(request: HttpRequest, export: Export) -> None:
    """Raise PermissionDenied for who lost a permission since the file was written."""
    if reason := why_not(cast(User, request.user), export.model_name, export.options.get("columns", ())):
        raise PermissionDenied(reason)
    if export.personal and not sees_personal(cast(User, request.user)):
        raise PermissionDenied(_("The file holds personal data, and the permission view_pii is missing by now."))


def is_over(export: Export) -> bool:
    """Whether the file's time is over, even if it wasn't deleted yet."""
    return bool(export.expires_at and export.expires_at <= timezone.now())


def _no_file(request: HttpRequest, export: Export, sentence: str) -> HttpResponse:
    messages.warning(request, sentence)
    return HttpResponseRedirect(reverse("exports:run", args=(export.pk,)))


def page(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """One of these pages."""
    full = {**admin.site.each_context(request), "zone": zone_name(), **context}
    return TemplateResponse(request, template, full, headers={"Cache-Control": "no-store"})


def shown(export: Export) -> dict[str, Any]:
    """A run as pages show it."""
    ready = export.state == Export.State.READY and not is_over(export)
    total = export.counted or 0
    return {
        "export": export,
        "what": rows_words(export.model_name),
        "pill": display.pill(export.get_state_display(), TONES.get(export.state, "neutral")),
        "url": reverse("exports:run", args=(export.pk,)),
        "download_url": reverse("exports:download", args=(export.pk,)) if ready else "",
        "cancel_url": reverse("exports:cancel", args=(export.pk,)) if export.state in GOING else "",
        "going": export.state in GOING,
        "rows": number_words(export.written),
        "total": number_words(total) if export.counted is not None else "",
        "percent": min(100, 100 * export.written // total) if total else 0,
        # XLSX says nothing about its rows while it is packed.
        "counts": export.options.get("format") != "xlsx",
        "size": filesizeformat(export.size) if export.size else "",
        "created": display.when(export.created_at),
        "expires": display.when(export.expires_at) if ready else "",
        "of": export.saved.name if export.saved else "",
    }


def facts(export: Export) -> list[tuple[str, Any]]:
    """What was asked for."""
    options = export.options
    told = [
        (_("Rows"), selection_words(export.selection)),
        (_("Columns"), ", ".join(options.get("columns", []))),
        (_("Format"), str(options.get("format", "")).upper()),
        (_("Time zone"), options.get("timezone", "")),
        (_("Asked for"), display.when(export.created_at)),
        (_("Finished"), display.when(export.finished_at) if export.finished_at else ""),
    ]
    return [(label, value) for label, value in told if value]


def selection_words(selection: dict[str, Any]) -> str:
    """Which rows, in words."""
    ids = selection.get("ids")
    if ids is not None:
        return _("%(number)s ticked ones") % {"number": number_words(len(ids))}
    return query_words(selection.get("query", "")) or _("All")


def query_words(query: str) -> str:
    """A list's query, readable: "status: active, q: Ada"."""
    return ", ".join(f"{name}: {value}" for name, value in parse_qsl(query))


def shown_saved(saved: SavedExport) -> dict[str, Any]:
    """A saved export as pages show it."""
    return {
        "saved": saved,
        "what": rows_words(saved.model_name),
        "rows": selection_words(saved.selection),
        "schedule": schedule_words(saved),
        "next": next_words(saved),
        "url": reverse("exports:saved", args=(saved.pk,)),
        "run_url": reverse("exports:saved-run", args=(saved.pk,)),
        "exists": model_of(saved.model_name) is not None,
    }
