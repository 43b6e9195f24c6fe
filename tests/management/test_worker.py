"""The worker: picks up what is asked of it, and keeps exactly one of each periodic task going."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command, get_commands
from django.db import OperationalError
from django.test import Client
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from stripe_mirror import background, tasks
from stripe_mirror.inbox.heartbeat import alive, beating
from stripe_mirror.models import Customer, InboxEvent
from tests.conftest import events_of, post_event
from tests.sandbox.testing import RunningSandbox
from tests.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

PERIODIC = {periodic.module_path for periodic, _ in tasks.PERIODIC}


def work() -> None:
    """A worker that goes home when nothing is left to do."""
    call_command("db_worker", batch=True, startup_delay=False, verbosity=0)


def ready() -> Counter[str]:
    return Counter(DBTaskResult.objects.filter(status=TaskResultStatus.READY).values_list("task_path", flat=True))


def test_our_worker_is_the_one_that_manage_runs() -> None:
    assert get_commands()["db_worker"] == "stripe_mirror"


def test_event_that_needs_stripe_is_given_to_the_worker_at_once(sandbox: RunningSandbox, client: Client) -> None:
    sandbox.post("/v1/customers", name="Ada")
    [created] = events_of(sandbox)
    post_event(client, {**created, "api_version": "2024-06-20"})
    assert ready()["stripe_mirror.tasks.process_event"] == 1
    work()
    assert InboxEvent.objects.get().state == InboxEvent.State.APPLIED
    assert Customer.objects.get().name == "Ada"
    assert not DBTaskResult.objects.filter(status=TaskResultStatus.FAILED).exists()


def test_event_that_needs_nothing_bothers_no_worker(sandbox: RunningSandbox, client: Client) -> None:
    sandbox.post("/v1/customers", name="Ada")
    post_event(client, events_of(sandbox)[0])
    assert not DBTaskResult.objects.exists()


def test_worker_finds_events_that_never_reached_the_receiver(sandbox: RunningSandbox) -> None:
    """S08: nobody touches anything."""
    sandbox.post("/v1/customers", name="Ada")
    work()
    assert Customer.objects.get().name == "Ada"


def test_each_periodic_task_is_queued_once_and_again_after_its_run(sandbox: RunningSandbox) -> None:
    for _ in range(3):
        work()
        assert {path: ready()[path] for path in PERIODIC} == dict.fromkeys(PERIODIC, 1)
    periods = {periodic.module_path: period for periodic, period in tasks.PERIODIC}
    for task in DBTaskResult.objects.filter(status=TaskResultStatus.READY):
        assert timedelta(0) < task.run_after - timezone.now() <= periods[task.task_path]


def test_workers_that_start_together_queue_each_periodic_task_once() -> None:
    assert at_once(*[tasks.ensure_periodic] * 6) == [None] * 6
    assert ready() == Counter(PERIODIC)


def running(task: Any, *, since: timedelta) -> None:
    """As if a worker were at it, or had been killed at it."""
    task.enqueue()
    DBTaskResult.objects.filter(task_path=task.module_path, status=TaskResultStatus.READY).update(
        status=TaskResultStatus.RUNNING, started_at=timezone.now() - since
    )


def test_run_that_is_still_going_on_is_not_joined_by_a_second(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    running(tasks.catch_up, since=timedelta(minutes=1))
    work()
    assert not Customer.objects.exists()
    assert ready()[tasks.catch_up.module_path] == 1


def test_killed_run_does_not_end_the_chain(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    running(tasks.catch_up, since=timedelta(hours=1))
    work()
    assert Customer.objects.get().name == "Ada"


def test_run_of_a_killed_worker_holds_up_nobody(sandbox: RunningSandbox) -> None:
    """Its heartbeat has ended: no need to wait until the run could only hang."""
    sandbox.post("/v1/customers", name="Ada")
    running(tasks.catch_up, since=timedelta(minutes=1))
    DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING).update(worker_ids=["killed"])
    work()
    assert Customer.objects.get().name == "Ada"


def test_run_of_a_living_worker_is_waited_for(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    running(tasks.catch_up, since=timedelta(minutes=1))
    DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING).update(worker_ids=["busy"])
    with beating("busy"):
        work()
    assert not Customer.objects.exists()


def test_what_a_killed_worker_left_running_is_ended() -> None:
    running(tasks.catch_up, since=timedelta(minutes=1))
    DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING).update(worker_ids=["killed"])
    tasks.prune_tasks.call()
    orphan = DBTaskResult.objects.get(status=TaskResultStatus.FAILED)
    assert orphan.exception_class_path.endswith(".WorkerDied")


def test_task_that_seemed_orphaned_when_a_clock_was_set_forward_is_not_forgotten_at_once() -> None:
    """Its worker lives, and wants to write down how it ended."""
    running(tasks.catch_up, since=timedelta(days=1))
    DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING).update(worker_ids=["busy"])
    task = DBTaskResult.objects.get(status=TaskResultStatus.RUNNING)
    tasks.prune_tasks.call()
    task.set_successful(None)
    assert DBTaskResult.objects.get(pk=task.pk).status == TaskResultStatus.SUCCESSFUL


def test_worker_outlives_the_record_of_its_task(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.post("/v1/customers", name="Ada")
    lost: list[int] = []

    def lose_all_records() -> None:
        lost.append(DBTaskResult.objects.filter(status=TaskResultStatus.RUNNING).delete()[0])

    # It comes before the catch-up.
    monkeypatch.setattr(tasks.report, "refresh", lose_all_records)
    work()
    assert lost == [1]
    assert Customer.objects.get().name == "Ada"


def test_failure_of_the_database_still_ends_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process manager starts it anew, with new connections."""

    def refuse(self: Any, value: Any) -> None:
        raise OperationalError("disk full")

    monkeypatch.setattr(DBTaskResult, "set_successful", refuse)
    monkeypatch.setattr(DBTaskResult, "set_failed", refuse)
    with pytest.raises(OperationalError):
        work()


@pytest.mark.parametrize("skew", [timedelta(minutes=1), timedelta(minutes=-1)])
def test_worker_on_a_machine_whose_clock_is_a_minute_off_lives(
    monkeypatch: pytest.MonkeyPatch, skew: timedelta
) -> None:
    """Or another machine would end its tasks, and begin the periodic ones a second time."""
    now = timezone.now
    with monkeypatch.context() as machine:
        machine.setattr(timezone, "now", lambda: now() + skew)
        with beating("elsewhere"):
            machine.undo()
            assert alive() == {"elsewhere"}


def test_worker_is_known_by_its_heartbeat_only_while_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []
    monkeypatch.setattr(tasks.report, "refresh", lambda: seen.append(alive()))
    work()
    assert [len(each) for each in seen] == [1]
    assert alive() == set()


def test_old_results_are_forgotten_and_open_tasks_kept(sandbox: RunningSandbox) -> None:
    work()
    DBTaskResult.objects.filter(status=TaskResultStatus.SUCCESSFUL).update(
        finished_at=timezone.now() - timedelta(days=1)
    )
    tasks.prune_tasks.call()
    assert set(DBTaskResult.objects.values_list("status", flat=True)) == {TaskResultStatus.READY}


@pytest.mark.parametrize("name", ["process_event", "complete_lists", "fetch_missing_parents", "run_push", "run_job"])
def test_names_used_below_the_tasks_exist(name: str) -> None:
    background.enqueue(name, *["x"] * len(getattr(tasks, name).func.__annotations__.keys() - {"return"}))
    assert ready() == {f"stripe_mirror.tasks.{name}": 1}


def test_worker_looks_often_and_does_not_reload() -> None:
    from stripe_mirror.management.commands.db_worker import Command

    parser = Command().create_parser("manage.py", "db_worker")
    options = parser.parse_args([])
    assert options.interval <= 1
    assert options.reload is False


@pytest.mark.parametrize("reachable", [True, False])
def test_health_check_says_only_whether_the_database_is_reachable(
    client: Client, monkeypatch: pytest.MonkeyPatch, reachable: bool
) -> None:
    from django.db import OperationalError, connection

    if not reachable:

        def refuse() -> None:
            raise OperationalError("password of 10.0.0.1 is wrong")

        monkeypatch.setattr(connection, "cursor", refuse)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == ((200, {"ok": True}) if reachable else (503, {"ok": False}))
    assert client.post("/healthz").status_code == 405
