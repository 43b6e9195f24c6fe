"""How many rows: of a list before it is exported, and of a file while it is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from stripe_mirror.admin.lists.deadline import OutOfTime, time_limit
from stripe_mirror.conf import conf
from stripe_mirror.language import number_words

# A page may count for so long, in seconds; the worker counts for as long as it takes.
SECONDS = 5.0


@dataclass(frozen=True)
class RowCount:
    """A number of rows; where it was too early to know all of them, `more` than that."""

    rows: int
    more: bool = False

    def __str__(self) -> str:
        return f"{number_words(self.rows)}+" if self.more else number_words(self.rows)

    @property
    def at_once(self) -> bool:
        """Whether so many are sent while they are read; more become a file."""
        return not self.more and self.rows <= conf.exports_stream_rows


def quick_count(rows: QuerySet[Any]) -> RowCount:
    """As many as are sent at once, exactly; of a longer list only that it is longer. A millisecond or two."""
    limit = conf.exports_stream_rows
    found = bare(rows)[: limit + 1].count()
    return RowCount(limit, more=True) if found > limit else RowCount(found)


def exact_count(rows: QuerySet[Any]) -> RowCount | None:
    """All of them; None where that takes longer than a page may."""
    try:
        with time_limit(SECONDS):
            return RowCount(bare(rows).count())
    except OutOfTime:
        return None


def bare(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows without what a count doesn't need."""
    return rows.order_by().select_related(None).values("pk")


def counted_bytes(pieces: Iterable[bytes], file_format: str) -> Iterator[tuple[bytes, int]]:
    """Each piece of a file with the number of rows in it and in those before; always 0 for XLSX, which is packed."""
    if file_format == "xlsx":
        yield from ((piece, 0) for piece in pieces)
    elif file_format == "csv":
        yield from _counted_csv(pieces)
    else:
        rows = 0
        for piece in pieces:
            rows += piece.count(b"\n")
            yield piece, rows


def _counted_csv(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """Ends of lines that stand in no cell: a cell with one is quoted, and a quote in it is two."""
    lines, quoted = 0, False
    for piece in pieces:
        parts = piece.split(b'"')
        lines += sum(part.count(b"\n") for part in parts[int(quoted) :: 2])
        quoted ^= len(parts) % 2 == 0
        # The first line is the header.
        yield piece, max(0, lines - 1)
