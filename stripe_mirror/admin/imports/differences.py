"""The rows of an import as the page draws them: in Stripe now, in the file, and what that would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Import, ImportRow, StripeObject
from stripe_mirror.push.errors import ODD_SHAPE, PushError
from stripe_mirror.push.imports.staging import rows_of
from stripe_mirror.push.metadata import difference
from stripe_mirror.push.operation import Operation, get_operation
from stripe_mirror.push.planned import cleaned_form, filled

LONGEST = 400


@dataclass(frozen=True)
class Line:
    """One field of a row."""

    label: str
    now: str
    file: str
    effect: str
    tone: str


@dataclass(frozen=True)
class ShownRow:
    """One row of the file."""

    number: int
    object: SafeString
    lines: list[Line]
    # What else follows, in sentences.
    follows: list[str] = field(default_factory=list)
    # The column and the sentence.
    errors: list[tuple[str, str]] = field(default_factory=list)
    stale: bool = False


def shown_rows(upload: Import, rows: Sequence[ImportRow], stale: set[int]) -> list[ShownRow]:
    """Rows of a page."""
    operation = get_operation(upload.operation)
    model: Any = get_kind(upload.object_type).model
    found = model._default_manager.in_bulk([row.object_id for row in rows if row.object_id])
    cells = _cells(upload, [row for row in rows if row.errors])
    return [_shown(upload, operation, row, found, cells.get(row.number), row.number in stale) for row in rows]


def _shown(
    upload: Import,
    operation: Operation,
    row: ImportRow,
    found: Mapping[str, StripeObject],
    cells: Sequence[str] | None,
    stale: bool,
) -> ShownRow:
    held = found.get(row.object_id)
    name = display.row_link(held, row.object_id) if row.object_id else SafeString(_("new"))
    if row.errors:
        return ShownRow(row.number, name, _wrong_lines(upload, row, cells), errors=[(h, t) for h, t in row.errors])
    about = held or operation.new_row()
    cleaned = _cleaned(operation, about, row)
    lines = _made_lines(operation, about, cleaned) if _makes(operation) else _lines(operation, row)
    return ShownRow(row.number, name, lines, _follows(operation, about, cleaned), stale=stale)


def _makes(operation: Operation) -> bool:
    return operation.creates or operation.adds


def _cleaned(operation: Operation, about: StripeObject, row: ImportRow) -> Mapping[str, Any] | None:
    try:
        return cleaned_form(operation, about, filled(operation, about, row.form))
    except (PushError, *ODD_SHAPE):
        # It has changed meanwhile, so that it doesn't fit any more; running the job says so, too.
        return None


def _follows(operation: Operation, about: StripeObject, cleaned: Mapping[str, Any] | None) -> list[str]:
    if cleaned is None:
        return []
    try:
        effects = operation.effects(about, cleaned, None)
    except (PushError, *ODD_SHAPE):
        return []
    return [*map(str, effects.follows), *([str(effects.final)] if effects.final and not _makes(operation) else [])]


def _made_lines(operation: Operation, about: StripeObject, cleaned: Mapping[str, Any] | None) -> list[Line]:
    """What it will be, as the operation says it."""
    if cleaned is None:
        return []
    try:
        sentences = operation.summary(about, cleaned)
    except (PushError, *ODD_SHAPE):
        return []
    return [Line("", "", _short(text), _("created"), "success") for text in sentences]


def _lines(operation: Operation, row: ImportRow) -> list[Line]:
    lines = []
    for name, new in row.form.items():
        old = row.opened.get(name)
        if name == "metadata":
            held = old if isinstance(old, Mapping) else {}
            for key, value in difference(held, new).items():
                label = _("Metadata “%(key)s”") % {"key": key}
                lines.append(_line(label, held.get(key, ""), value))
            continue
        label = str(operation.form_class.base_fields[name].label or name)
        lines.append(_line(label, _words(operation, name, old), _words(operation, name, new)))
    return lines


def _line(label: str, now: str, file: str) -> Line:
    if not file:
        return Line(label, _short(now), "", _("cleared"), "warning")
    effect, tone = (_("changed"), "info") if now else (_("set"), "success")
    return Line(label, _short(now), _short(file), effect, tone)


def _words(operation: Operation, name: str, value: Any) -> str:
    """A form's value as people read it."""
    in_words = getattr(operation, "in_words", None)
    said = in_words(name, value) if in_words else value
    if isinstance(said, bool):
        return _("Yes") if said else _("No")
    if isinstance(said, list):
        return ", ".join(map(str, said))
    return "" if said is None else str(said)


def _wrong_lines(upload: Import, row: ImportRow, cells: Sequence[str] | None) -> list[Line]:
    """The cells of the columns that have errors."""
    if cells is None:
        return []
    places = {header: place for place, header in enumerate(upload.headers)}
    named = [header for header, _text in row.errors if header in places]
    return [Line(header, "", _short(cells[places[header]]), "", "") for header in dict.fromkeys(named)]


def _cells(upload: Import, rows: Sequence[ImportRow]) -> dict[int, Sequence[str]]:
    """The cells of these rows, by their numbers."""
    wanted = {row.number for row in rows}
    parts = {row.part for row in rows}
    return {number: cells for part in parts for number, cells in rows_of(upload, part) if number in wanted}


def _short(text: str) -> str:
    text = display.without_secrets(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
