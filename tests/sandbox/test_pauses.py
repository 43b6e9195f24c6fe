"""Pausing and resuming subscriptions (the newer way, by which no invoices are made)."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import DAY, HOUR, MONTHLY, Params, events_since, make_customer, make_price, subscribe
from tests.sandbox.test_billing import FAILING, use_card
from tests.sandbox.testing import RunningSandbox


def pending(running: RunningSandbox, subscription: Params) -> list[int]:
    items = running.get("/v1/invoiceitems", customer=subscription["customer"], pending=True)["data"]
    return [item["amount"] for item in items]


def invoice_of(client: stripe.StripeClient, subscription: stripe.Subscription) -> stripe.Invoice:
    return client.v1.invoices.retrieve(str(subscription.latest_invoice))


# Pause


def test_pause_says_when_and_why_and_credits_the_rest(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    since = len(running.sandbox.events)
    paused = client.v1.subscriptions.pause(halfway["id"], {"type": "subscription"})
    assert paused.status == "paused"
    assert paused.status_details is not None
    details = paused.status_details.paused
    assert (details.subscription.type, details.transitioned_at) == ("pause_requested", running.sandbox.now())
    assert pending(running, halfway) == [-1000]
    told = events_since(running, since)
    assert told == ["invoiceitem.created", "customer.subscription.updated", "customer.subscription.paused"]
    updated = running.get("/v1/events", type="customer.subscription.updated")["data"][0]
    assert updated["data"]["previous_attributes"] == {"status": "active", "status_details": None}


def test_paused_subscription_makes_no_invoices(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    client.v1.subscriptions.pause(halfway["id"])
    running.advance(100 * DAY)
    assert len(running.get("/v1/invoices", subscription=halfway["id"])["data"]) == 1
    assert client.v1.subscriptions.retrieve(halfway["id"]).status == "paused"


@pytest.mark.parametrize(
    ("since", "credited"), [("now", [-1000]), ("item_current_period_start", [-2000]), ("none", [])]
)
def test_pause_credits_from_when_it_is_told(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params, since: Any, credited: list[int]
) -> None:
    client.v1.subscriptions.pause(halfway["id"], {"bill_for": {"unused_time_from": {"type": since}}})
    assert pending(running, halfway) == credited


def test_pause_can_be_billed_at_once_as_its_preview_shows(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    how: Any = {"invoicing_behavior": "invoice"}
    asked: Any = {"subscription": halfway["id"], "subscription_details": {"pause": how}}
    preview = client.v1.invoices.create_preview(asked)
    real = invoice_of(client, client.v1.subscriptions.pause(halfway["id"], how))
    assert (preview.total, real.total, real.status) == (-1000, -1000, "paid")
    assert running.get(f"/v1/customers/{halfway['customer']}")["balance"] == -1000


@pytest.mark.parametrize("how", [{"invoicing_behavior": "pending_invoice_item"}, {"type": "subscription"}])
def test_pause_without_an_invoice_has_no_preview(client: stripe.StripeClient, halfway: Params, how: Any) -> None:
    asked: Any = {"subscription": halfway["id"], "subscription_details": {"pause": how}}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.create_preview(asked)
    assert caught.value.code == "invoice_upcoming_none"


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"trial_period_days": 7}, "trialing"),
        ({"collection_method": "send_invoice", "days_until_due": 30}, "charge_automatically"),
        ({"billing_mode": {"type": "classic"}}, "flexible"),
        ({"payment_behavior": "default_incomplete"}, "incomplete"),
    ],
)
def test_pause_is_refused_where_stripe_refuses_it(
    running: RunningSandbox, client: stripe.StripeClient, params: Params, says: str
) -> None:
    subscription = subscribe(running, **params)
    with pytest.raises(stripe.InvalidRequestError, match=says) as caught:
        client.v1.subscriptions.pause(subscription["id"])
    assert caught.value.http_status == 400


def test_scheduled_paused_and_canceled_ones_cannot_be_paused(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    scheduled = subscribe(running)["id"]
    running.post("/v1/subscription_schedules", from_subscription=scheduled)
    with pytest.raises(stripe.InvalidRequestError, match="schedule"):
        client.v1.subscriptions.pause(scheduled)
    client.v1.subscriptions.pause(halfway["id"])
    with pytest.raises(stripe.InvalidRequestError, match="paused"):
        client.v1.subscriptions.pause(halfway["id"])
    client.v1.subscriptions.cancel(halfway["id"])
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.pause(halfway["id"])
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_end_that_was_scheduled_comes_to_a_paused_one_too(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    client.v1.subscriptions.update(halfway["id"], {"cancel_at_period_end": True})
    client.v1.subscriptions.pause(halfway["id"])
    running.advance(20 * DAY)
    ended = client.v1.subscriptions.retrieve(halfway["id"])
    assert (ended.status, ended.status_details) == ("canceled", None)


# Resume


@pytest.fixture
def paused(running: RunningSandbox, client: stripe.StripeClient, halfway: Params) -> Params:
    """The same, paused for three days without any credit."""
    client.v1.subscriptions.pause(halfway["id"], {"bill_for": {"unused_time_from": {"type": "none"}}})
    running.advance(3 * DAY)
    return halfway


def test_resuming_waits_for_its_invoice_unless_told_otherwise(
    running: RunningSandbox, client: stripe.StripeClient, paused: Params
) -> None:
    resuming = client.v1.subscriptions.resume(paused["id"])
    invoice = invoice_of(client, resuming)
    assert (resuming.status, invoice.status, invoice.attempted, invoice.total) == ("paused", "open", False, 2000)
    assert resuming.billing_cycle_anchor == running.sandbox.now()
    since = len(running.sandbox.events)
    client.v1.invoices.pay(str(invoice.id))
    resumed = client.v1.subscriptions.retrieve(paused["id"])
    assert (resumed.status, resumed.status_details) == ("active", None)
    assert events_since(running, since)[-2:] == ["customer.subscription.updated", "customer.subscription.resumed"]
    running.sandbox.advance_to(resumed["items"]["data"][0]["current_period_end"] + HOUR)
    assert len(running.get("/v1/invoices", subscription=paused["id"])["data"]) == 3


def test_resuming_on_success_tries_at_once(client: stripe.StripeClient, paused: Params) -> None:
    resumed = client.v1.subscriptions.resume(paused["id"], {"payment_behavior": "resume_on_payment_success"})
    assert (resumed.status, invoice_of(client, resumed).status) == ("active", "paid")


def test_declined_resumption_stays_paused_and_is_retried(
    running: RunningSandbox, client: stripe.StripeClient, paused: Params
) -> None:
    use_card(running, paused["customer"], FAILING)
    resuming = client.v1.subscriptions.resume(paused["id"], {"payment_behavior": "resume_on_payment_success"})
    invoice = invoice_of(client, resuming)
    assert (resuming.status, invoice.status, invoice.attempt_count) == ("paused", "open", 1)
    use_card(running, paused["customer"], "pm_card_visa")
    running.advance(3 * DAY)
    assert client.v1.subscriptions.retrieve(paused["id"]).status == "active"


def test_failed_attempt_is_enough_where_no_success_is_asked_for(
    running: RunningSandbox, client: stripe.StripeClient, paused: Params
) -> None:
    use_card(running, paused["customer"], FAILING)
    invoice = invoice_of(client, client.v1.subscriptions.resume(paused["id"]))
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(str(invoice.id))
    assert client.v1.subscriptions.retrieve(paused["id"]).status == "past_due"
    assert client.v1.invoices.retrieve(str(invoice.id)).next_payment_attempt is None


def test_resumption_without_an_attempt_is_void_after_23_hours(
    running: RunningSandbox, client: stripe.StripeClient, paused: Params
) -> None:
    invoice = invoice_of(client, client.v1.subscriptions.resume(paused["id"]))
    running.advance(23 * HOUR - 60)
    assert client.v1.invoices.retrieve(str(invoice.id)).status == "open"
    running.advance(120)
    assert client.v1.invoices.retrieve(str(invoice.id)).status == "void"
    assert client.v1.subscriptions.retrieve(paused["id"]).status == "paused"


@pytest.mark.parametrize(("verb", "status"), [("void", "paused"), ("mark_uncollectible", "active")])
def test_invoice_that_is_given_up_decides_too(
    running: RunningSandbox, client: stripe.StripeClient, paused: Params, verb: str, status: str
) -> None:
    invoice = invoice_of(client, client.v1.subscriptions.resume(paused["id"]))
    running.post(f"/v1/invoices/{invoice.id}/{verb}")
    assert client.v1.subscriptions.retrieve(paused["id"]).status == status


def test_second_try_to_resume_takes_the_place_of_the_first(client: stripe.StripeClient, paused: Params) -> None:
    first = invoice_of(client, client.v1.subscriptions.resume(paused["id"]))
    resumed = client.v1.subscriptions.resume(paused["id"], {"payment_behavior": "resume_on_payment_success"})
    assert (resumed.status, client.v1.invoices.retrieve(str(first.id)).status) == ("active", "void")


@pytest.mark.parametrize(
    ("behavior", "left", "billed"),
    [("create_prorations", [793], False), ("none", [], False), ("always_invoice", [], True)],
)
def test_unchanged_anchor_charges_the_rest_of_the_period(
    running: RunningSandbox, client: stripe.StripeClient, paused: Params, behavior: Any, left: list[int], billed: bool
) -> None:
    anchor, end = paused["billing_cycle_anchor"], paused["items"]["data"][0]["current_period_end"]
    how: Any = {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": behavior}
    since = len(running.sandbox.events)
    resumed = client.v1.subscriptions.resume(paused["id"], how)
    assert resumed.billing_cycle_anchor == anchor
    assert resumed["items"]["data"][0]["current_period_end"] == end
    assert pending(running, paused) == left
    assert resumed.status == ("paused" if billed else "active")
    if not billed:
        assert events_since(running, since)[-2:] == ["customer.subscription.updated", "customer.subscription.resumed"]


@pytest.mark.parametrize(
    "how", [{}, {"billing_cycle_anchor": {"type": "unchanged"}, "proration_behavior": "always_invoice"}]
)
def test_resumption_is_billed_as_its_preview_shows(
    running: RunningSandbox, client: stripe.StripeClient, paused: Params, how: Any
) -> None:
    pinned = {"proration_date": running.sandbox.now()} if how else {}
    asked: Any = {"subscription": paused["id"], "subscription_details": {**how, **pinned, "resume_at": "now"}}
    preview = client.v1.invoices.create_preview(asked)
    running.advance(HOUR)
    real = invoice_of(client, client.v1.subscriptions.resume(paused["id"], {**how, **pinned}))
    assert [line.amount for line in preview.lines.data] == [line.amount for line in real.lines.data]
    assert preview.total == real.total


def test_free_subscription_goes_on_at_once(running: RunningSandbox, client: stripe.StripeClient) -> None:
    price = make_price(running, unit_amount=0, recurring=MONTHLY)
    subscription = subscribe(running, items=[{"price": price}])
    client.v1.subscriptions.pause(subscription["id"])
    assert client.v1.subscriptions.resume(subscription["id"]).status == "active"


def test_subscription_whose_trial_ended_without_a_card_can_be_resumed(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    settings = {"end_behavior": {"missing_payment_method": "pause"}}
    customer = running.post("/v1/customers")
    subscription = subscribe(running, customer, trial_period_days=7, trial_settings=settings)
    running.advance(8 * DAY)
    paused = client.v1.subscriptions.retrieve(subscription["id"])
    assert paused.status_details is not None
    assert paused.status_details.paused.subscription.type == "trial_end_without_payment_method"
    use_card(running, customer["id"], "pm_card_visa")
    resumed = client.v1.subscriptions.resume(subscription["id"], {"payment_behavior": "resume_on_payment_success"})
    assert (resumed.status, invoice_of(client, resumed).amount_paid) == ("active", 2000)


@pytest.mark.parametrize("status", ["active", "canceled"])
def test_only_what_is_paused_can_be_resumed(running: RunningSandbox, client: stripe.StripeClient, status: str) -> None:
    subscription = subscribe(running, make_customer(running))
    if status == "canceled":
        client.v1.subscriptions.cancel(subscription["id"])
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.resume(subscription["id"])
    expected = {"active": (400, None), "canceled": (404, "resource_missing")}[status]
    assert (caught.value.http_status, caught.value.code) == expected
    if status == "active":
        assert caught.value.user_message == "You can only resume a subscription if it is `paused`."


@pytest.mark.parametrize(
    ("anchor", "param"),
    [("now", "billing_cycle_anchor"), ({"type": "now", "timestamp": 5}, "billing_cycle_anchor[timestamp]")],
)
def test_anchor_is_an_object_in_this_version(
    client: stripe.StripeClient, paused: Params, anchor: Any, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.resume(paused["id"], {"billing_cycle_anchor": anchor})
    assert caught.value.param == param


def test_migration_is_one_way(running: RunningSandbox, client: stripe.StripeClient) -> None:
    subscription = subscribe(running, billing_mode={"type": "classic"})
    migrated = client.v1.subscriptions.migrate(subscription["id"], {"billing_mode": {"type": "flexible"}})
    assert migrated.billing_mode.type == "flexible"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.subscriptions.migrate(subscription["id"], {"billing_mode": {"type": "flexible"}})
    assert client.v1.subscriptions.pause(subscription["id"]).status == "paused"
