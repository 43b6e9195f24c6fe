"""How operations' forms are drawn: inputs that fit the page, fields in groups, and metadata as a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.forms.utils import flatatt
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin.detail import zone_name
from stripe_mirror.push.metadata import MAX_KEY_LENGTH, MAX_VALUE_LENGTH, MetadataField, MetadataWidget
from stripe_mirror.push.operation import OperationForm

# Fields that belong together, by the beginning of their names; the others come first, without a heading.
PREFIXES = (
    ("address_", _("Billing address")),
    ("shipping_", _("Shipping")),
    ("metadata", _("Metadata")),
    ("reason", _("For our log")),
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


class QuickSelect(forms.Select):
    """A drop-down that is written at once: Django renders a template per option, and there are 250 countries."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        chosen = set(self.format_value(value))
        inside = SafeString("".join(self._written(one, label, chosen) for one, label in self.choices))
        return format_html(
            '<select name="{}"{}>{}</select>', name, flatatt(self.build_attrs(self.attrs, attrs)), inside
        )

    def _written(self, value: Any, label: Any, chosen: set[str]) -> SafeString:
        if isinstance(label, list | tuple):
            options = SafeString("".join(self._written(one, words, chosen) for one, words in label))
            return format_html('<optgroup label="{}">{}</optgroup>', value, options)
        text = "" if value is None else str(value)
        return _option(text, str(label), selected=text in chosen)


@lru_cache(maxsize=4096)
def _option(value: str, label: str, *, selected: bool) -> SafeString:
    """A page has hundreds, the same each time."""
    return format_html('<option value="{}"{}>{}</option>', value, SafeString(" selected" if selected else ""), label)


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
            zone = gettext("Time zone: %(zone)s.") % {"zone": zone_name()}
            field.help_text = f"{field.help_text} {zone}".strip()
        elif type(field.widget) is forms.Select:
            quick = QuickSelect(attrs=field.widget.attrs, choices=field.widget.choices)
            quick.is_required = field.widget.is_required
            field.widget = quick
    return form


def field_groups(form: OperationForm) -> list[FieldGroup]:
    """The form's fields as they stand on the page."""
    grouped: dict[str, list[BoundField]] = {"": [], **{str(title): [] for _prefix, title in PREFIXES}}
    for field in form.visible_fields():
        title = next((str(title) for prefix, title in PREFIXES if field.name.startswith(prefix)), "")
        grouped[title].append(field)
    return [FieldGroup(title, fields) for title, fields in grouped.items() if fields]
