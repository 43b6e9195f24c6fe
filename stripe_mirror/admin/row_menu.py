"""What this person can do to a row of a small table, as a menu beside it. No query is made for any row."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.detail import RowMenu
from stripe_mirror.admin.operations import Button, operation_url
from stripe_mirror.models import StripeObject
from stripe_mirror.push.operation import Operation, may, operations_for


def menu_of(request: HttpRequest, row: Any) -> RowMenu | None:
    """The menu of a row; None where this person can do nothing to it.

    They are judged by the row alone; where more forbids one, its own page says so.
    """
    if not isinstance(row, StripeObject) or row.deleted_at:
        return None
    found = [button for about in _about(row) for button in _buttons(request, about)]
    title = display.name_of(row)
    return RowMenu(f"menu-{row.pk}", title, _("Actions for %(row)s") % {"row": title}, found) if found else None


def _about(row: Any) -> list[StripeObject]:
    """The row; money is given back to the charge of a payment."""
    charge = row._state.fields_cache.get("latest_charge") if row.kind.object == "payment_intent" else None
    return [row, charge] if charge is not None else [row]


def _buttons(request: HttpRequest, row: StripeObject) -> list[Button]:
    offered = [o for o in operations_for(row.kind.object) if not o.creates and may(request.user, o)]
    offered.sort(key=lambda operation: operation.danger)
    return [Button(o, operation_url(row, o), "") for o in offered if not _off(o, row)]


def _off(operation: Operation, row: StripeObject) -> str:
    try:
        return operation.why_not_at_a_glance(row)
    except display.ODD_SHAPE:
        return _("Stripe sent this object in a shape that isn't known here.")
