"""Whatever dies in the middle of a push, at each step: one effect in Stripe, one truthful record, no person needed.

A step is whatever lies between two statements to the database, the call to Stripe among them: the process dies, or the
database goes away, before each statement in turn, until one is survived.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection, connections

from stripe_mirror.models import Push, Refund
from stripe_mirror.push.submit import due_pushes, resume
from tests.push import paying
from tests.push.conftest import Doing
from tests.push.test_unknown_outcomes import make_due
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.long

Opens = Callable[..., Doing]
Fails = Callable[[], None]


class Before:
    """Counts statements to the database; before the nth, and each one after, something fails."""

    def __init__(self, nth: int, fails: Fails) -> None:
        self.left, self.fails = nth, fails

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.left -= 1
        if self.left <= 0:
            self.fails()
        return execute(sql, params, many, context)


def die() -> None:
    """At once, as by the kernel's hand: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def lose() -> None:
    """The server of the database is gone."""
    raise OperationalError("server closed the connection unexpectedly")


def killed(run: Callable[[], Any], nth: int) -> bool:
    """Do it in a process that dies before its nth statement; False where it was done before that."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        with suppress(BaseException), connection.execute_wrapper(Before(nth, die)):
            run()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def without_database(run: Callable[[], Any], nth: int) -> bool:
    """Do it while the database goes away before the nth statement; False where it was done before that."""
    try:
        with connection.execute_wrapper(Before(nth, lose)):
            run()
    except OperationalError:
        return True
    finally:
        connection.close()
    return False


WAYS = pytest.mark.parametrize("broken", [killed, without_database])


def each_step(broken: Callable[..., bool], prepare: Callable[[], tuple[Any, Callable[[], Any]]]) -> Iterator[Any]:
    """For each step, what was prepared, after the work broke off there and the worker has come by."""
    for nth in count(1):
        subject, run = prepare()
        if not broken(run, nth):
            assert nth > 8, "hardly any step was tried"
            return
        for _ in range(3):
            for push in Push.objects.filter(state__in=(Push.State.SENDING, Push.State.UNKNOWN)):
                make_due(push)
            for id in due_pushes():
                resume(id)
        yield subject


def told(row: Any) -> Push | None:
    """The only record of what was asked, if any was committed: without one, nothing was sent."""
    pushes = list(Push.objects.filter(object_id=row.pk))
    assert len(pushes) <= 1
    if not pushes:
        return None
    assert pushes[0].state == Push.State.DONE, (pushes[0].state, pushes[0].message)
    return pushes[0]


@WAYS
def test_s45_a_refund_that_broke_off_is_one_refund(
    broken: Callable[..., bool], doing: Opens, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    refunder = staff("refunder", "refund_charge")

    def prepare() -> tuple[Any, Callable[[], Any]]:
        row = paying.paid(stripe)
        form = doing("refund_charge", row, refunder)
        return (row, form), lambda: form.submit(amount="10.00")

    outcomes = set()
    for row, form in each_step(broken, prepare):
        push = told(row)
        outcomes.add(push is not None)
        refunds = [refund for refund in stripe.objects("refund") if refund["charge"] == row.pk]
        assert len(refunds) == (push is not None)
        if push is None:
            continue
        assert Refund.objects.get(charge=row.pk).pk == refunds[0]["id"]
        assert form.submit(amount="10.00") == push, "the same form once more is the same push (S30)"
        row.refresh_from_db()
        assert row.amount_refunded == 1000
    assert outcomes == {False, True}, "it broke off before its intent was committed, and after"


@WAYS
def test_s45_a_cancellation_that_broke_off_is_one_cancellation(
    broken: Callable[..., bool], doing: Opens, canceller: User, subscribe: Callable[..., Any], stripe: RunningSandbox
) -> None:
    def prepare() -> tuple[Any, Callable[[], Any]]:
        row = subscribe()
        form = doing("cancel_subscription", row, canceller)
        return row, lambda: form.submit(when="now")

    outcomes = set()
    for row in each_step(broken, prepare):
        push = told(row)
        outcomes.add(push is not None)
        ends = [event for event in stripe.objects("event") if event["type"] == "customer.subscription.deleted"]
        assert [event["data"]["object"]["id"] for event in ends].count(row.pk) == (push is not None)
        row.refresh_from_db()
        assert row.status == ("canceled" if push else "active")
    assert outcomes == {False, True}, "it broke off before its intent was committed, and after"


@pytest.mark.parametrize(("operation", "method"), [("refund_charge", "POST"), ("cancel_subscription", "DELETE")])
@WAYS
def test_s45_a_worker_that_broke_off_is_taken_over(
    broken: Callable[..., bool],
    operation: str,
    method: str,
    doing: Opens,
    staff: Callable[..., User],
    subscribe: Callable[..., Any],
    stripe: RunningSandbox,
) -> None:
    """The answer to the first attempt was lost; then the worker that asks again dies."""
    worker = staff("worker", operation)

    def prepare() -> tuple[Any, Callable[[], Any]]:
        row, values = (paying.paid(stripe), {}) if method == "POST" else (subscribe(), {"when": "now"})
        stripe.faults.add(method=method, path="/v1/", lose_answer=True, times=1)
        push = doing(operation, row, worker).submit(**values)
        assert push.state == Push.State.UNKNOWN
        make_due(push)
        return row, lambda: resume(push.pk)

    for row in each_step(broken, prepare):
        assert told(row)
        done = [one for one in stripe.objects("refund") if one["charge"] == row.pk] if method == "POST" else [1]
        assert len(done) == 1
        ends = [event["data"]["object"]["id"] for event in stripe.objects("event") if event["type"].endswith("deleted")]
        assert ends.count(row.pk) == (method == "DELETE")
