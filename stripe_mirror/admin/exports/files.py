"""The folder of finished files: private to this program, and nothing in it is offered before it is whole."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import IO

from stripe_mirror.conf import conf

# What is being written is called so; what was left behind by a killed worker, too.
PART = ".part"


def path_of(file_name: str) -> Path:
    """Where a finished file is."""
    return conf.exports_dir / Path(file_name).name


@contextmanager
def written(file_name: str, *, claim: object) -> Iterator[IO[bytes]]:
    """Write a file; it gets its name at the end of the block, and isn't there where the block fails.

    Raises OSError where the disk is full or the folder can't be written to.
    """
    folder = conf.exports_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = folder / f"{file_name}.{claim}{PART}"
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path_of(file_name))
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise


def remove(file_name: str) -> None:
    """Delete a file, if it is there."""
    with suppress(FileNotFoundError):
        path_of(file_name).unlink()


def older_than(age: timedelta) -> set[str]:
    """The names of all files in the folder that nobody has written to for so long."""
    folder, limit = conf.exports_dir, time.time() - age.total_seconds()
    if not folder.is_dir():
        return set()
    return {path.name for path in folder.iterdir() if _last_written(path) < limit}


def _last_written(path: Path) -> float:
    """When; now for what is no file of ours, or gone meanwhile."""
    try:
        return path.stat().st_mtime if path.is_file() else time.time()
    except FileNotFoundError:
        return time.time()
