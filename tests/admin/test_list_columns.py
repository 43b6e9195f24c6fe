"""Columns that people choose, and that stay chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stripe_mirror.admin import display
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Change, Customer, Invoice
from tests.admin import rows

MODELS = {kind.object: kind.model for kind in all_kinds()}
URL = display.list_url(Invoice)
COLUMNS = f"{URL}lists/columns/"


def headings(client: Client, query: str = "", model: Any = Invoice) -> list[str]:
    html = client.get(display.list_url(model) + query).content.decode()
    found = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]*)', html.split("<tbody>")[0])
    return [text.strip() for text in found if text.strip()]


def offered(client: Client, url: str = COLUMNS) -> list[str]:
    return re.findall(r'name="order" value="([^"]+)"', client.get(url).content.decode())


def choose(client: Client, *names: str, url: str = COLUMNS) -> Any:
    return client.post(url, {"order": names, "column": names, "save": "1"})


def test_chosen_columns_stay_for_the_person_and_the_kind(boss: Client, staff: Callable[..., Client]) -> None:
    made = rows.one_of_each()
    other = staff("other", "view_invoice")
    usual = headings(boss)
    assert choose(boss, "subscription", "billing_reason", "metadata.plan", "number")["Location"] == f"{URL}?view=all"
    html = boss.get(URL).content.decode()
    assert headings(boss) == ["Subscription", "Billing reason", "plan", "Number"]
    assert "Subscription cycle" in html or "subscription_cycle" in html
    # The first column carries the link to the row, and no link inside it.
    assert f'<a href="{display.object_url(made["invoice"])}">' in html
    assert headings(other) == usual
    assert boss.get(f"{display.list_url(Customer)}lists/columns/").status_code == 200
    boss.post(COLUMNS, {"reset": "1"})
    assert headings(boss) == usual


def test_all_derived_columns_and_keys_of_the_metadata_are_offered(boss: Client) -> None:
    rows.customer(metadata={"plan": "pro", "<b>": "1"})
    html = boss.get(f"{display.list_url(Customer)}lists/columns/").content.decode()
    for name in ("email", "phone", "currency", "delinquent", "default_payment_method", "created", "stripe_id"):
        assert f'name="order" value="{name}"' in html, name
    assert '<option value="plan">' in html
    assert "&lt;b&gt;" in html
    assert choose(boss, "metadata.plan", url=f"{display.list_url(Customer)}lists/columns/").status_code == 302
    assert ">pro<" in boss.get(display.list_url(Customer)).content.decode()


def test_without_scripts_columns_move_by_buttons_and_keys_are_added(boss: Client) -> None:
    rows.invoice()
    names = offered(boss)
    moved = boss.post(COLUMNS, {"order": names, "column": names[:2], "down": names[0]}).content.decode()
    order = re.findall(r'name="order" value="([^"]+)"', moved)
    assert order[:2] == [names[1], names[0]]
    assert moved.count("checked") == 2
    added = boss.post(COLUMNS, {"order": names, "column": names[:2], "add": "1", "key": " plan "}).content.decode()
    assert 'value="metadata.plan" checked' in added
    for key in ("", "k" * 41, "a\x00b"):
        answer = boss.post(COLUMNS, {"order": names, "column": names[:2], "add": "1", "key": key}).content.decode()
        assert "Write a key" in answer
    assert "at least one column" in boss.post(COLUMNS, {"order": names, "save": "1"}).content.decode()
    # Nothing of that was saved.
    assert headings(boss)[0] == "Number"


def test_columns_that_do_not_exist_are_not_kept(boss: Client) -> None:
    rows.invoice()
    choose(boss, "number", "password", "customer__email", "total")
    assert headings(boss) == ["Number", "Total"]
    assert headings(boss, "?col=total&col=gone&col=number") == ["Total", "Number"]


def test_who_may_not_see_a_list_may_not_choose_its_columns(staff: Callable[..., Client]) -> None:
    clerk = staff("clerk", "view_customer")
    assert clerk.get(COLUMNS).status_code == clerk.post(COLUMNS, {"reset": "1"}).status_code == 403
    assert Client().get(COLUMNS).status_code == 302


@pytest.mark.parametrize("object_type", sorted(MODELS))
def test_s60_with_all_columns_chosen_a_list_takes_at_most_12_queries(
    role: Callable[[str], Client], object_type: str
) -> None:
    operator, made = role("Operator"), rows.one_of_each()
    first, url = made[object_type], display.list_url(MODELS[object_type])
    for n in range(3):
        rows.store({**first.data, "id": f"more_{n}"})
    choose(operator, *offered(operator, f"{url}lists/columns/"), url=f"{url}lists/columns/")
    with CaptureQueriesContext(connection) as queries:
        answer = operator.get(url)
    assert answer.status_code == 200
    assert len(queries) <= 12, [q["sql"][:120] for q in queries]


def test_an_open_list_follows_the_objects_that_chosen_columns_show(boss: Client) -> None:
    made = rows.one_of_each()
    choose(boss, "number", "subscription")
    html = boss.get(URL).content.decode()
    cursor, relations = (re.search(rf'data-live-{name}="([^"]*)"', html) for name in ("cursor", "relations"))
    assert cursor and relations
    assert "subscription" in relations[1].split(",")
    row = made["subscription"]
    now = {"happened_at": timezone.now(), "recorded_at": timezone.now()}
    own = {"object_type": "subscription", "object_id": row.pk, "action": "updated", "version": 2, "source": "api"}
    Change.objects.create(**own, **now)

    def changed(relations: str) -> list[str]:
        return list(boss.get(f"{URL}live/", {"since": cursor[1], "relations": relations}).json()["changed"])

    assert changed(relations[1]) == [made["invoice"].pk]
    # Only what an index finds by can be asked for.
    assert changed("nonsense,latest_invoice") == []
