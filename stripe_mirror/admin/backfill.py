"""The page of backfills: start one, watch it, pause and resume it, all of it or what failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.validators import MinValueValidator
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import display
from stripe_mirror.background import enqueue
from stripe_mirror.models import SyncRun
from stripe_mirror.pull import backfill_runs
from stripe_mirror.pull.backfill_progress import KindProgress, duration, progress_of

TONES = {"running": "info", "paused": "warning", "done": "success", "failed": "danger", "dropped": "neutral"}
PERMISSION = "stripe_mirror.run_sync"
State = SyncRun.State


class BackfillForm(forms.Form):
    """What to copy, from when on."""

    kinds = forms.MultipleChoiceField(
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("Kinds"),
        help_text=gettext_lazy("None ticked: all of them."),
    )
    since = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        label=gettext_lazy("Created since"),
        help_text=gettext_lazy("Empty: everything. Kinds that Stripe can't list by date are read whole."),
        validators=[MinValueValidator(date(1970, 1, 1), gettext_lazy("Stripe's clock begins in 1970."))],
        error_messages={"invalid": gettext_lazy("This is no date; write it like 2026-01-31.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = backfill_runs.listed_kinds()
        self.fields["kinds"].choices = [(kind.object, display.kind_words(kind.object)) for kind in kinds]  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Line:
    """A kind in the table."""

    name: str
    state: SafeString
    parts: str
    seen: str
    changed: str
    rate: str
    left: str
    percent: int | None
    message: str


def urls(wrap: Any) -> list[URLPattern]:
    """Below the list of runs."""
    name = "stripe_mirror_syncrun_backfill"
    return [
        path("backfill/", wrap(page), name=name),
        path("backfill/<uuid:group>/<str:action>/", wrap(steer), name=f"{name}_steer"),
    ]


def page(request: HttpRequest) -> HttpResponse:
    """The newest backfill, and the form for another one."""
    if not request.user.has_perm("stripe_mirror.view_syncrun"):
        raise PermissionDenied
    form = BackfillForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        if form.is_valid():
            return _start(request, form.cleaned_data)
    return TemplateResponse(request, "stripe_mirror/backfill.html", _context(request, form))


def _start(request: HttpRequest, cleaned: dict[str, Any]) -> HttpResponse:
    day = cleaned["since"]
    since = datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
    kinds = backfill_runs.listed_kinds(cleaned["kinds"])
    group = backfill_runs.start(kinds, since=since, by=request.user.get_username())
    enqueue("run_backfill", str(group))
    messages.success(request, _("Started: a worker reads it, the newest objects of every kind first."))
    return HttpResponseRedirect(reverse("admin:stripe_mirror_syncrun_backfill"))


def steer(request: HttpRequest, group: UUID, action: str) -> HttpResponse:
    """Pause, resume, or resume what failed."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    done, held = 0, dict[str, str]()
    if action == "pause":
        done = backfill_runs.pause(group)
    elif action in ("resume", "resume-failed"):
        done = backfill_runs.resume(group, only_failed=action == "resume-failed", by=request.user.get_username())
        held = backfill_runs.held_up(group)
    if done and action != "pause":
        enqueue("run_backfill", str(group))
    if done:
        messages.success(
            request, _("Paused: what was read is stored.") if action == "pause" else _("Resumed where it was.")
        )
    elif not held:
        messages.info(request, _("Nothing was changed: the backfill is in another state by now."))
    for name, above in held.items():
        messages.warning(request, _waits(name, above))
    return HttpResponseRedirect(reverse("admin:stripe_mirror_syncrun_backfill"))


def _waits(name: str, above: str) -> str:
    names = {"kind": display.kind_words(name), "above": display.in_sentence(display.kind_words(above))}
    return _("%(kind)s was not resumed: it stands below each %(above)s, which are paused. Resume both.") % names


def _context(request: HttpRequest, form: BackfillForm) -> dict[str, Any]:
    last = SyncRun.objects.filter(command=SyncRun.Command.BACKFILL, group__isnull=False).order_by("-pk").first()
    runs = list(backfill_runs.runs_of(last.group)) if last and last.group else []
    kinds = progress_of(runs)
    return {
        **admin.site.each_context(request),
        "title": _("Backfill"),
        "form": form,
        "may_run": request.user.has_perm(PERMISSION),
        "runs_url": reverse("admin:stripe_mirror_syncrun_changelist"),
        **(_shown(last, kinds) if last else {}),
    }


def _shown(last: SyncRun, kinds: list[KindProgress]) -> dict[str, Any]:
    states = {one.state for one in kinds}
    running = [one for one in kinds if one.state == State.RUNNING]
    lefts = [one.seconds_left for one in running]
    ended = sum(one.state in (State.DONE, State.FAILED, State.DROPPED) for one in kinds)
    return {
        "group": last.group,
        "lines": [_line(one) for one in kinds],
        "running": bool(running),
        "pausable": State.RUNNING in states,
        "resumable": State.PAUSED in states,
        "failed": sum(one.state == State.FAILED for one in kinds),
        "verdict": verdict(states),
        "started": display.when(last.started_at),
        "by": last.started_by or _("the command"),
        "since": last.since,
        "seen": f"{sum(one.seen for one in kinds):,}",
        "changed": f"{sum(one.changed for one in kinds):,}",
        "rate": f"{sum(one.rate for one in running):,.0f}",
        "ended": ended,
        "kinds": len(kinds),
        "left": _longest(lefts),
    }


def verdict(states: set[str]) -> SafeString:
    """The whole backfill in a word: some kinds done and some failed is partial."""
    for state in (State.RUNNING, State.PAUSED):
        if state in states:
            return display.pill(display.words(state.label), TONES[state])
    if State.FAILED in states:
        return display.pill(_("Partial") if State.DONE in states else _("Failed"), TONES[State.FAILED])
    return display.pill(_("Done"), TONES[State.DONE])


def _longest(lefts: list[float | None]) -> str:
    known = [left for left in lefts if left is not None]
    return duration(max(known)) if known and len(known) == len(lefts) else ""


def _line(one: KindProgress) -> Line:
    percent = min(100, 100 * one.seen // one.expected) if one.expected else None
    state = SyncRun.State(one.state)
    return Line(
        name=display.kind_words(one.object_type),
        state=display.pill(display.words(state.label), TONES[state]),
        parts=f"{one.done} of {one.parts}" if one.parts else "",
        seen=f"{one.seen:,}",
        changed=f"{one.changed:,}",
        rate=f"{one.rate:,.0f}" if one.rate else "",
        left=duration(one.seconds_left) if one.seconds_left is not None else "",
        percent=100 if state == State.DONE else percent,
        message=one.message,
    )
