"""Operations on many objects: the jobs, how far each is, what became of every row, and how to steer it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, detail, display, jobs_again, jobs_csv
from stripe_mirror.admin.client_address import client_address
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.filters import StateFilter
from stripe_mirror.admin.inbox import OBJECT
from stripe_mirror.admin.live import live_attributes
from stripe_mirror.admin.outcomes import operation_label
from stripe_mirror.admin.pushes import OPERATION
from stripe_mirror.admin.pushes import STATE as PUSH_STATE
from stripe_mirror.admin.read_only import ReadOnlyAdmin
from stripe_mirror.kinds import kind_of
from stripe_mirror.models import Job, JobAction, Push
from stripe_mirror.push.jobs import progress
from stripe_mirror.push.jobs_steering import STOPPABLE, may_steer, pause_job, resume_job, stop_job
from stripe_mirror.push.operation import get_operation

TONES = {"running": "info", "finished": "success", "paused": "warning", "stopped": "danger"}
# Rows whose results the page shows; the others are in the list of pushes.
SHOWN = 100
ATTENTION = (Push.State.WAITING, Push.State.REFUSED, Push.State.UNKNOWN, Push.State.SENDING)
GOING = (Job.State.READY, Job.State.RUNNING)


def state_pill(row: Any) -> Any:
    """How far it is."""
    return display.pill(display.words(row.get_state_display()), TONES.get(row.state, "neutral"))


STATE = Column("state_words", gettext_lazy("State"), state_pill)
BY = columns.made(gettext_lazy("By"), lambda row: row.user.get_full_name() or row.user.get_username())
RESULTS = (
    OBJECT,
    PUSH_STATE,
    columns.text("message", gettext_lazy("Result")),
    columns.moment("finished_at", gettext_lazy("When")),
)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """One operation on many rows each."""

    detail_template = "stripe_mirror/job.html"
    list_display = (
        OPERATION,
        STATE,
        BY,
        columns.text("reason"),
        columns.moment("created_at", gettext_lazy("When")),
        columns.moment("finished_at", gettext_lazy("Finished")),
    )
    list_select_related = ("user",)
    detail_select_related = ("retries", "undoes")
    list_filter = (StateFilter,)
    facts = (
        FactGroup(
            title=gettext_lazy("Job"),
            facts=(
                OPERATION,
                STATE,
                BY,
                columns.text("reason"),
                columns.made(gettext_lazy("From address"), lambda row: row.ip_address),
                columns.made(gettext_lazy("Form"), lambda row: form_words(row)),
                columns.made(gettext_lazy("Tries again"), lambda row: job_link(row.retries)),
                columns.made(gettext_lazy("Takes back"), lambda row: job_link(row.undoes)),
                columns.moment("created_at", gettext_lazy("When")),
                columns.moment("started_at", gettext_lazy("Started")),
                columns.moment("finished_at", gettext_lazy("Finished")),
            ),
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        pages: dict[str, Any] = {
            "pause": self.pause_view,
            "resume": self.resume_view,
            "stop": self.stop_view,
            "retry": self.retry_view,
            "undo": self.undo_view,
            "results": self.results_view,
        }
        own = [path(f"<uuid:job_id>/{p}/", wrap(view), name=f"stripe_mirror_job_{p}") for p, view in pages.items()]
        return [*own, *super().get_urls()]

    def heading(self, row: Any) -> str:
        return _("%(label)s: job") % {"label": operation_label(row.operation)}

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        kind = kind_of(row.object_type)
        steering = may_steer(request.user, row)
        return {
            **super().page_context(request, row),
            "status": state_pill(row),
            "progress": progress(row),
            "going": row.state in GOING,
            "tables": [results(row), log(row), *followers(row)],
            "live": live_attributes(kind) if kind and detail.may_view(request.user, row.object_type) else "",
            "steps": self._buttons(row) if steering else {},
            "again": jobs_again.offers(request, row),
            "results_url": display.admin_url(row, "results", row.pk),
        }

    def _buttons(self, job: Job) -> dict[str, str]:
        """What can be done to it in its state: page → address."""
        offered = {"pause": GOING, "resume": (Job.State.PAUSED,), "stop": STOPPABLE}
        possible = [page for page, states in offered.items() if job.state in states and not job.finished_at]
        return {page: display.admin_url(job, page, job.pk) for page in possible}

    def pause_view(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Send nothing more for now."""
        return self._steer(request, job_id, pause_job, _("Paused: nothing more is sent until it is resumed."))

    def stop_view(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Send nothing more, for good."""
        return self._steer(request, job_id, stop_job, _("Stopped: the rows that were left are not sent."))

    def resume_view(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Go on with the rows that are left."""
        return self._steer(request, job_id, resume_job, _("Resumed: the rows that are left are sent."))

    def retry_view(self, request: HttpRequest, job_id: Any) -> HttpResponseBase:
        """Try the refused rows again, by a new job."""
        job = self._job(job_id)
        return jobs_again.retry(request, self, job) if job else self.missing(request, str(job_id))

    def undo_view(self, request: HttpRequest, job_id: Any) -> HttpResponseBase:
        """Take back what was done, by a new job."""
        job = self._job(job_id)
        return jobs_again.undo(request, self, job) if job else self.missing(request, str(job_id))

    def results_view(self, request: HttpRequest, job_id: Any) -> HttpResponseBase:
        """What became of every row, as CSV."""
        self.demand_view(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        job = self._job(job_id)
        return jobs_csv.answer(job) if job else self.missing(request, str(job_id))

    def _job(self, job_id: Any) -> Job | None:
        return Job.objects.select_related("user").filter(pk=job_id).first()

    def _steer(self, request: HttpRequest, job_id: Any, steer: Any, done: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = self._job(job_id)
        if job is None:
            return self.missing(request, str(job_id))
        if steer(job, user=request.user, ip=client_address(request)):
            messages.success(request, done)
        else:
            messages.info(request, _("Nothing was changed: the job is in another state by now."))
        return HttpResponseRedirect(display.object_url(job))


def form_words(job: Job) -> str:
    """The job's form on one line, in the words of its fields."""
    try:
        fields = get_operation(job.operation).form_class.base_fields
    except KeyError:
        fields = {}
    # PostgreSQL keeps no order of names: the form's.
    names = [*fields, *sorted(job.form.keys() - fields.keys())]
    given = ((name, job.form.get(name)) for name in names)
    return ", ".join(_chosen(name, value, fields.get(name)) for name, value in given if value not in ("", None, False))


def _chosen(name: str, value: Any, field: Any) -> str:
    """A field and what was chosen, as the form shows both; what it doesn't know, as it is."""
    choices = dict(flatten_choices(getattr(field, "choices", ())))
    chosen = choices.get(value, value) if isinstance(value, str) else value
    shown = display.yes_no(True) if value is True else chosen
    return f"{getattr(field, 'label', None) or display.words(name)}: {shown}"


def results(job: Job) -> detail.Table:
    """What became of the rows: what needs a look first."""
    attention = Case(*(When(state=s, then=n) for n, s in enumerate(ATTENTION)), default=len(ATTENTION))
    rows: list[Any] = list(job.pushes.order_by(attention, "position")[: SHOWN + 1])
    return detail.Table(
        title=_("Rows"),
        key="rows",
        headings=[(column.label, column.numeric) for column in RESULTS],
        rows=[[(column(push), column.numeric) for column in RESULTS] for push in rows[:SHOWN]],
        count=f"{SHOWN}+" if len(rows) > SHOWN else str(len(rows)),
        more=display.list_url(Push, {"job": job.pk}),
        empty=_("No rows."),
    )


def log(job: Job) -> detail.Table:
    """Who started, paused, resumed and stopped it."""
    actions: list[JobAction] = list(job.actions.all())
    return detail.Table(
        title=_("Log"),
        key="log",
        headings=[(_("What"), False), (_("By"), False), (_("From address"), False), (_("When"), False)],
        rows=[
            [
                (display.plain(action.get_action_display()), False),
                (display.plain(action.user_name), False),
                (display.plain(action.ip_address), False),
                (display.when(action.at), False),
            ]
            for action in actions
        ],
        count=str(len(actions)),
        absent=not actions,
    )


def followers(job: Job) -> list[detail.Table]:
    """The jobs by which its rows were tried again or taken back."""
    found = [(_("Tried again"), one) for one in job.retried_by.all()] + [
        (_("Taken back"), one) for one in job.undone_by.all()
    ]
    if not found:
        return []
    rows = [[(display.plain(how), False), (job_link(one), False), (state_pill(one), False)] for how, one in found]
    headings = [(_("How"), False), (_("Job"), False), (_("State"), False)]
    return [detail.Table(title=_("Followed by"), key="followers", headings=headings, rows=rows, count=str(len(rows)))]


def job_link(job: Job | None) -> Any:
    """A job by what it does and when it was planned."""
    if job is None:
        return ""
    return display.link(
        f"{operation_label(job.operation)}, {display.moment_text(job.created_at)}", display.object_url(job)
    )
