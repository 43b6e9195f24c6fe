"""Runs inside the project's settings, as a process of its own: `python -m tests.bench.export_probe WHAT` prints JSON.

WHAT is a format, or `bare`: the same columns of the same rows by the database's own means, without anything of ours.
"""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import django

django.setup()

import psycopg  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import F  # noqa: E402
from django.db.models.fields.json import KeyTextTransform  # noqa: E402

from stripe_mirror.admin.exports.cells import MetadataCell  # noqa: E402
from stripe_mirror.admin.exports.columns import default_columns  # noqa: E402
from stripe_mirror.admin.exports.options import ExportOptions  # noqa: E402
from stripe_mirror.admin.exports.reading import statement  # noqa: E402
from stripe_mirror.admin.exports.writing import export_bytes  # noqa: E402
from stripe_mirror.models import Customer  # noqa: E402

# More bytes than the headings of the columns have.
HEADER = 1_000


def bare() -> Iterator[bytes]:
    """COPY, or csv.writer over a raw cursor, of the columns that a customers' export has where nobody chose."""
    columns = default_columns(Customer)
    metadata = KeyTextTransform("metadata", "data")
    wanted = [metadata if isinstance(c.widget, MetadataCell) else F(c.path) for c in columns]
    sql, parameters = statement(Customer.objects.all(), wanted)
    return copied(sql, parameters) if connection.vendor == "postgresql" else written(sql, parameters)


def copied(sql: str, parameters: Any) -> Iterator[bytes]:
    connection.ensure_connection()
    client = psycopg.ClientCursor(connection.connection)
    with client.copy(f"COPY ({client.mogrify(sql, parameters)}) TO STDOUT (FORMAT csv)") as copy:
        yield from iter(copy.read, b"")


def written(sql: str, parameters: Any) -> Iterator[bytes]:
    """In one go: nothing of Python's between cursor and writer."""
    raw = sqlite3.connect(connection.settings_dict["NAME"])
    lines = io.StringIO(newline="")
    cursor = raw.execute(sql.replace("%s", "?"), parameters)
    writer = csv.writer(lines)
    while rows := cursor.fetchmany(2_000):
        writer.writerows(rows)
        yield lines.getvalue().encode()
        lines.seek(0)
        lines.truncate()


def measured(pieces: Iterator[bytes]) -> dict[str, float]:
    """Seconds to the first byte of a row and to the last, lines, megabytes of the process before and at its peak."""
    base = megabytes("VmRSS")
    started = time.perf_counter()
    first, count = 0.0, 0
    for piece in pieces:
        count += len(piece)
        if not first and count > HEADER:
            first = time.perf_counter() - started
    seconds = time.perf_counter() - started
    return {"first": first, "seconds": seconds, "bytes": count, "base": base, "peak": megabytes("VmHWM")}


def megabytes(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


if __name__ == "__main__":
    what = sys.argv[1]
    options = ExportOptions(format=what if what != "bare" else "csv")
    source = bare() if what == "bare" else export_bytes(Customer.objects.all(), options, sees_personal=True)
    print(json.dumps(measured(source)))
