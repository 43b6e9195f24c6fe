"""What the pages of invoices, payments and customers show of the objects around them, and what they leave out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from stripe_mirror.admin import display
from stripe_mirror.admin.raw import masked
from stripe_mirror.models import (
    BalanceTransaction,
    Change,
    Customer,
    Difference,
    Dispute,
    InvoiceItem,
    InvoiceLineItem,
    StripeObject,
    SyncRun,
)
from tests.admin import rows


def page(client: Client, row: StripeObject) -> str:
    answer = client.get(display.object_url(row))
    assert answer.status_code == 200
    return answer.content.decode()


def shown(client: Client, model: type[StripeObject], query: str) -> set[str]:
    answer = client.get(display.list_url(model) + query)
    assert answer.status_code == 200, query
    return {row.pk for row in answer.context_data["cl"].result_list}  # type: ignore[attr-defined]


# Page → the objects that it leads to.
LEADS_TO = {
    "invoice": ("invoice_payment", "payment_intent", "credit_note", "checkout.session", "subscription"),
    "customer": ("tax_id", "customer_balance_transaction", "dispute", "credit_note", "discount"),
    "charge": ("balance_transaction", "refund", "dispute"),
    "refund": ("credit_note", "charge"),
    "subscription": ("subscription_schedule", "discount", "invoiceitem"),
    "coupon": ("promotion_code", "discount"),
    "payment_intent": ("charge", "dispute", "invoice"),
    "subscription_schedule": ("subscription", "price"),
    "credit_note": ("invoice", "refund"),
    "dispute": ("charge", "customer"),
    "balance_transaction": ("charge",),
    "discount": ("coupon", "promotion_code", "subscription"),
    "line_item": ("invoice", "price", "subscription"),
    "checkout.session": ("subscription", "invoice", "customer"),
}


@pytest.mark.parametrize("object_type", sorted(LEADS_TO))
def test_a_page_leads_to_what_belongs_to_it(boss: Client, object_type: str) -> None:
    made = rows.one_of_each()
    main = page(boss, made[object_type]).split('class="sm-page"')[1]
    for target in LEADS_TO[object_type]:
        assert f'href="{display.object_url(made[target])}"' in main, target


def test_a_payout_shows_its_own_transactions(boss: Client) -> None:
    payout = rows.payout()
    rows.balance_transaction("txn_Payout", source=payout.pk, type="payout", amount=-2786)
    rows.balance_transaction("txn_Other", source="po_Other", type="payout")
    html = page(boss, payout)
    assert "/txn_Payout/" in html
    assert "/txn_Other/" not in html


def test_a_charge_says_what_it_cost(boss: Client) -> None:
    rows.balance_transaction(fee=114, net=2786)
    html = page(boss, rows.charge())
    assert "$1.14" in html
    assert "$27.86" in html


def test_tables_of_what_few_objects_have_are_left_out_while_empty(boss: Client) -> None:
    rows.subscription()
    html = page(boss, rows.customer())
    assert 'sm-absent" data-live="related-disputes"' in html
    assert 'sm-card" data-live="related-subscriptions"' in html


def test_related_objects_of_a_kind_that_one_may_not_see_are_left_out(staff: Callable[..., Client]) -> None:
    made = rows.one_of_each()
    html = page(staff("clerk", "view_charge"), made["charge"])
    assert "related-disputes" not in html
    assert "related-balance-transactions" not in html


def test_the_raw_view_hides_what_opens_without_a_login(boss: Client) -> None:
    made = rows.one_of_each()
    for object_type in ("checkout.session", "setup_intent", "credit_note", "dispute"):
        html = page(boss, made[object_type])
        assert "secret-path" not in html
        assert "hush" not in html
    assert "Shipped in May" in page(boss, made["dispute"])


def test_a_products_own_address_is_no_secret() -> None:
    assert masked({"object": "product", "url": "https://shop.example/tea"})["url"] == "https://shop.example/tea"
    assert masked({"object": "list", "url": "/v1/invoices/in_1/lines"})["url"] == "/v1/invoices/in_1/lines"
    assert masked({"after_expiration": {"recovery": {"url": "https://buy.example/r/x"}}}) == {
        "after_expiration": {"recovery": {"url": display.HIDDEN}}
    }


def test_balance_transactions_are_found_by_what_moved_the_money(boss: Client) -> None:
    rows.balance_transaction("txn_1", source="ch_1")
    rows.balance_transaction("txn_2", source={"id": "re_2", "object": "refund"})
    assert shown(boss, BalanceTransaction, "?q=ch_1") == {"txn_1"}
    assert shown(boss, BalanceTransaction, "?q=re_2") == {"txn_2"}
    assert shown(boss, BalanceTransaction, "?q=txn_2") == {"txn_2"}
    assert shown(boss, BalanceTransaction, "?q=nothing") == set()


def test_pending_invoice_items_filter(boss: Client) -> None:
    rows.invoice_item("ii_1", invoice=None)
    rows.invoice_item("ii_2")
    assert shown(boss, InvoiceItem, "?pending=yes") == {"ii_1"}
    assert shown(boss, InvoiceItem, "?pending=no") == {"ii_2"}


def test_lines_have_no_time_of_their_own_and_filter_by_their_period(boss: Client) -> None:
    for day in (0, 40):
        start = rows.SECOND + day * rows.DAY
        rows.line_item(f"il_{day}", period={"start": start, "end": start + rows.DAY})
    assert shown(boss, InvoiceLineItem, "?period_start_from=2026-06-15") == {"il_40"}
    assert shown(boss, InvoiceLineItem, "?period_start_to=2026-06-15") == {"il_0"}
    assert shown(boss, InvoiceLineItem, "?invoice=in_Tea") == {"il_0", "il_40"}


def test_s23_a_deleted_tax_id_stays_visible_greyed(boss: Client) -> None:
    row = rows.tax_id()
    type(row).objects.update(deleted_at=rows.NOW)
    html = boss.get(display.list_url(type(row))).content.decode()
    assert "sm-deleted" in html
    assert "Deleted" in page(boss, row)


def test_a_dispute_names_the_customer_of_its_charge(boss: Client) -> None:
    customer = rows.customer()
    rows.charge()
    rows.dispute()
    rows.dispute("du_2", charge="ch_missing")
    html = boss.get(display.list_url(Dispute)).content.decode()
    assert f'href="{display.object_url(customer)}"' in html
    assert shown(boss, Dispute, "") == {"du_Tea", "du_2"}
    assert Customer.objects.count() == 1


def test_an_id_of_any_kind_is_a_link_and_an_unknown_one_is_text() -> None:
    assert 'href="/admin/stripe_mirror/payout/po_1/change/"' in display.link_to_id("po_1")
    assert display.link_to_id("tr_1") == '<code class="sm-code">tr_1</code>'
    assert display.link_to_id(None) == display.EMPTY


def test_kinds_are_named_in_words() -> None:
    assert display.kind_words("checkout.session") == "Checkout session"
    assert display.kind_words("line_item") == "Invoice line"
    assert display.kind_words("tax_id") == "Tax ID"
    assert display.kind_words("from_the_future") == "From the future"


def test_pages_that_tell_of_objects_name_their_kinds_in_words(boss: Client) -> None:
    session = rows.one_of_each()["checkout.session"]
    about, now = {"object_type": "checkout.session", "object_id": session.pk}, timezone.now()
    told = {"action": "updated", "source": "api", "version": 2, "happened_at": now, "recorded_at": now}
    Change.objects.create(**about, **told)
    run = SyncRun.objects.create(object_type="checkout.session", command=SyncRun.Command.RECONCILE)
    Difference.objects.create(**about, nature=Difference.Nature.FIELDS, run=run, found_at=now)
    lists = [display.list_url(model) for model in (Change, SyncRun, Difference)]
    for url in [reverse("admin:index"), *lists, display.object_url(run)]:
        html = boss.get(url).content.decode()
        assert "Checkout session" in html, url
        assert "Checkout.session" not in html, url
