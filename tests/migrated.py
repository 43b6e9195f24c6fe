"""A migrated database to copy: migrating an empty one costs each process of each run some ten seconds.

It is kept by what decides how it looks: a file under `.pytest_cache`, or a database beside the tests' on PostgreSQL.
The first process makes it while the others wait. `migrate` runs over each copy, too, and finds nothing to do.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connection

ROOT = Path(__file__).parents[1]
KEPT = ROOT / ".pytest_cache" / "migrated"
SOURCES = ("backoffice/*.py", "stripe_mirror/m*/**/*.py", "stripe_mirror/*.py", "requirements.lock")


def digest() -> str:
    """Differs as soon as a freshly migrated database might."""
    found = hashlib.sha256()
    for path in sorted(path for pattern in SOURCES for path in ROOT.glob(pattern)):
        found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return found.hexdigest()[:16]


class File:
    """On SQLite."""

    def __init__(self, name: str) -> None:
        self.name = Path(name)
        self.kept = KEPT / f"{digest()}.sqlite3"

    def take(self) -> bool:
        """Make the test database a copy; False where none is kept."""
        self.drop()
        if self.kept.exists():
            shutil.copyfile(self.kept, self.name)
        return self.kept.exists()

    def keep(self) -> None:
        """Keep a copy of the test database, and none that is older."""
        for old in KEPT.glob("*.sqlite3*"):
            old.unlink()
        partial = self.kept.with_name("partial")
        partial.unlink(missing_ok=True)
        with closing(sqlite3.connect(self.name)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
        partial.rename(self.kept)

    def drop(self) -> None:
        """Remove the test database."""
        for path in self.name.parent.glob(f"{self.name.name}*"):
            path.unlink()


class Database:
    """On PostgreSQL."""

    def __init__(self, name: str) -> None:
        self.name, self.kept = name, f"migrated_{digest()}"
        self.note = KEPT / "postgresql"

    def take(self) -> bool:
        """Make the test database a copy; False where none is kept."""
        self.drop()
        with connection._nodb_cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.kept])
            if found := bool(cursor.fetchone()):
                cursor.execute(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.kept}"')
        return found

    def keep(self) -> None:
        """Keep a copy of the test database, and drop the one that was kept before."""
        connection.close()
        with connection._nodb_cursor() as cursor:
            if self.note.exists():
                cursor.execute(f'DROP DATABASE IF EXISTS "{self.note.read_text()}"')
            try:
                cursor.execute(f'CREATE DATABASE "{self.kept}" TEMPLATE "{self.name}"')
            except DatabaseError:
                # Another checkout on the same server has just kept the same.
                return
        self.note.write_text(self.kept)

    def drop(self) -> None:
        """Remove the test database."""
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')


class Migrated:
    """What one process does before and after Django sets its test database up."""

    def __init__(self) -> None:
        KEPT.mkdir(parents=True, exist_ok=True)
        name = str(connection.creation._get_test_db_name())
        self.database: Any = File(name) if connection.vendor == "sqlite" else Database(name)
        self.lock = (KEPT / "lock").open("w")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.taken = self.database.take()

    def ready(self) -> None:
        """Django has migrated: keep that for others, and let them have their turn."""
        if not self.taken:
            self.database.keep()
        self.lock.close()

    def drop(self) -> None:
        """The tests are over."""
        connection.close()
        self.database.drop()
