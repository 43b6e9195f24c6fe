"""The one file that adapts Unfold: read-only admins, their lists, and the page of one object.

What is shown is declared by the admins in the files named for the families of objects; what staff may do to an object
comes from `push`. Nothing here writes to a mirrored row.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.admin import ModelAdmin

from stripe_mirror.admin import bulk, columns, detail, display, operations, receipts
from stripe_mirror.admin.awaiting import awaiting
from stripe_mirror.admin.changelist import FastChangeList
from stripe_mirror.admin.columns import Column, FactGroup, Related
from stripe_mirror.admin.export import ExportAdminMixin
from stripe_mirror.admin.filters import CreatedFilter, DeletedFilter, default_filters
from stripe_mirror.admin.history import history
from stripe_mirror.admin.live import LiveAdminMixin
from stripe_mirror.admin.operation_views import OperationViews
from stripe_mirror.admin.outcomes import activity_url
from stripe_mirror.admin.paging import CappedPaginator
from stripe_mirror.admin.raw import raw_json
from stripe_mirror.admin.search import Sought
from stripe_mirror.admin.status import status_of
from stripe_mirror.kinds import Kind
from stripe_mirror.models import StripeObject

ID_LENGTH = 255
READING = ("GET", "HEAD")


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
        condition = Q()
        for field in self.search_exact:
            condition |= Q(**{field: term})
        return queryset.filter(condition), False

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
        answer: HttpResponse = super().changelist_view(request, context)
        return answer

    # --- One object ---------------------------------------------------------------------------------------------

    def find(self, request: HttpRequest, object_id: str) -> Any:
        """The row of an address, by the id as it stands there; Django's own links carry it quoted.

        The quoted form is tried second: "cus_3AxY" is a customer's id as well as Django's way to write "cus:xY".
        """
        for candidate in dict.fromkeys((object_id, unquote(object_id))):
            row = self.rows(request).filter(pk=candidate).first() if self._may_be_key(candidate) else None
            if row is not None:
                return row
        return None

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
        row = self.find(request, object_id)
        if row is None:
            return self.missing(request, object_id)
        answer: HttpResponse = self.changeform_view(request, quote(str(row.pk)), form_url, extra_context)
        return answer

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one object, by its quoted id. Never in a transaction, unlike Django's own (see `push`)."""
        row = self.rows(request).filter(pk=unquote(object_id)).first() if object_id else None
        if row is None or not self.has_view_permission(request, row):
            raise PermissionDenied
        return self.show(request, row, extra_context or {})

    def missing(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Nothing is stored under this id: say so on the list."""
        self.demand_view(request)
        name = self.model._meta.verbose_name
        messages.warning(request, f"There is no {name} with the id “{object_id[:ID_LENGTH]}” here.")
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


class StripeObjectAdmin(LiveAdminMixin, ExportAdminMixin, ReadOnlyAdmin):  # type: ignore[misc]
    """The admin of a mirrored kind: read-only but for the operations that `push` offers on it."""

    # Columns of the kind itself that a search looks into.
    search_fields: ClassVar[tuple[str, ...]] = ()
    # Column → the parent's columns: the parents are found first, then their children by index.
    search_parents: dict[str, tuple[str, ...]] = {}
    # The operation whose form stands on the object's own page.
    form_operation = ""
    # A few facts beside the title.
    key_facts: tuple[Column, ...] = ()

    def __init__(self, model: type[StripeObject], admin_site: Any) -> None:
        self.kind: Kind = model.kind
        super().__init__(model, admin_site)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        chosen = list(self.list_display)
        return chosen if chosen != ["__str__"] else list(self.default_columns)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [*(self.list_filter or default_filters(self.model)), CreatedFilter, DeletedFilter]

    @property
    def default_columns(self) -> tuple[Column, ...]:
        """For a kind without declarations: its name, its state and its first few columns."""
        derived = [c for c in columns.derived_columns(self.model) if c.__name__ not in ("status", "currency", "active")]
        return (columns.NAME, columns.STATUS, *derived[:4], columns.CREATED)

    @property
    def list_relations(self) -> tuple[str, ...]:
        if list(self.list_display) != ["__str__"]:
            return super().list_relations
        shown = {column.__name__ for column in self.default_columns}
        return tuple(f.name for f in self.model._meta.concrete_fields if f.is_relation and f.name in shown)

    def live_relations(self) -> list[str]:
        return [name for name in self.list_relations if "__" not in name]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        relations = self.list_relations
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related(*relations) if relations else rows

    @property
    def all_facts(self) -> tuple[FactGroup, ...]:
        """The declared facts, or every derived column."""
        return self.facts or (FactGroup(title="Details", facts=columns.derived_columns(self.model)),)

    def get_urls(self) -> list[URLPattern]:
        """With a page for each operation, on one object and on many; before Django's, which take any path for an id."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        views = OperationViews(self)
        wrap = self.admin_site.admin_view
        return [
            path("operation/<slug:name>/", wrap(views.create), name=f"{name}_create"),
            path("receipt/<uuid:push_id>/", wrap(views.receipt), name=f"{name}_receipt"),
            path(f"receipt/<uuid:push_id>/{receipts.TAKE_BACK}", wrap(receipts.take_back)),
            path("bulk/<slug:name>/", wrap(views.bulk), name=f"{name}_bulk"),
            path("<path:object_id>/operation/<slug:name>/", wrap(views.one), name=f"{name}_operation"),
            *super().get_urls(),
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """With the operations that this person may run on many rows."""
        return {**super().get_actions(request), **bulk.actions(request, self.kind)}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        context = {"creating": operations.creating(request, self.model), **(extra_context or {})}
        answer: HttpResponse = super().changelist_view(request, context)
        return answer

    def show(self, request: HttpRequest, row: Any, extra: dict[str, Any]) -> HttpResponse:
        """The page; a POST to it submits the form that stands on it."""
        if not self.form_operation:
            return super().show(request, row, extra)
        return OperationViews(self).page_form(request, row, extra)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        offered = operations.buttons(request, row, without=self.form_operation)
        return {
            "status": columns.status_pill(row) if status_of(row) else "",
            "buttons": [button for button in offered if not button.why_not],
            "off": [button for button in offered if button.why_not],
            "checking": operations.checking(request, row),
            "awaiting": awaiting(request, row),
            "activity_url": activity_url(request, row),
            "key_facts": detail.show_facts(row, self.key_facts),
            "groups": detail.show_groups(row, self.all_facts),
            "tables": detail.related_tables(request, row, self.related),
            "metadata": display.metadata_table(row) if "metadata" in row.data else None,
            "history": history(request, row),
            "raw": raw_json(row.data),
            "dashboard_url": display.dashboard_url(row),
            "lines": self.lines(row),
        }

    def lines(self, row: Any) -> detail.Table | None:
        """Rows that stand inside the object itself, such as an invoice's lines."""
        return None

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return self.search_fields or ("id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Rows by id, by their own text, or by a parent found first. Never a join: that scans (see the design)."""
        sought = Sought(self.kind, self.search_fields, self.search_parents)
        return sought.rows(queryset, search_term), False
