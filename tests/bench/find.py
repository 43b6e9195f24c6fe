"""How fast staff find things in a small and in a large mirror, and what keeping the search's indexes costs a sync."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.bench.databases import databases
from tests.bench.figures import Figure
from tests.bench.processes import environment, run

ROWS, ROWS_QUICK, FEW = 200_000, 5_000, 1_000


def find(*, quick: bool) -> Iterator[Figure]:
    """Per database and size: the box, the lists' search, and writes with and without the indexes."""
    for database, fresh in databases().items():
        for rows in (FEW, ROWS_QUICK if quick else ROWS):
            with fresh() as url:
                printed = run("-m", "tests.bench.find_probe", str(rows), env=environment(url))
            for case, values in json.loads(printed.splitlines()[-1]).items():
                for name, (value, unit) in values.items():
                    yield Figure("find", f"{database}, {rows:,} customers", case, name, value, unit)
