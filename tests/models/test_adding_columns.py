"""S20: a derived column of a later release is filled from what is stored, without a call to Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stripe_mirror.models import Charge, Customer, InboxEvent
from stripe_mirror.models.fields import JsonForeignKey, JsonIntegerField, JsonTextField
from stripe_mirror.models.operations import AddColumns

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

OPERATION = AddColumns(
    "Customer",
    [
        ("city", JsonTextField(path="address.city")),
        ("sequence", JsonIntegerField(path="next_invoice_sequence")),
        (
            "source",
            JsonForeignKey("stripe_mirror.PaymentMethod", path="default_source", related_name="+"),
        ),
    ],
)


@pytest.fixture
def state() -> ProjectState:
    """The project as the migrations know it, without the new columns."""
    return MigrationExecutor(connection).loader.project_state()


@pytest.fixture
def customers(state: ProjectState) -> list[Customer]:
    """Rows of the earlier release."""
    now = timezone.now()
    return [
        Customer.objects.create(
            id=f"cus_{n}",
            data={
                "id": f"cus_{n}",
                "address": {"city": f"Town {n}"},
                "next_invoice_sequence": n,
                "default_source": "card_1",
            },
            as_of=now,
            synced_at=now,
            changed_at=now,
        )
        for n in range(20)
    ]


@pytest.fixture
def added(state: ProjectState, customers: list[Customer]) -> Iterator[tuple[Any, list[str]]]:
    """The model of the later release, and the SQL that made it."""
    later = state.clone()
    OPERATION.state_forwards("stripe_mirror", later)
    with CaptureQueriesContext(connection) as queries, editor() as schema_editor:
        OPERATION.database_forwards("stripe_mirror", schema_editor, state, later)
    yield later.apps.get_model("stripe_mirror", "Customer"), [query["sql"] for query in queries]
    with editor() as schema_editor:
        OPERATION.database_backwards("stripe_mirror", schema_editor, later, state)


def editor() -> Any:
    return connection.schema_editor()


def test_columns_are_filled_from_the_stored_objects(added: tuple[Any, list[str]]) -> None:
    """S20. No sandbox runs here: a call to Stripe would fail."""
    model, _ = added
    found = sorted(model.objects.values_list("sequence", "city", "source_id"))
    assert found == [(n, f"Town {n}", "card_1") for n in range(20)]


def test_the_table_is_rewritten_once_for_all_of_them(added: tuple[Any, list[str]]) -> None:
    _, sql = added
    rewrites = [one for one in sql if one.startswith(("ALTER TABLE", 'INSERT INTO "new__')) and " RENAME " not in one]
    assert len(rewrites) == 1, sql


def test_everything_else_of_the_row_stays(added: tuple[Any, list[str]], customers: list[Customer]) -> None:
    model, _ = added
    assert list(model.objects.order_by("pk").values_list("data", flat=True)) == [
        row.data for row in sorted(customers, key=lambda row: row.pk)
    ]


def test_it_goes_backwards(state: ProjectState, customers: list[Customer]) -> None:
    later = state.clone()
    OPERATION.state_forwards("stripe_mirror", later)
    with editor() as schema_editor:
        OPERATION.database_forwards("stripe_mirror", schema_editor, state, later)
    with editor() as schema_editor:
        OPERATION.database_backwards("stripe_mirror", schema_editor, later, state)
    with connection.cursor() as cursor:
        columns = {
            column.name for column in connection.introspection.get_table_description(cursor, "stripe_mirror_customer")
        }
    assert not columns & {"city", "sequence", "source_id"}
    assert Customer.objects.count() == 20


def test_a_database_of_the_first_release_is_brought_up_to_date() -> None:
    """S20: rows, events and changes of then, with the columns, the partitions and the tables of today."""
    forget_all_releases()
    migrate([("stripe_mirror", "0001_initial")])
    old = MigrationExecutor(connection).loader.project_state(("stripe_mirror", "0001_initial")).apps
    now = timezone.now()
    seen = {"as_of": now, "synced_at": now, "changed_at": now}
    old.get_model("stripe_mirror", "Charge").objects.create(
        id="ch_1", data={"id": "ch_1", "balance_transaction": "txn_1"}, **seen
    )
    old.get_model("stripe_mirror", "InboxEvent").objects.create(
        id="evt_1", type="charge.updated", livemode=False, created=now, received_at=now, payload={}
    )
    call_command("migrate", verbosity=0)
    assert Charge.objects.get().balance_transaction_id == "txn_1"
    assert InboxEvent.objects.get().type == "charge.updated"


def forget_all_releases() -> None:
    """As before the first one was installed."""
    tables = [
        model._meta.db_table for model in apps.get_app_config("stripe_mirror").get_models(include_auto_created=True)
    ]
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"DROP TABLE {table} {'CASCADE' if connection.vendor == 'postgresql' else ''}")
    MigrationRecorder.Migration.objects.filter(app="stripe_mirror").delete()


def migrate(targets: list[tuple[str, str]]) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(targets)


def test_it_is_described_for_the_terminal() -> None:
    assert OPERATION.describe() == "Add derived columns city, sequence, source to Customer"
