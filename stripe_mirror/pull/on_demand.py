"""Reads one object because somebody asked for it: an id from a mail or from Stripe's Dashboard that is missing here."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from stripe_mirror.background import enqueue
from stripe_mirror.kinds import Kind
from stripe_mirror.pull.fetch import Overtaken, Unreachable, fetch_now
from stripe_mirror.stripe_api.errors import StripeFailure


@dataclass(frozen=True)
class Asked:
    """Whether the object is mirrored now, and the sentence that says so, or why not."""

    found: bool
    sentence: str


def fetch_on_demand(kind: Kind, id: str) -> Asked:
    """Read the object and store it; never raises for what Stripe answers. Not to be called in a transaction."""
    name = str(kind.model._meta.verbose_name)
    try:
        applied = fetch_now(kind, id, patient=False)
    except (StripeFailure, Overtaken) as failure:
        why = _("Sync its kind, or open the object that it belongs to.") if isinstance(failure, Unreachable) else ""
        return Asked(False, f"{failure} {why}".strip())
    if applied is None:
        return Asked(False, _("Stripe has no %(kind)s %(id)s in this account and mode.") % {"kind": name, "id": id})
    # What it belongs to follows: its page shows the bare ids until then.
    enqueue("fetch_missing_parents", kind.object, id)
    return Asked(True, _("The %(kind)s %(id)s was read from Stripe.") % {"kind": name, "id": id})
