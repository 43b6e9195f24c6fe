"""CSV as PostgreSQL writes it by COPY: a quarter of the time that values take as Python's objects, and the same bytes.

The database makes the cells, and guards how a text begins. Here only what is rare is looked for in the rows that pass:
secrets, and formulas behind a separator inside a text; rows that may have some are written anew. `tests/admin/exports`
holds both ways to the same bytes.
"""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from stripe_mirror.admin.exports.cells import (
    AmountCell,
    BooleanCell,
    CountCell,
    MetadataCell,
    MomentCell,
    NumberCell,
    TextCell,
    opened,
)
from stripe_mirror.admin.exports.columns import Column
from stripe_mirror.admin.exports.guard import DANGER, safe_cell
from stripe_mirror.admin.exports.hidden import HINTS, KEY_HINTS
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.reading import expressions_of, reader, statement
from stripe_mirror.admin.exports.rendering import is_known
from stripe_mirror.money import THREE_DECIMAL, WHOLE_BUT_TWO_DECIMAL, ZERO_DECIMAL
from stripe_mirror.push.imports.cells import MASK

# Rows of the first piece, and of the others.
FIRST, USUAL = 100, 1_000
MOMENT = "to_char({0}, 'YYYY-MM-DD\"T\"HH24:MI:SSTZH:TZM')"
# Whatever may be a danger behind a separator, in UTF-8: a few texts that are none are looked at for nothing.
MAYBE = (
    rb"(?:[\x01-\x20\"'\x7f-\xff]+(?:[=+@\t\r-]|\xe2\x88\x92|\xef[\xb9\xbc])|[=+@\t\r]|-(?![0-9]+(?:\.[0-9]+)?[%s\n])"
    rb"|\xe2\x88\x92|\xef[\xb9\xbc])"
)
SEPARATORS = (b",", b";", b"|", b"\t", b"\r")


class UnknownZone(Exception):
    """PostgreSQL doesn't know the time zone; Python does."""


def may_copy(queryset: QuerySet[Any], columns: Sequence[Column], options: ExportOptions) -> bool:
    """Whether these cells can be made by PostgreSQL, on a connection that nobody else needs meanwhile.

    A lone column is quoted otherwise where it is empty, and a tab is as much part of a cell as between them.
    """
    connection = connections[queryset.db]
    usual = len(columns) > 1 and options.separator != "\t" and all(is_known(column) for column in columns)
    return usual and connection.vendor == "postgresql" and not connection.in_atomic_block


def copied_pieces(
    queryset: QuerySet[Any], columns: Sequence[Column], options: ExportOptions, masked: Sequence[bool]
) -> Iterator[bytes]:
    """The rows as lines of CSV. Raises UnknownZone before the first."""
    try:
        inner, places = _inner(queryset, columns)
    except EmptyResultSet:
        return
    finish = Finish(columns, options, masked)
    cells = [_cell(c, places, options, finish.mark, hidden) for c, hidden in zip(columns, masked, strict=True)]
    with reader(queryset.db) as connection:
        raw: Any = connection.connection
        client = psycopg.ClientCursor(raw)
        rows = client.mogrify(*inner)
        zone = client.execute("SELECT current_setting('TimeZone')").fetchone()[0]  # type: ignore[index]
        _use_zone(client, options.zone.key)
        source = f"SELECT {', '.join(cells)} FROM ({rows}) AS rows"
        with client.copy(f"COPY ({source}) TO STDOUT (FORMAT csv, DELIMITER '{options.separator}')") as copy:
            yield from finish.pieces(copy)
        _use_zone(client, zone)


def _use_zone(client: Any, zone: str) -> None:
    """For this transaction."""
    try:
        client.execute("SELECT set_config('TimeZone', %s, true)", [zone])
    except psycopg.errors.InvalidParameterValue:
        raise UnknownZone from None


def _inner(queryset: QuerySet[Any], columns: Sequence[Column]) -> tuple[tuple[str, Any], dict[str, str]]:
    """The values' statement, and under which name each column and currency stands there."""
    wanted = expressions_of(columns)
    names = {name: f"export_{place}" for place, name in enumerate(wanted)}
    return statement(queryset, list(wanted.values())), names


# --- Cells in SQL ---------------------------------------------------------------------------------------------------


def _cell(column: Column, places: dict[str, str], options: ExportOptions, mark: str, masked: bool) -> str:
    """How PostgreSQL writes the column's value."""
    value = places[column.name]
    if masked:
        return f"CASE WHEN {value}::text <> '' THEN '{MASK}' END"
    match column.widget:
        case AmountCell():
            return value if options.minor_units else _amount(value, places[column.currency])
        case MomentCell():
            return MOMENT.format(value)
        case BooleanCell():
            return f"{value}::text"
        case CountCell():
            return value
        case NumberCell():
            return f"trim_scale({value}::numeric)::text"
        case _:
            return _text(value, mark)


def _text(value: str, mark: str) -> str:
    """Most texts begin with a letter, a digit or a brace: then nothing else needs to be asked."""
    marked = f"'{mark}' || {value}"
    lead = f"ascii({value})"
    return (
        f"CASE WHEN {lead} BETWEEN 65 AND 123 OR {lead} BETWEEN 48 AND 57 THEN {value} "
        f"WHEN {lead} IN (43, 61, 64) THEN {marked} WHEN {value} = '' THEN NULL "
        f"WHEN {value} ~ E'^{_in_sql(DANGER)}' THEN {marked} ELSE {value} END"
    )


def _in_sql(pattern: str) -> str:
    """The pattern in an escaped string of PostgreSQL's, which holds no NUL."""
    return pattern.replace("\\x00", "\\x01").replace("\\", "\\\\").replace("'", "\\'")


def _amount(value: str, currency: str) -> str:
    """`money.to_major` in SQL."""
    return (
        f"CASE WHEN {currency} IN ({_codes(ZERO_DECIMAL | THREE_DECIMAL | WHOLE_BUT_TWO_DECIMAL)}) THEN "
        f"CASE WHEN {currency} IN ({_codes(ZERO_DECIMAL)}) THEN {value}::text "
        f"WHEN {currency} IN ({_codes(THREE_DECIMAL)}) THEN ({value} * 0.001)::text "
        f"WHEN {value} % 100 = 0 THEN ({value} / 100)::text ELSE ({value} * 0.01)::text END "
        f"WHEN {currency} <> '' THEN ({value} * 0.01)::text "
        f"WHEN {value} = 0 THEN '0' ELSE {value} || ' (minor units of no currency)' END"
    )


def _codes(currencies: frozenset[str]) -> str:
    return ", ".join(f"'{code}', '{code.upper()}'" for code in sorted(currencies))


# --- What passes ----------------------------------------------------------------------------------------------------


class Finish:
    """Rows from COPY to lines of CSV: the few that may hold something rare are written anew."""

    def __init__(self, columns: Sequence[Column], options: ExportOptions, masked: Sequence[bool]) -> None:
        self.separator = options.separator
        # Stands for the guard's apostrophe until the rows are looked at: one that nobody can have written into a text.
        self.mark = f"\x02{secrets.token_hex(8)}"
        self.texts = {
            place: type(column.widget) is MetadataCell
            for place, (column, hidden) in enumerate(zip(columns, masked, strict=True))
            if not hidden and isinstance(column.widget, (TextCell, MetadataCell))
        }
        self.key_hints = [hint.encode() for hint in KEY_HINTS] if any(self.texts.values()) else []
        self.hints = [hint.encode() for hint in HINTS if not any(one in hint.encode() for one in self.key_hints)]
        own = options.separator.encode()
        self.dangers = {one: re.compile(re.escape(one) + MAYBE % own) for one in SEPARATORS}

    def pieces(self, copy: Any) -> Iterator[bytes]:
        """All rows, some at a time."""
        source, size = iter(copy.read, b""), FIRST
        while rows := list(islice(source, size)):
            yield self.lines(rows)
            size = USUAL

    def lines(self, rows: list[Any]) -> bytes:
        """As `csv.writer` would write them."""
        joined = b"".join(rows)
        if self.may_be_rare(joined, len(rows)):
            return b"".join(self.line(bytes(row)) for row in rows)
        return self.plain(joined)

    def line(self, row: bytes) -> bytes:
        """One row, written anew if need be."""
        return self.anew(row.decode()) if self.may_be_rare(row, 1) else self.plain(row)

    def plain(self, text: bytes) -> bytes:
        """Rows without anything rare."""
        return text.replace(self.mark.encode(), b"'").replace(b"\n", b"\r\n")

    def may_be_rare(self, text: bytes, rows: int) -> bool:
        """Whether there may be a secret, or a formula inside a text."""
        lowered = text.lower() if self.key_hints else text
        return (
            text.count(b"\n") != rows
            or any(hint in text for hint in self.hints)
            or any(hint in lowered for hint in self.key_hints)
            or any(one in text and danger.search(text) for one, danger in self.dangers.items())
        )

    def anew(self, text: str) -> bytes:
        """The row with each of its texts looked at."""
        (cells,) = csv.reader(io.StringIO(text[:-1], newline=""), delimiter=self.separator)
        for place, is_metadata in self.texts.items():
            cells[place] = safe_cell(opened(cells[place].removeprefix(self.mark), metadata=is_metadata))
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=self.separator).writerow(cells)
        return line.getvalue().encode()
