"""Saved views: made, changed, shared, put first and deleted, by POST to addresses that carry the list's own query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.translation import gettext as _

from stripe_mirror.admin.display import list_url
from stripe_mirror.admin.lists.column_form import list_address
from stripe_mirror.admin.lists.state import ALL, COLUMN, VIEW, ListState, address_of, key_of, list_state, may_edit
from stripe_mirror.models import SavedView

MOST_VIEWS = 50


class ViewForm(forms.Form):
    """A view's name, and whether everybody is offered it."""

    name = forms.CharField(max_length=60)
    shared = forms.BooleanField(required=False)


def create(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Save what the list shows under a name."""
    state, form = _begin(request, model_admin), ViewForm(request.POST)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not form.is_valid():
        return _back(state, _("The view was not saved: give it a name of at most 60 characters."))
    if SavedView.objects.filter(owner_id=request.user.pk, object_type=state.object_type).count() >= MOST_VIEWS:
        return _back(state, _("The view was not saved: you have too many. Delete one first."))
    view = SavedView(owner_id=request.user.pk, object_type=state.object_type, name=form.cleaned_data["name"])
    view.shared = form.cleaned_data["shared"]
    if view.shared and not state.may_share:
        raise PermissionDenied
    view.query, view.columns = state.query, state.names
    return _saved(state, view)


def change(request: HttpRequest, model_admin: Any, view_id: int, what: str) -> HttpResponse:
    """Update, rename, share, unshare or delete a saved view."""
    state = _begin(request, model_admin)
    view = next((view for view in state.saved if view.pk == view_id), None)
    if view is None or what not in CHANGES:
        raise Http404
    if not may_edit(view, state) or (what == "share" and not state.may_share):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    return CHANGES[what](state, view)


def put_first(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """The open view opens first from now on; all rows, where it did already."""
    state = _begin(request, model_admin)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    first = "" if state.is_first else state.key
    state.prefer(first_view="" if first == ALL else first)
    return HttpResponseRedirect(list_address(state, request.GET.copy()))


def _begin(request: HttpRequest, model_admin: Any) -> ListState:
    model_admin.demand_view(request)
    return list_state(request, model_admin)


def _update(state: ListState, view: SavedView) -> HttpResponse:
    view.query = state.query
    if COLUMN in state.request.GET:
        view.columns = state.names
    return _saved(state, view)


def _rename(state: ListState, view: SavedView) -> HttpResponse:
    form = ViewForm(state.request.POST)
    if not form.is_valid():
        return _back(state, _("The view was not renamed: give it a name of at most 60 characters."))
    view.name = form.cleaned_data["name"]
    return _saved(state, view, back=True)


def _share(state: ListState, view: SavedView) -> HttpResponse:
    view.shared = True
    return _saved(state, view, back=True)


def _unshare(state: ListState, view: SavedView) -> HttpResponse:
    view.shared = False
    return _saved(state, view, back=view.owner_id == state.request.user.pk)


def _delete(state: ListState, view: SavedView) -> HttpResponse:
    name = view.name
    view.delete()
    messages.success(state.request, _("The view “%(name)s” was deleted.") % {"name": name})
    return HttpResponseRedirect(f"{list_url(state.model_admin.model)}?{VIEW}={ALL}")


CHANGES: dict[str, Callable[[ListState, SavedView], HttpResponse]] = {
    "update": _update,
    "rename": _rename,
    "share": _share,
    "unshare": _unshare,
    "delete": _delete,
}


def _saved(state: ListState, view: SavedView, *, back: bool = False) -> HttpResponse:
    """Store it and open it as it is stored, or go back to where the list was."""
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        return _back(state, _("You have a view “%(name)s” already. Choose another name.") % {"name": view.name})
    if back:
        return _back(state)
    visible = view.shared or view.owner_id == state.request.user.pk
    query = address_of(view) if visible and key_of(view) else f"?{VIEW}={ALL}"
    return HttpResponseRedirect(list_url(state.model_admin.model) + query)


def _back(state: ListState, error: str = "") -> HttpResponse:
    if error:
        messages.error(state.request, error)
    return HttpResponseRedirect(list_address(state, state.request.GET.copy()))
