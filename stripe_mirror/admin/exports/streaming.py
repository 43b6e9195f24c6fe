"""Rows as CSV bytes, as they are read: memory stays flat however long the list, and text can't become a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.http import StreamingHttpResponse

from stripe_mirror.admin.exports.guard import safe_cell
from stripe_mirror.pull.storable import storable

# Rows that one piece of the answer holds.
ROWS_SENT = 250
# Of every download.
HEADERS = {
    "Cache-Control": "no-store",
    # Proxies that buffer answers would keep the browser waiting for the last row.
    "X-Accel-Buffering": "no",
}
CSV_TYPE = "text/csv; charset=utf-8"


def streamed(pieces: Iterator[bytes], file_name: str, *, content_type: str = CSV_TYPE) -> StreamingHttpResponse:
    """A download that starts at once and is written while the rows are read."""
    return StreamingHttpResponse(
        pieces,
        content_type=content_type,
        headers={**HEADERS, "Content-Disposition": f'attachment; filename="{file_name}"'},
    )


class Echo:
    """A file whose `write` hands the line back, so that csv.writer formats without a buffer."""

    def write(self, line: str) -> str:
        """The line itself."""
        return line


def guarded(value: object) -> object:
    """Text that would open as a formula gets an apostrophe (`guard.safe_cell`), other values stay as they are."""
    return safe_cell(storable(value)[0]) if isinstance(value, str) else value


def csv_bytes(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    """The header at once, before the first row is read; then the rows in pieces of a few kilobytes."""
    writer: Any = csv.writer(Echo())
    yield writer.writerow([guarded(name) for name in header]).encode()
    source = iter(rows)
    while lines := [writer.writerow([guarded(cell) for cell in row]) for row in islice(source, ROWS_SENT)]:
        yield "".join(lines).encode()
