"""Objects per second of `stripe_sync`, from a server that answers at once and from one 40 ms away; then once more."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench.databases import databases
from tests.bench.figures import Figure
from tests.bench.processes import ROOT, environment, probe

OBJECTS, OBJECTS_QUICK = 10_000, 1_000
LATENCIES = (0.0, 0.04)
KINDS = ("customer", "subscription")


def backfill(*, quick: bool) -> Iterator[Figure]:
    """Per database and latency: into an empty database, and again over the same rows."""
    objects = OBJECTS_QUICK if quick else OBJECTS
    for latency in LATENCIES:
        with list_server(latency, objects) as stripe:
            for database, fresh in databases().items():
                with fresh() as url:
                    for case in ("new", "unchanged"):
                        yield measured(environment(url, stripe=stripe), database, case, latency, objects)


def measured(env: dict[str, str], database: str, case: str, latency: float, objects: int) -> Figure:
    """One run of the command."""
    found = probe("sync", *KINDS, env=env)
    if found["seen"] != objects * len(KINDS) or (found["changed"] > 0) != (case == "new"):
        raise SystemExit(f"The backfill went wrong: {found}")
    return Figure(
        "backfill",
        database,
        f"{case}, {1000 * latency:.0f} ms away",
        "objects",
        found["seen"] / found["seconds"],
        "per s",
    )


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
