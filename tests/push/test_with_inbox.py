"""Push and inbox together: what was done here is not undone by what was on its way (S39)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from stripe_mirror.inbox.processing import drain
from stripe_mirror.models import Change, Push
from tests.conftest import events_of, post_event
from tests.push.conftest import Doing
from tests.sandbox.testing import RunningSandbox


@pytest.mark.parametrize("same_second", [True, False])
def test_s39_a_cancellation_here_outlives_an_older_update_on_its_way(
    same_second: bool,
    doing: Callable[..., Doing],
    subscribe: Callable[..., Any],
    canceller: User,
    stripe: RunningSandbox,
    client: Client,
) -> None:
    row = subscribe()
    stripe.post(f"/v1/subscriptions/{row.pk}", metadata={"note": "still active"})
    if not same_second:
        stripe.advance(5)
    push = doing("cancel_subscription", row, canceller).submit(when="now")
    events = events_of(stripe, row.pk)
    for event in reversed(events):
        assert post_event(client, event).status_code == 200
    drain()
    row.refresh_from_db()
    assert row.status == "canceled"
    assert "customer.subscription.updated" in [event["type"] for event in events]
    assert push.state == Push.State.DONE


def test_the_event_of_a_push_adds_no_second_change(
    doing: Callable[..., Doing], customer: Any, editor: User, stripe: RunningSandbox, client: Client
) -> None:
    push = doing("edit_customer", customer, editor).submit(phone="99")
    for event in events_of(stripe, customer.pk):
        post_event(client, event)
    drain()
    assert Change.objects.filter(push=push).count() == 1


def test_an_event_that_comes_before_the_answer_names_the_push(
    doing: Callable[..., Doing], customer: Any, editor: User, stripe: RunningSandbox, client: Client
) -> None:
    stripe.advance(2)
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    push = doing("edit_customer", customer, editor).submit(phone="99")
    post_event(client, events_of(stripe, customer.pk)[-1])
    drain()
    change = Change.objects.get(push=push)
    assert change.fields["phone"] == ["+353 1", "99"]
    assert change.source == Change.Source.PUSH


def test_the_answer_counts_though_the_clock_of_another_machine_is_ahead(
    doing: Callable[..., Doing], customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    """All within one second of Stripe's: only the row's own stamp tells that nothing came between."""
    ahead = timezone.now() + timedelta(minutes=1)
    type(customer)._default_manager.filter(pk=customer.pk).update(synced_at=ahead)
    doing("edit_customer", customer, editor).submit(phone="99")
    customer.refresh_from_db()
    assert customer.data["phone"] == "99"
