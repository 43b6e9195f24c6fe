"""The page of backfills: who may start one, what it says while it runs, and how it is paused and resumed."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django_tasks_db.models import DBTaskResult

from stripe_mirror.models import Customer, SyncRun
from stripe_mirror.pull import backfill_runs
from stripe_mirror.tasks import run_backfill
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/admin/stripe_mirror/syncrun/backfill/"
State = SyncRun.State


def staff(*permissions: str) -> Client:
    user = User.objects.create_user(f"staff{uuid4().hex[:6]}", password="x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def operator(db: None) -> Client:
    return staff("view_syncrun", "run_sync")


def queued() -> list[str]:
    return list(DBTaskResult.objects.filter(task_path=run_backfill.module_path).values_list("status", flat=True))


def test_a_backfill_is_started_watched_and_ends(operator: Client, sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    answer = operator.post(PAGE, {"kinds": ["customer", "product"]}, follow=True)
    assert "Running" in answer.content.decode() and "data-live-poll" in answer.content.decode()
    assert queued() == ["READY"]
    run_backfill.func(str(SyncRun.objects.latest("pk").group))
    assert Customer.objects.get().name == "Ada"
    page = operator.get(PAGE).content.decode()
    assert "2 of 2 kinds ended" in page and "data-live-poll" not in page
    assert {run.started_by for run in SyncRun.objects.all()} == {User.objects.get().username}


def test_a_paused_backfill_reads_nothing_until_it_is_resumed(operator: Client, sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    operator.post(PAGE, {"kinds": ["customer"]})
    group = SyncRun.objects.get().group
    operator.post(f"{PAGE}{group}/pause/")
    run_backfill.func(str(group))
    assert not Customer.objects.exists() and SyncRun.objects.get().state == State.PAUSED
    assert "Resume" in operator.get(PAGE).content.decode()
    operator.post(f"{PAGE}{group}/resume/")
    run_backfill.func(str(group))
    assert Customer.objects.exists() and SyncRun.objects.get().state == State.DONE


def test_what_stands_below_a_paused_kind_is_not_resumed_without_it(operator: Client, sandbox: RunningSandbox) -> None:
    """Nothing of it could be read: it would run for ever."""
    operator.post(PAGE, {"kinds": ["customer", "customer_balance_transaction"]})
    group = SyncRun.objects.latest("pk").group
    operator.post(f"{PAGE}{group}/pause/")
    below = SyncRun.objects.filter(object_type="customer_balance_transaction")
    below.update(state=State.FAILED, message="It stands below each customer.")
    DBTaskResult.objects.all().delete()
    said = operator.post(f"{PAGE}{group}/resume-failed/", follow=True).content.decode()
    assert "it stands below each customer, which are paused. Resume both." in said
    assert "Resumed where it was" not in said and "another state by now" not in said
    assert (below.get().state, queued(), backfill_runs.due()) == (State.FAILED, [], [])
    operator.post(f"{PAGE}{group}/resume/")
    run_backfill.func(str(group))
    assert set(SyncRun.objects.values_list("state", flat=True)) == {State.DONE}


def test_what_failed_is_named_and_resumed_alone(operator: Client, sandbox: RunningSandbox, impatient: None) -> None:
    """S12"""
    sandbox.faults.add(status=429, path="/v1/products")
    operator.post(PAGE, {"kinds": ["customer", "product"]})
    group = SyncRun.objects.latest("pk").group
    run_backfill.func(str(group))
    page = operator.get(PAGE).content.decode()
    assert "Partial" in page and "limiting our requests" in page
    sandbox.faults.clear()
    sandbox.clear_requests()
    operator.post(f"{PAGE}{group}/resume-failed/")
    run_backfill.func(str(group))
    assert {run.state for run in SyncRun.objects.all()} == {State.DONE}
    assert {request["path"] for request in sandbox.requests()} == {"/v1/account", "/v1/products"}


def test_a_forgotten_backfill_is_found_again_unless_someone_reads_it(operator: Client, sandbox: RunningSandbox) -> None:
    operator.post(PAGE, {"kinds": ["customer"]})
    run = SyncRun.objects.get()
    assert backfill_runs.due() == [run.group]
    backfill_runs.plan(run)
    assert run.group is not None
    assert len(backfill_runs.claim(run.group, "someone")) == 1
    assert backfill_runs.due() == []


def test_a_key_of_another_account_ends_it_with_the_reason(operator: Client, sandbox: RunningSandbox) -> None:
    sandbox.faults.add(status=401)
    operator.post(PAGE, {"kinds": ["customer"]})
    run_backfill.func(str(SyncRun.objects.get().group))
    assert "Check STRIPE_SECRET_KEY" in operator.get(PAGE).content.decode()


def test_a_viewer_sees_the_page_and_starts_nothing(sandbox: RunningSandbox) -> None:
    viewer = staff("view_syncrun")
    assert "Start a backfill" not in viewer.get(PAGE).content.decode()
    assert viewer.post(PAGE, {}).status_code == 403
    assert viewer.post(f"{PAGE}{uuid4()}/pause/").status_code == 403
    assert staff().get(PAGE).status_code == 403
    assert not SyncRun.objects.exists()


@pytest.mark.parametrize("form", [{"since": "yesterday"}, {"since": "0001-01-01"}, {"kinds": ["unicorn"]}])
def test_odd_input_is_refused_with_a_sentence(operator: Client, form: dict[str, object]) -> None:
    answer = operator.post(PAGE, form)
    assert answer.status_code == 200 and "errorlist" in answer.content.decode()
    assert not SyncRun.objects.exists()
    assert operator.get(f"{PAGE}{uuid4()}/pause/").status_code == 405
