"""Scheduled exports: each runs once at its time, however many workers look, and once after any pause of theirs."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.admin.exports.access import may_schedule, why_not
from stripe_mirror.admin.exports.running import run_again
from stripe_mirror.admin.exports.schedule import Rhythm, next_run
from stripe_mirror.language import log_language
from stripe_mirror.models import SavedExport


def rhythm_of(saved: SavedExport) -> Rhythm:
    """How often it runs; by TIME_ZONE where its zone has left the IANA database."""
    try:
        zone = ZoneInfo(saved.time_zone)
    except (KeyError, ValueError, OSError):
        zone = ZoneInfo(settings.TIME_ZONE)
    return Rhythm(schedule=saved.schedule, hour=saved.hour, weekday=saved.weekday, day=saved.day, zone=zone)


def plan(saved: SavedExport, *, after: datetime | None = None) -> None:
    """Set when it runs next, and that nothing is in its way; the caller saves it."""
    saved.next_run_at = next_run(rhythm_of(saved), after or timezone.now())
    saved.paused_reason = ""


@log_language()
def run_due() -> int:
    """Begin those whose time has come, or pause those that may not run; how many files were asked for."""
    due = SavedExport.objects.filter(next_run_at__lte=timezone.now()).select_related("owner").order_by("next_run_at")
    return sum(_run(saved) for saved in due[:100])


def _run(saved: SavedExport) -> bool:
    """What was missed while no worker ran is made up for by one run: the next is later than now."""
    reason = why_paused(saved)
    following = None if reason else next_run(rhythm_of(saved), timezone.now())
    with transaction.atomic():
        # Of several workers one changes the row, and only that one asks for a file.
        mine = SavedExport.objects.filter(pk=saved.pk, next_run_at=saved.next_run_at)
        if not mine.update(next_run_at=following, paused_reason=reason) or reason:
            return False
        run_again(saved, scheduled=True)
    return True


def why_paused(saved: SavedExport) -> str:
    """Why it may not run by itself (any more); "" where nothing is in the way."""
    if reason := why_not(saved.owner, saved.model_name):
        return reason
    if not may_schedule(saved.owner):
        return _("You may not have exports run by themselves (any more): that needs the permission schedule_export.")
    return ""
