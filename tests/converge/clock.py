"""The clock of all our processes: it stands almost still, like Stripe's, until the test moves it while they run.

Almost: two looks at it are never the same, as with a real one.
"""

from __future__ import annotations

import mmap
import struct
import time
from datetime import UTC, datetime
from pathlib import Path

from django.utils import timezone

from stripe_mirror.pull import clock as stamps

FORMAT = "d"
# How fast it runs by itself.
PACE = 0.001


class SharedClock:
    """Eight bytes of a file that every process has mapped: seconds to add to real time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            path.write_bytes(struct.pack(FORMAT, 0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), struct.calcsize(FORMAT))

    @property
    def offset(self) -> float:
        """Where it stood when real time began."""
        return float(struct.unpack_from(FORMAT, self._shared)[0])

    @offset.setter
    def offset(self, seconds: float) -> None:
        struct.pack_into(FORMAT, self._shared, 0, seconds)

    def now(self) -> datetime:
        """The present on this clock."""
        return datetime.fromtimestamp(self.offset + time.time() * PACE, UTC)

    def show(self, timestamp: float) -> None:
        """Set the clock."""
        self.offset = timestamp - time.time() * PACE

    def install(self) -> None:
        """Let Django, and the stamps of rows, read this clock in this process and in all that it forks."""
        timezone.now = stamps.now = self.now
