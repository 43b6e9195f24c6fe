"""A file that somebody uploaded, or text that was pasted, as a table: whichever of the three formats it is."""

from __future__ import annotations

import io
import os
from typing import IO

from django.utils.translation import gettext as _

from stripe_mirror.admin.imports.csv_text import read_csv
from stripe_mirror.admin.imports.json_lines import read_json_lines
from stripe_mirror.admin.imports.limits import check_size
from stripe_mirror.admin.imports.xlsx import read_xlsx
from stripe_mirror.push.imports.staging import Table, WrongFile

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def read_table(file: IO[bytes], name: str = "") -> Table:
    """The table in a file, known by its first bytes. Raises WrongFile, also while its rows are read."""
    file.seek(0, os.SEEK_END)
    check_size(file.tell())
    file.seek(0)
    start = file.read(64)
    file.seek(0)
    if start.startswith(ZIP):
        table = read_xlsx(file)
    elif start.startswith(OLE):
        raise WrongFile(_("This is an old Excel file, or one with a password. Save it as XLSX without one."))
    elif start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        table = read_json_lines(file)
    else:
        table = read_csv(file)
    table.file_name = name
    return table


def read_pasted(text: str) -> Table:
    """As `read_table`, of what was copied from a spreadsheet or an editor."""
    return read_table(io.BytesIO(text.encode(errors="replace")), _("pasted text"))
