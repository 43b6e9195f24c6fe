"""Lost answers, crashes, two at once: one intent is one effect, and its outcome is found out (S30, S31)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stripe_mirror.models import Change, Push
from stripe_mirror.pull.apply import Origin
from stripe_mirror.pull.fetch import fetch_now
from stripe_mirror.push.submit import due_pushes, resume
from stripe_mirror.stripe_api import client
from tests.push.conftest import Doing
from tests.sandbox.testing import RunningSandbox, wait_for
from tests.together import at_once

Opens = Callable[..., Doing]


def make_due(push: Push, *, age: timedelta = timedelta(0)) -> None:
    """As if its pause (and `age` more) had passed."""
    sent = (push.first_sent_at or timezone.now()) - age
    Push.objects.filter(pk=push.pk).update(next_attempt_at=timezone.now() - timedelta(seconds=1), first_sent_at=sent)


def resumed(push: Push) -> Push:
    """The push after the worker came round."""
    make_due(push)
    assert push.pk in due_pushes()
    after = resume(push.pk)
    assert after is not None
    return after


def test_s31_a_lost_answer_is_checked_and_then_done_with_one_effect(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    form = doing("edit_customer", customer, editor)
    push = form.submit(phone="99")
    assert push.state == Push.State.UNKNOWN
    assert push.get_state_display() == "checking"
    assert "not known" in push.message
    assert form.submit(phone="99") == push
    assert len(stripe.requests("POST")) == 1
    push = resumed(push)
    assert push.state == Push.State.DONE
    assert {r["idempotency_key"] for r in stripe.requests("POST")} == {str(push.id)}
    assert [r["replayed"] for r in stripe.requests("POST")] == [False, True]
    assert [e["type"] for e in stripe.objects("event") if e["data"]["object"]["id"] == customer.pk].count(
        "customer.updated"
    ) == 1
    customer.refresh_from_db()
    assert customer.phone == "99"


def test_s31_a_replayed_answer_does_not_hide_what_happened_since(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    stripe.post(f"/v1/customers/{customer.pk}", phone="100")
    assert resumed(push).state == Push.State.DONE
    customer.refresh_from_db()
    assert customer.phone == "100"


def test_the_worker_is_asked_to_come_back_for_it(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", status=500, times=1)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    (task,) = DBTaskResult.objects.filter(task_path="stripe_mirror.tasks.run_push")
    assert task.args_kwargs["args"] == [str(push.id)]
    assert task.run_after > timezone.now()


@pytest.mark.parametrize("status", [500, 409, 429])
@pytest.mark.parametrize("after_work", [True, False])
def test_a_failing_stripe_is_asked_again_with_the_same_key(
    status: int, after_work: bool, doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", status=status, times=1, after_work=after_work)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    assert push.state == Push.State.UNKNOWN
    make_due(push)
    if status == 500 and after_work:
        # Stripe keeps a failure that came after its work, and repeats it for as long as it knows the key.
        assert resume(push.pk).state == Push.State.UNKNOWN  # type: ignore[union-attr]
        make_due(push, age=timedelta(hours=25))
    after = resume(push.pk)
    assert after is not None
    assert after.state == Push.State.DONE
    customer.refresh_from_db()
    assert customer.phone == "99"
    assert len({r["idempotency_key"] for r in stripe.requests("POST")}) == 1


def test_a_timeout_is_an_unknown_outcome(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = doing("edit_customer", customer, editor)
    monkeypatch.setattr(client, "TIMEOUT", (3, 0.3))
    client._client.cache_clear()
    stripe.faults.add(method="POST", path="/v1/customers", hang=0.8, times=1)
    push = form.submit(phone="99")
    monkeypatch.undo()
    client._client.cache_clear()
    assert push.state == Push.State.UNKNOWN
    wait_for(lambda: bool(stripe.requests("POST")), 5, "the sandbox did not finish the work")
    assert resumed(push).state == Push.State.DONE
    assert [r["replayed"] for r in stripe.requests("POST")] == [False, True]


def test_it_is_not_asked_again_before_its_time(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", status=500, times=1)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    assert due_pushes() == []
    assert resume(push.pk) is None
    assert len(stripe.requests("POST")) == 1


def test_an_event_under_our_key_settles_it_without_a_call(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    fetch_now(customer.kind, customer.pk, origin=Origin(Change.Source.PUSH, push_id=push.pk), patient=False)
    stripe.clear_requests()
    after = resumed(push)
    assert (after.state, after.after) == (Push.State.DONE, {"phone": "99"})
    assert stripe.requests() == []


@pytest.mark.parametrize(("happened", "state"), [(True, Push.State.DONE), (False, Push.State.REFUSED)])
def test_past_the_keys_lifetime_a_change_is_never_sent_again(
    happened: bool, state: str, doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="/v1/customers", times=1, **fault)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    stripe.clear_requests()
    make_due(push, age=timedelta(hours=24))
    after = resume(push.pk)
    assert after is not None
    assert after.state == state
    assert [r["method"] for r in stripe.requests()] == ["GET"]


def test_a_lost_answer_to_a_cancellation_is_settled_by_reading(
    doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox
) -> None:
    row = subscribe()
    stripe.faults.add(method="DELETE", path="/v1/subscriptions", lose_answer=True, times=1)
    push = doing("cancel_subscription", row, canceller).submit(when="now")
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert len(stripe.requests("DELETE")) == 1
    row.refresh_from_db()
    assert row.status == "canceled"


def test_a_cancellation_that_did_not_happen_is_sent_again(
    doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox
) -> None:
    row = subscribe()
    stripe.faults.add(method="DELETE", path="/v1/subscriptions", status=500, times=1)
    push = doing("cancel_subscription", row, canceller).submit(when="now")
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert [r["status"] for r in stripe.requests("DELETE")] == [500, 200]


def test_a_read_that_fails_before_sending_leaves_no_trace(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    stripe.faults.add(method="GET", path="/v1/customers", status=500, times=1)
    with pytest.raises(Exception, match="Nothing was sent"):
        form.submit(phone="99")
    assert not Push.objects.exists()
    assert form.submit(phone="99").state == Push.State.DONE


def test_s30_two_submits_at_once_make_one_call(
    doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox
) -> None:
    form = doing("cancel_subscription", subscribe(), canceller)
    stripe.faults.add(path="/v1/subscriptions", latency_ms=100)
    results = at_once(*[lambda: form.submit(when="now")] * 3)
    assert {getattr(result, "pk", result) for result in results} == {form.push_id}
    assert len(stripe.requests("DELETE")) == 1
    assert Push.objects.get().state == Push.State.DONE


def test_two_workers_never_ask_at_once(doing: Opens, customer: Any, editor: User, stripe: RunningSandbox) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", status=500, times=1)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    make_due(push)
    stripe.clear_requests()
    stripe.faults.add(method="POST", path="/v1/customers", latency_ms=100)
    results = at_once(*[lambda: resume(push.pk)] * 3)
    assert sorted(result is None for result in results) == [False, True, True]
    assert len(stripe.requests("POST")) == 1


def test_a_push_committed_but_never_sent_is_sent_by_the_worker(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", status=500, times=1)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    # What a process leaves that dies between its commit and its call.
    Push.objects.filter(pk=push.pk).update(state=Push.State.SENDING, message="")
    assert resumed(push).state == Push.State.DONE
    customer.refresh_from_db()
    assert customer.phone == "99"


def test_a_process_killed_while_sending_is_taken_over(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    form = doing("edit_customer", customer, editor)
    stripe.faults.add(method="POST", path="/v1/customers", hang=1, times=1)
    connections.close_all()
    child = os.fork()
    if child == 0:
        form.submit(phone="99")
        os._exit(0)
    wait_for(lambda: stripe.faults.list()[0]["used"] == 1, 10, "nothing was sent")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    push = Push.objects.get()
    assert push.state == Push.State.SENDING
    assert resume(push.pk) is None, "the lease of the dead process has not run out"
    wait_for(lambda: bool(stripe.requests("POST")), 5, "the sandbox did not finish the work")
    assert resumed(push).state == Push.State.DONE
    assert [r["replayed"] for r in stripe.requests("POST")] == [False, True]
