"""Previews say what comes: each is compared with what the same change, made afterwards, really bills."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import DAY, FEBRUARY_1, HOUR, Params, make_customer, make_price, subscribe
from tests.sandbox.testing import RunningSandbox

# How a shown invoice and the one that came are compared.
SUMS = ("amount_due", "currency", "ending_balance", "starting_balance", "subtotal", "total")


def lines_of(invoice: stripe.Invoice) -> list[tuple[Any, ...]]:
    return [
        (line.amount, line.description, line.quantity, line.period.start, line.period.end, is_proration(line))
        for line in invoice.lines.data
    ]


def is_proration(line: Any) -> bool:
    details = line.parent.subscription_item_details or line.parent.invoice_item_details
    return bool(details.proration)


def shown(client: stripe.StripeClient, subscription: Params, **details: Any) -> stripe.Invoice:
    params: Any = {"subscription": subscription["id"], "subscription_details": details}
    return client.v1.invoices.create_preview(params)


def last_invoice(client: stripe.StripeClient, subscription: Params) -> stripe.Invoice:
    newest = client.v1.subscriptions.retrieve(subscription["id"]).latest_invoice
    return client.v1.invoices.retrieve(str(newest))


def assert_same(preview: stripe.Invoice, real: stripe.Invoice) -> None:
    assert lines_of(preview) == lines_of(real)
    assert {name: preview[name] for name in SUMS} == {name: real[name] for name in SUMS}


def dearer(running: RunningSandbox, subscription: Params) -> Params:
    price = make_price(running, unit_amount=5000)
    return {"items": [{"id": subscription["items"]["data"][0]["id"], "price": price}]}


def fewer(running: RunningSandbox, subscription: Params) -> Params:
    item = subscription["items"]["data"][0]["id"]
    running.post(f"/v1/subscription_items/{item}", quantity=5, proration_behavior="always_invoice")
    return {"items": [{"id": item, "quantity": 2}]}


def added(running: RunningSandbox, subscription: Params) -> Params:
    return {"items": [{"price": make_price(running, unit_amount=700), "quantity": 3}]}


def swapped(running: RunningSandbox, subscription: Params) -> Params:
    gone = {"id": subscription["items"]["data"][0]["id"], "deleted": True}
    return {"items": [gone, {"price": make_price(running, unit_amount=900)}]}


def yearly(running: RunningSandbox, subscription: Params) -> Params:
    price = make_price(running, unit_amount=20000, recurring={"interval": "year"})
    return {"items": [{"id": subscription["items"]["data"][0]["id"], "price": price}]}


def anchored(running: RunningSandbox, subscription: Params) -> Params:
    return {"billing_cycle_anchor": {"type": "now"}}


def ended_early(running: RunningSandbox, subscription: Params) -> Params:
    return {"cancel_at": running.sandbox.now() + 5 * DAY}


def given_a_trial(running: RunningSandbox, subscription: Params) -> Params:
    return {"trial_end": running.sandbox.now() + 20 * DAY}


CHANGES: list[Callable[[RunningSandbox, Params], Params]] = [
    dearer,
    fewer,
    added,
    swapped,
    yearly,
    anchored,
    ended_early,
    given_a_trial,
]


@pytest.mark.parametrize("behavior", ["create_prorations", "always_invoice", "none"])
@pytest.mark.parametrize("change", CHANGES)
def test_change_bills_what_its_preview_showed(  # S42
    running: RunningSandbox,
    client: stripe.StripeClient,
    halfway: Params,
    change: Callable[[RunningSandbox, Params], Params],
    behavior: Any,
) -> None:
    wished = {**change(running, halfway), "proration_behavior": behavior}
    if behavior != "none":
        wished["proration_date"] = running.sandbox.now()
    if (change, behavior) == (ended_early, "none"):
        with pytest.raises(stripe.InvalidRequestError, match="No upcoming invoices"):
            shown(client, halfway, **wished)
        return
    preview = shown(client, halfway, **wished)
    running.advance(HOUR)  # the person thinks it over; the pinned date keeps the amounts
    before = last_invoice(client, halfway).id
    client.v1.subscriptions.update(halfway["id"], wished)
    if last_invoice(client, halfway).id == before:
        running.sandbox.advance_to(preview.created + HOUR)
    real = last_invoice(client, halfway)
    if change in (yearly, anchored, given_a_trial):  # the new period begins an hour later
        assert [line[:2] for line in lines_of(preview)] == [line[:2] for line in lines_of(real)]
        assert preview.total == real.total
    else:
        assert_same(preview, real)


def test_coupon_is_in_prorations_as_it_is_in_what_was_paid(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    running.sandbox.clock.set(FEBRUARY_1)
    coupon = running.post("/v1/coupons", percent_off=50, duration="forever")["id"]
    subscription = subscribe(running, discounts=[{"coupon": coupon}])
    running.advance(14 * DAY + 12 * HOUR)
    wished = {**dearer(running, subscription), "proration_behavior": "always_invoice"}
    preview = shown(client, subscription, **wished)
    assert [line.amount for line in preview.lines.data] == [-500, 1250]
    client.v1.subscriptions.update(subscription["id"], wished)
    assert_same(preview, last_invoice(client, subscription))


def test_coupon_for_once_is_not_taken_off_again_where_a_preview_keeps_it(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    once = running.post("/v1/coupons", percent_off=50, duration="once")["id"]
    subscription = subscribe(running, discounts=[{"coupon": once}])
    assert last_invoice(client, subscription).total == 1000
    kept: Any = [{"discount": id} for id in subscription["discounts"]]
    preview = client.v1.invoices.create_preview({"subscription": subscription["id"], "discounts": kept})
    assert (preview.total, preview.discounts) == (2000, [])


def test_credit_on_the_balance_is_counted(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    running.post(f"/v1/customers/{halfway['customer']}", balance=-700)
    wished = {**dearer(running, halfway), "proration_behavior": "always_invoice"}
    preview = shown(client, halfway, **wished)
    assert (preview.total, preview.starting_balance, preview.amount_due, preview.ending_balance) == (1500, -700, 800, 0)
    client.v1.subscriptions.update(halfway["id"], wished)
    assert_same(preview, last_invoice(client, halfway))


def test_cancel_now_shows_the_last_invoice(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    preview = shown(client, halfway, cancel_now=True)
    assert (preview.total, preview.amount_due) == (-1000, 0)
    client.v1.subscriptions.cancel(halfway["id"], {"prorate": True, "invoice_now": True})
    assert_same(preview, last_invoice(client, halfway))


@pytest.mark.parametrize(
    "details",
    [
        {"cancel_at_period_end": True},
        {"cancel_now": True, "proration_behavior": "none"},
        {"cancel_at": "min_period_end"},
    ],
)
def test_nothing_to_bill_is_404(client: stripe.StripeClient, halfway: Params, details: Params) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shown(client, halfway, **details)
    assert (caught.value.http_status, caught.value.code) == (404, "invoice_upcoming_none")
    assert str(caught.value.user_message) == f"No upcoming invoices for customer: {halfway['customer']}"


def test_canceled_subscription_has_nothing_upcoming(client: stripe.StripeClient, halfway: Params) -> None:
    client.v1.subscriptions.cancel(halfway["id"])
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shown(client, halfway)
    assert caught.value.code == "invoice_upcoming_none"


def test_pending_items_are_billed_at_a_scheduled_end(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    running.post("/v1/invoiceitems", customer=halfway["customer"], amount=900, currency="usd", description="Extra")
    preview = shown(client, halfway, cancel_at_period_end=True)
    assert lines_of(preview)[0][:2] == (900, "Extra")
    client.v1.subscriptions.update(halfway["id"], {"cancel_at_period_end": True})
    running.sandbox.advance_to(preview.created + HOUR)
    ended = client.v1.subscriptions.retrieve(halfway["id"])
    real = client.v1.invoices.retrieve(str(ended.latest_invoice))
    assert (ended.status, real.status) == ("canceled", "paid")
    assert_same(preview, real)


def test_next_invoice_is_the_renewal_with_what_is_pending(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    running.post("/v1/invoiceitems", customer=halfway["customer"], amount=300, currency="usd")
    preview = client.v1.invoices.create_preview({"customer": halfway["customer"]})
    assert (preview.total, preview.billing_reason, preview.status) == (2300, "upcoming", "draft")
    assert preview.created == halfway["items"]["data"][0]["current_period_end"]
    running.sandbox.advance_to(preview.created + HOUR)
    assert_same(preview, last_invoice(client, halfway))
    only = {"subscription": halfway["id"], "preview_mode": "recurring"}
    assert client.v1.invoices.create_preview(only).total == 2000


def test_recurring_mode_leaves_prorations_and_items_out(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    running.post("/v1/invoiceitems", customer=halfway["customer"], amount=300, currency="usd")
    preview = client.v1.invoices.create_preview(
        {
            "subscription": halfway["id"],
            "subscription_details": dearer(running, halfway),
            "preview_mode": "recurring",
        }
    )
    assert [line[0] for line in lines_of(preview)] == [5000]


def test_new_subscription_is_shown_before_it_is_made(running: RunningSandbox, client: stripe.StripeClient) -> None:
    running.sandbox.clock.set(FEBRUARY_1)
    customer = make_customer(running)["id"]
    coupon = running.post("/v1/coupons", percent_off=10, duration="once")["id"]
    items = [{"price": make_price(running), "quantity": 2}]
    preview = client.v1.invoices.create_preview(
        {
            "customer": customer,
            "subscription_details": {"items": items},
            "discounts": [{"coupon": coupon}],
        }
    )
    made = running.post("/v1/subscriptions", customer=customer, items=items, discounts=[{"coupon": coupon}])
    real = client.v1.invoices.retrieve(made["latest_invoice"])
    assert (preview.total, real.total) == (3600, 3600)
    assert lines_of(preview) == lines_of(real)


def test_stranger_can_be_shown_a_price_too(running: RunningSandbox, client: stripe.StripeClient) -> None:
    preview = client.v1.invoices.create_preview(
        {
            "customer_details": {"tax_exempt": "none"},
            "subscription_details": {"items": [{"price": make_price(running)}], "trial_end": "now"},
        }
    )
    assert (preview.customer, preview.total) == (None, 2000)
    assert not running.objects("customer")


def test_preview_changes_nothing_and_tells_nobody(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    wished = {**dearer(running, halfway), "proration_behavior": "always_invoice"}
    kinds = ("customer", "subscription", "subscription_item", "invoice", "invoiceitem", "line_item", "coupon", "event")
    coupon = running.post("/v1/coupons", percent_off=10, duration="once")["id"]
    before = {kind: running.objects(kind) for kind in kinds}
    preview = client.v1.invoices.create_preview(
        {"subscription": halfway["id"], "subscription_details": wished, "discounts": [{"coupon": coupon}]}
    )
    assert {kind: running.objects(kind) for kind in kinds} == before
    assert str(preview.id).startswith("upcoming_in_")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.retrieve(str(preview.id))


def test_lines_of_a_preview_can_be_paged_and_expanded(
    running: RunningSandbox, client: stripe.StripeClient, halfway: Params
) -> None:
    for amount in range(100, 112):
        running.post("/v1/invoiceitems", customer=halfway["customer"], amount=amount, currency="usd")
    preview = client.v1.invoices.create_preview(
        {"subscription": halfway["id"], "expand": ["customer", "parent.subscription_details.subscription"]}
    )
    assert preview.parent is not None and preview.parent.subscription_details is not None
    assert preview.customer.id == halfway["customer"]
    assert preview.parent.subscription_details.subscription.id == halfway["id"]
    assert (len(preview.lines.data), preview.lines.has_more) == (10, True)
    everything = list(client.v1.invoices.line_items.list(str(preview.id), {"limit": 4}).auto_paging_iter())
    assert sum(line.amount for line in everything) == preview.total


@pytest.mark.parametrize(
    ("details", "param"),
    [
        ({"items": [{"price": "price_none"}]}, "subscription_details[items][0][price]"),
        ({"items": [{"price": ""}]}, "subscription_details[items][0][price]"),
        ({"trial_end": 5}, "subscription_details[trial_end]"),
        ({"proration_date": 5}, "subscription_details[proration_date]"),
        ({"proration_date": FEBRUARY_1, "proration_behavior": "none"}, "subscription_details[proration_date]"),
        ({"billing_cycle_anchor": "now"}, "subscription_details[billing_cycle_anchor]"),
        ({"nonsense": "1"}, "subscription_details[nonsense]"),
    ],
)
def test_refusals_name_the_parameter_of_the_preview(
    client: stripe.StripeClient, halfway: Params, details: Params, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        shown(client, halfway, **details)
    assert (caught.value.http_status, caught.value.param) == (400, param)


def test_preview_of_nobody_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.create_preview({"preview_mode": "next"})
    assert caught.value.code == "parameter_missing"
