"""A Django user becomes a Stripe customer, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from stripe_mirror.models import Customer, CustomerLink, Push
from stripe_mirror.push.customers import create_customer_for
from stripe_mirror.push.errors import NotAllowed, StillChecking
from stripe_mirror.push.operation import operations_for
from stripe_mirror.push.submit import due_pushes, resume
from tests.push.conftest import Doing
from tests.sandbox.testing import RunningSandbox
from tests.together import at_once


@pytest.fixture
def creator(staff: Callable[..., User]) -> User:
    """May create customers."""
    return staff("creator", "create_customer")


@pytest.fixture
def shopper(transactional_db: None) -> User:
    """A user who isn't a customer yet."""
    return User.objects.create_user("shopper", "shopper@example.com", first_name="Sam", last_name="Shopper")


def test_the_user_becomes_a_customer_and_is_linked(creator: User, shopper: User, stripe: RunningSandbox) -> None:
    link = create_customer_for(shopper, by=creator)
    (made,) = [c for c in stripe.objects("customer") if c["id"] == link.customer_id]
    assert (made["name"], made["email"]) == ("Sam Shopper", "shopper@example.com")
    assert made["metadata"] == {"django_user_id": str(shopper.pk)}
    assert (link.user, link.created_by) == (shopper, creator)
    assert Customer.objects.get(pk=link.customer_id).user_link == link
    push = Push.objects.get()
    assert (push.state, push.object_id, push.operation) == ("done", made["id"], "create_customer_for_user")


def test_asking_twice_makes_one_customer(
    creator: User, shopper: User, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    first = create_customer_for(shopper, by=creator)
    assert create_customer_for(shopper, by=staff("other", "create_customer")) == first
    assert len(stripe.requests("POST")) == 1


def test_s30_two_who_ask_at_once_make_one_customer(
    creator: User, shopper: User, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    other = staff("other", "create_customer")
    stripe.faults.add(method="POST", path="/v1/customers", latency_ms=100)
    results = at_once(*[lambda who=who: create_customer_for(shopper, by=who) for who in (creator, other, creator)])
    assert len(stripe.requests("POST")) == 1
    assert {type(result) for result in results} <= {CustomerLink, StillChecking}
    assert CustomerLink.objects.get().user == shopper


def test_s31_a_lost_answer_links_the_user_later(creator: User, shopper: User, stripe: RunningSandbox) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    with pytest.raises(StillChecking):
        create_customer_for(shopper, by=creator)
    with pytest.raises(StillChecking):
        create_customer_for(shopper, by=creator)
    Push.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    resume(due_pushes()[0])
    link = create_customer_for(shopper, by=creator)
    assert [c["id"] for c in stripe.objects("customer") if c["email"] == shopper.email][-1] == link.customer_id
    assert {r["idempotency_key"] for r in stripe.requests("POST")} == {str(Push.objects.get().pk)}


def test_a_refusal_is_told_and_can_be_mended(creator: User, shopper: User, stripe: RunningSandbox) -> None:
    User.objects.filter(pk=shopper.pk).update(email="no address")
    shopper.refresh_from_db()
    with pytest.raises(NotAllowed, match="no address"):
        create_customer_for(shopper, by=creator)
    shopper.email = "mended@example.com"
    shopper.save()
    assert create_customer_for(shopper, by=creator).customer.email == "mended@example.com"


def test_a_removed_link_is_made_again_to_the_same_customer(
    creator: User, shopper: User, stripe: RunningSandbox
) -> None:
    link = create_customer_for(shopper, by=creator)
    link.delete()
    assert create_customer_for(shopper, by=creator).customer_id == link.customer_id
    assert len(stripe.requests("POST")) == 1


def test_after_the_customer_was_deleted_a_new_one_can_be_made(
    creator: User, shopper: User, stripe: RunningSandbox, mirrored: Callable[[dict[str, Any]], Any]
) -> None:
    link = create_customer_for(shopper, by=creator)
    stripe.delete(f"/v1/customers/{link.customer_id}")
    mirrored({"object": "customer", "id": link.customer_id})
    assert create_customer_for(shopper, by=creator).customer_id == link.customer_id, "the link stays until removed"
    link.delete()
    assert create_customer_for(shopper, by=creator).customer_id != link.customer_id


def test_s58_the_permission_is_asked_for(shopper: User, editor: User, stripe: RunningSandbox) -> None:
    with pytest.raises(PermissionDenied):
        create_customer_for(shopper, by=editor)
    assert stripe.requests() == []


def test_staff_are_not_offered_the_linking_operation_on_customers() -> None:
    assert "create_customer_for_user" not in [o.name for o in operations_for("customer")]


def test_a_customer_without_a_user_is_created_from_its_form(
    creator: User, doing: Callable[..., Doing], stripe: RunningSandbox
) -> None:
    blank = Customer(id="", data={})
    push = doing("create_customer", blank, creator).submit(
        name="New Ltd", address_country="DE", metadata={"source": "fair"}
    )
    assert push.state == Push.State.DONE
    assert push.params == {"name": "New Ltd", "address": {"country": "DE"}, "metadata": {"source": "fair"}}
    assert push.before == {}
    assert Customer.objects.get(pk=push.object_id).name == "New Ltd"
    assert not CustomerLink.objects.exists()


def test_a_customer_that_another_user_has_is_not_linked_twice(
    creator: User, shopper: User, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    with pytest.raises(StillChecking):
        create_customer_for(shopper, by=creator)
    made = stripe.objects("customer")[-1]["id"]
    CustomerLink.objects.create(user=editor, customer_id=made)
    Push.objects.update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    after = resume(due_pushes()[0])
    assert after is not None
    assert after.state == Push.State.DONE
    assert create_customer_for(shopper, by=creator).customer_id != made
