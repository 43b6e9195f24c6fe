"""Random histories against real processes: when quiet, the mirror equals Stripe."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.converge.machine import Convergence
from tests.converge.totals import Totals
from tests.converge.world import World, new_world
from tests.sandbox import delivery

pytestmark = pytest.mark.long

EXAMPLES = int(os.environ.get("CONVERGE_EXAMPLES") or 6)
# The same histories each time, unless others are wanted: a failure can be looked at again.
SEED = int(os.environ.get("CONVERGE_SEED") or 0)


@pytest.fixture
def world(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Retries of deliveries come at once."""
    monkeypatch.setattr(delivery, "PAUSES", (0.05, 0.1, 0.2, 0.4, 0.8, 1.6))
    monkeypatch.setattr(delivery, "REORDER_SECONDS", 0.1)
    with new_world(tmp_path) as world:
        yield world


@pytest.fixture
def totals(transactional_db: None) -> Iterator[Totals]:
    """Kept where the shards are gathered, however the test ends; and no deadlock may have been among them."""
    totals, before = Totals(), deadlocks()
    yield totals
    totals.add(deadlocks=deadlocks() - before)
    if path := os.environ.get("CONVERGE_TOTALS"):
        totals.write(Path(path))
    assert totals.counts["deadlocks"] == 0
    totals.demand_few_needless_calls()


def deadlocks() -> int:
    """As PostgreSQL counts them; SQLite has one lock only."""
    if connection.vendor != "postgresql":
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def test_when_quiet_the_mirror_equals_stripe(totals: Totals, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """S01–S12 and whatever nobody thought of: each history ends with every kind equal, field by field."""
    monkeypatch.setattr(Convergence, "world", world, raising=False)
    monkeypatch.setattr(Convergence, "totals", totals, raising=False)
    run_state_machine_as_test(
        seed(SEED)(Convergence),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=12,
            deadline=None,
            database=None,
            print_blob=True,
            phases=[Phase.generate, Phase.shrink] if os.environ.get("CONVERGE_SHRINK") else [Phase.generate],
            # Real processes take their time.
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
