"""Fixtures that every step's tests share."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from django.test import Client, TransactionTestCase
from django.utils import timezone
from playwright.sync_api import Browser, Page
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from stripe_mirror.inbox import events as inbox_events
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Refresh
from stripe_mirror.pull.changes import differences
from stripe_mirror.pull.refresh import refresh_due
from stripe_mirror.stripe_api import client as stripe_client
from tests.chromium import running_chromium, seen
from tests.emptying import emptier
from tests.migrated import Migrated
from tests.sandbox.seeded import seeded
from tests.sandbox.testing import API_KEY, RunningSandbox

SECRET = "whsec_" + "test"
# Files that take longest for their number of tests: first, so that no worker has one of them left at the end.
LONGEST = (
    "browser/test_circle.py",
    "browser/test_every_page.py",
    "converge/test_convergence.py",
    "management/test_demo.py",
    "admin/test_live_browser.py",
    "pull/test_reconcile.py",
    "pull/test_backfill.py",
    "admin/test_pages.py",
    "admin/test_pages_browser.py",
    "inbox/test_concurrency.py",
    "admin/test_roles.py",
    "inbox/test_many_processes.py",
    "management/test_sync.py",
    "models/test_adding_columns.py",
    "management/test_reconcile.py",
    "inbox/test_processing.py",
    "pull/test_catch_up.py",
    "pull/test_listing.py",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What `make test` leaves to `make test-long` is said, not skipped silently."""
    if config.option.markexpr == "not long":
        terminalreporter.write_line("Tests that wait for real processes and browsers were left out: make test-long")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failing test of a page says what the page said."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and isinstance(page, Page):
        report.sections.append(("page", seen(page)))
    return report


@pytest.fixture(scope="session")
def django_db_keepdb() -> bool:
    """Django finds the copy of `migrated` rather than making the test database anew."""
    return True


@pytest.fixture(scope="session")
def migrated_copy(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[Migrated]:
    """The test database as a copy of one that was migrated before, until the tests are over."""
    with django_db_blocker.unblock():
        copy = Migrated()
        yield copy
        copy.drop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(migrated_copy: Migrated) -> None:
    """Before Django sets the test database up."""


@pytest.fixture(scope="session")
def django_db_setup(
    migrated_copy: Migrated, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """The test database, emptied quickly after each test that commits."""
    with django_db_blocker.unblock():
        migrated_copy.ready()
        empty = emptier()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser, or a skipped test that says why."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def sandbox(settings: Settings) -> Iterator[RunningSandbox]:
    """An empty stand-in for Stripe on a port of its own, which the settings point to."""
    with RunningSandbox() as running:
        settings.STRIPE_API_BASE = running.url
        settings.STRIPE_SECRET_KEY = API_KEY
        yield running


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failing reads are tried again at once instead of after seconds."""
    monkeypatch.setattr(stripe_client, "PATIENCE", (0, 0))


@pytest.fixture(autouse=True)
def no_bursts(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to be read from Stripe is due at once, not when the second of its event is surely over."""
    monkeypatch.setattr(inbox_events, "BURST", timedelta(0))


def signed(payload: bytes, *, secret: str = SECRET, timestamp: int | None = None) -> str:
    """The header with which Stripe would send this body."""
    text = payload.decode(errors="replace")
    return str(stripe.WebhookSignature.generate_signature_header(text, secret, timestamp=timestamp))


def post_event(client: Client, event: dict[str, Any] | bytes, **headers: str) -> Any:
    """Deliver an event to the receiver as Stripe does."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers.setdefault("Stripe-Signature", signed(body))
    return client.post("/stripe-webhooks/", data=body, content_type="application/json", headers=headers)


def events_of(sandbox: RunningSandbox, object_id: str = "") -> list[dict[str, Any]]:
    """The sandbox's events, oldest first (as they happened), of one object or of all."""
    events = list(sandbox.sandbox.table("event").rows.values())
    return [e for e in events if not object_id or e["data"]["object"].get("id") == object_id]


@pytest.fixture
def company(sandbox: RunningSandbox) -> RunningSandbox:
    """A small believable company on the Stripe side."""
    seeded(sandbox.sandbox, customers=60)
    return sandbox


def read_what_is_due() -> None:
    """What changes implied, as the worker reads it a little later."""
    Refresh.objects.update(due_at=timezone.now())
    while refresh_due():
        pass


def differing(sandbox: RunningSandbox) -> dict[str, Any]:
    """Where mirror and Stripe differ: id → what is wrong; empty where they are equal."""
    found: dict[str, Any] = {}
    # Only an event tells of a price that was made inside a Checkout session: it is in no list and in no object.
    untold = {item["price"]["id"] for item in sandbox.objects("item")}
    for kind in all_kinds():
        truth = {row["id"]: own(row) for row in sandbox.objects(kind.object) if not row.get("deleted")}
        held = {row.pk: own(row.data) for row in kind.model._default_manager.filter(deleted_at=None)}
        found |= dict.fromkeys(held.keys() - truth.keys(), "not deleted here")
        found |= dict.fromkeys(truth.keys() - held.keys() - untold, "missing here")
        found |= {id: differences(held[id], truth[id]) for id in held.keys() & truth.keys() if held[id] != truth[id]}
    return found


def own(obj: dict[str, Any]) -> dict[str, Any]:
    """The object with ids for the prices inside it.

    Stripe tells of a changed price by `price.updated` only: its copy inside a subscription is as old as that one's
    last event.
    """
    items = obj.get("items")
    if isinstance(items, dict):
        return {**obj, "items": {**items, "data": [own(item) for item in items["data"]]}}
    if obj.get("object") == "subscription_item":
        return {**obj, "price": obj["price"]["id"], "plan": None}
    return obj
