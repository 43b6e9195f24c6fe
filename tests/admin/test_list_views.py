"""Saved views: private and shared, opened first, changed, and those that everybody has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.test import Client

from backoffice.roles import ROLES, codenames
from stripe_mirror.admin import display
from stripe_mirror.admin.lists.ready import READY
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Invoice, SavedView
from tests.admin import rows

URL = display.list_url(Invoice)
VIEWS = f"{URL}lists/views/"


def listed(client: Client, query: str = "", url: str = URL) -> Any:
    answer: Any = client.get(url + query, follow=True)
    assert answer.status_code == 200
    return answer.context_data["cl"]


def save(client: Client, name: str, query: str, **more: str) -> SavedView:
    answer = client.post(f"{VIEWS}?{query}", {"name": name, **more})
    assert answer.status_code == 302, answer.status_code
    return SavedView.objects.get(name=name)


def tabs(client: Client) -> list[str]:
    return [tab.name for tab in listed(client, "?view=all").state.tabs]


def test_a_view_keeps_filters_search_order_and_columns(boss: Client) -> None:
    rows.invoice("in_open", status="open", number="A-1")
    rows.invoice("in_paid", number="A-2")
    view = save(boss, "Mine", "q=A-&status=open&o=created&col=total&col=number&p=3")
    assert view.query == "o=created&q=A-&status=open"
    url = next(tab.url for tab in listed(boss, "?view=all").state.tabs if tab.name == "Mine")
    cl = listed(boss, url.removeprefix(URL))
    assert [row.pk for row in cl.result_list] == ["in_open"]
    assert [column.__name__ for column in cl.list_display if column != "action_checkbox"] == ["total", "number"]
    assert cl.queryset.query.order_by == ("created", "id")
    assert not cl.state.changed
    assert listed(boss, url.removeprefix(URL) + "&deleted=no").state.changed
    assert listed(boss, url.removeprefix(URL) + "&col=number").state.changed
    assert "Unsaved changes" in boss.get(f"{url}&deleted=no").content.decode()


def test_a_view_is_updated_renamed_and_deleted_by_its_owner(boss: Client) -> None:
    view = save(boss, "Mine", "status=open")
    at = f"{VIEWS}{view.pk}"
    assert boss.post(f"{at}/update/?view={view.pk}&status=paid&p=2").status_code == 302
    boss.post(f"{at}/rename/", {"name": "  Paid ones "})
    view.refresh_from_db()
    assert (view.query, view.name) == ("status=paid", "Paid ones")
    boss.post(f"{at}/rename/", {"name": ""})
    save(boss, "Other", "status=open")
    boss.post(f"{at}/rename/", {"name": "Other"})
    view.refresh_from_db()
    assert view.name == "Paid ones"
    assert boss.get(f"{at}/delete/").status_code == 405
    boss.post(f"{at}/delete/")
    assert [v.name for v in SavedView.objects.all()] == ["Other"]


def test_others_see_shared_views_only_and_change_none(role: Callable[[str], Client]) -> None:
    billing, support = role("Billing"), role("Support")
    mine, ours = save(billing, "Private", "status=open"), save(billing, "Everyone's", "status=paid", shared="on")
    assert "Everyone's" in tabs(support)
    assert "Private" not in tabs(support)
    assert "isn't there any more" in listed(support, f"?view={mine.pk}").ignored[0]
    for what in ("update", "rename", "share", "unshare", "delete"):
        assert support.post(f"{VIEWS}{mine.pk}/{what}/", {"name": "x"}).status_code == 404, what
        assert support.post(f"{VIEWS}{ours.pk}/{what}/", {"name": "x"}).status_code == 403, what
    assert support.post(VIEWS, {"name": "x", "shared": "on"}).status_code == 403
    own = save(support, "Own", "")
    assert support.post(f"{VIEWS}{own.pk}/share/").status_code == 403
    assert support.post(f"{VIEWS}{own.pk}/nonsense/").status_code == 404
    # Who may share may also change what is shared, whoever saved it; nobody else's private views.
    finance = role("Finance")
    assert finance.post(f"{VIEWS}{own.pk}/delete/").status_code == 404
    assert finance.post(f"{VIEWS}{ours.pk}/unshare/")["Location"] == f"{URL}?view=all"
    assert "Everyone's" not in tabs(support)
    assert "Everyone's" in tabs(billing)


def test_who_may_not_see_the_list_saves_no_view_of_it(staff: Callable[..., Client]) -> None:
    clerk = staff("clerk", "view_customer")
    for url in (VIEWS, f"{VIEWS}first/", f"{VIEWS}1/delete/"):
        assert clerk.post(url, {"name": "x"}).status_code == 403
    assert not SavedView.objects.exists()


def test_sharing_is_for_who_leads_a_subject() -> None:
    sharing = {role.name for role in ROLES if "share_savedview" in codenames(role.name)}
    assert sharing == {"Billing", "Finance", "Catalog", "Operator"}


def test_the_chosen_view_opens_first_and_all_gets_back(boss: Client) -> None:
    rows.invoice("in_open", status="open")
    rows.invoice("in_paid")
    boss.post(f"{VIEWS}first/?view=open&status=open")
    assert [row.pk for row in listed(boss).result_list] == ["in_open"]
    assert len(listed(boss, "?view=all").result_list) == len(listed(boss, "?q=").result_list) == 2
    # Columns of one's own don't get in the way, nor does a view that is gone.
    boss.post(f"{URL}lists/columns/?view=all", {"order": ["number"], "column": ["number"], "save": "1"})
    assert [row.pk for row in listed(boss).result_list] == ["in_open"]
    boss.post(f"{VIEWS}first/?view=open&status=open")
    assert len(listed(boss).result_list) == 2
    SavedView.objects.update(first_view="4711")
    assert len(listed(boss).result_list) == 2


def test_a_view_whose_filters_are_gone_opens_with_what_still_works(boss: Client) -> None:
    rows.invoice("in_open", status="open")
    rows.invoice("in_paid")
    view = save(boss, "Old", "status=open")
    SavedView.objects.update(query="status=open&channel=web&created_in=last_decade", columns=["number", "channel"])
    boss.post(f"{VIEWS}first/?view={view.pk}")
    cl = listed(boss)
    assert [row.pk for row in cl.result_list] == ["in_open"]
    assert len(cl.ignored) == 3
    assert [column.__name__ for column in cl.list_display[1:]] == ["number"]


@pytest.mark.parametrize("object_type", sorted(READY))
def test_the_ready_views_of_a_kind_open_without_complaint(boss: Client, object_type: str) -> None:
    rows.one_of_each()
    model = get_kind(object_type).model
    for view in READY[object_type]:
        cl = listed(boss, f"?view={view.key}&{view.query}", display.list_url(model))
        assert cl.ignored == [], view
        assert (cl.state.key, cl.state.changed) == (view.key, False)
        named = {name for name, _ in parse_qsl(view.query)}
        known = {name for spec in cl.filter_specs for name in spec.expected_parameters()}
        assert named <= known, view
        assert len(cl.chips) == len(named)
