"""A customer's discount is removed, a customer is deleted: what is said before, what is left, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Customer, CustomerLink, Push
from stripe_mirror.push import jobs
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from tests.push.conftest import form_errors, sent
from tests.push.test_customer_operations import ADD, ADJUST, Brings, Opens
from tests.push.test_submit import truth
from tests.push.test_unknown_outcomes import resumed
from tests.sandbox.testing import RunningSandbox

UNDISCOUNT, DELETE = map(get_operation, ("remove_customer_discount", "delete_stripe_customer"))


@pytest.fixture
def discounted(stripe: RunningSandbox, mirrored: Brings) -> Any:
    """A customer with a discount of its own."""
    coupon = mirrored(
        stripe.post("/v1/coupons", id=f"LOYAL{uuid4().hex}", name="Loyal", percent_off=25, duration="forever")
    )
    made = stripe.post("/v1/customers", name="Jane")
    stripe.happens("give_coupon", customer=made["id"], coupon=coupon.pk)
    return mirrored(made)


# The discount


def test_a_discount_is_removed(doing: Opens, discounted: Any, keeper: User, stripe: RunningSandbox) -> None:
    held = discounted.data["discount"]
    push = doing(UNDISCOUNT.name, discounted, keeper).submit()
    assert sent(stripe) == [("DELETE", f"/v1/customers/{discounted.pk}/discount", {})]
    assert truth(stripe, discounted)["discount"] is None
    discounted.refresh_from_db()
    assert discounted.data["discount"] is None
    assert (push.state, push.before) == (Push.State.DONE, {"discount": held["id"], "coupon": held["source"]["coupon"]})
    assert push.after == {"deleted": True}
    assert UNDISCOUNT.undo(push) is None


def test_without_a_discount_there_is_nothing_to_remove(
    doing: Opens, discounted: Any, customer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    assert "no discount" in UNDISCOUNT.why_not(customer)
    form = doing(UNDISCOUNT.name, discounted, keeper)
    stripe.delete(f"/v1/customers/{discounted.pk}/discount")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="no discount"):
        form.submit()
    assert sent(stripe) == []


def test_another_discount_than_the_one_that_was_shown_is_not_removed(
    doing: Opens, discounted: Any, keeper: User, stripe: RunningSandbox
) -> None:
    form = doing(UNDISCOUNT.name, discounted, keeper)
    coupon = discounted.data["discount"]["source"]["coupon"]
    stripe.delete(f"/v1/customers/{discounted.pk}/discount")
    stripe.happens("give_coupon", customer=discounted.pk, coupon=coupon)
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="another discount"):
        form.submit()
    assert sent(stripe) == []


def test_s52_the_confirm_page_names_the_coupon_and_that_it_is_final(
    doing: Opens, discounted: Any, keeper: User
) -> None:
    form = doing(UNDISCOUNT.name, discounted, keeper)
    assert UNDISCOUNT.summary(discounted, form.cleaned()) == [
        "The discount “Loyal” (25% off) is removed from the customer."
    ]
    discounted.data["discount"] |= {"end": 1_900_000_000}
    assert "ended on 17 March 2030" in UNDISCOUNT.summary(discounted, form.cleaned())[0]
    assert "no way" in UNDISCOUNT.effects(discounted, form.cleaned(), None).final


def test_s31_a_removed_discount_whose_answer_was_lost_is_found_removed(
    doing: Opens, discounted: Any, keeper: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="DELETE", path="/v1/customers", lose_answer=True, times=1)
    push = doing(UNDISCOUNT.name, discounted, keeper).submit()
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert len(stripe.requests("DELETE")) == 1


# The end


def test_a_customer_is_deleted_and_stays_as_a_tombstone(
    doing: Opens, customer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    push = doing(DELETE.name, customer, keeper).submit()
    assert sent(stripe) == [("DELETE", f"/v1/customers/{customer.pk}", {})]
    customer.refresh_from_db()
    assert customer.deleted_at
    assert (push.state, push.after) == (Push.State.DONE, {"deleted": True})
    assert push.before == {"name": "Jane Doe", "email": "jane@example.com", "balance": 0, "subscriptions": []}
    assert (DELETE.undo(push), DELETE.why_not(customer)) == (None, "This customer was deleted in Stripe.")


def test_running_subscriptions_end_only_where_that_is_ticked(
    doing: Opens, subscribe: Callable[..., Any], keeper: User, stripe: RunningSandbox, mirrored: Brings
) -> None:
    subscription = subscribe()
    owner = mirrored({"object": "customer", "id": subscription.customer_id})
    assert "running subscription" in form_errors(DELETE, owner)["cancel_subscriptions"]
    with pytest.raises(NotAllowed, match="running subscription"):
        DELETE.plan(owner, {})
    assert list(DELETE.sums(owner)) == [(2900, "eur")]
    form = doing(DELETE.name, owner, keeper)
    assert DELETE.summary(owner, form.cleaned(cancel_subscriptions="on"))[1] == "Its subscription ends now."
    push = form.submit(cancel_subscriptions="on")
    assert (push.state, push.before["subscriptions"]) == (Push.State.DONE, [subscription.pk])
    assert truth(stripe, subscription)["status"] == "canceled"


def test_a_customer_who_subscribes_meanwhile_is_not_deleted(
    doing: Opens, customer: Any, keeper: User, stripe: RunningSandbox, price: dict[str, Any], mirrored: Brings
) -> None:
    form = doing(DELETE.name, customer, keeper)
    cleaned = form.cleaned()
    params = {"collection_method": "send_invoice", "days_until_due": 30, "items": [{"price": price["id"]}]}
    mirrored(stripe.post("/v1/subscriptions", customer=customer.pk, **params))
    form.cleaned = lambda **changes: cleaned  # type: ignore[method-assign]
    with pytest.raises(NotAllowed, match="running subscription"):
        form.submit()
    assert sent(stripe) == []


def test_many_are_deleted_except_those_who_have_subscriptions(
    customer: Any, subscribe: Callable[..., Any], keeper: User, stripe: RunningSandbox, mirrored: Brings
) -> None:
    owner = mirrored({"object": "customer", "id": subscribe().customer_id})
    form = DELETE.get_form(DELETE.new_row(), {"reason": "spam"})
    assert form.is_valid(), form.errors
    planned = {"cleaned": form.cleaned_data, "reason": "spam", "job_id": uuid4()}
    job = jobs.create_job(DELETE, Customer.objects.all(), user=keeper, **planned)
    jobs.run_job(job.pk)
    states = {push.object_id: push.state for push in job.pushes.all()}
    assert states == {customer.pk: Push.State.DONE, owner.pk: Push.State.SKIPPED}
    assert not Customer.objects.get(pk=owner.pk).deleted_at


def test_the_confirm_page_of_a_deletion_says_what_is_lost(
    doing: Opens, payer: Any, keeper: User, price: dict[str, Any], stripe: RunningSandbox, mirrored: Brings
) -> None:
    items = [{"price": price["id"], "quantity": 3}]
    terms = {"collection_method": "send_invoice", "days_until_due": 30, "items": items}
    subscription = mirrored(stripe.post("/v1/subscriptions", customer=payer.pk, **terms))
    mirrored(stripe.post(f"/v1/invoices/{subscription.latest_invoice_id}/finalize"))
    payer = mirrored({"object": "customer", "id": payer.pk})
    stripe.post(f"/v1/customers/{payer.pk}/balance_transactions", amount=-200, currency="eur")
    payer = mirrored({"object": "customer", "id": payer.pk})
    CustomerLink.objects.create(user=keeper, customer=payer)
    effects = DELETE.effects(payer, {"cancel_subscriptions": True}, None)
    assert effects.money == (
        Amount("Credit that the customer loses", 200, "eur"),
        Amount("No longer charged per period", 8700, "eur"),
    )
    told = " ".join(effects.follows)
    assert "1 open invoice stays open (€82.00)" in told
    assert "The user keeper stays linked to it." in told
    assert "can't be brought back" in effects.final


def test_s31_a_deletion_whose_answer_was_lost_is_found_done(
    doing: Opens, customer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="DELETE", path="/v1/customers", lose_answer=True, times=1)
    push = doing(DELETE.name, customer, keeper).submit()
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert len(stripe.requests("DELETE")) == 1


@pytest.mark.parametrize("operation", [ADJUST, ADD, UNDISCOUNT, DELETE], ids=lambda operation: operation.name)
def test_s36_a_deleted_customer_is_refused_before_stripe_is_asked(
    operation: Any, doing: Opens, discounted: Any, keeper: User, stripe: RunningSandbox
) -> None:
    form = doing(operation.name, discounted, keeper)
    values = {ADJUST.name: {"amount": "5"}, ADD.name: {"type": "eu_vat", "value": "IE1"}}.get(operation.name, {})
    stripe.delete(f"/v1/customers/{discounted.pk}")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="deleted"):
        form.submit(**values)
    assert sent(stripe) == []
