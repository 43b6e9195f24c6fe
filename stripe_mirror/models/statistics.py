"""What the planner knows of the tables. PostgreSQL looks by itself; SQLite has to be asked."""

from django.db import connection

# Rows of each index that are looked at; a look at all of them would hold the lock for long.
LOOKED_AT = 2_000


def refresh_statistics() -> None:
    """On SQLite: measure the indexes again. Without, it may walk an index where another finds the rows at once."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit = {LOOKED_AT}")
        cursor.execute("ANALYZE")
