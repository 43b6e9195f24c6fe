"""CSV from the lists: a button for all rows of the list as it is filtered, and an action for the selected ones.

Both stream the changelist's own query, so what is downloaded is what is listed. Mix it in before Unfold's ModelAdmin.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, PAGE_VAR
from django.contrib.auth import get_permission_codename
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseNotAllowed, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import slugify
from unfold.decorators import action

from stripe_mirror.admin.csv_stream import csv_bytes
from stripe_mirror.admin.resources import StripeResource, resource_for

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object


class ExportAdminMixin(Base):
    """Adds "Export CSV" to a mirrored kind's list, for whoever may view and export it."""

    # A subclass of StripeResource for a kind whose columns differ from the model's.
    export_resource: type[StripeResource] = StripeResource
    # Parameters of the list's address that choose a page of it rather than its rows.
    export_ignores: tuple[str, ...] = (PAGE_VAR, ALL_VAR, ERROR_FLAG)
    actions_list: Iterable[Any] = ()

    def __init__(self, model: type[Any], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        # Here rather than as class attributes: a kind that declares its own actions keeps the export.
        self.actions_list = [*self.actions_list, "export_csv"]
        self.actions = [*(self.actions or ()), "export_selected"]

    @cached_property
    def resource_class(self) -> type[StripeResource]:
        """The kind's columns, made once."""
        return resource_for(self.model, self.export_resource)

    def has_export_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whether this person may download the kind; the button and the action are absent otherwise (S58)."""
        codename = get_permission_codename("export", self.opts)
        allowed = request.user.has_perm(f"{self.opts.app_label}.{codename}")
        return allowed and self.has_view_permission(request)

    @action(  # type: ignore[untyped-decorator]
        description="Export CSV", url_path="export", permissions=["export"], icon="download"
    )
    def export_csv(self, request: HttpRequest) -> HttpResponseBase:
        """All rows of the list that the query string describes."""
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        request.GET = self._row_parameters(request)
        try:
            changelist = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            messages.error(request, "This filter is not understood, so nothing was exported. Filter the list again.")
            return HttpResponseRedirect(reverse(self._url_name("changelist")))
        return self.csv_response(changelist.get_queryset(request))

    @admin.action(description="Export selected as CSV", permissions=["export"])
    def export_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase:
        """The ticked rows, or all that match the list's filter, in the list's order."""
        return self.csv_response(queryset)

    def csv_response(self, queryset: QuerySet[Any]) -> StreamingHttpResponse:
        """The rows as a download that starts at once and is written while they are read."""
        resource = self.resource_class()
        name = f"{slugify(str(self.opts.verbose_name_plural))}-{timezone.localdate():%Y-%m-%d}.csv"
        return StreamingHttpResponse(
            csv_bytes(resource.header(), resource.rows(queryset)),
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
                # Proxies that buffer answers would keep the browser waiting for the last row.
                "X-Accel-Buffering": "no",
            },
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, whose button carries the list's filter, search and ordering."""
        response = super().changelist_view(request, extra_context)
        entries = (getattr(response, "context_data", None) or {}).get("actions_list", ())
        if query := self._row_parameters(request).urlencode():
            self._carry(f"?{query}", entries)
        return response

    def _carry(self, query: str, entries: Iterable[dict[str, Any]]) -> None:
        path = reverse(self._url_name("export_csv"))
        for entry in entries:
            if entry.get("path") == path:
                entry["path"] += query
            self._carry(query, entry.get("items", ()))

    def _row_parameters(self, request: HttpRequest) -> Any:
        parameters = request.GET.copy()
        for name in self.export_ignores:
            parameters.pop(name, None)
        return parameters

    def _url_name(self, page: str) -> str:
        return f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_{page}"
