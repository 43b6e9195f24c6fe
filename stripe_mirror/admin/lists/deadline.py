"""A limit of time for one read of the database, however large the table is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction

# SQLite looks at the clock each time it has done so many steps.
STEPS = 20_000


class OutOfTime(Exception):
    """The read took longer than it may."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Reads inside end after this long. Raises OutOfTime."""
    limit = _on_postgresql if connection.vendor == "postgresql" else _on_sqlite
    try:
        with limit(seconds):
            yield
    except OperationalError as error:
        raise OutOfTime from error


@contextmanager
def _on_postgresql(seconds: float) -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(int(seconds * 1000))])
        yield
        # For a transaction around this one.
        cursor.execute("SELECT set_config('statement_timeout', '0', true)")


@contextmanager
def _on_sqlite(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    held: Any = connection.connection
    end = time.monotonic() + seconds
    held.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield
    finally:
        held.set_progress_handler(None, 0)
