"""Home at size: the first computation of its figures, what changes cost afterwards, and the page from the store."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.bench.databases import databases
from tests.bench.figures import Figure
from tests.bench.processes import environment, run

ROWS, ROWS_QUICK = 1_000_000, 4_000


def home(*, quick: bool) -> Iterator[Figure]:
    """Per database: subscriptions, charges and half as many invoices, filled by the database itself."""
    rows = ROWS_QUICK if quick else ROWS
    for database, fresh in databases().items():
        with fresh() as url:
            printed = run("-m", "tests.bench.home_probe", str(rows), env=environment(url))
        case = f"{rows:,} subscriptions and charges"
        for name, (value, unit) in json.loads(printed.splitlines()[-1]).items():
            yield Figure("home", database, case, name, value, unit)
