"""Where forms of notes are sent: each leads back to the object's page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.notes import writing
from stripe_mirror.admin.notes.writing import NoteForm

if TYPE_CHECKING:
    from stripe_mirror.admin.base import StripeObjectAdmin

ANCHOR = "#notes"


def urls(model_admin: StripeObjectAdmin) -> list[URLPattern]:
    """The addresses below an object's own; before Django's, which take any path for an id."""
    views, wrap = NoteViews(model_admin), model_admin.admin_site.admin_view
    name = f"{model_admin.opts.app_label}_{model_admin.opts.model_name}"
    return [
        path("<path:object_id>/note/", wrap(views.add), name=f"{name}_note_add"),
        path("<path:object_id>/note/<int:note_id>/", wrap(views.change), name=f"{name}_note_change"),
    ]


class NoteViews:
    """The pages of one admin's notes. Only POST changes anything."""

    def __init__(self, model_admin: StripeObjectAdmin) -> None:
        self.admin = model_admin

    def add(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Keep a new note."""
        row = self._row(request, object_id)
        if isinstance(row, HttpResponse):
            return row
        writing.demand(request.user, writing.ADD)
        form = NoteForm(request.POST)
        if form.is_valid():
            writing.add(row, author=cast(User, request.user), text=form.cleaned_data["text"])
            messages.success(request, _("Your note was kept."))
        return self._back(request, row, form)

    def change(self, request: HttpRequest, object_id: str, note_id: int) -> HttpResponse:
        """Change or delete one's own note."""
        row = self._row(request, object_id)
        if isinstance(row, HttpResponse):
            return row
        user = cast(User, request.user)
        if "delete" in request.POST:
            writing.delete(note_id, by=user)
            messages.success(request, _("Your note was deleted."))
            return self._back(request, row)
        form = NoteForm(request.POST)
        if form.is_valid():
            writing.change(note_id, by=user, text=form.cleaned_data["text"])
            messages.success(request, _("Your note was changed."))
        return self._back(request, row, form)

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        """The object, for a POST of who may see it; otherwise the answer."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = self.admin.find(request, object_id)
        if row is None:
            return self.admin.missing(request, object_id)
        self.admin.demand_view(request, row)
        return row

    def _back(self, request: HttpRequest, row: Any, form: NoteForm | None = None) -> HttpResponse:
        for errors in form.errors.values() if form else ():
            messages.error(request, " ".join(str(error) for error in errors))
        return HttpResponseRedirect(display.object_url(row) + ANCHOR)
