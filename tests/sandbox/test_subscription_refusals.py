"""What Stripe refuses to do to subscriptions, in its words."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.billing import terms
from tests.sandbox.conftest import make_customer, make_price, subscribe
from tests.sandbox.testing import RunningSandbox

PENDING = "Setting `payment_behavior` to `pending_if_incomplete` has no effect when creating a subscription."
FUTURE = "Invalid timestamp: must be an integer Unix timestamp in the future."


@pytest.mark.parametrize(
    ("params", "param", "says"),
    [
        ({"payment_behavior": "pending_if_incomplete"}, "payment_behavior", PENDING),
        ({"trial_end": 5}, "trial_end", FUTURE),
        ({"cancel_at": 5}, "cancel_at", FUTURE),
        ({"trial_end": 4_000_000_000}, "trial_end", "Invalid timestamp: can be no more than two years in the future."),
        ({"trial_period_days": 3, "trial_end": "now"}, "trial_period_days", None),
        ({"days_until_due": 3}, "days_until_due", None),
        ({"collection_method": "send_invoice"}, "days_until_due", None),
        ({"default_tax_rates": ["txr_none"]}, "default_tax_rates[0]", "No such tax_rate: 'txr_none'"),
        ({"discounts": [{"coupon": "none"}]}, "discounts[0][coupon]", "No such coupon: 'none'"),
        ({"default_payment_method": "pm_none"}, "default_payment_method", "No such PaymentMethod: 'pm_none'"),
        ({"colour": "red"}, "colour", "Received unknown parameter: colour"),
    ],
)
def test_new_subscription_is_refused(
    running: RunningSandbox, client: stripe.StripeClient, params: Any, param: str, says: str | None
) -> None:
    described: Any = {"customer": make_customer(running)["id"], "items": [{"price": make_price(running)}], **params}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.create(described)
    assert (caught.value.http_status, caught.value.param) == (400, param)
    assert says is None or caught.value.user_message == says
    assert not running.objects("subscription")


def test_no_price_is_there_twice(running: RunningSandbox, client: stripe.StripeClient) -> None:
    price, customer = make_price(running), make_customer(running)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.create({"customer": customer["id"], "items": [{"price": price}, {"price": price}]})
    says = f"Cannot create a Subscription with multiple Subscription Items with the same Price: {price}"
    assert (caught.value.param, caught.value.user_message) == ("plan", says)
    subscription = subscribe(running, customer, items=[{"price": price}])
    with pytest.raises(stripe.InvalidRequestError, match="Cannot add multiple subscription items"):
        client.v1.subscription_items.create({"subscription": subscription["id"], "price": price})


def test_customer_has_at_most_500_subscriptions(running: RunningSandbox, client: stripe.StripeClient) -> None:
    customer = running.post("/v1/customers")["id"]
    described: Any = {"customer": customer, "items": [{"price": make_price(running, unit_amount=0)}]}
    made = [running.sandbox.request("POST", "/v1/subscriptions", described).body["id"] for _ in range(500)]
    with pytest.raises(stripe.InvalidRequestError, match="the most subscriptions"):
        client.v1.subscriptions.create(described)
    client.v1.subscriptions.cancel(made[0])
    client.v1.subscriptions.create(described)


def test_new_subscription_can_insist_on_its_first_payment(running: RunningSandbox, client: stripe.StripeClient) -> None:
    customer = make_customer(running, "pm_card_authenticationRequired")
    described: Any = {"customer": customer["id"], "items": [{"price": make_price(running)}]}
    with pytest.raises(stripe.CardError) as caught:
        client.v1.subscriptions.create({**described, "payment_behavior": "error_if_incomplete"})
    assert (caught.value.http_status, caught.value.code) == (402, "subscription_payment_intent_requires_action")
    assert not running.objects("subscription")


def test_all_items_cannot_be_taken_away(running: RunningSandbox, client: stripe.StripeClient) -> None:
    subscription = subscribe(running)
    gone: Any = {"items": [{"id": subscription["items"]["data"][0]["id"], "deleted": True}]}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.update(subscription["id"], gone)
    assert (caught.value.param, caught.value.user_message) == ("items", terms.LAST_ITEM)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscription_items.delete(gone["items"][0]["id"], {"clear_usage": True})
    assert caught.value.user_message == terms.LAST_ITEM


def test_canceled_subscription_takes_no_items(running: RunningSandbox, client: stripe.StripeClient) -> None:
    subscription = subscribe(running)
    client.v1.subscriptions.cancel(subscription["id"])
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscription_items.create({"subscription": subscription["id"], "price": make_price(running)})
    assert (caught.value.http_status, caught.value.param) == (404, "subscription")


def test_proration_date_lies_in_the_period(running: RunningSandbox, client: stripe.StripeClient) -> None:
    subscription = subscribe(running)
    item = subscription["items"]["data"][0]
    for date in (item["current_period_start"] - 1, item["current_period_end"] + 1):
        change: Any = {"items": [{"id": item["id"], "quantity": 2}], "proration_date": date}
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.subscriptions.update(subscription["id"], change)
        assert caught.value.param == "proration_date"
        assert str(caught.value.user_message).startswith("Cannot specify proration date outside of current")


def test_idempotency_key_makes_one_change_of_two_tries(running: RunningSandbox, client: stripe.StripeClient) -> None:
    subscription = subscribe(running)
    item = subscription["items"]["data"][0]["id"]
    change: Any = {"items": [{"id": item, "quantity": 2}], "proration_behavior": "always_invoice"}
    tries = [
        client.v1.subscriptions.update(subscription["id"], change, {"idempotency_key": "one intent"}) for _ in range(2)
    ]
    assert tries[0].latest_invoice == tries[1].latest_invoice
    assert len(running.get("/v1/invoices", subscription=subscription["id"])["data"]) == 2
