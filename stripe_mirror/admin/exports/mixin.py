"""Exports from the lists: a button for all rows of the list as it is filtered, and an action for the selected ones.

Both lead to the page on which an export is chosen (`dialog`); what is downloaded is what is listed. Mix it in before
Unfold's ModelAdmin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR
from django.contrib.auth import get_permission_codename
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from stripe_mirror.admin.exports import dialog
from stripe_mirror.admin.exports.selection import row_parameters

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object


class ExportAdminMixin(Base):
    """Adds "Export" to a list, for whoever may view and export its rows."""

    actions_list: Iterable[Any] = ()

    def __init__(self, model: type[Any], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        # Here rather than as class attributes: a kind that declares its own actions keeps the export.
        self.actions_list = [*self.actions_list, "export_dialog"]
        self.actions = [*(self.actions or ()), "export_selected"]

    def has_export_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whether this person may download the kind; the button and the action are absent otherwise (S58)."""
        codename = get_permission_codename("export", self.opts)
        allowed = request.user.has_perm(f"{self.opts.app_label}.{codename}")
        return allowed and self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """With the download by one click, and the exact count for the page."""
        name, wrap = f"{self.opts.app_label}_{self.opts.model_name}", self.admin_site.admin_view
        return [
            path("export/", wrap(self.export_at_once), name=f"{name}_export_at_once"),
            path("export/count/", wrap(self.export_count), name=f"{name}_export_count"),
            *super().get_urls(),
        ]

    @action(  # type: ignore[untyped-decorator]
        description=gettext_lazy("Export"), url_path="export/choose", permissions=["export"], icon="download"
    )
    def export_dialog(self, request: HttpRequest) -> HttpResponseBase:
        """The page on which an export of the rows that the address describes is chosen."""
        return dialog.view(request, self)

    def export_at_once(self, request: HttpRequest) -> HttpResponseBase:
        """The rows that the address describes, as this person chose it last time."""
        return dialog.at_once(request, self)

    def export_count(self, request: HttpRequest) -> HttpResponseBase:
        """How many rows the address describes."""
        return dialog.count(request, self)

    @admin.action(description=gettext_lazy("Export"), permissions=["export"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        """The ticked rows, or all that match the list's filter, in the list's order."""
        query = row_parameters(request.GET)
        if request.POST.get("select_across") != "1":
            # By their ids alone: a ticked row is exported though it left the filter meanwhile.
            chosen = QueryDict(mutable=True)
            if order := query.get(ORDER_VAR):
                chosen[ORDER_VAR] = order
            chosen.setlist(dialog.IDS, request.POST.getlist("_selected_action"))
            query = chosen
        url = reverse(self._url_name("export_dialog"))
        return HttpResponseRedirect(f"{url}?{query.urlencode()}")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, whose button carries the list's filter, search and ordering."""
        response = super().changelist_view(request, extra_context)
        entries = (getattr(response, "context_data", None) or {}).get("actions_list", ())
        if query := row_parameters(request.GET).urlencode():
            self._carry(f"?{query}", entries)
        return response

    def _carry(self, query: str, entries: Iterable[dict[str, Any]]) -> None:
        path = reverse(self._url_name("export_dialog"))
        for entry in entries:
            if entry.get("path") == path:
                entry["path"] += query
            self._carry(query, entry.get("items", ()))

    def _url_name(self, page: str) -> str:
        return f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{page}"
