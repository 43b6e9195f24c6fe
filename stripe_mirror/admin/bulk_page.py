"""The page on which a job is confirmed: a dry run of just this form and these rows first, which can be downloaded."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, confirming, display
from stripe_mirror.admin.exports.streaming import csv_bytes, streamed
from stripe_mirror.admin.operations import Sheet
from stripe_mirror.language import log_language
from stripe_mirror.models import Job, StripeObject
from stripe_mirror.money import to_major
from stripe_mirror.push.errors import PushError
from stripe_mirror.push.jobs import find_job, start_job
from stripe_mirror.push.jobs_preview import (
    Preview,
    Wish,
    ask_about_sample,
    at_stake,
    job_form,
    judged,
    preview_wishes,
)
from stripe_mirror.push.limits import limits_of
from stripe_mirror.push.operation import Operation, OperationForm

SALT, DOWNLOAD_SALT = "stripe_mirror.job_previewed", "stripe_mirror.job_download"
# How long a dry run may be confirmed, in seconds.
VALID = 3600
CHANGED = gettext_lazy(
    "Nothing was started: the form, the list or its amounts have changed since. Look at the counts, then confirm."
)
CSV_HEADER = ("ID", "Will be done", "Left out because", "At stake", "Currency")


@dataclass
class Ask:
    """A job that somebody is about to start; nothing of it is stored yet."""

    job: Job
    operation: Operation
    # With the operation's own fields, or only a reason where the form is settled.
    form: OperationForm
    wishes: Callable[[], Iterable[Wish]]
    # The address and title of where to go back to, and what the page says beside its title.
    back: str
    back_title: str
    title: str
    intro: str
    # Where the form is settled by an earlier job.
    settled: Mapping[str, Any] | None = None


def answer(request: HttpRequest, ask: Ask, context: dict[str, Any]) -> HttpResponseBase:
    """The dry run; a POST that carries the proof that it was shown, and nothing has changed since, starts the job."""
    posted = request.method == "POST"
    if posted and request.POST.get("download"):
        return _download(request, ask)
    try:
        if posted and (job := find_job(ask.job.id, ask.operation, ask.job.user)):
            return HttpResponseRedirect(display.object_url(job))
    except PushError as error:
        ask.form.add_error(None, str(error))
        return _page(request, ask, Preview(), None, context)
    form = _job_form(ask)
    given = request.POST.get("previewed_token", "") if form is not None else ""
    if given and form is not None:
        with log_language():
            seen = preview_wishes(ask.operation, ask.wishes(), form=form, effects=False)
        if not _is_shown(ask, form, seen, given):
            ask.form.add_error(None, CHANGED)
        elif job := _start(ask, form, seen):
            return HttpResponseRedirect(display.object_url(job))
    seen = preview_wishes(ask.operation, ask.wishes(), form=form, limits=limits_of(ask.job.user, ask.operation))
    return _page(request, ask, seen, form, context)


def _job_form(ask: Ask) -> Mapping[str, Any] | None:
    """The form as it was sent, or as it opens; None while it isn't complete. The reason is asked for at the end."""
    form = ask.form
    if not form.is_bound:
        form = ask.operation.get_form(form.row, form.initial) if ask.settled is None else form
    form.fields["reason"].required = False
    complete = form.is_valid() if form.is_bound else True
    form.fields["reason"].required = ask.operation.needs_reason
    if not complete:
        return None
    return ask.settled if ask.settled is not None else job_form(form.cleaned_data)


def _start(ask: Ask, form: Mapping[str, Any], seen: Preview) -> Job | None:
    reason = ask.form.cleaned_data.get("reason", "")
    if ask.operation.needs_reason and not reason.strip():
        ask.form.add_error("reason", _("Write the reason; it is kept in the log."))
        return None
    ask.job.form, ask.job.reason = dict(form), reason
    try:
        return start_job(ask.job, seen)
    except PushError as error:
        ask.form.add_error(None, str(error))
        return None


def _token(ask: Ask, form: Mapping[str, Any], seen: Preview) -> str:
    return signing.dumps(_about(ask, form, seen), salt=SALT)


def _is_shown(ask: Ask, form: Mapping[str, Any], seen: Preview, given: str) -> bool:
    """Whether the person has seen just this: nobody confirms what wasn't shown."""
    try:
        return bool(signing.loads(given, salt=SALT, max_age=VALID) == _about(ask, form, seen))
    except signing.BadSignature:
        return False


def _about(ask: Ask, form: Mapping[str, Any], seen: Preview) -> str:
    job = ask.job
    about = [job.operation, job.user.pk, str(job.retries_id), str(job.undoes_id), dict(form), seen.digest()]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def _page(
    request: HttpRequest, ask: Ask, seen: Preview, form: Mapping[str, Any] | None, context: dict[str, Any]
) -> HttpResponseBase:
    operation = ask.operation
    sample = ask_about_sample(operation, seen) if form is not None and not seen.too_many else None
    may_confirm = form is not None and seen.allowed > 0 and not seen.too_many and (not sample or sample.may_confirm)
    token = _token(ask, form, seen) if may_confirm and form is not None else ""
    page = {
        **context,
        "title": ask.title,
        "intro": ask.intro,
        "operation": operation,
        "sheet": Sheet(operation, ask.form, ask.job.id, "", token=token),
        "preview": seen,
        "complete": form is not None,
        "may_confirm": may_confirm,
        "sums": [display.money(amount, currency) for currency, amount in seen.sums.items()],
        "per_period": operation.object_type == "subscription",
        "excluded": [(display.row_link(row), columns.status_pill(row), reason) for row, reason in seen.excluded],
        "summary": counted(seen.summary, seen.told),
        "follows": counted(seen.follows, seen.told),
        "final": counted(seen.final, seen.told) if form is not None else [operation.final_warning],
        "money": confirming.amounts(seen.amounts),
        "sample": confirming.shown(sample) if sample else None,
        "sample_link": display.row_link(seen.sample[0]) if seen.sample else "",
        "download": signing.dumps(dict(form), salt=DOWNLOAD_SALT) if form is not None else "",
        "back": ask.back,
        "back_title": ask.back_title,
    }
    return TemplateResponse(request, "stripe_mirror/bulk.html", page)


def counted(sentences: Counter[str], rows: int) -> list[str]:
    """Each sentence, with the number of rows where it isn't true of all."""
    return [text if n == rows else _of(text, n, rows) for text, n in sentences.most_common() if text]


def _of(sentence: str, number: int, rows: int) -> str:
    return _("%(sentence)s (%(number)s of %(rows)s)") % {"sentence": sentence, "number": number, "rows": rows}


def _download(request: HttpRequest, ask: Ask) -> HttpResponseBase:
    """The dry run as CSV: every row, with the reason where it would be left out."""
    try:
        form = signing.loads(request.POST["download"], salt=DOWNLOAD_SALT)
    except signing.BadSignature:
        return HttpResponseRedirect(request.get_full_path())
    rows = _csv_rows(ask.operation, judged(ask.operation, ask.wishes(), form=form))
    return streamed(csv_bytes(CSV_HEADER, rows), f"preview-{slugify(ask.operation.label)}.csv")


def _csv_rows(operation: Operation, found: Iterable[tuple[Wish, str, Any]]) -> Iterator[tuple[object, ...]]:
    for wish, reason, _cleaned in found:
        yield (wish.row.pk, "no" if reason else "yes", display.without_secrets(reason), *_stake(operation, wish.row))


def _stake(operation: Operation, row: StripeObject) -> tuple[object, str]:
    amounts = at_stake(operation, row)
    if len(amounts) == 1:
        ((amount, currency),) = amounts
        return to_major(amount, currency), currency.upper()
    return " / ".join(f"{to_major(amount, code)} {code.upper()}" for amount, code in amounts), ""
