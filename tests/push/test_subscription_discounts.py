"""Discounts of a subscription: one more beside those that it has, one less, and the way back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Coupon, Customer, PromotionCode, Push, Subscription
from stripe_mirror.push import jobs, jobs_again
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.jobs_preview import ask_about_sample, preview_wishes
from stripe_mirror.push.jobs_preview import preview as preview_many
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.push.billing import DAY, Row, may, previewed, redo, resumed, sent, truth
from tests.push.conftest import Doing, form_errors
from tests.push.examples import SUBSCRIPTION
from tests.push.paying import mirror
from tests.push.scenarios_subscriptions import code, coupon, mirror_discounts, subscription
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
APPLY, REMOVE = get_operation("apply_discount"), get_operation("remove_discount")


@pytest.fixture
def giver(staff: Callable[..., User]) -> User:
    """May apply and remove discounts, also many."""
    return staff("giver", "run_job", *may(APPLY.name, REMOVE.name))


@pytest.fixture
def plain(stripe: RunningSandbox) -> Any:
    """29.00 eur a month, without a discount."""
    return subscription(stripe)


@pytest.fixture
def loyal(stripe: RunningSandbox) -> Any:
    """29.00 eur a month, a quarter off for ever."""
    return subscription(stripe, discounts=[{"coupon": coupon(stripe).pk}])


def held(stripe: RunningSandbox, row: Any) -> list[str]:
    """The coupons on it, as Stripe has them."""
    coupons = {discount["id"]: discount["source"]["coupon"] for discount in stripe.objects("discount")}
    return [coupons[id] for id in truth(stripe, row)["discounts"]]


def known(row: Any) -> Any:
    """The row as events would have brought it, with its discounts."""
    row = mirror("subscription", row.pk)
    mirror_discounts(row)
    return row


def not_stored(**changes: Any) -> Subscription:
    """A subscription that isn't stored."""
    return Subscription(id="sub_1", data={**SUBSCRIPTION, **changes})


def test_one_more_discount_keeps_those_that_are_there(
    doing: Opens, loyal: Any, giver: User, stripe: RunningSandbox
) -> None:
    first, friends = loyal.data["discounts"][0], coupon(stripe, name="Friends", percent_off=10)
    form = doing(APPLY.name, loyal, giver)
    told = previewed(form, coupon=friends.pk)
    due, by_it = told.money
    assert (due.amount, due.currency, by_it.amount) == (1957, "eur", 218)
    assert due.words.startswith("Next invoice, on ")
    assert APPLY.summary(loyal, form.cleaned(coupon=friends.pk)) == [
        "Added: Friends · 10% off, forever",
        "Stays: Loyal · 25% off, forever",
    ]
    stripe.clear_requests()
    push = form.submit(coupon=friends.pk)
    assert push.state == Push.State.DONE
    assert sent(stripe) == {"discounts": {"0": {"discount": first}, "1": {"coupon": friends.pk}}}
    assert held(stripe, loyal)[1:] == [friends.pk]
    assert push.before == {"discounts": [first]}
    assert push.after == {"discounts": truth(stripe, loyal)["discounts"]}
    known(loyal)
    assert redo(APPLY.undo(push), doing, push, loyal).state == Push.State.DONE
    assert truth(stripe, loyal)["discounts"] == [first]


def test_the_next_invoice_is_what_was_previewed(doing: Opens, plain: Any, giver: User, stripe: RunningSandbox) -> None:
    once = coupon(stripe, duration="once", percent_off=None, amount_off=900, currency="eur")
    form = doing(APPLY.name, plain, giver)
    assert [due.amount for due in previewed(form, coupon=once.pk).money] == [2000, 900]
    assert form.submit(coupon=once.pk).state == Push.State.DONE
    stripe.advance(25 * DAY)
    latest = truth(stripe, plain)["latest_invoice"]
    total = stripe.get(f"/v1/invoices/{latest}")["total"]
    stripe.sandbox.clock.follow_real_time()
    assert total == 2000


def test_a_promotion_code_is_redeemed_and_taken_back(
    doing: Opens, plain: Any, giver: User, stripe: RunningSandbox
) -> None:
    spring = code(stripe, coupon(stripe), code="SPRING", customer=plain.customer_id)
    form = doing(APPLY.name, plain, giver)
    assert APPLY.summary(plain, form.cleaned(promotion_code=spring.pk)) == [
        "Added: Loyal · 25% off, forever (by the code SPRING)"
    ]
    push = form.submit(promotion_code=spring.pk)
    assert (push.state, held(stripe, plain)) == (Push.State.DONE, [spring.coupon_id])
    plain = known(plain)
    removed = redo(APPLY.undo(push), doing, push, plain)
    assert (removed.state, held(stripe, plain)) == (Push.State.DONE, [])
    undo = REMOVE.undo(removed)
    assert undo is not None
    assert (undo.operation, undo.values) == (APPLY.name, {"promotion_code": spring.pk})


def test_a_code_that_was_used_up_brings_its_discount_back_no_more(
    doing: Opens, plain: Any, giver: User, stripe: RunningSandbox
) -> None:
    single = code(stripe, coupon(stripe), max_redemptions=1)
    push = doing(APPLY.name, plain, giver).submit(promotion_code=single.pk)
    mirror("promotion_code", single.pk)
    removed = redo(APPLY.undo(push), doing, push, known(plain))
    assert REMOVE.undo(removed) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"redeem_by": int(time.time()) - DAY},
        {"max_redemptions": 2, "times_redeemed": 2},
        {"valid": False},
    ],
)
def test_a_coupon_that_ran_out_is_refused_before_stripe_is_asked(
    wrong: Row, doing: Opens, plain: Any, giver: User, stripe: RunningSandbox
) -> None:
    loyal = coupon(stripe)
    stripe.clear_requests()
    cleaned = doing(APPLY.name, plain, giver).cleaned(coupon=loyal.pk)
    Coupon.objects.filter(pk=loyal.pk).update(data={**loyal.data, **wrong})
    with pytest.raises(NotAllowed, match="can still be redeemed"):
        APPLY.plan(plain, cleaned)
    assert stripe.requests() == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"customer": "cus_other"}, "for this customer"),
        ({"active": False}, "is active"),
        ({"expires_at": int(time.time()) - DAY}, "is active"),
        ({"restrictions": {"minimum_amount": 1000, "minimum_amount_currency": "eur"}}, "minimum amount"),
    ],
)
def test_a_code_that_can_not_be_used_is_refused_before_stripe_is_asked(
    wrong: Row, words: str, doing: Opens, plain: Any, giver: User, stripe: RunningSandbox
) -> None:
    spring = code(stripe, coupon(stripe))
    cleaned = doing(APPLY.name, plain, giver).cleaned(promotion_code=spring.pk)
    PromotionCode.objects.filter(pk=spring.pk).update(data={**spring.data, **wrong})
    with pytest.raises(NotAllowed, match=words):
        APPLY.plan(plain, cleaned)


def test_the_same_coupon_is_not_applied_twice(doing: Opens, loyal: Any, giver: User, stripe: RunningSandbox) -> None:
    (mine,) = held(stripe, loyal)
    form = doing(APPLY.name, loyal, giver)
    for wish in ({"coupon": mine}, {"promotion_code": code(stripe, Coupon.objects.get(pk=mine)).pk}):
        with pytest.raises(NothingToChange, match="already"):
            form.submit(**wish)
    assert stripe.requests("POST", "/v1/subscriptions") == []


@pytest.mark.parametrize(
    ("wish", "field", "words"),
    [
        ({}, "coupon", "Choose a coupon or"),
        ({"coupon": "NONE"}, "coupon", "can still be redeemed"),
        ({"promotion_code": "promo_none"}, "promotion_code", "is active"),
    ],
)
@pytest.mark.django_db
def test_the_form_wants_something_that_can_be_redeemed(wish: Row, field: str, words: str) -> None:
    assert words in form_errors(APPLY, not_stored(), **wish)[field]


def test_a_coupon_and_a_code_at_once_are_refused(plain: Any, stripe: RunningSandbox) -> None:
    loyal = coupon(stripe)
    errors = form_errors(APPLY, plain, coupon=loyal.pk, promotion_code=code(stripe, loyal).pk)
    assert "not both" in errors["promotion_code"]


def test_an_amount_in_another_currency_is_pointed_out(
    doing: Opens, plain: Any, giver: User, stripe: RunningSandbox
) -> None:
    """S52"""
    dollars = coupon(stripe, percent_off=None, amount_off=5000, currency="usd")
    told = previewed(doing(APPLY.name, plain, giver), coupon=dollars.pk)
    assert any("$50.00 off" in line and "billed in EUR" in line for line in told.follows)
    assert [due.amount for due in told.money] == [2900, 0]


def test_the_discount_of_an_item_is_not_taken_for_the_new_one(
    doing: Opens, giver: User, plain: Any, stripe: RunningSandbox
) -> None:
    half = coupon(stripe, name="Half", percent_off=50)
    item = plain.data["items"]["data"][0]["id"]
    stripe.post(f"/v1/subscription_items/{item}", discounts=[{"coupon": half.pk}])
    row = mirror("subscription", plain.pk)
    item_discount = row.data["items"]["data"][0]["discounts"][0]
    mirror_discounts(Subscription(id=row.pk, data={"discounts": [item_discount]}))
    told = previewed(doing(APPLY.name, row, giver), coupon=coupon(stripe, percent_off=10).pk)
    assert [due.amount for due in told.money] == [1305, 145]


def test_what_the_customer_has_of_its_own_is_said_to_stop_and_to_count_again(
    doing: Opens, plain: Any, giver: User, stripe: RunningSandbox
) -> None:
    """A subscription inherits its customer's discount as long as it has none itself."""
    stripe.happens("give_coupon", customer=plain.customer_id, coupon=coupon(stripe, name="Old", percent_off=50).pk)
    mirror("customer", plain.customer_id)
    form = doing(APPLY.name, plain, giver)
    wish = {"coupon": coupon(stripe, percent_off=10).pk}
    told = previewed(form, **wish)
    assert any("no longer does" in line for line in told.follows)
    assert told.money[0].amount == 2610
    assert "customer's: remove it there" in REMOVE.why_not(plain)
    form.submit(**wish)
    told = previewed(doing(REMOVE.name, known(plain), giver))
    assert told.money[0].amount == 1450, "as it will be billed: with the customer's"
    assert any("own discount counts" in line for line in told.follows)


def test_one_of_two_is_removed_and_applied_anew(doing: Opens, giver: User, stripe: RunningSandbox) -> None:
    loyal, friends = coupon(stripe), coupon(stripe, name="Friends", percent_off=10)
    row = subscription(stripe, discounts=[{"coupon": loyal.pk}, {"coupon": friends.pk}])
    first, second = row.data["discounts"]
    form = doing(REMOVE.name, row, giver)
    assert form_errors(REMOVE, row)["discount"] == "This field is required."
    told = previewed(form, discount=first)
    assert ([due.amount for due in told.money], "begins its duration anew" in told.final) == ([2610], True)
    assert REMOVE.summary(row, {"discount": first})[0] == "Removed: Loyal · 25% off, forever"
    stripe.clear_requests()
    push = form.submit(discount=first)
    assert sent(stripe) == {"discounts": {"0": {"discount": second}}}
    assert held(stripe, row) == [friends.pk]
    again = redo(REMOVE.undo(push), doing, push, known(row))
    assert (again.state, held(stripe, row)) == (Push.State.DONE, [friends.pk, loyal.pk])


def test_the_last_one_leaves_an_empty_list(doing: Opens, loyal: Any, giver: User, stripe: RunningSandbox) -> None:
    """S37: an empty list would send nothing."""
    form = doing(REMOVE.name, loyal, giver)
    assert [due.amount for due in previewed(form).money] == [2900]
    stripe.clear_requests()
    push = form.submit()
    assert (push.state, sent(stripe)) == (Push.State.DONE, {"discounts": ""})
    assert truth(stripe, loyal)["discounts"] == []


def test_a_deleted_coupon_can_not_be_applied_again(
    doing: Opens, loyal: Any, giver: User, stripe: RunningSandbox
) -> None:
    (mine,) = held(stripe, loyal)
    push = doing(REMOVE.name, loyal, giver).submit()
    assert REMOVE.undo(push) is not None
    stripe.delete(f"/v1/coupons/{mine}")
    mirror("coupon", mine)
    assert REMOVE.undo(push) is None


def test_a_preview_that_keeps_what_goes_is_told(loyal: Any) -> None:
    gone = loyal.data["discounts"][0]
    still = {"amount": 725, "discount": gone}
    invoice = {"currency": "eur", "subtotal": 2900, "total": 2175, "amount_due": 2175, "lines": {"data": []}}
    told = REMOVE.effects(loyal, {"discount": gone}, {**invoice, "total_discount_amounts": [still]})
    assert [due.amount for due in told.money] == [2175, 725]
    assert "will be higher" in told.money[1].words


def test_a_discount_that_is_gone_meanwhile_takes_no_other_with_it(
    doing: Opens, loyal: Any, giver: User, stripe: RunningSandbox
) -> None:
    form = doing(REMOVE.name, loyal, giver)
    cleaned = form.cleaned()
    other = coupon(stripe, name="Other", percent_off=10)
    stripe.post(f"/v1/subscriptions/{loyal.pk}", discounts=[{"coupon": other.pk}])
    with pytest.raises(NotAllowed, match="no such discount"):
        form.submit()
    row = mirror("subscription", loyal.pk)
    assert "no such discount" in form_errors(REMOVE, row, **cleaned)["__all__"]
    assert held(stripe, loyal) == [other.pk]


def test_s43_without_a_preview_nobody_can_confirm(
    doing: Opens, loyal: Any, giver: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/invoices/create_preview", status=500, times=10)
    for operation, wish in ((APPLY, {"coupon": coupon(stripe, name="Two").pk}), (REMOVE, {})):
        seen = preview(operation, loyal, doing(operation.name, loyal, giver).cleaned(**wish), ask=True)
        assert (seen.may_confirm, bool(seen.failure), seen.effects.money) == (False, True, ())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "incomplete"}, "isn't paid yet"),
        ({"status": "canceled"}, "ended"),
        ({"status": None}, "shape"),
        ({"schedule": "sub_sched_1"}, "sub_sched_1"),
    ],
)
@pytest.mark.django_db
def test_both_say_why_not(changes: Row, words: str) -> None:
    for operation in (APPLY, REMOVE):
        reason = operation.why_not(not_stored(discounts=["di_1"], **changes))
        assert words in reason
        assert reason.endswith(".")


@pytest.mark.django_db
def test_there_is_room_for_twenty_and_nothing_to_remove_of_none() -> None:
    full = not_stored(discounts=[f"di_{n}" for n in range(20)])
    assert "takes no more" in APPLY.why_not(full)
    assert APPLY.why_not(not_stored(discounts=full.data["discounts"][1:])) == ""
    assert REMOVE.why_not(not_stored()) == "It has no discounts."


@pytest.mark.parametrize("happened", [True, False])
def test_after_a_day_its_state_tells(
    happened: bool, doing: Opens, loyal: Any, giver: User, stripe: RunningSandbox
) -> None:
    friends = coupon(stripe, name="Friends")
    for operation, wish in ((APPLY, {"coupon": friends.pk}), (REMOVE, {})):
        row = known(loyal)
        if operation is REMOVE and happened:
            wish = {"discount": row.data["discounts"][0]}
        fault = {"lose_answer": True} if happened else {"status": 500}
        stripe.faults.add(method="POST", path="/v1/subscriptions", times=1, **fault)
        push = doing(operation.name, row, giver).submit(**wish)
        assert push.state == Push.State.UNKNOWN
        stripe.faults.clear()
        known(loyal)
        assert resumed(push, hours=24).state == (Push.State.DONE if happened else Push.State.REFUSED)


def test_many_get_the_same_coupon_and_lose_it_again(giver: User, stripe: RunningSandbox) -> None:
    first = subscription(stripe, discounts=[{"coupon": coupon(stripe, name="Old").pk}])
    rows, friends = [first, subscription(stripe)], coupon(stripe, name="Friends", percent_off=10)
    everyone = Subscription.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk")
    form = APPLY.get_form(APPLY.new_row(), {"coupon": friends.pk, "reason": "asked"})
    assert form.is_valid(), form.errors
    stripe.clear_requests()
    shown = preview_many(APPLY, everyone, cleaned=form.cleaned_data)
    assert (shown.allowed, shown.summary["Added: Friends · 10% off, forever"]) == (2, 2)
    assert stripe.requests() == []
    sample = ask_about_sample(APPLY, shown)
    assert sample is not None
    assert sample.asked, sample.failure
    job = jobs.create_job(APPLY, everyone, user=giver, cleaned=form.cleaned_data, reason="asked", job_id=uuid.uuid4())
    jobs.run_job(job.pk)
    assert [held(stripe, row)[-1] for row in rows] == [friends.pk] * 2
    assert len(held(stripe, first)) == 2
    for row in rows:
        known(row)
    undo = jobs_again.undo_operation(job)
    assert undo is REMOVE
    back = preview_wishes(undo, jobs_again.undo_wishes(job, undo), form={})
    assert (back.allowed, back.excluded) == (2, [])


def test_a_customer_that_is_not_mirrored_is_no_obstacle(
    doing: Opens, plain: Any, giver: User, stripe: RunningSandbox
) -> None:
    Customer.objects.filter(pk=plain.customer_id).delete()
    assert doing(APPLY.name, plain, giver).submit(coupon=coupon(stripe).pk).state == Push.State.DONE
