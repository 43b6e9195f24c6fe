"""How a push is named and its outcome shown."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from stripe_mirror.admin import display
from stripe_mirror.models import Push
from stripe_mirror.push.operation import get_operation

TONES = {"done": "success", "refused": "danger", "unknown": "warning", "sending": "info", "waiting": "warning"}


def state_pill(row: Any) -> Any:
    """What is known of its effect."""
    return display.pill(display.words(row.get_state_display()), TONES.get(row.state, "neutral"))


def operation_label(name: str) -> str:
    """The operation in words; one that no longer exists reads as it was stored."""
    try:
        return str(get_operation(name).label)
    except KeyError:
        return display.words(name)


def activity_url(request: HttpRequest, row: Any) -> str:
    """The log of what staff did to one mirrored object; "" for who may not read it."""
    about = {"object_type": row.kind.object, "object_id": row.pk}
    return display.list_url(Push, about) if request.user.has_perm("stripe_mirror.view_push") else ""
