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
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _

from stripe_mirror.admin import bulk_page, display
from stripe_mirror.admin.client_address import client_address
from stripe_mirror.admin.forms import dressed
from stripe_mirror.kinds import Kind
from stripe_mirror.models import Job
from stripe_mirror.push.jobs_preview import wishes_of
from stripe_mirror.push.operation import Operation, may_in_bulk, operations_for

if TYPE_CHECKING:
    from stripe_mirror.admin.base import StripeObjectAdmin
    from stripe_mirror.admin.read_only import ReadOnlyAdmin

# Ticked rows travel as ids (one page of them at most), "all that match" as the list's own query.
IDS = "ids"
PAGE_PARAMETERS = ("p", "e", "all")
ASKING = ("GET", "HEAD", "POST")


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


def view(request: HttpRequest, operation: Operation, model_admin: StripeObjectAdmin) -> HttpResponseBase:
    """The dry run; a POST that confirms it plans the job and leads to its page."""
    if not may_in_bulk(request.user, operation):
        raise PermissionDenied(_("You may not run this on many objects at once."))
    if request.method not in ASKING:
        return HttpResponseNotAllowed(ASKING)
    try:
        rows = chosen_rows(request, model_admin)
    except IncorrectLookupParameters:
        messages.error(request, _("This filter is not understood, so nothing was chosen. Filter the list again."))
        return HttpResponseRedirect(display.list_url(model_admin.model))
    opts = model_admin.model._meta
    ask = bulk_page.Ask(
        job=new_job(request, operation),
        operation=operation,
        form=dressed(operation.get_form(operation.new_row(), request.POST if is_sent(request) else None)),
        wishes=lambda: wishes_of(rows),
        back=display.list_url(model_admin.model),
        back_title=display.words(opts.verbose_name_plural),
        title=str(operation.label),
        intro=str(operation.short_description),
    )
    return bulk_page.answer(request, ask, {**model_admin.admin_site.each_context(request), "opts": opts})


def is_sent(request: HttpRequest) -> bool:
    """Whether the request carries the form, rather than asking for a download."""
    return request.method == "POST" and "download" not in request.POST


def new_job(request: HttpRequest, operation: Operation, **more: Any) -> Job:
    """Under the id that came with the form, so that a second submit finds the first one's job."""
    try:
        job_id = UUID(request.POST.get("push_id", ""))
    except ValueError:
        job_id = uuid4()
    user = cast(User, request.user)
    return Job(id=job_id, operation=operation.name, user=user, ip_address=client_address(request), **more)
