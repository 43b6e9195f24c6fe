"""The values that occur in indexed columns, for the choices of filters: one query for all columns of a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

MOST_CHOICES = 60
# One index seek for each value instead of a scan; `number` ends the walk where a column has more values than choices.
SEEN = """
    seen_{place}(number, value) AS (
        SELECT 1, min({column}) FROM {table}
        UNION ALL SELECT number + 1, (SELECT min({column}) FROM {table} WHERE {column} > seen_{place}.value)
        FROM seen_{place} WHERE seen_{place}.value IS NOT NULL AND number < {most}
    )"""
FOUND = "SELECT {place} AS place, number, CAST(value AS TEXT) FROM seen_{place} WHERE value IS NOT NULL"


def distinct_values(model: Any, columns: Iterable[str]) -> dict[str, list[str]]:
    """The distinct values of each of these indexed columns, in the index's order; at most MOST_CHOICES."""
    names = list(dict.fromkeys(columns))
    if not names:
        return {}
    table = connection.ops.quote_name(model._meta.db_table)
    walks = [
        SEEN.format(place=place, column=connection.ops.quote_name(name), table=table, most=MOST_CHOICES)
        for place, name in enumerate(names)
    ]
    found = [FOUND.format(place=place) for place in range(len(names))]
    with connection.cursor() as cursor:
        cursor.execute(f"WITH RECURSIVE {', '.join(walks)} {' UNION ALL '.join(found)} ORDER BY 1, 2")
        rows = cursor.fetchall()
    return {name: [value for at, _, value in rows if at == place] for place, name in enumerate(names)}
