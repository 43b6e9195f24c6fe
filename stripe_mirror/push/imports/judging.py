"""What the rows of a file would change, each judged against the mirrored row as it is now. Nothing is stored or sent.

Most rows of a file that somebody edited are as they were: they are found by comparing values. Only what differs is
judged by the operation's form and its own rules, exactly as if it were typed into that form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import ImportRow, StripeObject
from stripe_mirror.pull.storable import storable
from stripe_mirror.push import state
from stripe_mirror.push.errors import ODD_SHAPE, ODD_SHAPE_WORDS, NothingToChange, PushError
from stripe_mirror.push.imports.cells import MASK, LeaveAlone, Read, WrongCell, is_masked, reader
from stripe_mirror.push.imports.columns import CURRENCY, KEY, METADATA, VERSION, declared, needs_key
from stripe_mirror.push.imports.fitting import Fitting
from stripe_mirror.push.jobs_preview import at_stake, without_opening
from stripe_mirror.push.operation import Operation

# What edits look at of a mirrored row; the derived columns say nothing more, and take longer to read.
NEEDED = ("id", "data", "version", "deleted_at")
# A little less than what a spreadsheet's cell holds (32,767 characters): longer texts are cut off there.
LONGEST_SHEET_CELL = 32_000
# A row of a file: its number there, the header being 1, and its cells as text.
Row = tuple[int, Sequence[str]]


class DuplicateKey(Exception):
    """Two rows are about one object; the message is a sentence about the file."""


@dataclass(slots=True)
class Judged:
    """What would become of a row. Without `form` and `errors` it changes nothing."""

    number: int
    object_id: str = ""
    version: int = 0
    form: dict[str, Any] = field(default_factory=dict)
    opened: dict[str, Any] = field(default_factory=dict)
    # Each with its column's header, or "".
    errors: list[tuple[str, str]] = field(default_factory=list)
    # Minor units beside their currency, of a row that changes something.
    sums: list[tuple[int, str]] = field(default_factory=list)

    @property
    def state(self) -> str:
        """Of a row that is kept; "" for one without a difference."""
        if self.errors:
            return ImportRow.State.WRONG.value
        return ImportRow.State.CHANGED.value if self.form else ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column whose cells are read."""

    place: int
    header: str
    # The form's field, or the key of the metadata.
    name: str
    read: Read | None = None


class Judge:
    """Judges a file's rows, some hundred at a time. Remembers which objects it has seen."""

    def __init__(
        self, operation: Operation, headers: Sequence[str], targets: Sequence[str], *, minor_units: bool
    ) -> None:
        self.operation, self.headers, self.targets = operation, headers, targets
        self.makes = operation.creates or operation.adds
        self.model: Any = get_kind(operation.object_type).model
        self.fitting = Fitting(operation)
        self.columns = list(self._field_columns(minor_units))
        self.keys = [
            Column(place, headers[place], target.removeprefix(METADATA))
            for place, target in enumerate(targets)
            if target.startswith(METADATA)
        ]
        self.headed = {c.name: c.header for c in self.columns}
        self.seen: dict[str, int] = {}

    def _field_columns(self, minor_units: bool) -> Iterator[Column]:
        about, fields = declared(self.operation), self.operation.form_class.base_fields
        for place, target in enumerate(self.targets):
            if target in fields:
                read = reader(fields[target], minor_units=minor_units, values=about.values.get(target, {}))
                yield Column(place, self.headers[place], target, read)

    def _place(self, target: str) -> int | None:
        return self.targets.index(target) if target in self.targets else None

    def _header(self, target: str) -> str:
        return self.headers[self.targets.index(target)]

    def _cell(self, target: str, cells: Sequence[str]) -> str:
        place = self._place(target)
        return "" if place is None else cells[place].strip()

    def remember(self, rows: Sequence[Row]) -> None:
        """Note whose rows these are, without judging them. Raises DuplicateKey."""
        place = self._place(KEY)
        if place is None or self.makes:
            return
        for number, cells in rows:
            key = cells[place].strip()
            if key and (first := self.seen.setdefault(key, number)) != number:
                raise DuplicateKey(
                    _("The ID %(id)s stands in rows %(first)s and %(second)s: an object can have only one row.")
                    % {"id": key[:255], "first": first, "second": number}
                )

    def judge(self, rows: Sequence[Row]) -> Iterator[Judged]:
        """Each of these rows. Raises DuplicateKey."""
        self.remember(rows)
        place = self._place(KEY)
        if place is None:
            for number, cells in rows:
                yield self._made(Judged(number), self.operation.new_row(), cells)
            return
        ids = {cells[place].strip() for _number, cells in rows} - {""}
        rows_of_kind = self.model._default_manager.all() if self.makes else self.model._default_manager.only(*NEEDED)
        found = rows_of_kind.in_bulk([id for id in ids if "\0" not in id])
        for number, cells in rows:
            yield self._found(Judged(number, cells[place].strip()), found, cells)

    def _found(self, judged: Judged, found: Mapping[str, StripeObject], cells: Sequence[str]) -> Judged:
        header = self._header(KEY)
        noun = self.model._meta.verbose_name
        if not judged.object_id:
            judged.errors = [(header, _("The row doesn't say which %(noun)s it is about.") % {"noun": noun})]
            return judged
        row = found.get(judged.object_id)
        if row is None:
            judged.object_id = judged.object_id.replace("\0", "")[:255]
            judged.errors = [(header, _("There is no %(noun)s with this ID here.") % {"noun": noun})]
            return judged
        judged.version = row.version
        return self._made(judged, row, cells) if self.makes else self._edited(judged, row, cells)

    # --- What edits an object ---------------------------------------------------------------------------------------

    def _edited(self, judged: Judged, row: StripeObject, cells: Sequence[str]) -> Judged:
        present = self.operation.initial(row)
        values: dict[str, Any] = {}
        for column in self.columns:
            self._compare(judged, column, cells[column.place], present, values, row)
        if self.keys and "metadata" in present:
            table = self._table(values.get("metadata", present["metadata"]), cells)
            if table != present["metadata"] and not state.same(table, present["metadata"]):
                values["metadata"] = table
        if not values and not judged.errors:
            return judged
        judged.errors += self._guards(row, cells)
        return self._fitted(judged, row, present, values)

    def _compare(
        self,
        judged: Judged,
        column: Column,
        text: str,
        present: Mapping[str, Any],
        values: dict[str, Any],
        row: StripeObject,
    ) -> None:
        """Note a value that differs from the present one, or why it is none."""
        fixed = column.name not in present
        now = state.look_up(row.data, (column.name,)) if fixed else present[column.name]
        if text == now or _hides(text, now):
            return
        try:
            value = column.read(text) if column.read else text
        except LeaveAlone:
            return
        except WrongCell as wrong:
            judged.errors.append((column.header, str(wrong)))
            return
        if isinstance(now, dict) and isinstance(value, dict):
            value = _unmasked(value, now)
        # What no file can hold was replaced when it was exported.
        if state.same(now, value) or state.same(storable(now)[0], value):
            return
        if fixed:
            judged.errors.append((column.header, _("This can't be changed any more, as the object is now.")))
            return
        values[column.name] = value

    def _table(self, present: Mapping[str, str], cells: Sequence[str]) -> dict[str, str]:
        """The metadata with the keys that have columns as the row says; an empty cell removes its key."""
        table = dict(present)
        for column in self.keys:
            text, now = cells[column.place], table.get(column.name, "")
            if state.same(text, now) or _hides(text, now) or state.same(text, storable(now)[0]):
                continue
            if text.strip():
                table[column.name] = text.replace("\r\n", "\n").replace("\r", "\n")
            else:
                table.pop(column.name, None)
        return table

    def _guards(self, row: StripeObject, cells: Sequence[str]) -> list[tuple[str, str]]:
        """What the row says of the object it was exported from, where that isn't so (any more)."""
        errors = []
        then, now = self._cell(VERSION, cells), str(row.version)
        # Spreadsheets write 3 as 3.0.
        if then and then.removesuffix(".0") != now:
            said = _("It has changed since the file was exported (version %(then)s then, %(now)s now).")
            errors.append((self._header(VERSION), said % {"then": then[:20], "now": now}))
        file, held = self._cell(CURRENCY, cells), state.text(row.data.get("currency"))
        if file and held and file.casefold() != held.casefold():
            said = _("The file says %(file)s, in Stripe it is %(stripe)s.")
            errors.append((self._header(CURRENCY), said % {"file": file[:20].upper(), "stripe": held.upper()}))
        return errors

    # --- What makes one ---------------------------------------------------------------------------------------------

    def _made(self, judged: Judged, row: StripeObject, cells: Sequence[str]) -> Judged:
        values: dict[str, Any] = {}
        for column in self.columns:
            text = cells[column.place]
            if is_masked(text):
                judged.errors.append((column.header, _("This was hidden when it was exported. Write the value.")))
                continue
            try:
                values[column.name] = column.read(text) if column.read else text
            except LeaveAlone:
                values[column.name] = ""
            except WrongCell as wrong:
                judged.errors.append((column.header, str(wrong)))
        if table := self._table(values.get("metadata", {}), cells) if self.keys else {}:
            values["metadata"] = table
        return self._fitted(judged, row, self.operation.initial(row), values)

    # --- Both -------------------------------------------------------------------------------------------------------

    def _fitted(self, judged: Judged, row: StripeObject, present: Mapping[str, Any], values: dict[str, Any]) -> Judged:
        """Judge the values as the operation's own form does."""
        try:
            if reason := self.operation.why_not(row):
                judged.errors.append(("", reason))
                return judged
            cleaned, errors = self.fitting.fit(row, present, values)
            judged.errors += [(self.headed.get(name, self._metadata_header(name)), text) for name, text in errors]
            if judged.errors or cleaned is None:
                return judged
            self.operation.plan(row, cleaned)
        except NothingToChange:
            if self.makes:
                judged.errors.append(("", _("The row says nothing.")))
            return judged
        except PushError as error:
            judged.errors.append(("", without_opening(str(error))))
            return judged
        except ODD_SHAPE:
            judged.errors.append(("", str(ODD_SHAPE_WORDS)))
            return judged
        judged.form = values
        judged.opened = {} if self.makes else {name: present[name] for name in values}
        judged.sums = self.fitting.money(cleaned) if self.makes else at_stake(self.operation, row)
        return judged

    def _metadata_header(self, name: str) -> str:
        """Of an error about metadata whose keys have columns, the first one's."""
        return self.keys[0].header if name == "metadata" and self.keys else ""


def _hides(text: str, now: Any) -> bool:
    """Whether something was left out of the cell when it was exported, so that it is no value; a table says where."""
    if isinstance(now, dict):
        return text.strip() == MASK
    if len(text) > LONGEST_SHEET_CELL and isinstance(now, str) and now.startswith(text):
        return True
    return is_masked(text) and not (isinstance(now, str) and is_masked(now))


def _unmasked(table: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """A table of metadata whose hidden values are those that there are."""
    held = {key: now.get(key, "") if _hides(value, now.get(key, "")) else value for key, value in table.items()}
    return {key: value for key, value in held.items() if value}


def needs(operation: Operation, targets: Sequence[str]) -> str:
    """A sentence where a file whose columns are these can't be compared at all, else ""."""
    if needs_key(operation) and KEY not in targets:
        noun = get_kind(operation.object_type).model._meta.verbose_name
        return _("No column says which %(noun)s a row is about: match one with “ID of the %(noun)s”.") % {"noun": noun}
    named = [target for target in targets if target]
    if twice := next((target for target in named if named.count(target) > 1), ""):
        return _("Two columns are matched with “%(target)s”: choose one of them.") % {"target": label(operation, twice)}
    if not [target for target in named if target not in (KEY, VERSION, CURRENCY)]:
        return _("No column of this file is one that “%(label)s” can change.") % {"label": operation.label}
    return Fitting(operation).needs_currency(named)


def label(operation: Operation, target: str) -> str:
    """What a column is matched with, in words."""
    if target.startswith(METADATA):
        return _("Metadata “%(key)s”") % {"key": target.removeprefix(METADATA)}
    named = {KEY: _("ID"), VERSION: _("Version"), CURRENCY: _("Currency")}
    if target in named:
        return named[target]
    found = operation.form_class.base_fields.get(target)
    return str(found.label or target) if found else target
