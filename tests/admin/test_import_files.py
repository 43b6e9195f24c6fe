"""Files are read as spreadsheets and exports write them; what can't be read gets one sentence (S56)."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stripe_mirror.admin.exports.guard import safe_cell
from stripe_mirror.admin.imports import limits, xlsx
from stripe_mirror.admin.imports.reading import read_pasted, read_table
from stripe_mirror.push.imports import staging
from stripe_mirror.push.imports.staging import Table, WrongFile
from tests.admin.sheets import number, row, sheet, text, workbook

HOSTILE = [
    "=1+1",
    "+49 1",
    "-5",
    "@x",
    "\tx",
    "'quoted",
    '"q"',
    "a,b;c|d",
    "line\nbreak",
    "\u202eright",
    "\ufeffmark",
    "ä€😀",
]


def table(content: bytes) -> tuple[list[str], list[list[str]]]:
    """Headers and rows of a file."""
    found = read_table(io.BytesIO(content))
    return found.headers, [list(cells) for _number, cells in found.rows]


def refusal(content: bytes) -> str:
    """The sentence about a file, wherever it comes."""
    with pytest.raises(WrongFile) as wrong:
        table(content)
    return str(wrong.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encodings_and_separators_are_found(encoding: str, separator: str) -> None:
    lines = [["id", "name", "note"], ["cus_1", "Jürgen", "a\nb"], ["cus_2", "Zoë", 'say "hi"']]
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows(lines)
    assert table(out.getvalue().encode(encoding)) == (lines[0], lines[1:])


def test_a_table_of_one_column_has_any_separator() -> None:
    assert table(b"id\ncus_1\n\ncus_2\n") == (["id"], [["cus_1"], ["cus_2"]])


def test_rows_are_numbered_as_a_spreadsheet_numbers_them() -> None:
    found = read_table(io.BytesIO(b"id,n\n\na,1\n,\nb,2\n"))
    assert [number for number, _cells in found.rows] == [3, 5]


def test_s56_what_the_export_guards_reads_as_it_was() -> None:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["id", "note"], *([str(n), safe_cell(cell)] for n, cell in enumerate(HOSTILE))])
    _headers, rows = table(out.getvalue().encode())
    assert [cells[1] for cells in rows] == HOSTILE


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=5))
def test_any_text_reads_as_it_was_written(cells: list[str]) -> None:
    out = io.StringIO(newline="")
    headers = [f"c{n}{'x' * 100}" for n in range(len(cells) + 1)]
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([headers, ["key", *map(safe_cell, cells)]])
    assert table(out.getvalue().encode()) == (headers, [["key", *cells]])


def test_json_lines_read_as_texts() -> None:
    line = {"id": "a", "n": 12, "f": 1.50, "b": True, "m": {"k": "v"}, "x": None}
    content = json.dumps(line).encode() + b"\n\n"
    assert table(content) == (["id", "n", "f", "b", "m", "x"], [["a", "12", "1.5", "true", '{"k": "v"}', ""]])


def test_a_sheet_reads_as_a_csv_would() -> None:
    shared = "<sst><si><t>id</t></si><si><r><t>two </t></r><r><t>runs</t></r><rPh><t>no</t></rPh></si></sst>"
    data = sheet(
        [
            row('<c r="A1" t="s"><v>0</v></c>', *map(text, ["note", "number", "day", "moment", "share", "flag"])),
            row(),
            '<row r="7"><c r="A7" t="s"><v>1</v></c><c r="C7"><v>0.30000000000000004</v></c>'
            '<c r="D7" s="1"><v>46054</v></c><c r="E7" s="2"><v>46054.5</v></c><c r="F7" s="3"><v>2</v></c>'
            '<c r="G7" t="b"><v>1</v></c></row>',
            row(text("x"), text("a_x000D_b_x005F_x0041_"), number("353861234567890")),
        ]
    )
    found = read_table(io.BytesIO(workbook(data, shared=shared)))
    assert found.file_format == "XLSX, sheet “Data”"
    assert found.headers == ["id", "note", "number", "day", "moment", "share", "flag"]
    assert list(found.rows) == [
        (7, ["two runs", "", "0.3", "2026-02-01T00:00:00", "2026-02-01T12:00:00", "2", "true"]),
        (8, ["x", "a\rb_x0041_", "353861234567890", "", "", "", ""]),
    ]


def test_what_is_pasted_from_a_spreadsheet_is_a_table() -> None:
    found = read_pasted("id\tname\r\ncus_1\tAda\r\n")
    assert (found.headers, list(found.rows)) == (["id", "name"], [(2, ["cus_1", "Ada"])])


MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "The file is empty."),
    "only line ends": (b"\n\n", "The file is empty."),
    "an empty header": (b"id,,name\n1,2,3\n", "Column 2 has no name in the first row."),
    "headers twice": (b"id,Name,name\n1,2,3\n", "Two columns have the name “Name”."),
    "ragged": (b"id,name\n1,a\n2,b,c\n", "Row 3 has 3 cells, but the header has 2. Nothing was read."),
    "short": (b"id,name,mail\n1,a,b\n2\n", "Row 3 has 1 cells, but the header has 3. Nothing was read."),
    "quotes that don't end": (b'id,name\n1,"a\n', "The quotes near row 2 don't match."),
    "text after quotes": (b'id,name\n1,"a"b\n', "The quotes near row 2 don't match."),
    "a picture": (
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
        "This is no text. Save it as CSV, XLSX or JSON Lines.",
    ),
    "UTF-16 without its mark": ("id,name\n1,a\n".encode("utf-16-le"), "This is no text."),
    "half of a UTF-16 character": (b"\xff\xfei\x00d\x00\n", "The file's encoding isn't understood."),
    "an old Excel file": (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "This is an old Excel file"),
    "a million columns": (b"id" + b",c" * 999_999 + b"\n1\n", "The file has more than 500 columns."),
    "an endless first line": (b"x" * (limits.LONGEST_LINE + 9), "The first line is longer than that of any table."),
    "a long cell": (b'id,name\n1,"' + b"x" * 140_000 + b'"\n', "A cell near row 2 is longer than 100,000 characters"),
    "a rather long cell": (b"id,name\n1," + b"x" * 100_001 + b"\n", "A cell of row 2 is longer than 100,000"),
    "no JSON": (b'{"id": "a"}\n{"id": \n', "Line 2 is no JSON object in UTF-8."),
    "a JSON list": (b'{"id": "a"}\n[1]\n', "Line 2 is no JSON object in UTF-8."),
    "deep JSON": (b'{"id": ' + b"[" * 100_000 + b"\n", "Line 1 is no JSON object in UTF-8."),
    "another name": (b'{"id": "a"}\n{"id": "b", "n": 1}\n', "Line 2 has “n”, which the first line lacks."),
    "a missing name": (b'{"id": "a", "n": 1}\n{"id": "b"}\n', "Line 2 lacks “n”."),
    "a zip of something": (b"PK\x03\x04" + b"x" * 100, "This XLSX file is damaged. Save it anew."),
    "a formula": (
        workbook(sheet([row(text("id"), text("n")), row(text("a"), "<c><f>1+1</f><v>2</v></c>")])),
        "Row 2 has a formula in column 2. Replace formulas by their values.",
    ),
    "an error": (
        workbook(sheet([row(text("id")), row('<c t="e"><v>#REF!</v></c>')])),
        "Row 2 has an error in column 1 (#REF!).",
    ),
    "a far column": (
        workbook(sheet([row('<c r="XFD1"><v>1</v></c>')])),
        "The file has more than 500 columns.",
    ),
    "a wide row": (
        workbook(sheet([row(text("id")), row(text("a"), text("b"))])),
        "Row 2 has 2 cells, but the header has 1.",
    ),
    "entities": (
        workbook(sheet([row(text("id"))], before='<!DOCTYPE x [<!ENTITY a "aaaa">]>')),
        "This XLSX file is damaged.",
    ),
    "a cut sheet": (workbook(sheet([row(text("id")), row(text("a"))])[:-30]), "This XLSX file is damaged."),
    "no sheet": (workbook("", rels="<Relationships/>"), "This workbook has no sheet."),
    "a missing text": (workbook(sheet([row('<c t="s"><v>5</v></c>')])), "This XLSX file is damaged."),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_gets_one_sentence(name: str) -> None:
    content, sentence = MALFORMED[name]
    assert refusal(content).startswith(sentence)


def test_a_file_of_100_megabytes_is_not_read() -> None:
    class Large(io.BytesIO):
        def seek(self, offset: int, whence: int = 0) -> int:
            return super().seek(offset, whence) if whence == 0 else 0

        def tell(self) -> int:
            return 100 * limits.MEGABYTE

        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it was read")

    with pytest.raises(WrongFile, match="The file has 100 MB; at most 50 MB are taken"):
        read_table(Large())


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "MOST_ROWS", 3)
    rows: Iterator[Any] = iter([(n, ["a"]) for n in range(4)])
    with pytest.raises(WrongFile, match="more than 3 rows"):
        staging._spool(rows, io.BytesIO())


def bomb(**sizes: int) -> bytes:
    """A workbook with parts that unpack to so many megabytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "x")
        for name, size in sizes.items():
            with archive.open(f"xl/{name}.xml", "w", force_zip64=True) as part:
                for _ in range(size):
                    part.write(b" " * limits.MEGABYTE)
    return file.getvalue()


def test_a_zip_bomb_is_not_unpacked() -> None:
    content = bomb(sheet=60)
    assert len(content) < limits.MEGABYTE
    tracemalloc.start()
    try:
        assert refusal(content) == "This XLSX file would unpack to more than is taken. Save the table as CSV."
        assert tracemalloc.get_traced_memory()[1] < 10 * limits.MEGABYTE
    finally:
        tracemalloc.stop()


def test_a_workbook_of_very_many_parts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "MOST_PARTS", 3)
    assert "unpack" in refusal(workbook(sheet([row(text("id"))])))


@pytest.mark.parametrize("format", ["csv", "xlsx", "jsonl"])
def test_memory_stays_flat_while_rows_are_read(format: str) -> None:
    cells = ["x" * 40] * 10
    if format == "csv":
        content = b"\n".join([b",".join(b"c%d" % n for n in range(10)), *[",".join(cells).encode()] * 5_000])
    elif format == "jsonl":
        content = (json.dumps({f"c{n}": cell for n, cell in enumerate(cells)}) + "\n").encode() * 5_000
    else:
        content = workbook(sheet([row(*(text(f"c{n}") for n in range(10))), *[row(*map(text, cells))] * 1_500]))
    tracemalloc.start()
    try:
        found: Table = read_table(io.BytesIO(content))
        assert sum(1 for _row in found.rows) >= 1_500
        assert tracemalloc.get_traced_memory()[1] < 3 * limits.MEGABYTE + len(content)
    finally:
        tracemalloc.stop()
