"""Fills the project's database with a plausible company, without Stripe: `python -m tests.bench.fill CUSTOMERS`.

A process of its own in the project's settings, for an empty, migrated database. Rows are streamed while the secondary
indexes are away: a million customers and subscriptions with half a million invoices take some minutes.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from stripe_mirror.kinds import all_kinds  # noqa: E402
from stripe_mirror.models import Change, InboxEvent  # noqa: E402
from stripe_mirror.models.partitions import make_partitions  # noqa: E402
from tests.bench.fill_company import templates  # noqa: E402
from tests.bench.fill_money import Everything  # noqa: E402
from tests.bench.fill_people import Company, token  # noqa: E402

POSTGRESQL = connection.vendor == "postgresql"
COLUMNS = ("id", "account", "livemode", "data", "as_of", "synced_at", "changed_at", "version", "nul_replaced")
STEP = 5_000
# Events are kept for 90 days.
DAYS = 80
# What belongs to no constraint can be made again.
INDEXES_POSTGRESQL = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
JOIN pg_class AS owner ON owner.oid = indrelid
WHERE owner.relname = %s AND owner.relkind = 'r'
AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)"""
INDEXES_SQLITE = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = %s"


def fill(customers: int) -> dict[str, float]:
    """So many customers and subscriptions, half as many invoices, and what comes with them; seconds by kind."""
    objects = Everything(Company(customers), templates())
    if not POSTGRESQL:
        # Whoever fills a database begins anew after a crash. The next connection sets both as usual.
        execute("PRAGMA journal_mode = MEMORY")
        execute("PRAGMA synchronous = OFF")
        execute("PRAGMA cache_size = -400000")
    seconds = {}
    for kind in all_kinds():
        if kind.object in objects.found:
            seconds[kind.object] = timed(lambda kind=kind: store(kind.model, objects.of(kind.object)))  # type: ignore[misc]
    seconds["events"] = timed(lambda: fill_events(objects))
    seconds["changes"] = timed(lambda: fill_changes(objects))
    User.objects.filter(username="bench").exists() or User.objects.create_superuser("bench")
    seconds["analyze"] = timed(lambda: execute("VACUUM ANALYZE" if POSTGRESQL else "ANALYZE"))
    return seconds


def timed(what: Any) -> float:
    started = time.perf_counter()
    what()
    return round(time.perf_counter() - started, 1)


def store(model: Any, objects: Iterable[dict[str, Any]]) -> None:
    """Insert the objects as rows."""
    with without_indexes(model._meta.db_table), transaction.atomic():
        write(model._meta.db_table, rows_of(objects))


def rows_of(objects: Iterable[dict[str, Any]]) -> Iterator[tuple[Any, ...]]:
    now = datetime.now(UTC)
    stamp = now.isoformat() if POSTGRESQL else now.strftime("%Y-%m-%d %H:%M:%S.%f")
    for one in objects:
        yield one["id"], "acct_1SandboxBackOffice", False, json.dumps(one), stamp, stamp, stamp, 1, False


def write(table: str, rows: Iterator[tuple[Any, ...]]) -> None:
    """As fast as the database takes them."""
    names = ", ".join(COLUMNS)
    connection.ensure_connection()
    raw: Any = connection.connection
    if not POSTGRESQL:
        raw.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(COLUMNS))})", rows)
        return
    with raw.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


@contextmanager
def without_indexes(table: str) -> Iterator[None]:
    """Takes them away and makes them anew: sorting once is cheaper than a million insertions."""
    found = execute(INDEXES_POSTGRESQL if POSTGRESQL else INDEXES_SQLITE, [table])
    for name, _ in found:
        execute(f"DROP INDEX {name}")
    yield
    for _, definition in found:
        execute(definition)


def fill_events(objects: Everything) -> None:
    """What reached the inbox lately, as the receiver stores it."""
    count, now = objects.counts["customer"] // 10, datetime.now(UTC)
    if POSTGRESQL:
        make_partitions(InboxEvent, "created", now=now, since=now - timedelta(days=DAYS))
        make_partitions(Change, "recorded_at", now=now, since=now - timedelta(days=DAYS))
    template = objects.usual["event"]
    states = (*(InboxEvent.State.APPLIED,) * 95, *InboxEvent.State)
    for start in range(0, count, STEP):
        InboxEvent.objects.bulk_create(
            event(objects, template, number, now - timedelta(days=DAYS * (1 - number / count)), states)
            for number in range(start, min(start + STEP, count))
        )


def event(objects: Everything, template: Any, number: int, created: datetime, states: Any) -> InboxEvent:
    created = created.replace(microsecond=0)
    return InboxEvent(
        id=f"evt_{token('evt', number)}",
        type=("customer.updated", "invoice.paid", "charge.succeeded")[number % 3],
        livemode=False,
        api_version=template["api_version"],
        created=created,
        object_type="customer",
        object_id=objects.owner(number),
        request_id=f"req_{token('req', number, 14)}" if number % 2 else "",
        payload=template,
        state=states[number % len(states)],
        received_at=created,
        processed_at=created,
    )


def fill_changes(objects: Everything) -> None:
    """Each with two fields, of customers and subscriptions."""
    count, now = objects.counts["customer"] * 3 // 10, datetime.now(UTC)
    for start in range(0, count, STEP):
        Change.objects.bulk_create(
            change(objects, number, now - timedelta(days=DAYS * (1 - number / count)))
            for number in range(start, min(start + STEP, count))
        )


def change(objects: Everything, number: int, moment: datetime) -> Change:
    kind, id = ("customer", objects.owner(number)) if number % 2 else ("subscription", f"sub_{token('sub', number)}")
    return Change(
        object_type=kind,
        object_id=id,
        action="updated",
        fields={"metadata.segment": [None, "mid-market"], "description": ["", f"Call {number}"]},
        version=2,
        happened_at=moment,
        recorded_at=moment,
        source=("api", "stripe", "sync")[number % 3],
        event_id=f"evt_{token('evt', number)}",
        event_type=f"{kind}.updated",
        request_id=f"req_{token('req', number, 14)}",
    )


def execute(sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall()) if cursor.description else []


if __name__ == "__main__":
    print(json.dumps(fill(int(sys.argv[1]))))
