"""Bulk statements over our tables that the ORM has no short form for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias, cast

from django.db import connection, models
from django.db.models import Field

# A row's new values: its key, then one value per column; JSON as text.
Values = Sequence[Any]
Column: TypeAlias = "Field[Any, Any]"

# One parameter for all rows: quoting thousands of them is what takes the time.
UPDATE_ALL = """
UPDATE {table} AS held SET {values}
FROM json_to_recordset(%s::json) AS new({typed}) WHERE held.{key} = new.{key}"""
INSERT_ALL = """
INSERT INTO {table} AS held ({columns})
SELECT {columns} FROM json_to_recordset(%s::json) AS new({typed}) {conflict}"""
INSERT_ONE = "INSERT INTO {table} AS held ({columns}) VALUES ({places}) {conflict}"
UPDATE_ONE = "UPDATE {table} SET {values} WHERE {key} = %s"


def insert_unless_known(row: models.Model, *, texts: dict[str, str]) -> bool:
    """INSERT … ON CONFLICT DO NOTHING, in one round trip; whether the row is new.

    `texts`: JSON columns as the text that is already there, which saves writing it anew.
    """
    fields = [field for field in row._meta.concrete_fields if not getattr(field, "generated", False)]
    values = [texts[field.column] if field.column in texts else _saved(field, row) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(_insert_one(type(row), fields, "ON CONFLICT DO NOTHING"), values)
        return bool(cursor.rowcount)


def insert_each(rows: Sequence[models.Model], *, conflict: str = "") -> None:
    """Insert rows of one model in their order, in one statement (on SQLite one each); their new keys aren't read back.

    `conflict`: what follows, such as "ON CONFLICT …"; the row that is there is called `held`.
    """
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            records = [{str(field.column): getattr(row, field.attname) for field in fields} for row in rows]
            cursor.execute(_insert_all(model, fields, conflict), [json.dumps(records, default=_as_text)])
        else:
            values = [[_saved(field, row) for field in fields] for row in rows]
            cursor.executemany(_insert_one(model, fields, conflict), values)


def _insert_one(model: type[models.Model], fields: Sequence[Column], conflict: str) -> str:
    places = ", ".join(["%s"] * len(fields))
    return INSERT_ONE.format(table=_table(model), columns=_columns(fields), places=places, conflict=conflict)


def _insert_all(model: type[models.Model], fields: Sequence[Column], conflict: str) -> str:
    typed = ", ".join(f"{field.column} {field.db_type(connection)}" for field in fields)
    return INSERT_ALL.format(table=_table(model), columns=_columns(fields), typed=typed, conflict=conflict)


def _columns(fields: Sequence[Column]) -> str:
    return ", ".join(str(field.column) for field in fields)


def _saved(field: Column, row: models.Model) -> Any:
    return field.get_db_prep_save(getattr(row, field.attname), connection)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def update_each(model: type[models.Model], columns: Sequence[str], rows: Sequence[Values]) -> None:
    """Give each row values of its own, in one statement (on SQLite, which has no round trips, one each)."""
    if not rows:
        return
    fields = [cast("Column", model._meta.get_field(column)) for column in columns]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_update_all(model, fields), [_records(_key(model), fields, rows)])
        else:
            values = ", ".join(f"{field.column} = %s" for field in fields)
            sql = UPDATE_ONE.format(table=_table(model), values=values, key=_key(model))
            cursor.executemany(sql, [[*map(_prepared, fields, row[1:]), row[0]] for row in rows])


def _update_all(model: type[models.Model], fields: Sequence[Column]) -> str:
    key = _key(model)
    types = [f"{key} text", *(f"{field.column} {field.db_type(connection)}" for field in fields)]
    values = ", ".join(f"{field.column} = new.{field.column}" for field in fields)
    return UPDATE_ALL.format(table=_table(model), values=values, typed=", ".join(types), key=key)


def _records(key: str, fields: Sequence[Column], rows: Sequence[Values]) -> str:
    """The rows as a JSON array; what is JSON already goes in as it is."""
    return "[" + ", ".join(_record([key, *(str(field.column) for field in fields)], fields, row) for row in rows) + "]"


def _record(names: Sequence[str], fields: Sequence[Column], row: Values) -> str:
    texts = [json.dumps(row[0])]
    for field, value in zip(fields, row[1:], strict=True):
        is_json = isinstance(field, models.JSONField)
        texts.append(value if is_json else json.dumps(value, default=_as_text))
    return "{" + ", ".join(f'"{name}": {text}' for name, text in zip(names, texts, strict=True)) + "}"


def _prepared(field: Column, value: Any) -> Any:
    return value if isinstance(field, models.JSONField) else field.get_db_prep_save(value, connection)


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _key(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return str(model._meta.pk.column)
