"""Rows as CSV bytes, as they are read: memory stays flat however long the list, and text can't become a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

# Rows that the database hands over at once, and rows that one piece of the answer holds.
ROWS_READ = 2_000
ROWS_SENT = 250

# A spreadsheet reads a cell that begins so as a formula; some of them look past spaces, quotes and invisible
# characters first, and fold the full-width signs into the plain ones.
FORMULA = re.compile(r"[\t\r]|[\s\"'\u200b\ufeff]*[=+\-@＝＋－＠]")


class Echo:
    """A file whose `write` hands the line back, so that csv.writer formats without a buffer."""

    def write(self, line: str) -> str:
        """The line itself."""
        return line


def safe_cell(value: object) -> object:
    """Text that would open as a formula gets an apostrophe, other values stay as they are."""
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    return f"'{text}" if FORMULA.match(text) else text


def csv_bytes(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """The header at once, before the first row is read; then the rows in pieces of a few kilobytes."""
    writer: Any = csv.writer(Echo())
    yield writer.writerow([safe_cell(name) for name in header]).encode()
    source = iter(rows)
    while lines := [writer.writerow([safe_cell(cell) for cell in row]) for row in islice(source, ROWS_SENT)]:
        # Stripe's JSON may hold half a surrogate pair, which UTF-8 can't say.
        yield "".join(lines).encode(errors="replace")
