"""The database emptied after a test that committed: in milliseconds, where Django's `flush` needs up to a second."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction

# `migrate` fills them and `flush` fills them again; nothing else does.
GIVEN = (ContentType, Permission)


def given() -> list[list[tuple[Any, ...]]]:
    """What `migrate` has left behind."""
    return [list(model._default_manager.order_by("pk").values_list()) for model in GIVEN]


def emptier() -> Callable[[Any], None]:
    """To be called when the database is fresh; what it returns takes the place of `_fixture_teardown`."""
    kept = given()

    def empty(_: Any) -> None:
        nonlocal kept
        with transaction.atomic(), connection.cursor() as cursor:
            for table in filled(cursor):
                # In any order: what refers to a row is checked at the end.
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
        if given() != kept:
            call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
            kept = given()

    return empty


def filled(cursor: Any) -> list[str]:
    """The tables with rows, as a test left them (also one that was migrating), but those of GIVEN."""
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    asked = [table for table in tables if table not in {model._meta.db_table for model in GIVEN}]
    rows = (f"SELECT {n} WHERE EXISTS (SELECT 1 FROM {connection.ops.quote_name(t)})" for n, t in enumerate(asked))
    cursor.execute(" UNION ALL ".join(rows))
    return [asked[n] for (n,) in cursor.fetchall()]
