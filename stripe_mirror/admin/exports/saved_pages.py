"""The page of a saved export: its name and schedule, its last files, run it now, change its columns, delete it."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.client_address import client_address
from stripe_mirror.admin.exports.access import may_schedule, model_of, why_not
from stripe_mirror.admin.exports.dialog import IDS, SAVED
from stripe_mirror.admin.exports.pages import page, shown, shown_saved
from stripe_mirror.admin.exports.remembering import saved_by
from stripe_mirror.admin.exports.running import GOING, run_again
from stripe_mirror.admin.exports.schedule_form import ScheduleForm
from stripe_mirror.admin.preferences import zones
from stripe_mirror.models import SavedExport

RUNS = 20


def saved_page(request: HttpRequest, saved_id: int) -> HttpResponse:
    """Show it; a POST changes its name and schedule, and lifts a pause."""
    saved = own_saved(request, saved_id)
    form = ScheduleForm(request.POST or None, instance=saved, user=cast(User, request.user), prefix="saved")
    if request.method == "POST" and form.is_valid():
        demand_allowed(saved)
        form.keep()
        messages.success(request, _("The export “%(name)s” is saved.") % {"name": saved.name})
        return HttpResponseRedirect(reverse("exports:saved", args=(saved.pk,)))
    # A form that was refused has written into its instance.
    kept = own_saved(request, saved_id)
    runs = list(kept.runs.all()[:RUNS])
    context = {
        **shown_saved(kept),
        "title": kept.name,
        "saving": form,
        "may_schedule": may_schedule(cast(User, request.user)),
        "runs": [shown(run) for run in runs],
        "going": any(run.state in GOING for run in runs),
        "columns_url": columns_url(kept),
        "delete_url": reverse("exports:saved-delete", args=(kept.pk,)),
        "zones": zones(),
    }
    return page(request, "stripe_mirror/exports/saved.html", context)


def run_now(request: HttpRequest, saved_id: int) -> HttpResponse:
    """Have its file written now."""
    saved = own_saved(request, saved_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    demand_allowed(saved)
    export = run_again(saved, ip=client_address(request))
    return HttpResponseRedirect(reverse("exports:run", args=(export.pk,)))


def delete(request: HttpRequest, saved_id: int) -> HttpResponse:
    """Forget it; its files stay until their time is over."""
    saved = own_saved(request, saved_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    name = saved.name
    saved.delete()
    messages.success(request, _("The saved export “%(name)s” was deleted.") % {"name": name})
    return HttpResponseRedirect(reverse("exports:index"))


def own_saved(request: HttpRequest, saved_id: int) -> SavedExport:
    """A saved export of this person's. Raises Http404 for those of others, whoever asks."""
    found: SavedExport | None = (
        saved_by(cast(User, request.user)).filter(pk=saved_id).select_related("owner__preferences").first()
    )
    if found is None:
        raise Http404
    return found


def demand_allowed(saved: SavedExport) -> None:
    """Raise PermissionDenied for who may not export these rows (any more)."""
    if reason := why_not(saved.owner, saved.model_name):
        raise PermissionDenied(reason)


def columns_url(saved: SavedExport) -> str:
    """The dialog with its rows and columns; "" where the list is gone."""
    model: Any = model_of(saved.model_name)
    if model is None:
        return ""
    query = parse_qsl(saved.selection.get("query", "")) + [(IDS, id) for id in saved.selection.get("ids") or ()]
    return display.admin_url(model, "export_dialog") + "?" + urlencode([*query, (SAVED, saved.pk)])
