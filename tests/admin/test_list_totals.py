"""Counting exactly, and sums per currency, of all rows that a list's filter finds."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.db import connection
from django.test import Client

from stripe_mirror.admin import display, paging
from stripe_mirror.admin.lists import deadline, totals
from stripe_mirror.models import Charge, Customer, Product
from tests.admin import rows

URL = f"{display.list_url(Charge)}lists/totals/"


def table(html: str) -> list[list[str]]:
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", line, re.S) for line in body.split("<tr>")[1:]]
    return [[unescape(re.sub(r"<[^>]+>|\s+(?=<)", "", cell)).strip() for cell in line] for line in cells]


def test_s53_all_filtered_rows_are_summed_per_currency(boss: Client) -> None:
    for n in range(30):
        rows.charge(f"ch_{n}", amount=1_000, amount_captured=1_000, amount_refunded=100 if n < 2 else 0)
    rows.charge("ch_yen", amount=500, currency="jpy")
    rows.charge("ch_failed", amount=99_999, status="failed")
    html = boss.get(f"{URL}?status=succeeded").content.decode()
    found = {line[0]: line for line in table(html)}
    assert "<strong>31</strong>" in html
    assert found["JPY"][1] == "1"
    assert found["JPY"][2].startswith("¥500")
    assert found["USD"][1] == "30"
    assert found["USD"][2].startswith("$300.00")
    assert found["USD"][-1].startswith("$2.00")
    assert not any("800" in cell for line in found.values() for cell in line)


def test_rows_beyond_the_limit_are_counted_on_demand(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LIMIT", 30)
    for n in range(40):
        rows.product(f"prod_{n}")
    html = boss.get(display.list_url(Product)).content.decode()
    assert "30+" in html
    assert "Count exactly" in html
    assert "<strong>40</strong>" in boss.get(f"{display.list_url(Product)}lists/totals/").content.decode()


def test_what_takes_too_long_is_not_counted_and_says_so(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        rows.charge(f"ch_{n}")
    monkeypatch.setattr(totals, "SECONDS", -1)
    monkeypatch.setattr(deadline, "STEPS", 1)
    if connection.vendor == "postgresql":
        # The server's clock is too coarse for three rows.
        monkeypatch.setattr(totals, "totals_of", _slow)
    html = boss.get(URL).content.decode()
    assert "More than 10,000, too many to count quickly" in html
    # The connection is as before.
    monkeypatch.undo()
    assert "<strong>3</strong>" in boss.get(URL).content.decode()


def _slow(rows: object) -> list[totals.Total]:
    with deadline.time_limit(0.01), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    return []


def test_a_filter_that_is_not_understood_counts_nothing(boss: Client) -> None:
    rows.charge()
    assert "nothing was counted" in boss.get(f"{URL}?nonsense=1").content.decode()


def test_totals_are_for_who_may_see_the_list(staff: Callable[..., Client]) -> None:
    assert staff("clerk", "view_customer").get(URL).status_code == 403
    assert staff("teller", "view_charge").get(URL).status_code == 200


def test_customers_without_a_currency_are_counted_among_the_others(boss: Client) -> None:
    rows.customer("cus_a", balance=-500)
    rows.customer("cus_b", currency=None)
    html = boss.get(f"{display.list_url(Customer)}lists/totals/").content.decode()
    assert [line[:2] for line in table(html)] in (
        [["No currency", "1"], ["USD", "1"]],
        [["USD", "1"], ["No currency", "1"]],
    )
