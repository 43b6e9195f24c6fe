"""How operations' forms are drawn: inputs that fit the page, fields in groups, and metadata as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from stripe_mirror.admin.detail import zone_name
from stripe_mirror.push.metadata import MAX_KEY_LENGTH, MAX_VALUE_LENGTH, MetadataField, MetadataWidget
from stripe_mirror.push.operation import OperationForm

# Fields that belong together, by the beginning of their names; the others come first, without a heading.
PREFIXES = (
    ("address_", "Billing address"),
    ("shipping_", "Shipping"),
    ("metadata", "Metadata"),
    ("reason", "For our log"),
)


class MetadataTable(MetadataWidget):
    """Keys and values with buttons to add and remove rows; without scripts the empty rows serve."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        context = {
            "name": name,
            "rows": self.rows(value),
            "attrs": attrs or {},
            "longest_key": MAX_KEY_LENGTH,
            "longest_value": MAX_VALUE_LENGTH,
        }
        return render_to_string("stripe_mirror/metadata_widget.html", context)


@dataclass(frozen=True)
class FieldGroup:
    """Fields under a heading."""

    title: str
    fields: list[BoundField]


def dressed(form: OperationForm) -> OperationForm:
    """The form with the inputs that our pages draw."""
    for name, field in form.fields.items():
        if isinstance(form.fields[name], MetadataField):
            field.widget = MetadataTable()
        elif isinstance(field, forms.DateTimeField):
            field.widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
            field.help_text = f"{field.help_text} Time zone: {zone_name()}.".strip()
    return form


def field_groups(form: OperationForm) -> list[FieldGroup]:
    """The form's fields as they stand on the page."""
    grouped: dict[str, list[BoundField]] = {"": [], **{title: [] for _, title in PREFIXES}}
    for field in form.visible_fields():
        title = next((title for prefix, title in PREFIXES if field.name.startswith(prefix)), "")
        grouped[title].append(field)
    return [FieldGroup(title, fields) for title, fields in grouped.items() if fields]
