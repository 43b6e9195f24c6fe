"""`stripe_sync` and `stripe_catch_up` as an operator meets them."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from stripe_mirror.models import Customer, MirroredAccount, Product
from stripe_mirror.pull.rows import UNKNOWN_ACCOUNT
from tests.conftest import differing
from tests.sandbox.testing import RunningSandbox

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
    with pytest.raises(CommandError, match=r"manage\.py stripe_sync invoice charge") as failure:
        run("stripe_sync")
    assert failure.value.returncode == 1
    assert "limiting our requests" in str(failure.value)
    company.faults.clear()
    run("stripe_sync", "invoice", "charge")
    assert differing(company) == {}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["unicorn"], "Not a mirrored kind: unicorn. There are: charge"),
        (["--since", "yesterday"], "write it like 2026-01-31"),
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
