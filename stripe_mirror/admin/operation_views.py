"""The pages of operations: asking, submitting, deciding a conflict, and planning a job. GET never changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from stripe_mirror.admin import bulk, columns, confirming, detail, display, filling, operations, receipts
from stripe_mirror.admin.awaiting import above_limit
from stripe_mirror.admin.operations import Sheet
from stripe_mirror.admin.outcomes import operation_label
from stripe_mirror.admin.status import status_of
from stripe_mirror.models import StripeObject
from stripe_mirror.push.operation import Operation, demand, get_operation, may
from stripe_mirror.push.preview import Preview, preview

if TYPE_CHECKING:
    from stripe_mirror.admin.base import StripeObjectAdmin

ASKING = ("GET", "HEAD", "POST")
# The top of a page: its facts, and above them what was done.
TOP = "#"


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
            undoes = request.GET.get(receipts.UNDOES, "")
            filled = filling.values(request.GET, operation, row)
            return self._page(request, operations.fresh_sheet(operation, row, undoes=undoes, filled=filled), row)
        sheet = operations.posted_sheet(request, operation, row)
        return self._settle(request, sheet, row, receipt=True) or self._page(request, sheet, row)

    def receipt(self, request: HttpRequest, push_id: UUID) -> HttpResponse:
        """What became of an operation."""
        return receipts.view(request, self.admin, push_id)

    def _settle(
        self, request: HttpRequest, sheet: Sheet, row: StripeObject, *, receipt: bool = False
    ) -> HttpResponse | None:
        """The way on after a submit, or None where the form is to be shown again."""
        if sheet.settled:
            operations.tell(request, sheet)
            # Who made an object wants to see it.
            to_receipt = receipt and not sheet.operation.creates and not sheet.nothing
            if to_receipt and sheet.push:
                return HttpResponseRedirect(receipts.receipt_url(sheet.push))
            # Without a fragment of its own an answer keeps that of the form: the page would open at it again.
            return HttpResponseRedirect(operations.object_page(sheet, row) + ("" if receipt else TOP))
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
            "preview": confirming.shown(sheet.preview or self._preview(request, sheet)),
            "above_limit": above_limit(request, sheet.operation, row, self._typed(request, sheet)),
            **self._undone(sheet),
            "status": columns.status_pill(row) if exists and status_of(row) else "",
            "key_facts": detail.show_facts(row, self.admin.key_facts) if exists else [],
            "back": display.object_url(row) if exists else display.list_url(self.admin.model),
            "back_title": self.admin.heading(row)
            if exists
            else display.words(self.admin.model._meta.verbose_name_plural),
        }
        return TemplateResponse(request, template, context)

    def _preview(self, request: HttpRequest, sheet: Sheet) -> Preview:
        """What would happen, by what the form says so far."""
        return preview(sheet.operation, sheet.form.row, self._typed(request, sheet), ask=False)

    def _typed(self, request: HttpRequest, sheet: Sheet) -> Mapping[str, Any]:
        """What the form says so far: as posted, as in the address while somebody chooses, or as opened."""
        given = request.POST if request.method == "POST" else request.GET
        if not given or {receipts.UNDOES, filling.FILLED} & set(request.GET):
            return dict(sheet.form.initial)
        form = sheet.operation.get_form(sheet.form.row, given.copy())
        form.fields["reason"].required = False
        # Where the form isn't complete, nothing is said but what holds in any case.
        return form.cleaned_data if form.is_valid() else {}

    def _undone(self, sheet: Sheet) -> dict[str, str]:
        if sheet.undoes is None:
            return {}
        return {
            "undone_url": receipts.receipt_url(sheet.undoes),
            "undone_label": operation_label(sheet.undoes.operation),
        }

    def bulk(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """Preview an operation on many rows, and plan the job."""
        operation = self.operation(request, name)
        self.admin.demand_view(request)
        return bulk.view(request, operation, self.admin)
