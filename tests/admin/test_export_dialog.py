"""The page on which an export is chosen: which rows, which columns, how they look, for whom."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from backoffice import roles
from stripe_mirror.admin import display
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Customer, Export, ExportRecord, Preferences, SavedExport
from tests.admin import rows
from tests.admin.exporting import (
    AT_ONCE,
    DIALOG,
    FORM,
    LIST,
    browser,
    chosen,
    customers,
    ids,
    person,
    table_of,
    text_of,
    without,
)

pytestmark = pytest.mark.django_db

ROLES = [role.name for role in roles.ROLES if role.name != "Live"]


@pytest.fixture
def user() -> User:
    """May export customers, with their personal data."""
    return person("exporter")


@pytest.fixture
def exporter(user: User) -> Client:
    return browser(user)


def shown(client: Client, url: str = DIALOG, **form: Any) -> str:
    """The page's text; with a form, after a press on Preview."""
    answer = client.post(url, {**FORM, **form, "preview": "1"}) if form else client.get(url)
    assert answer.status_code == 200, answer
    return html.unescape(re.sub(r"\s+", " ", answer.content.decode()))


def selected(*pks: str, across: bool = False) -> dict[str, Any]:
    return {"action": "export_selected", "_selected_action": list(pks), "index": "0", "select_across": str(int(across))}


# --- which rows ---------------------------------------------------------------------------------------------------


def test_s55_the_button_and_the_action_lead_to_the_filtered_rows_and_to_no_others(exporter: Client) -> None:
    customers(2800, address={"country": "GB"})
    german = customers(200, address={"country": "DE"})
    page = exporter.get(LIST + "?country=DE&p=2").content.decode()
    [button] = re.findall(rf'href="({DIALOG}[^"]*)"', page)
    assert html.unescape(button) == f"{DIALOG}?country=DE"
    action = exporter.post(LIST + "?country=DE", selected(german[0], across=True))
    assert action.url == f"{DIALOG}?country=DE"
    assert "<strong>200</strong>" in shown(exporter, action.url)
    assert ids(exporter.post(action.url, chosen())) == german[::-1]


def test_s55_ticked_rows_are_exported_in_the_lists_order_and_nothing_else(exporter: Client) -> None:
    made = customers(60)
    action = exporter.post(LIST + "?o=created", selected(made[9], made[2]))
    assert "The ticked ones." in shown(exporter, action.url)
    assert ids(exporter.post(action.url, chosen())) == [made[2], made[9]]


def test_s55_ticked_rows_that_left_the_filter_meanwhile_are_exported_all_the_same(exporter: Client) -> None:
    made = customers(3, address={"country": "DE"})
    action = exporter.post(LIST + "?country=DE", selected(made[0]))
    Customer.objects.filter(pk=made[0]).update(data={"object": "customer", "address": {"country": "GB"}})
    assert ids(exporter.post(action.url, chosen())) == [made[0]]


@pytest.mark.parametrize("url", [DIALOG, AT_ONCE, LIST + "export/count/"])
def test_a_filter_that_is_not_understood_exports_nothing_and_says_so(exporter: Client, url: str) -> None:
    customers(3)
    answer = exporter.get(url + "?delinquent__exact=perhaps", follow=True)
    assert answer.redirect_chain == [(LIST, 302)]
    assert "nothing was exported" in answer.content.decode()
    assert not ExportRecord.objects.exists()


def test_the_filter_is_said_in_words(exporter: Client) -> None:
    customers(3, address={"country": "DE"})
    assert "Country: DE" in shown(exporter, DIALOG + "?country=DE")
    assert "All of the list, without a filter." in shown(exporter)


# --- how many -----------------------------------------------------------------------------------------------------


def test_the_count_comes_first_and_is_exact_or_says_that_there_are_more(exporter: Client, settings: Settings) -> None:
    customers(12)
    assert "<strong>12</strong>" in shown(exporter)
    settings.EXPORTS_STREAM_ROWS = 10
    page = shown(exporter)
    assert ">10+</strong>" in page
    assert "written in the background" in page
    assert json.loads(exporter.get(LIST + "export/count/").content) == {"count": "12"}


def test_a_long_list_is_counted_no_further_than_it_is_sent_at_once(exporter: Client, settings: Settings) -> None:
    settings.EXPORTS_STREAM_ROWS = 10
    customers(12)
    with CaptureQueriesContext(connection) as queries:
        shown(exporter)
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert counts
    assert all("LIMIT" in sql for sql in counts), counts


# --- which columns and how ----------------------------------------------------------------------------------------


def test_columns_are_chosen_by_name_and_written_in_the_order_in_which_they_stand(exporter: Client) -> None:
    customers(2)
    text = text_of(exporter.post(DIALOG, chosen("metadata.plan", "email", "id")))
    assert text.splitlines()[0] == "id,email,metadata.plan"
    assert text.splitlines()[1] == "cus_00001,n1@example.com,gold"


def test_all_columns_are_those_that_are_offered(exporter: Client) -> None:
    customers(1)
    offered = re.findall(r'name="column" value="([^"]+)"', shown(exporter))
    header = text_of(exporter.post(DIALOG, chosen(which="all"))).splitlines()[0]
    assert header.split(",") == offered
    assert "metadata.plan" in offered
    assert not any("secret" in name or "url" in name for name in offered)


def test_no_column_and_unknown_ones_are_refused_at_the_form(exporter: Client) -> None:
    customers(1)
    for form in ({"which": "chosen"}, {"which": "chosen", "column": ["data"]}):
        answer = exporter.post(DIALOG, {**FORM, "export": "1", **form})
        assert not answer.streaming
        assert 'role="alert"' in answer.content.decode()
    assert not ExportRecord.objects.exists()


def test_columns_of_another_object_need_seeing_that_object() -> None:
    rows.one_of_each()
    narrow = browser(person("narrow", "view_invoice", "export_invoice", "view_pii"))
    wide = browser(person("wide", "view_invoice", "export_invoice", "view_pii", "view_customer"))
    url = "/admin/stripe_mirror/invoice/export/choose/"
    assert 'value="customer.email"' not in shown(narrow, url)
    assert 'value="customer.email"' in shown(wide, url)
    assert not narrow.post(url, chosen("customer.email")).streaming
    assert text_of(wide.post(url, chosen("customer.email"))).splitlines()[0] == "customer.email"


def test_the_preview_is_just_what_the_file_begins_with(exporter: Client) -> None:
    customers(9, balance=-1250, currency="usd", name="=1+1")
    for given in ({"amounts": "minor"}, {"separator": "tab", "bom": "on"}, {"time_zone": "Pacific/Auckland"}):
        form = {"which": "chosen", "column": ["id", "name", "balance", "created"], **given}
        page = shown(exporter, **form)
        area = page.split("data-export-preview")[1].split("</section>")[0]
        cells = list(re.findall(r"<td>(.*?)</td>", area))
        text = text_of(exporter.post(DIALOG, {**FORM, **form, "export": "1"})).removeprefix("\ufeff")
        separator = "\t" if given.get("separator") else ","
        written = [cell for row in table_of(text, delimiter=separator)[:5] for cell in row.values()]
        assert cells == written
        assert len(cells) == 20


def test_json_lines_are_previewed_as_lines(exporter: Client) -> None:
    customers(2)
    page = shown(exporter, format="jsonl", which="chosen", column=["id"])
    assert '{"id": "cus_00001"} {"id": "cus_00000"}' in page


def test_separator_mark_and_zone_are_as_chosen(exporter: Client) -> None:
    customers(1)
    given = {"separator": "semicolon", "bom": "on", "time_zone": "america/los_angeles"}
    text = text_of(exporter.post(DIALOG, chosen("id", "created", **given)))
    assert text.startswith("\ufeffid;created")
    assert re.search(r"cus_00000;1970-\d\d-\d\dT\d\d:\d\d:\d\d-0[78]:00|cus_00000;20\d\d-.*-0[78]:00", text)
    assert "is no time zone" in shown(exporter, time_zone="Mars/Olympus")


def test_the_zone_is_the_persons_own_at_first(user: User, exporter: Client) -> None:
    Preferences.objects.create(user=user, time_zone="Asia/Tokyo")
    assert 'value="Asia/Tokyo"' in shown(exporter)


@pytest.mark.parametrize(("name", "begins"), [("csv", b"id"), ("xlsx", b"PK"), ("jsonl", b'{"id"')])
def test_every_format_comes_as_what_it_is(exporter: Client, name: str, begins: bytes) -> None:
    customers(1)
    answer = exporter.post(DIALOG, chosen("id", format=name))
    assert f'.{name}"' in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    assert b"".join(answer.streaming_content).startswith(begins)


# --- remembered ---------------------------------------------------------------------------------------------------


def test_the_last_choice_is_remembered_for_the_person_and_the_kind(exporter: Client) -> None:
    customers(1)
    exporter.post(DIALOG, chosen("id", "email", separator="semicolon"))
    page = shown(exporter)
    assert re.findall(r'value="([^"]+)" checked data-usual', page) == ["id", "email"]
    assert '<option value="semicolon" selected>' in page
    assert text_of(exporter.get(AT_ONCE)).splitlines()[0] == "id;email"
    other = browser(person("other"))
    assert text_of(other.get(AT_ONCE)).splitlines()[0].startswith("id,created,")
    assert SavedExport.objects.count() == 1


def test_all_columns_stay_all_columns_when_metadata_has_more_keys(exporter: Client) -> None:
    customers(1)
    exporter.post(DIALOG, chosen(which="all"))
    customers(1, metadata={"colour": "red"})
    assert "metadata.colour" in text_of(exporter.get(AT_ONCE)).splitlines()[0]


def test_a_preview_remembers_nothing_and_is_no_export(exporter: Client) -> None:
    customers(1)
    shown(exporter, separator="tab")
    assert not SavedExport.objects.exists()
    assert not ExportRecord.objects.exists()


def test_the_old_address_downloads_at_once_and_asks_where_there_are_many_rows(
    exporter: Client, settings: Settings
) -> None:
    made = customers(12)
    assert ids(exporter.get(AT_ONCE + "?o=created&p=2")) == made
    settings.EXPORTS_STREAM_ROWS = 10
    answer = exporter.get(AT_ONCE + "?o=created")
    assert answer.url == f"{DIALOG}?o=created"
    assert not Export.objects.exists()


# --- for whom -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ROLES)
def test_s58_only_roles_that_export_have_the_button_the_action_and_the_pages(
    role: Callable[[str], Client], name: str
) -> None:
    """Every kind: page, POST, download by one click, count, button, action."""
    client = role(name)
    rows.one_of_each()
    for kind in all_kinds():
        allowed = f"export_{kind.model_name}" in roles.codenames(name)
        base = display.list_url(kind.model)
        answers = [
            client.get(base + "export/choose/"),
            client.post(base + "export/choose/", chosen()),
            client.get(base + "export/"),
            client.get(base + "export/count/"),
        ]
        assert [answer.status_code for answer in answers] == [200 if allowed else 403] * 4, (name, kind.object)
        assert answers[1].streaming is allowed
        page = client.get(base).content.decode()
        assert (f'href="{base}export/choose/' in page) is allowed
        assert ("export_selected" in page) is allowed
    mine = client.get("/admin/exports/")
    assert mine.status_code == (200 if "export_customer" in roles.codenames(name) else 403)
    assert ('href="/admin/exports/"' in client.get("/admin/").content.decode()) is (mine.status_code == 200)


def test_personal_data_is_in_few_hands() -> None:
    assert {name for name in ROLES if "view_pii" in roles.codenames(name)} == {"Billing", "Operator"}
    assert {name for name in ROLES if "schedule_export" in roles.codenames(name)} == {"Billing", "Finance", "Operator"}
    assert {name for name in ROLES if "view_exportrecord" in roles.codenames(name)} == {"Operator"}


def test_without_view_pii_personal_columns_are_marked_and_written_masked() -> None:
    customers(2)
    masked = browser(person("masked", "view_customer", "export_customer"))
    page = shown(masked)
    assert "the permission view_pii" in page
    assert "masked</span>" in page
    for text in (
        page.split("data-export-preview")[1],
        text_of(masked.post(DIALOG, chosen())),
        text_of(masked.get(AT_ONCE)),
    ):
        assert "example.com" not in text
        assert "Name 0000" not in text
        assert "cus_00001" in text
    assert not ExportRecord.objects.filter(personal=True).exists()


def test_a_stranger_is_sent_to_the_login() -> None:
    for url in (DIALOG, AT_ONCE, "/admin/exports/"):
        assert Client().get(url).url.startswith("/admin/login/")


# --- the log ------------------------------------------------------------------------------------------------------


def test_who_took_what_is_in_the_log_before_it_leaves(user: User, exporter: Client) -> None:
    made = customers(3, address={"country": "DE"})
    exporter.post(DIALOG + "?country=DE&q=Name", chosen("id", "email"), REMOTE_ADDR="192.0.2.7")
    record = ExportRecord.objects.get()
    assert (record.user, record.user_name, record.ip_address) == (user, "exporter", "192.0.2.7")
    assert (record.action, record.model_name, record.rows) == ("streamed", "customer", 3)
    assert (record.query, record.columns, record.file_format) == ("country=DE&q=Name", ["id", "email"], "csv")
    assert record.personal
    exporter.post(f"{DIALOG}?ids={made[0]}", chosen("id", format="xlsx"))
    ticked = ExportRecord.objects.latest("id")
    assert (ticked.ids, ticked.rows, ticked.file_format, ticked.personal) == ([made[0]], 1, "xlsx", False)


def test_the_log_is_read_and_filtered_by_who_may_and_changed_by_nobody(user: User, exporter: Client) -> None:
    customers(1)
    exporter.get(AT_ONCE + "?q=Name")
    record = ExportRecord.objects.get()
    log, page = display.list_url(ExportRecord), display.object_url(record)
    assert exporter.get(log).status_code == 403
    reader = browser(person("reader", "view_exportrecord"))
    assert "exporter" in reader.get(page).content.decode()
    for query in ("", "?action=streamed", "?model_name=customer", f"?person={user.pk}"):
        assert "q: Name" in reader.get(log + query).content.decode(), query
    assert "q: Name" not in reader.get(log + "?action=written").content.decode()
    assert reader.post(page, {"rows": "0"}).status_code in (403, 405)
    assert reader.post(display.admin_url(record, "delete", record.pk), {"post": "yes"}).status_code == 403
    assert ExportRecord.objects.get().rows == 1


def test_a_lost_permission_counts_at_once(user: User, exporter: Client) -> None:
    customers(1)
    without(user, "export_customer")
    assert exporter.post(DIALOG, chosen()).status_code == 403
