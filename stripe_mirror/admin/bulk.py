"""Operations on many rows: chosen on the list, previewed with counts and sums, then planned as a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.forms import dressed
from stripe_mirror.admin.operations import Sheet
from stripe_mirror.kinds import Kind
from stripe_mirror.models import Job
from stripe_mirror.push.errors import PushError
from stripe_mirror.push.jobs import Preview, create_job, preview
from stripe_mirror.push.operation import Operation, OperationForm, may_in_bulk, operations_for

if TYPE_CHECKING:
    from stripe_mirror.admin.base import ReadOnlyAdmin, StripeObjectAdmin

# Ticked rows travel as ids (one page of them at most), "all that match" as the list's own query.
IDS = "ids"
PAGE_PARAMETERS = ("p", "e", "all")


def actions(request: HttpRequest, kind: Kind) -> dict[str, Any]:
    """The list's actions, for who may run operations on many rows."""
    offered = [o for o in operations_for(kind.object) if may_in_bulk(request.user, o)]
    return {f"bulk_{o.name}": (_action(o), f"bulk_{o.name}", f"{o.label} …") for o in offered}


def _action(operation: Operation) -> Callable[..., HttpResponse]:
    def run(model_admin: StripeObjectAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        opts = model_admin.model._meta
        url = reverse(f"admin:{opts.app_label}_{opts.model_name}_bulk", args=(operation.name,))
        return HttpResponseRedirect(f"{url}?{selection(request).urlencode()}")

    return run


def selection(request: HttpRequest) -> QueryDict:
    """What a list's action was chosen for, as an address can carry it: see `chosen_rows`."""
    chosen = request.GET.copy()
    for name in (*PAGE_PARAMETERS, IDS):
        chosen.pop(name, None)
    if request.POST.get("select_across") != "1":
        chosen = QueryDict(mutable=True)
        chosen.setlist(IDS, request.POST.getlist("_selected_action"))
    return chosen


def chosen_rows(request: HttpRequest, model_admin: ReadOnlyAdmin) -> QuerySet[Any]:
    """The rows that the address stands for: the ticked ones, or all of the list as it is filtered."""
    if IDS in request.GET:
        rows: QuerySet[Any] = model_admin.get_queryset(request).filter(
            pk__in=[id for id in request.GET.getlist(IDS) if "\x00" not in id]
        )
        return rows
    found: QuerySet[Any] = model_admin.get_changelist_instance(request).get_queryset(request)
    return found


def view(request: HttpRequest, operation: Operation, model_admin: StripeObjectAdmin) -> HttpResponse:
    """The preview; a POST plans the job and leads to its page."""
    if not may_in_bulk(request.user, operation):
        raise PermissionDenied("You may not run this on many objects at once.")
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "POST"])
    try:
        rows = chosen_rows(request, model_admin)
    except IncorrectLookupParameters:
        messages.error(request, "This filter is not understood, so nothing was chosen. Filter the list again.")
        return HttpResponseRedirect(display.list_url(model_admin.model))
    posted = request.method == "POST"
    form = dressed(operation.get_form(operation.new_row(), request.POST if posted else None))
    job_id = _job_id(request)
    if posted and form.is_valid() and _is_as_previewed(request, rows, form, job_id):
        try:
            job = _plan(request, operation, rows, form, job_id)
        except PushError as error:
            form.add_error(None, str(error))
        else:
            return HttpResponseRedirect(display.object_url(job))
    return _page(request, model_admin, rows, Sheet(operation, form, job_id, ""))


def _is_as_previewed(request: HttpRequest, rows: QuerySet[Any], form: OperationForm, job_id: UUID) -> bool:
    """Whether a filter still finds as many rows as the person saw: nobody confirms what wasn't shown."""
    shown, now = request.POST.get("previewed", ""), rows.count()
    # A second submit finds the first one's job, whatever that has done to the list since.
    if IDS in request.GET or shown == str(now) or Job.objects.filter(pk=job_id).exists():
        return True
    form.add_error(
        None,
        f"Nothing was started: the list has changed, {now} rows match it now. Look at the counts, then confirm.",
    )
    return False


def _plan(request: HttpRequest, operation: Operation, rows: QuerySet[Any], form: OperationForm, job_id: UUID) -> Any:
    return create_job(
        operation,
        rows,
        user=cast(User, request.user),
        cleaned=form.cleaned_data,
        reason=form.cleaned_data.get("reason", ""),
        job_id=job_id,
    )


def _job_id(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("push_id", ""))
    except ValueError:
        return uuid4()


def _page(request: HttpRequest, model_admin: StripeObjectAdmin, rows: QuerySet[Any], sheet: Sheet) -> HttpResponse:
    seen = preview(sheet.operation, rows)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": sheet.operation.label,
        "opts": model_admin.model._meta,
        "operation": sheet.operation,
        "sheet": sheet,
        "preview": seen,
        "sums": [display.money(amount, currency) for currency, amount in seen.sums.items()],
        "excluded": excluded(seen),
        "back": display.list_url(model_admin.model),
        "back_title": display.words(model_admin.model._meta.verbose_name_plural),
    }
    return TemplateResponse(request, "stripe_mirror/bulk.html", context)


def excluded(seen: Preview) -> list[tuple[Any, Any, str]]:
    """The rows that would be left out: link, state, reason."""
    return [(display.row_link(row), columns.status_pill(row), reason) for row, reason in seen.excluded]
