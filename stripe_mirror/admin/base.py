"""The admin of a mirrored kind: its list, the page of one object, and what staff may do to it.

What is shown is declared by the admins in the files named for the families of objects; what staff may do comes from
`push`. Nothing here writes to a mirrored row.
"""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin import bulk, columns, detail, display, operations, receipts
from stripe_mirror.admin.awaiting import awaiting
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.exports.mixin import ExportAdminMixin
from stripe_mirror.admin.filters import (
    CreatedFilter,
    DeletedFilter,
    default_filters,
    range_filters,
    relation_filters,
)
from stripe_mirror.admin.imports.mixin import ImportAdminMixin
from stripe_mirror.admin.lists.state import list_state
from stripe_mirror.admin.lists.urls import list_urls
from stripe_mirror.admin.live import BACKGROUND, LiveAdminMixin
from stripe_mirror.admin.notes import showing as notes
from stripe_mirror.admin.notes.views import urls as note_urls
from stripe_mirror.admin.operation_views import OperationViews
from stripe_mirror.admin.outcomes import activity_url
from stripe_mirror.admin.raw import raw_json
from stripe_mirror.admin.read_only import READING, ReadOnlyAdmin
from stripe_mirror.admin.row_menu import menu_of
from stripe_mirror.admin.search import Sought
from stripe_mirror.admin.status import status_of
from stripe_mirror.admin.status_reads import FOLLOWED, read_along
from stripe_mirror.admin.timeline.merge import timeline
from stripe_mirror.admin.timeline.scope import Scope, scope_of
from stripe_mirror.kinds import Kind
from stripe_mirror.models import StripeObject


class StripeObjectAdmin(LiveAdminMixin, ImportAdminMixin, ExportAdminMixin, ReadOnlyAdmin):  # type: ignore[misc]
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
        return list(list_state(request, self).columns)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        own = self.list_filter or default_filters(self.model)
        return [*own, CreatedFilter, *range_filters(self.model), *relation_filters(self.model), DeletedFilter]

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

    def live_relations(self, request: HttpRequest) -> list[str]:
        """Those of the list, and of the chosen ones those that an index finds by."""
        own = [name for name in self.list_relations if "__" not in name]
        indexed = {name for name, _ in relation_filters(self.model)}
        asked = request.GET["relations"].split(",") if "relations" in request.GET else self.chosen_relations(request)
        chosen = (name for name in asked if name in indexed)
        return list(dict.fromkeys((*own, *FOLLOWED.get(self.kind.object, ()), *chosen)))

    def chosen_relations(self, request: HttpRequest) -> list[str]:
        """Relations that this person's columns show."""
        return list_state(request, self).relations

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        relations = self.list_relations
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.select_related(*relations) if relations else rows

    @property
    def all_facts(self) -> tuple[FactGroup, ...]:
        """The declared facts, or every derived column."""
        return self.facts or (FactGroup(title=_("Details"), facts=columns.derived_columns(self.model)),)

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
            *list_urls(self),
            path("<path:object_id>/operation/<slug:name>/", wrap(views.one), name=f"{name}_operation"),
            *note_urls(self),
            *super().get_urls(),
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """With the operations that this person may run on many rows."""
        return {**super().get_actions(request), **bulk.actions(request, self.kind)}

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        asked = bool(request.GET) or request.method not in READING or BACKGROUND in request.headers
        if not asked and self.has_view_permission(request) and (first := list_state(request, self).first_address()):
            return HttpResponseRedirect(first)
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
        read_along([row])
        written = notes.notes_about(row)
        tables = self.tables(request, row)
        happened = timeline(request, self.scope(row), notes=written)
        return {
            "status": columns.status_pill(row) if status_of(row) else "",
            "buttons": [button for button in offered if not button.why_not],
            "off": [button for button in offered if button.why_not],
            "checking": operations.checking(request, row, happened.open),
            "awaiting": awaiting(request, happened.open),
            "activity_url": activity_url(request, row),
            "key_facts": detail.show_facts(row, self.key_facts),
            "groups": detail.show_groups(row, self.all_facts),
            "tables": tables,
            "metadata": display.metadata_table(row) if "metadata" in row.data else None,
            "timeline": happened,
            "notes": notes.panel(request, row, written),
            "raw": raw_json(row.data),
            "dashboard_url": display.dashboard_url(row),
            "lines": self.lines(row),
        }

    def tables(self, request: HttpRequest, row: Any) -> list[detail.Table]:
        """The newest of what belongs to the row, with what can be done to each."""
        return detail.related_tables(request, row, self.related, menu=partial(menu_of, request))

    def scope(self, row: Any) -> Scope:
        """What belongs to the row's timeline."""
        return scope_of(row)

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
