"""What is wrong with the plans of a page's statements: scans of large tables, and sorts of many rows."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from django.db import connection

# Smaller tables may be read whole.
LARGE = 20_000
SORTED = 10_000
# SQLite doesn't say how many rows it reads or sorts: only what takes so many milliseconds counts.
SLOW = 10
# A virtual table is FTS5's, which looks its words up.
SCAN = re.compile(r"SCAN (\S+)(?! .*(?:USING|VIRTUAL))")
# The newest rows by their number: SQLite walks the table from its end and stops.
FIRST_ROWS = re.compile(r"(?!.* WHERE ).* ORDER BY 1 DESC LIMIT \d+( OFFSET \d+)?$", re.DOTALL)
POSTGRESQL = connection.vendor == "postgresql"


def complaints(statements: Iterable[tuple[str, Any, float]]) -> list[str]:
    """A line for each fault, with the statement's beginning."""
    found = []
    for sql, params, ms in statements:
        if sql.lstrip().upper().startswith(("SELECT", "WITH")):
            beginning = shortened(sql)
            faults = sorted(faults_of(sql, params))
            found += [f"{one} ({ms:.0f} ms): {beginning}" for one in faults if scans(one) or ms > SLOW]
    return found


def faults_of(sql: str, params: Any) -> set[str]:
    """Of one statement."""
    if not POSTGRESQL:
        return set() if FIRST_ROWS.match(sql) else set(sqlite(explained(sql, params)))
    planned = set(postgresql(explained(sql, params)))
    # As it ran: what stops at the first rows of a table scans no table.
    return planned and set(postgresql(explained(sql, params, "ANALYZE, ")))


def scans(fault: str) -> bool:
    """Whether it counts however quick it was: SQLite doesn't say how many rows it has read."""
    return POSTGRESQL and fault.startswith("scans")


def explained(sql: str, params: Any, how: str = "") -> Any:
    """PostgreSQL's plan as a tree, SQLite's as rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {f'({how}FORMAT JSON)' if POSTGRESQL else 'QUERY PLAN'} {sql}", params)
        rows = cursor.fetchall()
    if not POSTGRESQL:
        return rows
    plan = json.loads(rows[0][0]) if isinstance(rows[0][0], str) else rows[0][0]
    return plan[0]["Plan"]


def postgresql(plan: dict[str, Any]) -> Iterator[str]:
    """Sequential scans of large tables, and sorts of many rows, in the plan and below; as it ran, if that is known."""
    relation = plan.get("Relation Name", "")
    if plan["Node Type"].endswith("Seq Scan") and relation and min(size(relation), rows_read(plan)) > LARGE:
        yield f"scans {relation}"
    if "Sort" in plan["Node Type"] and (sorted_rows := rows_of(plan["Plans"][0])) > SORTED:
        yield f"sorts {sorted_rows:,} rows by {', '.join(plan['Sort Key'])}"
    for below in plan.get("Plans", ()):
        yield from postgresql(below)


def rows_of(plan: dict[str, Any]) -> int:
    """How many rows a part of the plan gives."""
    return int(plan.get("Actual Rows", plan["Plan Rows"]) * plan.get("Actual Loops", 1))


def rows_read(plan: dict[str, Any]) -> int:
    """How many rows a scan looked at; where it hasn't run, as many as there may be."""
    if "Actual Rows" not in plan:
        return sys.maxsize
    return int((plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"])


def sqlite(rows: list[Any]) -> Iterator[str]:
    """Tables read without an index, and sorts (of how many rows it can't say)."""
    for row in rows:
        if (scan := SCAN.match(row[3])) and is_table(scan[1]) and size(scan[1]) > LARGE:
            yield f"scans {scan[1]}"
        if "TEMP B-TREE FOR ORDER BY" in row[3] or "TEMP B-TREE FOR RIGHT PART" in row[3]:
            yield "sorts"


@cache
def is_table(name: str) -> bool:
    return name in connection.introspection.table_names()


@cache
def size(table: str) -> int:
    """About how many rows it has."""
    with connection.cursor() as cursor:
        if POSTGRESQL:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", [table])
        else:
            cursor.execute(f"SELECT max(rowid) FROM {connection.ops.quote_name(table)}")
        return int((cursor.fetchone() or [0])[0] or 0)


def shortened(sql: str) -> str:
    """Without the columns."""
    return re.sub(r"SELECT .*? FROM", "SELECT … FROM", sql, count=1, flags=re.DOTALL)[:400]
