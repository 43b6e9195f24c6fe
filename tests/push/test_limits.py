"""How much a person may move at once: by their groups, per operation and currency."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import IntegrityError
from django.db.models import ProtectedError

from stripe_mirror.models import OperationLimit
from stripe_mirror.push.limits import Limits, in_words, limited_operations, limits_of, stakes_of
from stripe_mirror.push.operation import Operation, all_operations, get_operation
from tests.push.approving import limit
from tests.push.conftest import Doing
from tests.push.scenarios import made_by
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
REFUND, BALANCE = get_operation("refund_charge"), get_operation("adjust_customer_balance")
CREDIT_NOTE = get_operation("create_credit_note")
LIMITED = limited_operations()
# What the scenarios move, and the amount that somebody else's change in Stripe can't replace.
STAKES = {REFUND.name: [(1000, "eur")], BALANCE.name: [(2050, "eur")], CREDIT_NOTE.name: [(900, "eur")]}


@pytest.fixture
def refunder(staff: Callable[..., User]) -> User:
    """May refund."""
    return staff("refunder", "refund_charge")


def test_refunds_credit_notes_and_balances_are_limited() -> None:
    assert {operation.name for operation in LIMITED} == STAKES.keys()


@pytest.mark.parametrize("operation", LIMITED, ids=[o.name for o in LIMITED])
def test_a_limited_operation_says_what_one_push_moves(
    operation: Operation, doing: Opens, refunder: User, stripe: RunningSandbox
) -> None:
    row, values = made_by(operation.name, stripe)
    cleaned = doing(operation.name, row, refunder).cleaned(**values)
    assert stakes_of(operation, row, cleaned) == STAKES[operation.name]


@pytest.mark.parametrize("operation", LIMITED, ids=[o.name for o in LIMITED])
def test_the_amount_of_a_limited_operation_is_nobody_elses(operation: Operation) -> None:
    """What is judged must be what is sent."""
    assert "amount" in operation.decisions


def test_other_operations_have_nothing_at_stake_and_no_limits(db: None, refunder: User) -> None:
    limit(refunder, "cancel_subscription", "eur", 0)
    for operation in set(all_operations()) - set(LIMITED):
        assert stakes_of(operation, operation.new_row(), {}) == []
        assert not limits_of(refunder, operation).exceeded_by([(10**12, "eur")])


def test_a_refund_without_an_amount_moves_all_that_is_left(stripe: RunningSandbox) -> None:
    charge, _ = made_by("refund_charge", stripe)
    assert stakes_of(REFUND, charge, {"refund_reason": ""}) == [(4900, "eur")]


def test_taking_credit_back_counts_like_giving_it() -> None:
    row = BALANCE.new_row()
    for direction in ("credit", "debit"):
        cleaned = {"direction": direction, "amount": 700, "currency": "EUR"}
        assert stakes_of(BALANCE, row, cleaned) == [(700, "eur")]


def test_a_credit_note_over_lines_whose_taxes_only_stripe_knows_counts_as_all_that_can_be_credited(
    stripe: RunningSandbox,
) -> None:
    row, _ = made_by("create_credit_note", stripe)
    line = row.data["lines"]["data"][0]
    line["discount_amounts"] = [{"amount": 1, "discount": "di_1"}]
    cleaned: dict[str, Any] = {"by": "lines", f"line_{line['id']}": 100, "email_type": "none"}
    assert stakes_of(CREDIT_NOTE, row, cleaned) == [(row.data["total"], "eur")]


def test_nobody_limits_who_is_in_no_group_with_a_limit_for_it(refunder: User) -> None:
    assert limits_of(refunder, REFUND) == Limits(None)
    refunder.groups.add(Group.objects.create(name="Others"))
    limit(refunder, BALANCE.name, "eur", 0)
    assert not limits_of(refunder, REFUND).exceeded_by([(10**12, "eur")])


def test_up_to_the_limit_nobody_is_asked(refunder: User) -> None:
    limit(refunder, REFUND.name, "eur", 5000)
    limits = limits_of(refunder, REFUND)
    assert [limits.exceeded_by([(amount, "eur")]) for amount in (4999, 5000, 5001)] == [False, False, True]


def test_the_most_generous_group_counts(refunder: User) -> None:
    limit(refunder, REFUND.name, "eur", 5000, group="Small")
    limit(refunder, REFUND.name, "eur", 90000, group="Large")
    limit(refunder, REFUND.name, "usd", 100, group="Small")
    assert limits_of(refunder, REFUND) == Limits({"eur": 90000, "usd": 100})


def test_in_a_currency_without_a_limit_everything_needs_approval(refunder: User) -> None:
    limit(refunder, REFUND.name, "eur", 5000)
    assert limits_of(refunder, REFUND).exceeded_by([(1, "jpy")])
    assert limits_of(refunder, REFUND).exceeded_by([(0, "jpy")])


def test_superusers_are_limited_like_others(transactional_db: None) -> None:
    boss = User.objects.create_superuser("boss")
    limit(boss, REFUND.name, "eur", 5000)
    assert limits_of(boss, REFUND).exceeded_by([(5001, "eur")])


def test_other_peoples_groups_do_not_count(refunder: User, staff: Callable[..., User]) -> None:
    limit(staff("other"), REFUND.name, "eur", 1)
    assert limits_of(refunder, REFUND) == Limits(None)


def test_who_is_no_longer_here_may_move_nothing() -> None:
    assert limits_of(None, REFUND).exceeded_by([(1, "eur")])


def test_s53_each_currency_is_judged_by_itself() -> None:
    limits = Limits({"eur": 5000, "jpy": 100})
    assert not limits.exceeded_by([(5000, "eur"), (100, "jpy")])
    assert limits.exceeded_by([(1, "eur"), (101, "jpy")])
    assert in_words([(500, "jpy"), (2000, "eur")]) == "¥500 and €20.00"


def test_a_group_has_one_limit_for_each_operation_and_currency(refunder: User) -> None:
    limit(refunder, REFUND.name, "eur", 5000)
    with pytest.raises(IntegrityError):
        limit(refunder, REFUND.name, "eur", 6000)


def test_a_group_with_limits_is_not_deleted_because_its_members_would_be_unlimited(refunder: User) -> None:
    held = limit(refunder, REFUND.name, "eur", 5000)
    with pytest.raises(ProtectedError):
        held.group.delete()
    assert OperationLimit.objects.get() == held
