"""Signed events per second and how long each takes, at 1 and 8 senders, beside a view that only stores them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import chain
from typing import Any

from tests.bench.databases import databases
from tests.bench.figures import Figure, percentile
from tests.bench.processes import WEBHOOK_SECRET, Server, environment, probe
from tests.sandbox.delivery import sign
from tests.sandbox.server import Sandbox

APPLICATIONS = {"receiver": "backoffice.wsgi", "floor": "tests.bench.floor"}
CUSTOMERS = 80
ROUNDS, ROUNDS_QUICK = 20, 3

# One customer's events in their order, rendered as they are sent.
Stream = list[bytes]


def ingest(*, quick: bool) -> Iterator[Figure]:
    """Per database and application; each starts with an empty database."""
    rounds = ROUNDS_QUICK if quick else ROUNDS
    streams = customer_streams(1 + 2 * rounds)
    for database, fresh in databases().items():
        for name, application in APPLICATIONS.items():
            with fresh() as url, Server(environment(url), application=application) as server:
                yield from measured(server, streams, rounds, f"{name}, ", database)
                if name == "receiver":
                    yield from applied(url, database, sum(map(len, streams)))


def measured(server: Server, streams: Sequence[Stream], rounds: int, case: str, database: str) -> Iterator[Figure]:
    """The creations warm everything up; then the updates, by one sender and by eight."""
    send(server.port, [list(chain.from_iterable(stream[:1] for stream in streams))])
    for number, senders in enumerate((1, 8)):
        first = 1 + number * rounds
        turns = [stream[first : first + rounds] for stream in streams]
        shares = [interleaved(turns[start::senders]) for start in range(senders)]
        seconds, times = send(server.port, shares)
        label = f"{case}{senders} sender{'s' * (senders > 1)}"
        yield Figure("ingest", database, label, "events", len(times) / seconds, "per s")
        yield Figure("ingest", database, label, "p50", 1000 * percentile(times, 50), "ms")
        yield Figure("ingest", database, label, "p99", 1000 * percentile(times, 99), "ms")


def applied(url: str, database: str, sent: int) -> Iterator[Figure]:
    """A receiver that only seems fast has not applied its events: all must be, soon, by itself and without Stripe."""
    found = probe("lag", env=environment(url))
    yield Figure("ingest", database, "receiver", "applied", 100 * found["applied"] / sent, "%")
    yield Figure("ingest", database, "receiver", "stored to applied p50", 1000 * found["p50"], "ms")
    yield Figure("ingest", database, "receiver", "stored to applied p99", 1000 * found["p99"], "ms")


def customer_streams(length: int) -> list[Stream]:
    """Real events of the sandbox: a creation, then one update a second."""
    sandbox = Sandbox()
    sandbox.clock.set(int(time.time()) - 100_000)
    ids = [created(sandbox, number) for number in range(CUSTOMERS)]
    for turn in range(length - 1):
        sandbox.clock.advance(1)
        for id in ids:
            sandbox.request("POST", f"/v1/customers/{id}", {"description": f"Seen {turn} times", "balance": turn})
    streams: dict[str, Stream] = {id: [] for id in ids}
    for event in reversed(list(sandbox.table("event").newest_first())):
        streams[event["data"]["object"]["id"]].append(json.dumps(event, indent=2).encode())
    sandbox.close()
    return list(streams.values())


def created(sandbox: Sandbox, number: int) -> str:
    """A customer of usual size."""
    address = {"line1": f"Street {number}", "city": "Berlin", "postal_code": "10115", "country": "DE"}
    values = {"name": f"Customer {number}", "email": f"c{number}@example.com", "phone": "+49 30 1", "address": address}
    body: dict[str, Any] = sandbox.request("POST", "/v1/customers", values | {"metadata": {"crm": str(number)}}).body
    return str(body["id"])


def interleaved(streams: Sequence[Stream]) -> Stream:
    """In turn from each, so that every customer's own order is kept."""
    return [body for turn in zip(*streams, strict=True) for body in turn]


def send(port: int, shares: Sequence[Stream]) -> tuple[float, list[float]]:
    """Each share by a sender of its own; seconds in all, and seconds per event."""
    together = threading.Barrier(len(shares) + 1)
    with ThreadPoolExecutor(len(shares)) as pool:
        running = [pool.submit(send_share, port, share, together) for share in shares]
        together.wait()
        started = time.perf_counter()
        times = list(chain.from_iterable(one.result() for one in running))
        return time.perf_counter() - started, times


def send_share(port: int, share: Stream, together: threading.Barrier) -> list[float]:
    """One connection, one event after the other."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.connect()
    together.wait()
    times = []
    for body in share:
        headers = {"Stripe-Signature": sign(body, WEBHOOK_SECRET, int(time.time())), "Content-Type": "application/json"}
        started = time.perf_counter()
        connection.request("POST", "/stripe-webhooks/", body, headers)
        response = connection.getresponse()
        answer = response.read()
        times.append(time.perf_counter() - started)
        if response.status != 200:
            raise SystemExit(f"The receiver answered {response.status}: {answer[:200]!r}")
    connection.close()
    return times
