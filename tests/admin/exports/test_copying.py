"""PostgreSQL's COPY and Python write the same bytes, whatever stands in the rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import connection
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stripe_mirror.admin.exports.cells import TextCell
from stripe_mirror.admin.exports.columns import Column, columns_named, columns_of
from stripe_mirror.admin.exports.copying import Finish, copied_pieces, may_copy
from stripe_mirror.admin.exports.guard import DANGER, safe_cell
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.reading import batches
from stripe_mirror.admin.exports.writing import csv_rows, export_bytes
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Customer, Invoice
from tests.admin import rows
from tests.admin.exports import hostile

postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="COPY is PostgreSQL's")
OPTIONS = (
    ExportOptions(),
    ExportOptions(minor_units=True, separator=";", timezone="Pacific/Auckland"),
    ExportOptions(timezone="America/St_Johns"),
)


def both(queryset: Any, columns: Sequence[Column], options: ExportOptions, *, masked: bool) -> tuple[bytes, bytes]:
    hidden = [masked and column.personal for column in columns]
    copied = b"".join(copied_pieces(queryset, columns, options, hidden))
    return copied, b"".join(csv_rows(columns, batches(queryset, columns), options, hidden))


def same(queryset: Any, columns: Sequence[Column], options: ExportOptions, *, masked: bool = False) -> bytes:
    copied, read = both(queryset, columns, options, masked=masked)
    for left, right in zip(copied.split(b"\r\n"), read.split(b"\r\n"), strict=True):
        assert left == right
    return copied


@postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("options", OPTIONS, ids=["plain", "minor", "zone"])
def test_copy_and_python_write_the_same_bytes_for_every_kind(options: ExportOptions) -> None:
    rows.one_of_each()
    for kind in all_kinds():
        columns = [*columns_of(kind.model), *columns_named(kind.model, ["metadata.plan"])]
        for masked in (False, True):
            assert same(kind.model.objects.all(), columns, options, masked=masked).count(b"\r\n") == 1


@postgresql
@pytest.mark.django_db
@pytest.mark.parametrize("options", OPTIONS, ids=["plain", "minor", "zone"])
def test_copy_and_python_write_the_same_bytes_for_hostile_texts(options: ExportOptions) -> None:
    secrets = [{"name": text, "metadata": {"a": text, text[:40]: "b", "Token": "hush"}} for text in hostile.SECRETS]
    for number, fields in enumerate([*hostile.customers(), *secrets]):
        rows.customer(f"cus_{number:04}", balance=-number, **fields)
    keys = [f"metadata.{text[:40]}" for text in hostile.TEXTS if text and "secret" not in text]
    columns = columns_named(Customer, [c.name for c in columns_of(Customer) if c.group == "own"] + keys)
    found = same(Customer.objects.order_by("id"), columns, options).decode()
    assert not any(secret in found for secret in (*hostile.SECRETS, "hush"))


@postgresql
@pytest.mark.django_db
def test_copy_and_python_agree_on_amounts_and_old_moments() -> None:
    currencies = ["usd", "jpy", "kwd", "ugx", "isk", "KRW", "", None]
    for number, currency in enumerate(currencies):
        for amount in (0, 5, -1, 550, 500, -12345, 123456789012, None):
            rows.invoice(
                f"in_{number}_{amount}",
                currency=currency,
                total=amount,
                amount_due=amount,
                period_end=number * 40_000_000,
            )
    for options in OPTIONS:
        same(Invoice.objects.order_by("id"), columns_of(Invoice), options)


@postgresql
@pytest.mark.django_db(transaction=True)
def test_whoever_writes_the_bytes_can_use_the_database_meanwhile_and_stop_early() -> None:
    for number in range(250):
        rows.customer(f"cus_{number:04}", name="=1", balance=-number)
    queryset = Customer.objects.order_by("id")
    assert may_copy(queryset, columns_of(Customer), ExportOptions())
    pieces = export_bytes(queryset, ExportOptions(columns=("id", "name", "balance")), sees_personal=True)
    assert next(pieces) == b"id,name,balance\r\n"
    assert next(pieces).startswith(b"cus_0000,'=1,0.00\r\ncus_0001,'=1,-0.01\r\n")
    # One snapshot: what comes meanwhile is not in it.
    rows.customer("cus_9999")
    assert Customer.objects.count() == 251
    assert b"".join(pieces).count(b"\r\n") == 150
    stopped = export_bytes(queryset, ExportOptions(), sees_personal=True)
    assert next(stopped)
    assert next(stopped)
    stopped.close()  # type: ignore[attr-defined]
    assert Customer.objects.count() == 251


TEXT = st.text(alphabet="\x02=+-@'\",;|\t\r\n a1.5\u200b＝{}_") | st.sampled_from(hostile.TEXTS)
COLUMN = Column("a", "a", "own", personal=False, default=True, path="a", widget=TextCell())


@example([["", "", ",\x02"]], ",")
@example([["", "", "\t-."]], ",")
@given(st.lists(st.lists(TEXT, min_size=3, max_size=3), min_size=1, max_size=3), st.sampled_from([",", ";"]))
@settings(deadline=None)
def test_rows_whose_beginnings_are_guarded_end_as_python_writes_them(cells: list[list[str]], separator: str) -> None:
    """What SQL does to a cell is its beginning only; `Finish` must see all the rest."""
    options = ExportOptions(separator=separator)
    finish = Finish([COLUMN] * 3, options, [False] * 3)
    led = [[f"{finish.mark}{text}" if re.match(DANGER, text) else text for text in row] for row in cells]
    copied = [_line(row, separator)[:-2] + b"\n" for row in led]
    expected = b"".join(_line([safe_cell(text) for text in row], separator) for row in cells)
    assert finish.lines(copied) == expected


def _line(row: list[str], separator: str) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=separator).writerow(row)
    return line.getvalue().encode()
