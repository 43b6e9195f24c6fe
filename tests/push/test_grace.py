"""PUSH_GRACE_SECONDS: what is dangerous waits a while, and can be taken back until it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from pytest_django import Settings

from stripe_mirror.models import Push
from stripe_mirror.push import grace
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.submit import due_pushes, resume
from tests.push import paying
from tests.push.conftest import Doing
from tests.sandbox.testing import RunningSandbox
from tests.together import at_once

Opens = Callable[..., Doing]


@pytest.fixture
def refunder(staff: Callable[..., User], settings: Settings) -> User:
    """May refund; what is dangerous waits a minute."""
    settings.PUSH_GRACE_SECONDS = 60
    return staff("refunder", "refund_charge", "edit_customer")


@pytest.fixture
def later(doing: Opens, refunder: User, stripe: RunningSandbox) -> Push:
    """A refund that waits for its time."""
    return doing("refund_charge", paying.paid(stripe), refunder).submit(amount="10.00")


def time_comes(push: Push) -> None:
    Push.objects.filter(pk=push.pk).update(next_attempt_at=timezone.now())


def refunds(stripe: RunningSandbox, push: Push) -> list[int]:
    return [one["amount"] for one in stripe.objects("refund") if one["charge"] == push.object_id]


def test_it_is_not_sent_before_its_time_and_then_once(later: Push, stripe: RunningSandbox) -> None:
    assert (later.state, refunds(stripe, later)) == (Push.State.PLANNED, [])
    at = grace.sent_at(later)
    assert at is not None
    assert 50 < (at - timezone.now()).total_seconds() <= 60
    assert due_pushes() == []
    assert resume(later.pk) is None
    assert refunds(stripe, later) == []
    time_comes(later)
    assert due_pushes() == [later.pk]
    resume(later.pk)
    later.refresh_from_db()
    assert (later.state, refunds(stripe, later)) == (Push.State.DONE, [1000])
    assert later.request_id.startswith("req_")
    resume(later.pk)
    assert refunds(stripe, later) == [1000]
    with pytest.raises(NotAllowed, match="too late"):
        grace.take_back(later, by=later.user)


def test_what_is_taken_back_is_never_sent(later: Push, stripe: RunningSandbox) -> None:
    grace.take_back(later, by=later.user)
    assert (later.state, later.message) == (Push.State.SKIPPED, "Taken back by Refunder: nothing was sent.")
    time_comes(later)
    assert due_pushes() == []
    assert resume(later.pk) is None
    assert refunds(stripe, later) == []
    with pytest.raises(NotAllowed):
        grace.take_back(later, by=later.user)


def test_only_who_asked_takes_it_back(later: Push, staff: Callable[..., User]) -> None:
    with pytest.raises(PermissionDenied):
        grace.take_back(later, by=staff("other", "refund_charge"))
    later.refresh_from_db()
    assert later.state == Push.State.PLANNED


def test_of_the_person_and_the_worker_one_wins(later: Push, stripe: RunningSandbox) -> None:
    time_comes(later)
    refused, _ = at_once(lambda: grace.take_back(later, by=later.user), lambda: resume(later.pk))
    later.refresh_from_db()
    sent = refunds(stripe, later)
    assert (later.state, sent) in [(Push.State.SKIPPED, []), (Push.State.DONE, [1000])]
    assert isinstance(refused, NotAllowed) is bool(sent)


def test_it_is_judged_again_when_its_time_comes(later: Push, stripe: RunningSandbox) -> None:
    """S36: refunded in the Dashboard meanwhile."""
    stripe.post("/v1/refunds", charge=later.object_id)
    time_comes(later)
    resume(later.pk)
    later.refresh_from_db()
    assert later.state == Push.State.SKIPPED
    assert later.message.startswith("Nothing was sent.")
    assert refunds(stripe, later) == [4900]


def test_s30_the_same_form_once_more_is_the_same_push(doing: Opens, refunder: User, stripe: RunningSandbox) -> None:
    form = doing("refund_charge", paying.paid(stripe), refunder)
    assert form.submit(amount="10.00") == form.submit(amount="10.00")
    assert Push.objects.count() == 1


def test_what_loses_nothing_is_sent_at_once(
    doing: Opens, customer: Any, refunder: User, stripe: RunningSandbox
) -> None:
    assert doing("edit_customer", customer, refunder).submit(phone="99").state == Push.State.DONE


def test_by_default_everything_is_sent_at_once(
    doing: Opens, staff: Callable[..., User], stripe: RunningSandbox
) -> None:
    push = doing("refund_charge", paying.paid(stripe), staff("refunder", "refund_charge")).submit(amount="10.00")
    assert push.state == Push.State.DONE
    assert grace.sent_at(push) is None
