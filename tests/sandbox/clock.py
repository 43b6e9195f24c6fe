"""The sandbox's time: the real one, shifted or stopped on demand."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Inside(threading.local):
    """What `held_at` and `follow` say, to the thread that is inside of them: to others, time goes on as it does."""

    held: int | None = None
    apart: tuple[str, int] | None = None


class Clock:
    """Unix seconds. Runs with real time (plus an offset) until `set` stops it."""

    def __init__(self) -> None:
        self.offset = 0
        self.stopped: int | None = None
        self._inside = Inside()

    def now(self) -> int:
        """The sandbox's present second."""
        if self._inside.held is not None:
            return self._inside.held
        return self.stopped if self.stopped is not None else int(time.time()) + self.offset

    def real(self) -> int:
        """The present second for what does not follow a test clock: events, the balance."""
        return self.now() if self._inside.apart is None else self._inside.apart[1]

    @property
    def test_clock(self) -> str | None:
        """The test clock by which `now()` goes at the moment."""
        return None if self._inside.apart is None else self._inside.apart[0]

    def set(self, timestamp: int) -> None:
        """Stop at `timestamp`, until `advance`, `set` or `follow_real_time`."""
        self.stopped = int(timestamp)

    def advance(self, seconds: int) -> None:
        """Jump; a running clock keeps running from there."""
        if self.stopped is not None:
            self.stopped += int(seconds)
        else:
            self.offset += int(seconds)

    def follow_real_time(self) -> None:
        """Run, with no offset."""
        self.offset, self.stopped = 0, None

    @contextmanager
    def held_at(self, timestamp: int) -> Iterator[None]:
        """Inside, `now()` is `timestamp`: how billing does each thing at its own time."""
        before, self._inside.held = self._inside.held, int(timestamp)
        try:
            yield
        finally:
            self._inside.held = before

    @contextmanager
    def follow(self, test_clock: str, timestamp: int) -> Iterator[None]:
        """Inside, `now()` is the second at which a test clock stands, and `real()` remains what it was."""
        before, self._inside.apart = self._inside.apart, (test_clock, self.real())
        try:
            with self.held_at(timestamp):
                yield
        finally:
            self._inside.apart = before

    def dump(self) -> dict[str, int | None]:
        """The clock for the snapshot."""
        return {"offset": self.offset, "stopped": self.stopped}

    def restore(self, dumped: dict[str, int | None]) -> None:
        """The clock of a snapshot."""
        self.offset, self.stopped = dumped["offset"] or 0, dumped["stopped"]
