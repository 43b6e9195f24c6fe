"""Coupons: what is sent of a form, what can be changed later, and what a deletion ends and leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Coupon, Job, Push
from stripe_mirror.pull.fetch import fetch_now
from stripe_mirror.push import coupon_forms, jobs
from stripe_mirror.push.errors import Conflict, NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.push.billing import resumed
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.paying import mirror
from tests.push.scenarios_catalog import coupon, promotion_code
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
CREATE, EDIT, DELETE = map(get_operation, ("create_coupon", "edit_coupon", "delete_stripe_coupon"))
DAY = 86400
SOON = int(time.time()) // 60 * 60 + 30 * DAY


@pytest.fixture
def seller(staff: Callable[..., User]) -> User:
    """May do all that can be done to coupons, also to many."""
    return staff("seller", CREATE.name, EDIT.name, DELETE.name, "run_job")


def told(form: Doing, **values: Any) -> list[str]:
    """The summary of the confirm page."""
    return preview(form.operation, form.row, form.cleaned(**values), ask=False).summary


def follows(form: Doing, **values: Any) -> list[str]:
    """The consequences on the confirm page."""
    return list(preview(form.operation, form.row, form.cleaned(**values), ask=False).effects.follows)


def given(stripe: RunningSandbox, row: Any) -> dict[str, Any]:
    """A subscription with this coupon."""
    price = stripe.post(
        "/v1/prices",
        product=stripe.post("/v1/products", name="Gold")["id"],
        currency="usd",
        unit_amount=2900,
        recurring={"interval": "month"},
    )
    buyer = stripe.post("/v1/customers", email="buyer@example.com")
    made = stripe.post(
        "/v1/subscriptions",
        customer=buyer["id"],
        items=[{"price": price["id"]}],
        collection_method="send_invoice",
        days_until_due=30,
        discounts=[{"coupon": row.pk}],
    )
    fetch_now(get_kind("discount"), made["discounts"][0], patient=False, near={"subscription": made["id"]})
    return made


# Creation


def test_s52_an_amount_is_typed_in_major_units_and_reads_as_dollars_off(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    form = doing(CREATE.name, CREATE.new_row(), seller)
    values = {"amount_off": "50", "currency": "usd", "name": "Fifty"}
    assert told(form, **values) == ["It gives: $50.00 off, once", "Name: Fifty"]
    assert any("another currency than USD" in line for line in follows(form, **values))
    push = form.submit(**values)
    params = {"amount_off": "5000", "currency": "usd", "duration": "once", "name": "Fifty"}
    assert sent(stripe) == [("POST", "/v1/coupons", params)]
    row = Coupon.objects.get(pk=push.object_id)
    assert (push.state, row.terms, row.amount_off) == (Push.State.DONE, "$50.00 off", 5000)


@pytest.mark.parametrize(("typed", "currency", "minor"), [("500", "jpy", "500"), ("5", "ugx", "500")])
def test_s50_minor_units_are_those_of_the_currency(
    typed: str, currency: str, minor: str, doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    assert "whole number" in form_errors(CREATE, CREATE.new_row(), amount_off="5.5", currency=currency)["amount_off"]
    doing(CREATE.name, CREATE.new_row(), seller).submit(amount_off=typed, currency=currency)
    ((_, _, params),) = sent(stripe)
    assert (params["amount_off"], params["currency"]) == (minor, currency)


def test_everything_that_a_coupon_can_be_is_sent_and_said(
    doing: Opens, seller: User, stripe: RunningSandbox, mirrored: Callable[[dict[str, Any]], Any]
) -> None:
    boat = mirrored(stripe.post("/v1/products", name="Boat"))
    form, id = doing(CREATE.name, CREATE.new_row(), seller), f"SPRING {uuid4().hex}"
    values = {
        "id": id,
        "name": "Spring",
        "percent_off": "12.50",
        "duration": "repeating",
        "duration_in_months": "3",
        "applies_to": [boat.pk],
        "max_redemptions": "20",
        "redeem_by": SOON,
        "metadata": {"campaign": "may"},
    }
    lines = told(form, **values)
    assert lines[0] == "It gives: 12.5% off, for 3 months"
    assert {"Only for these products: Boat", "How often it can be redeemed: 20", f"ID: {id}"} <= set(lines)
    assert any(line.startswith("Can be redeemed until: ") and "UTC" in line for line in lines)
    push = form.submit(**values)
    ((_, _, params),) = sent(stripe)
    assert params == {
        "id": id,
        "name": "Spring",
        "percent_off": "12.5",
        "duration": "repeating",
        "duration_in_months": "3",
        "applies_to": {"products": {"0": boat.pk}},
        "max_redemptions": "20",
        "redeem_by": str(SOON),
        "metadata": {"campaign": "may"},
    }
    assert (push.state, push.object_id) == (Push.State.DONE, id)
    assert push.after["percent_off"] == 12.5
    shown = stripe.get(f"/v1/coupons/{id}", expand=["applies_to"])
    assert shown["applies_to"] == {"products": [boat.pk]}


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({}, "percent_off", "a percentage or an amount"),
        ({"percent_off": "10", "amount_off": "5"}, "amount_off", "not both"),
        ({"percent_off": "0"}, "percent_off", "greater than or equal to 0.01"),
        ({"percent_off": "101"}, "percent_off", "less than or equal to 100"),
        ({"percent_off": "33.333"}, "percent_off", "2 decimal places"),
        ({"amount_off": "-5"}, "amount_off", "above $0.00"),
        ({"amount_off": "5", "currency": ""}, "currency", "Choose the currency"),
        ({"percent_off": "10", "duration": "repeating"}, "duration_in_months", "how many months"),
        ({"percent_off": "10", "duration_in_months": "3"}, "duration_in_months", "count only"),
        ({"percent_off": "10", "max_redemptions": "0"}, "max_redemptions", "greater than or equal to 1"),
        ({"percent_off": "10", "redeem_by": "2020-01-01T12:00"}, "redeem_by", "has passed"),
        ({"percent_off": "10", "redeem_by": SOON + 6 * 366 * DAY}, "redeem_by", "five years"),
        ({"percent_off": "10", "applies_to": ["prod_none"]}, "applies_to", "no product prod_none"),
        ({"percent_off": "10", "name": "x" * 41}, "name", "40"),
    ],
)
@pytest.mark.django_db
def test_what_stripe_would_refuse_is_said_at_the_field(values: dict[str, Any], field: str, words: str) -> None:
    shown = {"currency": "usd", **values}
    assert words in form_errors(CREATE, CREATE.new_row(), **shown)[field]


def test_an_id_can_be_given_again_only_once_its_coupon_is_deleted(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    row = coupon(stripe, id=f"AGAIN{uuid4().hex}")
    assert "has this ID" in form_errors(CREATE, CREATE.new_row(), percent_off="5", id=row.pk)["id"]
    assert doing(DELETE.name, row, seller).submit().state == Push.State.DONE
    push = doing(CREATE.name, CREATE.new_row(), seller).submit(percent_off="5", id=row.pk)
    row.refresh_from_db()
    assert (push.state, row.deleted_at, row.data["percent_off"]) == (Push.State.DONE, None, 5)


def test_what_stripe_alone_knows_stands_at_its_field(doing: Opens, seller: User, stripe: RunningSandbox) -> None:
    taken = stripe.post("/v1/coupons", percent_off=10, id=f"TAKEN{uuid4().hex}")["id"]
    push = doing(CREATE.name, CREATE.new_row(), seller).submit(percent_off="5", id=taken)
    assert (push.state, CREATE.field_for_param(push.error_param)) == (Push.State.REFUSED, "id")
    assert CREATE.field_for_param("applies_to[products][0]") == "applies_to"


def test_products_are_written_where_there_are_too_many_to_choose_from(
    doing: Opens, seller: User, stripe: RunningSandbox, mirrored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    boats = [mirrored(stripe.post("/v1/products", name=f"Boat {n}")) for n in range(2)]
    assert f'value="{boats[0].pk}"' in str(CREATE.get_form(CREATE.new_row())["applies_to"])
    monkeypatch.setattr(coupon_forms, "MOST", 1)
    assert boats[0].pk not in str(CREATE.get_form(CREATE.new_row())["applies_to"])
    lines = "\r\n".join(boat.pk for boat in boats)
    doing(CREATE.name, CREATE.new_row(), seller).submit(percent_off="5", applies_to=lines)
    ((_, _, params),) = sent(stripe)
    assert params["applies_to"] == {"products": {"0": boats[0].pk, "1": boats[1].pk}}


def test_a_new_coupon_can_be_taken_back(doing: Opens, seller: User, stripe: RunningSandbox) -> None:
    push = doing(CREATE.name, CREATE.new_row(), seller).submit(percent_off="5")
    assert undone(push, seller).state == Push.State.DONE
    assert push.object_id not in {row["id"] for row in stripe.objects("coupon") if not row.get("deleted")}


def test_s31_a_coupon_whose_answer_was_lost_is_made_once(doing: Opens, seller: User, stripe: RunningSandbox) -> None:
    before = len(stripe.objects("coupon"))
    stripe.faults.add(method="POST", path="/v1/coupons", lose_answer=True, times=1)
    push = doing(CREATE.name, CREATE.new_row(), seller).submit(amount_off="12.34", currency="eur", metadata={"b": "1"})
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert len(stripe.objects("coupon")) == before + 1


# Edit


def test_only_the_name_and_metadata_that_differ_are_sent_and_can_be_taken_back(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    row = coupon(stripe, metadata={"campaign": "may", "note": "a"})
    assert set(EDIT.get_form(row).fields) == {"name", "metadata", "reason"}
    form = doing(EDIT.name, row, seller)
    stripe.clear_requests()
    push = form.submit(name="", metadata={"campaign": "june", "note": "a"})
    assert sent(stripe) == [("POST", f"/v1/coupons/{row.pk}", {"name": "", "metadata": {"campaign": "june"}})]
    assert push.before == {"name": "Loyal", "metadata.campaign": "may"}
    row.refresh_from_db()
    undone(push, seller)
    row.refresh_from_db()
    assert (row.data["name"], row.metadata) == ("Loyal", {"campaign": "may", "note": "a"})


def test_an_unchanged_form_sends_nothing_and_a_conflict_is_asked(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    """S38."""
    row = coupon(stripe)
    form = doing(EDIT.name, row, seller)
    with pytest.raises(NothingToChange):
        form.submit()
    stripe.post(f"/v1/coupons/{row.pk}", name="Theirs")
    stripe.clear_requests()
    with pytest.raises(Conflict, match="Name"):
        form.submit(name="Ours")
    assert sent(stripe) == []


def test_a_coupon_with_an_odd_id_is_edited_under_its_quoted_address(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    row = coupon(stripe, id=f"50% off/{uuid4().hex}")
    assert doing(EDIT.name, row, seller).submit(name="Half").state == Push.State.DONE
    assert doing(DELETE.name, row, seller).submit().state == Push.State.DONE


# Deletion


def test_a_deletion_names_what_ends_and_leaves_the_discounts(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    row = coupon(stripe)
    code, subscription = promotion_code(stripe, of=row), given(stripe, row)
    form = doing(DELETE.name, row, seller)
    effects = preview(DELETE, row, form.cleaned(), ask=False).effects
    assert effects.follows[:2] == ("Stops working: 1 promotion code.", "Stays until its end: 1 discount.")
    assert effects.final == DELETE.final_warning
    stripe.clear_requests()
    push = form.submit()
    assert sent(stripe) == [("DELETE", f"/v1/coupons/{row.pk}", {})]
    assert (push.state, push.before["percent_off"], push.after) == (Push.State.DONE, 25, {"deleted": True})
    row.refresh_from_db()
    assert row.deleted_at, "a tombstone: old invoices still name it (S23)"
    assert stripe.get(f"/v1/promotion_codes/{code.pk}")["active"] is False
    assert stripe.get(f"/v1/subscriptions/{subscription['id']}")["discounts"] == subscription["discounts"]
    assert DELETE.undo(push) is None
    assert "deleted" in DELETE.why_not(row)


def test_a_coupon_that_was_deleted_meanwhile_is_not_deleted_again(
    doing: Opens, seller: User, stripe: RunningSandbox
) -> None:
    row = coupon(stripe)
    form = doing(DELETE.name, row, seller)
    stripe.delete(f"/v1/coupons/{row.pk}")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="deleted in Stripe"):
        form.submit()
    assert sent(stripe) == []


def test_many_coupons_are_deleted_as_a_job(seller: User, stripe: RunningSandbox) -> None:
    rows = [coupon(stripe) for _ in range(3)]
    gone = mirror("coupon", stripe.delete(f"/v1/coupons/{rows[0].pk}")["id"])
    form = DELETE.get_form(DELETE.new_row(), {"reason": "campaign over"})
    assert form.is_valid()
    chosen = Coupon.objects.filter(pk__in=[row.pk for row in rows])
    seen = jobs.preview(DELETE, chosen, cleaned=form.cleaned_data)
    assert (seen.allowed, [row for row, _ in seen.excluded]) == (2, [gone])
    assert seen.final == {DELETE.final_warning: 2}
    job = jobs.create_job(
        DELETE, chosen, user=seller, cleaned=form.cleaned_data, reason="campaign over", job_id=uuid4(), ip="192.0.2.1"
    )
    jobs.run_job(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED
    assert not chosen.alive().exists()
