"""What the checks find, over real tables and against the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult
from pytest_django import Settings

from stripe_mirror import tasks
from stripe_mirror.inbox import address, endpoints
from stripe_mirror.inbox.health import events, processes, report, stripe_side
from stripe_mirror.inbox.health.finding import Finding, Level
from stripe_mirror.inbox.heartbeat import DEAD_AFTER, alive, beating
from stripe_mirror.inbox.store import store_listed
from stripe_mirror.models import (
    EventAction,
    EventGap,
    HealthReport,
    InboxEvent,
    MirroredAccount,
    Push,
    SyncRun,
    WorkerProcess,
)
from stripe_mirror.pull.backfill import listed_kinds
from stripe_mirror.pull.catch_up import catch_up
from stripe_mirror.stripe_api.client import api_version
from tests.conftest import events_of, post_event
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://office.example.com/stripe-webhooks/"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def of(findings: list[Finding], code: str) -> Finding:
    """The one finding of this code."""
    [found] = [finding for finding in findings if finding.code == code]
    return found


def event(number: int, **values: Any) -> InboxEvent:
    now = timezone.now()
    fields = {
        "type": "customer.updated",
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "created": now,
        "received_at": now,
        "payload": {},
        "state": "applied",
        "processed_at": now,
    }
    return InboxEvent.objects.create(id=f"evt_{number}", **{**fields, **values})


def backfilled(started: datetime) -> None:
    for kind in listed_kinds():
        SyncRun.objects.create(command="backfill", state="done", object_type=kind.object)
    SyncRun.objects.update(started_at=started)


# --- events -----------------------------------------------------------------------------------------------------------


def test_quiet_inbox_has_nothing_to_say() -> None:
    MirroredAccount.objects.create(pk="acct_1", livemode=False)
    assert {finding.level for finding in events.check_events()} == {Level.OK}


def test_failed_events_are_a_problem_with_what_to_do() -> None:
    event(1, state="failed", received_at=NOW)
    found = of(events.check_events(), "failed")
    assert (found.level, found.since) == (Level.PROBLEM, NOW)
    assert "retry" in found.do
    InboxEvent.objects.update(state="dismissed")
    assert of(events.check_events(), "failed").level is Level.OK


def test_event_of_the_other_mode_is_parked_and_shown(sandbox: RunningSandbox, client: Client) -> None:
    """S27"""
    sandbox.post("/v1/customers", name="Ada")
    [created] = events_of(sandbox)
    assert post_event(client, {**created, "livemode": True}).status_code == 200
    InboxEvent.objects.filter(state="received").update(next_attempt_at=timezone.now())
    tasks.sweep.call()
    found = of(events.check_events(), "parked")
    assert found.level is Level.WARNING
    assert "live mode" in found.what


def test_events_of_another_major_version_are_warned_of(sandbox: RunningSandbox, client: Client) -> None:
    """S16"""
    sandbox.post("/v1/customers", name="Ada")
    [created] = events_of(sandbox)
    post_event(client, {**created, "api_version": "2024-06-20"})
    found = of(events.check_events(), "versions")
    assert found.level is Level.WARNING
    assert "2024-06-20 (1)" in found.what
    assert "rotate" in found.do


def test_waiting_is_graded_by_age_and_says_why() -> None:
    event(1, state="waiting", reason="Stripe is limiting our requests.", next_attempt_at=timezone.now())
    assert of(events.check_events(), "waiting").level is Level.OK
    for minutes, level in ((15, Level.WARNING), (90, Level.PROBLEM)):
        InboxEvent.objects.update(received_at=timezone.now() - timedelta(minutes=minutes))
        found = of(events.check_events(), "waiting")
        assert found.level is level
        assert "limiting our requests" in found.what


def test_lag_is_told_by_its_half_and_its_ninety_five_percent() -> None:
    now = timezone.now()
    for number in range(100):
        event(number, created=now - timedelta(seconds=number + 1), processed_at=now)
    found = of(events.check_events(), "lag")
    assert found.level is Level.OK
    assert "half within 50 s, 95 % within 95 s (of 100)" in found.what
    event(100, created=now - timedelta(days=2), processed_at=now)
    EventAction.objects.create(event_id="evt_100", verb="replay", was="applied", user_name="x", done_at=now)
    assert "95 % within 95 s" in of(events.check_events(), "lag").what
    InboxEvent.objects.update(created=now - timedelta(minutes=5))
    assert of(events.check_events(), "lag").level is Level.WARNING


def test_events_that_only_polling_found_are_counted() -> None:
    event(1)
    old = timezone.now() - timedelta(minutes=30)
    event(2, source="catch_up", created=old)
    event(3, source="catch_up")
    found = of(events.check_events(), "delivery")
    assert found.level is Level.WARNING
    assert found.what.startswith("1 event of the last 24 hours never delivered")


def test_gap_is_said_from_when_to_when_until_everything_was_listed_after_it() -> None:
    """S09"""
    start = timezone.now() - timedelta(days=31)
    EventGap.objects.create(starts_at=start, ends_at=start + timedelta(days=1), found_at=NOW)
    backfilled(NOW - timedelta(hours=1))
    found = of(events.check_events(), "gap")
    assert found.level is Level.PROBLEM
    assert f"{start:%Y-%m-%d %H:%M}" in found.what
    assert "stripe_sync" in found.do
    SyncRun.objects.update(started_at=NOW + timedelta(hours=1))
    assert of(events.check_events(), "gap").level is Level.OK
    # One over a part of the objects closes no gap.
    SyncRun.objects.filter(object_type="customer").update(since=NOW)
    assert of(events.check_events(), "gap").level is Level.PROBLEM


def test_missing_secret_and_a_key_of_the_other_mode_are_problems(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = []
    MirroredAccount.objects.create(pk="acct_1", livemode=True)
    found = events.check_events()
    assert of(found, "secrets").level is Level.PROBLEM
    assert of(found, "mode").level is Level.PROBLEM


# --- processes --------------------------------------------------------------------------------------------------------


def test_worker_is_known_while_it_lives_and_forgotten_when_it_ends() -> None:
    assert of(processes.check_processes(), "workers").level is Level.PROBLEM
    with beating("w1"):
        assert alive() == {"w1"}
        tasks.ensure_periodic()
        found = processes.check_processes()
        assert of(found, "workers").level is Level.OK
        assert of(found, "periodic").level is Level.OK
    assert alive() == set()


def test_killed_worker_is_known_to_be_gone() -> None:
    WorkerProcess.objects.create(
        pk="w1", host="here", pid=1, started_at=NOW, beat_at=timezone.now() - DEAD_AFTER - timedelta(seconds=1)
    )
    found = of(processes.check_processes(), "workers")
    assert found.level is Level.PROBLEM
    assert "process 1 on here" in found.what
    assert "db_worker" in found.do


def test_late_missing_and_failing_periodic_tasks_are_named() -> None:
    with beating("w1"):
        tasks.ensure_periodic()
        rows = DBTaskResult.objects.filter(task_path=tasks.catch_up.module_path)
        rows.update(run_after=timezone.now() - timedelta(minutes=20))
        assert "catch_up" in of(processes.check_processes(), "periodic").what
        rows.update(status=TaskResultStatus.FAILED, finished_at=NOW, exception_class_path="builtins.OSError")
        found = processes.check_processes()
        assert "Not in the queue: catch_up" in of(found, "periodic").what
        assert "OSError" in of(found, "periodic_failed").what


def test_open_pushes_and_failed_syncs_are_findings() -> None:
    Push.objects.create(operation="x", object_type="customer", state="unknown", created_at=NOW)
    SyncRun.objects.create(command="backfill", object_type="price", state="failed", message="429")
    SyncRun.objects.create(command="backfill", object_type="coupon", state="failed")
    SyncRun.objects.create(command="backfill", object_type="coupon", state="done")
    found = processes.check_processes()
    assert of(found, "pushes").level is Level.PROBLEM
    assert "price failed: 429" in of(found, "syncs").what


# --- Stripe's side ----------------------------------------------------------------------------------------------------


def test_endpoint_made_by_us_is_right_and_none_is_a_problem(sandbox: RunningSandbox) -> None:
    assert of(stripe_side.check_endpoint(), "endpoint").level is Level.PROBLEM
    endpoints.create_endpoint(URL)
    assert of(stripe_side.check_endpoint(), "endpoint").level is Level.OK


@pytest.mark.parametrize(
    ("params", "level", "words"),
    [
        ({"api_version": "2024-06-20"}, Level.WARNING, "2024-06-20"),
        ({"enabled_events": ["customer.created"]}, Level.PROBLEM, "not sent: "),
    ],
)
def test_wrong_endpoint_says_what_is_wrong(
    sandbox: RunningSandbox, params: dict[str, Any], level: Level, words: str
) -> None:
    right = {"enabled_events": ["*"], "api_version": api_version()} | params
    sandbox.post("/v1/webhook_endpoints", url=URL, **right)
    found = of(stripe_side.check_endpoint(), "endpoint")
    assert found.level is level
    assert words in found.what


def test_endpoint_at_another_address_than_events_come_to_is_noticed(sandbox: RunningSandbox) -> None:
    address.note("https://old.example.com/stripe-webhooks/")
    endpoints.create_endpoint(URL)
    found = of(stripe_side.check_endpoint(), "endpoint")
    assert found.level is Level.PROBLEM
    assert "old.example.com" in found.what
    assert URL in found.what


def test_address_is_remembered_from_signed_events_only(sandbox: RunningSandbox, client: Client) -> None:
    address._noted.clear()
    client.post("/stripe-webhooks/", data=b"{}", content_type="application/json")
    assert stripe_side.reached_at() is None
    sandbox.post("/v1/customers", name="Ada")
    post_event(client, events_of(sandbox)[0])
    assert stripe_side.reached_at() == "http://testserver/stripe-webhooks/"


def test_right_that_the_key_lacks_is_named_with_the_pages_it_empties(
    sandbox: RunningSandbox, settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY = "rk_" + "test_sandbox_noread_coupons"
    found = of(stripe_side.check_permissions(), "permissions")
    assert found.level is Level.WARNING
    assert "may not read coupons" in found.what
    assert "(right: coupons_read)" in found.what


def test_clock_of_ours_that_is_wrong_is_noticed(sandbox: RunningSandbox) -> None:
    assert of(stripe_side.check_clock(), "clock").level is Level.OK
    for seconds, level, words in ((60, Level.WARNING, "behind"), (-300, Level.PROBLEM, "ahead")):
        sandbox.sandbox.clock.offset = seconds
        found = of(stripe_side.check_clock(), "clock")
        assert found.level is level
        assert words in found.what


def test_events_that_only_stripe_has_and_that_only_we_have_are_found(sandbox: RunningSandbox) -> None:
    sandbox.sandbox.clock.offset = -7200
    sandbox.post("/v1/customers", name="Ada")
    sandbox.sandbox.clock.offset = 0
    assert "never reached the inbox" in of(stripe_side.check_event_list(), "event_list").what
    catch_up(store_listed)
    assert of(stripe_side.check_event_list(), "event_list").level is Level.OK
    event(1, created=timezone.now() - timedelta(hours=1))
    assert "evt_1" in of(stripe_side.check_event_list(), "event_list").what


def test_key_of_another_account_is_a_problem_and_stops_the_other_checks(sandbox: RunningSandbox) -> None:
    MirroredAccount.objects.create(pk="acct_other", livemode=False)
    reports = {each.name: each for each in report.check_everything()}
    assert of(reports["account"].findings, "account").level is Level.PROBLEM
    assert "endpoint" not in reports


# --- the report -------------------------------------------------------------------------------------------------------


def test_what_asks_stripe_is_asked_once_and_then_only_when_due(sandbox: RunningSandbox) -> None:
    report.refresh()
    assert sandbox.requests("GET", "/v1/webhook_endpoints")
    sandbox.clear_requests()
    report.refresh()
    assert sandbox.requests() == []
    HealthReport.objects.filter(name="endpoint").update(checked_at=NOW)
    report.refresh()
    assert {request["path"] for request in sandbox.requests()} == {"/v1/webhook_endpoints"}


def test_stripe_that_does_not_answer_is_a_finding_and_left_alone_for_a_while(
    sandbox: RunningSandbox, impatient: None
) -> None:
    sandbox.faults.add(status=500)
    report.refresh()
    assert of(report.reports()[-1].findings, "stripe").level is Level.PROBLEM
    sandbox.clear_requests()
    report.refresh()
    assert sandbox.requests() == []
    HealthReport.objects.update(checked_at=timezone.now() - timedelta(minutes=6))
    sandbox.faults.clear()
    report.refresh()
    assert HealthReport.objects.get(name="stripe").findings[0]["level"] == "ok"


def test_refused_key_is_a_finding_without_the_key(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_live_" + "wrong" * 3
    report.check_everything()
    stored = str(list(HealthReport.objects.values_list("findings", flat=True)))
    assert "does not accept our API key" in stored
    assert "sk_live" not in stored


def test_summary_counts_and_a_report_that_nobody_renews_is_a_problem() -> None:
    now = timezone.now()
    warn = Finding(code="a", level=Level.WARNING, what="w")
    fresh = report.Report(report.LOCAL, now, [warn, Finding(code="b", level=Level.OK, what="o")])
    assert report.summed([fresh], now=now) == report.Summary(0, 1)
    assert report.summed([fresh], now=now + timedelta(minutes=3)) == report.Summary(1, 1)
    assert report.summed([], now=now).level is Level.PROBLEM


@pytest.mark.parametrize(("level", "status"), [("ok", 200), ("warning", 200), ("problem", 503)])
def test_healthz_of_the_mirror_says_only_ok_or_not(client: Client, level: str, status: int) -> None:
    report.store(report.LOCAL, [Finding(code="x", level=Level(level), what="secret words")])
    answer = client.get("/healthz/mirror")
    assert (answer.status_code, answer.json()) == (status, {"ok": status == 200})
    assert client.get("/healthz").status_code == 200
