"""Why an object differs, as far as what we have tells: the sentence beside a difference."""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils.translation import gettext as _

from stripe_mirror.kinds import get_kind
from stripe_mirror.language import log_language
from stripe_mirror.models import Difference, InboxEvent
from stripe_mirror.pull.compare import Held as HeldState
from stripe_mirror.pull.compare import Mismatch, equal
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import StripeFailure

Nature = Difference.Nature
State = InboxEvent.State
# What the missing event would have been called.
VERBS = {Nature.MISSING_HERE: ".created", Nature.MISSING_IN_STRIPE: ".deleted", Nature.FIELDS: ".updated"}


class Reasons:
    """Finds the likely reason of each difference of one run; asks Stripe for the endpoints at most once."""

    def __init__(self) -> None:
        self._sent: set[str] | None = None
        self._asked = False

    @log_language()
    def why(self, one: Mismatch) -> str:
        """One sentence or two."""
        last = InboxEvent.objects.filter(object_id=one.id, object_type=one.kind.object).order_by("-created", "-id")
        stuck = last.filter(state__in=(State.FAILED, State.WAITING, State.RECEIVED, State.PARKED)).first()
        if stuck:
            return _stuck_words(stuck)
        if not _events(one):
            return _("Stripe sends no events for this kind: only a comparison or a sync notices its changes.")
        if missing := self._not_sent(one):
            return _("No enabled webhook endpoint in Stripe sends %(missing)s.") % {"missing": missing}
        return _by_last_event(one, last.first())

    def _not_sent(self, one: Mismatch) -> str:
        wanted = [name for name in _events(one) if name.endswith(VERBS[one.nature])]
        if not self._asked:
            self._asked, self._sent = True, _sent_types()
        if self._sent is None or "*" in self._sent:
            return ""
        return next((name for name in wanted if name not in (self._sent or ())), "")


def _events(one: Mismatch) -> tuple[str, ...]:
    """The events that tell of it: its own, or those of the object whose payload carries it."""
    if one.kind.events or not one.kind.parent:
        return one.kind.events
    return get_kind(one.kind.parent).events


def _by_last_event(one: Mismatch, last: InboxEvent | None) -> str:
    if last is None:
        return _("No event of this object ever reached us.")
    when = _text(last.created)
    if one.nature is Nature.MISSING_IN_STRIPE:
        return _("It was deleted in Stripe after the last event that reached us (%(type)s of %(when)s).") % {
            "type": last.type,
            "when": when,
        }
    told = last.payload.get("data", {}).get("object")
    if isinstance(told, dict) and equal(HeldState(told), one.state):
        return _(
            "Stripe's values are those of the last event that reached us (%(type)s of %(when)s): "
            "ours were changed by something else, here."
        ) % {"type": last.type, "when": when}
    return _("It changed in Stripe after the last event that reached us (%(type)s of %(when)s).") % {
        "type": last.type,
        "when": when,
    }


def _stuck_words(event: InboxEvent) -> str:
    state, when = event.get_state_display().lower(), _text(event.created)
    if event.reason:
        return _("The event %(type)s of %(when)s is %(state)s: %(reason)s") % {
            "type": event.type,
            "when": when,
            "state": state,
            "reason": event.reason,
        }
    return _("The event %(type)s of %(when)s is %(state)s.") % {"type": event.type, "when": when, "state": state}


def _sent_types() -> set[str] | None:
    """What the enabled endpoints send; None where it can't be known."""
    try:
        endpoints = [found for answer in read.list_pages("/v1/webhook_endpoints") for found in answer.body["data"]]
    except StripeFailure:
        return None
    # Without any, events may come another way.
    enabled = [found for found in endpoints if found.get("status") == "enabled"]
    return {name for found in enabled for name in found["enabled_events"]} if enabled else None


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
