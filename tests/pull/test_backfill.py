"""Backfill: whole kinds from the sandbox into rows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.backends import signals
from django.utils import timezone
from pytest_django import Settings

from stripe_mirror.kinds import Kind, all_kinds, get_kind
from stripe_mirror.models import (
    Change,
    Charge,
    Confirmation,
    Customer,
    CustomerBalanceTransaction,
    Invoice,
    Price,
    Refund,
    Subscription,
    SubscriptionItem,
    SyncPart,
    SyncRun,
)
from stripe_mirror.pull import backfill_parts as module
from stripe_mirror.pull import backfill_runs as runs
from stripe_mirror.pull.apply import Origin, apply_state
from stripe_mirror.pull.backfill import backfill, listed_kinds, work
from stripe_mirror.pull.listing import TEST_CLOCKS
from tests.conftest import differing
from tests.sandbox.testing import API_KEY, ROOT, RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

State = SyncRun.State


def test_backfill_of_all_kinds_makes_the_mirror_equal_to_stripe(company: RunningSandbox) -> None:
    runs = backfill(listed_kinds(), workers=2)
    assert {run.state for run in runs} == {State.DONE}, [run.message for run in runs]
    assert differing(company) == {}
    assert all(run.finished_at and run.pages for run in runs)
    assert sum(run.seen for run in runs) >= Customer.objects.count() + Invoice.objects.count()


def test_first_backfill_writes_no_history(company: RunningSandbox) -> None:
    backfill(listed_kinds(["customer"]))
    assert not Change.objects.exists()


def test_second_backfill_changes_only_what_differs(company: RunningSandbox) -> None:
    backfill(listed_kinds())
    before = {row.pk: (row.version, row.changed_at) for row in Customer.objects.all()}
    changed, other = [row["id"] for row in company.objects("customer") if not row.get("deleted")][:2]
    company.post(f"/v1/customers/{changed}", name="Other", metadata={"k": "v"})
    runs = backfill(listed_kinds())
    assert sum(run.changed for run in runs) == 1
    assert differing(company) == {}
    row = Customer.objects.get(pk=changed)
    assert (row.name, row.version) == ("Other", 2)
    assert (Customer.objects.get(pk=other).version, Customer.objects.get(pk=other).changed_at) == before[other]
    change = Change.objects.get()
    assert (change.object_id, change.source, change.version) == (changed, Change.Source.SYNC, 2)
    assert change.fields["name"][1] == "Other"
    assert change.fields["metadata.k"] == [None, "v"]


def test_unchanged_rows_are_known_to_be_current_without_being_written(company: RunningSandbox) -> None:
    """Or an older event would pass later: one confirmation says so for all of them."""
    backfill(listed_kinds(["customer"]))
    first = Confirmation.objects.get()
    held = list(Customer.objects.order_by("pk").values_list("pk", "as_of", "read_until", "synced_at", "version"))
    company.advance(100)
    backfill(listed_kinds(["customer"]))
    second = Confirmation.objects.get()
    assert second.as_of > first.as_of
    assert (second.object_type, second.created_from, second.created_to) == ("customer", None, None)
    assert second.as_of <= second.read_until
    assert held == list(
        Customer.objects.order_by("pk").values_list("pk", "as_of", "read_until", "synced_at", "version")
    )


def test_cancelled_subscriptions_are_listed(sandbox: RunningSandbox) -> None:
    """S21: 10 of 30 are cancelled."""
    price = priced(sandbox)
    for number in range(30):
        made = subscribed(sandbox, price)
        if number < 10:
            sandbox.delete(f"/v1/subscriptions/{made['id']}")
    backfill(listed_kinds(["subscription"]))
    assert Subscription.objects.count() == 30
    assert Subscription.objects.filter(status="canceled").count() == 10


def priced(sandbox: RunningSandbox, amount: int = 900) -> str:
    product = sandbox.post("/v1/products", name="Thing")
    monthly = {"interval": "month"}
    price = sandbox.post("/v1/prices", product=product["id"], currency="usd", unit_amount=amount, recurring=monthly)
    return str(price["id"])


def subscribed(sandbox: RunningSandbox, *prices: str) -> dict[str, Any]:
    buyer = sandbox.post("/v1/customers", name="Buyer")
    return sandbox.post(
        "/v1/subscriptions",
        customer=buyer["id"],
        items=[{"price": price} for price in prices],
        collection_method="send_invoice",
        days_until_due=30,
    )


def test_all_items_of_a_long_subscription_and_all_refunds_of_a_charge_are_stored(sandbox: RunningSandbox) -> None:
    """S25: lists that Stripe cuts off inside an object are completed."""
    made = subscribed(sandbox, *[priced(sandbox, 100 + n) for n in range(20)])
    for n in range(5):
        sandbox.post("/v1/subscription_items", subscription=made["id"], price=priced(sandbox, 500 + n))
    method = sandbox.post("/v1/payment_methods", type="card", card={"token": "tok_visa"})
    intent = sandbox.post(
        "/v1/payment_intents",
        amount=5000,
        currency="usd",
        payment_method=method["id"],
        confirm=True,
        return_url="https://example.com",
    )
    for _ in range(12):
        sandbox.post("/v1/refunds", payment_intent=intent["id"], amount=100)
    backfill(listed_kinds())
    assert SubscriptionItem.objects.filter(subscription=made["id"]).count() == 25
    assert Refund.objects.filter(charge=Charge.objects.get()).count() == 12
    assert differing(sandbox) == {}


def test_item_that_left_while_nobody_listened_becomes_a_tombstone(sandbox: RunningSandbox) -> None:
    made = subscribed(sandbox, priced(sandbox, 1), priced(sandbox, 2))
    backfill(listed_kinds())
    left = made["items"]["data"][0]["id"]
    sandbox.delete(f"/v1/subscription_items/{left}")
    backfill(listed_kinds(["subscription"]))
    assert SubscriptionItem.objects.get(pk=left).deleted_at is not None
    assert SubscriptionItem.objects.filter(deleted_at=None).count() == 1


def test_archived_prices_are_listed(sandbox: RunningSandbox) -> None:
    kept, archived = priced(sandbox), priced(sandbox)
    sandbox.post(f"/v1/prices/{archived}", active=False)
    backfill(listed_kinds(["price"]))
    assert {row.pk: row.active for row in Price.objects.all()} == {kept: True, archived: False}


def test_kind_that_comes_with_its_parent_is_listed_through_it() -> None:
    assert [kind.object for kind in listed_kinds(["subscription_item", "subscription", "price"])] == [
        "subscription",
        "price",
    ]
    assert "subscription_item" not in [kind.object for kind in listed_kinds()]
    assert {kind.object for kind in all_kinds()} - {kind.object for kind in listed_kinds()} == {
        "subscription_item",
        "line_item",
        "credit_note_line_item",
    }


def test_failed_kind_is_recorded_and_the_others_go_on(company: RunningSandbox, impatient: None) -> None:
    """S12"""
    company.faults.add(status=429, path="^/v1/invoices$")
    runs = {run.object_type: run for run in backfill(listed_kinds(), workers=2)}
    # Discounts are found inside subscriptions and invoices.
    refused = {"invoice", "discount"}
    assert {runs[name].state for name in refused} == {State.FAILED}
    assert "limiting our requests" in runs["invoice"].message
    assert {run.state for name, run in runs.items() if name not in refused} == {State.DONE}
    assert Customer.objects.exists()
    company.faults.clear()
    assert [run.state for run in backfill(listed_kinds(["invoice"]))] == [State.DONE]
    assert differing(company) == {}


def test_interrupted_backfill_keeps_its_pages_and_goes_on_after_them(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S13: no row twice, none missing."""
    for n in range(250):
        sandbox.post("/v1/customers", name=str(n))
    pages: list[int] = []

    def killed(*args: Any, **kwargs: Any) -> Any:
        pages.append(1)
        if len(pages) == 2:
            raise KeyboardInterrupt
        return apply_page(*args, **kwargs)

    apply_page: Callable[..., Any] = module.apply_page
    group = runs.start([get_kind("customer")])
    with monkeypatch.context() as patch:
        patch.setattr(module, "apply_page", killed)
        with pytest.raises(KeyboardInterrupt):
            work(group)
    assert Customer.objects.count() == 100
    sandbox.clear_requests()
    assert not work(group)
    assert SyncRun.objects.get().state == State.DONE
    assert SyncRun.objects.get().seen == 250
    assert Customer.objects.count() == 250
    assert differing(sandbox) == {}
    assert "starting_after" in sandbox.requests("GET", "/v1/customers")[0]["params"]


def test_only_objects_since_a_date_are_listed(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="old")
    sandbox.advance(86400)
    new = sandbox.post("/v1/customers", name="new")
    since = datetime.fromtimestamp(new["created"], timezone.get_current_timezone())
    [run] = backfill([get_kind("customer")], since=since)
    assert (run.seen, Customer.objects.get().name) == (1, "new")


def test_event_that_arrives_during_a_backfill_is_not_overwritten(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page was read before the change, and comes to be stored after the change's own event."""
    made = sandbox.post("/v1/customers", name="old")
    real: Callable[..., Any] = module.apply_page

    def overtaken(*args: Any, **kwargs: Any) -> Any:
        sandbox.advance(3)
        newer = sandbox.post(f"/v1/customers/{made['id']}", name="new")
        at = datetime.fromtimestamp(sandbox.sandbox.now(), timezone.get_current_timezone())
        apply_state(get_kind("customer"), newer, as_of=at, read_until=None, origin=Origin(Change.Source.API))
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "apply_page", overtaken)
    backfill([get_kind("customer")])
    assert Customer.objects.get().name == "new"


def test_characters_that_postgresql_refuses_do_not_fail_a_page(sandbox: RunningSandbox) -> None:
    for name in ("plain", "emoji \U0001f600", "a backslash \\u0000"):
        sandbox.post("/v1/customers", name=name)
    rows = sandbox.sandbox.table("customer").rows
    rows[next(iter(rows))]["name"] = "nul \0 and half \ud83d"
    assert backfill([get_kind("customer")])[0].state == State.DONE
    assert {row.name: row.nul_replaced for row in Customer.objects.all()} == {
        "nul \ufffd and half \ufffd": True,
        "emoji \U0001f600": False,
        "a backslash \\u0000": False,
    }


def many(sandbox: RunningSandbox, count: int, *, apart: int = 0) -> None:
    """So many customers, some seconds apart, without a call each."""
    table, first = sandbox.sandbox.table("customer"), sandbox.post("/v1/customers", name="0")
    for n in range(1, count):
        created = first["created"] - n * apart
        table.insert({**table.rows[first["id"]], "id": f"cus_{n:06}", "name": str(n), "created": created})


KILLED = """
import os, sys, threading, time
import django
django.setup()
from stripe_mirror.models import SyncPart
from django.core.management import call_command

def watch():
    # After so many stored pages, in the midst of whatever the other threads do.
    while sum(SyncPart.objects.values_list("pages", flat=True)) < int(sys.argv[1]):
        time.sleep(0.002)
    os.kill(os.getpid(), 9)

threading.Thread(target=watch).start()
call_command("stripe_sync", "customer", "--workers", "2")
"""


@pytest.mark.parametrize("pages", [1, 7])
def test_a_killed_process_is_continued_where_it_was(
    sandbox: RunningSandbox, settings: Settings, pages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S13: SIGKILL, then the command again; no row twice, none missing, and what was read is not read again."""
    many(sandbox, 1500, apart=60)
    sandbox.faults.add(latency_ms=30, path="/v1/customers")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(pages)], env=environment(sandbox), cwd=ROOT, check=False)
    assert killed.returncode == -9
    stored = Customer.objects.count()
    assert 50 * pages <= stored < 1500
    finished = SyncPart.objects.filter(state="done").count()
    # The dead process's lease runs out.
    SyncPart.objects.filter(state="open").update(lease_until=timezone.now())
    sandbox.faults.clear()
    sandbox.clear_requests()
    output = StringIO()
    call_command("stripe_sync", "customer", stdout=output)
    assert "Going on with the backfill" in output.getvalue()
    assert Customer.objects.count() == 1500
    assert SyncRun.objects.get().state == State.DONE
    # A window's seconds at both ends come twice, and a page that was stored just before the end of the process.
    assert 1500 <= SyncRun.objects.get().seen <= 1520
    # Each window's last page isn't full, and one that is empty is looked at twice.
    windows = SyncPart.objects.count() - finished
    assert len(sandbox.requests("GET", "/v1/customers")) <= (1500 - stored) / 100 + 2 * windows
    assert differing(sandbox) == {}


def environment(sandbox: RunningSandbox) -> dict[str, str]:
    """Of another process over this test's database."""
    name = connection.settings_dict["NAME"]
    server = os.environ.get("TEST_DATABASE_URL", "")
    url = urlsplit(server)._replace(path=f"/{name}").geturl() if server else f"sqlite:///{name}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "DATABASE_URL": url,
        "SECRET_KEY": "only-for-this-test-" + "0123456789" * 5,
        "STRIPE_API_BASE": sandbox.url,
        "STRIPE_SECRET_KEY": API_KEY,
        "STRIPE_MAX_REQUESTS_PER_SECOND": "5000",
    }


def test_a_cursor_whose_object_was_deleted_meanwhile_loses_nothing(sandbox: RunningSandbox) -> None:
    """S13: Stripe answers 400 to it; the window is narrowed to what was not seen yet."""
    many(sandbox, 250, apart=5)
    group = runs.start([get_kind("customer")])
    [run] = runs.plannable(group)
    runs.plan(run)
    page = sandbox.get("/v1/customers", limit=100)["data"]
    sandbox.delete(f"/v1/customers/{page[-1]['id']}")
    SyncPart.objects.filter(path="/v1/customers", params={}).update(
        cursor=page[-1]["id"], oldest=page[-1]["created"], pages=1, seen=100
    )
    assert not work(group)
    assert SyncRun.objects.get().state == State.DONE
    assert Customer.objects.count() == 150
    narrowed = [request["params"] for request in sandbox.requests("GET", "/v1/customers")][-1]
    assert "created" in str(narrowed)


@pytest.mark.parametrize("fault", [{"keep": 0, "has_more": True}, {"keep": 0, "has_more": False}, {"has_more": False}])
def test_a_page_that_ends_the_list_too_early_is_looked_at_again(sandbox: RunningSandbox, fault: dict[str, Any]) -> None:
    many(sandbox, 450, apart=5)
    sandbox.faults.add(path="/v1/customers", skip=2, times=1, **fault)
    backfill([get_kind("customer")], workers=1)
    assert Customer.objects.count() == 450


def test_an_empty_first_page_is_doubted_where_the_mirror_holds_objects(sandbox: RunningSandbox) -> None:
    many(sandbox, 3, apart=5)
    backfill([get_kind("customer")])
    sandbox.post("/v1/customers/cus_000001", name="new")
    sandbox.faults.add(path="/v1/customers", times=1, keep=0, has_more=False)
    backfill([get_kind("customer")])
    assert Customer.objects.get(pk="cus_000001").name == "new"


def test_windows_are_read_side_by_side_once_there_is_much(sandbox: RunningSandbox) -> None:
    many(sandbox, 2500, apart=600)
    sandbox.faults.add(latency_ms=20, path="/v1/customers")
    backfill([get_kind("customer")], workers=4)
    assert Customer.objects.count() == 2500
    assert SyncPart.objects.filter(params={}).count() > 2
    assert len(sandbox.requests("GET", "/v1/customers")) < 25 + 3 * SyncPart.objects.count()
    assert Confirmation.objects.count() <= 1


def test_a_small_account_costs_one_call_a_list(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    backfill(listed_kinds())
    asked = Counter((request["path"], str(request["params"])) for request in sandbox.requests("GET"))
    lists = {key: count for key, count in asked.items() if key[0] != TEST_CLOCKS}
    assert max(lists.values()) == 1


def test_a_repeat_over_unchanged_data_writes_nothing_to_mirrored_tables(
    company: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfill(listed_kinds())
    before = {kind.object: physical(kind) for kind in all_kinds()}
    written: list[str] = []

    def watched(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        written.extend(
            table for table in TABLES if f'"{table}"' in sql and sql.lstrip().startswith(("INSERT", "UPDATE"))
        )
        return execute(sql, params, many, context)

    connected: Callable[..., Any] = signals.connection_created.connect
    watch = [lambda sender, connection, **_: connection.execute_wrappers.append(watched)]
    connected(watch[0])
    try:
        runs_again = backfill(listed_kinds())
    finally:
        signals.connection_created.disconnect(watch[0])
    assert {run.state for run in runs_again} == {State.DONE}
    assert sum(run.seen for run in runs_again) > 500 and sum(run.changed for run in runs_again) == 0
    assert written == []
    assert {kind.object: physical(kind) for kind in all_kinds()} == before


TABLES = [kind.model._meta.db_table for kind in all_kinds()] if apps.ready else []


def physical(kind: Kind) -> list[Any]:
    """Where each row lies and which transaction wrote or locked it last (PostgreSQL); its own columns (SQLite)."""
    own = "ctid::text, xmin::text, xmax::text" if connection.vendor == "postgresql" else "as_of, synced_at, version"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {own} FROM {kind.model._meta.db_table} ORDER BY id")
        return list(cursor.fetchall())


def test_what_hangs_on_a_kind_that_failed_is_read_when_that_one_is_resumed(
    company: RunningSandbox, impatient: None
) -> None:
    """Below customers stand balance transactions; invoices and subscriptions name prices that no list shows."""
    customer = company.post("/v1/customers", name="Ada")["id"]
    given = company.post(f"/v1/customers/{customer}/balance_transactions", amount=-500, currency="eur")["id"]
    product = company.post("/v1/products", name="Setup")["id"]
    price_data = {"currency": "eur", "product": product, "unit_amount": 900}
    company.post("/v1/invoiceitems", customer=customer, price_data=price_data)
    company.faults.add(status=429, path="^/v1/(customers|subscriptions|invoices|invoiceitems)$")
    group = backfill(listed_kinds())[0].group
    assert group is not None
    below = SyncRun.objects.get(object_type="customer_balance_transaction")
    assert (below.state, "below each customer" in below.message) == (State.FAILED, True)
    assert differing(company)
    company.faults.clear()
    runs.resume(group, only_failed=True)
    assert not work(group)
    assert set(runs.runs_of(group).values_list("state", flat=True)) == {State.DONE}
    assert CustomerBalanceTransaction.objects.filter(pk=given).exists()
    assert differing(company) == {}
