"""Kinds without events of their own are read again when something else says that they changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from stripe_mirror.inbox import processing
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import (
    BalanceTransaction,
    CustomerBalanceTransaction,
    Discount,
    InboxEvent,
    InvoicePayment,
    Refresh,
)
from stripe_mirror.pull import implied
from stripe_mirror.pull.apply import apply_state
from stripe_mirror.pull.pages import SYNC
from stripe_mirror.pull.refresh import refresh_due
from stripe_mirror.stripe_api import read
from tests.conftest import events_of, post_event, read_what_is_due
from tests.sandbox.testing import RunningSandbox, wait_for

pytestmark = pytest.mark.django_db

CARD = "pm_card_visa"


def pay(sandbox: RunningSandbox, customer: str = "", amount: int = 1000) -> dict[str, Any]:
    """A payment that succeeded."""
    given = {"customer": customer} if customer else {}
    return sandbox.post(
        "/v1/payment_intents", amount=amount, currency="usd", payment_method=CARD, confirm="true", **given
    )


def deliver_all(client: Client, sandbox: RunningSandbox) -> None:
    for event in events_of(sandbox):
        assert post_event(client, event).status_code == 200


def truth(sandbox: RunningSandbox, kind: str) -> dict[str, Any]:
    return {row["id"]: row for row in sandbox.objects(kind)}


def test_many_charges_ask_once_for_the_newest_balance_transactions(client: Client, sandbox: RunningSandbox) -> None:
    for _ in range(5):
        pay(sandbox)
    deliver_all(client, sandbox)
    sandbox.clear_requests()
    read_what_is_due()
    assert {row.pk: row.data for row in BalanceTransaction.objects.all()} == truth(sandbox, "balance_transaction")
    assert len(sandbox.requests()) == 1
    assert not Refresh.objects.exists()


def test_balance_history_of_a_customer_follows_the_balance(client: Client, sandbox: RunningSandbox) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    for amount in (-500, 200):
        sandbox.post(f"/v1/customers/{made['id']}/balance_transactions", amount=amount, currency="usd")
    deliver_all(client, sandbox)
    read_what_is_due()
    held = {row.pk: row.data for row in CustomerBalanceTransaction.objects.all()}
    assert held == truth(sandbox, "customer_balance_transaction")
    assert len(held) == 2


def credited(client: Client, sandbox: RunningSandbox, *amounts: int) -> list[dict[str, Any]]:
    """The events of credits to a customer who is held."""
    made = sandbox.post("/v1/customers", name="Ada")
    deliver_all(client, sandbox)
    sandbox.advance(100)
    for amount in amounts:
        sandbox.post(f"/v1/customers/{made['id']}/balance_transactions", amount=amount, currency="usd")
    return events_of(sandbox)[1:]


def test_changes_that_were_taken_back_before_we_heard_of_them_are_followed(
    client: Client, sandbox: RunningSandbox
) -> None:
    """The later event says what we hold, the earlier one is stale; and yet both tell of a change."""
    for event in reversed(credited(client, sandbox, 300, -300)):
        post_event(client, event)
        InboxEvent.objects.update(next_attempt_at=timezone.now())
        processing.drain()
    read_what_is_due()
    held = {row.pk: row.data for row in CustomerBalanceTransaction.objects.all()}
    assert held == truth(sandbox, "customer_balance_transaction")
    assert len(held) == 2


def test_change_that_a_late_read_brings_is_followed_back_to_its_event(client: Client, sandbox: RunningSandbox) -> None:
    """A read says what is, not since when."""
    sandbox.sandbox.clock.set(sandbox.sandbox.now())
    for event in reversed(credited(client, sandbox, 300, 200, 100)):
        post_event(client, event)
    assert InboxEvent.objects.filter(state=InboxEvent.State.WAITING).exists()
    Refresh.objects.all().delete()
    sandbox.advance(86_400)
    InboxEvent.objects.update(next_attempt_at=timezone.now())
    processing.drain()
    read_what_is_due()
    assert CustomerBalanceTransaction.objects.count() == 3


def test_other_changes_of_a_customer_ask_for_nothing(client: Client, sandbox: RunningSandbox) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.post(f"/v1/customers/{made['id']}", name="Eva")
    deliver_all(client, sandbox)
    assert not Refresh.objects.exists()


def test_open_payments_of_invoices_are_found(client: Client, sandbox: RunningSandbox) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.post("/v1/invoiceitems", customer=made["id"], amount=900, currency="usd")
    invoice = sandbox.post(
        "/v1/invoices",
        customer=made["id"],
        collection_method="send_invoice",
        days_until_due=5,
        pending_invoice_items_behavior="include",
    )
    sandbox.post(f"/v1/invoices/{invoice['id']}/finalize")
    deliver_all(client, sandbox)
    read_what_is_due()
    held = {row.pk: row.data for row in InvoicePayment.objects.all()}
    assert held == truth(sandbox, "invoice_payment") and held
    sandbox.post(f"/v1/invoices/{invoice['id']}/void")
    deliver_all(client, sandbox)
    read_what_is_due()
    assert {row.pk: row.data for row in InvoicePayment.objects.all()} == truth(sandbox, "invoice_payment")


def test_discounts_of_a_subscription_are_read_where_no_event_brought_them(
    client: Client, sandbox: RunningSandbox
) -> None:
    sandbox.post("/v1/coupons", id="TEN", percent_off=10, duration="forever")
    made = subscribed(sandbox, discounts=[{"coupon": "TEN"}])
    for event in events_of(sandbox):
        if not event["type"].startswith("customer.discount"):
            post_event(client, event)
    read_what_is_due()
    held = Discount.objects.get()
    assert (held.pk, held.data["source"]["coupon"]) == (made["discounts"][0], "TEN")


def test_discounts_of_an_item_are_read_where_no_event_brought_them(client: Client, sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/coupons", id="TEN", percent_off=10, duration="forever")
    made = subscribed(sandbox)
    item = made["items"]["data"][0]["id"]
    changed = sandbox.post(f"/v1/subscription_items/{item}", discounts=[{"coupon": "TEN"}])
    for event in events_of(sandbox):
        if not event["type"].startswith("customer.discount"):
            post_event(client, event)
    read_what_is_due()
    held = Discount.objects.get()
    assert (held.pk, held.subscription_item_id) == (changed["discounts"][0], item)


def test_answer_of_a_push_implies_as_much_as_its_event(sandbox: RunningSandbox) -> None:
    """The event that follows says nothing new, so it asks for nothing."""
    intent = pay(sandbox)
    charge = sandbox.get(f"/v1/charges/{intent['latest_charge']}")
    second = timezone.now().replace(microsecond=0)
    apply_state(get_kind("charge"), charge, as_of=second, read_until=second, origin=SYNC)
    assert Refresh.objects.get().object_type == "balance_transaction"


@pytest.mark.django_db(transaction=True)
def test_wish_repeated_while_the_list_is_read_is_read_again(sandbox: RunningSandbox) -> None:
    charge = sandbox.get(f"/v1/charges/{pay(sandbox)['latest_charge']}")
    implied.note(get_kind("charge"), charge["id"], None, charge, timezone.now())
    Refresh.objects.update(due_at=timezone.now())
    sandbox.faults.add(hang=30, path="/v1/balance_transactions")
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_in_a_thread)
        # Not before the question is asked: a wish from before that is what the list is read for.
        wait_for(lambda: bool(sandbox.faults.list()[0]["used"]), 10, "the list is not being read")
        implied.note(get_kind("charge"), "ch_other", None, charge, timezone.now())
        sandbox.faults.clear()
        reading.result()
    assert Refresh.objects.get().due_at <= timezone.now()
    refresh_due()
    assert not Refresh.objects.exists()


def read_in_a_thread() -> None:
    try:
        refresh_due(limit=1)
    finally:
        connections.close_all()


def test_refusing_stripe_is_asked_later_and_the_reason_is_kept(sandbox: RunningSandbox, impatient: None) -> None:
    """S11."""
    charge = sandbox.get(f"/v1/charges/{pay(sandbox)['latest_charge']}")
    implied.note(get_kind("charge"), charge["id"], None, charge, timezone.now())
    Refresh.objects.update(due_at=timezone.now())
    sandbox.faults.add(status=429, path="/v1/balance_transactions")
    refresh_due()
    wish = Refresh.objects.get()
    assert wish.attempts == 1 and wish.reason and wish.due_at > timezone.now() + timedelta(seconds=1)
    sandbox.faults.clear()
    read_what_is_due()
    assert BalanceTransaction.objects.count() == 1


def subscribed(sandbox: RunningSandbox, **given: Any) -> dict[str, Any]:
    """A subscription of a new customer to a new price."""
    customer = sandbox.post("/v1/customers", name="Ada", payment_method=CARD)
    methods = sandbox.get("/v1/payment_methods", customer=customer["id"])["data"]
    product = sandbox.post("/v1/products", name="Boat")
    price = sandbox.post(
        "/v1/prices", product=product["id"], currency="usd", unit_amount=900, recurring={"interval": "month"}
    )
    return sandbox.post(
        "/v1/subscriptions",
        customer=customer["id"],
        items=[{"price": price["id"]}],
        default_payment_method=methods[0]["id"],
        **given,
    )


def draft_with_a_discount(client: Client, sandbox: RunningSandbox) -> tuple[str, str]:
    """A draft and the discount that a coupon became on it, both held."""
    for number in (1, 2):
        sandbox.post("/v1/coupons", id=f"SAVE{number}", percent_off=10, duration="forever")
    customer = sandbox.post("/v1/customers", name="Ada")["id"]
    draft = sandbox.post("/v1/invoices", customer=customer, discounts=[{"coupon": "SAVE1"}])
    deliver_all(client, sandbox)
    read_what_is_due()
    assert list(Discount.objects.values_list("pk", flat=True)) == draft["discounts"]
    return draft["id"], draft["discounts"][0]


def alive_discounts() -> set[str]:
    return set(Discount.objects.filter(deleted_at=None).values_list("pk", flat=True))


def test_discount_that_left_a_draft_ends_though_nothing_tells_of_it(client: Client, sandbox: RunningSandbox) -> None:
    draft, old = draft_with_a_discount(client, sandbox)
    (new,) = sandbox.post(f"/v1/invoices/{draft}", discounts=[{"coupon": "SAVE2"}])["discounts"]
    deliver_all(client, sandbox)
    read_what_is_due()
    assert alive_discounts() == {new}
    sandbox.post(f"/v1/invoices/{draft}", discounts="")
    deliver_all(client, sandbox)
    read_what_is_due()
    assert alive_discounts() == set()
    assert set(Discount.objects.values_list("pk", flat=True)) == {old, new}


def test_discount_ends_with_its_draft(client: Client, sandbox: RunningSandbox) -> None:
    draft, _ = draft_with_a_discount(client, sandbox)
    sandbox.delete(f"/v1/invoices/{draft}")
    deliver_all(client, sandbox)
    read_what_is_due()
    assert alive_discounts() == set()
    assert [row for row in sandbox.objects("discount") if not row.get("deleted")] == []


def test_discount_of_an_invoiced_item_ends_with_it(client: Client, sandbox: RunningSandbox) -> None:
    draft, on_invoice = draft_with_a_discount(client, sandbox)
    customer = sandbox.get(f"/v1/invoices/{draft}")["customer"]
    given = {"amount": 900, "currency": "usd", "discounts": [{"coupon": "SAVE2"}]}
    item = sandbox.post("/v1/invoiceitems", customer=customer, invoice=draft, **given)
    deliver_all(client, sandbox)
    read_what_is_due()
    assert alive_discounts() == {on_invoice, *item["discounts"]}
    sandbox.post(f"/v1/invoiceitems/{item['id']}", discounts="")
    deliver_all(client, sandbox)
    read_what_is_due()
    assert alive_discounts() == {on_invoice}


def test_discount_read_while_it_ended_is_looked_for_once_more(client: Client, sandbox: RunningSandbox) -> None:
    """What a read under way will store is not held yet when the event of its end comes."""
    draft, old = draft_with_a_discount(client, sandbox)
    (new,) = sandbox.post(f"/v1/invoices/{draft}", discounts=[{"coupon": "SAVE2"}])["discounts"]
    deliver_all(client, sandbox)
    under_way = read.one(f"/v1/invoices/{draft}", {"expand": ["discounts"]})
    sandbox.post(f"/v1/invoices/{draft}", discounts="")
    deliver_all(client, sandbox)
    (found,) = under_way.body["discounts"]
    apply_state(get_kind("discount"), found, as_of=under_way.as_of, read_until=under_way.read_until, origin=SYNC)
    assert alive_discounts() == {old, new}
    read_what_is_due()
    assert alive_discounts() == set()
