"""Reads CSV as spreadsheets and exports write it: UTF-8, UTF-16 with its mark or Windows-1252, with any separator."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin.exports.guard import plain_cell
from stripe_mirror.admin.imports.limits import LONGEST_CELL, LONGEST_LINE, checked_headers, checked_row
from stripe_mirror.push.imports.judging import Row
from stripe_mirror.push.imports.staging import Table, WrongFile

PIECE = 64 * 1024
# Separator → how it is called.
SEPARATORS = {
    ",": gettext_lazy("commas"),
    ";": gettext_lazy("semicolons"),
    "\t": gettext_lazy("tabs"),
    "|": gettext_lazy("bars"),
}
MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
NAMES = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}
# What texts hardly have, and one in how many characters may be such. All bytes are valid Windows-1252; valid UTF-8 is
# hardly anything else, whatever is in it, but for UTF-16 without its mark: half of that is NUL.
ODD = {"cp1252": (frozenset(map(chr, range(32))) - frozenset("\t\n\r\x0b\x0c"), 100)}
NULS = frozenset("\0"), 4


def read_csv(file: IO[bytes]) -> Table:
    """The table of a file that can be read twice. Raises WrongFile, also while its rows are read."""
    encoding = _encoding(file)
    separator = _separator(file, encoding)
    rows = _rows(file, encoding, separator)
    with _sentences(1):
        first = next(rows, None)
    if first is None:
        raise WrongFile(_("The file is empty."))
    headers = checked_headers([plain_cell(cell) for cell in first[1]])
    words = _("CSV, %(encoding)s, separated by %(separator)s")
    said = words % {"encoding": NAMES[encoding], "separator": SEPARATORS[separator]}
    return Table(headers=headers, rows=_checked(rows, len(headers)), file_format=said)


def _encoding(file: IO[bytes]) -> str:
    """By its mark, else UTF-8 if all of it is, else Windows-1252. Raises WrongFile for what is no text."""
    start = file.read(4)
    named = next((name for mark, name in MARKS if start.startswith(mark)), "")
    for encoding in [named] if named else ["utf-8", "cp1252"]:
        file.seek(0)
        if _decodes(file, encoding):
            return encoding
    raise WrongFile(
        _("The file's encoding isn't understood. Save it as “CSV UTF-8”.")
        if named
        else _("This is no text. Save it as CSV, XLSX or JSON Lines.")
    )


def _decodes(file: IO[bytes], encoding: str) -> bool:
    decoder, odd, length = codecs.getincrementaldecoder(encoding)(), 0, 0
    strange, share = ODD.get(encoding, NULS)
    try:
        while piece := file.read(PIECE):
            text = decoder.decode(piece)
            length += len(text)
            odd += sum(text.count(character) for character in strange & set(text))
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return odd * share <= length


def _text(file: IO[bytes], encoding: str) -> io.TextIOWrapper:
    file.seek(0)
    return io.TextIOWrapper(io.BufferedReader(_Unclosed(file), PIECE), encoding=encoding, newline="")


class _Unclosed(io.RawIOBase):
    """A file that a text reader doesn't close when it is done."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file

    def readable(self) -> bool:
        """For BufferedReader."""
        return True

    def readinto(self, buffer: Any) -> int:
        """As the file's own `read`."""
        piece = self.file.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)


def _separator(file: IO[bytes], encoding: str) -> str:
    """What splits the first rows into most columns, all of them into as many."""
    sample = _text(file, encoding).read(PIECE)
    best, most = ",", 1
    for separator in SEPARATORS:
        widths = _widths(sample, separator)
        if widths and widths[0] > most and all(width == widths[0] for width in widths[:-1]):
            best, most = separator, widths[0]
    if most > 1:
        return best
    # Rows that are ragged whichever it is: the header decides, and the sentence names the row.
    header = sample.splitlines()[0] if sample else ""
    return max(SEPARATORS, key=lambda one: (header.count(one), one == ","))


def _widths(sample: str, separator: str) -> list[int]:
    """Cells of the first rows; the last one may be cut off."""
    widths: list[int] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=separator):
            if row:
                widths.append(len(row))
            if len(widths) == 20:
                widths.append(0)
                break
    except csv.Error:
        return []
    return [*widths, 0] if len(widths) == 1 else widths


def _rows(file: IO[bytes], encoding: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each row with its number; empty ones are passed over."""
    text = _text(file, encoding)
    if len(text.readline(LONGEST_LINE)) >= LONGEST_LINE:
        raise WrongFile(_("The first line is longer than that of any table."))
    lines = csv.reader(_text(file, encoding), delimiter=separator, strict=True)
    for number, cells in enumerate(lines, start=1):
        if any(cells):
            yield number, cells


def _checked(rows: Iterator[tuple[int, list[str]]], width: int) -> Iterator[Row]:
    number = 1
    while True:
        with _sentences(number + 1):
            row = next(rows, None)
        if row is None:
            return
        number = row[0]
        yield number, checked_row(number, [plain_cell(cell) for cell in row[1]], width)


@contextmanager
def _sentences(number: int) -> Iterator[None]:
    """What is wrong with the quotes, as a sentence."""
    try:
        yield
    except csv.Error as error:
        # Python's own limit of a cell is a little above ours.
        if "field larger" in str(error):
            raise WrongFile(
                _("A cell near row %(row)s is longer than %(most)s characters, or its quotes don't end.")
                % {"row": number, "most": f"{LONGEST_CELL:,}"}
            ) from None
        raise WrongFile(_("The quotes near row %(row)s don't match.") % {"row": number}) from None
