"""Makes the indexes of the search as declared, keeps what is right, and drops what is stale. May be run at any time.

Where the database can't have trigrams (PostgreSQL: the extension may not be created; SQLite: built without FTS5), the
rest is made, and search finds beginnings only. `manage.py migrate` ends with `build`: then the tables of all migrations
are there, each is locked by itself for no longer than its own indexes take, and what Django's remaking of tables on
SQLite has lost comes back.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import DatabaseError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext_lazy

from stripe_mirror.models import search_sql as sql
from stripe_mirror.models.search import SEARCHED, Searched, existing

logger = logging.getLogger(__name__)
# Where each database lists what it holds, and the name there.
CATALOGUES = {"postgresql": "pg_class WHERE relname", "sqlite": "sqlite_master WHERE name"}
# For building one index on PostgreSQL.
MEMORY = "256MB"
# What was there a moment ago is not asked for again: a search looks into a dozen tables.
KNOWN_FOR = 60.0
_known: dict[str, float] = {}
HOW_PG = gettext_lazy(
    "Have an administrator of the database run CREATE EXTENSION pg_trgm in it, then run manage.py migrate again."
)
HOW_LITE = gettext_lazy(
    "Use a Python whose SQLite was built with FTS5 (3.34 or later), then run manage.py migrate again."
)


def build(connection: BaseDatabaseWrapper) -> None:
    """Bring the indexes to what is declared; each table in a transaction of its own."""
    if connection.vendor not in ("postgresql", "sqlite"):
        return
    _known.clear()
    trigrams = _with_trigrams(connection)
    if not trigrams:
        logger.warning("Search finds beginnings of names only, not parts. %s", how_to_mend(connection))
    for one in _ready(connection):
        with transaction.atomic(using=connection.alias):
            (_build_pg if connection.vendor == "postgresql" else _build_lite)(connection, one, trigrams=trigrams)


def how_to_mend(connection: BaseDatabaseWrapper) -> str:
    """What to do where there are no trigrams."""
    return str(HOW_PG if connection.vendor == "postgresql" else HOW_LITE)


def has_trigrams(connection: BaseDatabaseWrapper) -> bool:
    """Whether parts are found: the declared indexes with trigrams are there. One query."""
    names = [_mark(connection, one) for one in SEARCHED if one.by_part]
    holders = ", ".join(["%s"] * len(names))
    ((there,),) = _ask(connection, f"SELECT count(*) FROM {CATALOGUES[connection.vendor]} IN ({holders})", names)
    return bool(there == len(names))


def can_search(connection: BaseDatabaseWrapper, one: Searched) -> bool:
    """Whether the parts of one table's texts are found."""
    if not one.by_part:
        return False
    mark = _mark(connection, one)
    known = f"{connection.settings_dict['NAME']} {mark}"
    if _known.get(known, 0) < time.monotonic():
        if not _ask(connection, f"SELECT 1 FROM {CATALOGUES[connection.vendor]} = %s", [mark]):
            return False
        _known[known] = time.monotonic() + KNOWN_FOR
    return True


def _mark(connection: BaseDatabaseWrapper, one: Searched) -> str:
    """The name of what shows that a table's parts can be found."""
    if connection.vendor == "sqlite":
        # Of the triggers, the ones that go with a remade table.
        return f"{sql.texts_table(one)}_insert"
    return next(index.name for index in sql.pg_indexes(one) if index.trigrams)


def _ready(connection: BaseDatabaseWrapper) -> list[Searched]:
    """The declarations whose columns are all there: in the middle of migrations some aren't."""
    found = []
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for one in existing(tables):
            description = connection.introspection.get_table_description(cursor, one.table)
            if one.needed <= {column.name for column in description}:
                found.append(one)
    return found


def _with_trigrams(connection: BaseDatabaseWrapper) -> bool:
    statement = "CREATE EXTENSION IF NOT EXISTS pg_trgm"
    if connection.vendor == "sqlite":
        statement = "CREATE VIRTUAL TABLE temp.smfind_probe USING fts5(text, tokenize='trigram')"
    try:
        with transaction.atomic(using=connection.alias):
            _run(connection, statement)
    except DatabaseError as error:
        logger.info("No trigrams: %s", error)
        return False
    if connection.vendor == "sqlite":
        _run(connection, "DROP TABLE temp.smfind_probe")
    return True


def _build_pg(connection: BaseDatabaseWrapper, one: Searched, *, trigrams: bool) -> None:
    held = {
        name
        for (name,) in _ask(
            connection,
            "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = %s",
            [one.table],
        )
        if name.startswith(sql.OURS)
    }
    wanted = {index.name: index.sql for index in sql.pg_indexes(one) if trigrams or not index.trigrams}
    declared = {index.name for index in sql.pg_indexes(one)}
    for name in held - declared:
        _run(connection, f"DROP INDEX {sql.quoted(name)}")
    missing = wanted.keys() - held
    if missing:
        # What is usual here is too little for such an index of a large table, which then takes several times as long.
        _run(connection, f"SET LOCAL maintenance_work_mem = '{MEMORY}'")
    for name in sorted(missing):
        _run(connection, wanted[name])
    if missing:
        # The planner judges a pattern by what it knows of the expression's values.
        _run(connection, f"ANALYZE {sql.quoted(one.table)}")


def _build_lite(connection: BaseDatabaseWrapper, one: Searched, *, trigrams: bool) -> None:
    held = _held_lite(connection)
    for name, statement in sql.lite_beginnings(one).items():
        if held.get(name) != statement:
            _run(connection, f"DROP INDEX IF EXISTS {sql.quoted(name)}")
            _run(connection, statement)
    if not one.by_part or not trigrams:
        return
    tables, triggers = sql.lite_tables(one), sql.lite_triggers(one)
    if all(held.get(name) == statement for name, statement in {**tables, **triggers}.items()):
        return
    for name in triggers:
        _run(connection, f"DROP TRIGGER IF EXISTS {sql.quoted(name)}")
    _make_lite_tables(connection, tables, held)
    for name in triggers:
        _run(connection, triggers[name])
    for statement in sql.lite_fill(one):
        _run(connection, statement)


def _make_lite_tables(connection: BaseDatabaseWrapper, tables: dict[str, str], held: dict[str, str]) -> None:
    """Anew where one is missing or other than declared: an index without its texts is of no use."""
    if all(held.get(name) == statement for name, statement in tables.items()):
        return
    for name in reversed(tables):
        _run(connection, f"DROP TABLE IF EXISTS {sql.quoted(name)}")
    for statement in tables.values():
        _run(connection, statement)


def _held_lite(connection: BaseDatabaseWrapper) -> dict[str, str]:
    return dict(_ask(connection, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL", []))


def _ask(connection: BaseDatabaseWrapper, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _run(connection: BaseDatabaseWrapper, statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
