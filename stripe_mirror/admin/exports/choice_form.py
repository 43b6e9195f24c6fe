"""What somebody chooses about a file, as a form: which columns, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin.exports.columns import Column
from stripe_mirror.admin.exports.options import SEPARATORS, ExportOptions
from stripe_mirror.admin.preferences import ZoneField

FORMATS = (
    ("csv", gettext_lazy("CSV")),
    ("xlsx", gettext_lazy("Excel (XLSX)")),
    ("jsonl", gettext_lazy("JSON Lines, for programs")),
)


class ChoiceForm(forms.Form):
    """Its fields' names are those of a remembered choice, too."""

    which = forms.ChoiceField(
        label=gettext_lazy("Columns"),
        choices=(
            ("default", gettext_lazy("The usual ones")),
            ("all", gettext_lazy("All")),
            ("chosen", gettext_lazy("As ticked")),
        ),
        widget=forms.RadioSelect,
    )
    column = forms.MultipleChoiceField(required=False)
    format = forms.ChoiceField(label=gettext_lazy("Format"), choices=FORMATS)
    separator = forms.ChoiceField(
        label=gettext_lazy("Between the cells"),
        choices=(
            ("comma", gettext_lazy("Comma")),
            ("semicolon", gettext_lazy("Semicolon, for Excel in most of Europe")),
            ("tab", gettext_lazy("Tab")),
        ),
    )
    bom = forms.BooleanField(
        label=gettext_lazy("Opens in Excel with a double click"),
        required=False,
        help_text=gettext_lazy(
            "A mark at the beginning tells Excel that the file is UTF-8; some programs stumble over it."
        ),
    )
    amounts = forms.ChoiceField(
        label=gettext_lazy("Amounts"),
        choices=(
            ("major", gettext_lazy("As people write them: 12.50")),
            ("minor", gettext_lazy("In the smallest unit, as Stripe has them: 1250")),
        ),
    )
    time_zone = ZoneField(label=gettext_lazy("Time zone"), required=False, max_length=64)

    def __init__(self, *args: Any, offered: Sequence[Column], **options: Any) -> None:
        super().__init__(*args, **options)
        self.offered = offered
        column = self.fields["column"]
        assert isinstance(column, forms.MultipleChoiceField)
        column.choices = [(one.name, one.name) for one in offered]
        self.fields["time_zone"].widget.attrs |= {"list": "zones", "autocomplete": "off", "spellcheck": "false"}
        self.fields["time_zone"].widget.attrs["placeholder"] = settings.TIME_ZONE

    def clean(self) -> dict[str, Any]:
        """At least one column."""
        cleaned = super().clean() or {}
        if cleaned.get("which") == "chosen" and not cleaned.get("column"):
            self.add_error("which", _("Tick at least one column."))
        return cleaned

    @property
    def names(self) -> tuple[str, ...]:
        """The chosen columns, in the order in which they are offered."""
        return chosen_names(self.offered, self.cleaned_data["which"], self.cleaned_data["column"])

    def options(self) -> ExportOptions:
        """The choice as the writer needs it; only of a valid form."""
        chosen = self.cleaned_data
        return ExportOptions(
            columns=self.names,
            format=chosen["format"],
            timezone=chosen["time_zone"] or settings.TIME_ZONE,
            minor_units=chosen["amounts"] == "minor",
            bom=chosen["bom"],
            separator=SEPARATORS[chosen["separator"]],
        )


def chosen_names(offered: Iterable[Column], which: str, ticked: Iterable[str]) -> tuple[str, ...]:
    """The columns that a choice stands for."""
    kept = set(ticked)
    if which == "all":
        return tuple(column.name for column in offered)
    if which == "default":
        return tuple(column.name for column in offered if column.default)
    return tuple(column.name for column in offered if column.name in kept)


def initial_of(options: ExportOptions, which: str) -> Mapping[str, Any]:
    """The form of earlier options."""
    names = {sign: name for name, sign in SEPARATORS.items()}
    return {
        "which": which,
        "column": list(options.columns),
        "format": options.format,
        "separator": names.get(options.separator, "comma"),
        "bom": options.bom,
        "amounts": "minor" if options.minor_units else "major",
        "time_zone": options.timezone,
    }
