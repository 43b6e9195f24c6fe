"""The Health page, and the badge that leads to it from every other one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stripe_mirror.admin import display
from stripe_mirror.inbox.health import report
from stripe_mirror.inbox.health.finding import Finding, Level, problem, warning
from stripe_mirror.models import HealthReport, InboxEvent, SyncRun
from tests.admin.conftest import KEYS

pytestmark = pytest.mark.django_db

PAGE = "/admin/stripe_mirror/healthreport/"


def found(*levels: str) -> None:
    """As if the worker had just found this."""
    report.store(report.LOCAL, [Finding(code="x", level=Level(level), what="x") for level in levels])


@pytest.mark.parametrize(
    ("levels", "tone", "text"),
    [
        (["ok"], "success", "Healthy"),
        (["ok", "warning"], "warning", "1 warning"),
        (["warning", "problem", "problem"], "danger", "2 problems"),
    ],
)
def test_badge_has_a_colour_and_a_number(boss: Client, levels: list[str], tone: str, text: str) -> None:
    found(*levels)
    html = boss.get("/admin/stripe_mirror/customer/").content.decode()
    _, badge = html.split('class="sm-health ')
    assert badge.startswith(f'sm-{tone}"')
    assert text in badge.split("</a>")[0]


def test_badge_is_red_where_nobody_checks_any_more(boss: Client) -> None:
    assert "1 problem" in boss.get("/admin/").content.decode()


def test_badge_leads_only_operators_to_the_page(role: Callable[[str], Client]) -> None:
    found("problem")
    for name, may in (("Viewer", False), ("Operator", True)):
        client = role(name)
        html = client.get("/admin/").content.decode()
        assert "1 problem" in html
        assert (f'href="{PAGE}"' in html) is may
        assert client.get(PAGE).status_code == (200 if may else 403)
        assert client.post(f"{PAGE}check/").status_code == (302 if may else 403)


def test_page_shows_what_is_wrong_since_when_what_to_do_and_the_way_there(boss: Client) -> None:
    now = timezone.now()
    InboxEvent.objects.create(
        id="evt_1", type="x", livemode=False, created=now, received_at=now, payload={}, state="failed"
    )
    report.store("endpoint", [warning("endpoint", "It is slow.", "Do something.", since=now)])
    html = boss.get(PAGE).content.decode()
    assert "1 event given up" in html
    assert display.list_url(InboxEvent, {"state": "failed"}) in html
    assert "No worker is at work" in html
    assert display.admin_url(SyncRun, "backfill") in html
    assert "It is slow." in html
    assert display.moment_text(now) in html


def test_page_asks_stripe_nothing_and_shows_no_key(boss: Client) -> None:
    # No sandbox runs: a call would fail.
    key = "sk_" + "test_abcdefgh12345678"
    report.store("account", [problem("account", f"Invalid API Key provided: {key}", "Mend it.")])
    assert KEYS.search(str(HealthReport.objects.get(name="account").findings)) is None
    assert KEYS.search(boss.get(PAGE).content.decode()) is None


def test_check_now_looks_at_our_tables_and_asks_the_worker_for_the_rest(boss: Client) -> None:
    assert boss.get(f"{PAGE}check/").status_code == 405
    boss.post(f"{PAGE}check/")
    assert HealthReport.objects.get().name == report.LOCAL
    assert DBTaskResult.objects.get().task_path == "stripe_mirror.tasks.check_health_now"
    assert boss.get(f"{PAGE}local/change/").status_code == 302
