"""Objects per second of `stripe_sync`, from a server that answers at once and from one 40 ms away; then once more.

Its two bounds stand beside it: what the readers could fetch (`workers / latency × 100`, where Stripe is far), and what
the database could store (the same statements, fed from memory by one connection, where it is near).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.databases import Fresh, databases
from tests.bench.figures import Figure
from tests.bench.processes import ROOT, environment, probe

OBJECTS, OBJECTS_QUICK = 100_000, 1_000
# The floor needs its pages in memory.
FLOOR = 10_000
KINDS = ("customer", "subscription")
LATENCY = 0.04
# Where Stripe is far, so few readers that it is Stripe that they wait for; where it is near, enough for the database.
FAR, NEAR = 1, 4


def backfill(*, quick: bool) -> Iterator[Figure]:
    """Per database: the floor; near and far, into an empty database, and again over the same rows."""
    objects = OBJECTS_QUICK if quick else OBJECTS
    for database, fresh in databases().items():
        with list_server(0, objects) as stripe:
            yield floor(database, fresh, stripe, min(FLOOR, objects))
            yield from measured(database, fresh, stripe, objects, workers=NEAR, where="near")
        with list_server(LATENCY, objects) as stripe:
            yield Figure("backfill", database, "far, 40 ms", "bound by latency", FAR / LATENCY * 100, "objects/s")
            yield from measured(database, fresh, stripe, objects, workers=FAR, where="far, 40 ms")


def floor(database: str, fresh: Fresh, stripe: str, objects: int) -> Figure:
    """What the database stores of the same pages."""
    with fresh() as url:
        found = probe("store_only", str(objects), *KINDS, env=environment(url, stripe=stripe))
    return Figure("backfill", database, "near", "bound by database", found["seen"] / found["seconds"], "objects/s")


def measured(database: str, fresh: Fresh, stripe: str, objects: int, *, workers: int, where: str) -> Iterator[Figure]:
    """The command, twice."""
    with fresh() as url:
        for case in ("new", "unchanged"):
            found = probe("sync", *KINDS, "--workers", str(workers), env=environment(url, stripe=stripe))
            # The seconds at which windows meet are read by both.
            if found["seen"] < objects * len(KINDS) or (found["changed"] > 0) != (case == "new"):
                raise SystemExit(f"The backfill went wrong: {found}")
            name = f"{where}, {workers} workers, {case}"
            yield Figure("backfill", database, name, "speed", found["seen"] / found["seconds"], "objects/s")
            yield Figure("backfill", database, name, "memory", found["megabytes"], "MB")


@contextmanager
def list_server(latency: float, objects: int) -> Iterator[str]:
    """Its address."""
    command = [sys.executable, "-m", "tests.bench.list_server", str(latency), str(objects)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
