"""The values of an export's columns, read in batches as the database sends them: nothing is made into objects.

What reads has a connection of its own, so that one snapshot is read however long it takes, and whoever consumes the
bytes can use the database meanwhile. Inside a transaction it reads that transaction's rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, QuerySet, TextField, Value
from django.db.models.fields.json import KeyTextTransform

from stripe_mirror.admin.exports.cells import BooleanCell, MetadataCell, MomentCell
from stripe_mirror.admin.exports.columns import Column

# Rows along the list's index as they are needed, rather than all of them sorted first by every core there is: the first
# one comes at once, and others' pages keep their share.
AT_ONCE = "SET LOCAL random_page_cost = 1.1; SET LOCAL max_parallel_workers_per_gather = 0"
# Rows of the first batch, which is on its way while the others are read, and of the others.
FIRST, USUAL = 100, 2_000


@dataclass(frozen=True)
class Batch:
    """Some rows, by column."""

    # Column's name, or the lookup of a currency → the values of all rows.
    values: dict[str, Sequence[Any]]
    # The rows as objects, where a column needs more than its value.
    rows: Sequence[Any] = ()


class MetadataValue(Func):
    """One key of Stripe's metadata as text, whatever characters the key has."""

    output_field = TextField()

    def __init__(self, data: str, key: str) -> None:
        super().__init__(F(data), Value("metadata"), Value(key), function="jsonb_extract_path_text")

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """SQLite's paths can't say every key."""
        data, _metadata, key = self.get_source_expressions()
        sql, parameters = compiler.compile(data)
        # The statement's parts are our own; the key is a parameter.
        found = f"(SELECT CAST(value AS TEXT) FROM json_each({sql}, '$.metadata') WHERE key = %s)"  # noqa: S608
        return found, (*parameters, key.value)


class Unconverted(Func):
    """A moment or flag as SQLite keeps it: text or number, which its driver doesn't parse."""

    template = "%(expressions)s"

    def __init__(self, path: str, type: str) -> None:
        super().__init__(F(path), type=type)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """A cast has no declared type by which the driver would convert it."""
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS %(type)s)", **context)


def expression_of(column: Column) -> Any:
    """What the database is asked for."""
    if column.key:
        return MetadataValue(column.path, column.key)
    match column.widget:
        case MetadataCell():
            return KeyTextTransform("metadata", column.path)
        case MomentCell():
            return Unconverted(column.path, "TEXT")
        case BooleanCell():
            return Unconverted(column.path, "INTEGER")
        case _:
            return F(column.path)


def expressions_of(columns: Sequence[Column]) -> dict[str, Any]:
    """What is asked for each column, and for the currencies of amounts."""
    wanted = {column.name: expression_of(column) for column in columns}
    return wanted | {column.currency: F(column.currency) for column in columns if column.currency}


def batches(queryset: QuerySet[Any], columns: Sequence[Column]) -> Iterator[Batch]:
    """All rows in the queryset's order."""
    wanted = expressions_of(columns)
    for rows in _rows(queryset, list(wanted.values())):
        yield Batch(dict(zip(wanted, zip(*rows, strict=True), strict=True)))


def object_batches(queryset: QuerySet[Any], columns: Sequence[Column]) -> Iterator[Batch]:
    """As `batches`, with the rows beside: for columns of which one needs several values of its row."""
    names = list(dict.fromkeys(column.path for column in columns))
    source = queryset.values_list(*names, named=True).iterator(chunk_size=USUAL)
    while rows := list(islice(source, USUAL)):
        found = dict(zip(names, zip(*rows, strict=True), strict=True))
        yield Batch({column.name: found[column.path] for column in columns}, rows)


def _rows(queryset: QuerySet[Any], expressions: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
    try:
        sql, parameters = statement(queryset, expressions)
    except EmptyResultSet:
        return
    with reader(queryset.db) as connection, _cursor(connection) as cursor:
        cursor.execute(sql, parameters)
        size = FIRST
        while rows := cursor.fetchmany(size):
            yield rows
            size = USUAL


def statement(queryset: QuerySet[Any], expressions: Sequence[Any]) -> tuple[str, Any]:
    """SQL that reads these expressions of the queryset's rows. Raises EmptyResultSet where there can be none."""
    named = {f"export_{place}": expression for place, expression in enumerate(expressions)}
    query = queryset.annotate(**named).values_list(*named).query
    sql, parameters = query.get_compiler(queryset.db).as_sql()
    return sql, parameters


@contextmanager
def reader(database: str) -> Iterator[BaseDatabaseWrapper]:
    """A connection that reads nothing but the export, in one transaction."""
    shared = connections[database]
    if shared.in_atomic_block:
        yield shared
        return
    own = shared.copy()
    try:
        own.ensure_connection()
        if own.vendor == "postgresql":
            own.set_autocommit(False)
            with own.cursor() as cursor:
                cursor.execute(AT_ONCE)
        yield own
    finally:
        own.close()


def _cursor(connection: BaseDatabaseWrapper) -> Any:
    # On PostgreSQL one of the server's, which hands out portions; SQLite's always does.
    return connection.chunked_cursor() if connection.vendor == "postgresql" else connection.cursor()
