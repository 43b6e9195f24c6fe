"""Lists: few queries, counts that stop, pages beyond them, filters, search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stripe_mirror.admin import display, paging, search
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Charge, Coupon, Customer, Invoice, Subscription
from tests.admin import rows
from tests.admin.exporting import ids

MODELS = {kind.object: kind.model for kind in all_kinds()}


def listing(client: Client, model: Any, query: str = "") -> str:
    answer = client.get(display.list_url(model) + query)
    assert answer.status_code == 200, (query, answer.status_code)
    return answer.content.decode()


def shown(client: Client, model: Any, query: str = "") -> set[str]:
    """Ids of the rows on the page."""
    answer = client.get(display.list_url(model) + query)
    assert answer.status_code == 200, (query, answer.status_code)
    return {row.pk for row in answer.context_data["cl"].result_list}  # type: ignore[attr-defined]


@pytest.mark.parametrize("object_type", sorted(MODELS))
def test_s60_a_list_of_a_full_page_takes_at_most_12_queries(role: Callable[[str], Client], object_type: str) -> None:
    operator = role("Operator")
    first = rows.one_of_each()[object_type]
    for n in range(30):
        rows.store({**first.data, "id": f"more_{n}", "customer": f"cus_{n}", "created": rows.SECOND + n})
        rows.customer(f"cus_{n}") if object_type != "customer" else None
    with CaptureQueriesContext(connection) as queries:
        html = listing(operator, MODELS[object_type])
    assert len(queries) <= 12, [q["sql"][:120] for q in queries]
    assert "1–25 of 31" in html


def test_s60_past_due_subscriptions_with_schedules_take_at_most_12_queries_with_nothing_cached(
    role: Callable[[str], Client],
) -> None:
    operator = role("Operator")
    for n in range(30):
        late_with_a_coming_price(n)
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        html = listing(operator, Subscription, "?status=past_due")
    assert html.count("card declined") == 25
    assert html.count("changes to $9.00 / month") == 25
    assert len(queries) <= 12, [q["sql"][:160] for q in queries]


def late_with_a_coming_price(n: int) -> None:
    """A subscription whose payment failed, with a schedule that changes its price later."""
    rows.customer(f"cus_{n}")
    rows.price(f"price_{n}", unit_amount=900)
    rows.subscription(
        f"sub_{n}", customer=f"cus_{n}", status="past_due", latest_invoice=f"in_{n}", schedule=f"sub_sched_{n}"
    )
    rows.payment_intent(f"pi_{n}", status="requires_payment_method", last_payment_error={"code": "card_declined"})
    rows.invoice(f"in_{n}", status="open", attempt_count=2, customer=f"cus_{n}")
    paid = {"type": "payment_intent", "payment_intent": f"pi_{n}"}
    rows.store({"object": "invoice_payment", "id": f"inpay_{n}", "invoice": f"in_{n}", "payment": paid})
    change = rows.SECOND + 30 * rows.DAY
    phases = [
        {"start_date": rows.SECOND, "end_date": change, "items": [{"price": "price_Tea"}]},
        {"start_date": change, "end_date": change + 30 * rows.DAY, "items": [{"price": f"price_{n}"}]},
    ]
    rows.store(
        {
            "object": "subscription_schedule",
            "id": f"sub_sched_{n}",
            "subscription": f"sub_{n}",
            "customer": f"cus_{n}",
            "status": "active",
            "current_phase": {"start_date": rows.SECOND, "end_date": change},
            "phases": phases,
        }
    )


def test_s60_no_drop_down_lists_customers(boss: Client) -> None:
    rows.one_of_each()
    for n in range(30):
        rows.customer(f"cus_{n}", name=f"Somebody {n}")
    assert "Somebody" not in listing(boss, Invoice)
    assert "Somebody" not in listing(boss, Subscription)


def test_a_page_takes_as_many_queries_however_many_children_there_are(boss: Client) -> None:
    customer = rows.one_of_each()["customer"]
    boss.get(display.object_url(customer))
    with CaptureQueriesContext(connection) as few:
        boss.get(display.object_url(customer))
    for n in range(30):
        rows.invoice(f"in_{n}")
        rows.subscription(f"sub_{n}")
    with CaptureQueriesContext(connection) as many:
        html = boss.get(display.object_url(customer)).content.decode()
    assert len(many) == len(few) <= 25
    assert "5+" in html


def test_a_count_stops_at_its_limit_and_pages_go_on_beyond_it(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "LIMIT", 30)
    for n in range(80):
        rows.coupon(f"c{n:03}", created=rows.SECOND + n)
    first = listing(boss, Coupon)
    assert "1–25 of 30+" in first
    last = boss.get(display.list_url(Coupon) + "?p=4").content.decode()
    assert "76–80 of 30+" in last
    assert shown(boss, Coupon, "?p=4") == {f"c{n:03}" for n in range(5)}


def test_a_page_that_does_not_exist_leads_back(boss: Client) -> None:
    rows.coupon()
    assert boss.get(display.list_url(Coupon) + "?p=99").status_code == 302


def test_pages_are_in_order_without_gaps_or_repeats(boss: Client) -> None:
    # All within a second: only the id decides.
    for n in range(60):
        rows.coupon(f"c{n:02}")
    seen = [shown(boss, Coupon, f"?p={page}") for page in (1, 2, 3)]
    assert [len(ids) for ids in seen] == [25, 25, 10]
    assert len(set.union(*seen)) == 60


def test_deleted_rows_are_greyed_among_the_others_and_filterable(boss: Client) -> None:
    rows.customer("cus_alive")
    rows.customer("cus_gone", deleted_at=rows.NOW)
    assert "sm-deleted" in listing(boss, Customer)
    assert shown(boss, Customer) == {"cus_alive", "cus_gone"}
    assert shown(boss, Customer, "?deleted=no") == {"cus_alive"}
    assert shown(boss, Customer, "?deleted=yes") == {"cus_gone"}


def test_status_filters_by_known_values_and_the_rest(boss: Client) -> None:
    for status in ("active", "paused", "zz_new"):
        rows.subscription(f"sub_{status}", status=status)
    assert shown(boss, Subscription, "?status=paused") == {"sub_paused"}
    assert shown(boss, Subscription, "?status=other") == {"sub_zz_new"}
    assert shown(boss, Subscription, "?status=zz_new") == {"sub_zz_new"}


def test_flags_and_values_filter(boss: Client) -> None:
    rows.charge("ch_usd")
    rows.charge("ch_jpy", currency="jpy", disputed=True)
    assert shown(boss, Charge, "?disputed=yes") == {"ch_jpy"}
    assert shown(boss, Charge, "?disputed=no") == {"ch_usd"}
    assert shown(boss, Charge, "?currency=jpy") == {"ch_jpy"}
    html = listing(boss, Charge)
    assert "JPY" in html
    assert "?currency=jpy" in html


def test_created_filters_by_days_in_the_time_zone(boss: Client, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"
    # 23:30 UTC on 31 January is 1 February in Auckland.
    rows.coupon("late", created=1_769_902_200)
    assert shown(boss, Coupon, "?created_from=2026-02-01&created_to=2026-02-01") == {"late"}
    assert shown(boss, Coupon, "?created_to=2026-01-31") == set()
    assert shown(boss, Coupon, "?created_from=nonsense&created_to=9999-12-31") == {"late"}


def test_the_rows_of_one_parent_can_be_listed_and_the_chip_removed(boss: Client) -> None:
    rows.invoice("in_ada")
    rows.invoice("in_bob", customer="cus_Bob")
    assert shown(boss, Invoice, "?customer=cus_Bob") == {"in_bob"}
    html = listing(boss, Invoice, "?customer=cus_Bob")
    assert "Customer: cus_Bob" in html


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("in_ada", {"in_ada"}),
        ("ADA-0001", {"in_ada"}),
        ("ada-00", {"in_ada"}),
        ("lovelace", {"in_ada"}),
        ("cus_Bob", {"in_bob"}),
        ("BOB@EXAMPLE", {"in_bob"}),
        ("nobody", set()),
        ("  ", {"in_ada", "in_bob"}),
        ("100%", set()),
        ("\\", set()),
    ],
)
def test_search_finds_by_id_number_and_customer(boss: Client, query: str, expected: set[str]) -> None:
    rows.customer()
    rows.customer("cus_Bob", name="Robert", email="bob@example.com")
    rows.invoice("in_ada", customer_name=None, customer_email=None)
    rows.invoice("in_bob", customer="cus_Bob", number="BOB-1", customer_name=None, customer_email=None)
    assert shown(boss, Invoice, f"?{display.urlencode({'q': query})}") == expected


def test_search_by_what_many_customers_have_leaves_nothing_out(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """More parents than are looked up one by one, alone and beside a filter; and the file has as many rows."""
    monkeypatch.setattr(search, "MANY", 10)
    for n in range(40):
        rows.customer(f"cus_{n:02}", email=f"{n:02}@{'crew' if n % 4 else 'other'}.example")
        status = "open" if n % 2 else "paid"
        given = {"customer_name": None, "customer_email": None, "created": rows.SECOND + n, "status": status}
        rows.invoice(f"in_{n:02}", customer=f"cus_{n:02}", number=f"N-{n:02}", **given)
    crew = {f"in_{n:02}" for n in range(40) if n % 4}
    first, second = (shown(boss, Invoice, f"?q=crew.example&p={page}") for page in (1, 2))
    assert (len(first), len(second)) == (25, 5)
    assert first | second == crew
    # Ten of the customers are known, so there are more invoices than theirs.
    assert "1–25 of 25+" in listing(boss, Invoice, "?q=crew.example")
    assert shown(boss, Invoice, "?q=crew.example&status=paid") == {id for id in crew if int(id[3:]) % 2 == 0}
    # A part that fewer have is found by them, as before.
    assert shown(boss, Invoice, "?q=other.example") == {f"in_{n:02}" for n in range(0, 40, 4)}
    assert set(ids(boss.get(f"{display.list_url(Invoice)}export/?q=crew.example"))) == crew


@pytest.mark.parametrize("many", [3, 30])
def test_search_by_an_id_finds_all_that_belongs_to_it(boss: Client, monkeypatch: pytest.MonkeyPatch, many: int) -> None:
    """Whether it has more than are looked up one by one or not; alone, and beside a filter."""
    monkeypatch.setattr(search, "MANY", many)
    rows.customer()
    rows.customer("cus_Bob")
    for n in range(12):
        owner = "cus_Ada" if n % 3 else "cus_Bob"
        status = "open" if n % 2 else "paid"
        rows.invoice(f"in_{n:02}", customer=owner, number=f"N-{n:02}", created=rows.SECOND + n, status=status)
    of_ada = {f"in_{n:02}" for n in range(12) if n % 3}
    assert shown(boss, Invoice, "?q=cus_Ada") == of_ada
    assert "1–8 of 8" in listing(boss, Invoice, "?q=cus_Ada")
    assert shown(boss, Invoice, "?q=cus_Ada&status=paid") == {id for id in of_ada if int(id[3:]) % 2 == 0}
    assert shown(boss, Invoice, "?q=in_04") == {"in_04"}
    assert shown(boss, Invoice, "?q=cus_Nobody") == set()


def test_search_by_what_many_rows_have_leaves_nothing_out(boss: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MANY", 30)
    for n in range(40):
        rows.customer(f"cus_{n:02}", email=f"{n:02}@crew.example", created=rows.SECOND + n)
    assert "1–25 of 30+" in listing(boss, Customer, "?q=crew.example")
    assert len(shown(boss, Customer, "?q=crew.example") | shown(boss, Customer, "?q=crew.example&p=2")) == 40


@pytest.mark.parametrize(
    "query", ["?created__gte=x", "?customer__name=Ada", "?nonsense=1", "?o=99", "?p=x", "?status=%00", "?q=%00"]
)
def test_odd_addresses_never_fail(boss: Client, query: str) -> None:
    rows.invoice()
    assert boss.get(display.list_url(Invoice) + query).status_code in (200, 302, 400)


def test_action_is_done_where_a_range_governs_the_order_that_a_heading_asked_for(boss: Client) -> None:
    """The list says that it can't be ordered so now; what was chosen is found nevertheless."""
    rows.subscription("sub_ended", status="canceled", ended_at=rows.SECOND)
    url = f"{display.list_url(Subscription)}?ended_at_from=2020-01-01&o=created&view=all"
    assert "This list can&#x27;t be ordered by “created” now." in boss.get(url).content.decode()
    answer = boss.post(url, {"action": "export_selected", "_selected_action": ["sub_ended"], "index": "0"})
    assert answer.status_code == 302
    assert "export" in answer.headers["Location"]


def test_s53_amounts_stand_beside_their_currency(boss: Client) -> None:
    rows.charge("ch_usd", amount=5000)
    rows.charge("ch_jpy", amount=500, currency="jpy")
    rows.charge("ch_kwd", amount=5000, currency="kwd")
    html = listing(boss, Charge)
    for expected in ("$50.00", "¥500", '5.000 <span class="sm-currency">KWD</span>'):
        assert expected in html


def test_s52_a_coupon_says_what_it_gives(boss: Client) -> None:
    rows.coupon()
    assert "$50.00 off" in listing(boss, Coupon)
