"""Subscriptions that staff make: what is billed, from when on, and what becomes of a failing first payment."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from stripe_mirror.inbox.processing import drain
from stripe_mirror.models import Customer, Push, Subscription
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.conftest import post_event
from tests.push.billing import DAY, Mirrored, Row, buyer, may, previewed, resumed, sent, sold
from tests.push.conftest import Doing, form_errors, undone
from tests.push.paying import mirror
from tests.push.scenarios_subscriptions import code, coupon
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
CREATE = get_operation("create_subscription")
FAILING = "pm_card_chargeCustomerFail"
SOON = int(time.time()) // 60 * 60 + 10 * DAY


@pytest.fixture
def seller(staff: Callable[..., User]) -> User:
    """May make subscriptions and cancel them."""
    return staff("seller", *may(CREATE.name, "cancel_subscription"))


@pytest.fixture
def gold(stripe: RunningSandbox, mirrored: Mirrored) -> Row:
    """29.00 eur a month."""
    return sold(stripe, mirrored, "Gold")


@pytest.fixture
def ann(stripe: RunningSandbox, mirrored: Mirrored) -> Any:
    """A customer with a card."""
    row = mirrored(buyer(stripe))
    mirror("payment_method", row.data["invoice_settings"]["default_payment_method"])
    return row


def of(stripe: RunningSandbox, customer: Any) -> list[Row]:
    """The customer's subscriptions that Stripe has."""
    return [row for row in stripe.objects("subscription") if row["customer"] == customer.pk]


def invoice_of(stripe: RunningSandbox, subscription: Row) -> Row:
    return stripe.get(f"/v1/invoices/{subscription['latest_invoice']}")


def test_it_charges_at_once_what_was_previewed(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox
) -> None:
    form = doing(CREATE.name, ann, seller)
    wish = {"price": gold["id"], "quantity": 2, "description": "Two seats", "metadata": {"order": "7"}}
    told = previewed(form, **wish)
    assert [(due.words, due.amount, due.currency) for due in told.money] == [("Charged at once", 5800, "eur")]
    assert "nothing is made" in told.follows[0]
    assert "charged with Visa •••• 4242" in told.follows[1]
    assert "stays" in told.final
    summary = CREATE.summary(ann, form.cleaned(**wish))
    assert summary == [
        "Billed: Gold · €29.00 / month × 2",
        "Invoices are charged by themselves.",
        "Description: Two seats",
        "Metadata “order”: 7",
    ]
    stripe.clear_requests()
    push = form.submit(**wish)
    assert push.state == Push.State.DONE
    assert sent(stripe) == {
        "customer": ann.pk,
        "items": {"0": {"price": gold["id"], "quantity": "2"}},
        "collection_method": "charge_automatically",
        "payment_behavior": "error_if_incomplete",
        "description": "Two seats",
        "metadata": {"order": "7"},
    }
    (made,) = of(stripe, ann)
    assert (made["status"], invoice_of(stripe, made)["amount_paid"]) == ("active", 5800)
    assert (push.before, push.after["subscription"], push.object_id) == ({}, made["id"], ann.pk)
    assert Subscription.objects.get(pk=made["id"]).status == "active"


def test_it_is_undone_by_cancelling_it_and_its_invoice_stays(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox
) -> None:
    push = doing(CREATE.name, ann, seller).submit(price=gold["id"])
    assert undone(push, seller).state == Push.State.DONE
    (made,) = of(stripe, ann)
    assert (made["status"], invoice_of(stripe, made)["status"]) == ("canceled", "paid")
    assert CREATE.undo(push) is None, "it has ended"


def test_two_prices_and_a_coupon(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    support = sold(stripe, mirrored, "Support", 1100, recurring={"interval": "year"})
    quarter = coupon(stripe)
    form = doing(CREATE.name, ann, seller)
    wish = {"price": gold["id"], "second_price": support["id"], "second_quantity": 3, "coupon": quarter.pk}
    assert [due.amount for due in previewed(form, **wish).money] == [4650]
    assert "Discount: Loyal · 25% off, forever" in CREATE.summary(ann, form.cleaned(**wish))
    stripe.clear_requests()
    assert form.submit(**wish).state == Push.State.DONE
    assert sent(stripe)["items"] == {
        "0": {"price": gold["id"]},
        "1": {"price": support["id"], "quantity": "3"},
    }
    assert sent(stripe)["discounts"] == {"0": {"coupon": quarter.pk}}
    (made,) = of(stripe, ann)
    assert invoice_of(stripe, made)["amount_paid"] == 4650


@pytest.mark.parametrize(
    ("wish", "param"), [({"trial_period_days": 10}, "trial_period_days"), ({"trial_end": SOON}, "trial_end")]
)
def test_a_trial_charges_nothing_before_it_ends(
    wish: Row, param: str, doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox
) -> None:
    form = doing(CREATE.name, ann, seller)
    told = previewed(form, price=gold["id"], **wish)
    assert [(due.words, due.amount) for due in told.money] == [("Charged at once", 0)]
    assert told.follows[0].startswith("The first period that is paid for begins on ")
    stripe.clear_requests()
    assert form.submit(price=gold["id"], **wish).state == Push.State.DONE
    assert sent(stripe)[param] == str(wish[param])
    (made,) = of(stripe, ann)
    assert (made["status"], abs(made["trial_end"] - SOON) <= DAY) == ("trialing", True)
    assert invoice_of(stripe, made)["amount_paid"] == 0


def test_what_is_pending_is_billed_with_the_first_invoice(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox
) -> None:
    stripe.post("/v1/invoiceitems", customer=ann.pk, amount=700, currency="eur", description="Set-up")
    form = doing(CREATE.name, ann, seller)
    told = previewed(form, price=gold["id"], trial_period_days=5)
    assert [due.amount for due in told.money] == [700]
    assert "Set-up" in [line.words for line in told.lines]
    form.submit(price=gold["id"], trial_period_days=5)
    (made,) = of(stripe, ann)
    assert invoice_of(stripe, made)["amount_paid"] == 700


def test_by_invoice_it_is_in_force_before_anything_is_paid(
    doing: Opens, gold: Row, seller: User, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    nobody = mirrored(stripe.post("/v1/customers", email="nobody@example.com"))
    form = doing(CREATE.name, nobody, seller)
    wish = {"price": gold["id"], "collection_method": "send_invoice", "days_until_due": 14}
    told = previewed(form, **wish)
    assert [(due.words, due.amount) for due in told.money] == [("On the first invoice", 2900)]
    assert "in force at once" in told.follows[0]
    assert any("billed in EUR" in line for line in told.follows)
    stripe.clear_requests()
    assert form.submit(**wish).state == Push.State.DONE
    assert "payment_behavior" not in sent(stripe)
    assert sent(stripe)["days_until_due"] == "14"
    (made,) = of(stripe, nobody)
    assert (made["status"], invoice_of(stripe, made)["status"]) == ("active", "draft")


@pytest.mark.parametrize(
    ("behavior", "state", "statuses", "words"),
    [
        ("error_if_incomplete", Push.State.REFUSED, [], "nothing is made"),
        ("allow_incomplete", Push.State.DONE, ["incomplete"], "stays incomplete"),
        ("default_incomplete", Push.State.DONE, ["incomplete"], "Nothing is charged by itself"),
    ],
)
def test_a_failing_first_payment_does_what_was_said(
    behavior: str,
    state: str,
    statuses: list[str],
    words: str,
    doing: Opens,
    gold: Row,
    seller: User,
    stripe: RunningSandbox,
    mirrored: Mirrored,
) -> None:
    poor = mirrored(buyer(stripe, FAILING))
    form = doing(CREATE.name, poor, seller)
    wish = {"price": gold["id"], "payment_behavior": behavior}
    assert words in previewed(form, **wish).follows[0]
    push = form.submit(**wish)
    assert (push.state, [row["status"] for row in of(stripe, poor)]) == (state, statuses)
    charges = [row for row in stripe.objects("charge") if row["customer"] == poor.pk]
    assert bool(charges) == (behavior == "allow_incomplete")
    assert ("declined" in push.message) == (behavior == "error_if_incomplete")
    if statuses:
        undo = CREATE.undo(push)
        assert undo is not None
        assert (undo.operation, undo.values) == ("cancel_subscription", {"when": "now"})


def test_a_customer_with_nothing_to_charge_is_pointed_out(
    doing: Opens, gold: Row, seller: User, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    nobody = mirrored(stripe.post("/v1/customers", email="nobody@example.com"))
    form = doing(CREATE.name, nobody, seller)
    told = previewed(form, price=gold["id"])
    assert any("No payment method" in line and "refuse" in line for line in told.follows)
    assert form.submit(price=gold["id"]).state == Push.State.REFUSED
    assert of(stripe, nobody) == []
    told = previewed(form, price=gold["id"], payment_behavior="default_incomplete")
    assert not any("No payment method" in line for line in told.follows)


def test_what_runs_already_is_said_beside_it(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox
) -> None:
    doing(CREATE.name, ann, seller).submit(price=gold["id"])
    told = previewed(doing(CREATE.name, ann, seller), price=gold["id"])
    assert any("has 1 other subscription already" in line for line in told.follows)


def test_s43_without_a_preview_nobody_can_confirm(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/invoices/create_preview", status=500, times=10)
    cleaned = doing(CREATE.name, ann, seller).cleaned(price=gold["id"])
    assert not preview(CREATE, ann, cleaned, ask=False).may_confirm
    seen = preview(CREATE, ann, cleaned, ask=True)
    assert (seen.may_confirm, bool(seen.failure), seen.effects.money) == (False, True, ())


def test_only_prices_in_the_customers_currency_are_offered(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    dollars = sold(stripe, mirrored, "Silver", currency="usd")
    archived = sold(stripe, mirrored, "Old")
    stripe.post(f"/v1/prices/{archived['id']}", active=False)
    mirror("price", archived["id"])
    assert "price" not in form_errors(CREATE, ann, price=dollars["id"])
    assert "active" in form_errors(CREATE, ann, price=archived["id"])["price"]
    doing(CREATE.name, ann, seller).submit(price=gold["id"])
    billed = mirror("customer", ann.pk)
    assert "customer's currency" in form_errors(CREATE, billed, price=dollars["id"])["price"]
    both = {"price": gold["id"], "second_price": dollars["id"]}
    assert "one currency" in form_errors(CREATE, ann, **both)["second_price"]


@pytest.mark.parametrize(
    ("wish", "field", "words"),
    [
        ({"price": ""}, "price", "required"),
        ({"second": True}, "second_price", "first price already"),
        ({"second_quantity": 2}, "second_price", "of"),
        ({"quantity": -1}, "quantity", "greater than or equal to 0"),
        ({"trial_period_days": 5, "trial_end": SOON}, "trial_end", "not both"),
        ({"trial_end": "2001-01-01T00:00"}, "trial_end", "passed"),
        ({"trial_end": SOON + 731 * DAY}, "trial_end", "two years"),
        ({"trial_period_days": 731}, "trial_period_days", "730"),
        ({"collection_method": "send_invoice", "days_until_due": ""}, "days_until_due", "how many days"),
        ({"payment_behavior": ""}, "payment_behavior", "first payment fails"),
        ({"default_payment_method": "pm_other"}, "default_payment_method", "attached to this customer"),
        ({"coupon": "NONE"}, "coupon", "can still be redeemed"),
        ({"description": "x" * 501}, "description", "500"),
    ],
)
def test_the_form_says_what_does_not_fit(
    wish: Row, field: str, words: str, ann: Any, gold: Row, stripe: RunningSandbox
) -> None:
    if wish.pop("second", False):
        wish = {"second_price": gold["id"]}
    assert words in form_errors(CREATE, ann, **{"price": gold["id"], **wish})[field]


def test_usage_has_no_quantity(ann: Any, stripe: RunningSandbox, mirrored: Mirrored) -> None:
    usage = {"interval": "month", "usage_type": "metered", "meter": "mtr_1"}
    metered = sold(stripe, mirrored, "Calls", recurring=usage)
    assert "usage" in form_errors(CREATE, ann, price=metered["id"], quantity=2)["quantity"]
    assert "quantity" not in form_errors(CREATE, ann, price=metered["id"])


def test_what_was_taken_away_since_the_form_was_filled_is_refused(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    card = mirrored(stripe.post("/v1/payment_methods/pm_card_mastercard/attach", customer=ann.pk))
    spring = code(stripe, coupon(stripe), customer=ann.pk)
    form = doing(CREATE.name, ann, seller)
    wishes = [{"default_payment_method": card.pk}, {"promotion_code": spring.pk}]
    cleaned = [form.cleaned(price=gold["id"], **wish) for wish in wishes]
    stripe.post(f"/v1/payment_methods/{card.pk}/detach")
    stripe.post(f"/v1/promotion_codes/{spring.pk}", active=False)
    mirror("payment_method", card.pk)
    mirror("promotion_code", spring.pk)
    for written, words in zip(cleaned, ("attached", "active"), strict=True):
        with pytest.raises(NotAllowed, match=words):
            CREATE.plan(ann, written)


def test_a_code_with_a_minimum_can_be_used_from_the_start(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox
) -> None:
    minimum = {"minimum_amount": 1000, "minimum_amount_currency": "eur"}
    spring = code(stripe, coupon(stripe), restrictions=minimum)
    push = doing(CREATE.name, ann, seller).submit(price=gold["id"], promotion_code=spring.pk)
    assert push.state == Push.State.DONE
    (made,) = of(stripe, ann)
    assert invoice_of(stripe, made)["amount_paid"] == 2175


def test_deleted_customers_get_none(ann: Any) -> None:
    assert CREATE.why_not(ann) == ""
    ann.deleted_at = ann.synced_at
    assert "deleted" in CREATE.why_not(ann)


def test_a_refusal_stands_at_the_field_that_it_is_about() -> None:
    fields = {
        "items[0][price]": "price",
        "items[1][price]": "second_price",
        "items[1][quantity]": "second_quantity",
        "discounts[0][coupon]": "coupon",
        "trial_end": "trial_end",
        "customer": "",
    }
    assert {param: CREATE.field_for_param(param) for param in fields} == fields


def test_s31_a_lost_answer_makes_one_subscription(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/subscriptions", lose_answer=True, times=1)
    push = doing(CREATE.name, ann, seller).submit(price=gold["id"])
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    (made,) = of(stripe, ann)
    assert made["id"] == Push.objects.get(pk=push.pk).after["subscription"]
    charges = [charge["amount"] for charge in stripe.objects("charge") if charge["customer"] == ann.pk]
    assert charges == [2900]


@pytest.mark.parametrize(
    ("told", "state"),
    [("customer.subscription.created", Push.State.DONE), ("customer.updated", Push.State.REFUSED)],
)
def test_past_the_keys_lifetime_only_an_event_of_a_subscription_tells(
    told: str, state: str, doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox, client: Client
) -> None:
    """A change of the customer under our key comes of a payment that was tried, too."""
    stripe.faults.add(method="POST", path="/v1/subscriptions", lose_answer=True, times=1)
    push = doing(CREATE.name, ann, seller).submit(price=gold["id"])
    mine = [
        event
        for event in stripe.get("/v1/events", limit=100)["data"]
        if event["request"]["idempotency_key"] == str(push.pk) and event["type"] == told
    ]
    assert mine
    for event in mine:
        assert post_event(client, event).status_code == 200
    drain()
    assert push.changes.exists()
    after = resumed(push, hours=24)
    assert after.state == state
    undo = CREATE.undo(after)
    assert (undo.object_id if undo else None) == (of(stripe, ann)[0]["id"] if state == Push.State.DONE else None)


def test_s32_two_equal_subscriptions_are_two(
    doing: Opens, ann: Any, gold: Row, seller: User, stripe: RunningSandbox
) -> None:
    for _ in range(2):
        doing(CREATE.name, Customer.objects.get(pk=ann.pk), seller).submit(price=gold["id"])
    assert len(of(stripe, ann)) == 2
