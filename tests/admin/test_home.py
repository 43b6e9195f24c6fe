"""Home: the figures of a period, with definitions and rows behind them, for those who may see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from stripe_mirror.admin.home.definitions import DEFINITIONS
from stripe_mirror.admin.home.links import NEEDS
from stripe_mirror.admin.home.period import BY_DAY, period_of
from stripe_mirror.figures import work
from stripe_mirror.models import InboxEvent, Push
from tests.admin import rows
from tests.figures.subscribing import change, compute, items, seconds, subscribe

DOCS = Path(__file__).resolve().parents[2] / "docs" / "figures.md"
TODAY = timezone.now().replace(hour=0, minute=0, second=1, microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def company(db: None) -> None:
    """Two customers in dollars, one in yen, with a history of forty days; computed."""
    rows.customer("cus_Ada")
    rows.customer("cus_Eve", name="<script>alert(1)</script>")
    subscribe("sub_1", at=TODAY - 60 * DAY, amount=2900)
    subscribe("sub_2", at=TODAY - 40 * DAY, amount=10000, customer="cus_Eve")
    subscribe("sub_3", at=TODAY - 40 * DAY, amount=500, customer="cus_Yen", currency="jpy")
    paid = {"amount": 10000, "amount_captured": 10000, "created": seconds(TODAY - 3 * DAY)}
    rows.charge("ch_1", **paid)
    rows.charge("ch_2", amount=4900, status="failed", captured=False, created=seconds(TODAY - 2 * DAY))
    rows.refund("re_1", amount=1500, status="succeeded", created=seconds(TODAY - DAY))
    rows.dispute("du_1", amount=2500, status="needs_response", created=seconds(TODAY - DAY))
    due = {"status": "open", "amount_remaining": 700, "attempt_count": 1, "next_payment_attempt": None}
    rows.invoice("in_due", **due)
    work.work(seconds=60)
    change("sub_1", TODAY - 10 * DAY, items=items(4900))
    change("sub_2", TODAY - 5 * DAY, status="canceled", ended_at=seconds(TODAY - 5 * DAY))
    compute()


def home(client: Client, **params: str) -> str:
    answer = client.get("/admin/", params)
    assert answer.status_code == 200
    return answer.content.decode()


def figures(html: str) -> dict[str, str]:
    """Name → value of each card."""
    cards = re.findall(r'<li class="sm-card sm-figure">(.*?)</li>', html, re.S)
    texts = [re.sub(r"<div id=.*?</div>|<[^>]+>", " ", card, flags=re.S) for card in cards]
    names = [re.search(r"<h3>(.*?)</h3>", card) for card in cards]
    return {name.group(1): " ".join(text.split()) for name, text in zip(names, texts, strict=True) if name}


def test_home_shows_the_figures_of_a_period_in_one_currency(company: None, boss: Client) -> None:
    html = home(boss, currency="usd")
    found = figures(html)
    assert "$49.00 -$80.00 from $129.00" in found["MRR"]
    assert "1 -1 from 2" in found["Subscribers"]
    assert "50.0% 1 of 2 customers" in found["Churn rate"]
    assert "$85.00 $100.00 paid, $15.00 given back" in found["Net payments"]
    assert "$49.00 1 attempt" in found["Failed payments"]
    assert "$15.00 1 refund" in found["Refunds"]
    assert "$25.00 1 opened" in found["Disputes"]
    assert "$25.00 now, in 1 dispute" in found["Disputes due"]
    assert "$7.00 now, on 1 invoice" in found["Past due"]
    assert "1 now; 2 in all currencies" in found["Active subscriptions"]
    # Before the change of the price, and after it.
    assert found["MRR"] != figures(home(boss, currency="usd", period="custom", **{"from": "2020-01-01"}))["MRR"]
    assert "¥500" in figures(home(boss, currency="jpy"))["MRR"]
    for chart in ("mrr", "movements", "payments", "failed"):
        assert f'id="chart-{chart}-title"' in html
    assert "Expansion $20.00" in html
    assert "<script>alert" not in html


def test_each_figure_has_its_definition_and_its_rows_and_both_are_documented(company: None, boss: Client) -> None:
    html, documented = home(boss, currency="usd"), DOCS.read_text().lower()
    for key, definition in DEFINITIONS.items():
        assert str(definition.label).lower() in documented, key
    shown = [key for key in DEFINITIONS if key != "movements"]
    for key in shown:
        popover = html.split(f'id="what-{key}"')[1].split("</div>")[0]
        assert f'popovertarget="what-{key}"' in html
        behind = re.search(r'href="([^"]+)"', popover)
        assert behind, key
        assert boss.get(behind.group(1).replace("&amp;", "&")).status_code == 200, key


def test_the_rows_behind_add_up_to_their_figure(company: None, boss: Client) -> None:
    html = home(boss, currency="usd")
    churned = re.search(r'href="(/admin/home/rows/movements/[^"]*nature=churn[^"]*)"', html)
    assert churned
    behind = boss.get(churned.group(1).replace("&amp;", "&")).content.decode()
    assert "&lt;script&gt;" in behind
    assert "-$100.00" in behind
    assert behind.count("<tr>") == 2
    assert "Ada Lovelace" in boss.get("/admin/home/rows/mrr/", {"currency": "usd"}).content.decode()
    assert "ADA-0001" in boss.get("/admin/home/rows/past_due/").content.decode()


def test_pages_of_rows_follow_each_other(company: None, boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stripe_mirror.admin.home.rows.PER_PAGE", 2)
    first = boss.get("/admin/home/rows/movements/?currency=usd").content.decode()
    older = re.search(r'href="(\?[^"]+p=2[^"]*)"', first)
    assert older
    second = boss.get("/admin/home/rows/movements/" + older.group(1).replace("&amp;", "&")).content.decode()
    assert first.count("<tr>") == second.count("<tr>") == 3
    assert "p=1" in second
    for odd in ("?p=-1", "?p=x", "?p=99999999", "?currency=%00", "?nature=x", "?from=2020-13-01&to=x"):
        assert boss.get("/admin/home/rows/movements/" + odd).status_code == 200
    assert boss.get("/admin/home/rows/secrets/").status_code == 404


def test_before_anything_is_computed_home_says_so(db: None, boss: Client) -> None:
    assert "data-computing" in home(boss)
    subscribe()
    assert "data-computing" in home(boss)
    compute()
    html = home(boss)
    assert "data-computing" not in html
    assert "$29.00" in figures(html)["MRR"]


def test_odd_addresses_show_the_usual_period(company: None, boss: Client) -> None:
    for params in ({"period": "x"}, {"period": "custom", "from": "x", "to": "9999-12-31"}, {"currency": "x\x00"}):
        assert figures(home(boss, **params))
    for period in ("7", "90", "12m", "this_month", "last_month"):
        assert figures(home(boss, period=period))
    today = TODAY.date()
    for key in ("90", "12m"):
        period = period_of({"period": key}, today=today)
        assert period.last == today
        buckets = [period.bars(), period.points()]
        for found in buckets:
            covered = [found[0].first, *(bucket.last + DAY for bucket in found)]
            assert covered[0] == period.first
            assert covered[-1] == period.last + DAY
            assert covered[:-1] == [bucket.first for bucket in found]
            assert len(found) <= BY_DAY


def test_figures_are_shown_to_those_who_may_see_what_they_are_made_of(
    company: None, staff: Callable[..., Client]
) -> None:
    assert set(figures(home(staff("biller", "view_invoice")))) == {"Past due"}
    narrow = staff("narrow", "view_charge")
    html = home(narrow, currency="usd")
    assert set(figures(html)) == {"Failed payments"}
    assert "Disputes due" not in html
    # Sums of subscriptions, but not whose they are.
    summed = home(staff("summed", "view_subscription"), currency="usd")
    assert "MRR" in figures(summed)
    assert "/admin/home/rows/mrr/" not in summed
    for name in NEEDS:
        assert narrow.get(f"/admin/home/rows/{name}/").status_code == 403
    assert staff("outsider").get("/admin/home/rows/mrr/").status_code == 403
    assert Client().get("/admin/home/rows/mrr/").status_code == 302


def test_what_needs_a_look_is_counted_with_its_age(company: None, boss: Client, staff: Callable[..., Client]) -> None:
    now = timezone.now()
    asked = {"operation": "refund_charge", "object_type": "charge", "object_id": "ch_1", "created_at": now}
    Push.objects.create(**asked, state=Push.State.WAITING)
    Push.objects.create(**asked, state=Push.State.UNKNOWN)
    event = {"type": "customer.updated", "created": now, "received_at": now, "payload": {}, "livemode": False}
    InboxEvent.objects.create(id="evt_1", **event, state=InboxEvent.State.FAILED)
    html = home(boss)
    for label in (
        "Disputes due",
        "Stuck invoices",
        "Waiting for your approval",
        "Pushes being checked",
        "Failed events",
    ):
        assert re.search(rf"{label}</span>.*?<b>1</b>", html, re.S), label
    seen = home(staff("narrow", "view_push"))
    assert "Pushes being checked" in seen
    assert "Waiting for your approval" not in seen
    assert "Failed events" not in seen


def test_refresh_asks_the_worker_and_comes_back(company: None, boss: Client, staff: Callable[..., Client]) -> None:
    def queued() -> int:
        return DBTaskResult.objects.filter(task_path="stripe_mirror.tasks.compute_figures").count()

    assert boss.get("/admin/home/refresh/").status_code == 405
    answer = boss.post("/admin/home/refresh/", {"back": "/admin/?period=7"})
    assert (answer.status_code, answer.headers["Location"], queued()) == (302, "/admin/?period=7", 1)
    assert boss.post("/admin/home/refresh/", {"back": "https://evil.example/"}).headers["Location"] == "/admin/"
    before = queued()
    staff("outsider").post("/admin/home/refresh/")
    assert queued() == before


def test_home_reads_what_is_stored_however_long_the_history(
    company: None, boss: Client, django_assert_max_num_queries: Any
) -> None:
    boss.get("/admin/")
    with django_assert_max_num_queries(35):
        boss.get("/admin/?period=12m")
