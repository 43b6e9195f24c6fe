"""Asks the indexes of the search for ids: by any part, by a beginning, by a value of the metadata. Never scans."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection, models
from django.db.models.expressions import Expression
from django.db.models.sql.compiler import SQLCompiler

from stripe_mirror.models import search_sql as sql
from stripe_mirror.models.search import Searched
from stripe_mirror.models.search_build import can_search

# Trigrams find nothing shorter.
SHORTEST = 3
# So many rows are looked at one by one.
FEW = 1_000
LONGEST_RARE = 9
# Above all characters that texts hold: what begins with a term lies below the term with this behind it.
LAST = "\U0010ffff"


def by_part(one: Searched, terms: Sequence[str], *, limit: int) -> list[Any] | None:
    """Ids of rows whose searched text holds all the terms, in any order of rows; None where parts can't be found.

    They can't where a term is too short, or where the database has no trigrams.
    """
    if not one.columns or not terms or min(map(len, terms)) < SHORTEST or not can_search(connection, one):
        return None
    few = _by_rare_parts(one, terms)
    return _ids(_holding(one, terms, limit)) if few is None else few[:limit]


def _by_rare_parts(one: Searched, terms: Sequence[str]) -> list[Any] | None:
    """By what stands before the @ of an email; None where there is no such part, or where so many have it.

    What follows is in the texts of many, and an index takes longest over what many have.
    """
    rare = [_before_domain(term) for term in terms]
    if rare == list(terms) or not all(map(str.isascii, terms)):
        return None
    texts = _holding(one, rare, FEW + 1, with_text=True)
    if len(texts) > FEW:
        return None
    wanted = [term.lower() for term in terms]
    return [id for id, text in texts if all(term in text.lower() for term in wanted)]


def _before_domain(term: str) -> str:
    name, at, _domain = term.rpartition("@")
    # Of a long name its end: each further character is another list of rows to read.
    return f"{name[-LONGEST_RARE:]}@" if at and len(name) >= SHORTEST else term


def _holding(one: Searched, terms: Sequence[str], limit: int, *, with_text: bool = False) -> list[Any]:
    """Rows of the ids, and of the searched texts if they are wanted, whose text holds all the terms."""
    if connection.vendor == "sqlite":
        return _matching(one, "text", terms, limit, wanted="id, text" if with_text else "id")
    text = sql.pg_text(one)
    condition = " AND ".join([f"{text} LIKE upper(%s)"] * len(terms))
    values = [f"%{_literal(term)}%" for term in terms]
    return _all_rows_first(one, condition, values, limit, text=text if with_text else "")


def by_metadata(one: Searched, value: str, *, limit: int) -> list[Any]:
    """Ids of rows with a value of the metadata that begins like this, whatever the case.

    PostgreSQL also takes what follows a quote inside a value: whoever needs to know looks at the row.
    """
    if not one.metadata or len(value) < SHORTEST or not can_search(connection, one):
        return []
    if connection.vendor == "sqlite":
        return _ids(_matching(one, "metadata", [f"\n{value}"], limit))
    # As it stands in the text of a JSON array.
    written = json.dumps(value, ensure_ascii=False)[:-1]
    return _ids(_all_rows_first(one, f"{sql.pg_metadata(one)} LIKE upper(%s)", [f"%{_literal(written)}%"], limit))


def by_beginning(one: Searched, term: str, *, limit: int) -> list[Any]:
    """Ids of rows of which a declared column is the term, then of those where one begins with it."""
    term = term[: sql.LONGEST_BEGINNING]
    compared = [_compared(column, term, begins=begins) for begins in (False, True) for column in one.beginnings]
    if not term or not compared:
        return []
    table = f"SELECT {_key(one)} AS id FROM {sql.quoted(one.table)}"
    parts = [f"SELECT id FROM ({table} WHERE {condition} LIMIT {limit:d}) AS found" for condition, _ in compared]
    found = _ids(_rows(" UNION ALL ".join(parts), [value for _, values in compared for value in values]))
    return list(dict.fromkeys(found))[:limit]


def _compared(column: str, term: str, *, begins: bool) -> tuple[str, list[str]]:
    """The condition, and its parameters."""
    if connection.vendor == "sqlite":
        cut = f"{sql.quoted(column)} COLLATE NOCASE"
        return (f"{cut} >= %s AND {cut} < %s", [term, term + LAST]) if begins else (f"{cut} = %s", [term])
    cut = sql.pg_beginning(column)
    return (f"{cut} LIKE upper(%s)", [f"{_literal(term)}%"]) if begins else (f"{cut} = upper(%s)", [term])


def _matching(one: Searched, column: str, terms: Sequence[str], limit: int, *, wanted: str = "id") -> list[Any]:
    """SQLite: rows by phrases of characters, all of them within one column."""
    quotes = [term.replace('"', '""') for term in terms]
    phrases = " AND ".join(f'{column} : "{quote}"' for quote in quotes)
    fts, texts = sql.quoted(sql.fts_table(one)), sql.quoted(sql.texts_table(one))
    inside = f"SELECT rowid FROM {fts} WHERE {fts} MATCH %s LIMIT {limit:d}"
    return _rows(f"SELECT {wanted} FROM {texts} WHERE n IN ({inside})", [phrases])


def _all_rows_first(one: Searched, condition: str, values: list[Any], limit: int, *, text: str = "") -> list[Any]:
    """PostgreSQL: planned as if all rows were wanted, but read no further than the limit.

    With the limit inside, the planner may hope to meet the first rows soon, and scan the whole table for a rare one.
    """
    wanted = f"{_key(one)} AS id, {text} AS text" if text else f"{_key(one)} AS id"
    inside = f"SELECT {wanted} FROM {sql.quoted(one.table)} WHERE {condition}"
    return _rows(f"WITH found AS MATERIALIZED ({inside}) SELECT * FROM found LIMIT {limit:d}", values)


def _ids(rows: list[Any]) -> list[Any]:
    return [id for (id,) in rows]


def _rows(statement: str, values: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return list(cursor.fetchall())


def _key(one: Searched) -> str:
    return sql.quoted(one.key)


def _literal(text: str) -> str:
    """For LIKE, whose wildcards are characters here."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class OneOf(Expression):
    """A condition: a column holds one of these texts, sent as one parameter however many there are."""

    conditional = True
    output_field = models.BooleanField()

    def __init__(self, column: str, values: Sequence[str]) -> None:
        super().__init__()
        self.values = list(values)
        self.source: Any = models.F(column)

    def get_source_expressions(self) -> list[Any]:
        """The column."""
        return [self.source]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        """The column, resolved."""
        (self.source,) = exprs

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """An array on PostgreSQL, JSON on SQLite."""
        column, parameters = compiler.compile(self.source)
        if connection.vendor == "postgresql":
            return f"{column} = ANY(%s)", (*parameters, self.values)
        return f"{column} IN (SELECT value FROM JSON_EACH(%s))", (*parameters, json.dumps(self.values))
