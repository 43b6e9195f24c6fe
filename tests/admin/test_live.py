"""What changed since a page was rendered: for whom, at what cost, and without missing what commits late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stripe_mirror.admin.live_changes import CROWD, MOST, OVERLAP, Cursor, changes_since, current_cursor
from stripe_mirror.models import Change, StripeObject
from tests.admin import rows

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.plain_site")]

CUSTOMERS = "/admin/stripe_mirror/customer/"
LIVE = CUSTOMERS + "live/"
SUBSCRIPTIONS = "/admin/stripe_mirror/subscription/"


def staff(name: str, *codenames: str, is_staff: bool = True) -> Client:
    user = User.objects.create_user(name, is_staff=is_staff)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def viewer() -> Client:
    return staff("viewer", "view_customer", "view_subscription")


def change(object_id: str, kind: str = "customer", *, age: float = 0, **more: Any) -> Change:
    now = timezone.now() - timedelta(seconds=age)
    fixed = {"action": "updated", "version": 2, "happened_at": now, "recorded_at": now, "source": "api"}
    return Change.objects.create(object_type=kind, object_id=object_id, **(fixed | more))


def changed(row: StripeObject, **fields: Any) -> Change:
    return change(row.pk, row.kind.object, fields={name: ["old", value] for name, value in fields.items()})


def ask(client: Client, since: object, url: str = LIVE, **query: str) -> dict[str, Any]:
    response = client.get(url, {"since": str(since)} | query)
    assert response.status_code == 200, response.content
    return dict(response.json())


# --- for whom -----------------------------------------------------------------------------------------------------


def test_only_staff_who_may_view_the_kind_are_answered(viewer: Client) -> None:
    assert viewer.get(LIVE, {"since": 0}).status_code == 200
    assert staff("outsider", "view_product").get(LIVE, {"since": 0}).status_code == 403
    assert staff("shopper", "view_customer", is_staff=False).get(LIVE, {"since": 0}).status_code == 302
    assert Client().get(LIVE, {"since": 0}).url.startswith("/admin/login/")


@pytest.mark.parametrize("odd", ["", "x", "1,", "-1", "1,x", "9" * 30, ",".join(["1"] * 300), "1;2"])
def test_an_odd_cursor_is_refused(viewer: Client, odd: str) -> None:
    assert viewer.get(LIVE, {"since": odd}).status_code == 400


def test_the_answer_is_never_kept(viewer: Client) -> None:
    assert "no-store" in viewer.get(LIVE, {"since": 0})["Cache-Control"]


# --- what ---------------------------------------------------------------------------------------------------------


def test_a_change_is_told_once(viewer: Client) -> None:
    start = current_cursor()
    change("cus_1")
    change("cus_1")
    first = ask(viewer, start)
    assert (first["changed"], first["many"]) == (["cus_1"], False)
    assert ask(viewer, first["cursor"])["changed"] == []


def test_without_a_cursor_the_answer_is_where_to_start(viewer: Client) -> None:
    change("cus_1")
    start = viewer.get(LIVE).json()
    assert start["changed"] == []
    assert ask(viewer, start["cursor"])["changed"] == []


def test_changes_of_other_kinds_are_not_told(viewer: Client) -> None:
    change("prod_1", "product")
    assert ask(viewer, 0)["changed"] == []


def test_nothing_new_costs_one_query_of_ours(viewer: Client) -> None:
    for n in range(50):
        change(f"cus_{n}", age=60)
    start = current_cursor()
    with CaptureQueriesContext(connection) as queries:
        ask(viewer, start)
    ours = [query["sql"] for query in queries if "stripe_mirror_change" in query["sql"]]
    # The rest is Django's: the session, the user and the permissions.
    assert (len(ours), len(queries)) == (1, 4)


def test_the_question_is_answered_from_an_index() -> None:
    change("cus_1")
    explained = Change.objects.filter(object_type__in=["customer", "price"], id__gt=5).order_by().explain()
    assert "SCAN stripe_mirror_change" not in explained.replace("USING INDEX change_type", "")


def test_more_changes_than_can_be_listed_are_told_as_many(viewer: Client) -> None:
    for n in range(MOST + 1):
        change(f"cus_{n}", age=60)
    answer = ask(viewer, 0)
    assert (answer["changed"], answer["many"]) == ([], True)
    assert ask(viewer, answer["cursor"])["many"] is False


def test_a_list_also_follows_the_objects_that_its_rows_show(viewer: Client) -> None:
    mine, other = rows.customer("cus_Ada"), rows.customer("cus_Bob")
    rows.subscription("sub_Tea", customer="cus_Ada")
    start = current_cursor()
    changed(other, name="Bob")
    assert ask(viewer, start, SUBSCRIPTIONS + "live/")["changed"] == []
    changed(mine, name="Ada")
    assert ask(viewer, start, SUBSCRIPTIONS + "live/")["changed"] == ["sub_Tea"]


def test_an_objects_page_follows_itself_what_it_names_and_what_names_it(viewer: Client) -> None:
    company = rows.one_of_each()
    stranger = rows.invoice("in_Other", customer="cus_Bob", parent=None)
    start = current_cursor()
    for row in (stranger, rows.customer("cus_Bob"), company["product"]):
        changed(row, name="x")
    assert ask(viewer, start, object_id="cus_Ada")["changed"] == []
    changed(company["customer"], **{"name": "x", "address.city": "Bath", "address.line1": "y"})
    changed(company["invoice"], status="void")
    changed(company["payment_method"], brand="x")
    answer = ask(viewer, start, object_id="cus_Ada")
    assert (answer["changed"][0], set(answer["changed"][1:])) == ("cus_Ada", {"pm_Visa", "in_Tea"})
    assert answer["fields"] == ["name", "address"]
    about = ask(viewer, start, SUBSCRIPTIONS + "live/", object_id="sub_Tea")
    assert (set(about["changed"]), about["fields"]) == ({"cus_Ada", "in_Tea"}, [])


# --- nothing is missed --------------------------------------------------------------------------------------------


def test_a_change_that_commits_late_under_a_lower_id_is_told(viewer: Client) -> None:
    early, late = change("cus_early"), change("cus_late")
    # The first transaction hasn't committed yet: its row isn't there when the page asks.
    unseen = Change.objects.filter(pk=early.pk).values().get()
    early.delete()
    cursor = ask(viewer, 0)["cursor"]
    assert cursor == f"0,{late.pk}"
    Change.objects.create(**unseen)
    answer = ask(viewer, cursor)
    assert answer["changed"] == ["cus_early"]
    assert ask(viewer, answer["cursor"])["changed"] == []


def test_a_page_starts_before_changes_that_are_still_committing() -> None:
    settled = change("cus_1", age=OVERLAP.total_seconds() + 1)
    young = change("cus_2")
    assert current_cursor() == Cursor(settled.pk, frozenset({young.pk}))


def test_the_cursor_moves_on_when_changes_have_settled() -> None:
    old = change("cus_1", age=OVERLAP.total_seconds() + 1)
    young = change("cus_2", age=1)
    assert changes_since(Cursor(0), {"customer"}).cursor == Cursor(old.pk, frozenset({young.pk}))
    assert changes_since(Cursor(young.pk), {"customer"}).cursor == Cursor(young.pk)


def test_a_fast_clock_takes_no_change_for_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is served by one machine shows what another one recorded, by the clock that they share."""
    young, now = change("cus_1"), timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(minutes=1))
    assert current_cursor() == changes_since(Cursor(0), {"customer"}).cursor == Cursor(0, frozenset({young.pk}))


def test_in_a_crowd_of_changes_a_page_starts_well_before_them() -> None:
    latest = [change(f"cus_{n}") for n in range(MOST + 1)]
    assert current_cursor() == Cursor(max(0, latest[0].pk - CROWD))
    assert changes_since(current_cursor(), {"customer"}).many


def test_a_cursor_survives_its_way_through_the_browser() -> None:
    cursor = Cursor(120, frozenset({123, 122}))
    assert (str(cursor), Cursor.parse(str(cursor))) == ("120,122,123", cursor)


# --- the pages ----------------------------------------------------------------------------------------------------


def test_a_list_and_an_objects_page_carry_the_script_and_where_it_starts(viewer: Client) -> None:
    rows.customer()
    start = change("cus_Ada", age=60).pk
    found = viewer.get(CUSTOMERS).content.decode()
    assert f'data-live-cursor="{start}" data-live-name="customer" data-live-url="{LIVE}" defer>' in found
    found = viewer.get(CUSTOMERS + "cus_5FAda/change/").content.decode()
    assert 'data-live-object="cus_Ada"' in found
    assert "stripe_mirror/live.css" in found


def test_a_page_that_reads_itself_leaves_messages_for_the_person(viewer: Client) -> None:
    viewer.get(CUSTOMERS + "cus_5Fgone/change/")
    assert "Perhaps it was deleted" not in viewer.get(CUSTOMERS, headers={"X-Live": "1"}).content.decode()
    assert "Perhaps it was deleted" in viewer.get(CUSTOMERS).content.decode()


def test_a_message_for_a_page_nobody_looks_at_is_dropped(viewer: Client) -> None:
    assert viewer.get(CUSTOMERS + "cus_5Fgone/change/", headers={"X-Live": "1"}).status_code == 302
    assert "Perhaps it was deleted" not in viewer.get(CUSTOMERS).content.decode()
