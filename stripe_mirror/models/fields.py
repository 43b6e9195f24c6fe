"""Columns that the database derives from `data`, Stripe's object: they can't disagree with it.

Each class is an ordinary Django field with a `path` (or several, tried in order) into the JSON, stored as a generated
column on SQLite and PostgreSQL alike. The SQL guards every cast by the JSON type: one odd value reads NULL instead of
failing a page of rows (PostgreSQL) or becoming 0 (SQLite). Never edit an expression in place: migrations can't see it;
add a class. `tests/models/test_fields.py` pins what is used of Django's internals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor
from django.utils.deconstruct import deconstructible

PATH = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")
# Whole numbers that fit a bigint, with room to add them up.
LARGEST = 10**18
# The last second of the year 9999, beyond which Python has no datetime.
LAST_SECOND = 253_402_300_799


class Lookup:
    """SQL snippets for one path into `data`, in one database's dialect."""

    def __init__(self, path: str, vendor: str) -> None:
        self.postgresql = vendor == "postgresql"
        parts = path.split(".")
        self.keys = "{" + ",".join(parts) + "}"
        self.json_path = "$" + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)

    @property
    def type(self) -> str:
        """The JSON type as text."""
        if self.postgresql:
            return f"jsonb_typeof(\"data\" #> '{self.keys}')"
        return f"JSON_TYPE(\"data\", '{self.json_path}')"

    @property
    def value(self) -> str:
        """The scalar: text on PostgreSQL, of its own type on SQLite."""
        if self.postgresql:
            return f"(\"data\" #>> '{self.keys}')"
        return f"JSON_EXTRACT(\"data\", '{self.json_path}')"

    def case(self, types: Sequence[str], value: str, also: str = "") -> str:
        """`value` where the JSON has one of these types (and `also` holds), else NULL."""
        names = ", ".join(f"'{name}'" for name in types)
        condition = f"{self.type} IN ({names})" + (f" AND {also}" if also else "")
        # Nested, because SQL does not promise to test the type before it evaluates the cast beside it.
        return f"CASE WHEN {condition} THEN {value} END"


class FromJson:
    """Mixin before a field class: the column is generated from `data` at `path`.

    `path` is dotted ("address.country", "items.data.0.price.id"); several paths are tried in order, for fields that
    Stripe moved between API versions.
    """

    generated = True
    db_persist = True
    # For `makemigrations`: an added column needs no default, though migrations know it as not null.
    empty_strings_allowed = True

    def __init__(self, *args: Any, path: str | Sequence[str], **kwargs: Any) -> None:
        self.paths = (path,) if isinstance(path, str) else tuple(path)
        if not all(PATH.fullmatch(p) for p in self.paths):
            raise ValueError(f"not a dotted JSON path: {self.paths}")
        kwargs["editable"] = False
        kwargs["blank"] = True
        kwargs.setdefault("null", True)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> tuple[str, str, list[Any], dict[str, Any]]:
        """For migrations: nullable for the ORM, not in their state, where SQLite couldn't add a stored column."""
        name, import_path, args, kwargs = cast(Any, super()).deconstruct()
        for implied in ("editable", "blank"):
            kwargs.pop(implied, None)
        kwargs["null"] = False
        kwargs["path"] = self.paths[0] if len(self.paths) == 1 else list(self.paths)
        return name, import_path, args, kwargs

    def generated_sql(self, connection: BaseDatabaseWrapper) -> tuple[str, tuple[()]]:
        """The expression of the generated column (used by Django's schema editor)."""
        found = [self.sql_for(Lookup(path, connection.vendor)) for path in self.paths]
        return (found[0] if len(found) == 1 else f"COALESCE({', '.join(found)})"), ()

    def sql_for(self, at: Lookup) -> str:
        """The guarded expression for one path."""
        raise NotImplementedError


class JsonTextField(FromJson, models.TextField):
    """A string of Stripe's, as it is; a number reads as its text."""

    def sql_for(self, at: Lookup) -> str:
        if at.postgresql:
            return at.case(("string", "number"), at.value)
        return at.case(("text", "integer", "real"), f"CAST({at.value} AS TEXT)")


class JsonIntegerField(FromJson, models.BigIntegerField):
    """A whole number: minor units, counts."""

    def sql_for(self, at: Lookup) -> str:
        if at.postgresql:
            whole = f"CASE WHEN {at.value} ~ '^-?[0-9]{{1,18}}$' THEN {at.value}::bigint END"
            return at.case(("number",), whole)
        return at.case(("integer",), at.value, also=f"{at.value} BETWEEN -{LARGEST} AND {LARGEST}")


class JsonBooleanField(FromJson, models.BooleanField):
    """true or false."""

    def sql_for(self, at: Lookup) -> str:
        if at.postgresql:
            return at.case(("boolean",), f"{at.value}::boolean")
        return at.case(("true", "false"), at.value)


def is_flag(column: str, value: bool) -> models.Q:
    """The rows whose flag is so, said in a way that an index carries on both databases.

    Django writes `flag=True` as the bare column, which SQLite doesn't look up in an index that begins with it.
    """
    return models.Q(**{f"{column}__in": [value]})


class Common(models.Func):
    """A column in a condition that holds of most rows: SQLite shall look up the others first.

    PostgreSQL knows from its statistics which index is worth it.
    """

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        """A plus changes nothing but the plan (https://www.sqlite.org/optoverview.html#disqualifying)."""
        return self.as_sql(compiler, connection, template="+%(expressions)s", **extra)


class Rare(models.Func):
    """A condition that holds of few rows: SQLite, which knows only how many values a column has, shall look them up.

    PostgreSQL knows from its statistics how often each value occurs.
    """

    arity = 1
    conditional = True
    output_field = models.BooleanField()
    template = "(%(expressions)s)"

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        """It changes nothing but the plan (https://www.sqlite.org/lang_corefunc.html#unlikely)."""
        return self.as_sql(compiler, connection, template="unlikely(%(expressions)s)", **extra)


class Unindexed(Common):
    """A column by which few rows are ordered, after other indexes have found them, on both databases.

    Planners take rows for evenly spread, and hope to meet the wanted ones soon in the order of an index.
    """

    template = "COALESCE(%(expressions)s, %(expressions)s)"


@deconstructible
class Missing(models.Func):
    """A condition: the column is NULL, where that is what most rows are.

    Said plainly, SQLite looks it up in the column's own index, whose statistics take NULL for as rare as other values.
    """

    arity = 1
    conditional = True
    output_field = models.BooleanField()
    template = "(%(expressions)s IS NULL) IS TRUE"


class JsonDateTimeField(FromJson, models.DateTimeField):
    """Unix seconds as an aware UTC datetime."""

    def sql_for(self, at: Lookup) -> str:
        if at.postgresql:
            second = f"CASE WHEN {at.value} ~ '^[0-9]{{1,12}}$' THEN {at.value}::bigint END"
            moment = f"CASE WHEN {second} <= {LAST_SECOND} THEN to_timestamp(({at.value})::double precision) END"
            return at.case(("number",), moment)
        return at.case(
            ("integer",),
            f"datetime({at.value}, 'unixepoch')",
            also=f"{at.value} BETWEEN 0 AND {LAST_SECOND}",
        )


class JsonDecimalField(FromJson, models.DecimalField):
    """A number with decimals, such as a percentage; Stripe sends some as strings."""

    def sql_for(self, at: Lookup) -> str:
        if at.postgresql:
            number = f"CASE WHEN {at.value} ~ '^-?[0-9]{{1,12}}([.][0-9]{{1,12}})?$' THEN {at.value}::numeric END"
            return at.case(("number", "string"), number)
        return at.case(("integer", "real"), at.value, also=f"{at.value} BETWEEN -1e12 AND 1e12")


class SoftForwardDescriptor(ForwardManyToOneDescriptor):
    """Reads None where the parent isn't mirrored (yet), instead of raising."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        try:
            return super().__get__(instance, cls)
        except self.field.remote_field.model.DoesNotExist:
            return None


class GivenForeignKey(models.ForeignKey[Any, Any]):
    """A soft relation to the object above, which Stripe's object doesn't name: `pull.placing` writes it.

    Its index is declared in the model's Meta.
    """

    forward_related_accessor_class = SoftForwardDescriptor

    def __init__(self, to: Any, on_delete: Any = models.DO_NOTHING, **kwargs: Any) -> None:
        kwargs |= {"db_constraint": False, "null": True, "editable": False}
        kwargs.setdefault("db_index", False)
        super().__init__(to, on_delete=on_delete, **kwargs)


class JsonForeignKey(FromJson, models.ForeignKey):
    """A relation by Stripe's id, or by the object in its place where it is expanded.

    Soft: no constraint in the database, and the parent may be missing. Its index is declared in the model's Meta.
    """

    forward_related_accessor_class = SoftForwardDescriptor

    def __init__(self, to: Any, on_delete: Any = models.DO_NOTHING, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs.setdefault("db_index", False)
        super().__init__(to, on_delete=on_delete, **kwargs)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        """Text, like every derived column: an id that is too long must not fail a page of rows.

        `db_type` stays the parent's: where it differs between the sides of a join, Django casts one, and no index
        carries the join.
        """
        return {**super().db_parameters(connection), "type": "text"}

    def sql_for(self, at: Lookup) -> str:
        kind = ("string",) if at.postgresql else ("text",)
        return at.case(kind, at.value)

    def generated_sql(self, connection: BaseDatabaseWrapper) -> tuple[str, tuple[()]]:
        """The id, or the id of the object that stands there."""
        found = [
            self.sql_for(Lookup(tried, connection.vendor)) for path in self.paths for tried in (path, f"{path}.id")
        ]
        return f"COALESCE({', '.join(found)})", ()
