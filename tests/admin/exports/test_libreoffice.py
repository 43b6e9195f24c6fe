"""A real spreadsheet opens the files: nothing in them calculates, and amounts are numbers."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.writing import export_bytes
from stripe_mirror.models import Customer
from tests.admin import rows
from tests.admin.exports import hostile

pytestmark = [pytest.mark.django_db, pytest.mark.long]
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
# How LibreOffice's filter takes a CSV: separator, quote, UTF-8, from the first line on.
SEPARATORS = {",": 44, ";": 59, "\t": 9}


def soffice() -> str:
    """Where LibreOffice is; skips the test without one, or fails it where REQUIRE_LIBREOFFICE is set."""
    found = shutil.which("soffice")
    if not found and os.environ.get("REQUIRE_LIBREOFFICE"):
        pytest.fail("LibreOffice is required here (REQUIRE_LIBREOFFICE) and is not installed.")
    return found or pytest.skip("needs LibreOffice (Debian: apt install libreoffice-calc-nogui)")


def opened(path: Path, *, separator: str = "") -> list[list[ElementTree.Element]]:
    """The cells of the first sheet, as LibreOffice understands them."""
    infilter = [f"--infilter=Text - txt - csv (StarCalc):{SEPARATORS[separator]},34,76,1"] if separator else []
    profile = f"-env:UserInstallation=file://{path.parent / 'profile'}"
    command = [
        soffice(),
        profile,
        "--headless",
        *infilter,
        "--convert-to",
        "ods",
        "--outdir",
        str(path.parent),
        str(path),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    with zipfile.ZipFile(path.with_suffix(".ods")) as book:
        root = ElementTree.fromstring(book.read("content.xml"))
    return [_cells(row) for row in next(root.iter(f"{TABLE}table")).iter(f"{TABLE}table-row")]


def _cells(row: ElementTree.Element) -> list[ElementTree.Element]:
    found = []
    for cell in row:
        found += [cell] * min(int(cell.get(f"{TABLE}number-columns-repeated", "1")), 100)
    return found


def customers() -> int:
    made = hostile.customers()
    for number, fields in enumerate(made):
        rows.customer(f"cus_{number:04}", balance=-12345 - number, **fields)
    return len(made)


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_s56_in_libreoffice_nothing_calculates_and_amounts_are_numbers(format: str, tmp_path: Path) -> None:
    count = customers()
    columns = ("id", "balance", "name", "email", "phone", "description", "metadata.note", "metadata")
    path = tmp_path / f"export.{format}"
    options = ExportOptions(format=format, columns=columns)
    path.write_bytes(b"".join(export_bytes(Customer.objects.order_by("id"), options, sees_personal=True)))
    found = opened(path, separator="," if format == "csv" else "")[1 : count + 1]
    assert len(found) == count
    for number, cells in enumerate(found):
        assert [cell.get(f"{TABLE}formula") for cell in cells] == [None] * len(cells), number
        assert cells[1].get(f"{OFFICE}value-type") == "float"
        assert float(cells[1].get(f"{OFFICE}value", "0")) == (-12345 - number) / 100


@pytest.mark.parametrize("separator", [";", "\t"])
def test_s56_opened_with_another_separator_nothing_calculates_either(separator: str, tmp_path: Path) -> None:
    customers()
    path = tmp_path / "export.csv"
    options = ExportOptions(columns=("id", "name", "description", "metadata"))
    path.write_bytes(b"".join(export_bytes(Customer.objects.order_by("id"), options, sees_personal=True)))
    cells = [cell for row in opened(path, separator=separator) for cell in row]
    assert [cell.get(f"{TABLE}formula") for cell in cells if cell.get(f"{TABLE}formula")] == []
