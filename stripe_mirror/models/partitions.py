"""Month partitions of the two tables that only grow: events and changes. PostgreSQL only; SQLite keeps plain tables.

Old months are dropped as a whole, which costs nothing; deleting their rows would cost as much as writing them did. An
event's `created` never changes, so (id, created) is as unique as the id alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, models, transaction

OLDEST = "SELECT min({column}) FROM {table}"
COPY = "INSERT INTO {table} ({names}) SELECT {names} FROM {old}"
NEXT = "SELECT COALESCE(max({key}), 0) + 1 FROM {table}"
MOVE = """
WITH moved AS (DELETE FROM {other} WHERE {column} >= %s AND {column} < %s RETURNING *)
INSERT INTO {name} SELECT * FROM moved"""
# How many months ahead there are partitions, should the maintenance stand still.
AHEAD = 3
LOCK = 0x5712BF


@dataclass(frozen=True)
class Partition:
    """One month's table."""

    name: str
    start: datetime

    @property
    def end(self) -> datetime:
        """The first instant of the next month."""
        return next_month(self.start)


def month_of(moment: datetime) -> datetime:
    """The first instant of the month, UTC."""
    moment = moment.astimezone(UTC)
    return datetime(moment.year, moment.month, 1, tzinfo=UTC)


def next_month(start: datetime) -> datetime:
    """The first instant of the following month."""
    return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)


def partitioned(model: type[models.Model]) -> bool:
    """Whether the model's table is kept in month partitions here."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT relkind = 'p' FROM pg_class WHERE oid = to_regclass(%s)", [_table(model)])
        found = cursor.fetchone()
    return bool(found and found[0])


def partitions(model: type[models.Model]) -> list[Partition]:
    """The month partitions there are, oldest first; without the one for everything else."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT child.relname FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid"
            " WHERE inhparent = to_regclass(%s)",
            [_table(model)],
        )
        names = [str(name) for (name,) in cursor.fetchall()]
    return sorted(filter(None, (_parsed(model, name) for name in names)), key=lambda one: one.start)


def make_partitions(
    model: type[models.Model], column: str, *, now: datetime, since: datetime | None = None
) -> list[str]:
    """Make what is missing from the month of `since` (the last month) to some months ahead; the names of the new ones.

    Rows of such a month that landed in the partition for everything else move over.
    """
    with transaction.atomic():
        _lock()
        known = {one.name for one in partitions(model)}
        start = month_of(since or _months_before(now, 1))
        wanted = [_partition(model, month) for month in _months(start, month_of(now), AHEAD)]
        missing = [one for one in wanted if one.name not in known]
        for one in missing:
            _make(model, column, one)
    return [one.name for one in missing]


def drop_partition(one: Partition) -> bool:
    """Drop a month with all its rows; false where another process did so first."""
    with transaction.atomic():
        _lock()
        if not _one("SELECT to_regclass(%s) IS NOT NULL", [one.name]):
            return False
        _execute(f"DROP TABLE {_quoted(one.name)}")
    return True


def convert(model: type[models.Model], column: str, *, now: datetime) -> None:
    """Turn a plain table into a partitioned one with the same rows, indexes and constraints; in one transaction.

    Takes an exclusive lock for as long as copying the rows takes (`docs/scale.md` says how long that is).
    """
    if partitioned(model):
        return
    table, old = _table(model), f"{_table(model)}_plain"
    with transaction.atomic():
        _lock()
        _execute(f"ALTER TABLE {_quoted(table)} RENAME TO {_quoted(old)}")
        indexes, constraints, identity = _indexes(old), _foreign_keys(old), _identity(old)
        _execute(
            f"CREATE TABLE {_quoted(table)} (LIKE {_quoted(old)} INCLUDING DEFAULTS INCLUDING STORAGE)"
            f" PARTITION BY RANGE ({_quoted(column)})"
        )
        oldest = _one(OLDEST.format(column=_quoted(column), table=_quoted(old)))
        _execute(f"CREATE TABLE {_quoted(table + '_other')} PARTITION OF {_quoted(table)} DEFAULT")
        make_partitions(model, column, now=now, since=min(oldest or now, _months_before(now, 1)))
        names = ", ".join(_quoted(str(field.column)) for field in model._meta.concrete_fields)
        _execute(COPY.format(table=_quoted(table), names=names, old=_quoted(old)))
        _execute(f"DROP TABLE {_quoted(old)}")
        _restore(model, column, indexes, constraints, identity)


def _restore(
    model: type[models.Model], column: str, indexes: list[str], constraints: list[tuple[str, str]], identity: bool
) -> None:
    table, key = _quoted(_table(model)), _quoted(str(model._meta.pk.column))
    _execute(f"ALTER TABLE {table} ADD PRIMARY KEY ({key}, {_quoted(column)})")
    if identity:
        last = _one(NEXT.format(key=key, table=table))
        _execute(f"ALTER TABLE {table} ALTER {key} ADD GENERATED BY DEFAULT AS IDENTITY (START WITH {int(last)})")
    for statement in indexes:
        _execute(statement)
    for name, definition in constraints:
        _execute(f"ALTER TABLE {table} ADD CONSTRAINT {_quoted(name)} {definition}")


def _make(model: type[models.Model], column: str, one: Partition) -> None:
    table, other, name = _quoted(_table(model)), _quoted(f"{_table(model)}_other"), _quoted(one.name)
    bounds = [one.start, one.end]
    _execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE INCLUDING CONSTRAINTS)")
    _execute(MOVE.format(other=other, column=_quoted(column), name=name), bounds)
    literal = [f"'{moment:%Y-%m-%d %H:%M:%S+00}'" for moment in bounds]
    _execute(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({literal[0]}) TO ({literal[1]})")


def _indexes(table: str) -> list[str]:
    """What makes the indexes anew, but for the primary key."""
    return [
        str(statement).replace(f"{_schema()}.{table} ", f"{_schema()}.{table.removesuffix('_plain')} ")
        for (statement,) in _all(
            "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass(%s) AND NOT indisprimary",
            [table],
        )
    ]


def _foreign_keys(table: str) -> list[tuple[str, str]]:
    return [
        (str(name), str(definition))
        for name, definition in _all(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = to_regclass(%s) AND contype IN ('f', 'c')",
            [table],
        )
    ]


def _identity(table: str) -> bool:
    return bool(
        _all("SELECT 1 FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attidentity <> '' LIMIT 1", [table])
    )


def _schema() -> str:
    return str(_one("SELECT current_schema()"))


def _months(start: datetime, current: datetime, ahead: int) -> Iterator[datetime]:
    end = current
    for _ in range(ahead):
        end = next_month(end)
    while start <= end:
        yield start
        start = next_month(start)


def _months_before(moment: datetime, months: int) -> datetime:
    start = month_of(moment)
    for _ in range(months):
        start = start.replace(year=start.year - (start.month == 1), month=(start.month - 2) % 12 + 1)
    return start


def _partition(model: type[models.Model], start: datetime) -> Partition:
    return Partition(f"{_table(model)}_{start:%Y_%m}", start)


def _parsed(model: type[models.Model], name: str) -> Partition | None:
    try:
        start = datetime.strptime(name.removeprefix(f"{_table(model)}_"), "%Y_%m").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Partition(name, start)


def _table(model: type[models.Model]) -> str:
    return str(model._meta.db_table)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _lock() -> None:
    """One at a time, however many workers maintain."""
    _execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def _execute(sql: str, parameters: Iterable[Any] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters) or None)


def _all(sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(parameters) or None)
        return list(cursor.fetchall())


def _one(sql: str, parameters: Iterable[Any] = ()) -> Any:
    return _all(sql, parameters)[0][0]
