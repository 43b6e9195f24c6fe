"""The bytes of an export, made while the rows are read: memory stays flat however many there are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring
from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.text import slugify

from stripe_mirror.admin.exports.columns import Column, columns_named, header_of
from stripe_mirror.admin.exports.copying import UnknownZone, copied_pieces, may_copy
from stripe_mirror.admin.exports.guard import safe_cell
from stripe_mirror.admin.exports.options import CSV, JSONL, XLSX, ExportOptions
from stripe_mirror.admin.exports.reading import Batch, batches, object_batches
from stripe_mirror.admin.exports.rendering import csv_render, is_known, json_render
from stripe_mirror.admin.exports.streaming import CSV_TYPE
from stripe_mirror.admin.exports.workbook import workbook_bytes
from stripe_mirror.language import as_written

CONTENT_TYPES = {
    CSV: CSV_TYPE,
    JSONL: "application/jsonl; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BOM = "\ufeff"


def export_bytes(queryset: QuerySet[Any], options: ExportOptions, *, sees_personal: bool) -> Iterator[bytes]:
    """The rows as a file, in the queryset's order.

    Raises UnknownColumn at once, before the first byte. The first byte of CSV and JSON Lines comes before the last row
    is read; an XLSX is made on disk first.
    """
    columns = columns_named(queryset.model, options.columns)
    masked = [column.personal and not sees_personal for column in columns]
    source = batches if all(is_known(column) for column in columns) else object_batches
    if options.format == CSV and may_copy(queryset, columns, options):
        return _copied_or_read(queryset, columns, options, masked)
    write = {CSV: csv_pieces, JSONL: json_pieces, XLSX: workbook_bytes}[options.format]
    return write(columns, source(queryset, columns), options, masked)


def filename(model: type[Model], options: ExportOptions) -> str:
    """customers-2026-11-29.csv"""
    name = slugify(as_written(str(model._meta.verbose_name_plural)))
    return f"{name}-{timezone.localdate():%Y-%m-%d}.{options.format}"


def content_type(options: ExportOptions) -> str:
    """For the answer's header."""
    return CONTENT_TYPES[options.format]


def _copied_or_read(
    queryset: QuerySet[Any], columns: Sequence[Column], options: ExportOptions, masked: Sequence[bool]
) -> Iterator[bytes]:
    yield csv_head(columns, options)
    try:
        yield from copied_pieces(queryset, columns, options, masked)
    except UnknownZone:
        yield from csv_rows(columns, batches(queryset, columns), options, masked)


def csv_head(columns: Sequence[Column], options: ExportOptions) -> bytes:
    """The byte order mark, if asked for, and the headers."""
    headers = [safe_cell(header_of(column, options)) for column in columns]
    return (BOM if options.bom else "").encode() + _csv_lines([headers], options)


def csv_pieces(
    columns: Sequence[Column], source: Iterator[Batch], options: ExportOptions, masked: Sequence[bool]
) -> Iterator[bytes]:
    """The head before a row is read, then the rows."""
    yield csv_head(columns, options)
    yield from csv_rows(columns, source, options, masked)


def csv_rows(
    columns: Sequence[Column], source: Iterator[Batch], options: ExportOptions, masked: Sequence[bool]
) -> Iterator[bytes]:
    """The rows alone."""
    renders = [csv_render(column, options, masked=hidden) for column, hidden in zip(columns, masked, strict=True)]
    for batch in source:
        cells = [render(batch.values[c.name], batch) for c, render in zip(columns, renders, strict=True)]
        yield _csv_lines(zip(*cells, strict=True), options)


def _csv_lines(rows: Any, options: ExportOptions) -> bytes:
    lines = io.StringIO(newline="")
    csv.writer(lines, delimiter=options.separator).writerows(rows)
    return lines.getvalue().encode()


def json_pieces(
    columns: Sequence[Column], source: Iterator[Batch], options: ExportOptions, masked: Sequence[bool]
) -> Iterator[bytes]:
    """One object a line."""
    renders = [json_render(column, options, masked=hidden) for column, hidden in zip(columns, masked, strict=True)]
    keys = (encode_basestring(header_of(column, options)).replace("%", "%%") for column in columns)
    line = "{" + ", ".join(f"{key}: %s" for key in keys) + "}\n"
    for batch in source:
        cells = [render(batch.values[c.name], batch) for c, render in zip(columns, renders, strict=True)]
        yield "".join([line % row for row in zip(*cells, strict=True)]).encode()
