"""Real processes: senders to several web servers, and workers, all on one database and at once.

The servers and workers run as in production, against a stand-in for Stripe; the senders are threads of the test.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from itertools import chain
from typing import Any

import pytest
from django.db import connection

from stripe_mirror.inbox.events import OPEN
from stripe_mirror.models import Change, Customer, InboxEvent
from tests.bench.processes import ROOT, WEBHOOK_SECRET, Server, environment
from tests.conftest import differing, events_of
from tests.inbox.test_concurrency import busy_company
from tests.sandbox.delivery import sign
from tests.sandbox.testing import API_KEY, RunningSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

# A worker that only works on events, for as long as its standard input is open.
WORKER = """
import django, select, sys, time
django.setup()
from stripe_mirror.inbox.processing import drain
print("ready", flush=True)
sys.stdin.readline()
while not select.select([sys.stdin], [], [], 0)[0]:
    if not drain():
        time.sleep(0.05)
"""


def database_url() -> str:
    """Of the test's own database."""
    config = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{config['NAME']}"
    login = f"{config['USER']}:{config['PASSWORD']}" if config["PASSWORD"] else config["USER"]
    return f"postgres://{login}@{config['HOST']}:{config['PORT']}/{config['NAME']}"


@contextmanager
def running(sandbox: RunningSandbox, *, servers: int, workers: int) -> Iterator[list[int]]:
    """The ports of so many web servers, while so many workers drain the inbox."""
    env = environment(database_url(), stripe=sandbox.url) | {
        "STRIPE_SECRET_KEY": API_KEY,
        "SECURE_SSL_REDIRECT": "False",
    }
    # Without the connection of this test SQLite's file is theirs alone, and nothing of it is forked.
    connection.close()
    with ExitStack() as stack:
        command = [sys.executable, "-c", WORKER]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started = [subprocess.Popen(command, cwd=ROOT, env=env, text=True, **pipes) for _ in range(workers)]
        ports = [stack.enter_context(Server(env)).port for _ in range(servers)]
        assert [process.stdout.readline() for process in started if process.stdout] == ["ready\n"] * workers
        for process in started:
            tell(process)
        try:
            yield ports
        finally:
            errors = [process.communicate("stop\n", timeout=30)[1] for process in started]
    assert not [error for error in errors if "Traceback" in error or "ERROR" in error]


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def deliver(ports: list[int], deliveries: list[dict[str, Any]], *, senders: int = 8) -> list[int]:
    """What the servers answer, each sender with a share of the deliveries, to each server in turn."""

    def send(number: int) -> list[int]:
        return [post(ports[n % len(ports)], event) for n, event in enumerate(deliveries[number::senders])]

    with ThreadPoolExecutor(senders) as pool:
        return list(chain.from_iterable(pool.map(send, range(senders))))


def post(port: int, event: dict[str, Any]) -> int:
    """On a connection of its own: a server closes one that was idle for a while."""
    body = json.dumps(event).encode()
    line = HTTPConnection("127.0.0.1", port, timeout=60)
    line.request("POST", "/stripe-webhooks/", body, {"Stripe-Signature": sign(body, WEBHOOK_SECRET, int(time.time()))})
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer.status


def wait_until_settled(events: int) -> None:
    """Until nothing is left to do, without doing any of it here."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if InboxEvent.objects.count() == events and not InboxEvent.objects.filter(state__in=OPEN).exists():
            return
        time.sleep(0.1)
    raise AssertionError(list(InboxEvent.objects.filter(state__in=OPEN).values_list("type", "state", "reason")[:5]))


def deadlocks() -> int:
    """How many PostgreSQL has seen in this database."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_shuffled_events_over_many_processes_end_with_stripes_state(sandbox: RunningSandbox) -> None:
    """S06 with 8 workers and 3 web servers on PostgreSQL, S07 with 4 workers on SQLite.

    No deadlock, no "database is locked" reaches the sender, and what is held in the end equals Stripe.
    """
    events = busy_company(sandbox)
    deliveries = events + random.Random(6).sample(events, 40)
    random.Random(7).shuffle(deliveries)
    before = deadlocks()
    many = connection.vendor == "postgresql"
    with running(sandbox, servers=3 if many else 1, workers=8 if many else 4) as ports:
        assert set(deliver(ports, deliveries)) == {200}
        wait_until_settled(len(events))
    assert deadlocks() == before
    assert not InboxEvent.objects.filter(state=InboxEvent.State.FAILED).exists()
    assert not InboxEvent.objects.exclude(attempts=0).exists()
    assert differing(sandbox) == {}


def test_one_event_posted_to_two_servers_by_twenty_senders_is_one_row_and_one_change(sandbox: RunningSandbox) -> None:
    """S05, with real processes."""
    sandbox.post("/v1/customers", name="Ada")
    [created] = events_of(sandbox)
    with running(sandbox, servers=2, workers=2) as ports:
        assert deliver(ports, [created] * 20, senders=20) == [200] * 20
        wait_until_settled(1)
    assert InboxEvent.objects.get().state == InboxEvent.State.APPLIED
    assert (Customer.objects.get().version, Change.objects.count()) == (1, 1)


def test_events_in_order_are_applied_without_any_worker_and_without_asking_stripe(sandbox: RunningSandbox) -> None:
    """By the web process, right after the answer."""
    made = sandbox.post("/v1/customers", name="Ada")
    for number in range(30):
        sandbox.advance(1)
        sandbox.post(f"/v1/customers/{made['id']}", name=f"Name {number}")
    events = events_of(sandbox)
    sandbox.clear_requests()
    with running(sandbox, servers=1, workers=0) as ports:
        assert set(deliver(ports, events, senders=1)) == {200}
        wait_until_settled(len(events))
    assert set(InboxEvent.objects.values_list("state", flat=True)) == {InboxEvent.State.APPLIED}
    assert Customer.objects.get().name == "Name 29"
    assert sandbox.requests() == []
