"""Operations on many objects: the jobs, how far each is, what became of every row, and how to stop or resume it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path

from stripe_mirror.admin import columns, detail, display
from stripe_mirror.admin.base import ReadOnlyAdmin
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.filters import StateFilter
from stripe_mirror.admin.inbox import OBJECT
from stripe_mirror.admin.live import live_attributes
from stripe_mirror.admin.pushes import OPERATION, operation_label
from stripe_mirror.admin.pushes import STATE as PUSH_STATE
from stripe_mirror.kinds import kind_of
from stripe_mirror.models import Job, Push
from stripe_mirror.push.jobs import may_steer, progress, resume_job, stop_job

TONES = {"running": "info", "finished": "success", "stopped": "warning"}
# Rows whose results the page shows; the others are in the list of pushes.
SHOWN = 100
ATTENTION = (Push.State.REFUSED, Push.State.UNKNOWN, Push.State.SENDING)
GOING = (Job.State.READY, Job.State.RUNNING)


def state_pill(row: Any) -> Any:
    """How far it is."""
    return display.pill(display.words(row.get_state_display()), TONES.get(row.state, "neutral"))


STATE = Column("state_words", "State", state_pill)
BY = columns.made("By", lambda row: row.user.get_full_name() or row.user.get_username())
RESULTS = (OBJECT, PUSH_STATE, columns.text("message", "Result"), columns.moment("finished_at", "When"))


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    """One operation on many rows each."""

    detail_template = "stripe_mirror/job.html"
    list_display = (
        OPERATION,
        STATE,
        BY,
        columns.text("reason"),
        columns.moment("created_at", "When"),
        columns.moment("finished_at", "Finished"),
    )
    list_select_related = ("user",)
    list_filter = (StateFilter,)
    facts = (
        FactGroup(
            title="Job",
            facts=(
                OPERATION,
                STATE,
                BY,
                columns.text("reason"),
                columns.made("Form", lambda row: form_words(row.form)),
                columns.moment("created_at", "When"),
                columns.moment("started_at", "Started"),
                columns.moment("finished_at", "Finished"),
            ),
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        stop = path("<uuid:job_id>/stop/", wrap(self.stop_view), name="stripe_mirror_job_stop")
        resume = path("<uuid:job_id>/resume/", wrap(self.resume_view), name="stripe_mirror_job_resume")
        return [stop, resume, *super().get_urls()]

    def heading(self, row: Any) -> str:
        return f"{operation_label(row.operation)}: job"

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        kind = kind_of(row.object_type)
        steering = may_steer(request.user, row)
        return {
            **super().page_context(request, row),
            "status": state_pill(row),
            "progress": progress(row),
            "going": row.state in GOING,
            "tables": [results(row)],
            "live": live_attributes(kind) if kind and detail.may_view(request.user, row.object_type) else "",
            "stop_url": display.admin_url(row, "stop", row.pk) if steering and row.state in GOING else "",
            "resume_url": display.admin_url(row, "resume", row.pk)
            if steering and row.state == Job.State.STOPPED
            else "",
        }

    def stop_view(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Send nothing more."""
        return self._steer(request, job_id, stop_job, "Stopped: nothing more is sent until it is resumed.")

    def resume_view(self, request: HttpRequest, job_id: Any) -> HttpResponse:
        """Go on with the rows that are left."""
        return self._steer(request, job_id, resume_job, "Resumed: the rows that are left are sent.")

    def _steer(self, request: HttpRequest, job_id: Any, steer: Any, done: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = Job.objects.filter(pk=job_id).first()
        if job is None:
            return self.missing(request, str(job_id))
        if steer(job, user=request.user):
            messages.success(request, done)
        else:
            messages.info(request, "Nothing was changed: the job is in another state by now.")
        return HttpResponseRedirect(display.object_url(job))


def form_words(form: dict[str, Any]) -> str:
    """The job's form on one line."""
    return ", ".join(
        f"{display.words(name)}: {value}" for name, value in form.items() if value not in ("", None, False)
    )


def results(job: Job) -> detail.Table:
    """What became of the rows: what needs a look first."""
    attention = Case(*(When(state=s, then=n) for n, s in enumerate(ATTENTION)), default=len(ATTENTION))
    rows: list[Any] = list(job.pushes.order_by(attention, "position")[: SHOWN + 1])
    return detail.Table(
        title="Rows",
        key="rows",
        headings=[(column.short_description, column.numeric) for column in RESULTS],
        rows=[[(column(push), column.numeric) for column in RESULTS] for push in rows[:SHOWN]],
        count=f"{SHOWN}+" if len(rows) > SHOWN else str(len(rows)),
        more=display.list_url(Push, {"job": job.pk}),
        empty="No rows.",
    )
