"""The one clock by which rows are stamped and requests dated: clocks of machines that share a database differ."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection


def now() -> datetime:
    """PostgreSQL's clock, or the machine's, which all processes of a SQLite file share; also inside a transaction."""
    if connection.vendor != "postgresql":
        return datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found
