"""CSV from the lists: which rows, for whom, and when the first byte comes."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import StripeObject
from tests.admin import rows
from tests.admin.exporting import customers, ids, table_of, text_of
from tests.admin.plain_site import site

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.admin.plain_site")]

LIST = "/admin/stripe_mirror/customer/"
BUTTON = LIST + "export/"


def staff(name: str, *codenames: str) -> Client:
    user = User.objects.create_user(name, is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def exporter() -> Client:
    return staff("exporter", "view_customer", "export_customer")


@pytest.fixture
def viewer() -> Client:
    return staff("viewer", "view_customer")


def table(response: Any) -> list[dict[str, str]]:
    return table_of(text_of(response))


def selection(*pks: str, across: bool = False) -> dict[str, Any]:
    return {
        "action": "export_selected",
        "_selected_action": list(pks),
        "index": "0",
        "select_across": "1" if across else "0",
    }


def by_the_action(client: Client, query: str, form: dict[str, Any]) -> Any:
    """The rows for which the action opens the page of an export, without the page."""
    answer = client.post(LIST + query, form)
    return client.get(answer.url.replace("/choose/", "/"))


# --- which rows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("urls", ["tests.admin.plain_site", "backoffice.urls"])
def test_s55_a_filtered_list_exports_just_its_rows_by_button_and_by_action(
    exporter: Client, urls: str, settings: Any
) -> None:
    settings.ROOT_URLCONF = urls
    customers(2800, address={"country": "GB"})
    german = customers(200, address={"country": "DE"})
    query = "?country=DE"
    by_button = ids(exporter.get(BUTTON + query))
    by_action = ids(by_the_action(exporter, query, selection(german[0], across=True)))
    assert by_button == by_action == german[::-1]


def test_the_button_on_the_list_carries_filter_search_and_ordering_but_no_page(exporter: Client) -> None:
    customers(60, address={"country": "DE"})
    page = exporter.get(LIST + "?country=DE&q=Name&o=1&p=2").content.decode()
    assert f'href="{BUTTON}choose/?country=DE&amp;q=Name&amp;o=1"' in page


def test_search_narrows_the_export(exporter: Client) -> None:
    customers(60)
    assert ids(exporter.get(BUTTON + "?q=Name 0002")) == [*(f"cus_{n:05}" for n in range(29, 19, -1)), "cus_00002"]


def test_the_export_has_the_order_of_the_list(exporter: Client) -> None:
    made = customers(60)
    assert ids(exporter.get(BUTTON + "?o=1")) == made
    assert ids(exporter.get(BUTTON + "?o=-1")) == made[::-1]
    assert ids(by_the_action(exporter, "?o=1", selection(made[9], made[2]))) == [made[2], made[9]]


def test_only_ticked_rows_are_exported(exporter: Client) -> None:
    made = customers(60)
    assert set(ids(by_the_action(exporter, "", selection(*made[5:9])))) == set(made[5:9])


def test_all_pages_are_exported_from_any_page(exporter: Client) -> None:
    made = customers(60)
    assert ids(exporter.get(BUTTON + "?p=3")) == made[::-1]


def test_a_filter_that_is_not_understood_exports_nothing_and_says_so(exporter: Client) -> None:
    customers(3)
    response = exporter.get(BUTTON + "?delinquent__exact=perhaps", follow=True)
    assert response.redirect_chain == [(LIST, 302)]
    assert "nothing was exported" in response.content.decode()


# --- for whom -----------------------------------------------------------------------------------------------------


def test_s58_without_permission_there_is_no_button_no_action_and_a_403(viewer: Client, exporter: Client) -> None:
    made = customers(3)
    allowed, refused = (client.get(LIST).content.decode() for client in (exporter, viewer))
    assert BUTTON in allowed
    assert "export_selected" in allowed
    assert BUTTON not in refused
    assert "export_selected" not in refused
    assert viewer.get(BUTTON).status_code == 403
    assert not viewer.post(LIST, selection(made[0])).streaming


def test_who_may_export_but_not_view_gets_nothing() -> None:
    customers(3)
    assert staff("blind", "export_customer").get(BUTTON).status_code == 403


def test_a_stranger_is_sent_to_the_login() -> None:
    assert Client().get(BUTTON).url.startswith("/admin/login/")


def test_the_button_answers_get_only(exporter: Client) -> None:
    assert exporter.post(BUTTON).status_code == 405


# --- how ----------------------------------------------------------------------------------------------------------


def test_the_answer_is_a_named_download_that_is_not_kept(exporter: Client) -> None:
    response = exporter.get(BUTTON)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert "no-store" in response["Cache-Control"]
    today = datetime.now(UTC).date().isoformat()
    assert response["Content-Disposition"] == f'attachment; filename="customers-{today}.csv"'


def test_s57_the_header_goes_out_before_a_row_is_read(exporter: Client) -> None:
    customers(3)
    response = exporter.get(BUTTON)
    pieces = iter(response.streaming_content)
    with CaptureQueriesContext(connection) as queries:
        assert next(pieces).startswith(b"id,created,")
    assert len(queries) == 0
    assert next(pieces).startswith(b"cus_00002,")
    # To the end: what is left of a cursor would be closed in some later test's transaction.
    assert list(pieces) == []


def test_s57_nothing_is_read_before_the_first_byte_even_where_the_answer_is_compressed(exporter: Client) -> None:
    customers(3000)
    response = exporter.get(BUTTON, headers={"accept-encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    pieces = iter(response.streaming_content)
    with CaptureQueriesContext(connection) as queries:
        first = next(pieces)
    assert len(queries) == 0
    text = gzip.decompress(first + b"".join(pieces)).decode()
    assert len(text.splitlines()) == 3001


def test_an_export_costs_one_query_for_its_rows(exporter: Client) -> None:
    customers(30, invoice_settings={"default_payment_method": "pm_1"})
    response = exporter.get(BUTTON)
    with CaptureQueriesContext(connection) as queries:
        assert len(ids(response)) == 30
    assert len(queries) <= 1


@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.object)
def test_every_kind_is_exported_from_its_list(kind: Any, admin_client: Client) -> None:
    row = rows.one_of_each()[kind.object]
    assert kind.model in site._registry
    found = table(admin_client.get(f"/admin/stripe_mirror/{kind.model_name}/export/"))
    assert [line["id"] for line in found] == [row.id]
    # A line has no time of its own.
    is_line = kind.object in ("line_item", "credit_note_line_item")
    made = None if is_line else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=rows.SECOND)
    assert found[0]["created"] == (made.isoformat() if made else "")


@pytest.mark.urls("backoffice.urls")
@pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.object)
def test_every_list_of_the_product_has_the_button_and_follows_changes(kind: Any, admin_client: Client) -> None:
    row = rows.one_of_each()[kind.object]
    url = f"/admin/stripe_mirror/{kind.model_name}/"
    page = admin_client.get(url).content.decode()
    assert f'href="{url}export/choose/"' in page
    assert f'data-live-url="{url}live/"' in page
    assert ids(admin_client.get(url + "export/")) == [row.id]


def test_every_mirrored_model_has_an_export_permission() -> None:
    for kind in all_kinds():
        model: type[StripeObject] = kind.model
        assert Permission.objects.filter(codename=f"export_{model._meta.model_name}").exists()
