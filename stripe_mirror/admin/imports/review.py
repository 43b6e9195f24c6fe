"""What an import would change, row by row, and its confirmation. Showing it writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.client_address import client_address
from stripe_mirror.admin.exports.streaming import csv_bytes, streamed
from stripe_mirror.admin.imports import views
from stripe_mirror.admin.imports.differences import shown_rows
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Import, ImportRow
from stripe_mirror.push.errors import PushError
from stripe_mirror.push.imports import comparing
from stripe_mirror.push.imports.staging import parts_of, rows_of
from stripe_mirror.push.imports.starting import confirm, job_of, stale_rows
from stripe_mirror.push.operation import get_operation

# Rows on a page.
PAGE = 25
CHANGED, WRONG, STALE = "changed", "wrong", "stale"
# Seconds until a page that waits for the worker asks again.
SOON = "2"
WAITING = (Import.State.JUDGING, Import.State.STARTING)
ERROR_COLUMN = "import_error"


def review(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """The differences; a POST confirms them and leads to the job."""
    upload = views.own(request, import_id)
    if request.method not in views.ASKING:
        return HttpResponseNotAllowed(views.ASKING)
    if (job := job_of(upload)) and upload.state != Import.State.STARTING:
        return HttpResponseRedirect(display.object_url(job))
    if upload.state == Import.State.STAGED:
        return HttpResponseRedirect(reverse("import-columns", args=(upload.pk,)))
    wrong = ""
    if request.method == "POST" and upload.state == Import.State.JUDGED:
        wrong = _confirmed(request, upload)
        if not wrong:
            return HttpResponseRedirect(reverse("import-review", args=(upload.pk,)))
    answer = TemplateResponse(request, "stripe_mirror/imports/review.html", _page(request, upload, wrong))
    if upload.state in WAITING:
        answer["Refresh"] = SOON
    return answer


def _confirmed(request: HttpRequest, upload: Import) -> str:
    """Start the job of what was shown, which the round names; a sentence where that isn't possible."""
    if request.POST.get("round") != str(upload.round):
        return _("Nothing was started: the file was compared again since. Look at the counts, then confirm.")
    reason = request.POST.get("reason", "")
    if not reason.strip():
        return _("Write the reason; it is kept in the log.")
    try:
        confirm(upload, reason=reason, ip=client_address(request))
    except PushError as error:
        return str(error)
    return ""


def _page(request: HttpRequest, upload: Import, wrong: str) -> dict[str, Any]:
    operation = get_operation(upload.operation)
    stale = stale_rows(upload)
    counts = {CHANGED: upload.changed, WRONG: upload.wrong, STALE: stale.count() if upload.changed else 0}
    page = {
        **views.frame(request, views.shown_kind(operation)),
        "title": upload.file_name or _("Import"),
        "upload": upload,
        "operation": operation,
        "kind": views.shown_kind(operation),
        "noun": display.words(get_kind(operation.object_type).model._meta.verbose_name),
        "makes": operation.creates or operation.adds,
        "waiting": upload.state in WAITING,
        "percent": 100 * upload.parts_judged // max(parts_of(upload), 1),
        "judged": upload.state == Import.State.JUDGED,
        "failed": upload.state == Import.State.FAILED,
        "counts": counts,
        "to_do": upload.changed - counts[STALE],
        "sums": [display.money(amount, code) for code, amount in upload.sums.items()],
        "reason": request.POST.get("reason", ""),
        "wrong": wrong or upload.message,
    }
    return {**page, **_table(request, upload, counts)} if page["judged"] else page


def _table(request: HttpRequest, upload: Import, counts: dict[str, int]) -> dict[str, Any]:
    """The rows of the page that the address names."""
    offered = [name for name in (CHANGED, WRONG, STALE) if counts[name]]
    show = request.GET.get("show", "")
    show = show if show in offered else next(iter(offered), CHANGED)
    rows = stale_rows(upload) if show == STALE else upload.rows.filter(state=show)
    pages = max(-(-counts[show] // PAGE), 1)
    asked = request.GET.get("page", "")
    page = min(max(int(asked), 1), pages) if asked.isdecimal() and len(asked) < 9 else 1
    found = list(rows.order_by("number")[(page - 1) * PAGE : page * PAGE])
    late = set(stale_rows(upload).filter(pk__in=[row.pk for row in found]).values_list("number", flat=True))
    names = {CHANGED: _("Changed"), WRONG: _("With errors"), STALE: _("Changed in Stripe meanwhile")}
    return {
        "rows": shown_rows(upload, found, late),
        "show": show,
        "tabs": [(names[name], counts[name], f"?{_query(show=name)}", name == show) for name in offered],
        "page": page,
        "pages": pages,
        "previous": f"?{_query(show=show, page=page - 1)}" if page > 1 else "",
        "next": f"?{_query(show=show, page=page + 1)}" if page < pages else "",
    }


def _query(**values: object) -> str:
    query = QueryDict(mutable=True)
    query.update({name: str(value) for name, value in values.items()})
    return query.urlencode()


def again(request: HttpRequest, import_id: UUID) -> HttpResponse:
    """Compare it once more, with the columns matched as they are: the mirror has changed since."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    upload = views.own(request, import_id)
    if upload.state not in comparing.OPEN or not comparing.begin(
        upload, upload.targets, minor_units=upload.minor_units
    ):
        messages.info(request, _("Nothing was changed: this import is in another state by now."))
    return HttpResponseRedirect(reverse("import-review", args=(upload.pk,)))


def errors(request: HttpRequest, import_id: UUID) -> HttpResponseBase:
    """The rows with errors as CSV, with what is wrong as the last column: to mend and to bring again."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    upload = views.own(request, import_id)
    own = [place for place, header in enumerate(upload.headers) if header != ERROR_COLUMN]
    headers = [upload.headers[place] for place in own]
    return streamed(csv_bytes([*headers, ERROR_COLUMN], _error_rows(upload, own)), f"errors-{upload.pk}.csv")


def _error_rows(upload: Import, own: Sequence[int]) -> Iterator[list[str]]:
    """The file's own columns and one more, part by part."""
    for number in range(1, parts_of(upload) + 1):
        wrong = upload.rows.filter(state=ImportRow.State.WRONG, part=number)
        said = {row: _said(found) for row, found in wrong.values_list("number", "errors")}
        for row, cells in rows_of(upload, number) if said else ():
            if row in said:
                yield [*(cells[place] for place in own), said[row]]


def _said(found: list[tuple[str, str]]) -> str:
    return " ".join(f"{header}: {text}" if header else text for header, text in found)
