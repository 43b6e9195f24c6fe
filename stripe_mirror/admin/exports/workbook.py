"""XLSX with flat memory: XlsxWriter writes each row to a temporary file, and the finished file is sent on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xlsxwriter import Workbook

from stripe_mirror.admin.exports.cells import AmountCell, NumberCell
from stripe_mirror.admin.exports.columns import Column, header_of
from stripe_mirror.admin.exports.guard import DANGEROUS, typed_cell
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.reading import Batch
from stripe_mirror.admin.exports.rendering import amount_text, number, text_render
from stripe_mirror.money import shown_decimals

# Excel's limits: rows of a sheet with its header, characters of a cell.
SHEET_ROWS, CELL_LENGTH = 1_048_576, 32_767
PIECE = 65_536
# Nothing that somebody wrote becomes a formula, a link or a number by its looks.
VERBATIM = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
Write = Callable[[int, Batch, Sequence[Any]], None]


def workbook_bytes(
    columns: Sequence[Column], batches: Iterator[Batch], options: ExportOptions, masked: Sequence[bool]
) -> Iterator[bytes]:
    """The whole file, once the last row is in it."""
    with TemporaryDirectory(prefix="export-") as folder:
        path = Path(folder) / "export.xlsx"
        book = Workbook(str(path), {"constant_memory": True, "tmpdir": folder, **VERBATIM})
        Sheets(book, columns, options, masked).write(batches)
        book.close()
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


class Sheets:
    """As many sheets as the rows need, each with the header."""

    def __init__(self, book: Any, columns: Sequence[Column], options: ExportOptions, masked: Sequence[bool]) -> None:
        self.book, self.columns, self.options = book, columns, options
        self.headers = [header_of(column, options) for column in columns]
        self.cells = [self._cells(column, hidden) for column, hidden in zip(columns, masked, strict=True)]
        self.bold = book.add_format({"bold": True})
        # Excel's own way to say that a cell is text, whatever it looks like.
        self.quoted = book.add_format({"quote_prefix": True})
        self.decimals = {n: book.add_format({"num_format": f"0.{'0' * n}" if n else "0"}) for n in (0, 2, 3)}
        self.sheet = self._new_sheet()
        self.row = 0

    def write(self, batches: Iterator[Batch]) -> None:
        """All rows."""
        for batch in batches:
            rendered = [
                cells(batch.values[column.name], batch) for column, cells in zip(self.columns, self.cells, strict=True)
            ]
            for row in zip(*rendered, strict=True):
                self._write_row(row)

    def _new_sheet(self) -> Any:
        sheet = self.book.add_worksheet()
        sheet.freeze_panes(1, 0)
        for place, header in enumerate(self.headers):
            sheet.write_string(0, place, header, self.bold)
        return sheet

    def _write_row(self, row: Sequence[Any]) -> None:
        if self.row == SHEET_ROWS - 1:
            self.sheet, self.row = self._new_sheet(), 0
        self.row += 1
        for place, cell in enumerate(row):
            if cell is None or cell == "":
                continue
            value, style = cell if isinstance(cell, tuple) else (cell, None)
            if isinstance(value, str):
                self.sheet.write_string(self.row, place, value, style)
            else:
                self.sheet.write_number(self.row, place, value, style)

    def _cells(self, column: Column, masked: bool) -> Callable[[Sequence[Any], Batch], Iterable[Any]]:
        if not masked and isinstance(column.widget, AmountCell):
            return self._amounts(column)
        if not masked and isinstance(column.widget, NumberCell):
            return lambda values, _: map(number, values)
        plain = text_render(column, self.options, masked=masked)
        return lambda values, batch: map(self._text, plain(values, batch))

    def _text(self, text: Any) -> Any:
        if not text:
            return None
        text = typed_cell(str(text))[:CELL_LENGTH]
        return (text, self.quoted) if DANGEROUS.match(text) else text

    def _amounts(self, column: Column) -> Callable[[Sequence[Any], Batch], Iterable[Any]]:
        def amount(value: int | None, currency: str | None) -> Any:
            if value is None or self.options.minor_units:
                return value
            if not currency:
                return amount_text(value, currency) if value else 0
            return float(amount_text(value, currency)), self.decimals[shown_decimals(currency)]

        return lambda values, batch: map(amount, values, batch.values[column.currency])
