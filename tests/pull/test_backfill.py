"""Backfill: whole kinds from the sandbox into rows."""

from __future__ import annotations

import pytest

from stripe_mirror.models import SyncRun
from stripe_mirror.pull.backfill import backfill, listed_kinds
from tests.conftest import differing
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def test_backfill_of_all_kinds_makes_the_mirror_equal_to_stripe(company: RunningSandbox) -> None:
    runs = backfill(listed_kinds(), workers=2)
    assert {run.state for run in runs} == {SyncRun.State.DONE}, [run.message for run in runs]
    assert differing(company) == {}
