"""One worker at a time writes a file: it claims the run for a minute, and a thread of its own keeps the claim alive.

The thread has its own connection: while rows are read the worker's can't be used for anything else on PostgreSQL.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import Error, connections
from django.db.models import F, Q
from django.utils import timezone

from stripe_mirror.models import Export

logger = logging.getLogger(__name__)
# A killed worker's claim ends after this; another begins the file anew.
LEASE = timedelta(minutes=1)
# In seconds: how often a claim is renewed, the progress written down and a cancellation noticed.
BEAT = 2.0
MOST_ATTEMPTS = 3


class ClaimLost(Exception):
    """The run was cancelled, or another worker has it: what was written is thrown away."""


class Claim:
    """A run in hand."""

    def __init__(self, export_id: UUID, claim_id: UUID) -> None:
        self.export_id, self.id = export_id, claim_id
        self.written = 0
        self.lost = threading.Event()

    def held(self) -> Q:
        """The condition under which the run is still ours."""
        return Q(pk=self.export_id, claim=self.id, state=Export.State.RUNNING)

    def demand(self) -> None:
        """Raise ClaimLost where it isn't ours any more."""
        if self.lost.is_set():
            raise ClaimLost

    def beat(self) -> None:
        """Renew the claim, and say how many rows are written."""
        until = timezone.now() + LEASE
        if not Export.objects.filter(self.held()).update(claimed_until=until, written=self.written):
            self.lost.set()


def is_due() -> Q:
    """Runs that nobody writes: never begun, or whose worker is gone."""
    gone = Q(state=Export.State.RUNNING, claimed_until__lt=timezone.now())
    return Q(state=Export.State.QUEUED) | gone


def claim_run(export_id: UUID) -> Claim | None:
    """Take a run that nobody has; of two workers, one gets it."""
    now, claim_id = timezone.now(), uuid4()
    taken = Export.objects.filter(is_due(), pk=export_id).update(
        state=Export.State.RUNNING,
        claim=claim_id,
        claimed_until=now + LEASE,
        attempts=F("attempts") + 1,
        started_at=now,
        written=0,
    )
    return Claim(export_id, claim_id) if taken else None


@contextmanager
def keeping(claim: Claim) -> Iterator[Claim]:
    """Keep the claim alive inside the block."""
    stop = threading.Event()
    thread = threading.Thread(target=_keep, args=(claim, stop), name="export-claim", daemon=True)
    thread.start()
    try:
        yield claim
    finally:
        stop.set()
        thread.join(BEAT)


def _keep(claim: Claim, stop: threading.Event) -> None:
    try:
        while not stop.wait(BEAT) and not claim.lost.is_set():
            try:
                claim.beat()
            except Error:
                # A database that is away for a moment; the lease outlasts several beats.
                logger.warning("The claim of the export %s could not be renewed.", claim.export_id)
                connections.close_all()
    finally:
        connections.close_all()
