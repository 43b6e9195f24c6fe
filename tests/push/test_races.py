"""What happens while a push is under way: to the object, to other pushes, to the process that sends it."""

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
from stripe_mirror.push import sending
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.submit import resume
from stripe_mirror.stripe_api.errors import NotFound
from tests.conftest import events_of, post_event
from tests.push.conftest import Doing
from tests.push.test_unknown_outcomes import make_due, resumed
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]


def unpaid(stripe: RunningSandbox, row: Any) -> None:
    """As if the last retry of its invoice had failed."""
    stripe.sandbox.table("subscription").rows[row.pk]["status"] = "unpaid"


def test_a_cancellation_at_the_periods_end_never_becomes_one_now(
    doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox
) -> None:
    row = subscribe()
    form = doing("cancel_subscription", row, canceller)
    cleaned = form.cleaned(when="period_end")
    unpaid(stripe, row)
    form.cleaned = lambda **changes: cleaned  # type: ignore[method-assign]
    with pytest.raises(NotAllowed, match="unpaid"):
        form.submit()
    assert stripe.requests("DELETE") == []
    assert stripe.requests("POST") == []


def test_a_cancellation_now_stays_one_when_the_subscription_recovers(
    doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox, mirrored: Any
) -> None:
    row = subscribe()
    unpaid(stripe, row)
    row = mirrored(stripe.sandbox.table("subscription").rows[row.pk])
    form = doing("cancel_subscription", row, canceller)
    stripe.sandbox.table("subscription").rows[row.pk]["status"] = "active"
    form.submit(when="now")
    assert len(stripe.requests("DELETE")) == 1


def test_a_late_attempt_does_not_settle_what_another_process_has_taken_over(
    doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="DELETE", path="/v1/subscriptions", status=500, times=1)
    push = doing("cancel_subscription", subscribe(), canceller).submit(when="now")
    # A slow first attempt still holds the push as it was, while a worker claims it and cancels.
    late, later = Push.objects.get(pk=push.pk), Push.objects.get(pk=push.pk)
    Push.objects.filter(pk=push.pk).update(attempts=2, state=Push.State.SENDING)
    sending._failed(late, NotFound("No such subscription"))
    assert Push.objects.get().state == Push.State.SENDING
    sending.give_back(later, "")
    assert Push.objects.get().state == Push.State.SENDING
    assert resumed(push).state == Push.State.DONE


def test_a_retry_does_not_overwrite_a_later_edit_of_the_same_field(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", status=500, times=1)
    first = doing("edit_customer", customer, editor).submit(phone="99")
    assert first.state == Push.State.UNKNOWN
    assert doing("edit_customer", customer, editor).submit(phone="100").state == Push.State.DONE
    first = resumed(first)
    customer.refresh_from_db()
    assert customer.phone == "100"
    assert first.state == Push.State.REFUSED
    assert "later" in first.message


def test_a_retry_of_another_field_goes_on_after_a_later_edit(
    doing: Opens, customer: Any, editor: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", status=500, times=1)
    first = doing("edit_customer", customer, editor).submit(phone="99")
    assert doing("edit_customer", customer, editor).submit(email="new@example.com").state == Push.State.DONE
    assert resumed(first).state == Push.State.DONE
    customer.refresh_from_db()
    assert (customer.phone, customer.email) == ("99", "new@example.com")


def test_a_retried_cancellation_does_not_come_back_after_it_was_undone(
    doing: Opens, subscribe: Callable[..., Any], canceller: User, stripe: RunningSandbox, mirrored: Any
) -> None:
    date = timezone.now() + timedelta(days=9)
    row = mirrored(stripe.post(f"/v1/subscriptions/{subscribe().pk}", cancel_at=int(date.timestamp())))
    stripe.faults.add(method="POST", path="/v1/subscriptions", status=500, times=1)
    first = doing("cancel_subscription", row, canceller).submit(when="period_end")
    assert doing("keep_subscription", row, canceller).submit().state == Push.State.DONE
    assert resumed(first).state == Push.State.REFUSED
    row.refresh_from_db()
    assert (row.data["cancel_at_period_end"], row.data["cancel_at"]) == (False, None)


def test_s59_a_cancellation_whose_event_overtakes_the_answer_is_still_ours(
    doing: Opens,
    subscribe: Callable[..., Any],
    canceller: User,
    stripe: RunningSandbox,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = subscribe()
    stripe.advance(2)
    answered = sending._answered

    def after_the_event(*args: Any, **kwargs: Any) -> None:
        post_event(client, events_of(stripe, row.pk)[-1])
        drain()
        answered(*args, **kwargs)

    monkeypatch.setattr(sending, "_answered", after_the_event)
    push = doing("cancel_subscription", row, canceller).submit(when="now")
    change = Change.objects.filter(object_id=row.pk).order_by("id").last()
    assert change is not None
    assert (change.source, change.push_id) == (Change.Source.PUSH, push.pk)


def test_evidence_for_a_creation_is_the_created_object(staff: Callable[..., User], stripe: RunningSandbox) -> None:
    creator = staff("creator", "create_customer")
    form = Doing(get_operation("create_customer"), get_operation("create_customer").new_row(), creator)
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    push = form.submit(name="Jo")
    now = timezone.now()
    Change.objects.create(
        object_type="invoice",
        object_id="in_1",
        action="created",
        version=1,
        happened_at=now,
        recorded_at=now,
        source="push",
        push=push,
    )
    make_due(push)
    after = resume(push.pk)
    assert after is not None
    assert after.state == Push.State.DONE
    assert after.object_id.startswith("cus_")


@pytest.mark.parametrize("changes", [{"preferred_locales": "de\0"}, {"metadata": {"a": "b\0"}}])
def test_text_that_no_database_holds_is_refused_by_the_form(changes: Any, customer: Any) -> None:
    operation = get_operation("edit_customer")
    form = operation.get_form(customer, {**operation.initial(customer), **changes})
    assert not form.is_valid()
    assert set(form.errors) == set(changes)
