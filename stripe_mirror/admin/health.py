"""The Health page. What asks Stripe is done by the worker and only shown here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror import background
from stripe_mirror.admin import display
from stripe_mirror.admin.detail import zone_name
from stripe_mirror.admin.read_only import ReadOnlyAdmin
from stripe_mirror.inbox.health import report
from stripe_mirror.inbox.health.finding import ORDER, Finding, Level
from stripe_mirror.inbox.health.report import Report
from stripe_mirror.models import HealthReport, InboxEvent, Push, SyncRun

TONES = {Level.OK: "success", Level.WARNING: "warning", Level.PROBLEM: "danger"}
WORDS = {Level.OK: gettext_lazy("OK"), Level.WARNING: gettext_lazy("Warning"), Level.PROBLEM: gettext_lazy("Problem")}
TITLES = {
    report.STRIPE: gettext_lazy("Connection"),
    "account": gettext_lazy("Account and mode"),
    "endpoint": gettext_lazy("Webhook endpoint"),
    "clock": gettext_lazy("Clock"),
    "event_list": gettext_lazy("List of events"),
    "permissions": gettext_lazy("Rights of the key"),
}
# Finding → the list that shows what it is about: its label, model and filter.
LINKS: dict[str, tuple[str | Promise, Any, dict[str, str]]] = {
    "failed": (gettext_lazy("Failed events"), InboxEvent, {"state": "failed"}),
    "parked": (gettext_lazy("Parked events"), InboxEvent, {"state": "parked"}),
    "waiting": (gettext_lazy("Waiting events"), InboxEvent, {"state": "waiting"}),
    "delivery": (gettext_lazy("Events found by polling"), InboxEvent, {"source": "catch_up"}),
    "versions": (gettext_lazy("Events"), InboxEvent, {}),
    "pushes": (gettext_lazy("Pushes being checked"), Push, {"state": "unknown"}),
    "syncs": (gettext_lazy("Failed syncs"), SyncRun, {"state": "failed"}),
}
# Findings that a backfill ends.
BACKFILL = ("gap", "account_known")


@dataclass(frozen=True)
class ShownFinding:
    """A finding on the page."""

    code: str
    pill: SafeString
    what: str
    do: str
    since: SafeString | str
    link: SafeString | str
    # Which check it was, and when, where it isn't of now.
    check: str = ""
    checked: SafeString | str = ""


@dataclass(frozen=True)
class Section:
    """Findings under a heading."""

    title: str
    hint: str
    findings: list[ShownFinding]


@admin.register(HealthReport)
class HealthAdmin(ReadOnlyAdmin):
    """One page over all checks."""

    def get_urls(self) -> list[URLPattern]:
        check = path("check/", self.admin_site.admin_view(self.check_view), name="stripe_mirror_healthreport_check")
        return [check, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page. Our own tables are looked at now; of Stripe's side stands here what the worker found last."""
        self.demand_view(request)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Health"),
            "opts": self.model._meta,
            "sections": [our_side(request), stripe_side(request)],
            "check_url": display.admin_url(self.model, "check"),
            "zone": zone_name(),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "stripe_mirror/health.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """A single check has no page of its own."""
        self.demand_view(request)
        return HttpResponseRedirect(display.list_url(self.model))

    def check_view(self, request: HttpRequest) -> HttpResponse:
        """Check again: ours at once, what asks Stripe in the worker."""
        self.demand_view(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        report.store(report.LOCAL, report.check_local())
        background.enqueue("check_health_now")
        messages.info(
            request, _("Checking. What has to be asked from Stripe is here in a few seconds: reload the page.")
        )
        return HttpResponseRedirect(display.list_url(self.model))


def our_side(request: HttpRequest) -> Section:
    """What our own tables say at this moment."""
    findings = [_shown(request, finding) for finding in report.check_local()]
    return Section(_("Events, workers and queues"), _("Checked now"), findings)


def stripe_side(request: HttpRequest) -> Section:
    """What the worker found when it last asked Stripe, the worst first."""
    stored = [each for each in report.reports() if each.name != report.LOCAL]
    found = sorted(
        ((each, finding) for each in stored for finding in each.findings), key=lambda pair: ORDER[pair[1].level]
    )
    hint = "" if found else _("Not checked yet: the worker does it soon after it starts.")
    return Section(_("Stripe's side"), hint, [_shown(request, finding, each) for each, finding in found])


def _shown(request: HttpRequest, finding: Finding, stored: Report | None = None) -> ShownFinding:
    return ShownFinding(
        code=finding.code,
        pill=display.pill(str(WORDS[finding.level]), TONES[finding.level]),
        what=display.without_secrets(finding.what),
        do=display.without_secrets(finding.do),
        since=display.when(finding.since, zone=True) if finding.since else "",
        link=_link(request, finding) if finding.level is not Level.OK else "",
        check=str(TITLES.get(stored.name) or display.words(stored.name)) if stored else "",
        checked=display.when(stored.checked_at) if stored else "",
    )


def _link(request: HttpRequest, finding: Finding) -> SafeString | str:
    if finding.code in BACKFILL and request.user.has_perm("stripe_mirror.view_syncrun"):
        return display.link(_("Start a backfill"), display.admin_url(SyncRun, "backfill"))
    label, model, params = LINKS.get(finding.code, ("", None, {}))
    if model is None or not request.user.has_perm(f"stripe_mirror.view_{model._meta.model_name}"):
        return ""
    return display.link(label, display.list_url(model, params))
