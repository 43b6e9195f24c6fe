"""An export has exactly the list's rows, in its order: under every filter, search, ordering and range of days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core.exceptions import PermissionDenied
from django.test import Client

from stripe_mirror.admin.exports.columns import columns_named
from stripe_mirror.admin.exports.options import ExportOptions
from stripe_mirror.admin.exports.selection import Selection, WrongSelection, queryset_of
from stripe_mirror.admin.exports.writing import export_bytes
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Customer, SavedView
from tests.admin import rows

pytestmark = pytest.mark.django_db
ANSWERS = {"in": "this_year", "from": "2001-01-01", "to": "2001-01-01", "min": "1", "max": "100000", "currency": "usd"}


@pytest.fixture
def root() -> User:
    return User.objects.create_superuser("root")


def exported(selection: Selection, user: User) -> list[str]:
    queryset = queryset_of(selection, user, admin.site)
    (column,) = columns_named(queryset.model, ["id"])
    text = b"".join(export_bytes(queryset, ExportOptions(columns=(column.name,)), sees_personal=True)).decode()
    return text.split("\r\n")[1:-1]


def shown(client: Client, model: Any, query: str) -> list[str]:
    """All rows of the list, as its page shows them."""
    found: list[str] = []
    response = client.get(f"/admin/stripe_mirror/{model._meta.model_name}/?{query}")
    changelist = response.context["cl"]
    found += [str(row.pk) for row in changelist.result_list]
    assert not changelist.multi_page
    assert not changelist.ignored, changelist.ignored
    return found


def two_of_each() -> None:
    """Twice the rows of every kind, the second ones deleted and with other values where filters look."""
    for row in rows.one_of_each().values():
        other = {
            **row.data,
            "id": f"{row.pk}_2",
            "status": "canceled",
            "currency": "eur",
            "active": False,
            "created": 1,
        }
        made = type(row)(id=f"{row.pk}_2", data=other, as_of=rows.NOW, synced_at=rows.NOW, changed_at=rows.NOW)
        made.deleted_at = rows.NOW
        made.save()


def asked(changelist: Any) -> Iterator[str]:
    """The queries that each filter's choices lead to, and values for those that are typed."""
    for spec in changelist.filter_specs:
        # The first choice leaves nothing out; the others differ by their value only.
        for choice in islice(spec.choices(changelist), 1, 2):
            yield str(choice.get("query_string", "")).removeprefix("?")
        for name in spec.expected_parameters():
            end = str(name).rsplit("_", 1)[-1]
            if getattr(spec, "control", "") == "amounts" and end != "currency":
                yield urlencode({str(name): ANSWERS[end], "amount_currency": "usd"})
            elif getattr(spec, "control", "") == "dates" and end == "to":
                yield urlencode({str(name): ANSWERS[end]})
            elif getattr(spec, "control", "") == "relation":
                parents = changelist.root_queryset.exclude(**{f"{name}_id": None}).values_list(f"{name}_id", flat=True)
                yield from (urlencode({str(name): id}) for id in parents[:1])


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.object)
def test_s55_every_filter_of_every_list_exports_what_its_page_shows(kind: Any, boss: Client) -> None:
    two_of_each()
    user = User.objects.get(username="boss")
    page = boss.get(f"/admin/stripe_mirror/{kind.model_name}/?view=all").context["cl"]
    queries = dict.fromkeys(query for query in asked(page) if query)
    narrowed = 0
    for query in queries:
        expected = shown(boss, kind.model, query)
        assert exported(Selection(model_name=kind.model_name, query=query), user) == expected, query
        narrowed += len(expected) < 2
    assert narrowed


def test_s55_search_and_ordering_are_the_lists(boss: Client) -> None:
    user = User.objects.get(username="boss")
    for number in range(20):
        rows.customer(f"cus_{number:02}", name=f"Name {number % 7}", created=rows.SECOND + number)
    for query in ("q=Name 3", "q=cus_03", "o=created", "o=-created", "q=Name&o=created", "country=GB&q=Name 1"):
        expected = shown(boss, Customer, query)
        assert exported(Selection(model_name="customer", query=query), user) == expected != []


def test_ticked_rows_are_exported_in_the_lists_order_and_only_within_it(root: User) -> None:
    made = [rows.customer(f"cus_{number}", created=rows.SECOND + number).pk for number in range(5)]
    ids = (made[3], made[1], "cus_none", "cus_\x00")
    assert exported(Selection(model_name="customer", ids=ids), root) == [made[3], made[1]]
    assert exported(Selection(model_name="customer", query="o=created", ids=ids), root) == [made[1], made[3]]
    assert exported(Selection(model_name="customer", query="country=DE", ids=ids), root) == []
    assert exported(Selection(model_name="customer", ids=()), root) == []


def test_100_000_ticked_rows_are_one_parameter(root: User) -> None:
    made = [rows.customer(f"cus_{number}", created=rows.SECOND + number).pk for number in range(5)]
    ids = (*(f"cus_{number}" for number in range(3, 100_000)), "cus_it's")
    assert exported(Selection(model_name="customer", ids=ids), root) == [made[4], made[3]]


def test_pages_and_views_choose_no_rows(root: User) -> None:
    for number in range(30):
        rows.customer(f"cus_{number}")
    view = SavedView.objects.create(owner=root, object_type="customer", name="Germans", query="country=DE")
    assert len(exported(Selection(model_name="customer", query="p=2&all=&e=1"), root)) == 30
    # The address of a view carries its filters.
    assert len(exported(Selection(model_name="customer", query=f"view={view.pk}&col=name"), root)) == 30
    assert exported(Selection(model_name="customer", query=f"view={view.pk}&country=DE"), root) == []


@pytest.mark.parametrize(
    "query", ["wobble=1", "created_from=yesterday-ish", "delinquent=perhaps", "o=wobble", "deleted=maybe", "data__a=1"]
)
def test_a_filter_that_is_not_understood_exports_nothing_and_says_so(query: str, root: User) -> None:
    rows.customer()
    with pytest.raises(WrongSelection):
        queryset_of(Selection(model_name="customer", query=query), root, admin.site)


def test_a_list_that_is_not_there_is_named(root: User) -> None:
    for name in ("wobble", "savedview"):
        with pytest.raises(WrongSelection, match=name):
            queryset_of(Selection(model_name=name), root, admin.site)


@pytest.mark.parametrize("permissions", [(), ("view_customer",), ("export_customer",)])
def test_s58_without_both_permissions_nobody_gets_rows(permissions: tuple[str, ...]) -> None:
    user = User.objects.create_user("outsider", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    with pytest.raises(PermissionDenied):
        queryset_of(Selection(model_name="customer"), user, admin.site)


def test_with_both_permissions_a_person_gets_rows() -> None:
    user = User.objects.create_user("exporter", is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=("view_customer", "export_customer")))
    rows.customer()
    assert exported(Selection(model_name="customer"), user) == ["cus_Ada"]


def test_a_selection_survives_its_json() -> None:
    for selection in (
        Selection(model_name="customer"),
        Selection(model_name="invoice", query="status=open&q=a%26b", ids=("in_1", "in_2")),
        Selection(model_name="invoice", ids=()),
    ):
        assert Selection.from_json(selection.to_json()) == selection


@pytest.mark.parametrize("stored", [[], {}, {"model_name": 1}, {"model_name": "customer", "ids": [1]}])
def test_a_selection_that_was_tampered_with_is_refused(stored: Any) -> None:
    with pytest.raises(WrongSelection):
        Selection.from_json(stored)


def test_reading_the_rows_makes_one_query(root: User, django_assert_num_queries: Callable[..., Any]) -> None:
    for number in range(30):
        rows.invoice(f"in_{number}")
    queryset = queryset_of(Selection(model_name="invoice"), root, admin.site)
    options = ExportOptions(columns=("id", "customer.email", "subscription.status", "metadata.plan"))
    with django_assert_num_queries(1):
        assert b"".join(export_bytes(queryset, options, sees_personal=True)).count(b"\r\n") == 31
