"""The customer's page and its like: the figures, what can be done where, and how little it costs to make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from stripe_mirror.admin import display
from stripe_mirror.admin.row_menu import menu_of
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Change, Note, Push, Subscription
from stripe_mirror.pull.fetch import fetch_now
from stripe_mirror.push.operation import operations_for
from tests.admin import rows
from tests.sandbox.testing import RunningSandbox

CHILDREN = 500
# What the issue allows, whoever looks and however much there is.
MOST_QUERIES = 25


def page(client: Client, row: Any, query: str = "") -> str:
    answer = client.get(display.object_url(row) + query)
    assert answer.status_code == 200
    return answer.content.decode()


def figures(html: str) -> dict[str, str]:
    """Label → value and note, without markup."""
    found = re.findall(r'<div class="sm-figure\b[^>]*>\s*<dt>(.*?)</dt>\s*<dd>(.*?)</dd>', html, re.DOTALL)
    return {label: " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split()) for label, text in found}


def test_s53_the_head_says_what_is_owed_and_spent_in_each_currency(boss: Client) -> None:
    soon = int((timezone.now() + timedelta(days=3)).timestamp())
    lately = int((timezone.now() - timedelta(days=5)).timestamp())
    customer = rows.customer(balance=-1500, delinquent=True)
    rows.invoice("in_1", status="open", amount_remaining=2900, next_payment_attempt=soon)
    rows.invoice("in_2", status="open", amount_remaining=500, currency="jpy", next_payment_attempt=None)
    rows.invoice("in_3", status="draft", amount_remaining=77)
    rows.charge("ch_1", amount_captured=10_000, amount_refunded=900)
    rows.charge("ch_2", amount_captured=700, currency="jpy")
    rows.charge("ch_3", status="failed", created=lately)
    rows.charge("ch_4", status="failed", created=lately - 100 * rows.DAY)
    rows.charge("ch_5", disputed=True, amount_captured=100)
    rows.dispute(charge="ch_5")
    rows.price()
    late = soon + 30 * rows.DAY
    item = rows.item_payload(current_period_end=late)
    rows.subscription(status="past_due", items={"object": "list", "data": [item]})
    found = figures(page(boss, customer))
    assert found["Owes"] == "¥500 JPY $29.00 USD 2 open invoices"
    assert found["Credit"] == "$15.00 USD for later invoices"
    assert found["Spent"] == "¥700 JPY $92.00 USD 3 payments , $9.00 USD refunded"
    assert found["MRR"] == "$29.00 USD 1 subscription"
    assert found["Next charge"].startswith("$29.00 USD")
    assert "another try of ADA-0001" in found["Next charge"]
    assert found["Risk"] == "1 open dispute 1 failed payment in 90 days latest invoice unpaid"
    assert figures(page(boss, rows.customer("cus_New")))["Risk"].startswith("None seen")


def test_s15_the_next_charge_is_of_the_items_that_renew_first(boss: Client) -> None:
    early, late = (int((timezone.now() + timedelta(days=days)).timestamp()) for days in (5, 40))
    begun = early - 30 * rows.DAY
    items = [
        rows.item_payload("si_1", current_period_start=begun, current_period_end=early, quantity=2),
        rows.item_payload("si_2", current_period_start=begun, current_period_end=late),
    ]
    customer = rows.customer()
    row = rows.subscription(items={"object": "list", "has_more": False, "data": items})
    rows.invoice_item("ii_1", invoice=None, amount=-800, subscription="sub_Tea")
    shown = figures(page(boss, customer))["Next charge"]
    assert shown.startswith("about $50.00 USD")
    html = re.sub(r"<[^>]+>", "", page(boss, row))
    days = [display.day_text(display.from_unix(second)) for second in (begun, late)]
    assert f"{days[0]} – {days[1]}" in html
    ended = rows.subscription("sub_End", customer="cus_End", cancel_at_period_end=True)
    assert "nothing is going to be charged" in page(boss, rows.customer("cus_End"))
    assert "Preview the next invoice" in page(boss, ended)


def test_s52_a_discount_reads_as_its_terms(boss: Client) -> None:
    rows.coupon()
    row = rows.subscription()
    rows.discount(end=None)
    assert figures(page(boss, row))["Discount"] == "$50.00 off"


def test_rows_offer_what_this_person_may_do_to_them_now(role: Callable[[str], Client]) -> None:
    made = rows.one_of_each()
    rows.invoice("in_Open", status="open")
    finance = page(role("Finance"), made["customer"])
    menu = finance.split('id="menu-in_Open"')[1].split("</div>")[0]
    assert "/in_Open/operation/mark_invoice_uncollectible/" in menu
    assert "/operation/delete_draft_invoice/" not in menu
    assert "/ch_Tea/operation/refund_charge/" in finance.split('id="menu-pi_Tea"')[1].split("</div>")[0]
    assert "cancel_subscription" not in finance
    assert 'popovertarget="menu-' not in page(role("Viewer"), made["customer"])


def test_no_menu_of_any_kind_costs_a_query(boss: Client, rf: Any, django_user_model: Any) -> None:
    made = rows.one_of_each()
    request = rf.get("/")
    request.user = django_user_model.objects.get(username="boss")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        menus = [menu_of(request, row) for row in made.values()]
    assert len(queries) == 0
    assert [m for m in menus if m]
    assert operations_for("charge")


def test_s36_a_disputed_charge_offers_no_refund_on_its_row_or_page(boss: Client) -> None:
    made = rows.one_of_each()
    charge = rows.charge("ch_Lost", disputed=True, refunded=True, amount_refunded=2900)
    html = page(boss, charge)
    assert 'id="why-not-refund_charge"' in html
    assert "/ch_Lost/operation/refund_charge/" not in html
    assert made["charge"].pk == "ch_Tea"


@pytest.fixture
def crowded(db: None) -> Iterator[Any]:
    """A customer with 500 of each child."""
    second, made = int(timezone.now().timestamp()), rows.one_of_each()
    for row in made.values():
        kind = row.kind.object
        if kind in ("customer", "product", "price", "coupon", "tax_rate", "payout"):
            continue
        copies = []
        for number in range(CHILDREN):
            data = {**row.data, "id": f"{row.pk}_{number:04}", "created": second - number * 3600}
            if kind in ("refund", "dispute"):
                data |= {"charge": f"ch_Tea_{number:04}"}
            if kind == "charge":
                data |= {"disputed": number % 2 == 0, "payment_intent": f"pi_Tea_{number:04}"}
            if kind == "payment_intent":
                data |= {"latest_charge": f"ch_Tea_{number:04}"}
            if kind == "invoiceitem":
                data |= {"invoice": None}
            copies.append(
                type(row)(id=data["id"], data=data, as_of=row.as_of, synced_at=row.as_of, changed_at=row.as_of)
            )
        type(row).objects.bulk_create(copies)
    now = timezone.now()
    pushes = Push.objects.bulk_create(
        Push(operation="edit_customer", object_type="customer", object_id="cus_Ada", state="done", created_at=now)
        for _ in range(CHILDREN)
    )
    told = {"version": 1, "happened_at": now, "recorded_at": now, "source": "push", "fields": {"name": ["a", "b"]}}
    Change.objects.bulk_create(
        Change(object_type="customer", object_id="cus_Ada", action="updated", push=push, **told) for push in pushes
    )
    Note.objects.bulk_create(
        Note(object_type="customer", object_id="cus_Ada", customer_id="cus_Ada", text="x", created_at=now)
        for _ in range(CHILDREN)
    )
    yield made["customer"]


@pytest.mark.parametrize("name", ["Operator", "Support"])
def test_the_page_costs_at_most_25_queries_whatever_the_number_of_children(
    role: Callable[[str], Client], crowded: Any, name: str
) -> None:
    client = role(name)
    url = display.object_url(crowded)
    for query in ("", "?timeline=money"):
        with CaptureQueriesContext(connection) as queries:
            html = client.get(url + query).content.decode()
        said = "\n".join(query["sql"][:160] for query in queries)
        assert len(queries) <= MOST_QUERIES, f"{len(queries)}:\n{said}"
    assert "5+" in html
    assert html.count('class="sm-entry ') <= 40


def test_totals_stand_in_stripes_order(boss: Client) -> None:
    row = rows.invoice(
        subtotal=10_000,
        total=9520,
        amount_due=9020,
        amount_paid=9020,
        amount_remaining=0,
        starting_balance=-500,
        ending_balance=0,
        total_discount_amounts=[{"amount": 2000}],
        total_taxes=[{"amount": 1520, "tax_behavior": "exclusive"}],
    )
    shown = page(boss, row).split('class="sm-totals"')[1].split("</dl>")[0]
    text = " ".join(unescape(re.sub(r"<[^>]+>", " ", shown)).split())
    assert text == (
        "> Subtotal $100.00 USD Discount -$20.00 USD Tax $15.20 USD Total $95.20 USD Applied balance -$5.00 USD "
        "Amount due $90.20 USD Paid $90.20 USD Remaining $0.00 USD"
    )


def test_an_invoices_pages_at_stripe_open_for_who_may_and_stand_on_no_page(role: Callable[[str], Client]) -> None:
    row = rows.invoice()
    support, viewer = role("Support"), role("Viewer")
    url = f"{display.object_url(row)[: -len('change/')]}open/"
    html = page(support, row)
    assert f'href="{url}hosted/"' in html
    assert "secret-path" not in html
    answer = support.get(f"{url}pdf/")
    assert answer.headers["Location"] == row.data["invoice_pdf"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert f"{url}hosted/" not in page(viewer, row)
    assert viewer.get(f"{url}hosted/").status_code == 403
    assert support.get(f"{url}other/").status_code == 404
    odd = rows.invoice("in_Odd", hosted_invoice_url="javascript:alert(1)", invoice_pdf=["x"])
    for name in ("hosted", "pdf"):
        assert support.get(f"{display.object_url(odd)[: -len('change/')]}open/{name}/").status_code == 404


def test_a_payment_says_fee_net_risk_and_why_it_was_declined(boss: Client) -> None:
    rows.balance_transaction()
    outcome = {"risk_level": "elevated", "risk_score": 66, "seller_message": "The bank said no."}
    html = page(boss, rows.charge(outcome=outcome, failure_message="Insufficient funds"))
    assert figures(html) == {"Amount": "$29.00 USD", "Fee": "$1.14 USD", "Net": "$27.86 USD"}
    for words in ("Elevated (66)", "The bank said no.", "Insufficient funds", "Available for payout"):
        assert words in html


def test_a_product_says_how_many_subscribe_to_each_price(boss: Client) -> None:
    made = rows.one_of_each()
    rows.subscription("sub_Gone", status="canceled")
    rows.subscription_item("si_Gone", subscription="sub_Gone")
    html = page(boss, made["product"])
    prices = html.split('data-live="related-prices"')[1].split("</section>")[0]
    assert re.search(r'class="sm-num">\s*1\s*</td>', prices.replace("\n", ""))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Answer within 2"),
        ({"status": "warning_needs_response"}, "this is an inquiry"),
        ({"status": "under_review", "evidence_details": {"submission_count": 1}}, "Evidence was submitted once."),
        ({"status": "lost"}, "Lost: the customer keeps the money."),
        ({"evidence_details": {"past_due": True}}, "The deadline has passed"),
        ({"status": "from_the_future"}, "From the future"),
    ],
)
def test_a_dispute_says_until_when_and_what_to_do(boss: Client, fields: dict[str, Any], words: str) -> None:
    due = int((timezone.now() + timedelta(days=2, hours=3)).timestamp())
    held = {"evidence_details": {"due_by": due, "has_evidence": True, "past_due": False}}
    moved = [{"id": "txn_1", "object": "balance_transaction", "net": -4400, "fee": 1500, "currency": "usd"}]
    html = page(boss, rows.dispute(**(held | {"balance_transactions": moved} | fields)))
    advice = html.split('data-live="advice"')[1].split("</div>")[0]
    assert words in advice
    assert "-$44.00, of which $15.00 is fees" in advice


def test_stripes_preview_of_the_next_invoice_is_asked_for_on_demand_only(boss: Client, sandbox: RunningSandbox) -> None:
    product = sandbox.post("/v1/products", name="Gold")
    terms = {"currency": "eur", "unit_amount": 2900, "recurring": {"interval": "month"}, "product": product["id"]}
    items = [{"price": sandbox.post("/v1/prices", **terms)["id"], "quantity": 2}]
    buyer = sandbox.post("/v1/customers", name="Jane")["id"]
    by_invoice = {"collection_method": "send_invoice", "days_until_due": 30}
    made = sandbox.post("/v1/subscriptions", customer=buyer, items=items, **by_invoice)
    fetch_now(get_kind("subscription"), made["id"], patient=False)
    row = Subscription.objects.get()
    sandbox.clear_requests()
    url = reverse("admin:stripe_mirror_subscription_upcoming", args=(row.pk,))
    assert url in page(boss, row)
    assert boss.get(url).status_code == 302
    assert sandbox.requests() == []
    html = boss.post(url).content.decode()
    assert "€58.00" in html
    assert [request["path"] for request in sandbox.requests()] == ["/v1/invoices/create_preview"]
