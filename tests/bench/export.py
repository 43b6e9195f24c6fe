"""A CSV export of 100,000 customers from the running server: memory over the base, first byte, and the whole."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse

from tests.bench.databases import databases
from tests.bench.figures import Figure
from tests.bench.processes import Server, environment, probe

ROWS, ROWS_QUICK = 100_000, 10_000
URL = "/admin/stripe_mirror/customer/export/"


def export(*, quick: bool) -> Iterator[Figure]:
    """Per database."""
    rows = ROWS_QUICK if quick else ROWS
    for database, fresh in databases().items():
        with fresh() as url:
            env = environment(url)
            cookie = probe("fill", str(rows), env=env)["cookie"]
            with Server(env) as server:
                yield from measured(server, database, rows, cookie)


def measured(server: Server, database: str, rows: int, cookie: str) -> Iterator[Figure]:
    """The second download: the first loads what the process keeps for good."""
    download(server.port, f"{URL}?q=cus_{1:014}", cookie)
    server.forget_peak()
    base = server.memory("VmRSS")
    first_byte, seconds, lines = download(server.port, URL, cookie)
    if lines != rows + 1:
        raise SystemExit(f"The export has {lines - 1} rows instead of {rows}.")
    case = f"{rows:,} rows"
    yield Figure("export", database, case, "peak memory over the base", server.memory("VmHWM") - base, "MB")
    yield Figure("export", database, case, "base memory", base, "MB")
    yield Figure("export", database, case, "first byte", 1000 * first_byte, "ms")
    yield Figure("export", database, case, "whole file", seconds, "s")


def download(port: int, path: str, cookie: str) -> tuple[float, float, int]:
    """Seconds to the first byte and to the last, and the number of lines."""
    connection = HTTPConnection("127.0.0.1", port, timeout=300)
    started = time.perf_counter()
    connection.request("GET", path, headers={"Cookie": cookie})
    response: HTTPResponse = connection.getresponse()
    if response.status != 200:
        raise SystemExit(f"The export answered {response.status}.")
    piece = response.read(1)
    first_byte = time.perf_counter() - started
    lines = 0
    while piece:
        lines += piece.count(b"\n")
        piece = response.read(65_536)
    connection.close()
    return first_byte, time.perf_counter() - started, lines
