"""`manage.py stripe_export KIND > file`: the rows of a list as CSV, JSON Lines or XLSX, for scripts."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from stripe_mirror.admin.exports.access import may_have
from stripe_mirror.admin.exports.columns import METADATA_PREFIX, columns_named, default_columns, metadata_keys
from stripe_mirror.admin.exports.delivering import note_command
from stripe_mirror.admin.exports.options import FORMATS, SEPARATORS, ExportOptions, WrongOptions
from stripe_mirror.admin.exports.personal import sees_personal
from stripe_mirror.admin.exports.selection import Selection, WrongSelection, filter_names, queryset_of
from stripe_mirror.admin.exports.writing import export_bytes
from stripe_mirror.kinds import all_kinds
from stripe_mirror.management.exporting import progress, write_out


class Command(BaseCommand):
    """Ends with 0 when the file is whole, 1 with a sentence on stderr when nothing, or not all, was written."""

    help = (
        "Write the rows of a list to standard output, with the list's own filters, search and ordering. Without --user "
        "it acts as the administrator of this machine, who sees everything, personal data too; with --user it exports "
        "what that person may view, export and see. How far it is stands on standard error."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which rows, which columns, how they are written."""
        kinds = ", ".join(sorted(kind.object for kind in all_kinds()))
        parser.add_argument("kind", help=f"One of: {kinds}; or push.")
        parser.add_argument(
            "--filter",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="As in the list's address, for example status=open; several narrow the rows together.",
        )
        parser.add_argument("--search", default="", help="What would be typed into the list's search.")
        parser.add_argument("--ordering", default="", help="A field of the list's headings, -field for descending.")
        parser.add_argument("--ids-from", metavar="FILE", help="Only these rows: ids, a line each; - for stdin.")
        parser.add_argument("--columns", default="", help="Names, separated by commas; without it the default ones.")
        parser.add_argument("--metadata", action="store_true", help="Also each metadata key found, as its own column.")
        parser.add_argument("--format", default="csv", choices=FORMATS)
        parser.add_argument("--timezone", default="", help="For example Europe/Berlin; without it the office's.")
        parser.add_argument("--minor-units", action="store_true", help="Amounts as Stripe's integers (cents).")
        parser.add_argument("--bom", action="store_true", help="CSV with a byte order mark: Excel knows UTF-8 by it.")
        parser.add_argument("--separator", default="comma", choices=SEPARATORS, help="Between the columns of a CSV.")
        parser.add_argument("--user", metavar="NAME", help="Export as this person, with their permissions.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check everything, then write."""
        user = _person(options["user"])
        try:
            selection = _selection(options)
            rows = queryset_of(selection, user, admin.site)
            asked = ExportOptions(
                columns=_columns(rows, options, user),
                format=options["format"],
                timezone=options["timezone"],
                minor_units=options["minor_units"],
                bom=options["bom"],
                separator=SEPARATORS[options["separator"]],
            )
            pieces = export_bytes(rows, asked, sees_personal=sees_personal(user))
        except WrongSelection as wrong:
            raise CommandError(f"{wrong}{_offered(options, user)}") from None
        except (WrongOptions, PermissionDenied) as wrong:
            raise CommandError(str(wrong)) from None
        note_command(selection, rows, asked, user=user)
        self._write(pieces, options)

    def _write(self, pieces: Iterator[bytes], options: dict[str, Any]) -> None:
        target = getattr(self.stdout._out, "buffer", None)
        if target is None:
            raise CommandError("Standard output takes no bytes here.")
        if options["format"] == "xlsx" and target.isatty():
            raise CommandError("An XLSX is no text for a terminal: add > file.xlsx.")
        with progress(sys.stderr) as show:
            write_out(pieces, target, show)


def _person(name: str | None) -> Any:
    """That user; or an administrator who is nobody in particular."""
    if name is None:
        return User(username="", is_active=True, is_superuser=True, is_staff=True)
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None:
        raise CommandError(f"There is no active user “{name}”.")
    return found


def _selection(options: dict[str, Any]) -> Selection:
    return Selection(model_name=_model_name(options["kind"]), query=_query(options), ids=_ids(options["ids_from"]))


def _model_name(name: str) -> str:
    known = {kind.object: kind.model_name for kind in all_kinds()} | {"push": "push"}
    if name not in known:
        raise CommandError(f"Not a mirrored kind: {name}. There are: {', '.join(sorted(known))}.")
    return known[name]


def _query(options: dict[str, Any]) -> str:
    pairs = []
    for text in options["filter"]:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise CommandError(f"Write a filter as NAME=VALUE, not “{text}”.")
        pairs.append((name, value))
    more = (("q", options["search"]), ("o", options["ordering"]))
    return urlencode([*pairs, *((name, value) for name, value in more if value)])


def _ids(path: str | None) -> tuple[str, ...] | None:
    if path is None:
        return None
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text()
    except (OSError, UnicodeDecodeError) as failure:
        raise CommandError(f"The ids can't be read from {path}: {failure}.") from None
    return tuple(dict.fromkeys(text.split()))


def _columns(rows: QuerySet[Any], options: dict[str, Any], user: Any) -> tuple[str, ...]:
    """The names, checked; with the metadata's keys where asked for."""
    named = tuple(name for part in options["columns"].split(",") if (name := part.strip()))
    for column in columns_named(rows.model, named):
        if not may_have(user, rows.model, column):
            raise CommandError(f"This person may not see what stands in the column “{column.name}”.")
    if not options["metadata"]:
        return named
    chosen = named or tuple(column.name for column in default_columns(rows.model))
    return tuple(dict.fromkeys([*chosen, *(f"{METADATA_PREFIX}{key}" for key in metadata_keys(rows))]))


def _offered(options: dict[str, Any], user: Any) -> str:
    names = filter_names(_model_name(options["kind"]), user, admin.site)
    return f" There are: {', '.join(names)}." if names else ""
