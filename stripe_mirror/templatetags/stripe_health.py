"""The health badge in the header of every page. Imports nothing of the admin: template tags are loaded before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stripe_mirror.inbox.health import report
from stripe_mirror.inbox.health.finding import Level

register = template.Library()
PAGE = "admin:stripe_mirror_healthreport_changelist"
TONES = {Level.OK: "success", Level.WARNING: "warning", Level.PROBLEM: "danger"}


@dataclass(frozen=True)
class Badge:
    """A few words in a colour, and where they lead, for who may go there."""

    text: str
    tone: str
    title: str
    url: str


@register.inclusion_tag("stripe_mirror/health_badge.html", takes_context=True)
def health_badge(context: dict[str, Any]) -> dict[str, Any]:
    """How the mirror is, in a word and a colour."""
    return {"badge": badge_for(context["request"])}


def badge_for(request: HttpRequest) -> Badge | None:
    """For the header of every page; None for who is not signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_active or not user.is_staff:
        return None
    found = report.summary()
    text, title = _words(found)
    may = user.has_perm("stripe_mirror.view_healthreport")
    return Badge(text, TONES[found.level], title, reverse(PAGE) if may else "")


def _words(found: report.Summary) -> tuple[str, str]:
    problems = ngettext("%(n)s problem", "%(n)s problems", found.problems) % {"n": found.problems}
    warnings = ngettext("%(n)s warning", "%(n)s warnings", found.warnings) % {"n": found.warnings}
    parts = [said for said, number in ((problems, found.problems), (warnings, found.warnings)) if number]
    if not parts:
        return _("Healthy"), _("Everything that is checked is well.")
    return parts[0], _("Health of the mirror: %(found)s.") % {"found": _(" and ").join(parts)}
