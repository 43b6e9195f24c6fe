"""The form by which a file, or text, is brought for one of a kind's operations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin.imports.limits import MEGABYTE, MOST_BYTES
from stripe_mirror.admin.imports.reading import read_pasted, read_table
from stripe_mirror.models import Import
from stripe_mirror.push.imports.staging import MOST_ROWS, WrongFile, stage
from stripe_mirror.push.operation import Operation, get_operation

# What can be pasted: Django holds a form's texts in memory, at most 2.5 MB of them.
MOST_PASTED = MEGABYTE


class UploadForm(forms.Form):
    """Which operation, and the file or the text."""

    operation = forms.ChoiceField(label=gettext_lazy("What it does"), widget=forms.RadioSelect)
    file = forms.FileField(
        label=gettext_lazy("File"),
        required=False,
        # An empty one gets the reader's sentence.
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt,.xlsx,.jsonl"}),
    )
    text = forms.CharField(
        label=gettext_lazy("Or paste rows here"),
        required=False,
        strip=False,
        max_length=MOST_PASTED,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false"}),
        help_text=gettext_lazy("Copied from a spreadsheet, or as CSV. The first row holds the columns' names."),
    )

    def __init__(self, operations: list[Operation], user: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.user = user
        self.upload: Import | None = None
        choice = self.fields["operation"]
        choice.choices = [(o.name, o.label) for o in operations]  # type: ignore[attr-defined]
        choice.initial = operations[0].name
        self.fields["file"].help_text = _("CSV, XLSX or JSON Lines, up to %(size)s MB and %(rows)s rows.") % {
            "size": MOST_BYTES // MEGABYTE,
            "rows": f"{MOST_ROWS:,}",
        }

    def clean(self) -> dict[str, Any]:
        """Read it to its end: what is wrong with it is said here, and nothing of it is kept."""
        cleaned = super().clean() or {}
        file, text = cleaned.get("file"), cleaned.get("text") or ""
        if self.errors:
            return cleaned
        if (file is not None) == bool(text.strip()):
            self.add_error("file", _("Choose a file or paste rows, one of both."))
            return cleaned
        try:
            table = read_table(file, file.name) if file is not None else read_pasted(text)
            self.upload = stage(get_operation(cleaned["operation"]), table, owner=self.user)
        except WrongFile as wrong:
            self.add_error("file" if file is not None else "text", str(wrong))
        return cleaned
