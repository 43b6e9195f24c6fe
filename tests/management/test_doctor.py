"""`stripe_doctor`: every check at once, for people and for machines."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from stripe_mirror.inbox import endpoints
from stripe_mirror.inbox.heartbeat import beating
from stripe_mirror.models import InboxEvent, SyncRun
from stripe_mirror.pull.catch_up import catch_up
from stripe_mirror.tasks import ensure_periodic, store_listed
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def doctor(*arguments: str) -> tuple[int, str]:
    """The exit code and what was printed."""
    out = StringIO()
    try:
        call_command("stripe_doctor", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_all_is_well_where_all_is_well(sandbox: RunningSandbox) -> None:
    endpoints.create_endpoint("https://office.example.com/stripe-webhooks/")
    catch_up(store_listed)
    ensure_periodic()
    with beating("w1"):
        code, said = doctor()
    assert (code, said.count("WARNING"), said.count("PROBLEM")) == (0, 0, 0), said
    assert "ok       Stripe answers." in said


def test_warning_ends_with_1_and_a_problem_with_2_and_comes_first(sandbox: RunningSandbox) -> None:
    endpoints.create_endpoint("https://office.example.com/stripe-webhooks/")
    catch_up(store_listed)
    ensure_periodic()
    SyncRun.objects.create(command="backfill", object_type="price", state="failed", message="429")
    with beating("w1"):
        assert doctor()[0] == 1
        now = timezone.now()
        InboxEvent.objects.create(
            id="evt_1", type="x", livemode=False, created=now, received_at=now, payload={}, state="failed"
        )
        code, said = doctor()
    assert code == 2
    assert said.startswith("PROBLEM  1 event given up")
    assert said.index("PROBLEM") < said.index("WARNING") < said.index("ok     ")


def test_json_is_the_same_for_machines(sandbox: RunningSandbox) -> None:
    code, said = doctor("--json")
    found = json.loads(said)
    assert code == 2
    assert {"code", "level", "what", "do", "since"} == set(found[0])
    assert {each["code"] for each in found} >= {"workers", "endpoint", "clock", "permissions", "account", "gap"}


def test_stripe_that_is_down_hides_no_other_finding(sandbox: RunningSandbox, impatient: None) -> None:
    sandbox.faults.add(status=500)
    code, said = doctor()
    assert code == 2
    assert "Stripe could not be asked" in said
    assert "No worker is at work" in said


def test_database_that_is_away_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import connection

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise OperationalError("password of 10.0.0.1 is wrong")

    monkeypatch.setattr(connection, "cursor", refuse)
    code, said = doctor()
    assert code == 2
    assert "The database can't be used (OperationalError)" in said
    assert "10.0.0.1" not in said


def test_s61_no_key_and_no_secret_is_printed(sandbox: RunningSandbox, settings: Settings) -> None:
    for key in ("rk_" + "test_sandbox_noread_coupons", "sk_" + "live_" + "0" * 20):
        settings.STRIPE_SECRET_KEY = key
        for said in (doctor()[1], doctor("--json")[1]):
            for secret in ("sk_test", "sk_live", "rk_test", "whsec_"):
                assert secret not in said
