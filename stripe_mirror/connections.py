"""What each new connection to the database is told."""

from typing import Any


def compile_no_queries(connection: Any, **_signal: Any) -> None:
    """PostgreSQL compiles what it thinks dear (`jit`): that takes longer than our queries, which read few rows."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off")
