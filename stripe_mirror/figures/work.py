"""A share of the work: what changed since the last time is put into the figures. Called by the background task."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from stripe_mirror.figures import money, mrr, standing

STEPS: tuple[Callable[[], bool], ...] = (
    mrr.note_discounts,
    mrr.step,
    *(partial(money.step, summed) for summed in money.SOURCES),
)


def work(*, seconds: float) -> bool:
    """Go on for a while; whether there is more to do. May run twice at once, and be killed at any moment."""
    deadline = time.monotonic() + seconds
    for step in STEPS:
        while step():
            if time.monotonic() > deadline:
                return True
    standing.refresh()
    return False
