"""Reads the first sheet of an XLSX file, row by row. Sizes are checked before anything is unpacked, and while it is.

Of the format only what tables have is read: texts, numbers, dates and truth values. A formula is refused: what it would
give depends on where it is opened.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import IO

from django.utils.translation import gettext as _

from stripe_mirror.admin.exports.guard import plain_cell
from stripe_mirror.admin.imports.limits import LONGEST_CELL, MEGABYTE, checked_headers, checked_row
from stripe_mirror.admin.imports.xlsx_parts import (
    PIECE,
    Cell,
    SheetParser,
    damaged,
    date_styles,
    first_sheet,
    parse_all,
    shared_strings,
)
from stripe_mirror.push.imports.judging import Row
from stripe_mirror.push.imports.staging import Table, WrongFile

# What a workbook may hold: parts, bytes once they are unpacked, and how often more than packed.
MOST_PARTS = 1_000
MOST_UNPACKED = 400 * MEGABYTE
# These stay in memory.
MOST_SHARED = 64 * MEGABYTE
RATIO, RATIO_FROM = 200, 20 * MEGABYTE
# Excel's first day but one: its calendar has a 29 February 1900.
EPOCH, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet's dates have no zone
LAST_DAY = 2_958_465
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class Workbook:
    """What the cells of a sheet refer to."""

    shared: list[str]
    # Numbers of the styles that show a number as a date.
    dates: frozenset[int]
    epoch: datetime


def read_xlsx(file: IO[bytes]) -> Table:
    """The table of the first sheet. Raises WrongFile, also while its rows are read."""
    archive = _opened(file)
    sheet = first_sheet(parse_all(archive, "xl/workbook.xml"), parse_all(archive, "xl/_rels/workbook.xml.rels"))
    if sheet.path not in archive.namelist():
        raise WrongFile(_("This workbook has no sheet."))
    names = archive.namelist()
    book = Workbook(
        shared=shared_strings(archive) if "xl/sharedStrings.xml" in names else [],
        dates=date_styles(parse_all(archive, "xl/styles.xml")) if "xl/styles.xml" in names else frozenset(),
        epoch=EPOCH_1904 if sheet.from_1904 else EPOCH,
    )
    rows = _rows(archive, sheet.path, book)
    first = next(rows, None)
    if first is None:
        raise WrongFile(_("The file is empty."))
    headers = checked_headers(first[1])
    said = _("XLSX, sheet “%(name)s”") % {"name": sheet.name}
    return Table(headers=headers, rows=_checked(rows, len(headers)), file_format=said)


def _opened(file: IO[bytes]) -> zipfile.ZipFile:
    file.seek(0)
    try:
        archive = zipfile.ZipFile(file)
        parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise damaged() from None
    unpacked = sum(part.file_size for part in parts)
    swollen = [p for p in parts if p.file_size > RATIO_FROM and p.file_size > RATIO * max(p.compress_size, 1)]
    shared = sum(p.file_size for p in parts if p.filename == "xl/sharedStrings.xml")
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or swollen or shared > MOST_SHARED:
        raise WrongFile(_("This XLSX file would unpack to more than is taken. Save the table as CSV."))
    if any(part.flag_bits & 1 for part in parts):
        raise WrongFile(_("This file is protected by a password. Save it without one."))
    if "xl/workbook.xml" not in archive.namelist():
        raise WrongFile(_("This is no XLSX workbook. Save it as CSV, XLSX or JSON Lines."))
    return archive


def _rows(archive: zipfile.ZipFile, path: str, book: Workbook) -> Iterator[tuple[int, list[str]]]:
    """Each row that has something in it, with its number."""
    parser = SheetParser()
    try:
        with archive.open(path) as sheet:
            while piece := sheet.read(PIECE):
                for number, cells in parser.feed(piece):
                    texts = _texts(number, cells, book)
                    if any(texts):
                        yield number, texts
        parser.end()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
        raise damaged() from None


def _texts(number: int, cells: list[Cell], book: Workbook) -> list[str]:
    texts = [""] * (cells[-1].place + 1 if cells else 0)
    for cell in cells:
        texts[cell.place] = _text(number, cell, book)
    return texts


def _text(number: int, cell: Cell, book: Workbook) -> str:
    """A cell as CSV would have it."""
    if cell.formula:
        raise WrongFile(
            _("Row %(row)s has a formula in column %(column)s. Replace formulas by their values.")
            % {"row": number, "column": cell.place + 1}
        )
    if cell.kind == "e":
        raise WrongFile(
            _("Row %(row)s has an error in column %(column)s (%(error)s).")
            % {"row": number, "column": cell.place + 1, "error": cell.value[:20]}
        )
    if cell.kind == "s":
        return _unescaped(_shared(cell.value, book))
    if cell.kind in ("str", "inlineStr"):
        return _unescaped(cell.value)
    if cell.kind == "b":
        return "true" if cell.value == "1" else "false"
    return cell.value if cell.kind == "d" else _number(cell, book)


def _shared(place: str, book: Workbook) -> str:
    try:
        return book.shared[int(place)]
    except (ValueError, IndexError):
        raise damaged() from None


def _unescaped(text: str) -> str:
    """Without what XML can't hold being escaped, and without the guard against formulas."""
    if "_x" in text:
        text = ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if len(text) > LONGEST_CELL:
        text = text[: LONGEST_CELL + 1]
    return plain_cell(text)


def _number(cell: Cell, book: Workbook) -> str:
    """A number without the noise of its binary form, or the date that it is shown as."""
    if not cell.value:
        return ""
    try:
        value = Decimal(cell.value)
        if cell.style in book.dates and 0 <= value <= LAST_DAY:
            moment = book.epoch + timedelta(seconds=round(value * 86_400))
            return moment.isoformat()
        if len(value.as_tuple().digits) > 15:
            value = Decimal(f"{float(value):.15g}")
        return f"{value.normalize():f}" if value else "0"
    except (InvalidOperation, OverflowError, ValueError):
        return cell.value


def _checked(rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[Row]:
    for number, cells in rows:
        # A sheet stores no empty cells at a row's end.
        yield number, checked_row(number, [*cells, *[""] * (width - len(cells))], width)
