"""Admins whose rows nobody edits by hand: a list, and a page for each row. Adapts Unfold's to a large table.

Nothing here writes to a mirrored row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from stripe_mirror.admin import detail, display
from stripe_mirror.admin.changelist import FastChangeList, show_leniently
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.paging import CappedPaginator

ID_LENGTH = 255
READING = ("GET", "HEAD")


class NoSuchRow(PermissionDenied):
    """Nothing is stored under an id; who may not see such rows doesn't learn more than that."""


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]
    """A list and a page for each row; nothing can be added, changed or deleted by hand."""

    list_per_page = 25
    list_max_show_all = 0
    show_full_result_count = False
    paginator = CappedPaginator
    show_facets = admin.ShowFacets.NEVER
    list_filter_submit = False
    list_fullwidth = True
    actions_selection_counter = True
    change_list_template = "stripe_mirror/list.html"
    detail_template = "stripe_mirror/detail.html"

    # Columns that a search compares exactly: ids.
    search_exact: tuple[str, ...] = ()
    facts: tuple[FactGroup, ...] = ()
    related: tuple[Related, ...] = ()
    # Relations that facts show beyond those of the list.
    detail_select_related: tuple[str, ...] = ()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        return FastChangeList

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return self.search_exact

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows by id; whatever else is typed finds nothing rather than scanning a table."""
        term = search_term.strip().replace("\x00", "")
        if not term or not self.search_exact:
            return queryset, False
        return queryset.filter(self.sought(term)), False

    def sought(self, term: str) -> Q:
        """The condition of the rows that a search for this finds."""
        condition = Q()
        for field in self.search_exact:
            condition |= Q(**{field: term})
        return condition

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = display.words(self.model._meta.verbose_name_plural)
        context = {"title": title, "zone": detail.zone_name(), **(extra_context or {})}
        if request.method in READING:
            show_leniently(request)
        answer: HttpResponse = super().changelist_view(request, context)
        return answer

    # --- One object ---------------------------------------------------------------------------------------------

    def find(self, request: HttpRequest, object_id: str) -> Any:
        """The row of an address, by the id as it stands there; Django's own links carry it quoted.

        The quoted form is tried second: "cus_3AxY" is a customer's id as well as Django's way to write "cus:xY".
        """
        found = (self.rows(request).filter(pk=candidate).first() for candidate in self.candidates(object_id))
        return next((row for row in found if row is not None), None)

    def candidates(self, object_id: str) -> list[str]:
        """What the id in an address may mean."""
        return [id for id in dict.fromkeys((object_id, unquote(object_id))) if self._may_be_key(id)]

    def rows(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows with all relations that their page shows."""
        rows: QuerySet[Any] = self.get_queryset(request)
        relations = (*self.list_relations, *self.detail_select_related)
        return rows.select_related(*relations) if relations else rows

    def _may_be_key(self, candidate: str) -> bool:
        try:
            self.model._meta.pk.to_python(candidate)
        except (ValidationError, ValueError):
            return False
        return "\x00" not in candidate

    @property
    def list_relations(self) -> tuple[str, ...]:
        """The relations that the list shows."""
        declared = self.list_select_related
        return tuple(declared) if isinstance(declared, Iterable) else ()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Settle which row the address means, then show it."""
        for candidate in self.candidates(object_id):
            try:
                answer: HttpResponse = self.changeform_view(request, quote(candidate), form_url, extra_context)
            except NoSuchRow:
                continue
            return answer
        return self.missing(request, object_id)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one object, by its quoted id. Never in a transaction, unlike Django's own (see `push`)."""
        row = self.rows(request).filter(pk=unquote(object_id)).first() if object_id else None
        if row is None:
            raise NoSuchRow
        self.demand_view(request, row)
        return self.show(request, row, extra_context or {})

    def missing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Nothing is stored under this id: say so on the list."""
        self.demand_view(request)
        name = self.model._meta.verbose_name
        messages.warning(
            request, _("There is no %(name)s with the id “%(id)s” here.") % {"name": name, "id": object_id[:ID_LENGTH]}
        )
        return HttpResponseRedirect(display.list_url(self.model))

    def demand_view(self, request: HttpRequest, row: Any = None) -> None:
        """Raise PermissionDenied for who may not see these rows."""
        if not self.has_view_permission(request, row):
            raise PermissionDenied

    def show(self, request: HttpRequest, row: Any, extra: dict[str, Any]) -> HttpResponse:
        """Answer a request for the page."""
        return self.render_page(request, row, extra) if request.method in READING else HttpResponseNotAllowed(READING)

    def render_page(self, request: HttpRequest, row: Any, extra: dict[str, Any]) -> HttpResponse:
        """The page itself."""
        context = {
            **self.admin_site.each_context(request),
            "title": display.without_secrets(self.heading(row)),
            "opts": self.model._meta,
            "list_url": display.list_url(self.model),
            "list_title": display.words(self.model._meta.verbose_name_plural),
            "row": row,
            "zone": detail.zone_name(),
            "media": forms.Media(),
            **self.page_context(request, row),
            **extra,
        }
        return TemplateResponse(request, self.detail_template, context)

    def heading(self, row: Any) -> str:
        """What the row is called on its page."""
        return display.name_of(row)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page shows of the row."""
        return {
            "groups": detail.show_groups(row, self.facts),
            "tables": detail.related_tables(request, row, self.related),
        }

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Django's log of form edits knows nothing of these rows: their history is on their page."""
        row = self.find(request, object_id)
        return HttpResponseRedirect(display.object_url(row)) if row else self.missing(request, object_id)
