"""The pages by which a job's refused rows are tried again, and its done rows are taken back: each plans a new job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import bulk, bulk_page, display
from stripe_mirror.admin.forms import dressed
from stripe_mirror.admin.outcomes import operation_label
from stripe_mirror.models import Job
from stripe_mirror.push.jobs import may_run
from stripe_mirror.push.jobs_again import may_retry, retry_wishes, undo_operation, undo_wishes
from stripe_mirror.push.jobs_preview import Wish
from stripe_mirror.push.operation import Operation, OperationForm, get_operation

if TYPE_CHECKING:
    from stripe_mirror.admin.read_only import ReadOnlyAdmin

RETRY = gettext_lazy(
    "Each row that was refused is judged again, and sent under a new key. Rows whose outcome is open are left alone."
)
UNDO = gettext_lazy(
    "Each row that was done is taken back by the operation below. Rows that can't be taken back are left out."
)


def offers(request: HttpRequest, job: Job) -> list[tuple[str, str]]:
    """Buttons of the job's page for this person: label and address."""
    found = []
    if may_retry(job) and _may(request, _known(job.operation)):
        found.append((_("Retry failed only"), display.admin_url(job, "retry", job.pk)))
    inverse = undo_operation(job)
    if inverse and _may(request, inverse):
        found.append((_("Take back this job"), display.admin_url(job, "undo", job.pk)))
    return found


def retry(request: HttpRequest, model_admin: ReadOnlyAdmin, job: Job) -> HttpResponseBase:
    """The dry run of trying the refused rows again; a POST that confirms it plans that."""
    operation = _known(job.operation)
    if operation is None:
        raise Http404("This operation no longer exists.")
    wishes = lambda: retry_wishes(job)  # noqa: E731
    title = _("Retry failed only: %(label)s") % {"label": operation.label}
    links = {"retries": job}
    return _ask(request, model_admin, job, operation, wishes, form=job.form, links=links, words=(title, str(RETRY)))


def undo(request: HttpRequest, model_admin: ReadOnlyAdmin, job: Job) -> HttpResponseBase:
    """The dry run of taking the done rows back; a POST that confirms it plans that."""
    model_admin.demand_view(request)
    operation = undo_operation(job)
    if operation is None:
        messages.info(request, _("Nothing of this job can be taken back."))
        return HttpResponseRedirect(display.object_url(job))
    title = _("Take back: %(label)s") % {"label": operation_label(job.operation)}
    return _ask(
        request,
        model_admin,
        job,
        operation,
        lambda: undo_wishes(job, operation),
        form={},
        links={"undoes": job},
        words=(title, str(UNDO)),
    )


def _ask(
    request: HttpRequest,
    model_admin: ReadOnlyAdmin,
    job: Job,
    operation: Operation,
    wishes: Callable[[], Iterable[Wish]],
    *,
    form: Mapping[str, Any],
    links: dict[str, Job],
    words: tuple[str, str],
) -> HttpResponseBase:
    model_admin.demand_view(request, job)
    if not _may(request, operation):
        raise PermissionDenied(_("You may not run this on many objects at once."))
    if request.method not in bulk.ASKING:
        return HttpResponseNotAllowed(bulk.ASKING)
    asked = OperationForm(request.POST if bulk.is_sent(request) else None, operation=operation, row=operation.new_row())
    ask = bulk_page.Ask(
        job=bulk.new_job(request, operation, **links),
        operation=operation,
        form=dressed(asked),
        wishes=wishes,
        back=display.object_url(job),
        back_title=_("%(label)s: job") % {"label": operation_label(job.operation)},
        title=words[0],
        intro=words[1],
        settled=form,
    )
    context = {**model_admin.admin_site.each_context(request), "opts": model_admin.model._meta}
    return bulk_page.answer(request, ask, context)


def _known(name: str) -> Operation | None:
    try:
        return get_operation(name)
    except KeyError:
        return None


def _may(request: HttpRequest, operation: Operation | None) -> bool:
    return operation is not None and isinstance(request.user, User) and may_run(request.user, operation)
