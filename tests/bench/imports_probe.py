"""Runs inside the project's settings: an export of all customers, edited, read and compared. Prints JSON."""

from __future__ import annotations

import csv
import io
import json
import resource
import sys
import time
from tempfile import TemporaryFile
from typing import IO, Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402

from stripe_mirror.admin.exports.options import ExportOptions  # noqa: E402
from stripe_mirror.admin.exports.writing import export_bytes  # noqa: E402
from stripe_mirror.admin.imports.reading import read_table  # noqa: E402
from stripe_mirror.models import Customer, Import  # noqa: E402
from stripe_mirror.push.imports import comparing  # noqa: E402
from stripe_mirror.push.imports.staging import stage  # noqa: E402
from stripe_mirror.push.operation import get_operation  # noqa: E402

COLUMNS = ("id", "name", "email", "phone", "description", "country", "tax_exempt", "version", "metadata.segment")


def edited(every: int, into: IO[bytes]) -> None:
    """All customers as a file, one in so many with another name."""
    source = export_bytes(Customer.objects.order_by("pk"), ExportOptions(columns=COLUMNS), sees_personal=True)
    number, rest = 0, b""
    for piece in source:
        *lines, rest = (rest + piece).split(b"\r\n")
        for line in lines:
            if number and number % every == 0:
                cells = next(csv.reader([line.decode()]))
                cells[1] += " (edited)"
                out = io.StringIO(newline="")
                csv.writer(out).writerow(cells)
                line = out.getvalue().removesuffix("\r\n").encode()
            into.write(line + b"\r\n")
            number += 1


def measure(every: int) -> dict[str, Any]:
    """Seconds of each step, and the peak over what the process had before."""
    owner, _ = User.objects.get_or_create(username="importer")
    operation = get_operation("edit_customer")
    with TemporaryFile() as file:
        edited(every, file)
        # What a process keeps for good is loaded by the first rows.
        compare(operation, io.BytesIO(b"id,name\ncus_00000000000000,x\n"), owner)
        base = peak()
        started, busy = time.perf_counter(), time.process_time()
        upload = stage(operation, read_table(file, "edited.csv"), owner=owner)
        staged = time.perf_counter()
        comparing.begin(upload, upload.targets, minor_units=False)
        comparing.compare(upload)
        ended, busy = time.perf_counter(), time.process_time() - busy
    if upload.wrong or upload.changed != upload.total // every or upload.state != Import.State.JUDGED:
        raise SystemExit(f"{upload.state}: {upload.changed} changed, {upload.wrong} wrong of {upload.total}")
    return {
        "read and staged": (upload.total / (staged - started), "rows/s"),
        "compared": (upload.total / (ended - staged), "rows/s"),
        "whole preview": (upload.total / (ended - started), "rows/s"),
        # What the process itself took: on a machine that others use, too, the fairer figure.
        "whole preview, by CPU time": (upload.total / busy, "rows/s"),
        "peak memory over the base": (peak() - base, "MB"),
    }


def compare(operation: Any, file: IO[bytes], owner: User) -> None:
    """A small one."""
    upload = stage(operation, read_table(file), owner=owner)
    comparing.begin(upload, upload.targets, minor_units=False)
    upload.delete()


def peak() -> float:
    """In megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]))))
