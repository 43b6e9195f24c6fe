"""Events and changes are kept as long as configured, in month partitions on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from stripe_mirror.inbox.retention import maintain
from stripe_mirror.models import Change, InboxEvent, partitions
from stripe_mirror.tasks import keep_tables
from tests.conftest import post_event
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ON_POSTGRESQL = "only PostgreSQL has partitions"
State = InboxEvent.State


@pytest.fixture
def postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip(ON_POSTGRESQL)


def event(id: str, *, days: int, state: State = State.APPLIED) -> InboxEvent:
    """A stored event of so many days ago."""
    moment = NOW - timedelta(days=days)
    payload: dict[str, Any] = {"id": id, "data": {"object": {}}}
    return InboxEvent.objects.create(
        id=id, type="customer.updated", livemode=False, created=moment, received_at=moment, payload=payload, state=state
    )


def changed(*, days: int) -> Change:
    """A recorded change of so many days ago."""
    moment = NOW - timedelta(days=days)
    return Change.objects.create(
        object_type="customer", object_id="cus_1", action="updated", version=2, happened_at=moment, recorded_at=moment
    )


def kept_events() -> set[str]:
    return set(InboxEvent.objects.values_list("pk", flat=True))


def test_old_settled_events_go_and_the_others_stay(settings: Settings) -> None:
    settings.EVENTS_KEPT_DAYS = 90
    event("evt_old", days=200)
    event("evt_failed", days=200, state=State.FAILED)
    event("evt_waiting", days=200, state=State.WAITING)
    event("evt_new", days=3)
    maintain(NOW)
    assert kept_events() == {"evt_failed", "evt_waiting", "evt_new"}


def test_changes_are_kept_for_ever_unless_configured(settings: Settings) -> None:
    old, new = changed(days=400), changed(days=4)
    maintain(NOW)
    assert set(Change.objects.all()) == {old, new}
    settings.CHANGES_KEPT_DAYS = 365
    maintain(NOW)
    assert set(Change.objects.all()) == {new}


def test_zero_days_keep_everything(settings: Settings) -> None:
    settings.EVENTS_KEPT_DAYS = 0
    event("evt_old", days=4000)
    maintain(NOW)
    assert kept_events() == {"evt_old"}


def test_a_second_run_finds_nothing_to_do(settings: Settings) -> None:
    settings.EVENTS_KEPT_DAYS = 90
    event("evt_old", days=200)
    maintain(NOW)
    assert all(not (done.made or done.dropped or done.deleted) for done in maintain(NOW))


def test_command_says_what_it_did(settings: Settings) -> None:
    event("evt_old", days=4000)
    out = StringIO()
    call_command("stripe_retention", stdout=out)
    assert "Events (kept for 90 days): " in out.getvalue()
    assert "Changes (kept for ever): " in out.getvalue()


def test_worker_does_it_daily() -> None:
    event("evt_old", days=4000)
    keep_tables.func()
    assert not kept_events()


def test_tables_are_partitioned_from_the_start(postgresql: None) -> None:
    assert partitions.partitioned(InboxEvent) and partitions.partitioned(Change)
    assert len(partitions.partitions(InboxEvent)) >= 1 + partitions.AHEAD


def test_whole_old_months_are_dropped(postgresql: None, settings: Settings) -> None:
    settings.EVENTS_KEPT_DAYS = 90
    event("evt_old", days=200)
    partitions.make_partitions(InboxEvent, "created", now=NOW, since=NOW - timedelta(days=210))
    done = maintain(NOW)[0]
    assert "stripe_mirror_inboxevent_2026_05" in done.dropped and not done.held_up
    assert not kept_events()


def test_month_with_an_unsettled_event_stays_without_the_settled_ones(postgresql: None, settings: Settings) -> None:
    settings.EVENTS_KEPT_DAYS = 90
    event("evt_old", days=200)
    event("evt_failed", days=200, state=State.FAILED)
    partitions.make_partitions(InboxEvent, "created", now=NOW, since=NOW - timedelta(days=210))
    done = maintain(NOW)[0]
    assert done.held_up == ("stripe_mirror_inboxevent_2026_05",)
    assert kept_events() == {"evt_failed"}


def test_rows_of_a_month_without_partition_move_into_it(postgresql: None) -> None:
    event("evt_far", days=4000)
    month = partitions.month_of(NOW - timedelta(days=4000))
    partitions.make_partitions(InboxEvent, "created", now=month, since=month)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM stripe_mirror_inboxevent_{month:%Y_%m}")
        assert cursor.fetchall() == [("evt_far",)]
    assert kept_events() == {"evt_far"}


def test_plain_table_with_rows_is_converted_with_indexes_and_keys(postgresql: None) -> None:
    event("evt_1", days=1)
    event("evt_2", days=300)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE plain (LIKE stripe_mirror_inboxevent INCLUDING ALL)")
        cursor.execute("INSERT INTO plain SELECT * FROM stripe_mirror_inboxevent")
        before = indexed_columns("plain")
        cursor.execute("DROP TABLE stripe_mirror_inboxevent CASCADE")
        cursor.execute("ALTER TABLE plain RENAME TO stripe_mirror_inboxevent")
    partitions.convert(InboxEvent, "created", now=NOW)
    assert partitions.partitioned(InboxEvent)
    assert kept_events() == {"evt_1", "evt_2"}
    assert indexed_columns("stripe_mirror_inboxevent") == before
    assert {"stripe_mirror_inboxevent_2026_01"} <= {one.name for one in partitions.partitions(InboxEvent)}


def test_event_is_stored_once_however_often_it_comes(client: Client, sandbox: RunningSandbox) -> None:
    """S05: the table's key holds the month, too, and an event's `created` never changes."""
    made = sandbox.post("/v1/customers", name="Ada")
    found = next(e for e in sandbox.sandbox.table("event").rows.values() if e["data"]["object"]["id"] == made["id"])
    assert [post_event(client, found).status_code for _ in range(3)] == [200, 200, 200]
    assert InboxEvent.objects.count() == 1


def indexed_columns(table: str) -> list[str]:
    """What is indexed, without the indexes' names."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = to_regclass(%s)", [table])
        return sorted(definition[definition.index("USING") :] for (definition,) in cursor.fetchall())
