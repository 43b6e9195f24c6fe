"""The preview of an import of customers: read, staged and compared; rows per second, and memory over the base."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.bench.databases import databases
from tests.bench.figures import Figure
from tests.bench.processes import environment, probe, run

ROWS, ROWS_QUICK = 100_000, 5_000
# One row in so many is edited.
EDITED = (10, 1)


def imports(*, quick: bool) -> Iterator[Figure]:
    """Per database: an export of all customers brought back, with a tenth of its rows edited, and with all."""
    rows = ROWS_QUICK if quick else ROWS
    for database, fresh in databases().items():
        with fresh() as url:
            env = environment(url)
            probe("fill", str(rows), env=env)
            for every in EDITED:
                printed = run("-m", "tests.bench.imports_probe", str(every), env=env)
                case = f"{rows:,} rows, {'all' if every == 1 else f'1 in {every}'} edited"
                for name, (value, unit) in json.loads(printed.splitlines()[-1]).items():
                    yield Figure("imports", database, case, name, value, unit)
