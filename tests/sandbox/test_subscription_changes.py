"""Subscriptions changed on request: what a declined payment does to a change, trials, ends, discounts, refusals."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import DAY, HOUR, Params, events_since, make_customer, make_price, subscribe
from tests.sandbox.test_billing import FAILING, use_card
from tests.sandbox.testing import RunningSandbox, SandboxError


@pytest.fixture
def failing(running: RunningSandbox, halfway: Params) -> Params:
    """The same, with a card that declines from now on."""
    use_card(running, halfway["customer"], FAILING)
    return halfway


def dearer(running: RunningSandbox, subscription: Params, **params: Any) -> Any:
    price = make_price(running, unit_amount=5000)
    items = [{"id": subscription["items"]["data"][0]["id"], "price": price}]
    return {"items": items, "proration_behavior": "always_invoice", **params}


def amount_of(subscription: Any) -> int:
    return int(subscription["items"]["data"][0]["price"]["unit_amount"])


# What a declined payment does


def test_declined_change_is_made_all_the_same_unless_told_otherwise(
    running: RunningSandbox, client: stripe.StripeClient, failing: Params
) -> None:
    changed = client.v1.subscriptions.update(failing["id"], dearer(running, failing))
    assert (changed.status, amount_of(changed)) == ("past_due", 5000)


def test_change_that_waits_for_its_payment_owes_it(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    wished = dearer(running, halfway, payment_behavior="default_incomplete")
    changed = client.v1.subscriptions.update(halfway["id"], wished)
    invoice = client.v1.invoices.retrieve(str(changed.latest_invoice))
    assert (changed.status, invoice.status, invoice.attempted) == ("past_due", "open", False)
    client.v1.invoices.pay(str(invoice.id))
    assert client.v1.subscriptions.retrieve(halfway["id"]).status == "active"


@pytest.mark.parametrize(
    ("card", "code"), [(FAILING, "card_declined"), ("pm_card_authenticationRequired", "authentication_required")]
)
def test_change_can_be_refused_when_its_payment_is(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params, card: str, code: str
) -> None:
    use_card(running, halfway["customer"], card)
    wished = dearer(running, halfway, payment_behavior="error_if_incomplete")
    kinds = ("subscription", "subscription_item", "invoice", "invoiceitem", "charge", "event")
    before = {kind: running.objects(kind) for kind in kinds}
    with pytest.raises(stripe.CardError) as caught:
        client.v1.subscriptions.update(halfway["id"], wished)
    assert (caught.value.http_status, caught.value.code) == (402, code)
    assert {kind: running.objects(kind) for kind in kinds} == before
    use_card(running, halfway["customer"], "pm_card_visa")
    assert client.v1.subscriptions.update(halfway["id"], wished).status == "active"


def test_pending_change_is_made_when_it_is_paid(
    running: RunningSandbox, client: stripe.StripeClient, failing: Params
) -> None:
    wished = dearer(running, failing, payment_behavior="pending_if_incomplete")
    held = client.v1.subscriptions.update(failing["id"], wished)
    assert (held.status, amount_of(held)) == ("active", 2000)
    assert held.pending_update is not None
    assert held.pending_update.expires_at == running.sandbox.now() + 23 * HOUR
    (pending,) = held.pending_update.subscription_items or []
    assert pending.price.unit_amount == 5000
    since = len(running.sandbox.events)
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(str(held.latest_invoice))
    assert client.v1.subscriptions.retrieve(failing["id"]).status == "active"
    client.v1.invoices.pay(str(held.latest_invoice), {"payment_method": "pm_card_visa"})
    changed = client.v1.subscriptions.retrieve(failing["id"])
    assert (changed.status, amount_of(changed), changed.pending_update) == ("active", 5000, None)
    assert events_since(running, since)[-2:] == [
        "customer.subscription.updated",
        "customer.subscription.pending_update_applied",
    ]


@pytest.mark.parametrize("way", ["time", "void"])
def test_pending_change_is_dropped_when_it_is_not_paid(
    running: RunningSandbox, client: stripe.StripeClient, failing: Params, way: str
) -> None:
    wished = dearer(running, failing, payment_behavior="pending_if_incomplete")
    held = client.v1.subscriptions.update(failing["id"], wished)
    if way == "time":
        running.advance(23 * HOUR + 1)
    else:
        client.v1.invoices.void_invoice(str(held.latest_invoice))
    left = client.v1.subscriptions.retrieve(failing["id"])
    assert (left.status, amount_of(left), left.pending_update) == ("active", 2000, None)
    assert client.v1.invoices.retrieve(str(held.latest_invoice)).status == "void"
    assert running.get("/v1/events", type="customer.subscription.pending_update_expired")["data"]


def test_only_some_parameters_can_be_pending(client: stripe.StripeClient, halfway: Params) -> None:
    how: Any = {"payment_behavior": "pending_if_incomplete", "description": "x"}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.update(halfway["id"], how)
    assert caught.value.param == "description"


# Trials


def test_trial_on_a_paid_subscription_credits_what_was_paid(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    end = running.sandbox.now() + 10 * DAY
    changed = client.v1.subscriptions.update(halfway["id"], {"trial_end": end})
    assert (changed.status, changed.trial_end, changed.billing_cycle_anchor) == ("trialing", end, end)
    invoice = client.v1.invoices.retrieve(str(changed.latest_invoice))
    assert (invoice.total, [line.amount for line in invoice.lines.data]) == (-1000, [-1000, 0])
    unchanged = client.v1.subscriptions.update(halfway["id"], {"trial_end": end + DAY, "proration_behavior": "none"})
    assert unchanged.latest_invoice == changed.latest_invoice


@pytest.mark.parametrize(("wish", "status"), [("cancel", "canceled"), ("pause", "paused")])
def test_trial_ended_now_without_a_card_goes_as_its_settings_say(
    running: RunningSandbox, client: stripe.StripeClient, wish: str, status: str
) -> None:
    settings = {"end_behavior": {"missing_payment_method": wish}}
    customer = running.post("/v1/customers")
    subscription = subscribe(running, customer, trial_period_days=7, trial_settings=settings)
    assert client.v1.subscriptions.update(subscription["id"], {"trial_end": "now"}).status == status


def test_trial_ended_now_without_a_card_is_refused_where_it_would_be_billed(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    subscription = subscribe(running, running.post("/v1/customers"), trial_period_days=7)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.update(subscription["id"], {"trial_end": "now"})
    assert caught.value.code == "resource_missing"
    assert "no attached payment source" in str(caught.value.user_message)


# Ends


def test_end_inside_a_period_credits_the_rest_and_takes_it_back_when_undone(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    def pending() -> list[int]:
        listed = client.v1.invoice_items.list({"customer": halfway["customer"], "pending": True})
        return [item.amount for item in listed.data]

    end = running.sandbox.now() + 5 * DAY
    cut = client.v1.subscriptions.update(halfway["id"], {"cancel_at": end})
    assert cut["items"]["data"][0]["current_period_end"] == end
    assert pending() == [-656]
    whole = client.v1.subscriptions.update(halfway["id"], {"cancel_at": ""})
    assert whole["items"]["data"][0]["current_period_end"] == halfway["items"]["data"][0]["current_period_end"]
    assert (pending(), whole.cancel_at) == ([655, -656], None)
    client.v1.subscriptions.update(halfway["id"], {"cancel_at": end, "proration_behavior": "none"})
    assert pending() == [655, -656]


def test_end_in_a_later_period_makes_that_period_short(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    renewal = halfway["items"]["data"][0]["current_period_end"]
    client.v1.subscriptions.update(halfway["id"], {"cancel_at": renewal + 10 * DAY})
    running.sandbox.advance_to(renewal + HOUR)
    renewed = client.v1.subscriptions.retrieve(halfway["id"])
    assert renewed["items"]["data"][0]["current_period_end"] == renewal + 10 * DAY
    assert client.v1.invoices.retrieve(str(renewed.latest_invoice)).total == 645
    running.advance(10 * DAY)
    assert client.v1.subscriptions.retrieve(halfway["id"]).status == "canceled"


def test_cancel_drops_pending_prorations_unless_they_shall_be_billed(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    wished = dearer(running, halfway, proration_behavior="create_prorations")
    client.v1.subscriptions.update(halfway["id"], wished)
    running.post("/v1/invoiceitems", customer=halfway["customer"], amount=300, currency="usd")
    since = len(running.sandbox.events)
    client.v1.subscriptions.cancel(halfway["id"])
    assert events_since(running, since) == ["invoiceitem.deleted"] * 2 + ["customer.subscription.deleted"]
    left = client.v1.invoice_items.list({"customer": halfway["customer"], "pending": True}).data
    assert [item.amount for item in left] == [300]


def test_credit_can_be_left_pending(client: stripe.StripeClient, halfway: Params) -> None:
    client.v1.subscriptions.cancel(halfway["id"], {"prorate": True})
    (credit,) = client.v1.invoice_items.list({"customer": halfway["customer"], "pending": True}).data
    assert (credit.amount, credit.proration) == (-1000, True)
    assert credit.proration_details is not None
    credited = credit.proration_details["credited_items"]["invoice_line_item_details"]
    assert credited["invoice"] == halfway["latest_invoice"]


def test_scheduled_subscription_is_ended_by_its_schedule_only(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    schedule = client.v1.subscription_schedules.create({"from_subscription": halfway["id"]})
    for change in ({"cancel_at_period_end": True}, {"cancel_at": ""}):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            client.v1.subscriptions.update(halfway["id"], change)
        assert f"managed by the subscription schedule `{schedule.id}`" in str(caught.value.user_message)
    client.v1.subscription_schedules.release(schedule.id)
    assert client.v1.subscriptions.update(halfway["id"], {"cancel_at_period_end": True}).cancel_at


# Items, discounts, terms


def test_free_items_become_paid_ones_at_once(running: RunningSandbox, client: stripe.StripeClient) -> None:
    subscription = subscribe(running, items=[{"price": make_price(running, unit_amount=0)}])
    running.advance(3 * DAY)
    item = subscription["items"]["data"][0]["id"]
    changes: Any = {"items": [{"id": item, "price": make_price(running)}]}
    changed = client.v1.subscriptions.update(subscription["id"], changes)
    assert changed.billing_cycle_anchor == running.sandbox.now()
    assert client.v1.invoices.retrieve(str(changed.latest_invoice)).amount_paid == 2000


def test_item_has_discounts_of_its_own(running: RunningSandbox, client: stripe.StripeClient) -> None:
    half = running.post("/v1/coupons", percent_off=50, duration="forever")["id"]
    items = [{"price": make_price(running), "discounts": [{"coupon": half}]}, {"price": make_price(running)}]
    subscription = subscribe(running, items=items)
    (discount,) = subscription["items"]["data"][0]["discounts"]
    assert client.v1.invoices.retrieve(subscription["latest_invoice"]).total == 3000
    item = subscription["items"]["data"][0]["id"]
    kept = client.v1.subscription_items.update(item, {"discounts": [{"discount": discount}], "quantity": 2})
    assert kept.discounts == [discount]
    assert client.v1.subscription_items.update(item, {"discounts": ""}).discounts == []
    assert running.get("/v1/events", type="customer.discount.deleted")["data"]


def test_discounts_are_replaced_as_a_whole(running: RunningSandbox, client: stripe.StripeClient) -> None:
    ten, five = (running.post("/v1/coupons", percent_off=off, duration="forever")["id"] for off in (10, 5))
    subscription = subscribe(running, discounts=[{"coupon": ten}])
    (first,) = subscription["discounts"]
    both: Any = {"discounts": [{"discount": first}, {"coupon": five}]}
    changed = client.v1.subscriptions.update(subscription["id"], both)
    assert len(changed.discounts) == 2
    assert changed.discounts[0] == first
    since = len(running.sandbox.events)
    client.v1.subscriptions.update(subscription["id"], {"discounts": [{"discount": first}]})
    assert events_since(running, since) == ["customer.discount.deleted", "customer.subscription.updated"]
    assert client.v1.subscriptions.update(subscription["id"], {"discounts": ""}).discounts == []


def test_discount_of_another_subscription_can_not_be_kept(running: RunningSandbox) -> None:
    ten = running.post("/v1/coupons", percent_off=10, duration="forever")["id"]
    mine, other = (subscribe(running, discounts=[{"coupon": ten}]) for _ in range(2))
    (foreign,) = other["discounts"]
    with pytest.raises(SandboxError, match=f"The discount {foreign} is not the current discount") as caught:
        running.post(f"/v1/subscriptions/{mine['id']}", discounts=[{"discount": foreign}])
    assert caught.value.error["param"] == "discounts[0][discount]"
    assert running.get(f"/v1/subscriptions/{mine['id']}")["discounts"] == mine["discounts"]
    running.happens("give_coupon", customer=mine["customer"], coupon=ten)
    inherited = running.get(f"/v1/customers/{mine['customer']}")["discount"]["id"]
    changed = running.post(f"/v1/subscriptions/{mine['id']}", discounts=[{"discount": inherited}])
    assert changed["discounts"] == [inherited]


def test_collection_can_be_switched_both_ways(client: stripe.StripeClient, halfway: Params) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.update(halfway["id"], {"collection_method": "send_invoice"})
    assert (caught.value.code, caught.value.param) == ("parameter_missing", "days_until_due")
    sent = client.v1.subscriptions.update(halfway["id"], {"collection_method": "send_invoice", "days_until_due": 14})
    assert (sent.collection_method, sent.days_until_due) == ("send_invoice", 14)
    charged = client.v1.subscriptions.update(halfway["id"], {"collection_method": "charge_automatically"})
    assert charged.days_until_due is None


def test_default_payment_method_must_be_the_customers_and_can_be_cleared(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    own = running.get(f"/v1/customers/{halfway['customer']}/payment_methods")["data"][0]["id"]
    other = make_customer(running)["invoice_settings"]["default_payment_method"]
    changed = client.v1.subscriptions.update(halfway["id"], {"default_payment_method": own})
    assert changed.default_payment_method == own
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.subscriptions.update(halfway["id"], {"default_payment_method": other})
    assert (caught.value.code, caught.value.param) == ("resource_missing", "default_payment_method")
    assert client.v1.subscriptions.update(halfway["id"], {"default_payment_method": ""}).default_payment_method is None
