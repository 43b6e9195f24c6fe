"""Many rows at once: previewed, planned, run by the worker, paused, resumed and stopped, each row once (S44, S53)."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection, connections
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stripe_mirror.models import Job, Push, Subscription
from stripe_mirror.push import jobs, jobs_steering
from stripe_mirror.push.errors import NotAllowed, PushIdTaken
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.submit import due_pushes, resume
from tests.sandbox.testing import RunningSandbox, wait_for
from tests.together import at_once

CANCEL = get_operation("cancel_subscription")
SUBSCRIPTIONS = Subscription.objects.order_by("pk")
STEERS = (jobs_steering.pause_job, jobs_steering.resume_job, jobs_steering.stop_job)


@pytest.fixture
def many(subscribe: Callable[..., Any]) -> Callable[[int], list[Any]]:
    """Makes that many active subscriptions."""
    return lambda count: sorted((subscribe() for _ in range(count)), key=lambda row: row.pk)


def cancel_all(user: User, *, job_id: uuid.UUID | None = None, **values: Any) -> Job:
    """The job of a staff member who selected all subscriptions."""
    form = CANCEL.get_form(CANCEL.new_row(), {"when": "now", "reason": "shop closed", **values})
    assert form.is_valid(), form.errors
    return jobs.create_job(
        CANCEL,
        SUBSCRIPTIONS.all(),
        user=user,
        cleaned=form.cleaned_data,
        reason="shop closed",
        job_id=job_id or uuid.uuid4(),
        ip="192.0.2.1",
    )


def statuses(stripe: RunningSandbox, rows: list[Any]) -> list[str]:
    """As Stripe has them."""
    truth = {obj["id"]: obj["status"] for obj in stripe.objects("subscription")}
    return [truth[row.pk] for row in rows]


def lease_ends() -> None:
    """As if a dead process's time had run out."""
    open_ones = Push.objects.filter(next_attempt_at__isnull=False)
    open_ones.update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def test_s53_a_preview_counts_and_sums_per_currency_and_sends_nothing(
    many: Callable[[int], list[Any]], subscribe: Callable[..., Any], stripe: RunningSandbox, mirrored: Any
) -> None:
    many(2)
    product = stripe.post("/v1/products", name="Silver")["id"]
    month = {"interval": "month"}
    yen = stripe.post("/v1/prices", product=product, currency="jpy", unit_amount=500, recurring=month)
    subscribe(items=[{"price": yen["id"], "quantity": 3}])
    ended = mirrored(stripe.delete(f"/v1/subscriptions/{subscribe().pk}"))
    seen = jobs.preview(CANCEL, SUBSCRIPTIONS.all())
    assert (seen.total, seen.allowed, seen.excluded_count) == (4, 3, 1)
    assert seen.sums == {"eur": 5800, "jpy": 1500}
    ((row, reason),) = seen.excluded
    assert row == ended
    assert "canceled" in reason
    assert stripe.requests() == []


def test_a_preview_with_the_form_excludes_rows_that_it_does_not_fit(
    subscribe: Callable[..., Any], stripe: RunningSandbox
) -> None:
    subscribe(collection_method="charge_automatically", payment_behavior="default_incomplete", days_until_due=None)
    form = CANCEL.get_form(CANCEL.new_row(), {"when": "period_end", "reason": "x"})
    assert form.is_valid()
    seen = jobs.preview(CANCEL, SUBSCRIPTIONS.all(), cleaned=form.cleaned_data)
    assert seen.allowed == 0
    assert "incomplete" in seen.excluded[0][1]


def test_a_job_of_twenty_cancels_each_once_and_tells_of_each(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    rows = many(20)
    for row in rows[:3]:
        stripe.delete(f"/v1/subscriptions/{row.pk}")
    Subscription.objects.filter(pk=rows[0].pk).update(data={**rows[0].data, "status": "canceled"})
    job = cancel_all(canceller, comment="thanks")
    stripe.clear_requests()
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED
    assert statuses(stripe, rows) == ["canceled"] * 20
    assert len(stripe.requests("DELETE")) == 17
    counts = jobs.progress(job)
    assert (counts["done"], counts["settled"], counts["skipped"], counts["percent"], counts["total"]) == (
        17,
        20,
        3,
        100,
        20,
    )
    assert Push.objects.filter(job=job, state=Push.State.DONE).count() == 17
    skipped = Push.objects.filter(job=job, state=Push.State.SKIPPED)
    assert all("canceled" in push.message for push in skipped)
    assert {push.reason for push in job.pushes.all()} == {"shop closed"}


def test_the_worker_is_called_once_the_job_is_planned(many: Callable[[int], list[Any]], canceller: User) -> None:
    many(1)
    job = cancel_all(canceller)
    (task,) = DBTaskResult.objects.filter(task_path="stripe_mirror.tasks.run_job")
    assert task.args_kwargs["args"] == [str(job.pk)]


def test_a_second_submit_finds_the_first_ones_job(many: Callable[[int], list[Any]], canceller: User) -> None:
    many(2)
    job_id = uuid.uuid4()
    first, second = cancel_all(canceller, job_id=job_id), cancel_all(canceller, job_id=job_id)
    assert first == second
    assert Push.objects.count() == 2


def test_two_submits_at_once_plan_each_row_once(many: Callable[[int], list[Any]], canceller: User) -> None:
    many(2)
    job_id = uuid.uuid4()
    results = at_once(*[lambda: cancel_all(canceller, job_id=job_id)] * 3)
    assert {getattr(result, "pk", result) for result in results} == {job_id}
    assert Push.objects.count() == 2


def test_a_job_id_is_good_for_one_person(
    many: Callable[[int], list[Any]], canceller: User, staff: Callable[..., User]
) -> None:
    many(1)
    job = cancel_all(canceller)
    with pytest.raises(PushIdTaken):
        cancel_all(staff("other", "cancel_subscription", "run_job"), job_id=job.pk)


@pytest.mark.parametrize("permissions", [["run_job"], ["cancel_subscription"]])
def test_s58_a_job_needs_the_operations_permission_and_the_one_for_jobs(
    permissions: list[str], many: Callable[[int], list[Any]], staff: Callable[..., User]
) -> None:
    many(1)
    with pytest.raises(PermissionDenied):
        cancel_all(staff("someone", *permissions))
    assert not Job.objects.exists()


def test_a_job_that_could_do_nothing_is_not_planned(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox, mirrored: Any
) -> None:
    (row,) = many(1)
    mirrored(stripe.delete(f"/v1/subscriptions/{row.pk}"))
    with pytest.raises(NotAllowed):
        cancel_all(canceller)
    assert not Job.objects.exists()
    assert not Push.objects.exists()


def test_a_paused_job_sends_nothing_until_it_is_resumed(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    rows = many(4)
    job = cancel_all(canceller)
    assert jobs.run_job(job.pk, seconds=0), "three rows are left when time runs out"
    assert jobs_steering.pause_job(job, user=canceller, ip="192.0.2.7")
    assert not jobs_steering.pause_job(job, user=canceller)
    jobs.run_job(job.pk)
    assert statuses(stripe, rows).count("canceled") == 1
    assert (jobs.progress(job)["percent"], jobs.progress(job)["planned"]) == (25, 3)
    assert jobs.due_jobs() == []
    assert jobs_steering.resume_job(job, user=canceller)
    assert jobs.due_jobs() == [job.pk]
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED
    assert statuses(stripe, rows) == ["canceled"] * 4
    assert not any(steer(job, user=canceller) for steer in STEERS)
    log = [(one.action, one.user, one.user_name, one.ip_address) for one in job.actions.all()]
    assert log == [
        ("started", canceller, "Canceller", "192.0.2.1"),
        ("paused", canceller, "Canceller", "192.0.2.7"),
        ("resumed", canceller, "Canceller", None),
    ]


def test_a_stopped_job_skips_what_is_left_for_good(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    rows = many(3)
    job = cancel_all(canceller)
    jobs.run_job(job.pk, seconds=0)
    jobs_steering.pause_job(job, user=canceller)
    assert jobs_steering.stop_job(job, user=canceller)
    job.refresh_from_db()
    assert (job.state, bool(job.finished_at)) == (Job.State.STOPPED, True)
    skipped = job.pushes.filter(state=Push.State.SKIPPED)
    assert [push.message for push in skipped] == ["Nothing was sent: stopped by Canceller."] * 2
    assert not any(steer(job, user=canceller) for steer in STEERS)
    jobs.run_job(job.pk)
    assert statuses(stripe, rows).count("canceled") == 1
    assert jobs.due_jobs() == []
    assert [one.action for one in job.actions.all()] == ["started", "paused", "stopped"]


def test_a_row_that_comes_back_unsent_after_the_stop_is_skipped_too(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    many(1)
    job = cancel_all(canceller)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING)
    assert jobs._claim_next(job.pk) is not None
    assert jobs_steering.stop_job(job, user=canceller)
    job.refresh_from_db()
    assert (job.state, job.finished_at) == (Job.State.STOPPED, None), "the row in hand has no result yet"
    lease_ends()
    resume(due_pushes()[0])
    assert jobs.due_jobs() == [job.pk]
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.finished_at
    assert Push.objects.get().state == Push.State.SKIPPED
    assert stripe.requests("DELETE") == []


def test_two_runners_side_by_side_do_each_row_once(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    rows = many(8)
    job = cancel_all(canceller)
    results = at_once(*[lambda: jobs.run_job(job.pk)] * 3)
    assert results == [False] * 3
    assert statuses(stripe, rows) == ["canceled"] * 8
    assert len(stripe.requests("DELETE")) == 8
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED


def test_the_last_row_settled_while_another_runner_looks_for_the_end_leaves_no_half_ended_job(
    many: Callable[[int], list[Any]], canceller: User
) -> None:
    many(1)
    job = cancel_all(canceller)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING)

    def settle_after(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        result = execute(sql, params, many, context)
        if sql.startswith('UPDATE "stripe_mirror_job"'):
            Push.objects.filter(job=job).update(state=Push.State.DONE)
        return result

    with connection.execute_wrapper(settle_after):
        jobs.complete_job(job.pk)
    job.refresh_from_db()
    assert (job.state, job.finished_at) == (Job.State.RUNNING, None), "the row's own runner marks the end"
    assert jobs.complete_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED


def test_s44_a_killed_worker_leaves_a_job_that_goes_on(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    rows = many(4)
    job = cancel_all(canceller)
    stripe.faults.add(method="DELETE", path=f"/v1/subscriptions/{rows[2].pk}", hang=1, times=1)
    connections.close_all()
    child = os.fork()
    if child == 0:
        jobs.run_job(job.pk)
        os._exit(0)
    wait_for(lambda: stripe.faults.list()[0]["used"] == 1, 10, "row 3 was not sent")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert jobs.progress(job)["settled"] == 2
    assert jobs.due_jobs() == [], "the lease of the dead process has not run out"
    lease_ends()
    (push_id,) = due_pushes()
    wait_for(lambda: len(stripe.requests("DELETE")) == 3, 5, "the sandbox did not finish the work")
    resume(push_id)
    assert jobs.due_jobs() == [job.pk]
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, jobs.progress(job)["settled"]) == (Job.State.FINISHED, 4)
    assert statuses(stripe, rows) == ["canceled"] * 4
    assert len(stripe.requests("DELETE")) == 4


def test_a_row_claimed_by_a_process_that_died_before_sending_goes_back_into_the_queue(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    many(1)
    job = cancel_all(canceller)
    Job.objects.filter(pk=job.pk).update(state=Job.State.RUNNING)
    assert jobs._claim_next(job.pk) is not None
    lease_ends()
    (push_id,) = due_pushes()
    assert resume(push_id).state == Push.State.PLANNED  # type: ignore[union-attr]
    jobs.run_job(job.pk)
    assert Push.objects.get().state == Push.State.DONE
    assert len(stripe.requests("DELETE")) == 1


def test_an_unknown_outcome_does_not_hold_the_others_up_and_is_counted_later(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    rows = many(3)
    job = cancel_all(canceller)
    stripe.faults.add(method="DELETE", path=f"/v1/subscriptions/{rows[0].pk}", lose_answer=True, times=1)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.RUNNING
    assert (jobs.progress(job)["unknown"], jobs.progress(job)["settled"]) == (1, 2)
    assert jobs.due_jobs() == [], "there is nothing to send"
    lease_ends()
    resume(due_pushes()[0])
    assert jobs.due_jobs() == [job.pk]
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED


@pytest.mark.usefixtures("impatient")
def test_a_stripe_that_does_not_answer_ends_the_run_but_not_the_job(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    rows = many(2)
    job = cancel_all(canceller)
    stripe.faults.add(method="GET", path="/v1/subscriptions", status=500, times=3)
    jobs.run_job(job.pk)
    assert jobs.progress(job)["planned"] == 2
    assert "Nothing was sent" in job.pushes.order_by("position")[0].message
    assert jobs.due_jobs() == [job.pk]
    jobs.run_job(job.pk)
    assert statuses(stripe, rows) == ["canceled"] * 2
    assert Push.objects.filter(message="").count() == 2


def test_a_rate_limited_row_waits_in_the_queue_and_is_sent_with_the_same_key(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    rows = many(2)
    job = cancel_all(canceller, when="period_end")
    stripe.faults.add(method="POST", path="/v1/subscriptions", status=429, times=1)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED
    assert [r["status"] for r in stripe.requests("POST", "/v1/subscriptions/")] == [429, 200, 200]
    keys = {r["idempotency_key"] for r in stripe.requests("POST", "/v1/subscriptions/")}
    assert keys == {str(push.pk) for push in job.pushes.all()}
    assert len(rows) == len(keys)


def test_s44_rows_that_are_refused_or_gone_are_told_and_the_others_go_on(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    refused, gone, fine = many(3)
    gone.delete()
    gone.pk, gone.data = "sub_gone", {**gone.data, "id": "sub_gone"}
    gone.save(force_insert=True)
    job = cancel_all(canceller)
    stripe.faults.add(method="DELETE", path=f"/v1/subscriptions/{refused.pk}", status=400)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, jobs.progress(job)["percent"]) == (Job.State.FINISHED, 100)
    pushes = {push.object_id: push for push in job.pushes.all()}
    assert pushes[refused.pk].state == Push.State.REFUSED
    assert "told to fail" in pushes[refused.pk].message
    assert pushes["sub_gone"].state == Push.State.SKIPPED
    assert "ended" in pushes["sub_gone"].message
    assert pushes[fine.pk].state == Push.State.DONE


def test_s58_rows_that_are_left_are_not_sent_for_who_lost_the_permission(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    rows = many(3)
    job = cancel_all(canceller)
    jobs.run_job(job.pk, seconds=0)
    User.objects.filter(pk=canceller.pk).update(is_active=False)
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert statuses(stripe, rows).count("canceled") == 1
    assert job.state == Job.State.FINISHED
    assert "no longer" in Push.objects.filter(state=Push.State.SKIPPED)[0].message
    assert Push.objects.filter(state=Push.State.SKIPPED).count() == 2


def test_s58_steering_needs_the_permission(
    many: Callable[[int], list[Any]], canceller: User, staff: Callable[..., User]
) -> None:
    many(1)
    job, outsider = cancel_all(canceller), staff("outsider", "cancel_subscription")
    for steer in STEERS:
        with pytest.raises(PermissionDenied):
            steer(job, user=outsider)
    job.refresh_from_db()
    assert job.state == Job.State.READY
    assert [one.action for one in job.actions.all()] == ["started"]


@pytest.mark.parametrize(
    ("steer", "state"),
    [(jobs_steering.pause_job, Job.State.FINISHED), (jobs_steering.stop_job, Job.State.STOPPED)],
)
def test_a_row_with_an_open_outcome_is_settled_although_the_job_was_halted(
    steer: Any, state: str, many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    (row,) = many(1)
    job = cancel_all(canceller)
    stripe.faults.add(method="DELETE", path=f"/v1/subscriptions/{row.pk}", lose_answer=True, times=1)
    jobs.run_job(job.pk)
    assert steer(job, user=canceller)
    lease_ends()
    resume(due_pushes()[0])
    assert jobs.due_jobs() == [job.pk]
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert (job.state, bool(job.finished_at)) == (state, True)
    assert Push.objects.get().state == Push.State.DONE


def test_a_row_in_a_shape_that_nobody_knows_is_left_out(
    many: Callable[[int], list[Any]], canceller: User, stripe: RunningSandbox
) -> None:
    odd, fine = many(2)
    Subscription.objects.filter(pk=odd.pk).update(data={**odd.data, "status": ["x"], "items": ["y"]})
    seen = jobs.preview(CANCEL, SUBSCRIPTIONS.all())
    assert [row.pk for row, _ in seen.excluded] == [odd.pk]
    assert "shape" in seen.excluded[0][1]
    jobs.run_job(cancel_all(canceller).pk)
    assert statuses(stripe, [odd, fine]) == ["active", "canceled"]
