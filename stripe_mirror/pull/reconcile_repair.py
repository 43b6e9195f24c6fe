"""Ends a difference: reads the object from Stripe once more and stores what it says, by the one path of every read."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.utils import timezone

from stripe_mirror.kinds import kind_of
from stripe_mirror.models import Difference
from stripe_mirror.pull.fetch import Overtaken, Unreachable, fetch_now
from stripe_mirror.pull.rows import Applied, Outcome
from stripe_mirror.stripe_api.errors import StripeFailure

logger = logging.getLogger(__name__)
BATCH = 100
WORDS = {
    Outcome.CREATED: "Stored as Stripe has it.",
    Outcome.CHANGED: "Brought to Stripe's state.",
    Outcome.UNCHANGED: "Equal by now: nothing had to be changed.",
}


def repair(difference: Difference, *, user_id: Any = None, patient: bool = True) -> bool:
    """Store Stripe's state of the object; whether the difference is ended. Failures are noted, not raised."""
    difference.refresh_from_db()
    if difference.outcome != Difference.Outcome.OPEN:
        return True
    kind = kind_of(difference.object_type)
    if kind is None:
        return _failed(difference, f"{difference.object_type} is not mirrored any more.")
    held = kind.model._default_manager.filter(pk=difference.object_id).values_list("data", flat=True).first()
    near = {**(held or {}), **difference.near}
    try:
        applied = fetch_now(kind, difference.object_id, near=near, patient=patient)
    except Unreachable as failure:
        return _failed(difference, f"{failure} Sync its kind.")
    except (StripeFailure, Overtaken) as failure:
        return _failed(difference, str(failure))
    except Exception as error:
        # Whatever it is, the others of the kind are to be repaired, and the page is to answer.
        logger.exception("%s could not be repaired.", difference)
        return _failed(difference, f"{type(error).__name__} while it was repaired; see the log of that time.")
    return _ended(difference, applied, user_id)


def repair_kind(object_type: str, *, user_id: Any, seconds: float) -> bool:
    """Repair the open differences of a kind that were not tried yet, for a while; whether some are left."""
    began = time.monotonic()
    waiting = Difference.objects.filter(outcome=Difference.Outcome.OPEN, object_type=object_type, note="")
    for difference in waiting.order_by("pk")[:BATCH]:
        if time.monotonic() - began > seconds:
            return True
        repair(difference, user_id=user_id)
    return waiting.exists()


def _ended(difference: Difference, applied: Applied | None, user_id: Any) -> bool:
    equal = applied is None or applied.outcome is Outcome.UNCHANGED
    note = WORDS[applied.outcome] if applied else "Neither Stripe nor the mirror has it any more."
    if not equal and difference.nature == Difference.Nature.MISSING_IN_STRIPE:
        note = "Marked deleted; its last state stays."
    return _save(
        difference,
        outcome=Difference.Outcome.EQUAL if equal else Difference.Outcome.REPAIRED,
        repaired_at=timezone.now(),
        repaired_by_id=None if equal else user_id,
        note=note,
    )


def _failed(difference: Difference, why: str) -> bool:
    _save(difference, note=f"Not repaired: {why}")
    return False


def _save(difference: Difference, **values: Any) -> bool:
    for name, value in values.items():
        setattr(difference, name, value)
    difference.save(update_fields=[name.removesuffix("_id") for name in values])
    return True
