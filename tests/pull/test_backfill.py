"""Backfill: whole kinds from the sandbox into rows."""

from __future__ import annotations

import pytest

from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import SyncRun
from stripe_mirror.pull.backfill import backfill, listed_kinds
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def mirrored(object_type: str) -> dict[str, dict]:
    """What is held of a kind, by id, without tombstones."""
    kind = next(kind for kind in all_kinds() if kind.object == object_type)
    return {row.pk: row.data for row in kind.model._default_manager.filter(deleted_at=None)}


def test_backfill_of_all_kinds_makes_the_mirror_equal_to_stripe(company: RunningSandbox) -> None:
    runs = backfill(listed_kinds(), workers=2)
    assert {run.state for run in runs} == {SyncRun.State.DONE}, [run.message for run in runs]
    for kind in all_kinds():
        truth = {row["id"]: row for row in company.objects(kind.object) if not row.get("deleted")}
        assert mirrored(kind.object) == truth, kind.object
