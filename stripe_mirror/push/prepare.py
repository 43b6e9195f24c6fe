"""Before anything is sent: the object as Stripe has it now, whether it may still be done, and the exact request."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.utils.translation import gettext as _

from stripe_mirror.models import Change, StripeObject
from stripe_mirror.pull.apply import Origin
from stripe_mirror.pull.fetch import Overtaken, fetch_now
from stripe_mirror.push import state
from stripe_mirror.push.errors import CantCheck, CantReach, Conflict, FieldConflict, NotAllowed, NothingToChange
from stripe_mirror.push.operation import Call, Operation
from stripe_mirror.push.secrets import scrubbed
from stripe_mirror.stripe_api.errors import Refused, StripeFailure


def read_fresh(row: StripeObject, *, patient: bool = False) -> StripeObject:
    """The row, after it was read from Stripe and applied. Raises CantCheck, or CantReach where it may work later."""
    try:
        known = fetch_now(row.kind, row.pk, origin=Origin(source=Change.Source.SYNC), patient=patient)
    except Refused as failure:
        raise CantCheck(
            _("Nothing was sent: Stripe refused to show the object. %(failure)s") % {"failure": scrubbed(str(failure))}
        ) from None
    except (StripeFailure, Overtaken) as failure:
        raise CantReach(
            _("Nothing was sent, because the object could not be read from Stripe first. %(failure)s")
            % {"failure": scrubbed(str(failure))}
        ) from None
    if known is None:
        raise CantCheck(_("Nothing was sent: Stripe has no such object."))
    fresh: StripeObject = type(row)._default_manager.get(pk=row.pk)
    return fresh


def checked_call(
    operation: Operation, fresh: StripeObject, *, cleaned: Mapping[str, Any], opened: Mapping[str, Any]
) -> Call:
    """The request for a freshly read row. Raises NotAllowed, Conflict or NothingToChange."""
    if reason := operation.why_not(fresh):
        raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": reason})
    shown = {name: value for name, value in opened.items() if name not in operation.decisions}
    merged, clashes = state.rebase(shown, operation.initial(fresh), cleaned)
    if clashes:
        _refuse_if_pointless(operation, fresh, cleaned)
        raise Conflict([_field_conflict(operation, clash) for clash in clashes])
    call = operation.plan(fresh, merged)
    return Call(call.method, call.path, ordered(call.params))


def _refuse_if_pointless(operation: Operation, fresh: StripeObject, cleaned: Mapping[str, Any]) -> None:
    """Nobody is asked to decide about what can't be done any more. Raises NotAllowed."""
    with suppress(NothingToChange):
        operation.plan(fresh, cleaned)


def _field_conflict(operation: Operation, clash: state.Clash) -> FieldConflict:
    field = operation.form_class.base_fields.get(clash.name)
    label = str(field.label or clash.name) if field else clash.name
    if clash.key:
        label = f"{label} “{clash.key}”"
    return FieldConflict(clash.name, clash.key, label, clash.was, clash.now, clash.yours)


def ordered(params: Mapping[str, Any]) -> dict[str, Any]:
    """Sorted at every depth: a retry must send what the first attempt sent, byte by byte, and a jsonb column sorts."""
    return {key: _ordered(params[key]) for key in sorted(params)}


def _ordered(value: Any) -> Any:
    if isinstance(value, Mapping):
        return ordered(value)
    return [_ordered(entry) for entry in value] if isinstance(value, list | tuple) else value
