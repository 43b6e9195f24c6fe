"""For each operation an object at Stripe to which it can be done, mirrored, and what somebody writes into its form.

`SCENARIOS` has one for each operation of the registry: what every operation promises is tested on it
(`test_promises.py`), so that a new operation is held to it from its first day.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from stripe_mirror.models import Push, StripeObject
from stripe_mirror.push.operation import get_operation
from tests.push import billing, invoicing, paying, scenarios_catalog, scenarios_subscriptions
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Values = dict[str, Any]
Made = tuple[Any, Values]
Scenario = Callable[[RunningSandbox], Made]
SCENARIOS: dict[str, Scenario] = {}
# Steps after another operation: that one is submitted instead.
STEPS = {
    "add_invoice_lines": "create_invoice",
    "end_with_schedule": "create_schedule",
    "make_replacement_default": "replace_price",
    "archive_replaced_price": "replace_price",
}
# Submitted by our own code only.
ALIKE = {"create_customer_for_user": "create_customer"}
ANN = {"name": "Ann", "email": "ann@example.com"}


def scenario(*names: str) -> Callable[[Scenario], Scenario]:
    """Declare the scenario of these operations."""

    def declare(make: Scenario) -> Scenario:
        SCENARIOS.update(dict.fromkeys(names, make))
        return make

    return declare


def made_by(operation: str, stripe: RunningSandbox) -> Made:
    """The row and the form's values; the stand-in has forgotten the requests that were needed for it."""
    made = SCENARIOS[operation](stripe)
    stripe.clear_requests()
    return made


def new(kind: str) -> StripeObject:
    """The row of an operation that creates."""
    return get_operation(f"create_{kind}").new_row()


def mirrored(made: dict[str, Any]) -> Any:
    """The row of what Stripe has just answered."""
    return mirror(made["object"], made["id"])


# -- customers ---------------------------------------------------------------------------------------------------------


def customer(stripe: RunningSandbox, **params: Any) -> Any:
    """A mirrored customer."""
    return mirrored(stripe.post("/v1/customers", **{**ANN, **params}))


@scenario("create_customer")
def _(stripe: RunningSandbox) -> Made:
    return new("customer"), dict(ANN)


@scenario("edit_customer")
def _(stripe: RunningSandbox) -> Made:
    return customer(stripe), {"phone": "+49 30 1234567"}


@scenario("delete_stripe_customer")
def _(stripe: RunningSandbox) -> Made:
    return customer(stripe), {}


@scenario("adjust_customer_balance")
def _(stripe: RunningSandbox) -> Made:
    return customer(stripe), {"direction": "credit", "amount": "20.50", "currency": "EUR"}


@scenario("add_tax_id")
def _(stripe: RunningSandbox) -> Made:
    return customer(stripe), {"type": "eu_vat", "value": "DE123456789"}


@scenario("remove_tax_id")
def _(stripe: RunningSandbox) -> Made:
    of = customer(stripe)
    return mirrored(stripe.post(f"/v1/customers/{of.pk}/tax_ids", type="eu_vat", value="DE123456789")), {}


@scenario("remove_customer_discount")
def _(stripe: RunningSandbox) -> Made:
    coupon = stripe.post("/v1/coupons", percent_off=10, duration="forever")["id"]
    made = stripe.post("/v1/customers", **ANN)
    stripe.happens("give_coupon", customer=made["id"], coupon=coupon)
    return mirrored(made), {}


@scenario("set_default_payment_method", "detach_payment_method")
def _(stripe: RunningSandbox) -> Made:
    of = mirrored(billing.buyer(stripe))
    attached = stripe.post("/v1/payment_methods/pm_card_mastercard/attach", customer=of.pk)
    return mirrored(attached), {}


# -- subscriptions -----------------------------------------------------------------------------------------------------


def subscription(stripe: RunningSandbox, **params: Any) -> Any:
    """A subscription over 29.00 eur a month, ten days old, charged to a card."""
    price = billing.sold(stripe, mirrored, "Gold")
    return billing.halfway(stripe, mirrored, price, **params)


@scenario("cancel_subscription")
def _(stripe: RunningSandbox) -> Made:
    return subscription(stripe), {"when": "now"}


@scenario("keep_subscription")
def _(stripe: RunningSandbox) -> Made:
    return subscription(stripe, cancel_at_period_end=True), {}


@scenario("pause_collection")
def _(stripe: RunningSandbox) -> Made:
    return subscription(stripe), {"behavior": "void"}


@scenario("unpause_collection")
def _(stripe: RunningSandbox) -> Made:
    row = subscription(stripe)
    return mirrored(stripe.post(f"/v1/subscriptions/{row.pk}", pause_collection={"behavior": "void"})), {}


@scenario("pause_subscription")
def _(stripe: RunningSandbox) -> Made:
    return subscription(stripe, billing_mode={"type": "flexible"}), {}


@scenario("resume_subscription")
def _(stripe: RunningSandbox) -> Made:
    row = subscription(stripe, billing_mode={"type": "flexible"})
    return mirrored(stripe.post(f"/v1/subscriptions/{row.pk}/pause", type="subscription")), {}


@scenario("change_subscription_plan")
def _(stripe: RunningSandbox) -> Made:
    other = billing.sold(stripe, mirrored, "Platinum", 4900)
    return subscription(stripe), {"price": other["id"], "quantity": 2}


@scenario("switch_collection_method")
def _(stripe: RunningSandbox) -> Made:
    return subscription(stripe), {"collection_method": "send_invoice", "days_until_due": 14}


@scenario("change_subscription_payment_method")
def _(stripe: RunningSandbox) -> Made:
    row = subscription(stripe)
    attached = stripe.post("/v1/payment_methods/pm_card_mastercard/attach", customer=row.customer_id)
    return row, {"default_payment_method": mirrored(attached).pk}


@scenario("reset_billing_anchor")
def _(stripe: RunningSandbox) -> Made:
    return subscription(stripe), {}


@scenario("change_trial")
def _(stripe: RunningSandbox) -> Made:
    ends = int(time.time()) + 10 * billing.DAY
    return subscription(stripe, trial_end=ends), {"when": "until", "trial_end": ends + billing.DAY}


@scenario("add_subscription_item")
def _(stripe: RunningSandbox) -> Made:
    other = billing.sold(stripe, mirrored, "Support", 900)
    return subscription(stripe), {"price": other["id"], "quantity": 1}


@scenario("remove_subscription_item")
def _(stripe: RunningSandbox) -> Made:
    prices = [billing.sold(stripe, mirrored, name)["id"] for name in ("Gold", "Silver")]
    row = billing.halfway(stripe, mirrored, items=[{"price": price} for price in prices])
    return row, {"item": row.data["items"]["data"][1]["id"]}


# -- invoices ----------------------------------------------------------------------------------------------------------


@scenario("create_invoice")
def _(stripe: RunningSandbox) -> Made:
    lines = [{"description": "Advice", "amount": "10.00", "quantity": "2"}]
    return mirrored(billing.buyer(stripe)), {"currency": "EUR", "lines": lines}


@scenario("edit_invoice")
def _(stripe: RunningSandbox) -> Made:
    return invoicing.invoice(stripe, "draft"), {"description": "Thank you"}


@scenario("finalize_invoice", "delete_draft_invoice")
def _(stripe: RunningSandbox) -> Made:
    return invoicing.invoice(stripe, "draft"), {}


@scenario("send_invoice")
def _(stripe: RunningSandbox) -> Made:
    return invoicing.invoice(stripe, "draft"), {}


@scenario("pay_invoice", "mark_invoice_paid", "void_invoice", "mark_invoice_uncollectible")
def _(stripe: RunningSandbox) -> Made:
    return invoicing.invoice(stripe), {}


@scenario("create_credit_note")
def _(stripe: RunningSandbox) -> Made:
    return invoicing.invoice(stripe), {"amount": "9", "credit_reason": "order_change"}


@scenario("void_credit_note")
def _(stripe: RunningSandbox) -> Made:
    row = invoicing.invoice(stripe)
    return mirrored(stripe.post("/v1/credit_notes", invoice=row.pk, amount=900)), {}


# -- payments ----------------------------------------------------------------------------------------------------------


@scenario("refund_charge")
def _(stripe: RunningSandbox) -> Made:
    return paying.paid(stripe), {"amount": "10.00", "refund_reason": "duplicate"}


@scenario("cancel_refund")
def _(stripe: RunningSandbox) -> Made:
    charge = paying.paid(stripe, payment_method="pm_card_pendingRefund")
    made = stripe.post("/v1/refunds", charge=charge.pk)
    stripe.happens("ask_for_refund_details", refund=made["id"])
    return mirrored(made), {}


@scenario("capture_payment", "cancel_payment")
def _(stripe: RunningSandbox) -> Made:
    return paying.held(stripe), {}


@scenario("stage_dispute_evidence")
def _(stripe: RunningSandbox) -> Made:
    return paying.disputed(stripe), {"evidence_customer_name": "Ann"}


@scenario("submit_dispute_evidence")
def _(stripe: RunningSandbox) -> Made:
    row = paying.disputed(stripe)
    return mirrored(stripe.post(f"/v1/disputes/{row.pk}", evidence={"customer_name": "Ann"}, submit=False)), {}


@scenario("accept_dispute")
def _(stripe: RunningSandbox) -> Made:
    return paying.disputed(stripe), {}


# -- catalog -----------------------------------------------------------------------------------------------------------


def product(stripe: RunningSandbox, **params: Any) -> Any:
    """A mirrored product."""
    return mirrored(stripe.post("/v1/products", name="Gold", **params))


def price(stripe: RunningSandbox, **params: Any) -> Any:
    """A mirrored price of a mirrored product."""
    of = product(stripe)
    terms = {"currency": "eur", "unit_amount": 2900, "recurring": billing.MONTHLY}
    return mirrored(stripe.post("/v1/prices", product=of.pk, **{**terms, **params}))


@scenario("create_product")
def _(stripe: RunningSandbox) -> Made:
    return new("product"), {"name": "Gold"}


@scenario("edit_product")
def _(stripe: RunningSandbox) -> Made:
    return product(stripe), {"name": "Silver"}


@scenario("archive_product")
def _(stripe: RunningSandbox) -> Made:
    return product(stripe), {}


@scenario("unarchive_product")
def _(stripe: RunningSandbox) -> Made:
    return product(stripe, active=False), {}


@scenario("create_price")
def _(stripe: RunningSandbox) -> Made:
    return product(stripe), {"unit_amount": "19.90", "currency": "eur", "interval": "month"}


@scenario("edit_price")
def _(stripe: RunningSandbox) -> Made:
    return price(stripe), {"nickname": "For friends"}


@scenario("archive_price")
def _(stripe: RunningSandbox) -> Made:
    return price(stripe), {}


@scenario("unarchive_price")
def _(stripe: RunningSandbox) -> Made:
    return price(stripe, active=False), {}


@scenario("replace_price")
def _(stripe: RunningSandbox) -> Made:
    row = price(stripe)
    stripe.post(f"/v1/products/{row.product_id}", default_price=row.pk)
    mirror("product", row.product_id)
    return row, {"unit_amount": "39.00"}


for make in (*scenarios_catalog.ALL, *scenarios_subscriptions.ALL):
    scenario(make.__name__)(make)


def writes(stripe: RunningSandbox) -> list[dict[str, Any]]:
    """The requests that changed something at Stripe: not its previews, not repetitions under the same key."""
    return [
        request
        for request in stripe.requests()
        if request["method"] != "GET" and not request["path"].endswith(("/create_preview", "/preview"))
        if not request["replayed"]
    ]


def parts(push: Push) -> list[Push]:
    """The push and its steps, in their order."""
    found = [push]
    while step := found[-1].steps.first():
        found.append(step)
    return found
