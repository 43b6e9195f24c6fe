"""Replacing a price: three requests, whoever else changes the product or the prices between them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from stripe_mirror.models import Price, Push
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import Preview, preview
from stripe_mirror.push.submit import due_pushes, resume
from tests.push import scenarios
from tests.push.billing import truth
from tests.push.conftest import Doing, undone
from tests.push.paying import mirror
from tests.push.scenarios import parts, writes
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
REPLACE = get_operation("replace_price")
STEPS = ["replace_price", "make_replacement_default", "archive_replaced_price"]


@pytest.fixture
def pricer(staff: Callable[..., User]) -> User:
    """May replace prices."""
    return staff("pricer", "replace_price")


@pytest.fixture
def sold(stripe: RunningSandbox) -> Any:
    """29.00 eur a month, the default of its product."""
    row, _ = scenarios.made_by("replace_price", stripe)
    stripe.clear_requests()
    return row


def seen(form: Doing, **values: Any) -> Preview:
    """The confirm page."""
    return preview(form.operation, form.row, form.cleaned(**values), ask=False)


def new_price(stripe: RunningSandbox, old: Any) -> dict[str, Any]:
    """What the replacement made, as Stripe has it."""
    (made,) = [row for row in stripe.objects("price") if row["product"] == old.product_id and row["id"] != old.pk]
    return dict(made)


@pytest.fixture(autouse=True)
def no_patience(impatient: None) -> None:
    """Stripe is out of reach in many of these, and nobody waits for it."""


def outage_before(step: str, doing: Opens, sold: Any, pricer: User, stripe: RunningSandbox) -> list[Push]:
    """The replacement, up to a step before which Stripe answers no reads any more."""
    path = f"/v1/prices/{sold.pk}" if step == STEPS[2] else f"/v1/products/{sold.product_id}"
    # The first read of the price is the one of the form that is submitted.
    stripe.faults.add(method="GET", path=path, status=500, skip=1 if step == STEPS[2] else 0)
    push = doing("replace_price", sold, pricer).submit(unit_amount="39.00")
    stripe.faults.clear()
    found = parts(push)
    assert [part.operation for part in found] == STEPS[: STEPS.index(step) + 1]
    assert found[-1].state == Push.State.PLANNED, found[-1].message
    return found


def go_on() -> None:
    """The worker, until nothing is due."""
    Push.objects.filter(state=Push.State.PLANNED).update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    while due := list(due_pushes()):
        for id in due:
            resume(id)


def test_the_new_price_takes_over(doing: Opens, sold: Any, pricer: User, stripe: RunningSandbox) -> None:
    push = doing("replace_price", sold, pricer).submit(unit_amount="39.00")
    assert [(part.operation, part.state) for part in parts(push)] == [(step, Push.State.DONE) for step in STEPS]
    made = new_price(stripe, sold)
    assert (made["unit_amount"], made["currency"], made["recurring"]["interval"]) == (3900, "eur", "month")
    assert stripe.get(f"/v1/products/{sold.product_id}")["default_price"] == made["id"]
    assert (truth(stripe, sold)["active"], made["active"]) == (False, True)
    assert Price.objects.get(pk=made["id"]).data["unit_amount"] == 3900
    assert len(writes(stripe)) == 3


def test_a_price_that_is_no_default_needs_two_requests(doing: Opens, pricer: User, stripe: RunningSandbox) -> None:
    row = scenarios.price(stripe)
    stripe.clear_requests()
    push = doing("replace_price", row, pricer).submit(unit_amount="39.00")
    assert [part.operation for part in parts(push)] == [STEPS[0], STEPS[2]]
    assert (truth(stripe, row)["active"], len(writes(stripe))) == (False, 2)


def test_terms_names_and_the_lookup_key_go_along(doing: Opens, sold: Any, pricer: User, stripe: RunningSandbox) -> None:
    stripe.post(f"/v1/prices/{sold.pk}", nickname="Gold", lookup_key="gold", metadata={"tier": "2"})
    row = mirror("price", sold.pk)
    form = doing("replace_price", row, pricer)
    assert "The lookup key “gold” moves to the new price." in seen(form, unit_amount="39.00").effects.follows
    form.submit(unit_amount="39.00")
    made = new_price(stripe, sold)
    assert (made["nickname"], made["lookup_key"], made["metadata"]) == ("Gold", "gold", {"tier": "2"})
    assert truth(stripe, sold)["lookup_key"] is None


def test_running_subscriptions_are_counted_and_keep_it(
    doing: Opens, subscribe: Callable[..., Any], pricer: User, stripe: RunningSandbox
) -> None:
    subscription = subscribe()
    price = mirror("price", subscription.data["items"]["data"][0]["price"]["id"])
    form = doing("replace_price", price, pricer)
    assert "Keeps the old price: 1 subscription." in seen(form, unit_amount="39.00").effects.follows
    form.submit(unit_amount="39.00")
    held = stripe.get(f"/v1/subscriptions/{subscription.pk}")["items"]["data"][0]["price"]
    assert (held["id"], held["active"]) == (price.pk, False)


@pytest.mark.parametrize("step", STEPS[1:])
def test_an_outage_between_the_steps_only_delays_them(
    step: str, doing: Opens, sold: Any, pricer: User, stripe: RunningSandbox
) -> None:
    first, *_ = outage_before(step, doing, sold, pricer, stripe)
    go_on()
    assert [(part.operation, part.state) for part in parts(first)] == [(name, Push.State.DONE) for name in STEPS]
    assert len(writes(stripe)) == 3
    assert truth(stripe, sold)["active"] is False


def test_the_old_price_is_archived_where_somebody_made_the_new_one_the_default(
    doing: Opens, sold: Any, pricer: User, stripe: RunningSandbox
) -> None:
    first, *_ = outage_before(STEPS[1], doing, sold, pricer, stripe)
    made = new_price(stripe, sold)["id"]
    stripe.post(f"/v1/products/{sold.product_id}", default_price=made)
    go_on()
    assert [(part.operation, part.state) for part in parts(first)] == [(name, Push.State.DONE) for name in STEPS]
    assert truth(stripe, sold)["active"] is False


def test_another_default_that_somebody_chose_stays(
    doing: Opens, sold: Any, pricer: User, stripe: RunningSandbox
) -> None:
    first, *_ = outage_before(STEPS[1], doing, sold, pricer, stripe)
    third = stripe.post("/v1/prices", product=sold.product_id, currency="eur", unit_amount=100)["id"]
    stripe.post(f"/v1/products/{sold.product_id}", default_price=third)
    go_on()
    last = parts(first)[-1]
    assert (last.operation, last.state) == (STEPS[1], Push.State.SKIPPED)
    assert third in last.message
    assert stripe.get(f"/v1/products/{sold.product_id}")["default_price"] == third


def test_taken_back_by_a_price_of_the_old_amount(doing: Opens, sold: Any, pricer: User, stripe: RunningSandbox) -> None:
    push = doing("replace_price", sold, pricer).submit(unit_amount="39.00")
    made = new_price(stripe, sold)["id"]
    assert undone(push, pricer).state == Push.State.DONE
    default = stripe.get(f"/v1/products/{sold.product_id}")["default_price"]
    assert stripe.get(f"/v1/prices/{default}")["unit_amount"] == 2900
    assert default != sold.pk
    assert stripe.get(f"/v1/prices/{made}")["active"] is False
