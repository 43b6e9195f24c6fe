"""Every difference from Stripe that was found, and the page that proves the others equal."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, detail, display
from stripe_mirror.admin.columns import Column, FactGroup
from stripe_mirror.admin.filters import ObjectTypeFilter, StateFilter
from stripe_mirror.admin.inbox import OBJECT
from stripe_mirror.admin.proof import nature_pill, proof, shown
from stripe_mirror.admin.read_only import READING, ReadOnlyAdmin
from stripe_mirror.background import enqueue
from stripe_mirror.kinds import Kind, all_kinds, kind_of
from stripe_mirror.models import Difference
from stripe_mirror.pull.reconcile_repair import repair
from stripe_mirror.pull.reconcile_rounds import ask, compared_kinds

TONES = {"open": "danger", "repaired": "success", "equal": "success"}
RUN = "stripe_mirror.run_reconcile"


class OutcomeFilter(StateFilter):
    """What became of it."""

    title = "outcome"
    parameter_name = "outcome"


def outcome_pill(row: Any) -> Any:
    """What became of it."""
    return display.pill(display.words(row.get_outcome_display()), TONES.get(row.outcome, "neutral"))


def by(row: Any) -> str:
    """Who repaired it."""
    if row.outcome != Difference.Outcome.REPAIRED:
        return ""
    return str(row.repaired_by) if row.repaired_by else _("Schedule or command")


NATURE = Column("nature_words", gettext_lazy("Difference"), nature_pill)
OUTCOME = Column("outcome_words", gettext_lazy("Outcome"), outcome_pill)
KIND = columns.made(gettext_lazy("Kind"), lambda row: display.kind_words(row.object_type))


@admin.register(Difference)
class DifferenceAdmin(ReadOnlyAdmin):
    """What differed, when, and how it ended."""

    detail_template = "stripe_mirror/difference.html"
    proof_template = "stripe_mirror/proof.html"
    list_display = (
        OBJECT,
        KIND,
        NATURE,
        OUTCOME,
        columns.made(gettext_lazy("Fields"), lambda row: ", ".join(sorted(row.fields)[:4])),
        columns.moment("found_at", gettext_lazy("Found")),
        columns.moment("repaired_at", gettext_lazy("Ended")),
        columns.made(gettext_lazy("By"), by),
    )
    list_select_related = ("repaired_by",)
    list_filter = (OutcomeFilter, ObjectTypeFilter)
    search_exact = ("object_id",)
    search_help_text = gettext_lazy("Id of an object")
    facts = (
        FactGroup(
            title=gettext_lazy("Difference"),
            facts=(
                OBJECT,
                KIND,
                NATURE,
                OUTCOME,
                columns.text("likely_why", gettext_lazy("Likely why")),
                columns.moment("found_at", gettext_lazy("Found")),
                columns.moment("repaired_at", gettext_lazy("Ended")),
                columns.made(gettext_lazy("Repaired by"), by),
                columns.text("note"),
                columns.relation("run", gettext_lazy("Comparison")),
            ),
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "stripe_mirror_difference"
        return [
            path("proof/", wrap(self.proof_view), name=f"{name}_proof"),
            path("proof/compare/<str:object_type>/", wrap(self.compare_view), name=f"{name}_compare"),
            path("proof/repair/<str:object_type>/", wrap(self.repair_kind_view), name=f"{name}_repair_kind"),
            path("<int:difference_id>/repair/", wrap(self.repair_view), name=f"{name}_repair"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Without the kinds that this person may not see."""
        hidden = [kind.object for kind in all_kinds() if not detail.may_view(request.user, kind.object)]
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.exclude(object_type__in=hidden) if hidden else rows

    def heading(self, row: Any) -> str:
        return f"{display.words(row.get_nature_display())}: {row.object_id}"

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        may = request.user.has_perm(RUN) and row.outcome == Difference.Outcome.OPEN
        url = display.admin_url(Difference, "repair", row.pk) if may else ""
        found = shown(row)
        return {**super().page_context(request, row), "status": outcome_pill(row), "found": found, "repair_url": url}

    # --- Proof of sync ------------------------------------------------------------------------------------------

    def proof_view(self, request: HttpRequest) -> HttpResponse:
        """The page."""
        if request.method not in READING:
            return HttpResponseNotAllowed(READING)
        self.demand_view(request)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Proof of sync"),
            "opts": self.opts,
            "zone": detail.zone_name(),
            **proof(request),
        }
        return TemplateResponse(request, self.proof_template, context)

    def compare_view(self, request: HttpRequest, object_type: str) -> HttpResponse:
        """Compare a kind as a whole, now; or all that this person may see."""
        if refusal := self._refusal(request, object_type):
            return refusal
        seen = [kind for kind in compared_kinds() if detail.may_view(request.user, kind.object)]
        kinds = [kind for kind in seen if object_type in ("all", kind.object)]
        if not kinds:
            return self._back(request, "warning", _("There is no such kind; nothing was started."))
        for kind in kinds:
            enqueue("run_reconcile", str(ask(kind, by=request.user.get_username()).pk))
        what = _("every kind") if object_type == "all" else _plural(kinds[0])
        return self._back(
            request,
            "success",
            _("Comparing %(what)s with Stripe. Reload this page to see how far it is.") % {"what": what},
        )

    def repair_view(self, request: HttpRequest, difference_id: int) -> HttpResponse:
        """Store what Stripe says of one object."""
        difference = Difference.objects.filter(pk=difference_id).first()
        if refusal := self._refusal(request, difference.object_type if difference else ""):
            return refusal
        if difference is None:
            return self.missing(request, str(difference_id))
        ended = repair(difference, user_id=request.user.pk, patient=False)
        return self._back(request, "success" if ended else "error", f"{difference.object_id}: {difference.note}")

    def repair_kind_view(self, request: HttpRequest, object_type: str) -> HttpResponse:
        """Store what Stripe says of every object of a kind that differs; the worker does it."""
        if refusal := self._refusal(request, object_type):
            return refusal
        kind = kind_of(object_type)
        if kind is None:
            return self._back(request, "warning", _("There is no such kind; nothing was started."))
        # Also what failed before: whoever asks again has mended why.
        Difference.objects.filter(object_type=object_type, outcome=Difference.Outcome.OPEN).update(note="")
        enqueue("repair_differences", object_type, str(request.user.pk))
        return self._back(
            request,
            "success",
            _("Repairing %(what)s. Reload this page to see how far it is.") % {"what": _plural(kind)},
        )

    def _refusal(self, request: HttpRequest, object_type: str) -> HttpResponse | None:
        """Who compares or repairs learns what objects of the kind look like."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(RUN):
            raise PermissionDenied
        if kind_of(object_type) and not detail.may_view(request.user, object_type):
            raise PermissionDenied
        return None

    def _back(self, request: HttpRequest, level: str, message: str) -> HttpResponse:
        getattr(messages, level)(request, display.without_secrets(message))
        return HttpResponseRedirect(reverse("admin:stripe_mirror_difference_proof"))


def _plural(kind: Kind) -> str:
    return str(kind.model._meta.verbose_name_plural)
