"""The page on which somebody chooses a list's columns; with scripts the list shows it as a dialog."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.lists import catalogue
from stripe_mirror.admin.lists.state import ALL, COLUMN, VIEW, ListState, list_state

# Rows whose metadata is looked at for keys to offer.
LOOKED_AT = 25


@dataclass(frozen=True)
class Choice:
    """A column, and whether it is chosen."""

    name: str
    label: str
    chosen: bool


def view(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """Show the columns; a POST moves one, adds one, saves them or goes back to the kind's own."""
    model_admin.demand_view(request)
    state = list_state(request, model_admin)
    if request.method != "POST":
        return _page(request, state, _choices(state, state.names, state.names))
    if "reset" in request.POST:
        return HttpResponseRedirect(keep(state, []))
    order, chosen = request.POST.getlist("order"), request.POST.getlist("column")
    if "save" in request.POST:
        names = [name for name in order if name in chosen and catalogue.column_named(model_admin, name)]
        if names:
            return HttpResponseRedirect(keep(state, names[: catalogue.MOST_COLUMNS]))
        return _page(request, state, _choices(state, order, chosen), error=_("Choose at least one column."))
    return _rearranged(request, state, order, chosen)


def keep(state: ListState, names: list[str]) -> str:
    """Remember the columns, none for the kind's own; where the list then is.

    A view that is open keeps its columns until it is saved: they go into the address.
    """
    address = state.request.GET.copy()
    address.pop(COLUMN, None)
    if state.view is None:
        state.prefer(columns=[] if names == catalogue.own_names(state.model_admin) else names)
    else:
        address.setlist(COLUMN, names)
    return list_address(state, address)


def list_address(state: ListState, query: QueryDict) -> str:
    """The list with this query; without any it would open the person's first view."""
    return f"{display.list_url(state.model_admin.model)}?{query.urlencode() or f'{VIEW}={ALL}'}"


def _rearranged(request: HttpRequest, state: ListState, order: list[str], chosen: list[str]) -> HttpResponse:
    for name, step in ((request.POST.get("up", ""), -1), (request.POST.get("down", ""), 1)):
        if name in order:
            at = order.index(name)
            order.insert(max(0, at + step), order.pop(at))
    error = ""
    if "add" in request.POST:
        added = f"{catalogue.METADATA}{request.POST.get('key', '').strip()}"
        if catalogue.column_named(state.model_admin, added):
            order, chosen = [*(name for name in order if name != added), added], [*chosen, added]
        else:
            error = _("Write a key of the metadata, at most %(most)s characters.") % {"most": catalogue.LONGEST_KEY}
    return _page(request, state, _choices(state, order, chosen), error=error)


def _choices(state: ListState, order: list[str], chosen: list[str]) -> list[Choice]:
    """All columns: in the order that was sent, then the others."""
    admin = state.model_admin
    every = catalogue.columns_named(admin, order) + list(catalogue.offered_columns(admin).values())
    unique = {column.__name__: column for column in every}
    return [Choice(name, column.label, name in chosen) for name, column in unique.items()]


def _page(request: HttpRequest, state: ListState, choices: list[Choice], *, error: str = "") -> HttpResponse:
    opts = state.model_admin.model._meta
    rows = state.model_admin.get_queryset(request).select_related(None)[:LOOKED_AT]
    context = {
        **state.model_admin.admin_site.each_context(request),
        "title": _("Columns"),
        "opts": opts,
        "name": display.words(opts.verbose_name_plural),
        "choices": choices,
        "keys": catalogue.metadata_keys(rows),
        "error": error,
        "view": state.view,
        "back": list_address(state, request.GET.copy()),
    }
    return TemplateResponse(request, "stripe_mirror/list_columns.html", context, headers={"Cache-Control": "no-store"})
