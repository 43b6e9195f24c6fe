"""What a file holds: its columns, formats, zones and units; whose data is masked, and what is in no file at all."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stripe_mirror.admin.exports import workbook
from stripe_mirror.admin.exports.columns import (
    UnknownColumn,
    columns_named,
    columns_of,
    default_columns,
    header_of,
    metadata_keys,
)
from stripe_mirror.admin.exports.guard import plain_cell
from stripe_mirror.admin.exports.options import ExportOptions, WrongOptions
from stripe_mirror.admin.exports.personal import sees_personal
from stripe_mirror.admin.exports.writing import content_type, export_bytes, filename
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Charge, Customer, Invoice, Price, Push, SubscriptionItem
from stripe_mirror.push.imports.cells import MASK
from tests.admin import rows
from tests.admin.exports import hostile

pytestmark = pytest.mark.django_db
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def written(queryset: Any, *, personal: bool = True, **options: Any) -> bytes:
    return b"".join(export_bytes(queryset, ExportOptions(**options), sees_personal=personal))


def table(queryset: Any, *, personal: bool = True, **options: Any) -> list[dict[str, str]]:
    text = written(queryset, personal=personal, **options).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=options.get("separator", ",")))


def objects(queryset: Any, *, personal: bool = True, **options: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written(queryset, personal=personal, format="jsonl", **options).splitlines()]


def sheets(content: bytes) -> list[list[list[tuple[str, str]]]]:
    """Type and value of each cell, by sheet and row, empty cells too; no cell is a formula."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        roots = [ElementTree.fromstring(book.read(name)) for name in names]
    assert not any(list(root.iter(f"{SHEET}f")) for root in roots)
    return [[_cells(row) for row in root.iter(f"{SHEET}row")] for root in roots]


def _cells(row: Any) -> list[tuple[str, str]]:
    found = {str(cell.get("r")).rstrip("0123456789"): _cell(cell) for cell in row}
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [found.get(letter, ("", "")) for letter in letters[: letters.index(max(found)) + 1]]


def _cell(cell: Any) -> tuple[str, str]:
    text = "".join(part.text or "" for part in cell.iter() if part.tag in (f"{SHEET}v", f"{SHEET}t"))
    # Characters that XML can't hold are written by their numbers.
    return str(cell.get("t", "n")), re.sub(r"_x([0-9A-Fa-f]{4})_", lambda code: chr(int(code[1], 16)), text)


# --- Columns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.object)
def test_every_column_of_every_kind_can_be_named_and_exported(kind: Any) -> None:
    rows.one_of_each()
    columns = columns_of(kind.model)
    names = tuple(column.name for column in columns)
    assert len(set(names)) == len(names)
    assert {"id", "version", "metadata"} <= {column.name for column in default_columns(kind.model)}
    (row,) = table(kind.model.objects.all(), columns=names)
    assert list(row) == [column.header for column in columns]
    assert columns_named(kind.model, names) == columns


def test_columns_of_related_objects_and_single_keys_of_metadata() -> None:
    rows.customer(email="ada@example.com", metadata={"plan": "pro"})
    rows.product(name="Tea club")
    rows.price(nickname="Monthly")
    rows.subscription_item()
    rows.invoice(metadata={"order id": "0042", "123": "n", 'a"b.c': "q"})
    names = ("customer.email", "metadata.order id", "metadata.123", 'metadata.a"b.c', "metadata.none", "total")
    (row,) = table(Invoice.objects.all(), columns=names)
    assert list(row.values())[:5] == ["ada@example.com", "0042", "n", "q", ""]
    (row,) = table(SubscriptionItem.objects.all(), columns=("price.nickname", "price.unit_amount", "product.name"))
    assert row == {"price.nickname": "Monthly", "price.unit_amount": "29.00", "product.name": "Tea club"}


def test_a_parent_that_is_not_mirrored_leaves_its_cells_empty() -> None:
    rows.invoice(customer="cus_gone")
    (row,) = table(Invoice.objects.all(), columns=("customer", "customer.email"))
    assert row == {"customer": "cus_gone", "customer.email": ""}


def test_an_unknown_column_is_named_before_the_first_byte() -> None:
    with pytest.raises(UnknownColumn, match=r"wobble.*customer\.email"):
        export_bytes(Invoice.objects.all(), ExportOptions(columns=("id", "wobble")), sees_personal=True)
    for name in ("metadata.", "metadata." + "x" * 41, "metadata.client_secret", "data", "customer.data"):
        with pytest.raises(UnknownColumn):
            columns_named(Invoice, [name])


def test_keys_of_metadata_are_those_in_the_rows_the_usual_first() -> None:
    rows.customer("cus_1", metadata={"plan": "a", "api_token": "b"})
    rows.customer("cus_2", metadata={"plan": "a", "zone": "b"})
    rows.customer("cus_3", metadata={"other": "a"})
    rows.customer("cus_4", metadata={}, name="none")
    assert metadata_keys(Customer.objects.exclude(pk="cus_3")) == ["plan", "zone"]
    assert metadata_keys(Push.objects.all()) == []


# --- Values ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "reads"),
    [
        ("Pacific/Auckland", "2026-02-01T12:30:00+13:00"),
        ("America/Los_Angeles", "2026-01-31T15:30:00-08:00"),
        ("", "2026-01-31T23:30:00+00:00"),
    ],
)
def test_s54_moments_are_in_the_chosen_zone_with_its_offset_in_every_format(zone: str, reads: str) -> None:
    rows.invoice(period_end=int(datetime(2026, 1, 31, 23, 30, tzinfo=UTC).timestamp()))
    options = {"columns": ("id", "period_end"), "timezone": zone}
    assert table(Invoice.objects.all(), **options)[0]["period_end"] == reads
    assert objects(Invoice.objects.all(), **options)[0]["period_end"] == reads
    assert sheets(written(Invoice.objects.all(), format="xlsx", **options))[0][1][1] == ("inlineStr", reads)


def test_s54_the_offset_is_that_of_the_moment_on_the_day_it_changes() -> None:
    for number, hour in enumerate((0, 2)):
        rows.invoice(f"in_{number}", period_end=int(datetime(2026, 3, 29, hour, 30, tzinfo=UTC).timestamp()))
    found = table(Invoice.objects.order_by("id"), columns=("id", "period_end"), timezone="Europe/Berlin")
    assert [row["period_end"] for row in found] == ["2026-03-29T01:30:00+01:00", "2026-03-29T04:30:00+02:00"]


def test_amounts_are_in_major_units_or_in_stripes_and_the_header_says_which() -> None:
    rows.invoice(currency="usd", total=-12345)
    assert table(Invoice.objects.all(), columns=("id", "total"))[0]["total"] == "-123.45"
    assert table(Invoice.objects.all(), columns=("id", "total"), minor_units=True)[0]["total (minor units)"] == "-12345"
    (column,) = columns_named(Invoice, ["attempt_count"])
    assert header_of(column, ExportOptions(minor_units=True)) == "attempt_count"


def test_json_lines_are_typed_as_stripes_objects() -> None:
    rows.customer(name="=1+1", phone=None, balance=-500, delinquent=True, metadata={"a": "=1"})
    (found,) = objects(Customer.objects.all())
    assert found["name"] == "=1+1"
    assert found["phone"] is None
    assert found["balance"] == "-5.00"
    assert found["delinquent"] is True
    assert found["version"] == 1
    assert found["metadata"] == {"a": "=1"}
    assert objects(Customer.objects.all(), minor_units=True)[0]["balance (minor units)"] == -500


def test_s56_in_a_workbook_text_is_text_and_amounts_are_numbers() -> None:
    rows.customer(name="=1+1", phone="+49 30", email="'=1", balance=-500)
    ((_header, row),) = sheets(
        written(Customer.objects.all(), format="xlsx", columns=("name", "phone", "email", "balance"))
    )
    assert row == [("inlineStr", "=1+1"), ("inlineStr", "+49 30"), ("inlineStr", "''=1"), ("n", "-5")]


def test_a_workbook_goes_on_in_another_sheet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "SHEET_ROWS", 4)
    for number in range(7):
        rows.customer(f"cus_{number}")
    found = sheets(written(Customer.objects.order_by("id"), format="xlsx", columns=("id",)))
    assert [[cell for ((_, cell),) in sheet] for sheet in found] == [
        ["id", "cus_0", "cus_1", "cus_2"],
        ["id", "cus_3", "cus_4", "cus_5"],
        ["id", "cus_6"],
    ]


def test_a_csv_for_excel() -> None:
    rows.customer(name="a;b")
    content = written(Customer.objects.all(), columns=("id", "name"), bom=True, separator=";")
    assert content == '\ufeffid;name\r\ncus_Ada;"a;b"\r\n'.encode()
    tabs = written(Customer.objects.all(), columns=("id", "name"), separator="\t")
    assert tabs == b"id\tname\r\ncus_Ada\ta;b\r\n"


@pytest.mark.parametrize("format", ["csv", "jsonl", "xlsx"])
def test_hostile_texts_can_be_read_back_exactly(format: str) -> None:
    made = hostile.customers()
    for number, fields in enumerate(made):
        rows.customer(f"cus_{number:04}", **fields)
    queryset, columns = Customer.objects.order_by("id"), ("id", "name", "metadata.note", "metadata")
    if format == "jsonl":
        found = [[row["name"], row["metadata.note"], row["metadata"]] for row in objects(queryset, columns=columns)]
    else:
        content = written(queryset, columns=columns, format=format)
        cells = _rows_of(content) if format == "csv" else _cells_of(content)
        found = [[plain_cell(row[1]), plain_cell(row[2]), json.loads(plain_cell(row[3]))] for row in cells]
    for (name, note, metadata), fields in zip(found, made, strict=True):
        assert (name or "", note or "") == (fields["name"], fields["metadata"].get("note", ""))
        assert metadata == fields["metadata"]


def _rows_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))[1:]


def _cells_of(content: bytes) -> list[list[str]]:
    return [[text for _, text in row] for row in sheets(content)[0][1:]]


# --- Whose data -----------------------------------------------------------------------------------------------------


def test_personal_columns_are_masked_for_who_may_not_see_them() -> None:
    told = {"name": "Ada", "email": "ada@example.com", "phone": None, "metadata": {"plan": "pro"}}
    rows.customer("cus_1", balance=-500, **told)
    rows.invoice(customer="cus_1")
    rows.charge(customer="cus_1")
    (row,) = table(Customer.objects.all(), personal=False)
    assert (row["name"], row["email"], row["phone"], row["metadata"]) == (MASK, MASK, "", MASK)
    assert (row["id"], row["country"], row["balance"]) == ("cus_1", "GB", "-5.00")
    (row,) = table(
        Invoice.objects.all(), columns=("id", "customer.email", "metadata.plan", "customer_name"), personal=False
    )
    assert "ada@example.com" not in str(row)
    for format in ("csv", "jsonl"):
        for model in (Customer, Invoice, Charge):
            names = tuple(column.name for column in columns_of(model))
            content = written(model.objects.all(), columns=names, personal=False, format=format).decode()
            for personal in ("Ada", "ada@example.com", "4242"):
                assert personal not in content, (model, format)


def test_what_a_shop_sells_is_nobodys_personal_data() -> None:
    assert not any(column.personal for column in columns_of(Price) if column.group == "own")


def test_the_permission_decides_who_sees_personal_data() -> None:
    user = User.objects.create_user("exporter", is_staff=True)
    assert not sees_personal(user)
    user.user_permissions.add(*Permission.objects.filter(codename="view_pii"))
    user = User.objects.get(pk=user.pk)
    assert sees_personal(user) is Permission.objects.filter(codename="view_pii").exists()
    assert sees_personal(User.objects.create_superuser("boss"))


@pytest.mark.parametrize("format", ["csv", "jsonl", "xlsx"])
def test_s61_no_key_link_or_client_secret_is_in_any_file(format: str) -> None:
    for number, secret in enumerate(hostile.SECRETS):
        told = {"name": f"see {secret}", "description": secret, "metadata": {"note": secret, "Client Secret": "hush"}}
        rows.customer(f"cus_{number}", **told)
    for kind in all_kinds():
        if kind.object != "customer" and not kind.model.objects.exists():
            rows.one_of_each()
        names = tuple(column.name for column in columns_of(kind.model))
        if kind.object == "customer":
            names = (*names, "metadata.note")
        content = written(kind.model.objects.all(), columns=names, format=format)
        if format == "xlsx":
            with zipfile.ZipFile(io.BytesIO(content)) as book:
                content = b"".join(book.read(name) for name in book.namelist())
        for secret in (*hostile.SECRETS, "hush", "secret-path"):
            assert secret.encode() not in content, (kind.object, secret)


# --- How ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_s57_pieces_come_while_others_are_not_read_yet(format: str) -> None:
    for number in range(150):
        rows.customer(f"cus_{number:04}")
    pieces = export_bytes(Customer.objects.all(), ExportOptions(format=format), sees_personal=True)
    if format == "csv":
        with CaptureQueriesContext(connection) as queries:
            assert next(pieces).startswith(b"id,")
        assert len(queries) == 0
    assert next(pieces).count(b"\n") == 100
    # Whoever writes the bytes can use the database meanwhile.
    assert Customer.objects.count() == 150
    assert next(pieces).count(b"\n") == 50
    assert list(pieces) == []


def test_an_empty_list_is_a_file_with_a_header() -> None:
    assert table(Customer.objects.none()) == []
    assert written(Customer.objects.none(), columns=("id", "name")) == b"id,name\r\n"
    assert written(Customer.objects.none(), format="jsonl") == b""
    assert len(sheets(written(Customer.objects.none(), format="xlsx"))[0]) == 1


def test_options_survive_their_json() -> None:
    options = ExportOptions(columns=("id", "metadata.a"), format="xlsx", timezone="Asia/Tokyo", minor_units=True)
    assert ExportOptions.from_json(json.loads(json.dumps(options.to_json()))) == options
    assert ExportOptions.from_json({}) == ExportOptions()


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "pdf"},
        {"separator": "x"},
        {"timezone": "Mars/Base"},
        {"timezone": "../etc"},
        {"columns": ("id", "id")},
    ],
)
def test_wrong_options_are_refused_with_a_sentence(wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongOptions, match=r"\.$"):
        ExportOptions(**wrong)


@pytest.mark.parametrize("stored", [[], {"wobble": 1}, {"bom": "yes"}, {"columns": [1]}])
def test_options_that_were_tampered_with_are_refused(stored: Any) -> None:
    with pytest.raises(WrongOptions):
        ExportOptions.from_json(stored)


def test_a_file_is_named_for_its_list_and_format() -> None:
    assert filename(Customer, ExportOptions(format="xlsx")) == f"customers-{datetime.now(UTC).date()}.xlsx"
    assert content_type(ExportOptions(format="jsonl")).startswith("application/jsonl")
