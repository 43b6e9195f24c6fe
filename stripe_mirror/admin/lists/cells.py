"""A list's table as the template prints it: headings, and rows of cells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst

from stripe_mirror.admin.lists.catalogue import METADATA

ANCHOR = re.compile(r"</?a\b[^>]*>")


@dataclass(frozen=True)
class Cell:
    """One cell of a list: what it shows, and how it is found again when the page follows changes."""

    html: SafeString | str
    label: SafeString | str
    name: str
    numeric: bool = False
    # Of the columns: it carries the link to the row's page.
    first: bool = False


@dataclass(frozen=True)
class ListRow:
    """One row of a list."""

    row: Any
    url: str
    cells: list[Cell]
    deleted: bool


@dataclass(frozen=True)
class Header:
    """A column's heading: what it says, and where it orders the list."""

    text: SafeString | str
    numeric: bool = False
    checkbox: bool = False
    # "" where the list can't be ordered by it.
    url: str = ""
    sorted: str = ""


def heading(column: Any, text: Any) -> str:
    """A column's label as its heading; a key of the metadata as it is."""
    name = str(getattr(column, "__name__", column))
    return str(text) if name.startswith(METADATA) else str(capfirst(text))


def without_links(html: SafeString | str) -> SafeString | str:
    """What stands inside the link to the row: a link in a link would be none."""
    return mark_safe(ANCHOR.sub("", html)) if isinstance(html, SafeString) else html  # noqa: S308 (tags are taken away)
