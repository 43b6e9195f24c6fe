"""What a file may be: limits, and the sentences that say them. Nothing that a file claims of itself is trusted."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from stripe_mirror.push.imports.staging import WrongFile

MEGABYTE = 1024 * 1024
MOST_BYTES = 50 * MEGABYTE
MOST_COLUMNS = 500
# Characters of a cell; Stripe's longest text has 40,000.
LONGEST_CELL = 100_000
# Bytes of a line of JSON, and of the first line of a CSV.
LONGEST_LINE = 4 * MEGABYTE


def check_size(size: int) -> None:
    """Raise WrongFile for an empty file, and for one that is too large."""
    if not size:
        raise WrongFile(_("The file is empty."))
    if size > MOST_BYTES:
        raise WrongFile(
            _("The file has %(size)s MB; at most %(most)s MB are taken. Split it.")
            % {"size": -(-size // MEGABYTE), "most": MOST_BYTES // MEGABYTE}
        )


def too_many_columns() -> WrongFile:
    """More columns than are taken."""
    return WrongFile(
        _("The file has more than %(most)s columns. Remove those that aren't needed.") % {"most": MOST_COLUMNS}
    )


def cell_too_long(number: int) -> WrongFile:
    """A cell that no field of Stripe's could hold."""
    return WrongFile(
        _("A cell of row %(row)s is longer than %(most)s characters.") % {"row": number, "most": f"{LONGEST_CELL:,}"}
    )


def checked_headers(cells: Sequence[str]) -> list[str]:
    """The first row as headers; empty ones at its end are none. Raises WrongFile."""
    headers = [cell.strip().removeprefix("\ufeff") for cell in cells]
    while headers and not headers[-1]:
        headers.pop()
    if len(headers) > MOST_COLUMNS:
        raise too_many_columns()
    if not headers:
        raise WrongFile(_("The first row is empty: it must hold the columns' names."))
    if "" in headers:
        raise WrongFile(_("Column %(n)s has no name in the first row.") % {"n": headers.index("") + 1})
    plain = [header.casefold() for header in headers]
    if twice := next((header for header in headers if plain.count(header.casefold()) > 1), ""):
        raise WrongFile(_("Two columns have the name “%(name)s”.") % {"name": twice[:80]})
    return headers


def checked_row(number: int, cells: list[str], width: int) -> list[str]:
    """A row with just as many cells as there are headers. Raises WrongFile."""
    while len(cells) > width and not cells[-1]:
        cells.pop()
    if len(cells) != width:
        raise WrongFile(
            _("Row %(row)s has %(cells)s cells, but the header has %(width)s. Nothing was read.")
            % {"row": number, "cells": len(cells), "width": width}
        )
    if max(map(len, cells)) > LONGEST_CELL:
        raise cell_too_long(number)
    return cells
