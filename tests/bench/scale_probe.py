"""Runs inside the project's settings: fills tables in the database, weighs them, and adds columns. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.db.migrations.executor import MigrationExecutor  # noqa: E402
from django.db.migrations.operations import AddField  # noqa: E402
from django.db.migrations.operations.base import Operation  # noqa: E402
from django.utils import timezone  # noqa: E402

from stripe_mirror.kinds import get_kind  # noqa: E402
from stripe_mirror.models import Change, InboxEvent  # noqa: E402
from stripe_mirror.models.fields import JsonTextField  # noqa: E402
from stripe_mirror.models.operations import AddColumns  # noqa: E402

POSTGRESQL = connection.vendor == "postgresql"
NUMBERS_SQLITE = """
WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {rows}) SELECT n FROM series"""
NUMBERS = "SELECT n FROM generate_series(1, {rows}) AS n" if POSTGRESQL else NUMBERS_SQLITE
OBJECT = """
INSERT INTO {table} (id, account, livemode, data, as_of, synced_at, changed_at, version, nul_replaced)
SELECT {prefix} || numbers.n, 'acct_1', {false}, {json}, {now}, {now}, {now}, 1, {false} FROM ({numbers}) AS numbers"""


def main(rows: int, templates: dict[str, Any]) -> dict[str, Any]:
    """Fill, weigh, alter."""
    models: list[Any] = []
    for kind, template in templates.items():
        if kind != "event":
            models.append(get_kind(kind).model)
            fill_objects(models[-1], template, rows)
    fill_events(templates["event"], rows)
    fill_changes(rows)
    execute("ANALYZE")
    sizes = {str(model._meta.verbose_name_plural): weighed(model) for model in (*models, InboxEvent, Change)}
    return {"sizes": sizes, "columns": columns()}


def fill_objects(model: Any, template: dict[str, Any], rows: int) -> None:
    """Copies that differ in their id."""
    text = "replace(%s, %s, %s || numbers.n)"
    sql = OBJECT.format(
        table=model._meta.db_table,
        prefix="%s",
        false="FALSE" if POSTGRESQL else "0",
        json=f"({text})::jsonb" if POSTGRESQL else text,
        now="%s",
        numbers=NUMBERS.format(rows=rows),
    )
    now, prefix = timezone.now(), template["id"][:14]
    execute(sql, [prefix, json.dumps(template), template["id"], prefix, now, now, now])


def fill_events(template: dict[str, Any], rows: int) -> None:
    """As the receiver stores them."""
    now, step = timezone.now(), 5000
    for start in range(0, rows, step):
        InboxEvent.objects.bulk_create(
            InboxEvent(
                id=f"evt_{start + n:020}",
                type=template["type"],
                livemode=False,
                api_version=template["api_version"],
                created=now,
                object_type=template["data"]["object"]["object"],
                object_id=f"cus_{n:014}",
                request_id=f"req_{start + n:014}",
                payload=template,
                state=InboxEvent.State.APPLIED,
                received_at=now,
                processed_at=now,
            )
            for n in range(step)
        )


def fill_changes(rows: int) -> None:
    """Each with two fields."""
    now, step = timezone.now(), 5000
    fields = {"name": ["Ada Lovelace", "Ada King"], "metadata.segment": [None, "mid-market"]}
    for start in range(0, rows, step):
        Change.objects.bulk_create(
            Change(
                object_type="customer",
                object_id=f"cus_{n:014}",
                action="updated",
                fields=fields,
                version=2,
                happened_at=now,
                recorded_at=now,
                source="api",
                event_id=f"evt_{start + n:020}",
                event_type="customer.updated",
                request_id=f"req_{start + n:014}",
            )
            for n in range(step)
        )


def weighed(model: Any) -> dict[str, float]:
    """Bytes of the rows and of the indexes."""
    table = model._meta.db_table
    if POSTGRESQL:
        tree = "(SELECT relid FROM pg_partition_tree(%s::regclass) UNION SELECT %s::regclass)"
        sums = f"SELECT sum(pg_table_size(relid)), sum(pg_indexes_size(relid)) FROM {tree} AS tree"
        (rows, indexes) = execute(sums, [table, table])[0]
        return {"table": float(rows), "indexes": float(indexes)}
    names = dict(execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
    owned = [
        name for (name,) in execute("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = %s", [table])
    ]
    return {"table": float(names[table]), "indexes": float(sum(names.get(name, 0) for name in owned))}


def columns() -> dict[str, float]:
    """Seconds for one column, for three at once, and for three one after the other."""
    three = [(f"bench_{n}", JsonTextField(path=f"metadata.bench_{n}")) for n in range(3)]
    found = {}
    for model in ("Customer", "Subscription"):
        found[f"1 column for {model}"] = timed([AddColumns(model, three[:1])])
        found[f"3 columns for {model}, AddColumns"] = timed([AddColumns(model, three)])
        found[f"3 columns for {model}, AddField"] = timed([AddField(model, name, field) for name, field in three])
    return found


def timed(operations: list[Operation]) -> float:
    """How long the operations take; then back again."""
    before = MigrationExecutor(connection).loader.project_state()
    state, steps = before, []
    for operation in operations:
        after = state.clone()
        operation.state_forwards("stripe_mirror", after)
        steps.append((operation, state, after))
        state = after
    started = time.perf_counter()
    run(lambda editor: [one.database_forwards("stripe_mirror", editor, old, new) for one, old, new in steps])
    seconds = time.perf_counter() - started
    run(lambda editor: [one.database_backwards("stripe_mirror", editor, new, old) for one, old, new in reversed(steps)])
    return seconds


def run(what: Callable[[Any], object]) -> None:
    with connection.schema_editor() as editor:
        what(editor)


def execute(sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall()) if cursor.description else []


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), json.loads(sys.argv[2]))))
