"""The form field for Stripe's metadata: a table of keys and values, as a dict. Works without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.push import state

# Stripe's limits: https://docs.stripe.com/api/metadata
MAX_KEYS = 50
MAX_KEY_LENGTH = 40
MAX_VALUE_LENGTH = 500
# Empty rows below the present ones.
SPARE_ROWS = 3


class Table(dict[str, str]):
    """A dict read from a form, with the keys that were written twice: only one of them could be sent."""

    repeated: tuple[str, ...] = ()


class MetadataWidget(forms.Widget):
    """Rows of two inputs named `<field>-key` and `<field>-value`; the admin may render `rows` its own way."""

    def rows(self, value: Any) -> list[tuple[str, str]]:
        """The present pairs and a few empty ones."""
        pairs = list(value.items()) if isinstance(value, Mapping) else []
        return [*pairs, *[("", "")] * min(SPARE_ROWS, max(0, MAX_KEYS - len(pairs)))]

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """A plain table of inputs."""
        body = format_html_join(
            "",
            '<tr><td><input name="{0}-key" value="{1}" maxlength="{3}" aria-label="{5}"></td>'
            '<td><textarea name="{0}-value" rows="1" maxlength="{4}" aria-label="{6}">\n{2}</textarea></td></tr>',
            (
                (name, key, text, MAX_KEY_LENGTH, MAX_VALUE_LENGTH, _("Key"), _("Value"))
                for key, text in self.rows(value)
            ),
        )
        return format_html(
            '<table class="metadata" id="{}"><thead><tr><th>{}</th><th>{}</th></tr></thead><tbody>{}</tbody></table>',
            (attrs or {}).get("id", f"id_{name}"),
            _("Key"),
            _("Value"),
            body,
        )

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Table:
        """The table as a dict, from a posted form or from a stored one; a row without key or value is left out."""
        if isinstance(stored := data.get(name), Mapping):
            return Table(stored)
        if not hasattr(data, "getlist"):
            return Table()
        table, repeated = Table(), []
        for key, text in zip(data.getlist(f"{name}-key"), data.getlist(f"{name}-value"), strict=False):
            if (key := key.strip()) and text.strip():
                repeated += [key] if key in table else []
                table[key] = text.replace("\r\n", "\n")
        table.repeated = tuple(repeated)
        return table

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """An empty table is a value: everything is to be cleared."""
        return name not in data and f"{name}-key" not in data


class MetadataField(forms.Field):
    """Gives a dict of strings within Stripe's limits; an emptied value removes its key."""

    widget = MetadataWidget

    def to_python(self, value: Any) -> Table:
        """The table, or an empty one."""
        return value if isinstance(value, Table) else Table(value or {})

    def validate(self, value: Any) -> None:
        """Say which entry breaks which of Stripe's limits."""
        errors = [_("The key “%(key)s” stands in two rows.") % {"key": key} for key in value.repeated]
        if len(value) > MAX_KEYS:
            errors.append(
                _("Stripe keeps at most %(most)s keys; these are %(count)s.") % {"most": MAX_KEYS, "count": len(value)}
            )
        for key, text in value.items():
            errors += _errors_of(key, text)
        if errors:
            raise ValidationError(errors)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare as dicts."""
        return dict(initial or {}) != dict(data or {})


def _errors_of(key: str, text: str) -> list[str]:
    errors = []
    if len(key) > MAX_KEY_LENGTH:
        errors.append(_("The key “%(key)s” is longer than %(most)s characters.") % {"key": key, "most": MAX_KEY_LENGTH})
    if "[" in key or "]" in key:
        errors.append(_("The key “%(key)s” contains a square bracket, which Stripe does not take.") % {"key": key})
    if len(text) > MAX_VALUE_LENGTH:
        errors.append(
            _("The value of “%(key)s” is longer than %(most)s characters.") % {"key": key, "most": MAX_VALUE_LENGTH}
        )
    return errors


def difference(present: Mapping[str, str], wanted: Mapping[str, str]) -> dict[str, str]:
    """Key by key, so that keys that somebody adds meanwhile stay; "" deletes one."""
    changed = {key: value for key, value in wanted.items() if not state.same(present.get(key), value)}
    return {**changed, **dict.fromkeys(sorted(present.keys() - wanted.keys()), "")}
