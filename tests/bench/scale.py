"""What a million rows weigh, and how long a table is locked while derived columns are added to it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

from tests.bench.databases import databases
from tests.bench.figures import Figure
from tests.bench.processes import environment, run
from tests.sandbox.seed import seed
from tests.sandbox.server import Sandbox

ROWS, ROWS_QUICK = 200_000, 5_000
MILLION = 1_000_000
KINDS = ("customer", "subscription", "invoice", "charge")


def scale(*, quick: bool) -> Iterator[Figure]:
    """Per database: tables are filled by the database itself with copies of real objects."""
    rows = ROWS_QUICK if quick else ROWS
    templates = json.dumps(usual_objects())
    for database, fresh in databases().items():
        with fresh() as url:
            printed = run("-m", "tests.bench.scale_probe", str(rows), templates, env=environment(url))
        found = json.loads(printed.splitlines()[-1])
        factor = MILLION / rows
        for table, sizes in found["sizes"].items():
            for part, size in sizes.items():
                yield Figure("scale", database, f"a million of {table}", part, size * factor / 1e6, "MB")
        for case, seconds in found["columns"].items():
            yield Figure("scale", database, f"{case}, a million rows", "table locked", seconds * factor, "s")


def usual_objects() -> dict[str, Any]:
    """One object of each kind and one event, of usual size: the median of a small company's."""
    sandbox = Sandbox()
    sandbox.clock.set(int(time.time()) - 1000)
    seed(sandbox, customers=60)
    found = {}
    for kind in (*KINDS, "event"):
        objects = sorted(sandbox.table(kind).rows.values(), key=lambda one: len(json.dumps(one)))
        found[kind] = objects[len(objects) // 2]
    sandbox.close()
    return found
