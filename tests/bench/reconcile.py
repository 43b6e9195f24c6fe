"""`stripe_reconcile` over customers that are equal: objects per second, memory, and that no row is written."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.bench.backfill import list_server
from tests.bench.databases import databases
from tests.bench.figures import Figure
from tests.bench.processes import environment, probe, run

OBJECTS, OBJECTS_QUICK = 100_000, 2_000


def reconcile(*, quick: bool) -> Iterator[Figure]:
    """Per database: a tenth of the customers, for the memory that grows with nothing, then all of them."""
    objects = OBJECTS_QUICK if quick else OBJECTS
    for database, fresh in databases().items():
        for count in (objects // 10, objects):
            with list_server(0, count) as stripe, fresh() as url:
                env = environment(url, stripe=stripe)
                probe("sync", "customer", env=env)
                yield from measured(database, count, env)


def measured(database: str, count: int, env: dict[str, str]) -> Iterator[Figure]:
    """One run over unchanged customers, in a process of its own."""
    found = json.loads(run("-m", "tests.bench.reconcile_probe", env=env).splitlines()[-1])
    if found["compared"] < count or found["differences"] or found["failure"]:
        raise SystemExit(f"The comparison went wrong: {found}")
    case = f"{count:,} unchanged customers"
    yield Figure("reconcile", database, case, "speed", found["compared"] / found["seconds"], "objects/s")
    yield Figure("reconcile", database, case, "requests", found["requests"], "")
    yield Figure("reconcile", database, case, "peak memory over the start", found["megabytes"], "MB")
    yield Figure("reconcile", database, case, "rows of customers written", found["written"], "")
