"""Values as they stand in a file, a batch of one column at a time: few values are looked at one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from stripe_mirror.admin.exports.cells import (
    AmountCell,
    BooleanCell,
    CountCell,
    MetadataCell,
    MomentCell,
    NumberCell,
    TextCell,
    metadata_text,
)
from stripe_mirror.admin.exports.columns import Column
from stripe_mirror.admin.exports.guard import DANGEROUS, safe_cell
from stripe_mirror.admin.exports.hidden import HINTS, without_secrets
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.reading import Batch
from stripe_mirror.money import to_major
from stripe_mirror.pull.storable import storable
from stripe_mirror.push.imports.cells import MASK

Values = Sequence[Any]
Render = Callable[[Values, Batch], Iterable[Any]]
FLAGS = {True: "true", False: "false", None: ""}
JSON_FLAGS = {True: "true", False: "false", None: "null"}
# SQLite keeps numbers with decimals as double precision, which has fifteen digits.
FIFTEEN = Context(prec=15)
KNOWN = (TextCell, NumberCell, CountCell, AmountCell, BooleanCell, MomentCell, MetadataCell)


def is_known(column: Column) -> bool:
    """Whether a value says all there is to its cell; other widgets are asked with the row."""
    return type(column.widget) in KNOWN


# --- Values of any format -------------------------------------------------------------------------------------------


def clean_texts(values: Values) -> Values:
    """Without secrets and without characters that no file can hold; None stays."""
    joined = "\n".join(filter(None, values))
    if any(hint in joined for hint in HINTS):
        values = [without_secrets(text) if text else text for text in values]
    if "\0" in joined or not _is_utf8(joined):
        values = [storable(text)[0] for text in values]
    return values


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def safe_texts(values: Values) -> Values:
    """Texts that no spreadsheet calculates; None stays. Several separators in a row make one look at all enough."""
    joined = "\n".join(filter(None, values))
    return [safe_cell(text) if text else text for text in values] if DANGEROUS.search(joined) else values


def number(value: Any) -> Decimal | int | None:
    """A count or a fraction, without trailing zeros."""
    if isinstance(value, float):
        value = FIFTEEN.create_decimal_from_float(value)
    return Decimal(format(value.normalize(), "f")) if isinstance(value, Decimal) else value


@lru_cache(maxsize=65_536)
def amount_text(value: int | None, currency: str | None) -> str:
    """5000 usd → 50.00. Where Stripe names no currency, only a zero is certain."""
    if value is None:
        return ""
    if currency:
        return str(to_major(value, currency))
    return f"{value} (minor units of no currency)" if value else "0"


def moment_texts(zone: Any) -> Callable[[Values], list[str | None]]:
    """Instants as ISO 8601 with their offset in that zone: 2026-02-01T12:30:00+13:00 (S54)."""

    def exactly(moment: datetime) -> str:
        local = moment.astimezone(zone)
        return f"{local.replace(tzinfo=None).isoformat(timespec='seconds')}{_offset(local.utcoffset())}"

    @lru_cache(maxsize=4096)
    def offset_of(day: str) -> timedelta | None:
        """Of the whole day in UTC; None where it changes."""
        start = datetime.fromisoformat(f"{day} 00:00:00+00:00")
        first, last = (moment.astimezone(zone).utcoffset() for moment in (start, start + timedelta(seconds=86_399)))
        return first if first == last else None

    def text(value: Any) -> str | None:
        if not value:
            return None
        if not isinstance(value, str):
            return exactly(value)
        offset = offset_of(value[:10])
        if offset is None:
            return exactly(datetime.fromisoformat(f"{value}+00:00"))
        return f"{(datetime.fromisoformat(value[:19]) + offset).isoformat()}{_offset(offset)}"

    return lambda values: [text(value) for value in values]


@lru_cache
def _offset(offset: timedelta) -> str:
    # Some zones were once off by seconds, which ISO 8601 can't say.
    minutes = int(abs(offset).total_seconds()) // 60
    return f"{'-' if offset < timedelta(0) else '+'}{minutes // 60:02}:{minutes % 60:02}"


def _masks(values: Values, _batch: Batch) -> list[str | None]:
    return [None if value in (None, "") else MASK for value in values]


def _asked(column: Column) -> Render:
    """What the widget says of each value and its row."""

    def render(values: Values, batch: Batch) -> Values:
        rows = batch.rows or [None] * len(values)
        said = [column.widget.render(value, row) for value, row in zip(values, rows, strict=True)]
        return clean_texts([None if text in (None, "") else str(text) for text in said])

    return render


# --- Texts of a CSV -------------------------------------------------------------------------------------------------


def csv_render(column: Column, options: ExportOptions, *, masked: bool) -> Render:
    """How the column's values stand in a CSV: texts guarded, numbers as they are."""
    render = text_render(column, options, masked=masked)
    if masked or (is_known(column) and not isinstance(column.widget, (TextCell, MetadataCell))):
        return render
    return lambda values, batch: safe_texts(list(render(values, batch)))


def text_render(column: Column, options: ExportOptions, *, masked: bool) -> Render:
    """How the column's values read, without the guard of texts."""
    if masked:
        return _masks
    match column.widget:
        case _ if not is_known(column):
            return _asked(column)
        case MetadataCell():
            return lambda values, _: clean_texts([metadata_text(value) for value in values])
        case TextCell():
            return lambda values, _: clean_texts(values)
        case AmountCell() if options.minor_units:
            return lambda values, _: values
        case AmountCell():
            return lambda values, batch: map(amount_text, values, batch.values[column.currency])
        case BooleanCell():
            return lambda values, _: map(FLAGS.get, values)
        case MomentCell():
            moments = moment_texts(options.zone)
            return lambda values, _: moments(values)
        case _:
            return lambda values, _: map(number, values)


# --- Values of JSON Lines -------------------------------------------------------------------------------------------


def json_render(column: Column, options: ExportOptions, *, masked: bool) -> Render:
    """How the column's values read in JSON: as typed there as Stripe's, amounts in the major unit as exact strings."""
    if masked:
        return lambda values, batch: _json_texts(_masks(values, batch))
    match column.widget:
        case _ if not is_known(column):
            ask = _asked(column)
            return lambda values, batch: _json_texts(ask(values, batch))
        case MetadataCell():
            return lambda values, _: _json_metadata(values)
        case AmountCell() if not options.minor_units:
            return lambda values, batch: _json_texts(
                None if value is None else amount_text(value, currency)
                for value, currency in zip(values, batch.values[column.currency], strict=True)
            )
        case BooleanCell():
            return lambda values, _: map(JSON_FLAGS.get, values)
        case MomentCell():
            moments = moment_texts(options.zone)
            return lambda values, _: _json_texts(moments(values))
        case TextCell():
            return lambda values, _: _json_texts(clean_texts(values))
        case _:
            return lambda values, _: ["null" if value is None else str(number(value)) for value in values]


def _json_texts(values: Iterable[Any]) -> list[str]:
    return ["null" if value is None else encode_basestring(value) for value in values]


def _json_metadata(values: Values) -> list[str]:
    return [text or "null" for text in clean_texts([metadata_text(value) for value in values])]
