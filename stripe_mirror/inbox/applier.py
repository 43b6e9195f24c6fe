"""Applies stored events right after they were answered: one thread per web process, many events per transaction.

The sender waits for the storing only. A process that dies with events in its hands loses nothing: they are stored, and
the sweep finds them after a while (`store.GRACE`).
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import time
from collections import deque
from contextlib import AbstractContextManager, nullcontext

from django.db import Error, connection

from stripe_mirror import background
from stripe_mirror.conf import conf
from stripe_mirror.inbox import events
from stripe_mirror.inbox.batch import apply_many
from stripe_mirror.inbox.processing import process
from stripe_mirror.models import InboxEvent

logger = logging.getLogger(__name__)
# Seconds without a new event after which those at hand are applied, and how long the first waits while more come.
QUIET, LONGEST_WAIT = 0.03, 0.25
# So many events at once; on SQLite, where it keeps all others from writing, fewer.
MOST, MOST_SQLITE = 200, 50
# Seconds after which a thread that computes lets others go on: a request that only stores should not wait for a batch.
SWITCH = 0.0005
# Seconds after which an idle thread gives its database connection back.
IDLE = 10.0
# Seconds that a process which is told to end still works on what it has.
LAST_CALL = 3.0
# SQLite has one writer, and those who wait for it sleep in growing steps, so that some wait for seconds while others
# pass. The threads of this process queue here instead.
_one_at_a_time = threading.Lock()


def turn() -> AbstractContextManager[object]:
    """Our turn to write, among the threads of this process."""
    return _one_at_a_time if connection.vendor == "sqlite" else nullcontext()


def hand_over(event: InboxEvent, *, is_new: bool) -> None:
    """Have a stored event applied: in this process's thread, or here and now where nobody else could see it yet."""
    if conf.apply_in_request or connection.in_atomic_block:
        with turn():
            apply_alone(event.pk)
    else:
        _applier.take(event, is_new=is_new)


def apply_alone(event_id: str) -> None:
    """One event in its own transaction. It is stored: whatever fails now is our own business."""
    try:
        if process(event_id):
            background.enqueue("process_event", event_id, delay=events.BURST)
    except Error:
        logger.exception("Event %s is stored but not processed; the worker will find it.", event_id)


class Applier:
    """The thread and what it was given."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[InboxEvent, bool]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy = False
        self._last_at = 0.0

    def take(self, event: InboxEvent, *, is_new: bool) -> None:
        """Put an event into the queue; the first one starts the thread, so that it is in the process that serves."""
        with self._changed:
            self._waiting.append((event, is_new))
            self._last_at = time.monotonic()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="event-applier", daemon=True)
                self._thread.start()
            self._changed.notify()

    def finish(self, seconds: float) -> bool:
        """Wait until all is applied, but not for longer; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, seconds)

    def _run(self) -> None:
        sys.setswitchinterval(SWITCH)
        while True:
            batch = self._gathered()
            try:
                _apply(batch)
            except Exception:
                logger.exception("%d events are stored but not processed; the worker will find them.", len(batch))
                connection.close()
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _gathered(self) -> dict[str, InboxEvent | None]:
        """The next events, once there is a pause or enough of them; only new ones are known as they were stored."""
        with self._changed:
            while not self._waiting:
                if not self._changed.wait(IDLE):
                    connection.close()
            most = MOST_SQLITE if connection.vendor == "sqlite" else MOST
            self._busy, first_at = True, time.monotonic()
            while len(self._waiting) < most:
                left = min(self._last_at + QUIET, first_at + LONGEST_WAIT) - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        return {event.pk: event if is_new else None for event, is_new in taken}


def _apply(events: dict[str, InboxEvent | None]) -> None:
    connection.close_if_unusable_or_obsolete()
    known = {id: event for id, event in events.items() if event is not None}
    with turn():
        done = apply_many(list(events), known=known)
    for id in (id for id in events if id not in done):
        with turn():
            apply_alone(id)


def _start_over() -> None:
    """A forked child has none of its parent's threads, and its parent works on what was waiting."""
    global _applier
    _applier = Applier()


_applier = Applier()
atexit.register(lambda: _applier.finish(LAST_CALL))
os.register_at_fork(after_in_child=_start_over)
