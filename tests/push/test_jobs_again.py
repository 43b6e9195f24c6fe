"""A job that was: its refused rows tried again under new keys, its done rows taken back; neither ever twice."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from stripe_mirror.models import Job, Push, Subscription
from stripe_mirror.push import jobs, jobs_again
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.jobs_preview import Preview, Wish, preview_wishes
from stripe_mirror.push.operation import Operation, get_operation
from stripe_mirror.push.submit import due_pushes, resume
from tests.sandbox.testing import RunningSandbox
from tests.together import at_once

CANCEL, PAUSE = get_operation("cancel_subscription"), get_operation("pause_collection")
Many = Callable[[int], list[Any]]


@pytest.fixture
def many(subscribe: Callable[..., Any]) -> Many:
    """Makes that many active subscriptions."""
    return lambda count: sorted((subscribe() for _ in range(count)), key=lambda row: row.pk)


@pytest.fixture
def keeper(staff: Callable[..., User]) -> User:
    """May cancel and pause many subscriptions, and take both back."""
    names = ("cancel_subscription", "keep_subscription", "pause_collection")
    return staff("keeper", "run_job", *names)


def run(operation: Operation, user: User, **values: Any) -> Job:
    """A job over all subscriptions, run to its end."""
    form = operation.get_form(operation.new_row(), {**operation.initial(operation.new_row()), "reason": "x", **values})
    assert form.is_valid(), form.errors
    everyone = Subscription.objects.order_by("pk")
    job = jobs.create_job(
        operation, everyone, user=user, cleaned=form.cleaned_data, reason="closed", job_id=uuid.uuid4()
    )
    return ended(job)


def ended(job: Job) -> Job:
    jobs.run_job(job.pk)
    job.refresh_from_db()
    return job


def seen(operation: Operation, wishes: Iterable[Wish], form: dict[str, Any]) -> Preview:
    return preview_wishes(operation, wishes, form=form)


def again(job: Job, user: User) -> tuple[Job, Preview]:
    """The job that tries the refused rows again, as a person starts it; not run yet."""
    shown = seen(get_operation(job.operation), jobs_again.retry_wishes(job), job.form)
    return start(job.operation, user, shown, form=job.form, retries=job), shown


def take_back(job: Job, user: User) -> tuple[Job, Preview]:
    """The job that takes the done rows back; not run yet."""
    operation = jobs_again.undo_operation(job)
    assert operation
    shown = seen(operation, jobs_again.undo_wishes(job, operation), {})
    return start(operation.name, user, shown, undoes=job), shown


def start(operation: str, user: User, shown: Preview, **more: Any) -> Job:
    return jobs.start_job(Job(id=uuid.uuid4(), operation=operation, user=user, reason="again", **more), shown)


def reasons(shown: Preview) -> dict[str, str]:
    return {row.pk: reason for row, reason in shown.excluded}


def truth(stripe: RunningSandbox, row: Any) -> dict[str, Any]:
    return next(obj for obj in stripe.objects("subscription") if obj["id"] == row.pk)


def time_passes() -> None:
    Push.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now() - timedelta(seconds=1))


def refuse(stripe: RunningSandbox, row: Any) -> None:
    stripe.faults.add(method="POST", path=f"/v1/subscriptions/{row.pk}", status=400, times=1)


def test_only_the_refused_rows_are_tried_again_under_new_keys(many: Many, keeper: User, stripe: RunningSandbox) -> None:
    rows = many(4)
    for row in rows[:2]:
        refuse(stripe, row)
    job = run(CANCEL, keeper, when="period_end")
    assert jobs_again.may_retry(job)
    stripe.clear_requests()
    second, shown = again(job, keeper)
    assert (shown.total, shown.allowed) == (2, 2)
    ended(second)
    assert (second.state, second.retries, second.form) == (Job.State.FINISHED, job, job.form)
    assert [r["path"].rsplit("/", 1)[1] for r in stripe.requests("POST")] == [row.pk for row in rows[:2]]
    keys = {r["idempotency_key"] for r in stripe.requests("POST")}
    assert not keys & {str(push.pk) for push in job.pushes.all()}
    assert all(truth(stripe, row)["cancel_at_period_end"] for row in rows)
    assert not jobs_again.may_retry(second)


def test_s31_rows_whose_outcome_is_or_was_unknown_are_never_tried_again(
    many: Many, keeper: User, stripe: RunningSandbox
) -> None:
    refused, open_still, was_open = many(3)
    refuse(stripe, refused)
    for row in (open_still, was_open):
        path = f"/v1/subscriptions/{row.pk}"
        stripe.faults.add(method="POST", path=path, status=500, times=1)
    job = run(CANCEL, keeper, when="period_end")
    pushes = {push.object_id: push for push in job.pushes.all()}
    assert pushes[open_still.pk].state == pushes[was_open.pk].state == Push.State.UNKNOWN
    time_passes()
    stripe.faults.add(method="POST", path=f"/v1/subscriptions/{was_open.pk}", status=400, times=1)
    resume(pushes[was_open.pk].pk)
    pushes[was_open.pk].refresh_from_db()
    assert pushes[was_open.pk].state == Push.State.REFUSED
    second, shown = again(job, keeper)
    assert reasons(shown) == {open_still.pk: jobs_again.STILL_OPEN, was_open.pk: jobs_again.WAS_OPEN}
    stripe.clear_requests()
    ended(second)
    assert [r["path"] for r in stripe.requests("POST")] == [f"/v1/subscriptions/{refused.pk}"]


def test_a_row_is_tried_again_by_one_job(many: Many, keeper: User, staff: Any, stripe: RunningSandbox) -> None:
    refused, _ = many(2)
    refuse(stripe, refused)
    job, other = run(CANCEL, keeper, when="period_end"), staff("other", "cancel_subscription", "run_job")
    results = at_once(lambda: again(job, keeper), lambda: again(job, other))
    assert sorted(isinstance(result, NotAllowed) for result in results) == [False, True]
    assert job.retried_by.count() == 1
    with pytest.raises(NotAllowed):
        again(job, keeper)
    # What was refused once more is tried again from the second job.
    refuse(stripe, refused)
    second = ended(job.retried_by.get())
    assert (second.pushes.get(object_id=refused.pk).state, jobs_again.may_retry(second)) == (Push.State.REFUSED, True)
    assert ended(again(second, second.user)[0]).pushes.get().state == Push.State.DONE


def test_nothing_is_tried_again_while_rows_are_left_to_send(many: Many, keeper: User, stripe: RunningSandbox) -> None:
    rows = many(2)
    refuse(stripe, rows[0])
    everyone = Subscription.objects.order_by("pk")
    cleaned = {"when": "period_end"}
    job = jobs.create_job(CANCEL, everyone, user=keeper, cleaned=cleaned, reason="x", job_id=uuid.uuid4())
    jobs.run_job(job.pk, seconds=0)
    assert job.pushes.filter(state=Push.State.REFUSED).exists()
    assert not jobs_again.may_retry(job)
    assert jobs_again.may_retry(ended(job))


@pytest.mark.parametrize("permissions", [["run_job"], ["cancel_subscription"]])
def test_s58_trying_again_needs_the_permissions(
    permissions: list[str], many: Many, keeper: User, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    refuse(stripe, many(1)[0])
    job = run(CANCEL, keeper, when="period_end")
    with pytest.raises(PermissionDenied):
        again(job, staff("someone", *permissions))
    assert not job.retried_by.exists()


def test_a_whole_job_is_taken_back_by_the_inverse_of_each_row(many: Many, keeper: User, stripe: RunningSandbox) -> None:
    rows = many(3)
    refuse(stripe, rows[2])
    job = run(CANCEL, keeper, when="period_end")
    second, shown = take_back(job, keeper)
    assert (second.operation, shown.allowed) == ("keep_subscription", 2)
    ended(second)
    assert not any(truth(stripe, row)["cancel_at_period_end"] for row in rows)
    first = {push.object_id: push for push in job.pushes.all()}
    assert {push.undoes for push in second.pushes.all()} == {first[row.pk] for row in rows[:2]}
    # And back once more: what was taken back is done again.
    third, _ = take_back(second, keeper)
    ended(third)
    assert [truth(stripe, row)["cancel_at_period_end"] for row in rows] == [True, True, False]


def test_each_row_gets_back_its_own_old_values(
    many: Many, keeper: User, stripe: RunningSandbox, mirrored: Callable[..., Any]
) -> None:
    rows, before = many(2), ("void", "keep_as_draft")
    for row, behavior in zip(rows, before, strict=True):
        mirrored(stripe.post(f"/v1/subscriptions/{row.pk}", pause_collection={"behavior": behavior}))
    job = run(PAUSE, keeper, behavior="mark_uncollectible")
    assert {truth(stripe, row)["pause_collection"]["behavior"] for row in rows} == {"mark_uncollectible"}
    second, shown = take_back(job, keeper)
    assert (second.operation, shown.allowed) == ("pause_collection", 2)
    ended(second)
    assert tuple(truth(stripe, row)["pause_collection"]["behavior"] for row in rows) == before


def test_rows_that_another_operation_takes_back_are_left_out(
    many: Many, keeper: User, stripe: RunningSandbox, mirrored: Callable[..., Any]
) -> None:
    plain, dated = many(2)
    at = int(timezone.now().timestamp()) + 86_400 * 5
    mirrored(stripe.post(f"/v1/subscriptions/{dated.pk}", cancel_at=at))
    job = run(CANCEL, keeper, when="period_end")
    second, shown = take_back(job, keeper)
    assert reasons(shown) == {dated.pk: "This is taken back by “Cancel subscription”: do it on its own page."}
    ended(second)
    assert [truth(stripe, row)["cancel_at_period_end"] for row in (plain, dated)] == [False, True]


def test_what_was_changed_again_or_taken_back_meanwhile_is_left_out(
    many: Many, keeper: User, stripe: RunningSandbox, mirrored: Callable[..., Any]
) -> None:
    changed, undone, fine = many(3)
    job = run(CANCEL, keeper, when="period_end")
    mirrored(stripe.post(f"/v1/subscriptions/{changed.pk}", cancel_at_period_end=False))
    push = job.pushes.get(object_id=undone.pk)
    Push.objects.create(
        operation="keep_subscription",
        object_type="subscription",
        object_id=undone.pk,
        state=Push.State.DONE,
        undoes=push,
        created_at=timezone.now(),
    )
    _, shown = take_back(job, keeper)
    assert reasons(shown) == {undone.pk: jobs_again.UNDONE} | {changed.pk: reasons(shown)[changed.pk]}
    assert [row.id for row in shown.rows if not row.why_not] == [fine.pk]
    with pytest.raises(NotAllowed):
        take_back(job, keeper)


def test_a_job_is_taken_back_once_however_many_ask(many: Many, keeper: User, stripe: RunningSandbox) -> None:
    many(2)
    job = run(CANCEL, keeper, when="period_end")
    results = at_once(*[lambda: take_back(job, keeper)] * 3)
    assert sorted(isinstance(result, NotAllowed) for result in results) == [False, True, True]
    assert job.undone_by.count() == 1


def test_what_stripe_can_not_take_back_offers_no_undo(many: Many, keeper: User) -> None:
    many(1)
    job = run(CANCEL, keeper, when="now")
    assert jobs_again.undo_operation(job) is None


def test_s58_taking_back_needs_the_permission_for_the_inverse(
    many: Many, canceller: User, staff: Callable[..., User]
) -> None:
    many(1)
    job = run(CANCEL, canceller, when="period_end")
    with pytest.raises(PermissionDenied):
        take_back(job, staff("someone", "cancel_subscription", "run_job"))
    assert take_back(job, canceller)[0].undoes == job


def test_an_open_outcome_is_settled_before_it_counts(many: Many, keeper: User, stripe: RunningSandbox) -> None:
    (row,) = many(1)
    stripe.faults.add(method="POST", path=f"/v1/subscriptions/{row.pk}", lose_answer=True, times=1)
    job = run(CANCEL, keeper, when="period_end")
    assert not jobs_again.may_retry(job)
    assert jobs_again.undo_operation(job) is None
    time_passes()
    resume(due_pushes()[0])
    assert jobs_again.undo_operation(job)


def test_s50_credit_given_to_many_is_taken_back_to_the_cent(
    customer: Any, stripe: RunningSandbox, staff: Callable[..., User]
) -> None:
    adjust, giver = get_operation("adjust_customer_balance"), staff("giver", "run_job", "adjust_customer_balance")
    typed = {"direction": "credit", "amount": "2.55", "currency": "eur", "reason": "x", "description": "outage"}
    form = adjust.get_form(adjust.new_row(), typed)
    assert form.is_valid(), form.errors
    rows = type(customer).objects.filter(pk=customer.pk)
    job = jobs.create_job(adjust, rows, user=giver, cleaned=form.cleaned_data, reason="x", job_id=uuid.uuid4())
    second, _ = take_back(ended(job), giver)
    ended(second)
    found = [obj["amount"] for obj in stripe.objects("customer_balance_transaction") if obj["customer"] == customer.pk]
    assert sorted(found) == [-255, 255]
    third, _ = take_back(second, giver)
    assert ended(third).pushes.get().params["amount"] == -255
