"""How fast we ask: below Stripe's limit, over all processes, with room left for what someone waits for.

Background calls are given out by a ledger that all processes share, many at a time, so that a call costs no write. What
a page of staff asks for is only spaced within its process: a fifth of the limit is never given to the background, and
a backfill gets three fifths at most. A process that can't reach the ledger keeps to its own spacing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

logger = logging.getLogger(__name__)

# Of the limit, for all work in the background, and for backfills within that.
BACKGROUND_SHARE, SYNC_SHARE = 0.8, 0.6
# How many seconds' calls are taken at once, at most, and how late a taken call may be made.
SLICE, LATE = 0.25, 1.0
# How long the ledger is left alone after it failed, and how old the news of a pause may be, in seconds.
WITHOUT, NEWS = 5.0, 1.0
# No page waits longer for a pause than this: it rather hears Stripe's refusal.
LONGEST_WAIT = 1.0


class Lane(StrEnum):
    """Who asks."""

    # Someone waits for a page.
    INTERACTIVE = "interactive"
    WORKER = "worker"
    # A backfill or another long listing.
    SYNC = "sync"


lane: ContextVar[Lane | None] = ContextVar("lane", default=None)


@contextmanager
def calls_for(who: Lane) -> Iterator[None]:
    """Calls of this thread are made in this lane."""
    token = lane.set(who)
    try:
        yield
    finally:
        lane.reset(token)


class Ledger(Protocol):
    """What the processes share. Any of it may raise where the database can't be reached."""

    def take(self, calls: int, per_second: float, *, sync: bool, sync_per_second: float) -> float:
        """Take so many calls, spaced at `per_second`; in how many seconds the first may be made."""

    def pause(self, seconds: float) -> None:
        """Give nothing out for so long."""

    def paused_for(self) -> float:
        """How much longer nobody may ask, in seconds."""


@dataclass
class _Slice:
    left: int = 0
    next_at: float = 0.0
    # How many to take next: it grows while they are used up.
    size: int = 1


class RequestBudget:
    """One per process; safe for threads."""

    def __init__(self) -> None:
        self.ledger: Ledger | None = None
        self._lock = threading.Lock()
        self._next = 0.0
        self._slices = {who: _Slice() for who in Lane}
        self._without_until = self._asked_at = float("-inf")
        self._paused_until = 0.0

    def wait(self, per_second: float, who: Lane = Lane.INTERACTIVE) -> None:
        """Sleep until the next call may start."""
        with self._lock:
            now = time.monotonic()
            start = self._shared(per_second, who, now)
            if start is None:
                # A short burst passes at once: an idle process has earned a quarter of a second's calls.
                start = max(self._next, now - SLICE)
                self._next = start + 1 / per_second
        time.sleep(max(0.0, start - now))

    def pause(self, seconds: float) -> None:
        """Hold every caller back, in every process, after Stripe said 429."""
        with self._lock:
            until = time.monotonic() + seconds
            self._next = max(self._next, until)
            self._paused_until = max(self._paused_until, until)
            for one in self._slices.values():
                one.left = 0
            if self.ledger is not None and seconds > 0:
                try:
                    self.ledger.pause(seconds)
                except Exception as error:
                    self._go_without(error)

    def _shared(self, per_second: float, who: Lane, now: float) -> float | None:
        """When the call may be made, by the ledger; None without one."""
        if self.ledger is None or now < self._without_until:
            return None
        try:
            self._hear_of_pauses(now)
            return None if who is Lane.INTERACTIVE else self._from_slice(per_second, who, now)
        except Exception as error:
            # Whatever is wrong with the database: Stripe may be asked without it, at our own pace.
            self._go_without(error)
            return None

    def _from_slice(self, per_second: float, who: Lane, now: float) -> float:
        assert self.ledger is not None
        share = per_second * (SYNC_SHARE if who is Lane.SYNC else BACKGROUND_SHARE)
        one = self._slices[who]
        if one.left <= 0 or now - one.next_at > LATE or self._paused_until > one.next_at:
            most = max(1, int(share * SLICE))
            one.size = min(most, one.size * 2) if one.left <= 0 and now - one.next_at < LATE else 1
            delay = self.ledger.take(
                one.size,
                per_second * BACKGROUND_SHARE,
                sync=who is Lane.SYNC,
                sync_per_second=per_second * SYNC_SHARE,
            )
            one.left, one.next_at = one.size, max(now + delay, self._paused_until)
        start = one.next_at
        one.left, one.next_at = one.left - 1, one.next_at + 1 / share
        return start

    def _hear_of_pauses(self, now: float) -> None:
        assert self.ledger is not None
        if now - self._asked_at < NEWS:
            return
        self._asked_at = now
        if not (paused := self.ledger.paused_for()):
            return
        self._paused_until = max(self._paused_until, now + paused)
        self._next = max(self._next, now + min(paused, LONGEST_WAIT))

    def _go_without(self, error: Exception) -> None:
        logger.warning("The common budget of calls can't be reached (%s); this process keeps its own pace.", error)
        self._without_until = time.monotonic() + WITHOUT


budget = RequestBudget()
