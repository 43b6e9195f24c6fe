"""Takes back that a held state was reached by an unbroken chain of events. A part of `pull.apply`."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from stripe_mirror.kinds import Kind


def doubt(kind: Kind, id: str, second: datetime) -> None:
    """Before events of the held second are decided once more: what was applied then may not be applied again as news.

    An object that went A→B→A within a second would take "A→B" for its next change. In doubt it is read from Stripe.
    """
    rows = kind.model._default_manager.filter(pk=id, as_of=second, read_until=None)
    rows.update(read_until=F("as_of"))
