"""Adding and removing items of a subscription."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Push, Subscription
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation
from tests.push.billing import Mirrored, Row, halfway, previewed, redo, resumed, sent, sold, truth
from tests.push.conftest import Doing
from tests.push.examples import BY_OPERATION
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
ADD, REMOVE = get_operation("add_subscription_item"), get_operation("remove_subscription_item")


@pytest.fixture
def planner(staff: Callable[..., User]) -> User:
    """May add and remove items."""
    return staff("planner", ADD.name, REMOVE.name)


@pytest.fixture
def base(stripe: RunningSandbox, mirrored: Mirrored) -> Row:
    """29.00 eur a month."""
    return sold(stripe, mirrored, "Base", 2900)


@pytest.fixture
def seats(stripe: RunningSandbox, mirrored: Mirrored) -> Row:
    """10.00 eur a month."""
    return sold(stripe, mirrored, "Seats", 1000)


@pytest.fixture
def row(stripe: RunningSandbox, mirrored: Mirrored, base: Row, seats: Row) -> Any:
    """Only the base."""
    return halfway(stripe, mirrored, base)


@pytest.fixture
def pair(stripe: RunningSandbox, mirrored: Mirrored, base: Row, seats: Row) -> Any:
    """The base and three seats."""
    items = [{"price": base["id"]}, {"price": seats["id"], "quantity": 3}]
    return halfway(stripe, mirrored, items=items)


def terms(stripe: RunningSandbox, row: Any) -> list[tuple[str, int]]:
    """The items that Stripe has: price, quantity."""
    held = stripe.get(f"/v1/subscriptions/{row.pk}")["items"]["data"]
    return [(item["price"]["id"], item["quantity"]) for item in held]


def item_of(row: Any, price: Row) -> str:
    """The id of the item with that price."""
    return str(row.items.get(price=price["id"], deleted_at=None).pk)


def pending(stripe: RunningSandbox, row: Any) -> list[int]:
    """What waits for the next invoice."""
    held = stripe.get("/v1/invoiceitems", customer=row.customer_id, pending=True)["data"]
    return [item["amount"] for item in held]


def test_an_item_is_added(doing: Opens, row: Any, planner: User, base: Row, seats: Row, stripe: RunningSandbox) -> None:
    form = doing(ADD.name, row, planner)
    push = form.submit(price=seats["id"], quantity=3)
    assert push.state == Push.State.DONE
    assert sent(stripe) == {
        "items": {"0": {"price": seats["id"], "quantity": "3"}},
        "proration_behavior": "create_prorations",
        "proration_date": str(form.opened["proration_date"]),
    }
    assert terms(stripe, row) == [(base["id"], 1), (seats["id"], 3)]
    assert row.items.filter(deleted_at=None).count() == 2


@pytest.mark.parametrize("behavior", ["always_invoice", "create_prorations", "none"])
def test_what_adding_is_previewed_to_cost_is_billed(
    behavior: str, doing: Opens, row: Any, planner: User, seats: Row, stripe: RunningSandbox
) -> None:
    form = doing(ADD.name, row, planner)
    told = previewed(form, price=seats["id"], proration_behavior=behavior)
    assert form.submit(price=seats["id"], proration_behavior=behavior).state == Push.State.DONE
    if behavior == "always_invoice":
        assert told.money[0].amount == stripe.get(f"/v1/invoices/{truth(stripe, row)['latest_invoice']}")["amount_paid"]
    elif behavior == "create_prorations":
        assert [told.money[0].amount] == pending(stripe, row)
    else:
        assert (pending(stripe, row), told.money[0].amount) == ([], 3900)


def test_an_item_is_removed(
    doing: Opens, pair: Any, planner: User, base: Row, seats: Row, stripe: RunningSandbox
) -> None:
    form = doing(REMOVE.name, pair, planner)
    gone = item_of(pair, seats)
    told = previewed(form, item=gone)
    stripe.clear_requests()
    push = form.submit(item=gone)
    assert push.state == Push.State.DONE
    assert sent(stripe)["items"] == {"0": {"id": gone, "deleted": "true"}}
    assert terms(stripe, pair) == [(base["id"], 1)]
    assert [told.money[0].amount] == pending(stripe, pair)
    assert told.money[0].amount < 0
    assert push.before == {f"items.{gone}.price": seats["id"], f"items.{gone}.quantity": 3}
    assert push.after == {}


def test_adding_and_removing_undo_each_other(
    doing: Opens, row: Any, planner: User, seats: Row, stripe: RunningSandbox
) -> None:
    before = terms(stripe, row)
    added = doing(ADD.name, row, planner).submit(price=seats["id"], quantity=2)
    during = terms(stripe, row)
    removed = redo(ADD.undo(added), doing, added, row)
    assert terms(stripe, row) == before
    assert redo(REMOVE.undo(removed), doing, removed, row).state == Push.State.DONE
    assert terms(stripe, row) == during


def test_what_is_not_sold_any_more_is_not_added_again(
    doing: Opens, pair: Any, planner: User, seats: Row, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    push = doing(REMOVE.name, pair, planner).submit(item=item_of(pair, seats))
    mirrored(stripe.post(f"/v1/prices/{seats['id']}", active=False))
    assert REMOVE.undo(push) is None


@pytest.mark.parametrize("name", [ADD.name, REMOVE.name])
def test_s31_a_lost_answer_has_one_effect(
    name: str, doing: Opens, row: Any, pair: Any, planner: User, seats: Row, stripe: RunningSandbox
) -> None:
    target, values = (row, {"price": seats["id"]}) if name == ADD.name else (pair, {"item": item_of(pair, seats)})
    stripe.faults.add(method="POST", path="/v1/subscriptions", lose_answer=True, times=1)
    push = doing(name, target, planner).submit(**values)
    assert push.state == Push.State.UNKNOWN
    stripe.clear_requests()
    assert resumed(push, hours=24).state == Push.State.DONE
    assert [entry["method"] for entry in stripe.requests()] == ["GET"]
    assert len(terms(stripe, target)) == (2 if name == ADD.name else 1)


def test_the_last_item_stays(row: Any) -> None:
    assert "Cancel the subscription" in REMOVE.why_not(row)


def test_an_item_that_was_removed_meanwhile_is_refused_without_a_call(
    doing: Opens, pair: Any, planner: User, seats: Row, mirrored: Mirrored, stripe: RunningSandbox
) -> None:
    gone, form = item_of(pair, seats), doing(REMOVE.name, pair, planner)
    stripe.post(f"/v1/subscriptions/{pair.pk}", items=[{"id": gone, "deleted": True}])
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="only item"):
        form.submit(item=gone)
    assert stripe.requests("POST") == []


def test_what_it_has_already_is_neither_offered_nor_added(
    doing: Opens, row: Any, planner: User, base: Row, seats: Row, stripe: RunningSandbox
) -> None:
    form = ADD.get_form(row)
    assert [value for value, _ in form.fields["price"].widget.choices] == ["", seats["id"]]
    opened = doing(ADD.name, row, planner)
    stripe.post(f"/v1/subscriptions/{row.pk}", items=[{"price": seats["id"]}])
    with pytest.raises(NothingToChange, match="already"):
        opened.submit(price=seats["id"])


def test_a_price_is_needed_and_metered_ones_have_no_quantity(
    row: Any, stripe: RunningSandbox, mirrored: Mirrored
) -> None:
    usage = sold(stripe, mirrored, "Usage", recurring={"interval": "month", "usage_type": "metered"})
    assert "price" in ADD.get_form(row, {**ADD.initial(row), "price": ""}).errors
    assert "quantity" in ADD.get_form(row, {**ADD.initial(row), "price": usage["id"], "quantity": 1}).errors


def test_classic_billing_mixes_no_intervals(base: Row, seats: Row, stripe: RunningSandbox, mirrored: Mirrored) -> None:
    yearly = sold(stripe, mirrored, "Yearly", 9900, recurring={"interval": "year"})
    classic = halfway(stripe, mirrored, base, billing_mode={"type": "classic"})
    flexible = halfway(stripe, mirrored, base)

    def offered(row: Any) -> set[str]:
        return {value for value, _ in ADD.get_form(row).fields["price"].widget.choices if value}

    assert offered(classic) == {seats["id"]}
    assert offered(flexible) == {seats["id"], yearly["id"]}


def test_usage_without_a_meter_is_dropped_with_its_item() -> None:
    data = {**BY_OPERATION[REMOVE.name]}
    metered = {"id": "price_2", "recurring": {"interval": "month", "usage_type": "metered"}}
    data["items"] = {"data": [data["items"]["data"][0], {"id": "si_2", "price": metered}]}
    row = Subscription(id="sub_1", data=data)
    assert REMOVE.entry(row, {"item": "si_2"}) == {"id": "si_2", "deleted": True, "clear_usage": True}  # type: ignore[attr-defined]
    assert REMOVE.entry(row, {"item": "si_1"}) == {"id": "si_1", "deleted": True}  # type: ignore[attr-defined]


@pytest.mark.parametrize("operation", [ADD, REMOVE])
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "canceled"}, "ended"),
        ({"status": "incomplete"}, "isn't paid yet"),
        ({"schedule": "sub_sched_1"}, "sub_sched_1"),
        ({"status": 7}, "shape"),
        ({"items": []}, "no items"),
    ],
)
def test_it_says_why_not(operation: Any, changes: Row, words: str) -> None:
    held = BY_OPERATION[operation.name]
    assert operation.why_not(Subscription(id="sub_1", data=held)) == ""
    assert words in operation.why_not(Subscription(id="sub_1", data={**held, **changes}))
