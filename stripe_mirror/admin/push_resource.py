"""The log of pushes as CSV: who, when, from where, why, before and after, how it ended, and who approved it."""

from __future__ import annotations

import json
from typing import Any

from import_export import fields, widgets

from stripe_mirror.admin.display import without_secrets
from stripe_mirror.admin.exports.cells import MomentCell, TextCell
from stripe_mirror.admin.exports.resources import StripeResource, declares
from stripe_mirror.admin.outcomes import operation_label
from stripe_mirror.admin.raw import masked
from stripe_mirror.models import Push


class IdCell(TextCell):
    """A UUID as text."""

    def render(self, value: object, obj: object = None, **kwargs: Any) -> str:
        """ "" where there is none."""
        return str(value or "")


class OperationCell(TextCell):
    """The operation as on its button."""

    def render(self, value: object, obj: object = None, **kwargs: Any) -> str:
        """Its label."""
        return operation_label(str(value))


class OutcomeCell(TextCell):
    """The state in words."""

    def render(self, value: object, obj: object = None, **kwargs: Any) -> str:
        """As on pages."""
        return str(dict(Push.State.choices).get(str(value), value))


class JsonCell(widgets.Widget):  # type: ignore[misc]
    """Fields and their values as one JSON text with sorted keys, without what opens doors; amounts in minor units."""

    def render(self, value: dict[str, Any], obj: object = None, **kwargs: Any) -> str:
        """ "" where there are none."""
        shown = {name: _masked(name, held) for name, held in value.items()}
        return without_secrets(json.dumps(shown, ensure_ascii=False, sort_keys=True)) if shown else ""


class ChangesCell(widgets.Widget):  # type: ignore[misc]
    """What it changed, a field after the other: "email: a → b; phone: (empty) → 1"."""

    def render(self, value: dict[str, Any], obj: Any = None, **kwargs: Any) -> str:
        """`value` is the state before; the row holds the one after."""
        after = obj.after or {}
        names = [name for name in sorted({**value, **after}) if value.get(name) != after.get(name)] if after else []
        return without_secrets("; ".join(f"{n}: {_text(n, value.get(n))} → {_text(n, after.get(n))}" for n in names))


def _masked(name: str, value: Any) -> Any:
    return masked(value, key=name.rsplit(".", 1)[-1])


def _text(name: str, value: Any) -> str:
    if value in (None, ""):
        return "(empty)"
    shown = _masked(name, value)
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False, sort_keys=True)


# Attribute, what it is called in the file where that isn't the attribute's name, and how it is written.
COLUMNS: tuple[tuple[str, str, type[widgets.Widget]], ...] = (
    ("id", "", IdCell),
    ("created_at", "", MomentCell),
    ("user_name", "", TextCell),
    ("user__username", "username", TextCell),
    ("ip_address", "", TextCell),
    ("operation", "", TextCell),
    ("object_type", "", TextCell),
    ("object_id", "", TextCell),
    ("job", "", IdCell),
    ("reason", "", TextCell),
    ("state", "outcome", OutcomeCell),
    ("message", "", TextCell),
    ("error_code", "", TextCell),
    ("request_id", "", TextCell),
    ("first_sent_at", "", MomentCell),
    ("finished_at", "", MomentCell),
    ("before", "", JsonCell),
    ("after", "", JsonCell),
    ("method", "", TextCell),
    ("path", "", TextCell),
    ("params", "sent", JsonCell),
    ("approval__decision", "approval", TextCell),
    ("approval__decided_by_name", "approval_by", TextCell),
    ("approval__decided_at", "approval_at", MomentCell),
    ("approval__ip_address", "approval_ip_address", TextCell),
    ("approval__reason", "approval_reason", TextCell),
)


def _fields() -> dict[str, fields.Field]:
    """A column each; two more for what can be said better than by one attribute."""
    made = {
        name or attribute: fields.Field(
            attribute=attribute, column_name=name or attribute, widget=widget(), readonly=True
        )
        for attribute, name, widget in COLUMNS
    }
    label = fields.Field(attribute="operation", column_name="operation_label", widget=OperationCell(), readonly=True)
    changes = fields.Field(attribute="before", column_name="changes", widget=ChangesCell(), readonly=True)
    return {**made, "operation_label": label, "changes": changes}


def _resource() -> type[StripeResource]:
    declared = _fields()
    order = [name or attribute for attribute, name, _ in COLUMNS]
    order.insert(order.index("operation") + 1, "operation_label")
    order.insert(order.index("before"), "changes")
    meta = type("Meta", (), {"model": Push, "fields": order, "export_order": order})
    made: type[StripeResource] = type("PushResource", (StripeResource,), {**declared, "Meta": meta})
    return made


PushResource = declares(Push)(_resource())
