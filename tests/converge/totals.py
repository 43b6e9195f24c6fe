"""What a shard's histories came to, for the summary."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

# Processes race, and a busy machine lets one fall behind another's back: then, rarely, Stripe is asked once too often,
# and nothing is lost. One such history in so many may be; rules that cost calls are found by `test_in_order`, where
# nothing races.
RACES = 400


class Totals:
    """Counts over all histories."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, **counts: int) -> None:
        """Those of one history."""
        self.counts.update(counts)

    def demand_few_needless_calls(self) -> None:
        """None in a short run. Raises AssertionError."""
        found, histories = self.counts["needless calls"], self.counts["histories"]
        assert found <= histories // RACES, f"{found} of {histories} histories asked Stripe too often; see above"

    def write(self, path: Path) -> None:
        """For the process that started the shards."""
        path.write_text(json.dumps(self.counts))


def sentence(counts: dict[str, int]) -> str:
    """A shard's totals in words."""
    c = Counter(counts)
    others = c["events"] - c["events in order"]
    return (
        f"{c['histories']} histories ({c['in order']} in order), {c['events']} events, {c['pushes']} pushes, "
        f"{c['faults']} faults, {c['kills']} processes killed, {c['deadlocks']} deadlocks; calls to Stripe: "
        f"{c['reads in order']} reads for {c['events in order']} events in order, {c['reads']} for {others} others, "
        f"{c['lists']} lists of what has no events, {c['catch-ups']} pages of events; "
        f"{c['needless calls']} histories with a needless call"
    )
