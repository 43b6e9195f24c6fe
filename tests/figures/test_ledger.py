"""Movements of a customer, from what changed on which day."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stripe_mirror.figures.ledger import movements
from stripe_mirror.models import MrrMovement

FIRST = date(2026, 1, 1)
LEVELS = st.lists(st.integers(0, 4), min_size=1, max_size=12)


@given(LEVELS)
def test_movements_add_up_to_the_difference_of_mrr_and_are_named_by_it(levels: list[int]) -> None:
    days = [FIRST + timedelta(days=n) for n in range(len(levels))]
    deltas = {day: after - before for day, (before, after) in zip(days, pairwise([0, *levels]), strict=True)}
    found = movements(("cus_1", "usd"), deltas)
    assert sum(row.after - row.before for row in found) == levels[-1]
    assert all(row.before != row.after for row in found)
    paid = False
    for row in found:
        expected = {
            (True, False): MrrMovement.Nature.REACTIVATION if paid else MrrMovement.Nature.NEW,
            (False, True): MrrMovement.Nature.CHURN,
        }.get((row.before == 0, row.after == 0))
        bigger = MrrMovement.Nature.EXPANSION if row.after > row.before else MrrMovement.Nature.CONTRACTION
        assert row.nature == (expected or bigger)
        paid = True
