"""`stripe_sync` and `stripe_catch_up` as an operator meets them."""

from __future__ import annotations

import signal
import subprocess
import sys
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from stripe_mirror.models import Customer, MirroredAccount, Product, SyncRun
from stripe_mirror.pull.listing import TEST_CLOCKS
from stripe_mirror.pull.rows import UNKNOWN_ACCOUNT
from tests.conftest import differing
from tests.pull.test_backfill import environment, many
from tests.sandbox.testing import ROOT, RunningSandbox, wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, **options: Any) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output, **options)
    return output.getvalue()


def test_sync_brings_everything_and_says_how_much(company: RunningSandbox) -> None:
    output = run("stripe_sync")
    assert differing(company) == {}
    assert "customer" in output and "invoice" in output
    assert "new or changed" in output
    assert MirroredAccount.objects.get().pk == company.sandbox.account_id
    assert Customer.objects.first().account == company.sandbox.account_id
    assert " 0 of them new or changed" in run("stripe_sync", "--workers", "3")


def test_sync_of_named_kinds_leaves_the_others_alone(company: RunningSandbox) -> None:
    run("stripe_sync", "product", "price")
    assert Product.objects.exists()
    assert not Customer.objects.exists()


def test_failed_kinds_are_named_with_what_to_do_and_the_exit_code_is_one(
    company: RunningSandbox, impatient: None
) -> None:
    """S12"""
    for path in ("/v1/invoices", "/v1/charges"):
        company.faults.add(status=429, path=path)
    with pytest.raises(CommandError, match=r"manage\.py stripe_sync discount invoice charge") as failure:
        run("stripe_sync")
    assert failure.value.returncode == 1
    assert "limiting our requests" in str(failure.value)
    company.faults.clear()
    company.clear_requests()
    assert "Going on with the backfill" in run("stripe_sync")
    read = {request["path"] for request in company.requests("GET")} - {"/v1/account", TEST_CLOCKS}
    assert {path for path in read if not path.endswith("/lines")} == {"/v1/invoices", "/v1/charges"}
    assert differing(company) == {}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["unicorn"], "Not a mirrored kind: unicorn. There are: balance_transaction, charge"),
        (["--since", "yesterday"], "write it like 2026-01-31"),
        (["--since", "0001-01-01T00:00+14:00"], "write it like 2026-01-31"),
        (["--since", "1969-12-31"], "before 1970"),
        (["--workers", "0"], "no number from 1 to 16"),
    ],
)
def test_odd_arguments_are_refused_with_a_sentence(
    sandbox: RunningSandbox, arguments: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence):
        run("stripe_sync", *arguments)
    assert sandbox.requests() == []


def test_database_of_another_account_is_refused(sandbox: RunningSandbox) -> None:
    MirroredAccount.objects.create(pk="acct_other", livemode=False)
    sandbox.post("/v1/customers", name="Ada")
    with pytest.raises(CommandError, match="mirrors the account acct_other"):
        run("stripe_sync")
    assert not Customer.objects.exists()


def test_database_of_the_other_mode_is_refused(sandbox: RunningSandbox) -> None:
    MirroredAccount.objects.create(pk=sandbox.sandbox.account_id, livemode=True)
    with pytest.raises(CommandError, match="STRIPE_SECRET_KEY is a test key"):
        run("stripe_sync")


def test_restricted_key_without_the_right_to_read_the_account_syncs_nevertheless(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    sandbox.faults.add(status=403, path="/v1/account")
    assert "may not read the account" in run("stripe_sync", "customer")
    assert MirroredAccount.objects.get().pk == UNKNOWN_ACCOUNT
    assert Customer.objects.get().account == ""
    sandbox.faults.clear()
    run("stripe_sync", "customer")
    assert MirroredAccount.objects.get().pk == sandbox.sandbox.account_id


def test_refused_key_is_said_without_the_key(sandbox: RunningSandbox, settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_wrong"
    sandbox.faults.add(status=401)
    with pytest.raises(CommandError, match="Check STRIPE_SECRET_KEY") as failure:
        run("stripe_sync")
    assert "wrong" not in str(failure.value)


def test_catch_up_reports_what_it_found(sandbox: RunningSandbox, impatient: None) -> None:
    sandbox.post("/v1/customers", name="Ada")
    assert "1 events listed" in run("stripe_catch_up")
    assert differing(sandbox) == {}
    sandbox.faults.add(status=500, path="/v1/events")
    with pytest.raises(CommandError, match="repeated next time"):
        run("stripe_catch_up")


STOPPED = """
import signal
import django
django.setup()
# As in a terminal: a shell lets what it runs in the background ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
from django.core.management import call_command, CommandError
try:
    call_command("stripe_sync", "customer")
except CommandError as error:
    print(error)
    raise SystemExit(error.returncode)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_it_stores_what_is_at_hand_and_says_how_to_go_on(sandbox: RunningSandbox, number: int) -> None:
    many(sandbox, 1500, apart=60)
    # Slow enough that it isn't done when it is stopped, however busy the machine is.
    sandbox.faults.add(latency_ms=1500, path="/v1/customers", skip=2)
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED], env=environment(sandbox), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    wait_for(Customer.objects.exists, 60, "nothing was stored")
    process.send_signal(number)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    assert "Go on where it was with: manage.py stripe_sync" in said
    assert SyncRun.objects.get().state == SyncRun.State.PAUSED
    assert 0 < Customer.objects.count() < 1500
    sandbox.faults.clear()
    assert "Going on with the backfill" in run("stripe_sync", "customer")
    assert Customer.objects.count() == 1500


def test_restart_begins_anew(company: RunningSandbox, impatient: None) -> None:
    company.faults.add(status=429, path="^/v1/charges$")
    with pytest.raises(CommandError):
        run("stripe_sync", "charge", "product")
    company.faults.clear()
    company.clear_requests()
    assert "Going on" not in run("stripe_sync", "charge", "product", "--restart")
    assert company.requests("GET", "/v1/products") and company.requests("GET", "/v1/charges")
    states = SyncRun.objects.filter(object_type="charge").order_by("pk").values_list("state", flat=True)
    assert list(states) == [SyncRun.State.DROPPED, SyncRun.State.DONE]
