"""Changing price and quantity: what is asked, sent, previewed, billed and taken back (S42)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Push, Subscription
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.prepare import ordered
from tests.push.billing import DAY, Mirrored, Row, halfway, previewed, redo, resumed, sent, sold, truth
from tests.push.conftest import Doing
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
PLAN = get_operation("change_subscription_plan")


@pytest.fixture
def planner(staff: Callable[..., User]) -> User:
    """May change plans."""
    return staff("planner", PLAN.name)


@pytest.fixture
def silver(stripe: RunningSandbox, mirrored: Mirrored) -> Row:
    """29.00 eur a month."""
    return sold(stripe, mirrored, "Silver", 2900)


@pytest.fixture
def gold(stripe: RunningSandbox, mirrored: Mirrored) -> Row:
    """50.00 eur a month."""
    return sold(stripe, mirrored, "Gold", 5000)


@pytest.fixture
def row(stripe: RunningSandbox, mirrored: Mirrored, silver: Row) -> Any:
    """Silver, ten days old, paid by card."""
    return halfway(stripe, mirrored, silver)


@pytest.fixture
def pair(stripe: RunningSandbox, mirrored: Mirrored, silver: Row) -> Any:
    """Silver and seats."""
    return halfway(stripe, mirrored, silver, sold(stripe, mirrored, "Seats", 1000))


def items(stripe: RunningSandbox, row: Any) -> list[tuple[str, str, int]]:
    """The items that Stripe has: id, price, quantity."""
    held = stripe.get(f"/v1/subscriptions/{row.pk}")["items"]["data"]
    return [(item["id"], item["price"]["id"], item["quantity"]) for item in held]


def test_s42_a_new_price_leaves_one_item(
    doing: Opens, row: Any, planner: User, silver: Row, gold: Row, stripe: RunningSandbox
) -> None:
    ((item, _, _),) = items(stripe, row)
    stripe.clear_requests()
    form = doing(PLAN.name, row, planner)
    push = form.submit(price=gold["id"])
    assert push.state == Push.State.DONE
    assert sent(stripe) == {
        "items": {"0": {"id": item, "price": gold["id"]}},
        "proration_behavior": "create_prorations",
        "proration_date": str(form.opened["proration_date"]),
    }
    assert items(stripe, row) == [(item, gold["id"], 1)]
    row.refresh_from_db()
    assert row.price_id == gold["id"]
    assert push.before == {f"items.{item}.price": silver["id"], f"items.{item}.quantity": 1}
    assert push.after == {f"items.{item}.price": gold["id"], f"items.{item}.quantity": 1}


def test_s42_of_two_items_the_form_asks_which(
    doing: Opens, pair: Any, planner: User, gold: Row, stripe: RunningSandbox
) -> None:
    first, second = items(stripe, pair)
    form = doing(PLAN.name, pair, planner)
    assert [value for value, _ in form.operation.get_form(pair).choice_field("item").choices] == [first[0], second[0]]
    missing = form.operation.get_form(pair, {**form.opened, "price": gold["id"]})
    assert list(missing.errors) == ["item"]
    push = form.submit(item=second[0], price=gold["id"], quantity=4)
    assert push.state == Push.State.DONE
    assert items(stripe, pair) == [first, (second[0], gold["id"], 4)]


def test_s42_of_two_items_one_that_changed_meanwhile_is_not_changed_again(
    doing: Opens, pair: Any, planner: User, gold: Row, stripe: RunningSandbox
) -> None:
    second = items(stripe, pair)[1][0]
    form = doing(PLAN.name, pair, planner)
    stripe.post(f"/v1/subscriptions/{pair.pk}", items=[{"id": second, "quantity": 7}])
    with pytest.raises(NotAllowed, match=r"Seats.* × 7"):
        form.submit(item=second, quantity=4)
    assert form.submit(item=second, price=gold["id"]).state == Push.State.DONE
    assert items(stripe, pair)[1] == (second, gold["id"], 7)


@pytest.mark.parametrize("behavior", ["always_invoice", "create_prorations"])
@pytest.mark.parametrize("change", ["price", "quantity"])
def test_what_is_previewed_is_billed_to_the_cent(
    behavior: str, change: str, doing: Opens, row: Any, planner: User, gold: Row, stripe: RunningSandbox
) -> None:
    form = doing(PLAN.name, row, planner)
    wished = {"proration_behavior": behavior, **({"price": gold["id"]} if change == "price" else {"quantity": 3})}
    told = previewed(form, **wished)
    push = form.submit(**wished)
    assert push.state == Push.State.DONE
    if behavior == "always_invoice":
        invoice = stripe.get(f"/v1/invoices/{truth(stripe, row)['latest_invoice']}")
        assert invoice["billing_reason"] == "subscription_update"
        (charged,) = told.money
        assert (charged.words, charged.amount, charged.currency) == ("Charged at once", invoice["amount_paid"], "eur")
        assert [line.amount for line in told.lines] == [line["amount"] for line in invoice["lines"]["data"]]
        assert "charged at once" in told.follows[0]
    else:
        pending = stripe.get("/v1/invoiceitems", customer=row.customer_id, pending=True)["data"]
        change_now, following = told.money
        assert change_now.amount == sum(item["amount"] for item in pending) > 0
        stripe.advance(31 * DAY)
        invoice = stripe.get(f"/v1/invoices/{truth(stripe, row)['latest_invoice']}")
        stripe.sandbox.clock.follow_real_time()
        assert (following.amount, following.words[:12]) == (invoice["amount_due"], "Next invoice")
        assert told.follows == ()


def test_without_prorations_no_date_is_sent(
    doing: Opens, row: Any, planner: User, gold: Row, stripe: RunningSandbox
) -> None:
    form = doing(PLAN.name, row, planner)
    told = previewed(form, price=gold["id"], proration_behavior="none")
    assert [amount.amount for amount in told.money] == [5000]
    stripe.clear_requests()
    push = form.submit(price=gold["id"], proration_behavior="none")
    assert "proration_date" not in push.params
    assert stripe.get("/v1/invoiceitems", customer=row.customer_id, pending=True)["data"] == []


def test_another_interval_is_billed_at_once_and_said_so(
    doing: Opens, row: Any, planner: User, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    yearly = sold(stripe, mirrored, "Gold", 50000, recurring={"interval": "year"})
    form = doing(PLAN.name, row, planner)
    told = previewed(form, price=yearly["id"])
    assert told.money[0].words == "Charged at once"
    assert sum(line.amount for line in told.lines) == told.money[0].amount
    form.submit(price=yearly["id"])
    assert stripe.get(f"/v1/invoices/{truth(stripe, row)['latest_invoice']}")["amount_paid"] == told.money[0].amount


def test_a_smaller_plan_at_once_credits_the_balance(
    doing: Opens, row: Any, planner: User, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    bronze = sold(stripe, mirrored, "Bronze", 900)
    form = doing(PLAN.name, row, planner)
    told = previewed(form, price=bronze["id"], proration_behavior="always_invoice")
    form.submit(price=bronze["id"], proration_behavior="always_invoice")
    customer = stripe.get(f"/v1/customers/{row.customer_id}")
    assert "balance" in told.money[0].words
    assert told.money[0].amount == -customer["balance"] > 0
    assert sum(line.amount for line in told.lines) == 0


def test_a_declined_payment_can_leave_everything_as_it_was(
    doing: Opens, planner: User, gold: Row, silver: Row, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    row = halfway(stripe, mirrored, silver)
    before = items(stripe, row)
    failing = stripe.post("/v1/payment_methods/pm_card_chargeCustomerFail/attach", customer=row.customer_id)
    stripe.post(f"/v1/subscriptions/{row.pk}", default_payment_method=failing["id"])
    form = doing(PLAN.name, row, planner)
    wish = {"price": gold["id"], "proration_behavior": "always_invoice", "payment_behavior": "error_if_incomplete"}
    push = form.submit(**wish)
    assert (push.state, "declined" in push.message) == (Push.State.REFUSED, True)
    assert items(stripe, row) == before


def test_undo_brings_the_old_plan_back(
    doing: Opens, row: Any, planner: User, gold: Row, stripe: RunningSandbox
) -> None:
    before = items(stripe, row)
    push = doing(PLAN.name, row, planner).submit(price=gold["id"], quantity=5)
    assert redo(PLAN.undo(push), doing, push, row).state == Push.State.DONE
    assert items(stripe, row) == before


def test_undo_of_several_items_names_the_item(doing: Opens, pair: Any, planner: User, stripe: RunningSandbox) -> None:
    before = items(stripe, pair)
    push = doing(PLAN.name, pair, planner).submit(item=before[1][0], quantity=5)
    redo(PLAN.undo(push), doing, push, pair)
    assert items(stripe, pair) == before


def test_a_price_that_is_not_sold_any_more_is_not_brought_back(
    doing: Opens, row: Any, planner: User, gold: Row, silver: Row, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    push = doing(PLAN.name, row, planner).submit(price=gold["id"])
    mirrored(stripe.post(f"/v1/prices/{silver['id']}", active=False))
    assert PLAN.undo(push) is None


def test_s31_a_lost_answer_changes_the_plan_once(
    doing: Opens, row: Any, planner: User, gold: Row, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/subscriptions", lose_answer=True, times=1)
    push = doing(PLAN.name, row, planner).submit(price=gold["id"])
    assert push.state == Push.State.UNKNOWN
    push = resumed(push)
    assert push.state == Push.State.DONE
    assert [entry["replayed"] for entry in stripe.requests("POST", "/v1/subscriptions")] == [False, True]
    pending = stripe.get("/v1/invoiceitems", customer=row.customer_id, pending=True)["data"]
    assert len(pending) == 2


def test_a_retry_sends_the_same_bytes() -> None:
    """PostgreSQL gives a stored table's keys in an order of its own, at every depth."""
    entry = {"quantity": 2, "id": "si_1", "price": "price_1"}
    assert json.dumps(ordered({"items": [entry]})) == json.dumps({"items": [dict(sorted(entry.items()))]})


def test_what_is_as_wished_already_is_not_sent(doing: Opens, row: Any, planner: User, stripe: RunningSandbox) -> None:
    form = doing(PLAN.name, row, planner)
    with pytest.raises(NothingToChange):
        form.submit()
    with pytest.raises(NothingToChange):
        form.submit(quantity="")
    assert stripe.requests("POST") == []


def test_only_prices_that_stripe_would_take_are_offered(
    doing: Opens, row: Any, planner: User, gold: Row, silver: Row, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    dollars = sold(stripe, mirrored, "Dollars", currency="usd")
    once = sold(stripe, mirrored, "Once", recurring=None)
    gone = sold(stripe, mirrored, "Gone")
    mirrored(stripe.post(f"/v1/prices/{gone['id']}", active=False))
    form = PLAN.get_form(row)
    assert [value for value, _ in form.fields["price"].widget.choices] == ["", gold["id"], silver["id"]]
    for price in (dollars, once, gone, {"id": "price_unknown"}):
        wrong = PLAN.get_form(row, {**PLAN.initial(row), "price": price["id"]})
        assert "currency" in wrong.errors["price"][0]


def test_a_price_that_is_archived_may_stay(
    row: Any, silver: Row, gold: Row, mirrored: Mirrored, stripe: RunningSandbox, doing: Opens, planner: User
) -> None:
    mirrored(stripe.post(f"/v1/prices/{silver['id']}", active=False))
    stripe.clear_requests()
    push = doing(PLAN.name, row, planner).submit(quantity=2)
    assert push.state == Push.State.DONE
    assert "price" not in push.params["items"][0]


def test_metered_prices_have_no_quantity(row: Any, mirrored: Mirrored, stripe: RunningSandbox) -> None:
    usage = sold(stripe, mirrored, "Usage", recurring={"interval": "month", "usage_type": "metered"})
    wrong = PLAN.get_form(row, {**PLAN.initial(row), "price": usage["id"], "quantity": 2})
    assert "quantity" in wrong.errors
    assert PLAN.get_form(row, {**PLAN.initial(row), "price": usage["id"], "quantity": ""}).is_valid()


@pytest.mark.parametrize("quantity", ["-1", "1.5", "many", "10000000000"])
def test_a_quantity_is_a_whole_number(row: Any, quantity: str) -> None:
    assert "quantity" in PLAN.get_form(row, {**PLAN.initial(row), "quantity": quantity}).errors


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "canceled"}, "ended"),
        ({"status": "incomplete_expired"}, "ended"),
        ({"status": "incomplete"}, "isn't paid yet"),
        ({"schedule": "sub_sched_1"}, "sub_sched_1"),
        ({"status": None}, "shape"),
        ({"items": None}, "no items"),
        ({"items": {"data": ["odd", None]}}, "no items"),
    ],
)
def test_it_says_why_not(changes: Row, words: str) -> None:
    held = {"object": "subscription", "status": "active", "items": {"data": [{"id": "si_1", "price": {"id": "p"}}]}}
    assert PLAN.why_not(Subscription(id="sub_1", data=held)) == ""
    assert words in PLAN.why_not(Subscription(id="sub_1", data={**held, **changes}))


def test_a_cancelled_subscription_is_refused_before_stripe_is_asked(
    doing: Opens, row: Any, planner: User, gold: Row, stripe: RunningSandbox
) -> None:
    form = doing(PLAN.name, row, planner)
    stripe.delete(f"/v1/subscriptions/{row.pk}")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="ended"):
        form.submit(price=gold["id"])
    assert stripe.requests("POST") == []


def test_stripes_refusal_of_a_price_stands_at_its_field(
    doing: Opens, row: Any, planner: User, gold: Row, stripe: RunningSandbox
) -> None:
    stripe.post(f"/v1/prices/{gold['id']}", active=False)
    push = doing(PLAN.name, row, planner).submit(price=gold["id"])
    assert push.state == Push.State.REFUSED
    assert PLAN.field_for_param(push.error_param) == "price"


def test_the_summary_tells_old_and_new(doing: Opens, row: Any, planner: User, gold: Row) -> None:
    cleaned = doing(PLAN.name, row, planner).cleaned(price=gold["id"], quantity=2)
    assert PLAN.summary(row, cleaned) == [
        "Price: Silver · €29.00 / month → Gold · €50.00 / month",
        "Quantity: 1 → 2",
        "The difference for the running period goes onto the next invoice.",
    ]


def test_a_form_for_many_rows_changes_those_with_one_item(row: Any, pair: Any, gold: Row) -> None:
    shared = PLAN.get_form(PLAN.new_row(), {**PLAN.initial(PLAN.new_row()), "price": gold["id"]})
    assert shared.is_valid(), shared.errors
    stored = {key: value for key, value in shared.cleaned_data.items() if key != "reason"}
    one = PLAN.get_form(row, stored)
    assert one.is_valid(), one.errors
    assert [entry["price"] for entry in PLAN.plan(row, one.cleaned_data).params["items"]] == [gold["id"]]
    assert "item" in PLAN.get_form(pair, stored).errors
