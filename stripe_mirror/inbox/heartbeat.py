"""Who works: each worker writes the time every few seconds, so that one that was killed is known to be gone.

The time of the clock that all share: by its own a machine would take those of a slow one for dead.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import Error, connections
from django.db.models import QuerySet

from stripe_mirror.models import WorkerProcess
from stripe_mirror.pull import clock

logger = logging.getLogger(__name__)
BEAT = 5.0
# Several beats may be late on a busy database before a worker is taken for dead.
DEAD_AFTER = timedelta(seconds=30)
# Rows of killed workers are kept so long, for those who look what happened.
KEPT = timedelta(days=1)


class WorkerDied(Exception):
    """What a task failed with that its worker, killed, could not end."""


@contextmanager
def beating(worker_id: str) -> Iterator[None]:
    """Be known as a living worker inside the block; also while a task keeps the main thread busy."""
    _appear(worker_id)
    stop = threading.Event()
    thread = threading.Thread(target=_beat, args=(worker_id, stop), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(BEAT)
        WorkerProcess.objects.filter(pk=worker_id).delete()


def living() -> QuerySet[WorkerProcess]:
    """The workers that were heard of lately."""
    return WorkerProcess.objects.filter(beat_at__gt=clock.now() - DEAD_AFTER)


def alive() -> set[str]:
    """The ids of the workers that live."""
    return set(living().values_list("pk", flat=True))


def _appear(worker_id: str) -> None:
    now = clock.now()
    WorkerProcess.objects.filter(beat_at__lt=now - KEPT).delete()
    values = {"host": socket.gethostname()[:255], "pid": os.getpid(), "started_at": now, "beat_at": now}
    WorkerProcess.objects.update_or_create(pk=worker_id, defaults=values)


def _beat(worker_id: str, stop: threading.Event) -> None:
    try:
        while not stop.wait(BEAT):
            try:
                WorkerProcess.objects.filter(pk=worker_id).update(beat_at=clock.now())
            except Error:
                # A database that is away for a moment must not end the beats; the connection is made anew.
                logger.warning("The worker's heartbeat could not be written.")
                connections.close_all()
    finally:
        connections.close_all()
