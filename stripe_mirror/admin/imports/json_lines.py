"""Reads JSON Lines as exported: an object per line, all with the same names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import IO, Any

from django.utils.translation import gettext as _

from stripe_mirror.admin.imports.limits import LONGEST_LINE, checked_headers, checked_row
from stripe_mirror.push.imports.judging import Row
from stripe_mirror.push.imports.staging import Table, WrongFile


def read_json_lines(file: IO[bytes]) -> Table:
    """The table of a file; the first line's names are its headers. Raises WrongFile, also while its rows are read."""
    lines = _objects(file)
    first = next(lines, None)
    if first is None:
        raise WrongFile(_("The file is empty."))
    names = list(first[1])
    return Table(headers=checked_headers(names), rows=_rows(first, lines, names), file_format=_("JSON Lines"))


def _objects(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's object with its number, as if there were a header above."""
    file.seek(0)
    number = 1
    while line := file.readline(LONGEST_LINE):
        number += 1
        if len(line) >= LONGEST_LINE:
            raise WrongFile(_("Line %(line)s is too long.") % {"line": number - 1})
        if line.strip():
            yield number, _object(line, number - 1)


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line.decode("utf-8-sig"), parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise WrongFile(_("Line %(line)s is no JSON object in UTF-8.") % {"line": number})
    return found


def _rows(
    first: tuple[int, dict[str, Any]], others: Iterator[tuple[int, dict[str, Any]]], names: list[str]
) -> Iterator[Row]:
    known = set(names)
    for number, found in chain([first], others):
        if other := next((name for name in found if name not in known), ""):
            raise WrongFile(
                _("Line %(line)s has “%(name)s”, which the first line lacks.")
                % {"line": number - 1, "name": other[:80]}
            )
        if len(found) < len(names):
            missing = next(name for name in names if name not in found)
            raise WrongFile(_("Line %(line)s lacks “%(name)s”.") % {"line": number - 1, "name": missing[:80]})
        yield number, checked_row(number, [_cell(found[name]) for name in names], len(names))


def _cell(value: Any) -> str:
    """As text; null is an empty cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
