"""What a mirrored schedule says of itself: its subscription, its phases, the end that it sets. Never fails on an odd
shape."""

from __future__ import annotations

from typing import Any

from stripe_mirror.models import StripeObject, Subscription
from stripe_mirror.push import moments, state

ACTIVE = "active"
# Only these can be released or cancelled.
RUNNING = ("not_started", ACTIVE)


def subscription_of(row: StripeObject) -> Subscription | None:
    """The subscription that it is about, also one that it has released; a bare one where it isn't mirrored."""
    found = state.look_up(row.data, ("subscription",)) or row.data.get("released_subscription")
    if not isinstance(found, str):
        return None
    return Subscription.objects.filter(pk=found).first() or Subscription(id=found, data={})


def phases_of(row: StripeObject) -> list[dict[str, Any]]:
    """Its phases that say when they begin, in their order."""
    held = row.data.get("phases")
    phases = held if isinstance(held, list) else []
    return [phase for phase in phases if isinstance(phase, dict) and isinstance(phase.get("start_date"), int)]


def begins(row: StripeObject) -> int | None:
    """When its first phase begins."""
    return next((int(phase["start_date"]) for phase in phases_of(row)), None)


def later_phases(row: StripeObject) -> list[dict[str, Any]]:
    """Those that are still to come."""
    return [phase for phase in phases_of(row) if phase["start_date"] > moments.now()]


def announced_end(row: StripeObject) -> int | None:
    """When it will cancel its subscription; None where it lets it go, or has none yet."""
    phases = phases_of(row)
    end = phases[-1].get("end_date") if phases else None
    cancels = row.data.get("end_behavior") == "cancel" and row.data.get("status") == ACTIVE
    return end if cancels and isinstance(end, int) else None
