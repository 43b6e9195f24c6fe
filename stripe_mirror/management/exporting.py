"""What `stripe_export` does with its bytes: to standard output, with progress on standard error."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from rich.console import Console
from rich.progress import DownloadColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn

# Seconds between two lines of a log.
EVERY = 10.0
Show = Callable[[int], None]


@contextmanager
def progress(stderr: IO[str]) -> Iterator[Show]:
    """Something to call with the bytes so far: a moving line in a terminal, else a line now and then."""
    console = Console(file=stderr)
    if not console.is_terminal:
        yield Lines(stderr).show
        return
    columns = (SpinnerColumn(), TextColumn("exported"), DownloadColumn(), TransferSpeedColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("", total=None)
        yield lambda count: bars.update(task, completed=count)


class Lines:
    """For logs."""

    def __init__(self, stderr: IO[str]) -> None:
        self.stderr, self.last = stderr, time.monotonic()

    def show(self, count: int) -> None:
        """A line every few seconds."""
        if time.monotonic() - self.last > EVERY:
            self.last = time.monotonic()
            self.stderr.write(f"{count / 1e6:,.1f} MB exported\n")


def write_out(pieces: Iterator[bytes], target: IO[bytes], show: Show) -> int:
    """The bytes written; fewer where whoever reads them (`| head`) has gone, which is no failure."""
    count = 0
    try:
        for piece in pieces:
            target.write(piece)
            count += len(piece)
            show(count)
        target.flush()
    except BrokenPipeError:
        # Python would flush once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return count
