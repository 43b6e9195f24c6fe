"""Fresh, migrated databases for a measurement: a SQLite file, and PostgreSQL where TEST_DATABASE_URL names a server."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psycopg

from tests.bench.processes import environment, run

Fresh = Callable[[], AbstractContextManager[str]]


def databases() -> dict[str, Fresh]:
    """Name → a context that gives the address of an empty, migrated database."""
    found: dict[str, Fresh] = {"sqlite": sqlite}
    if os.environ.get("TEST_DATABASE_URL"):
        found["postgresql"] = postgresql
    return found


@contextmanager
def sqlite() -> Iterator[str]:
    """A file that goes away."""
    with TemporaryDirectory(prefix="bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite3'}"
        migrate(url)
        yield url


@contextmanager
def postgresql() -> Iterator[str]:
    """A database of its own on the test server, dropped afterwards."""
    server = os.environ["TEST_DATABASE_URL"]
    name = f"bench_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            url = urlsplit(server)._replace(path=f"/{name}").geturl()
            migrate(url)
            yield url
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def migrate(url: str) -> None:
    """Bring the database to the present."""
    run("manage.py", "migrate", "--verbosity", "0", env=environment(url))
