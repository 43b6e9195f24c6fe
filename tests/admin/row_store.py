"""Writes rows of the mirror straight into the tables, for tests of what is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from stripe_mirror.kinds import get_kind

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SECOND = 1_780_000_000
DAY = 86_400


def store(payload: dict[str, Any], **columns: Any) -> Any:
    """The mirrored row of one Stripe object, read back with its derived columns."""
    payload = {"created": SECOND, "livemode": False, **payload}
    model = get_kind(payload["object"]).model
    fixed: dict[str, Any] = {"as_of": NOW, "synced_at": NOW, "changed_at": NOW} | columns
    model.objects.bulk_create([model(id=payload["id"], data=payload, **fixed)])
    return model.objects.get(pk=payload["id"])
