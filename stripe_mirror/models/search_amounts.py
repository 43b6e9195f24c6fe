"""Asks for the newest objects of an amount, in each currency: one statement, carried by (currency, amount, created)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection, models

# Kinds have few currencies; beyond so many the last ones are left out.
MOST_CURRENCIES = 40


def used_currencies(model: type[models.Model]) -> list[str]:
    """The currencies that rows of a model have: a step in the index for each, instead of a walk over all rows."""
    table = connection.ops.quote_name(model._meta.db_table)
    statement = f"""
WITH RECURSIVE used(currency, n) AS (
    SELECT min(currency), 1 FROM {table}
    UNION ALL
    SELECT (SELECT min(currency) FROM {table} WHERE currency > used.currency), n + 1 FROM used
    WHERE used.currency IS NOT NULL AND n < {MOST_CURRENCIES}
)
SELECT currency FROM used WHERE currency IS NOT NULL"""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [currency for (currency,) in cursor.fetchall()]


def newest_of(
    model: type[models.Model],
    column: str,
    wanted: Sequence[tuple[str, int]],
    *,
    within: tuple[datetime, datetime] | None,
    limit: int,
) -> list[str]:
    """Ids of rows with one of these currencies and minor units, the newest first; `within` is a span of `created`."""
    if not wanted:
        return []
    table, amount = connection.ops.quote_name(model._meta.db_table), connection.ops.quote_name(column)
    span = "AND created >= %s AND created < %s" if within else ""
    order = f"ORDER BY created DESC, id DESC LIMIT {limit:d}"
    each = f"SELECT id, created FROM {table} WHERE currency = %s AND {amount} = %s {span} {order}"
    union = " UNION ALL ".join([f"SELECT id, created FROM ({each}) AS part"] * len(wanted))
    moments = [_moment(at) for at in within or ()]
    values = [value for pair in wanted for value in (*pair, *moments)]
    with connection.cursor() as cursor:
        cursor.execute(f"{union} {order}", values)
        return [id for id, _ in cursor.fetchall()]


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(models.DateTimeField().get_prep_value(at))
