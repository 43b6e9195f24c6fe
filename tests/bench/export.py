"""A million customers with fifteen columns as a file, against the database's own means, and beside others.

On PostgreSQL against a bare COPY of the same columns, on SQLite against csv.writer over a raw cursor. `BENCH_FILLED`
may name filled databases, as for `pages`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from http.client import HTTPConnection
from typing import Any

from tests.bench.databases import Fresh, databases, migrate
from tests.bench.figures import Figure
from tests.bench.processes import ROOT, Server, environment, probe, run

ROWS, ROWS_QUICK = 1_000_000, 20_000
FORMATS = ("csv", "jsonl", "xlsx")
ROUNDS = 3
LIST = "/admin/stripe_mirror/invoice/?view=all"
PAGES = 15
# What must hold: seconds against the database's own means; milliseconds; megabytes; the list page beside an export.
RATIO = {"postgresql": 2.0, "sqlite": 2.5}
FIRST_ROWS, MEGABYTES, BESIDE = 1_000, 150, 1.5


def export(*, quick: bool) -> Iterator[Figure]:
    """Per database."""
    rows = ROWS_QUICK if quick else ROWS
    for database, fresh in databases().items():
        with filled(database, fresh, rows) as url:
            env = environment(url)
            yield from files(database, env)
            yield from beside(database, env)


def filled(database: str, fresh: Fresh, rows: int) -> AbstractContextManager[str]:
    """The address of a database with so many customers."""
    for url in os.environ.get("BENCH_FILLED", "").split():
        if url.startswith(database[:6]):
            migrate(url)
            return nullcontext(url)
    return made(fresh, rows)


class made(AbstractContextManager[str]):
    """A database that goes away."""

    def __init__(self, fresh: Fresh, rows: int) -> None:
        self.context, self.rows = fresh(), rows

    def __enter__(self) -> str:
        url = self.context.__enter__()
        run("-m", "tests.bench.fill", str(self.rows), env=environment(url))
        return url

    def __exit__(self, *failure: Any) -> None:
        self.context.__exit__(*failure)


def files(database: str, env: dict[str, str]) -> Iterator[Figure]:
    """Each format once, CSV and the bare reading by turns, so that both meet the same noise."""
    turns = [(probed("bare", env), probed("csv", env)) for _ in range(ROUNDS)]
    bare = min(turn[0]["seconds"] for turn in turns)
    ours = min((turn[1] for turn in turns), key=lambda found: float(found["seconds"]))
    own = "bare COPY" if database == "postgresql" else "csv.writer over a raw cursor"
    yield Figure("export", database, own, "whole file", bare, "s")
    yield from figures(database, "csv", ours)
    yield Figure("export", database, "csv", f"against {own}", ours["seconds"] / bare, "×")
    if ours["seconds"] / bare > RATIO[database]:
        print(f"{database}: csv takes {ours['seconds'] / bare:.2f} × {own}, more than {RATIO[database]}")
    for format in FORMATS[1:]:
        yield from figures(database, format, probed(format, env))


def figures(database: str, format: str, found: dict[str, float]) -> Iterator[Figure]:
    """Of one file; a line on the terminal for each promise that doesn't hold."""
    yield Figure("export", database, format, "first rows", 1000 * found["first"], "ms")
    yield Figure("export", database, format, "whole file", found["seconds"], "s")
    yield Figure("export", database, format, "size", found["bytes"] / 1e6, "MB")
    yield Figure("export", database, format, "peak memory over the base", found["peak"] - found["base"], "MB")
    yield Figure("export", database, format, "peak memory", found["peak"], "MB")
    if format != "xlsx" and 1000 * found["first"] > FIRST_ROWS:
        print(f"{database}: the first rows of {format} take {found['first']:.1f} s")
    if found["peak"] > MEGABYTES:
        print(f"{database}: {format} needs {found['peak']:.0f} MB")


def probed(what: str, env: dict[str, str]) -> dict[str, float]:
    """What a process of its own measured."""
    found: dict[str, float] = json.loads(run("-m", "tests.bench.export_probe", what, env=env).splitlines()[-1])
    return found


def beside(database: str, env: dict[str, str]) -> Iterator[Figure]:
    """Somebody's list page alone, and while a worker exports everything."""
    cookie = probe("session", env=env)["cookie"]
    with Server(env) as server:
        listed(server.port, cookie)
        alone = statistics.median(listed(server.port, cookie) for _ in range(PAGES))
        command = [sys.executable, "-m", "tests.bench.export_probe", "csv"]
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL) as exporting:
            # Until it has loaded Django, it exports nothing.
            time.sleep(2)
            times = []
            while exporting.poll() is None and len(times) < PAGES:
                times.append(listed(server.port, cookie))
            exporting.kill()
    if times:
        meanwhile = statistics.median(times)
        yield Figure("export", database, "list page of others", "alone", 1000 * alone, "ms")
        yield Figure("export", database, "list page of others", "while exporting", 1000 * meanwhile, "ms")
        yield Figure("export", database, "list page of others", "slow-down", meanwhile / alone, "×")
        if meanwhile / alone > BESIDE:
            print(f"{database}: an export slows the list page of others {meanwhile / alone:.2f} ×")


def listed(port: int, cookie: str) -> float:
    """Seconds that the page takes."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    started = time.perf_counter()
    connection.request("GET", LIST, headers={"Cookie": cookie})
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != 200:
        raise SystemExit(f"The list answered {response.status}.")
    return time.perf_counter() - started
