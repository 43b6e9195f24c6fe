"""The page on which an export is chosen: how many rows, which columns, how they are written, and how that looks.

Which rows is said by the address, as on the list: its filters, or the ids of the ticked rows. A POST previews, exports
or saves what the form says.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.exports.access import may_schedule
from stripe_mirror.admin.exports.choice_form import ChoiceForm, chosen_names, initial_of
from stripe_mirror.admin.exports.columns import METADATA, OWN, RELATED, Column, metadata_keys
from stripe_mirror.admin.exports.counting import RowCount, exact_count, quick_count
from stripe_mirror.admin.exports.delivering import deliver
from stripe_mirror.admin.exports.options import CSV, JSONL, ExportOptions
from stripe_mirror.admin.exports.personal import sees_personal
from stripe_mirror.admin.exports.remembering import MOST_SAVED, Choice, remember, saved_by
from stripe_mirror.admin.exports.schedule_form import ScheduleForm
from stripe_mirror.admin.exports.selection import Listed, Selection, WrongSelection, listed, row_parameters
from stripe_mirror.admin.exports.writing import export_bytes
from stripe_mirror.admin.lists.state import COLUMN, VIEW
from stripe_mirror.admin.preferences import zones
from stripe_mirror.models import SavedExport

# Ticked rows in the address, and the saved export that is looked at.
IDS, SAVED = "ids", "saved_export"
METHODS = ("GET", "HEAD", "POST")
PREVIEWED = 5


@dataclass(frozen=True)
class Asked:
    """Rows of one list that one person wants to export."""

    request: HttpRequest
    model_admin: Any

    @property
    def user(self) -> User:
        """Who asks."""
        return cast(User, self.request.user)

    @cached_property
    def saved(self) -> SavedExport | None:
        """The saved export that is looked at, if one is."""
        given = self.request.GET.get(SAVED, "")
        known = saved_by(self.user).filter(model_name=self.model_admin.opts.model_name)
        found: SavedExport | None = known.filter(pk=given).first() if given.isdecimal() and len(given) < 19 else None
        return found

    @cached_property
    def selection(self) -> Selection:
        """Which rows."""
        query = row_parameters(self.request.GET)
        ids = tuple(query.pop(IDS, ()))
        for name in (SAVED, VIEW, COLUMN):
            # The last two show a list and change no rows.
            query.pop(name, None)
        return Selection(model_name=self.model_admin.opts.model_name, query=query.urlencode(), ids=ids or None)

    @cached_property
    def listed(self) -> Listed:
        """The list as the selection has it. Raises WrongSelection, PermissionDenied."""
        return listed(self.selection, self.user, self.model_admin.admin_site)

    @property
    def rows(self) -> QuerySet[Any]:
        """The rows. Raises as `listed`."""
        return self.listed.rows

    @cached_property
    def count(self) -> RowCount:
        """How many, as far as it is quickly known."""
        return quick_count(self.rows)

    @cached_property
    def choice(self) -> Choice:
        """What the person chose last."""
        return Choice(self.user, self.model_admin.model, self.saved)

    @cached_property
    def offered(self) -> list[Column]:
        """The columns that can be ticked."""
        return self.choice.offered(metadata_keys(self.rows))

    def last_options(self) -> ExportOptions:
        """As last time, or as everybody the first time."""
        last = self.choice
        return replace(last.options, columns=chosen_names(self.offered, last.which, last.options.columns))

    @property
    def list_address(self) -> str:
        """The list as it was."""
        query = self.request.GET.copy()
        for name in (IDS, SAVED):
            query.pop(name, None)
        return display.list_url(self.model_admin.model) + (f"?{query.urlencode()}" if query else "")

    def url(self, page: str) -> str:
        """One of the export's addresses for the same rows."""
        query = self.request.GET.urlencode()
        return display.admin_url(self.model_admin.model, page) + (f"?{query}" if query else "")


def view(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """The page; a POST exports, saves, or shows how the first rows would look."""
    asked = _begin(request, model_admin)
    if isinstance(asked, HttpResponse):
        return asked
    if request.method != "POST":
        return _page(
            asked, ChoiceForm(offered=asked.offered, initial=initial_of(asked.choice.options, asked.choice.which))
        )
    form = ChoiceForm(request.POST, offered=asked.offered)
    if not form.is_valid() or "preview" in request.POST:
        return _page(asked, form)
    if "save" in request.POST:
        return _save(asked, form)
    remember(asked.user, model_admin.model, form.options(), which=form.cleaned_data["which"])
    return deliver(request, asked.selection, asked.rows, options=form.options(), count=asked.count)


def at_once(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """The rows as chosen last time, by one click; too many for that are asked about on the page."""
    asked = _begin(request, model_admin, methods=("GET", "HEAD"))
    if isinstance(asked, HttpResponse):
        return asked
    if not asked.count.at_once:
        messages.info(request, _("These are many rows: they become a file, which the worker writes. Press Export."))
        return HttpResponseRedirect(asked.url("export_dialog"))
    return deliver(request, asked.selection, asked.rows, options=asked.last_options(), count=asked.count)


def count(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """`{"count": "1,000,000"}`, or null where counting takes too long; for the page's script."""
    asked = _begin(request, model_admin, methods=("GET", "HEAD"))
    if isinstance(asked, HttpResponse):
        return asked
    found = exact_count(asked.rows)
    return JsonResponse({"count": str(found) if found else None}, headers={"Cache-Control": "no-store"})


def _begin(request: HttpRequest, model_admin: Any, *, methods: tuple[str, ...] = METHODS) -> Asked | HttpResponse:
    if not model_admin.has_export_permission(request):
        raise PermissionDenied(_("You may not export these rows."))
    if request.method not in methods:
        return HttpResponseNotAllowed(methods)
    asked = Asked(request, model_admin)
    try:
        asked.listed  # noqa: B018
    except WrongSelection as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(display.list_url(model_admin.model))
    return asked


def _save(asked: Asked, form: ChoiceForm) -> HttpResponseBase:
    saved = SavedExport(owner=asked.user, model_name=asked.selection.model_name)
    saving = ScheduleForm(asked.request.POST, instance=saved, user=asked.user, prefix="saved")
    if saved_by(asked.user).count() >= MOST_SAVED:
        saving.add_error(None, _("You have saved too many exports. Delete one first."))
    if not saving.is_valid():
        return _page(asked, form, saving)
    kept = saving.keep(selection=asked.selection.to_json(), options=form.options().to_json())
    messages.success(asked.request, _("The export “%(name)s” is saved.") % {"name": kept.name})
    return HttpResponseRedirect(reverse("exports:saved", args=(kept.pk,)))


def _page(asked: Asked, form: ChoiceForm, saving: ScheduleForm | None = None) -> HttpResponse:
    opts = asked.model_admin.opts
    unsaved = SavedExport(owner=asked.user, model_name=asked.selection.model_name)
    name = display.words(opts.verbose_name_plural)
    context = {
        **asked.model_admin.admin_site.each_context(asked.request),
        "title": _("Export %(rows)s") % {"rows": display.in_sentence(name)},
        "opts": opts,
        "name": name,
        "back": asked.list_address,
        "address": asked.request.get_full_path(),
        "form": form,
        "groups": groups(asked, form),
        "masked": not sees_personal(asked.user),
        "count": asked.count,
        "count_url": asked.url("export_count") if asked.count.more else "",
        "ticked": asked.selection.ids is not None,
        "filters": filters(asked),
        "preview": preview(asked, form),
        "saving": saving or ScheduleForm(instance=unsaved, user=asked.user, prefix="saved"),
        "may_schedule": may_schedule(asked.user),
        "saved": asked.saved,
        "zones": zones(),
    }
    return TemplateResponse(
        asked.request, "stripe_mirror/exports/dialog.html", context, headers={"Cache-Control": "no-store"}
    )


@dataclass(frozen=True)
class Tick:
    """A column, and whether it is ticked and among the usual ones."""

    column: Column
    ticked: bool


def groups(asked: Asked, form: ChoiceForm) -> list[tuple[str, str, list[Tick]]]:
    """The columns in groups: its key, its title and its columns."""
    titles = {OWN: _("Of the object"), METADATA: _("Metadata"), RELATED: _("Of the objects it belongs to")}
    ticked = set(_ticked(asked, form))
    found = {key: [Tick(c, c.name in ticked) for c in asked.offered if c.group == key] for key in titles}
    return [(key, titles[key], ticks) for key, ticks in found.items() if ticks]


def _ticked(asked: Asked, form: ChoiceForm) -> tuple[str, ...]:
    which = str(form["which"].value() or "default")
    return chosen_names(asked.offered, which, form["column"].value() or ())


def filters(asked: Asked) -> list[str]:
    """By what the list is filtered, in words; nothing of ticked rows."""
    if asked.selection.ids is not None:
        return []
    return [str(chip.label) for chip in getattr(asked.listed.changelist, "chips", ())]


def preview(asked: Asked, form: ChoiceForm) -> dict[str, Any]:
    """The first rows just as the file has them: as a table, or as lines where the format has no cells."""
    if form.is_bound and not form.is_valid():
        return {}
    options = form.options() if form.is_bound else asked.last_options()
    as_text = options.format == JSONL
    shown = options if as_text else replace(options, format=CSV, bom=False)
    first = asked.rows[:PREVIEWED]
    text = b"".join(export_bytes(first, shown, sees_personal=sees_personal(asked.user))).decode(errors="replace")
    if as_text:
        return {"lines": text.splitlines()}
    header, *lines = csv.reader(io.StringIO(text, newline=""), delimiter=shown.separator)
    return {"header": header, "rows": lines}
