"""Writes XLSX files by hand, also such as no spreadsheet would."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATION = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
WORKBOOK = (
    f"<workbook {MAIN} {RELATION}><sheets>"
    '<sheet name="Hidden" sheetId="1" state="hidden" r:id="rId9"/><sheet name="Data" sheetId="2" r:id="rId1"/>'
    "</sheets></workbook>"
)
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'
)
STYLES = (
    f'<styleSheet {MAIN}><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd hh:mm"/>'
    '<numFmt numFmtId="165" formatCode="0.00 &quot;days&quot;"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)


def text(value: str) -> str:
    """A cell that holds a text."""
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def number(value: str, *, style: int = 0) -> str:
    """A cell that holds a number."""
    return f'<c s="{style}"><v>{value}</v></c>'


def row(*cells: str) -> str:
    """A row of such cells."""
    return f"<row>{''.join(cells)}</row>"


def sheet(rows: Sequence[str], *, before: str = "") -> str:
    """A sheet of such rows."""
    return f"{before}<worksheet {MAIN}><sheetData>{''.join(rows)}</sheetData></worksheet>"


def workbook(data: str, **parts: str) -> bytes:
    """A file around a sheet; `parts` replace others, by the last part of their path without its ending."""
    names = {
        "xl/workbook.xml": parts.get("workbook", WORKBOOK),
        "xl/_rels/workbook.xml.rels": parts.get("rels", RELATIONS),
        "xl/styles.xml": parts.get("styles", STYLES),
        "xl/worksheets/sheet1.xml": data,
    }
    if "shared" in parts:
        names["xl/sharedStrings.xml"] = parts["shared"]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return file.getvalue()
