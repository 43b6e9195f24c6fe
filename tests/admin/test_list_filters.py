"""Filters of lists: chips in words, ranges of days and amounts, relations by suggestion, and odd addresses."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stripe_mirror.admin import display
from stripe_mirror.admin.lists.dates import SPANS, Days
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Charge, Invoice, Payout
from tests.admin import rows

MODELS = {kind.object: kind.model for kind in all_kinds()}
TODAY = datetime.now(UTC)


def listed(client: Client, model: Any, query: str = "") -> Any:
    answer: Any = client.get(display.list_url(model) + query)
    assert answer.status_code == 200, (query, answer.status_code)
    return answer.context_data["cl"]


def ids(client: Client, model: Any, query: str = "") -> list[str]:
    return [row.pk for row in listed(client, model, query).result_list]


def chips(client: Client, model: Any, query: str) -> dict[str, str]:
    return {chip.label: chip.remove for chip in listed(client, model, query).chips}


def ignored(client: Client, model: Any, query: str) -> list[str]:
    return list(listed(client, model, query).ignored)


def test_each_condition_is_a_chip_in_words_that_removes_only_itself(boss: Client) -> None:
    rows.customer(name="Ada & Sons")
    rows.invoice(status="open", total=9_900)
    created, amount = "created_from=2026-02-01&created_to=2099-02-28", "amount_min=50&amount_currency=usd"
    query = f"?q=ada&status=open&{created}&{amount}&customer=cus_Ada"
    found = chips(boss, Invoice, query)
    assert list(found) == [
        "Search: ada",
        "Status: Open",
        "Created: 1 Feb 2026 – 28 Feb 2099",
        "Total: ≥ $50.00",
        "Customer: Ada & Sons",
    ]
    assert "Ada &amp; Sons" in boss.get(display.list_url(Invoice) + query).content.decode()
    for label, remove in found.items():
        assert set(chips(boss, Invoice, remove)) == set(found) - {label}
    cl = listed(boss, Invoice, query)
    assert chips(boss, Invoice, cl.clear_url) == {}


def test_a_condition_that_is_no_choice_is_a_chip_too(boss: Client) -> None:
    rows.invoice()
    rows.invoice("in_yen", currency="jpy")
    assert list(chips(boss, Invoice, "?status__in=paid,open&currency=gbp&number=ADA-0001")) == [
        "Currency: GBP",
        "Status: paid, open",
        "Number: ADA-0001",
    ]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (Days(date(2027, 5, 1), date(2027, 5, 31)), "1–31 May 2027"),
        (Days(date(2027, 5, 3), date(2027, 5, 3)), "3 May 2027"),
        (Days(date(2027, 5, 3)), "from 3 May 2027"),
        (Days(None, date(2027, 5, 3)), "until 3 May 2027"),
        (Days(date(2026, 12, 30), date(2027, 1, 2)), "30 Dec 2026 – 2 Jan 2027"),
    ],
)
def test_days_read_as_people_write_them(days: Days, words: str) -> None:
    assert days.words == words


def test_named_spans_are_counted_from_today() -> None:
    today = date(2028, 3, 31)
    found = {name: (span.days(today).first, span.days(today).last) for name, span in SPANS.items()}
    assert found == {
        "past": (None, date(2028, 3, 30)),
        "today": (today, today),
        "yesterday": (date(2028, 3, 30), date(2028, 3, 30)),
        "last_7_days": (date(2028, 3, 25), today),
        "next_7_days": (today, date(2028, 4, 6)),
        "next_30_days": (today, date(2028, 4, 29)),
        "this_month": (date(2028, 3, 1), today),
        "last_month": (date(2028, 2, 1), date(2028, 2, 29)),
        "this_year": (date(2028, 1, 1), date(2028, 12, 31)),
    }


def test_s15_a_due_date_is_a_range_of_whole_days_the_nearest_first(boss: Client) -> None:
    now = int(TODAY.timestamp())
    for name, due in (
        ("late", now - 3 * 86_400),
        ("soon", now + 86_400),
        ("sooner", now + 60),
        ("far", now + 40 * 86_400),
    ):
        rows.invoice(f"in_{name}", status="open", due_date=due)
    rows.invoice("in_never", due_date=None)
    assert ids(boss, Invoice, "?due_date_in=past") == ["in_late"]
    assert ids(boss, Invoice, "?due_date_in=next_7_days") == ["in_sooner", "in_soon"]
    assert ids(boss, Invoice, "?due_date_in=next_7_days&o=-due_date") == ["in_soon", "in_sooner"]
    day = f"{(TODAY + timedelta(days=40)).date()}"
    assert ids(boss, Invoice, f"?due_date_from={day}&due_date_to={day}") == ["in_far"]


def test_a_bank_day_is_the_same_in_every_zone(boss: Client, settings: Any) -> None:
    settings.TIME_ZONE = "America/Los_Angeles"
    rows.payout(arrival_date=int(datetime(2027, 5, 3, tzinfo=UTC).timestamp()))
    assert ids(boss, Payout, "?arrival_date_from=2027-05-03&arrival_date_to=2027-05-03")
    assert not ids(boss, Payout, "?arrival_date_to=2027-05-02")


def test_s53_amounts_are_compared_in_one_currency_the_highest_first(boss: Client) -> None:
    for id, amount, currency in (
        ("a", 4_990, "usd"),
        ("b", 9_000, "usd"),
        ("c", 5_000, "usd"),
        ("d", 50, "jpy"),
        ("e", 5_000, "kwd"),
    ):
        rows.charge(f"ch_{id}", amount=amount, currency=currency)
    assert ids(boss, Charge, "?amount_min=50&amount_currency=usd") == ["ch_b", "ch_c"]
    assert ids(boss, Charge, "?amount_min=50&amount_currency=usd&o=amount") == ["ch_c", "ch_b"]
    assert ids(boss, Charge, "?amount_min=49.9&amount_max=49.90&amount_currency=usd") == ["ch_a"]
    assert ids(boss, Charge, "?amount_min=50&amount_currency=jpy") == ["ch_d"]
    assert ids(boss, Charge, "?amount_max=5&amount_currency=KWD") == ["ch_e"]
    # The currency that the list is filtered by stands for the one that isn't chosen.
    assert ids(boss, Charge, "?amount_min=50&currency=jpy") == ["ch_d"]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("amount_min=50", "currency"),
        ("amount_min=50&amount_currency=dollars", "currency"),
        ("amount_min=5.5&amount_currency=jpy", "JPY has no decimals"),
        ("amount_min=1.234&amount_currency=usd", "USD has 2 decimals"),
        ("amount_max=much&amount_currency=usd", "as a number"),
        ("amount_min=NaN&amount_currency=usd", "as a number"),
        ("amount_min=9&amount_max=8&amount_currency=usd", "at most 8.00"),
        ("amount_min=1e400&amount_currency=usd", "more USD than"),
    ],
)
def test_an_amount_that_is_none_filters_nothing_and_is_said_at_its_field(
    boss: Client, query: str, problem: str
) -> None:
    rows.charge("ch_one")
    rows.charge("ch_two", currency="jpy")
    html = unescape(boss.get(f"{display.list_url(Charge)}?{query}").content.decode())
    assert re.search(rf'class="sm-errors" id="error-amount_\w+">[^<]*{re.escape(problem)}', html, re.I), html
    assert len(ids(boss, Charge, f"?{query}")) == 2
    assert any(problem in sentence for sentence in ignored(boss, Charge, f"?{query}"))


@pytest.mark.parametrize(
    "query",
    [
        "created_from=31.5.2027",
        "created_from=2027-05-02&created_to=2027-05-01",
        "created_in=last_decade",
        "deleted=perhaps",
        "nonsense=1",
        "customer__name=Ada",
        "created__gte=x",
        "created__year__nonsense=x",
        "data__client_secret__startswith=x",
        "status=%00",
        "o=amount_remaining",
        "o=99",
        "view=999999",
        "view=nonsense",
        "col=nonsense",
    ],
)
def test_s18_what_an_address_asks_for_in_vain_is_left_out_and_said(boss: Client, query: str) -> None:
    rows.invoice()
    assert ids(boss, Invoice, f"?{query}") == ["in_Tea"]
    assert len(ignored(boss, Invoice, f"?{query}")) == 1
    assert "This was left out" in boss.get(f"{display.list_url(Invoice)}?{query}").content.decode()


@pytest.mark.parametrize(
    "query", ["customer=%00", "p=x", "q=%00", "col=%00", "customer=" + "x" * 300, "amount_currency=%00"]
)
def test_s18_odd_values_answer(boss: Client, query: str) -> None:
    rows.invoice()
    assert boss.get(f"{display.list_url(Invoice)}?{query}").status_code == 200


def test_nothing_is_exported_or_done_by_a_list_whose_filters_are_not_all_understood(boss: Client) -> None:
    rows.invoice()
    for query in ("?nonsense=1", "?created_from=x", "?amount_min=5"):
        assert boss.get(f"{display.list_url(Invoice)}export/{query}").status_code == 302
        assert boss.get(f"{display.list_url(Invoice)}bulk/void_invoice/{query}").status_code == 302
        posted = {"action": "export_selected", "select_across": "1", "_selected_action": "in_Tea", "index": "0"}
        assert boss.post(display.list_url(Invoice) + query, posted).status_code == 302


def test_a_relation_is_suggested_by_its_own_search(boss: Client) -> None:
    rows.customer()
    for n in range(12):
        rows.customer(f"cus_{n}", name=f"Bob {n}", email=f"bob{n}@example.com")
    url = f"{display.list_url(Invoice)}lists/suggest/customer/"

    def found(text: str) -> list[dict[str, str]]:
        return list(boss.get(url, {"q": text}).json()["found"])

    assert found("lovel") == [{"id": "cus_Ada", "name": "Ada Lovelace", "more": "ada@example.com · cus_Ada"}]
    assert [one["id"] for one in found("BOB11@EXAMPLE")] == ["cus_11"]
    assert [one["id"] for one in found("cus_3")] == ["cus_3"]
    assert len(found("bob")) == 10
    assert found("a") == found("nobody") == found("\x00\x00") == []


def test_suggestions_are_for_who_may_see_both_kinds(staff: Callable[..., Client]) -> None:
    rows.customer()
    rows.invoice()
    url = f"{display.list_url(Invoice)}lists/suggest/customer/?q=lovel"
    clerk = staff("clerk", "view_invoice")
    assert clerk.get(url).status_code == 403
    assert staff("greeter", "view_customer").get(url).status_code == 403
    assert staff("both", "view_customer", "view_invoice").get(url).status_code == 200
    assert clerk.get(f"{display.list_url(Invoice)}lists/suggest/status/?q=lovel").status_code == 404
    # By id it can be filtered, without learning the name.
    assert list(chips(clerk, Invoice, "?customer=cus_Ada")) == ["Customer: cus_Ada"]
    assert "data-suggest" not in clerk.get(display.list_url(Invoice)).content.decode()


SET = {"dates": "{}_in=past", "amounts": "amount_min=1&amount_currency=usd", "relation": "{}=x"}


@pytest.mark.parametrize("object_type", ["invoice", "subscription", "dispute", "charge"])
def test_s60_with_any_filter_set_a_list_takes_at_most_12_queries(
    role: Callable[[str], Client], object_type: str
) -> None:
    operator, model = role("Operator"), MODELS[object_type]
    first = rows.one_of_each()[object_type]
    for spec in listed(operator, model).filter_specs:
        parameter = str(spec.expected_parameters()[0]).removesuffix("_in")
        value = first.customer_id if parameter == "customer" else "x"
        query = SET.get(getattr(spec, "control", ""), "{}=x").format(parameter).replace("=x", f"={value}")
        with CaptureQueriesContext(connection) as queries:
            operator.get(f"{display.list_url(model)}?{query}")
        # With none on the page there are no rows to read; the name on a relation's chip is read instead.
        assert len(queries) <= 12, (query, [q["sql"][:120] for q in queries])


def test_s60_a_range_is_one_walk_along_an_index_without_sorting(boss: Client) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # So few rows are read quicker without an index.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
    walked = 0
    for model in MODELS.values():
        specs = [spec for spec in listed(boss, model).filter_specs if getattr(spec, "orders_by", ())]
        for spec in specs:
            query = SET[spec.control].format(spec.column)
            plan = listed(boss, model, f"?{query}").queryset.values_list("pk")[:26].explain()
            assert "Sort" not in plan and "TEMP B-TREE" not in plan, (model, spec.column, plan)
            walked += 1
    assert walked >= 20


@pytest.mark.parametrize("object_type", sorted(MODELS))
def test_s60_a_list_page_weighs_at_most_40_kb(boss: Client, object_type: str) -> None:
    first = rows.one_of_each()[object_type]
    for n in range(25):
        # Ids and moments that don't repeat, as real ones.
        id = f"{first.pk[:4]}{hash((object_type, n)):x}{hash((n, object_type)):x}"
        rows.store({**first.data, "id": id, "created": rows.SECOND + n * 7_919})
    html = boss.get(display.list_url(MODELS[object_type])).content
    assert len(gzip.compress(html, 6)) <= 40 * 1024
