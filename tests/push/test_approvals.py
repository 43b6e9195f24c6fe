"""What is above a person's limit is sent once another person approves it, and never otherwise."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from pytest_django import Settings

from stripe_mirror.models import Approval, Charge, Customer, Job, Push
from stripe_mirror.push import jobs, jobs_again, jobs_steering, planned
from stripe_mirror.push.approvals import approve, decline, waiting_for, why_not_approve, withdraw
from stripe_mirror.push.errors import AlreadyDecided, NotAllowed
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.submit import due_pushes, resume
from tests.push import paying
from tests.push.approving import again, limit
from tests.push.conftest import Doing, sent, undone
from tests.push.scenarios import made_by, parts
from tests.push.test_unknown_outcomes import resumed
from tests.sandbox.testing import RunningSandbox
from tests.together import at_once

Opens = Callable[..., Doing]
ADJUST = get_operation("adjust_customer_balance")


@pytest.fixture
def refunder(staff: Callable[..., User]) -> User:
    """May refund, alone up to €10.00."""
    user = staff("refunder", "refund_charge")
    limit(user, "refund_charge", "eur", 1000)
    return user


@pytest.fixture
def approver(staff: Callable[..., User]) -> User:
    """May refund and approve what others ask for."""
    return staff("approver", "refund_charge", "approve_push")


@pytest.fixture
def charge(stripe: RunningSandbox) -> Charge:
    """49.00 eur, paid by card."""
    return paying.paid(stripe)


@pytest.fixture
def waiting(doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox) -> Push:
    """A refund of €20.00 that is above the limit."""
    push = doing("refund_charge", charge, refunder).submit(amount="20.00", refund_reason="duplicate")
    stripe.clear_requests()
    return push


def decided(push: Push) -> tuple[str, str, str, str]:
    """State, decision, who and why."""
    push = again(push)
    approval = push.approval
    return push.state, approval.decision, approval.decided_by_name, approval.reason


# Asking


def test_up_to_the_limit_it_is_sent_at_once(doing: Opens, charge: Charge, refunder: User) -> None:
    push = doing("refund_charge", charge, refunder).submit(amount="10.00")
    assert push.state == Push.State.DONE
    assert not Approval.objects.exists()


def test_above_the_limit_it_is_recorded_like_any_push_but_not_sent(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox
) -> None:
    push = doing("refund_charge", charge, refunder).submit(amount="10.01")
    assert push.state == Push.State.WAITING
    assert sent(stripe) == []
    push = again(push)
    assert (push.user, push.user_name, push.reason, push.ip_address) == (
        refunder,
        "Refunder",
        "asked by mail",
        "192.0.2.7",
    )
    assert (push.method, push.path, push.params) == ("post", "/v1/refunds", {"amount": 1001, "charge": charge.pk})
    assert push.before == {"amount_refunded": 0, "refunded": False}
    assert (push.first_sent_at, push.finished_at, push.next_attempt_at) == (None, None, None)
    assert "€10.01 is above the limit" in push.message
    assert (push.approval.stakes, push.approval.decision) == ([[1001, "eur"]], "")


def test_s30_the_same_form_again_finds_what_waits(
    doing: Opens, charge: Charge, refunder: User, stripe: RunningSandbox
) -> None:
    form = doing("refund_charge", charge, refunder)
    first, second = form.submit(amount="20.00"), form.submit(amount="20.00")
    assert first == second
    assert (Push.objects.count(), Approval.objects.count()) == (1, 1)
    assert sent(stripe) == []


def test_s30_two_submits_at_once_wait_once(doing: Opens, charge: Charge, refunder: User) -> None:
    form = doing("refund_charge", charge, refunder)
    results = at_once(*[lambda: form.submit(amount="20.00")] * 3)
    assert {result.pk for result in results} == {form.push_id}
    assert (Push.objects.count(), Approval.objects.count()) == (1, 1)


def test_what_waits_is_not_sent_by_the_worker(waiting: Push, stripe: RunningSandbox) -> None:
    Push.objects.update(next_attempt_at=timezone.now() - timedelta(hours=1))
    assert due_pushes() == []
    assert resume(waiting.pk) is None
    assert again(waiting).state == Push.State.WAITING
    assert stripe.requests() == []


def test_a_superuser_above_the_limit_waits_like_others(doing: Opens, charge: Charge, transactional_db: None) -> None:
    boss = User.objects.create_superuser("boss")
    limit(boss, "refund_charge", "usd", 10**9)
    push = doing("refund_charge", charge, boss).submit()
    assert push.state == Push.State.WAITING
    with pytest.raises(PermissionDenied, match="yourself"):
        approve(push, by=boss)


# Approving


def test_an_approved_push_is_sent_with_its_own_key(
    waiting: Push, approver: User, refunder: User, charge: Charge, stripe: RunningSandbox
) -> None:
    approve(waiting, by=approver, reason="called them", ip="192.0.2.9")
    assert waiting.state == Push.State.DONE
    (request,) = stripe.requests("POST")
    assert (request["path"], request["idempotency_key"]) == ("/v1/refunds", str(waiting.pk))
    assert request["params"] == {"amount": "2000", "charge": charge.pk, "reason": "duplicate"}
    assert paying.refunds(stripe, charge) == [(2000, "succeeded")]
    push = again(waiting)
    assert decided(push) == ("done", "approved", "Approver", "called them")
    assert (push.approval.decided_by, push.approval.ip_address) == (approver, "192.0.2.9")
    assert push.approval.decided_at is not None
    # It stays the push of who asked for it.
    assert (push.user, push.user_name, push.reason, push.message) == (refunder, "Refunder", "asked by mail", "")
    assert (push.before["amount_refunded"], push.after["amount_refunded"]) == (0, 2000)
    assert push.request_id.startswith("req_")


def test_it_costs_what_a_push_costs(waiting: Push, approver: User, stripe: RunningSandbox) -> None:
    approve(waiting, by=approver)
    assert [r["method"] for r in stripe.requests()] == ["GET", "POST", "GET"]


@pytest.mark.parametrize("permissions", [(), ("refund_charge",), ("approve_push",)])
def test_s58_who_may_not_approve_or_not_do_it_is_refused(
    permissions: tuple[str, ...], waiting: Push, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    outsider = staff("outsider", *permissions)
    assert why_not_approve(outsider, waiting)
    with pytest.raises(PermissionDenied):
        approve(waiting, by=outsider)
    assert (decided(waiting)[:2], stripe.requests()) == (("waiting", ""), [])


def test_nobody_approves_or_declines_what_they_asked_for(waiting: Push, refunder: User, stripe: RunningSandbox) -> None:
    refunder.user_permissions.add(Permission.objects.get(codename="approve_push"))
    refunder = User.objects.get(pk=refunder.pk)
    for decide in (approve, decline):
        with pytest.raises(PermissionDenied, match="another person"):
            decide(waiting, by=refunder, reason="I trust myself")
    assert not waiting_for(refunder).exists()
    assert (decided(waiting)[:2], stripe.requests()) == (("waiting", ""), [])


@pytest.mark.parametrize(("amount", "allowed"), [(1999, False), (2000, True)])
def test_an_approvers_own_limit_must_cover_it(amount: int, allowed: bool, waiting: Push, approver: User) -> None:
    limit(approver, "refund_charge", "eur", amount)
    if allowed:
        approve(waiting, by=approver)
    else:
        with pytest.raises(PermissionDenied, match="your own limit"):
            approve(waiting, by=approver)
    assert again(waiting).state == ("done" if allowed else "waiting")


def test_in_live_mode_an_approver_needs_act_live(waiting: Push, approver: User, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY, settings.DEMO = "rk_" + "live_x", False
    with pytest.raises(PermissionDenied, match="act_live"):
        approve(waiting, by=approver)


def test_who_asked_must_still_be_allowed_when_it_is_approved(
    waiting: Push, refunder: User, approver: User, stripe: RunningSandbox
) -> None:
    refunder.user_permissions.clear()
    waiting = again(waiting)
    with pytest.raises(NotAllowed, match="Refunder may no longer do this"):
        approve(waiting, by=approver)
    refunder.delete()
    with pytest.raises(NotAllowed, match="Refunder may no longer do this"):
        approve(again(waiting), by=approver)
    assert stripe.requests() == []
    decline(again(waiting), by=approver, reason="they left")
    assert decided(waiting)[:2] == ("refused", "declined")


# What has changed meanwhile


def test_s36_what_the_state_forbids_by_then_is_not_sent(
    waiting: Push, approver: User, charge: Charge, stripe: RunningSandbox
) -> None:
    stripe.post("/v1/refunds", charge=charge.pk)
    stripe.clear_requests()
    approve(waiting, by=approver)
    assert sent(stripe) == []
    assert decided(waiting)[:2] == ("skipped", "approved")
    assert "refunded already" in again(waiting).message


def test_s33_no_more_than_is_left_by_then_is_refunded(
    waiting: Push, approver: User, charge: Charge, stripe: RunningSandbox
) -> None:
    stripe.post("/v1/refunds", charge=charge.pk, amount=3000)
    stripe.clear_requests()
    approve(waiting, by=approver)
    assert (again(waiting).state, sent(stripe)) == (Push.State.SKIPPED, [])
    assert "€19.00" in again(waiting).message


def test_no_more_is_sent_than_was_approved(waiting: Push, approver: User, stripe: RunningSandbox) -> None:
    Push.objects.update(form={"amount": 2001, "refund_reason": ""})
    approve(again(waiting), by=approver)
    assert (again(waiting).state, sent(stripe)) == (Push.State.SKIPPED, [])
    assert "this would be €20.01, but €20.00 was approved" in again(waiting).message


def test_what_stripe_refuses_after_the_approval_says_so(waiting: Push, approver: User, stripe: RunningSandbox) -> None:
    stripe.faults.add(method="POST", path="/v1/refunds", status=400, times=1)
    approve(waiting, by=approver)
    assert decided(waiting)[:2] == ("refused", "approved")


def test_s31_a_lost_answer_after_the_approval_is_found_out_with_the_same_key(
    waiting: Push, approver: User, charge: Charge, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/refunds", lose_answer=True, times=1)
    approve(waiting, by=approver)
    assert waiting.state == Push.State.UNKNOWN
    assert resumed(waiting).state == Push.State.DONE
    assert paying.refunds(stripe, charge) == [(2000, "succeeded")]
    assert {r["idempotency_key"] for r in stripe.requests("POST")} == {str(waiting.pk)}


def test_while_stripe_can_not_be_reached_an_approved_push_waits_for_the_worker(
    waiting: Push, approver: User, charge: Charge, stripe: RunningSandbox, impatient: None
) -> None:
    stripe.faults.add(method="GET", path="/v1/charges", status=500, times=99)
    approve(waiting, by=approver)
    assert waiting.state == Push.State.PLANNED
    stripe.faults.clear()
    assert due_pushes() == []
    Push.objects.update(next_attempt_at=timezone.now())
    assert due_pushes() == [waiting.pk]
    resume(waiting.pk)
    assert decided(waiting)[:2] == ("done", "approved")
    assert paying.refunds(stripe, charge) == [(2000, "succeeded")]


@pytest.mark.parametrize("died", ["after the decision", "while it was prepared"])
def test_s45_what_a_killed_process_had_approved_is_sent_by_the_worker(
    died: str, waiting: Push, approver: User, charge: Charge, stripe: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a process did that was killed between two commits.
    with monkeypatch.context() as killed:
        if died == "after the decision":
            killed.setattr("stripe_mirror.push.approvals.run_alone", lambda push: None)
        else:
            killed.setattr(planned, "run", lambda *args: None)
        approve(waiting, by=approver)
    assert stripe.requests() == []
    for _ in range(3):
        Push.objects.filter(next_attempt_at__isnull=False).update(next_attempt_at=timezone.now() - timedelta(seconds=1))
        for push_id in due_pushes():
            resume(push_id)
    assert decided(waiting)[:2] == ("done", "approved")
    assert paying.refunds(stripe, charge) == [(2000, "succeeded")]


# Declining, withdrawing, and both at once


def test_a_declined_push_is_refused_with_the_reason(waiting: Push, approver: User, stripe: RunningSandbox) -> None:
    decline(waiting, by=approver, reason=" Too much. ", ip="192.0.2.9")
    assert decided(waiting) == ("refused", "declined", "Approver", "Too much.")
    assert (waiting.message, waiting.finished_at is not None) == ("Declined by Approver: Too much.", True)
    assert again(waiting).approval.ip_address == "192.0.2.9"
    assert stripe.requests() == []


def test_declining_needs_a_reason_and_the_permission(waiting: Push, approver: User, staff: Callable[..., User]) -> None:
    with pytest.raises(NotAllowed, match="write why"):
        decline(waiting, by=approver, reason="  ")
    with pytest.raises(PermissionDenied):
        decline(waiting, by=staff("outsider", "refund_charge"), reason="no")
    assert decided(waiting)[:2] == ("waiting", "")


def test_s61_a_reason_keeps_no_secret(waiting: Push, approver: User) -> None:
    secret = "sk_" + "test_" + "abcdefghijklmnop"
    decline(waiting, by=approver, reason=f"see {secret}")
    assert secret not in again(waiting).message + again(waiting).approval.reason


def test_who_asked_withdraws_it_and_nobody_else(
    waiting: Push, refunder: User, approver: User, stripe: RunningSandbox
) -> None:
    with pytest.raises(PermissionDenied):
        withdraw(waiting, by=approver)
    withdraw(waiting, by=refunder)
    assert decided(waiting)[:3] == ("skipped", "withdrawn", "Refunder")
    assert stripe.requests() == []


def test_what_is_decided_stays_decided_and_the_second_is_told_by_whom(
    waiting: Push, approver: User, refunder: User, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    other = staff("other", "refund_charge", "approve_push")
    decline(waiting, by=approver, reason="no")
    for late in (
        lambda: approve(waiting, by=other),
        lambda: approve(waiting, by=approver),
        lambda: decline(waiting, by=other, reason="never"),
        lambda: withdraw(waiting, by=refunder),
    ):
        with pytest.raises(AlreadyDecided, match="declined by Approver"):
            late()
    assert decided(waiting) == ("refused", "declined", "Approver", "no")
    assert stripe.requests() == []


def test_s33_of_three_people_at_once_one_decides(
    waiting: Push, approver: User, refunder: User, staff: Callable[..., User], charge: Charge, stripe: RunningSandbox
) -> None:
    other = staff("other", "refund_charge", "approve_push")
    results = at_once(
        lambda: approve(again(waiting), by=approver),
        lambda: approve(again(waiting), by=other),
        lambda: decline(again(waiting), by=other, reason="no"),
        lambda: withdraw(again(waiting), by=refunder),
    )
    told = [result for result in results if isinstance(result, AlreadyDecided)]
    assert (results.count(None), len(told)) == (1, 3), results
    state, decision, who, _ = decided(waiting)
    assert all(f"{decision} by {who}" in str(error) for error in told)
    assert len(paying.refunds(stripe, charge)) == (1 if decision == "approved" else 0)
    assert state == {"approved": "done", "declined": "refused", "withdrawn": "skipped"}[decision]


def test_s30_a_double_click_on_approve_sends_once(
    waiting: Push, approver: User, charge: Charge, stripe: RunningSandbox
) -> None:
    results = at_once(*[lambda: approve(again(waiting), by=approver)] * 3)
    assert results.count(None) == 1
    assert paying.refunds(stripe, charge) == [(2000, "succeeded")]
    assert len(stripe.requests("POST")) == 1


def test_an_approver_sees_what_others_ask_for(waiting: Push, approver: User, staff: Callable[..., User]) -> None:
    assert list(waiting_for(approver)) == [waiting]
    assert list(waiting_for(staff("viewer", "refund_charge"))) == []
    decline(waiting, by=approver, reason="no")
    assert list(waiting_for(approver)) == []


# Other operations


def test_an_undo_is_a_push_of_its_own_with_the_same_limit(
    doing: Opens, payer: Any, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    giver = staff("giver", ADJUST.name)
    first = doing(ADJUST.name, payer, giver).submit(amount="20.00")
    assert first.state == Push.State.DONE
    limit(giver, ADJUST.name, "eur", 1000)
    undo = undone(first, giver)
    assert undo.state == Push.State.WAITING
    approve(undo, by=staff("approver", ADJUST.name, "approve_push"))
    assert again(undo).state == Push.State.DONE
    payer.refresh_from_db()
    assert payer.data["balance"] == -500


def test_a_credit_note_above_the_limit_is_made_once_approved(
    doing: Opens, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    row, values = made_by("create_credit_note", stripe)
    clerk = staff("clerk", "create_credit_note")
    limit(clerk, "create_credit_note", "eur", 899)
    push = doing("create_credit_note", row, clerk).submit(**values)
    assert push.state == Push.State.WAITING
    approve(push, by=staff("approver", "create_credit_note", "approve_push"))
    assert again(push).state == Push.State.DONE, again(push).message
    assert [note["amount"] for note in stripe.objects("credit_note") if note["invoice"] == row.pk] == [900]


def test_a_step_above_the_limit_waits_and_those_after_it_too(
    doing: Opens, staff: Callable[..., User], stripe: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if an operation's next step gave money away; none does so far.
    step = get_operation("make_replacement_default")
    monkeypatch.setattr(type(step), "limited", True)
    monkeypatch.setattr(type(step), "at_stake", lambda self, row, cleaned: [(2900, "eur")])
    row, values = made_by("replace_price", stripe)
    pricer = staff("pricer", "replace_price")
    limit(pricer, step.name, "eur", 100)
    push = doing("replace_price", row, pricer).submit(**values)
    first, waits = parts(push)
    assert (first.state, waits.operation, waits.state) == (Push.State.DONE, step.name, Push.State.WAITING)
    approve(again(waits), by=staff("approver", "replace_price", "approve_push"))
    steps = parts(push)
    assert [part.operation for part in steps] == ["replace_price", step.name, "archive_replaced_price"]
    assert {part.state for part in steps} == {Push.State.DONE}


# Many rows


@pytest.fixture
def giver(staff: Callable[..., User]) -> User:
    """May adjust many balances, alone up to €3.00 and ¥100."""
    user = staff("giver", ADJUST.name, "run_job")
    limit(user, ADJUST.name, "eur", 300)
    return user


@pytest.fixture
def second(staff: Callable[..., User]) -> User:
    """May approve that."""
    return staff("second", ADJUST.name, "approve_push")


@pytest.fixture
def charges(stripe: RunningSandbox) -> list[Charge]:
    """€5.00 and €49.00, paid by card."""
    made = [paying.paid(stripe, amount) for amount in (500, 4900)]
    stripe.clear_requests()
    return made


def refund_all(user: User, rows: list[Charge]) -> Job:
    """The job of somebody who selected these payments."""
    operation = get_operation("refund_charge")
    form = operation.get_form(operation.new_row(), {"refund_reason": "duplicate", "reason": "shop closed"})
    assert form.is_valid(), form.errors
    chosen = Charge.objects.filter(pk__in=[row.pk for row in rows]).order_by("created", "pk")
    cleaned = form.cleaned_data
    return jobs.create_job(operation, chosen, user=user, cleaned=cleaned, reason="shop closed", job_id=uuid.uuid4())


@pytest.fixture
def bulk_refunder(refunder: User) -> User:
    """May refund many payments, alone up to €10.00 each."""
    refunder.user_permissions.add(Permission.objects.get(codename="run_job"))
    return User.objects.get(pk=refunder.pk)


@pytest.fixture
def half_done(charges: list[Charge], bulk_refunder: User, stripe: RunningSandbox) -> tuple[Job, Push]:
    """A job that has done the small refund; the large one waits."""
    job = refund_all(bulk_refunder, charges)
    jobs.run_job(job.pk)
    assert paying.refunds(stripe, *charges) == [(500, "succeeded")]
    stripe.clear_requests()
    return job, Push.objects.select_related("approval").get(job=job, state=Push.State.WAITING)


def counts(job: Job) -> tuple[str, int, int]:
    """The job's state, rows done and rows that wait."""
    job.refresh_from_db()
    seen = jobs.progress(job)
    return job.state, seen["done"], seen["waiting"]


def test_a_jobs_rows_above_the_limit_wait_and_do_not_block_the_others(
    half_done: tuple[Job, Push], charges: list[Charge], stripe: RunningSandbox
) -> None:
    job, push = half_done
    assert counts(job) == ("running", 1, 1)
    assert (push.object_id, push.approval.stakes, push.form["amount"]) == (charges[1].pk, [[4900, "eur"]], 4900)
    # Nothing is left that the worker would run for.
    assert job.pk not in jobs.due_jobs()
    assert not jobs_again.may_retry(job)
    jobs.run_job(job.pk)
    assert stripe.requests() == []


def test_the_job_sends_an_approved_row_and_is_finished_then(
    half_done: tuple[Job, Push], approver: User, charges: list[Charge], stripe: RunningSandbox
) -> None:
    job, push = half_done
    approve(push, by=approver)
    assert push.state == Push.State.PLANNED
    assert jobs.due_jobs() == [job.pk]
    jobs.run_job(job.pk)
    assert decided(push)[:2] == ("done", "approved")
    assert counts(job) == ("finished", 2, 0)
    assert sorted(paying.refunds(stripe, *charges)) == [(500, "succeeded"), (4900, "succeeded")]


def test_a_declined_row_ends_the_job(half_done: tuple[Job, Push], approver: User) -> None:
    job, push = half_done
    decline(push, by=approver, reason="no")
    assert counts(job) == ("finished", 1, 0)
    assert jobs_again.may_retry(job)


def test_a_withdrawn_row_ends_the_job(half_done: tuple[Job, Push], bulk_refunder: User) -> None:
    job, push = half_done
    withdraw(push, by=bulk_refunder)
    assert counts(job) == ("finished", 1, 0)


def test_a_stopped_jobs_rows_wait_no_longer(
    half_done: tuple[Job, Push], bulk_refunder: User, approver: User, stripe: RunningSandbox
) -> None:
    job, push = half_done
    jobs_steering.stop_job(job, user=bulk_refunder)
    assert counts(job) == ("stopped", 1, 0)
    with pytest.raises(AlreadyDecided, match="stopped by Refunder"):
        approve(push, by=approver)
    assert (again(push).state, stripe.requests()) == (Push.State.SKIPPED, [])


def test_a_paused_jobs_approved_row_waits_until_it_is_resumed(
    half_done: tuple[Job, Push], bulk_refunder: User, approver: User, charges: list[Charge], stripe: RunningSandbox
) -> None:
    job, push = half_done
    jobs_steering.pause_job(job, user=bulk_refunder)
    approve(push, by=approver)
    jobs.run_job(job.pk)
    assert (again(push).state, stripe.requests()) == (Push.State.PLANNED, [])
    jobs_steering.resume_job(job, user=bulk_refunder)
    jobs.run_job(job.pk)
    assert counts(job) == ("finished", 2, 0)


def test_a_job_whose_owner_may_no_longer_do_it_leaves_what_waits_out(
    half_done: tuple[Job, Push], bulk_refunder: User, stripe: RunningSandbox
) -> None:
    job, push = half_done
    bulk_refunder.user_permissions.clear()
    jobs.run_job(job.pk)
    assert (again(push).state, counts(job)[0], stripe.requests()) == (Push.State.SKIPPED, "finished", [])


def test_every_row_of_a_job_is_judged_in_its_own_currency(
    giver: User, second: User, stripe: RunningSandbox, mirrored: Callable[[dict[str, Any]], Any]
) -> None:
    rows = [mirrored(stripe.post("/v1/customers", name=name)) for name in ("Ann", "Bob")]
    form = ADJUST.get_form(
        ADJUST.new_row(), {"direction": "credit", "amount": "500", "currency": "jpy", "reason": "outage"}
    )
    assert form.is_valid(), form.errors
    chosen = Customer.objects.filter(pk__in=[row.pk for row in rows])
    job = jobs.create_job(ADJUST, chosen, user=giver, cleaned=form.cleaned_data, reason="x", job_id=uuid.uuid4())
    jobs.run_job(job.pk)
    assert counts(job) == ("running", 0, 2)
    for push in job.pushes.select_related("approval"):
        approve(push, by=second)
    jobs.run_job(job.pk)
    assert counts(job) == ("finished", 2, 0)
