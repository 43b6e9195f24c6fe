"""Each way that is advised for an invoice can be gone to its end at Stripe, and leads to what it promises."""

from __future__ import annotations

from typing import Any

import pytest

from stripe_mirror.models import Customer, Invoice, Push
from stripe_mirror.push.invoice_creation import made_invoice
from stripe_mirror.push.invoice_facts import facts_of
from stripe_mirror.push.invoice_fix_progress import progress
from stripe_mirror.push.invoice_fix_steps import Way
from stripe_mirror.push.invoice_fixes import Problem, advise
from stripe_mirror.push.operation import get_operation
from tests.push import fixing
from tests.push.conftest import Doing
from tests.push.fixing import SITUATIONS
from tests.sandbox.testing import RunningSandbox


@pytest.mark.parametrize("problem", Problem)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_each_step_is_legal_in_its_turn_and_is_ticked_off(
    situation: str, problem: Problem, stripe: RunningSandbox
) -> None:
    number, ways = 0, 1
    while number < ways:
        row = SITUATIONS[situation](stripe)
        advice = advise(facts_of(row), problem)
        assert bool(advice.ways) != bool(advice.nothing)
        if ways := len(advice.ways):
            go(stripe, row, problem, number)
        number += 1


def go(stripe: RunningSandbox, row: Any, problem: Problem, number: int) -> None:
    """Take the steps of one way, each by the operation's own form."""
    way = advise(facts_of(row), problem).ways[number]
    pushes: list[Push] = []
    for beside in way.also:
        assert get_operation(beside.operation).why_not(fixing.target(row, beside, [])) == "", beside
    for step in way.steps:
        on, operation = fixing.target(row, step, pushes), get_operation(step.operation)
        on.refresh_from_db()
        assert operation.why_not(on) == "", (step, way)
        push = Doing(operation, on, fixing.boss()).submit(**fixing.written(row, step, on))
        assert push.state == Push.State.DONE, (push.message, step)
        pushes.append(push)
        row = fixing.mirrored(stripe, row.pk)
        expect_ticks(row, problem, way, pushes)
    expect_solved(row, problem, pushes)


def expect_ticks(row: Any, problem: Problem, way: Way, pushes: list[Push]) -> None:
    """The page still shows this way, once, with what was done of it."""
    shown = progress(row, problem)
    (tracked,) = [one for one in (*shown.begun, *shown.open) if operations(one.way) == operations(way)]
    left = len(way.steps) - len(pushes)
    assert [push.pk if push else None for push in tracked.done] == [*[push.pk for push in pushes], *[None] * left]
    assert tracked.next == (len(pushes) if left else None)


def operations(way: Way) -> list[str]:
    return [step.operation for step in way.steps]


def expect_solved(row: Any, problem: Problem, pushes: list[Push]) -> None:
    """What the person wanted is so at Stripe, as the mirror has it."""
    facts = facts_of(row)
    made = [Invoice.objects.get(pk=made_invoice(push, {})) for push in pushes if push.operation == "create_invoice"]
    nothing_asked = facts.status in ("void", "deleted") or facts.creditable == 0
    if problem in (Problem.SHOULD_NOT_EXIST, Problem.CHARGED_BY_MISTAKE):
        assert nothing_asked
    elif problem == Problem.PAID_ELSEWHERE:
        assert "paid" in [facts.status, *[invoice.status for invoice in made]]
    elif problem == Problem.WILL_NOT_BE_PAID:
        assert nothing_asked or facts.status == "uncollectible" or facts.remaining == 0
    elif problem == Problem.WRONG_DETAILS:
        assert Customer.objects.get(pk=facts.customer).name == "Right Name"
        assert not made or (nothing_asked and (made[0].total, made[0].customer_name) == (facts.total, "Right Name"))
    else:
        assert made or facts.credited
