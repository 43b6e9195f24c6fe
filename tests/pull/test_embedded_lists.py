"""Lists that Stripe cuts off inside an object are completed, and objects without an address of their own are found."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Discount, Invoice, InvoiceLineItem, TaxId
from stripe_mirror.pull.apply import Outcome, apply_state
from stripe_mirror.pull.embedded import store_page_children
from stripe_mirror.pull.fetch import Unreachable, complete_lists, fetch_now
from stripe_mirror.pull.listing import objects_in, sources
from stripe_mirror.pull.pages import SYNC
from stripe_mirror.stripe_api import read
from tests.conftest import events_of, post_event
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db


def invoiced(sandbox: RunningSandbox, lines: int) -> dict[str, Any]:
    """A draft with so many lines."""
    customer = sandbox.post("/v1/customers", name="Ada")["id"]
    for n in range(lines):
        sandbox.post("/v1/invoiceitems", customer=customer, amount=100 + n, currency="usd", description=f"Item {n}")
    return sandbox.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")


def lines_of(sandbox: RunningSandbox, invoice: str) -> dict[str, Any]:
    pages = read.list_pages(f"/v1/invoices/{invoice}/lines")
    return {line["id"]: line for answer in pages for line in answer.body["data"]}


def held_lines() -> dict[str, Any]:
    return {row.pk: row.data for row in InvoiceLineItem.objects.filter(deleted_at=None)}


def test_all_250_lines_of_an_invoice_are_stored(client: Client, sandbox: RunningSandbox) -> None:
    """S25."""
    made = invoiced(sandbox, 250)
    for event in events_of(sandbox, made["id"]):
        post_event(client, event)
    complete_lists(get_kind("invoice"), made["id"])
    assert len(held_lines()) == 250
    assert held_lines() == lines_of(sandbox, made["id"])
    assert InvoiceLineItem.objects.filter(invoice=Invoice.objects.get()).count() == 250


def test_later_payload_with_its_first_lines_removes_none(client: Client, sandbox: RunningSandbox) -> None:
    """S25."""
    made = invoiced(sandbox, 25)
    for event in events_of(sandbox, made["id"]):
        post_event(client, event)
    complete_lists(get_kind("invoice"), made["id"])
    sandbox.post(f"/v1/invoices/{made['id']}", description="Changed")
    post_event(client, events_of(sandbox, made["id"])[-1])
    assert Invoice.objects.get().data["description"] == "Changed"
    assert len(held_lines()) == 25


def test_line_that_left_a_draft_becomes_a_tombstone(client: Client, sandbox: RunningSandbox) -> None:
    made = invoiced(sandbox, 3)
    for event in events_of(sandbox, made["id"]):
        post_event(client, event)
    item = made["lines"]["data"][0]["parent"]["invoice_item_details"]["invoice_item"]
    sandbox.delete(f"/v1/invoiceitems/{item}")
    applied = fetch_now(get_kind("invoice"), made["id"])
    assert applied and applied.outcome is Outcome.CHANGED
    assert held_lines() == lines_of(sandbox, made["id"])
    assert InvoiceLineItem.objects.exclude(deleted_at=None).count() == 1


def test_discount_is_found_in_the_subscription_that_has_it(sandbox: RunningSandbox) -> None:
    made, found = discounted(sandbox)
    near = {"subscription": made["id"], "customer": made["customer"]}
    applied = fetch_now(get_kind("discount"), found["id"], near=near)
    assert applied and applied.outcome is Outcome.CREATED
    assert Discount.objects.get().data == found


def test_discount_that_was_taken_off_becomes_a_tombstone(sandbox: RunningSandbox) -> None:
    made, found = discounted(sandbox)
    second = timezone.now().replace(microsecond=0)
    apply_state(get_kind("discount"), found, as_of=second, read_until=second, origin=SYNC)
    sandbox.delete(f"/v1/subscriptions/{made['id']}/discount")
    fetch_now(get_kind("discount"), found["id"])
    assert Discount.objects.get().deleted_at is not None


def test_discount_of_one_item_is_found_and_missed_where_the_item_is(sandbox: RunningSandbox) -> None:
    """Its subscription needn't be named: our row of the item says which."""
    made, _ = discounted(sandbox)
    item = made["items"]["data"][0]["id"]
    changed = sandbox.post(f"/v1/subscription_items/{item}", discounts=[{"coupon": "TEN"}], expand=["discounts"])
    (found,) = changed["discounts"]
    fetch_now(get_kind("subscription"), made["id"])
    applied = fetch_now(get_kind("discount"), found["id"], near={"subscription_item": item})
    assert applied and applied.outcome is Outcome.CREATED
    assert Discount.objects.get().data == found
    sandbox.post(f"/v1/subscription_items/{item}", discounts="")
    fetch_now(get_kind("discount"), found["id"])
    assert Discount.objects.get().deleted_at is not None


def test_discount_of_an_invoice_item_is_found_while_it_is_billed_by_no_invoice(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/coupons", id="TEN", percent_off=10, duration="once")
    customer = sandbox.post("/v1/customers", name="Ada")["id"]
    given = {"customer": customer, "amount": 900, "currency": "usd", "discounts": [{"coupon": "TEN"}]}
    made = sandbox.post("/v1/invoiceitems", **given, expand=["discounts"])
    (found,) = made["discounts"]
    applied = fetch_now(get_kind("discount"), found["id"], near={"invoice_item": made["id"]})
    assert applied and applied.outcome is Outcome.CREATED
    listed = {
        one["id"]
        for source in sources(get_kind("discount"))
        for answer in read.list_pages(source.path, source.params)
        for item in answer.body["data"]
        for one in objects_in(item, source.inside)
    }
    assert found["id"] in listed


def test_discount_of_a_line_beyond_the_first_page_is_found(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/coupons", id="TEN", percent_off=10, duration="once")
    made = invoiced(sandbox, 25)
    lines = [line for page in read.list_pages(f"/v1/invoices/{made['id']}/lines") for line in page.body["data"]]
    item = lines[-1]["parent"]["invoice_item_details"]["invoice_item"]
    sandbox.post(f"/v1/invoiceitems/{item}", discounts=[{"coupon": "TEN"}])
    shown = sandbox.get(f"/v1/invoices/{made['id']}/lines", limit=100, expand=["data.discounts"])["data"]
    (found,) = [one for line in shown for one in line["discounts"]]
    applied = fetch_now(get_kind("discount"), found["id"], near={"invoice": made["id"]})
    assert applied and applied.outcome is Outcome.CREATED


def test_object_to_which_nothing_leads_is_not_said_to_be_gone(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    sandbox.clear_requests()
    with pytest.raises(
        Unreachable, match="no discount singly, only those of a known customer, invoice, invoice item or subscr"
    ):
        fetch_now(get_kind("discount"), "di_unknown")
    with pytest.raises(Unreachable, match="only those of a known customer;"):
        fetch_now(get_kind("customer_balance_transaction"), "cbtxn_unknown")
    assert not sandbox.requests()


def test_cut_off_list_inside_a_listed_object_is_paged(sandbox: RunningSandbox) -> None:
    customer = sandbox.post("/v1/customers", name="Ada")["id"]
    for n in range(12):
        sandbox.post(f"/v1/customers/{customer}/tax_ids", type="eu_vat", value=f"DE{n:09}")
    (source,) = sources(get_kind("tax_id"))
    (answer,) = list(read.list_pages(source.path, source.params))
    found = [one for item in answer.body["data"] for one in objects_in(item, source.inside)]
    assert len({one["id"] for one in found}) == 12
    assert not TaxId.objects.exists()


def test_lines_end_with_their_draft(client: Client, sandbox: RunningSandbox) -> None:
    made = invoiced(sandbox, 3)
    for event in events_of(sandbox, made["id"]):
        post_event(client, event)
    assert len(held_lines()) == 3
    under_way = read.one(f"/v1/invoices/{made['id']}")
    sandbox.delete(f"/v1/invoices/{made['id']}")
    post_event(client, events_of(sandbox, made["id"])[-1])
    assert not held_lines()
    assert InvoiceLineItem.objects.count() == 3
    # Nor does an answer from before wake them.
    InvoiceLineItem.objects.all().delete()
    bounds = {"as_of": under_way.as_of, "read_until": under_way.read_until, "sent_at": timezone.now()}
    store_page_children(get_kind("invoice"), [under_way.body], **bounds)
    assert not held_lines()
    assert InvoiceLineItem.objects.count() == 3


def test_lines_end_with_an_invoice_that_is_found_to_be_gone(client: Client, sandbox: RunningSandbox) -> None:
    made = invoiced(sandbox, 3)
    for event in events_of(sandbox, made["id"]):
        post_event(client, event)
    sandbox.delete(f"/v1/invoices/{made['id']}")
    fetch_now(get_kind("invoice"), made["id"])
    assert not held_lines()


def discounted(sandbox: RunningSandbox) -> tuple[dict[str, Any], dict[str, Any]]:
    """A subscription with a coupon, and the discount that came of it."""
    sandbox.post("/v1/coupons", id="TEN", percent_off=10, duration="forever")
    customer = sandbox.post("/v1/customers", name="Ada")["id"]
    product = sandbox.post("/v1/products", name="Boat")["id"]
    price = sandbox.post("/v1/prices", product=product, currency="usd", unit_amount=9, recurring={"interval": "month"})
    made = sandbox.post(
        "/v1/subscriptions",
        customer=customer,
        items=[{"price": price["id"]}],
        collection_method="send_invoice",
        days_until_due=5,
        discounts=[{"coupon": "TEN"}],
        expand=["discounts"],
    )
    return made, made["discounts"][0]
