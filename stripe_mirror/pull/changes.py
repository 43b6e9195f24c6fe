"""What changed between two states of an object, and the record of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from stripe_mirror.kinds import Kind
from stripe_mirror.models import Change


@dataclass(frozen=True)
class Origin:
    """Whose change it is, and how we know."""

    source: Change.Source
    push_id: UUID | None = None
    event_id: str = ""
    event_type: str = ""
    request_id: str = ""


def differences(old: dict[str, Any], new: dict[str, Any], *, prefix: str = "") -> dict[str, list[Any]]:
    """Field (dotted inside nested objects) to [old, new]; arrays stand whole."""
    found: dict[str, list[Any]] = {}
    for key in [*old, *(key for key in new if key not in old)]:
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        name = f"{prefix}{key}"
        if isinstance(before, dict) and isinstance(after, dict):
            found |= differences(before, after, prefix=f"{name}.")
        else:
            found[name] = [before, after]
    return found


def change(
    kind: Kind,
    id: str,
    action: Change.Action,
    *,
    fields: dict[str, list[Any]],
    version: int,
    happened_at: datetime,
    recorded_at: datetime,
    origin: Origin,
) -> Change:
    """An unsaved row of the history."""
    return Change(
        object_type=kind.object,
        object_id=id,
        action=action,
        fields=fields,
        version=version,
        happened_at=happened_at,
        recorded_at=recorded_at,
        source=origin.source,
        push_id=origin.push_id,
        event_id=origin.event_id,
        event_type=origin.event_type,
        request_id=origin.request_id,
    )
