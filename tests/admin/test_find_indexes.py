"""The indexes of the search: every list has them, they stay current, come back by themselves, and may be missing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import AddField
from django.test.utils import CaptureQueriesContext

from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.find.results import find
from stripe_mirror.admin.search import Sought, ids_with
from stripe_mirror.inbox.health.search import check_search
from stripe_mirror.models import Customer, Invoice, search_find
from stripe_mirror.models import search_sql as sql
from stripe_mirror.models.fields import JsonTextField
from stripe_mirror.models.operations import AddColumns
from stripe_mirror.models.search import SEARCHED, searched
from stripe_mirror.models.search_build import build, has_trigrams
from stripe_mirror.models.search_find import by_metadata
from stripe_mirror.pull.pages import apply_page
from tests.admin import rows

POSTGRESQL = connection.vendor == "postgresql"
on_postgresql = pytest.mark.skipif(not POSTGRESQL, reason="of PostgreSQL's extensions")
on_sqlite = pytest.mark.skipif(POSTGRESQL, reason="of SQLite's triggers")
LATER = rows.NOW + timedelta(days=1)
CUSTOMER = searched(Customer)
QUERIES = (
    "ada",
    "a",
    "ada lovelace",
    "+44 20 7946",
    "4242",
    "49.90",
    "49.90 3 march",
    "yesterday",
    "pro",
    "in_Tea123",
    "cus_Ada",
)


def ids(term: str) -> set[str]:
    return set(ids_with(Customer, term, limit=100))


@pytest.mark.parametrize(
    "declared", [one for one in admin.site._registry.values() if isinstance(one, StripeObjectAdmin)], ids=str
)
def test_whatever_a_list_searches_is_carried_by_an_index(declared: StripeObjectAdmin) -> None:
    looked_into = {declared.model: declared.search_fields}
    for relation, columns in declared.search_parents.items():
        looked_into[declared.model._meta.get_field(relation).related_model] = columns
    for model, columns in looked_into.items():
        index = searched(model)
        assert set(columns) <= ({*index.columns, *index.beginnings} if index else set()), (
            f"{model.__name__}: declare the columns in stripe_mirror/models/search.py, or every search walks the table."
        )


@pytest.mark.django_db
@pytest.mark.parametrize("query", QUERIES)
def test_nothing_walks_a_table(query: str) -> None:
    rows.one_of_each()
    boss = User.objects.create_superuser("boss")
    with CaptureQueriesContext(connection) as asked:
        find(boss, query)
        Sought(Invoice.kind, ("number",), {"customer": ("name",)}).rows(Invoice.objects.all(), query)[:25].count()
    for statement in {one["sql"] for one in asked if "smfind" not in one["sql"] and "stripe_mirror" in one["sql"]}:
        assert walks(statement) == [], statement


def walks(statement: str) -> list[str]:
    """The lines of the plan that read a whole table, if it were large."""
    with connection.cursor() as cursor:
        if POSTGRESQL:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("EXPLAIN " + statement)
            return [line for (line,) in cursor.fetchall() if "Seq Scan on stripe_mirror" in line]
        cursor.execute("EXPLAIN QUERY PLAN " + statement.replace("%", "%%"))
        details = [row[3] for row in cursor.fetchall()]
    return [line for line in details if re.match(r"SCAN (stripe_mirror_\w+|t|row)\b(?!.*INDEX)", line)]


@pytest.mark.django_db
def test_the_index_follows_every_way_in_which_rows_are_written() -> None:
    rows.customer("cus_1", name="Ada King", metadata={"crm": "A 1"})
    rows.customer("cus_2", name="Grace", email="grace@navy.example", phone=None)
    assert ids("da ki") == {"cus_1"} and ids("grace@NAVY") == {"cus_2"}
    Customer.objects.filter(pk="cus_1").update(data={"id": "cus_1", "name": "Augusta", "metadata": {"crm": "B"}})
    assert ids("da ki") == set() and ids("AUGUST") == {"cus_1"}
    assert CUSTOMER and by_metadata(CUSTOMER, "A 1", limit=5) == []
    page = [
        {"id": "cus_2", "object": "customer", "name": "Hopper"},
        {"id": "cus_3", "object": "customer", "name": "Hopkins"},
    ]
    apply_page(Customer.kind, json.dumps({"data": page}), page, as_of=LATER, read_until=LATER)
    assert ids("hop") == {"cus_2", "cus_3"} and ids("grace") == set()
    Customer.objects.filter(pk="cus_2").delete()
    assert ids("hop") == {"cus_3"}


@pytest.mark.django_db
def test_parts_are_found_whatever_the_case_and_the_signs() -> None:
    rows.customer("cus_1", name="ÄRGER & Söhne 100%_\\", email='o"neil@example.com', metadata={"k": 'a"b\\c', "n": 5})
    for term in ("ärger", "& sÖh", "100%_", "_\\", 'O"NEIL', "100%"):
        assert (ids(term) == {"cus_1"}) is (len(term) > 2), term
    assert ids("1000_") == set() and ids("a_g") == set()
    assert CUSTOMER and by_metadata(CUSTOMER, 'A"B\\', limit=5) == ["cus_1"]


@pytest.mark.django_db
def test_short_terms_find_beginnings() -> None:
    rows.customer("cus_1", name="Al", email="zed@example.com")
    rows.customer("cus_2", name="Mal", email="b@example.com")
    assert ids("al") == {"cus_1"} and ids("B") == {"cus_2"} and ids("z") == {"cus_1"}


@on_sqlite
@pytest.mark.django_db
def test_what_changes_no_text_touches_no_index() -> None:
    rows.customer("cus_1")
    row = Customer.objects.get()
    before = connection.connection.total_changes
    Customer.objects.update(data={**row.data, "balance": 100}, as_of=rows.NOW)
    assert connection.connection.total_changes - before == 1


@on_sqlite
@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_after_django_has_remade_a_table_migrate_brings_the_triggers_back() -> None:
    """Whatever a later release adds, and whatever was written while they were gone."""
    rows.customer("cus_1", name="Before")
    state = MigrationExecutor(connection).loader.project_state()
    later, operation = state.clone(), AddField("Customer", "city", JsonTextField(path="address.city"))
    operation.state_forwards("stripe_mirror", later)
    with connection.schema_editor() as editor:
        operation.database_forwards("stripe_mirror", editor, state, later)
    rows.customer("cus_2", name="Meanwhile")
    Customer.objects.filter(pk="cus_1").update(data={"id": "cus_1", "name": "Afterwards"})
    with connection.schema_editor() as editor:
        operation.database_backwards("stripe_mirror", editor, later, state)
    assert not has_trigrams(connection)
    call_command("migrate", verbosity=0)
    assert ids("meanwh") == {"cus_2"} and ids("afterw") == {"cus_1"} and ids("before") == set()
    assert has_trigrams(connection)


@on_sqlite
@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_derived_columns_that_are_added_leave_the_search_as_it_is() -> None:
    rows.customer("cus_1", name="Ada Lovelace")
    state = MigrationExecutor(connection).loader.project_state()
    later, operation = state.clone(), AddColumns("Customer", [("city", JsonTextField(path="address.city"))])
    operation.state_forwards("stripe_mirror", later)
    with connection.schema_editor() as editor:
        operation.database_forwards("stripe_mirror", editor, state, later)
    rows.customer("cus_2", name="Ada King")
    assert ids("da l") == {"cus_1"} and ids("ada") == {"cus_1", "cus_2"}
    with connection.schema_editor() as editor:
        operation.database_backwards("stripe_mirror", editor, later, state)
    Customer.objects.filter(pk="cus_2").delete()
    assert ids("ada") == {"cus_1"}


@pytest.mark.django_db
def test_health_says_that_parts_can_be_found() -> None:
    assert [(one.code, one.level) for one in check_search()] == [("search", "ok")]


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_where_the_extension_may_not_be_created_the_rest_works_and_health_says_what_to_do(weak_role: None) -> None:
    rows.customer("cus_1", name="Ada Lovelace")
    rows.product("prod_1", name="Tea")
    build(connection)
    assert not has_trigrams(connection)
    assert ids("ada l") == {"cus_1"} and ids("ADA LOVELACE") == {"cus_1"} and ids("lovelace") == set()
    (finding,) = check_search()
    assert finding.level == "warning" and "CREATE EXTENSION pg_trgm" in finding.do
    boss = User.objects.create_superuser("boss")
    assert [group.hits[0].id for group in find(boss, "ada").groups] == ["cus_1"]


@pytest.fixture
def weak_role() -> Iterator[None]:
    """The tables belong to somebody who may not create extensions, and there is none; then all is as before."""
    run("DROP EXTENSION pg_trgm CASCADE")
    run("DROP ROLE IF EXISTS smfind_weak")
    run("CREATE ROLE smfind_weak")
    tables = connection.introspection.table_names()
    run("GRANT ALL ON SCHEMA public TO smfind_weak")
    run("GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO smfind_weak")
    owner = run("SELECT current_user")
    for table in tables:
        run(f'ALTER TABLE "{table}" OWNER TO smfind_weak')
    run("SET ROLE smfind_weak")
    yield
    run("RESET ROLE")
    run(f'REASSIGN OWNED BY smfind_weak TO "{owner}"')
    run("DROP OWNED BY smfind_weak")
    run("DROP ROLE smfind_weak")
    build(connection)
    assert has_trigrams(connection)


def run(statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def test_the_names_of_indexes_fit_postgresql_and_differ() -> None:
    names = [index.name for one in SEARCHED for index in sql.pg_indexes(one)]
    assert len(set(names)) == len(names) and max(map(len, names)) <= 63


@pytest.mark.django_db
@pytest.mark.parametrize("few", [1_000, 1], ids=["few", "more than are looked at one by one"])
def test_an_email_is_found_by_what_stands_before_its_domain_and_only_with_it(
    few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_find, "FEW", few)
    for number, email in enumerate(
        ("Ada.L@example.com", "ada.l@example.org", "ada.m@example.com", "zoë.l@example.com")
    ):
        rows.customer(f"cus_{number}", email=email)
    assert ids("ADA.l@example.com") == {"cus_0"}
    assert ids("da.l@EXAMPLE") == {"cus_0", "cus_1"}
    assert ids("@example.com") == {"cus_0", "cus_2", "cus_3"}
    assert ids("a.l@example.net") == set()
    assert ids("zoë.l@example.com") == {"cus_3"}
