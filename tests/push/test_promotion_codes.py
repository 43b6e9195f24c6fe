"""Promotion codes: made for a coupon within its limits, switched off, and on again only while that can be."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Coupon, Customer, PromotionCode, Push
from stripe_mirror.push import jobs
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.push.billing import resumed
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.examples import PROMOTION_CODE
from tests.push.paying import mirror
from tests.push.scenarios_catalog import coupon, promotion_code
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
CREATE, OFF, ON = map(
    get_operation, ("create_promotion_code", "deactivate_promotion_code", "reactivate_promotion_code")
)
DAY = 86400
SOON = int(time.time()) // 60 * 60 + 30 * DAY


@pytest.fixture
def seller(staff: Callable[..., User]) -> User:
    """May do all that can be done to promotion codes, also to many."""
    return staff("seller", CREATE.name, OFF.name, ON.name, "run_job")


@pytest.fixture
def ann(stripe: RunningSandbox, mirrored: Callable[[dict[str, Any]], Any]) -> Customer:
    """A customer."""
    row: Customer = mirrored(stripe.post("/v1/customers", name="Ann", email="ann@example.com"))
    return row


def letters() -> str:
    """A code that no other test has."""
    return f"CODE-{uuid4().hex[:8].upper()}"


def row_of(**changes: Any) -> PromotionCode:
    """A code that isn't stored."""
    return PromotionCode(id="promo_1", data={**PROMOTION_CODE, **changes})


# Creation


def test_everything_that_a_code_can_be_is_sent_in_todays_shape_and_said(
    doing: Opens, seller: User, ann: Customer, stripe: RunningSandbox
) -> None:
    row, code = coupon(stripe), letters()
    form = doing(CREATE.name, row, seller)
    values = {
        "code": code,
        "customer": ann.pk,
        "max_redemptions": "5",
        "expires_at": SOON,
        "first_time_transaction": True,
        "minimum_amount": "20",
        "minimum_amount_currency": "usd",
        "metadata": {"channel": "mail"},
    }
    seen = preview(CREATE, row, form.cleaned(**values), ask=False)
    assert seen.summary[:3] == [
        "Coupon: Loyal · 25% off, forever",
        f"Code: {code}",
        f"Only for one customer: {ann} ({ann.pk})",
    ]
    assert {"It can be used 5 times.", "Only for orders of at least $20.00."} <= set(seen.summary)
    assert seen.effects.final == CREATE.final_warning
    stripe.clear_requests()
    push = form.submit(**values)
    params = {
        "promotion": {"type": "coupon", "coupon": row.pk},
        "code": code,
        "customer": ann.pk,
        "max_redemptions": "5",
        "expires_at": str(SOON),
        "restrictions": {
            "first_time_transaction": "true",
            "minimum_amount": "2000",
            "minimum_amount_currency": "usd",
        },
        "metadata": {"channel": "mail"},
    }
    assert sent(stripe) == [("POST", "/v1/promotion_codes", params)]
    made = PromotionCode.objects.get(code=code)
    assert (push.state, push.object_id, made.coupon) == (Push.State.DONE, row.pk, row)
    assert (push.before, push.after["promotion_code"]) == ({}, made.pk)


def test_without_letters_stripe_makes_some_up_and_the_code_is_taken_back_by_switching_it_off(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    row = coupon(stripe)
    push = doing(CREATE.name, row, seller).submit()
    made = PromotionCode.objects.get(pk=push.after["promotion_code"])
    assert made.data["active"]
    assert undone(push, seller).state == Push.State.DONE
    assert stripe.get(f"/v1/promotion_codes/{made.pk}")["active"] is False


def test_s31_a_code_whose_answer_was_lost_is_made_once_and_can_be_taken_back(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    row = coupon(stripe)
    stripe.faults.add(method="POST", path="/v1/promotion_codes", lose_answer=True, times=1)
    push = doing(CREATE.name, row, seller).submit(minimum_amount="5", minimum_amount_currency="eur")
    assert push.state == Push.State.UNKNOWN
    push = resumed(push)
    (made,) = stripe.get("/v1/promotion_codes", coupon=row.pk)["data"]
    undo = CREATE.undo(push)
    assert undo is not None
    assert (push.state, undo.object_id) == (Push.State.DONE, made["id"])


def test_a_code_allows_no_more_than_its_coupon(stripe: RunningSandbox) -> None:
    row = coupon(stripe, max_redemptions=3, redeem_by=SOON)
    errors = form_errors(CREATE, row, max_redemptions="4", expires_at=SOON + 60)
    assert "3 times at most" in errors["max_redemptions"]
    assert "The coupon itself" in errors["expires_at"]
    assert form_errors(CREATE, row, max_redemptions="3", expires_at=SOON) == {}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"code": "SPRING SALE"}, "code", "letters"),
        ({"code": "ÄRGER"}, "code", "letters"),
        ({"customer": "cus_nobody"}, "customer", "no customer"),
        ({"minimum_amount": "5.001"}, "minimum_amount", "decimals"),
        ({"minimum_amount": "5", "minimum_amount_currency": ""}, "minimum_amount_currency", "Choose"),
        ({"expires_at": "2020-01-01T12:00"}, "expires_at", "has passed"),
        ({"max_redemptions": "0"}, "max_redemptions", "greater than or equal to 1"),
    ],
)
@pytest.mark.django_db
def test_what_stripe_would_refuse_is_said_at_the_field(values: dict[str, Any], field: str, words: str) -> None:
    row = Coupon(id="LOYAL", data={"object": "coupon", "valid": True})
    assert words in form_errors(CREATE, row, **values)[field]


def test_letters_are_one_active_codes_for_each_customer(
    doing: Opens, seller: User, ann: Customer, stripe: RunningSandbox, mirrored: Callable[[dict[str, Any]], Any]
) -> None:
    row, code = coupon(stripe), letters()
    bob = mirrored(stripe.post("/v1/customers", name="Bob"))
    promotion_code(stripe, of=row, code=code, customer=ann.pk)
    for values in ({"customer": ann.pk}, {}):
        assert "is taken" in form_errors(CREATE, row, code=code.lower(), **values)["code"]
    assert doing(CREATE.name, row, seller).submit(code=code, customer=bob.pk).state == Push.State.DONE


def test_letters_that_only_stripe_knows_to_be_taken_are_refused_at_their_field(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    row, code = coupon(stripe), letters()
    stripe.post("/v1/promotion_codes", promotion={"type": "coupon", "coupon": row.pk}, code=code)
    push = doing(CREATE.name, row, seller).submit(code=code)
    assert (push.state, CREATE.field_for_param(push.error_param)) == (Push.State.REFUSED, "code")
    assert CREATE.field_for_param("restrictions[minimum_amount]") == "minimum_amount"


def test_no_code_is_made_for_a_coupon_that_can_not_be_redeemed(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    row = coupon(stripe, max_redemptions=1)
    form = doing(CREATE.name, row, seller)
    invoice = stripe.post("/v1/invoices", customer=stripe.post("/v1/customers")["id"])
    stripe.post(f"/v1/invoices/{invoice['id']}", discounts=[{"coupon": row.pk}])
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="can't be redeemed any more"):
        form.submit()
    assert sent(stripe) == []


# Off and on


def test_a_code_is_switched_off_and_on_again(doing: Opens, seller: User, stripe: RunningSandbox) -> None:
    row = promotion_code(stripe, code=letters())
    form = doing(OFF.name, row, seller)
    assert preview(OFF, row, form.cleaned(), ask=False).summary == [f"“{row}” becomes inactive."]
    stripe.clear_requests()
    push = form.submit()
    assert sent(stripe) == [("POST", f"/v1/promotion_codes/{row.pk}", {"active": "false"})]
    assert (push.before, push.after) == ({"active": True}, {"active": False})
    row.refresh_from_db()
    assert "inactive already" in OFF.why_not(row)
    assert undone(push, seller).state == Push.State.DONE
    assert stripe.get(f"/v1/promotion_codes/{row.pk}")["active"] is True


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"active": True}, "not inactive"),
        ({"expires_at": 1_600_000_000}, "has expired on 13 September 2020"),
        ({"max_redemptions": 2, "times_redeemed": 2}, "as often as it may be"),
        ({"active": None}, "shape"),
    ],
)
@pytest.mark.django_db
def test_what_can_not_be_redeemed_is_not_switched_on(changes: dict[str, Any], words: str) -> None:
    assert words in ON.why_not(row_of(**{"active": False, **changes}))
    assert ON.why_not(row_of(active=False)) == ""


@pytest.mark.parametrize("old_shape", [False, True])
def test_a_code_is_not_switched_on_without_a_valid_coupon(old_shape: bool, stripe: RunningSandbox) -> None:
    of = coupon(stripe)
    row = promotion_code(stripe, of=of, active=False)
    if old_shape:
        row.data = {**row.data, "promotion": None, "coupon": {"object": "coupon", "id": of.pk}}
    assert ON.why_not(row) == ""
    stripe.delete(f"/v1/coupons/{of.pk}")
    mirror("coupon", of.pk)
    assert "coupon of this promotion code" in ON.why_not(row)


def test_letters_that_another_code_has_by_now_are_not_switched_on(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    """By the mirror, or by Stripe where the mirror lacks the other one."""
    row = promotion_code(stripe, code=letters(), active=False)
    other = stripe.post(
        "/v1/promotion_codes", promotion={"type": "coupon", "coupon": coupon(stripe).pk}, code=row.data["code"]
    )
    push = doing(ON.name, row, seller).submit()
    assert (push.state, "already exists" in push.message) == (Push.State.REFUSED, True)
    mirror("promotion_code", other["id"])
    assert other["id"] in ON.why_not(row)


def test_many_codes_are_switched_off_as_a_job(seller: User, stripe: RunningSandbox) -> None:
    of = coupon(stripe)
    rows = [promotion_code(stripe, of=of) for _ in range(3)]
    form = OFF.get_form(OFF.new_row(), {})
    assert form.is_valid()
    chosen = PromotionCode.objects.filter(pk__in=[row.pk for row in rows])
    job = jobs.create_job(
        OFF, chosen, user=seller, cleaned=form.cleaned_data, reason="", job_id=uuid4(), ip="192.0.2.1"
    )
    jobs.run_job(job.pk)
    assert [code["active"] for code in stripe.get("/v1/promotion_codes", coupon=of.pk)["data"]] == [False] * 3
