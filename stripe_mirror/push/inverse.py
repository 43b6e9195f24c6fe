"""How a push that is done is undone: by which operation on which row."""

from __future__ import annotations

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push.effects import Undo
from stripe_mirror.push.errors import ODD_SHAPE
from stripe_mirror.push.operation import Operation, get_operation


def inverse_of(push: Push) -> tuple[Undo | None, Operation | None, StripeObject | None]:
    """The inverse, its operation and the mirrored row; three times None where there is none (any more)."""
    if push.state != Push.State.DONE:
        return None, None, None
    try:
        undo = get_operation(push.operation).undo(push)
        inverse = get_operation(undo.operation) if undo else None
    except (KeyError, *ODD_SHAPE):
        return None, None, None
    if undo is None or inverse is None:
        return None, None, None
    kind = get_kind(undo.object_type or push.object_type)
    row = kind.model._default_manager.filter(pk=undo.object_id or push.object_id, deleted_at=None).first()
    return undo, inverse, row
