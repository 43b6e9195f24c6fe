"""The pages of operations: asking, submitting, deciding a conflict, and planning a job. GET never changes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse

from stripe_mirror.admin import bulk, columns, detail, display, operations
from stripe_mirror.admin.operations import Sheet
from stripe_mirror.admin.status import status_of
from stripe_mirror.models import StripeObject
from stripe_mirror.push.operation import Operation, demand, get_operation, may

if TYPE_CHECKING:
    from stripe_mirror.admin.base import StripeObjectAdmin

ASKING = ("GET", "HEAD", "POST")


class OperationViews:
    """The pages of one admin's operations."""

    def __init__(self, model_admin: StripeObjectAdmin) -> None:
        self.admin = model_admin

    def operation(self, request: HttpRequest, name: str) -> Operation:
        """The operation of that name on this kind, for who may run it. Raises Http404, PermissionDenied."""
        try:
            operation = get_operation(name)
        except KeyError:
            raise Http404(f"There is no operation {name}.") from None
        if operation.object_type != self.admin.kind.object or not operation.offered:
            raise Http404(f"There is no operation {name} on this.")
        demand(request.user, operation)
        return operation

    def one(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Ask for an operation on one object, and submit it."""
        operation = self.operation(request, name)
        row = self.admin.find(request, object_id)
        if row is None or operation.creates:
            return self.admin.missing(request, object_id)
        self.admin.demand_view(request, row)
        return self._ask(request, operation, row)

    def create(self, request: HttpRequest, name: str) -> HttpResponse:
        """Ask for an operation that makes an object, and submit it."""
        operation = self.operation(request, name)
        if not operation.creates:
            raise Http404("This operation needs an object.")
        return self._ask(request, operation, operation.new_row())

    def _ask(self, request: HttpRequest, operation: Operation, row: StripeObject) -> HttpResponse:
        if request.method not in ASKING:
            return HttpResponseNotAllowed(ASKING)
        if request.method != "POST":
            return self._page(request, operations.fresh_sheet(operation, row), row)
        sheet = operations.posted_sheet(request, operation, row)
        return self._settle(request, sheet, row) or self._page(request, sheet, row)

    def _settle(self, request: HttpRequest, sheet: Sheet, row: StripeObject) -> HttpResponse | None:
        """The way on after a submit, or None where the form is to be shown again."""
        if sheet.settled:
            operations.tell(request, sheet)
            return HttpResponseRedirect(operations.object_page(sheet, row))
        if sheet.choices:
            return self._page(request, sheet, row, template="stripe_mirror/conflict.html")
        return None

    def page_form(self, request: HttpRequest, row: Any, extra: dict[str, Any]) -> HttpResponse:
        """An object's page with a form of its own: shown to who may use it, and submitted by POST."""
        operation = get_operation(self.admin.form_operation)
        if request.method == "POST":
            demand(request.user, operation)
            sheet = operations.posted_sheet(request, operation, row)
            if answer := self._settle(request, sheet, row):
                return answer
            row = self.admin.rows(request).get(pk=row.pk)
            return self.admin.render_page(request, row, {**extra, "sheet": sheet})
        if request.method not in ASKING:
            return HttpResponseNotAllowed(ASKING)
        sheet_or_none = operations.fresh_sheet(operation, row) if may(request.user, operation) else None
        return self.admin.render_page(request, row, {**extra, "sheet": sheet_or_none})

    def _page(
        self, request: HttpRequest, sheet: Sheet, row: StripeObject, *, template: str = "stripe_mirror/operation.html"
    ) -> HttpResponse:
        exists = bool(row.pk)
        context = {
            **self.admin.admin_site.each_context(request),
            "title": sheet.operation.label,
            "opts": self.admin.model._meta,
            "operation": sheet.operation,
            "sheet": sheet,
            "summary": self._summary(request, sheet),
            "status": columns.status_pill(row) if exists and status_of(row) else "",
            "key_facts": detail.show_facts(row, self.admin.key_facts) if exists else [],
            "back": display.object_url(row) if exists else display.list_url(self.admin.model),
            "back_title": self.admin.heading(row)
            if exists
            else display.words(self.admin.model._meta.verbose_name_plural),
        }
        return TemplateResponse(request, template, context)

    def _summary(self, request: HttpRequest, sheet: Sheet) -> list[str]:
        """In words what the form says so far: as posted, as in the address while somebody chooses, or as opened."""
        given = request.POST if request.method == "POST" else request.GET
        if not given:
            return sheet.summary
        data = given.copy()
        form = sheet.operation.get_form(sheet.form.row, data)
        form.fields["reason"].required = False
        return operations.summary(sheet.operation, form.row, form.cleaned_data) if form.is_valid() else []

    def bulk(self, request: HttpRequest, name: str) -> HttpResponse:
        """Preview an operation on many rows, and plan the job."""
        operation = self.operation(request, name)
        self.admin.demand_view(request)
        return bulk.view(request, operation, self.admin)
