"""The XML parts of an XLSX workbook, read by expat as a stream: no tree is built, and no document type is taken."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from django.utils.translation import gettext as _

from stripe_mirror.admin.imports.limits import LONGEST_CELL, MOST_COLUMNS, cell_too_long, too_many_columns
from stripe_mirror.push.imports.staging import WrongFile

PIECE = 64 * 1024
# Built-in formats that show a date or a time (ECMA-376, 18.8.30).
DATES = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
# Of a format, what isn't a placeholder: quoted text, escapes, colours and conditions.
NO_PLACEHOLDER = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
LETTERS = re.compile(r"[A-Z]{1,4}")

Element = tuple[str, dict[str, str]]


def damaged() -> WrongFile:
    """What no spreadsheet writes."""
    return WrongFile(_("This XLSX file is damaged. Save it anew."))


@dataclass(slots=True)
class Cell:
    """A cell as it is stored."""

    place: int
    kind: str
    style: int
    value: str = ""
    formula: bool = False


@dataclass(frozen=True)
class Sheet:
    """The sheet that is read."""

    name: str
    path: str
    from_1904: bool


def _parser() -> Any:
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_about: object) -> None:
        raise damaged()

    parser.StartDoctypeDeclHandler = refuse
    return parser


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def parse_all(archive: zipfile.ZipFile, path: str) -> list[Element]:
    """Every element of a small part, in order."""
    found: list[Element] = []
    parser = _parser()
    parser.StartElementHandler = lambda name, attributes: found.append((_local(name), attributes))
    _feed_all(archive, path, parser)
    return found


def _feed_all(archive: zipfile.ZipFile, path: str, parser: Any) -> None:
    try:
        with archive.open(path) as part:
            while piece := part.read(PIECE):
                parser.Parse(piece, False)
        parser.Parse(b"", True)
    except (KeyError, expat.ExpatError, zipfile.BadZipFile, zlib.error, EOFError, OSError):
        raise damaged() from None


def first_sheet(workbook: list[Element], relations: list[Element]) -> Sheet:
    """The first sheet that isn't hidden."""
    targets = {held.get("Id"): held.get("Target", "") for name, held in relations if name == "Relationship"}
    from_1904 = any(name == "workbookPr" and held.get("date1904") in ("1", "true") for name, held in workbook)
    for name, held in workbook:
        if name == "sheet" and held.get("state", "visible") == "visible":
            id = next((value for key, value in held.items() if _local(key) == "id"), "")
            target = targets.get(id, "")
            path = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            return Sheet(held.get("name", ""), path, from_1904)
    raise WrongFile(_("This workbook has no sheet."))


def date_styles(styles: list[Element]) -> frozenset[int]:
    """The numbers of the cell styles that show dates."""
    custom: dict[str, str] = {}
    dates: list[int] = []
    number, inside = 0, False
    for name, held in styles:
        if name == "numFmt":
            custom[held.get("numFmtId", "")] = held.get("formatCode", "")
        elif name in ("cellXfs", "cellStyles", "dxfs", "cellStyleXfs"):
            inside = name == "cellXfs"
        elif name == "xf" and inside:
            if _is_date(held.get("numFmtId", "0"), custom):
                dates.append(number)
            number += 1
    return frozenset(dates)


def _is_date(format_id: str, custom: dict[str, str]) -> bool:
    if format_id in custom:
        return any(letter in "ymdhs" for letter in NO_PLACEHOLDER.sub("", custom[format_id]).lower())
    return format_id.isdecimal() and int(format_id) in DATES


def shared_strings(archive: zipfile.ZipFile) -> list[str]:
    """The texts that cells refer to by number; not how they are pronounced."""
    found: list[str] = []
    text: list[str] = []
    open_elements: list[str] = []
    parser = _parser()

    def start(name: str, _attributes: dict[str, str]) -> None:
        open_elements.append(_local(name))
        if open_elements[-1] == "si":
            text.clear()

    def end(_name: str) -> None:
        if open_elements.pop() == "si":
            found.append("".join(text))

    def characters(piece: str) -> None:
        if open_elements[-1] == "t" and "rPh" not in open_elements:
            text.append(piece)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    _feed_all(archive, "xl/sharedStrings.xml", parser)
    return found


class SheetParser:
    """Gives the rows of a sheet while it is fed."""

    def __init__(self) -> None:
        self._parser = _parser()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._ready: list[tuple[int, list[Cell]]] = []
        self._row: list[Cell] = []
        self._cell: Cell | None = None
        self._inside = ""
        self._pronounced = False
        self._number = 0
        self._starts: dict[str, Callable[[dict[str, str]], None]] = {
            "row": self._start_row,
            "c": self._start_cell,
            "f": self._start_formula,
        }

    def feed(self, piece: bytes) -> Iterator[tuple[int, list[Cell]]]:
        """The rows that end in this piece, with their numbers."""
        try:
            self._parser.Parse(piece, False)
        except expat.ExpatError:
            raise damaged() from None
        ready, self._ready = self._ready, []
        return iter(ready)

    def end(self) -> None:
        """Say so where the sheet is cut off."""
        try:
            self._parser.Parse(b"", True)
        except expat.ExpatError:
            raise damaged() from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        name = _local(name)
        if handler := self._starts.get(name):
            handler(attributes)
        elif name == "rPh":
            self._pronounced = True
        elif name in ("v", "t"):
            self._inside = name

    def _start_row(self, attributes: dict[str, str]) -> None:
        number = attributes.get("r", "")
        self._number = int(number) if number.isdecimal() and len(number) < 9 else self._number + 1
        self._row = []

    def _start_cell(self, attributes: dict[str, str]) -> None:
        place = self._row[-1].place + 1 if self._row else 0
        if letters := LETTERS.match(attributes.get("r", "")):
            place = _column(letters[0])
        if place >= MOST_COLUMNS * 2:
            raise too_many_columns()
        if self._row and place <= self._row[-1].place:
            raise damaged()
        style = attributes.get("s", "0")
        self._cell = Cell(place, attributes.get("t", "n"), int(style) if style.isdecimal() else 0)

    def _start_formula(self, _attributes: dict[str, str]) -> None:
        if self._cell:
            self._cell.formula = True

    def _end(self, name: str) -> None:
        name = _local(name)
        if name == "c" and self._cell:
            self._row.append(self._cell)
            self._cell = None
        elif name == "row":
            self._ready.append((self._number, self._row))
        elif name == "rPh":
            self._pronounced = False
        if name == self._inside:
            self._inside = ""

    def _characters(self, text: str) -> None:
        if self._cell and self._inside and not self._pronounced:
            self._cell.value += text
            if len(self._cell.value) > LONGEST_CELL * 2:
                raise cell_too_long(self._number)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1
