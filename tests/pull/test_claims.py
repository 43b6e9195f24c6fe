"""What several look for is read by one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from stripe_mirror.inbox import events, processing
from stripe_mirror.inbox.store import row_for, store
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Customer, InboxEvent, Refresh
from stripe_mirror.pull import claims, fetch
from stripe_mirror.pull.apply import apply_state
from stripe_mirror.pull.fetch import fetch_missing_parents
from stripe_mirror.pull.pages import SYNC
from stripe_mirror.pull.refresh import refresh_due
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db

CUSTOMER, PAYMENT = get_kind("customer"), get_kind("payment_intent")


@pytest.fixture
def payments(sandbox: RunningSandbox) -> list[str]:
    """Two payments, held, of a customer that isn't."""
    customer = sandbox.post("/v1/customers", name="Ada")["id"]
    for id in ("pi_1", "pi_2"):
        apply_state(
            PAYMENT,
            {"id": id, "object": "payment_intent", "customer": customer},
            as_of=timezone.now(),
            read_until=None,
            origin=SYNC,
        )
    sandbox.clear_requests()
    return ["pi_1", "pi_2"]


def meanwhile(monkeypatch: pytest.MonkeyPatch, what: Any) -> None:
    """Let something happen while the first object is read."""
    retrieve, begun = fetch.read.retrieve, list[int]()

    def retrieving(*args: Any, **kwargs: Any) -> Any:
        begun.append(1)
        if len(begun) == 1:
            what()
        return retrieve(*args, **kwargs)

    monkeypatch.setattr(fetch.read, "retrieve", retrieving)


def test_missing_parent_of_two_is_read_by_one_worker(
    sandbox: RunningSandbox, payments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: fetch_missing_parents(PAYMENT, payments[1]))
    fetch_missing_parents(PAYMENT, payments[0])
    assert len(sandbox.requests("GET")) == 1
    assert Customer.objects.get().name == "Ada"
    assert not Refresh.objects.exists()


def test_parent_is_read_by_the_sweep_if_the_worker_that_claimed_it_died(
    sandbox: RunningSandbox, payments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What no handler sees."""

    def kill() -> None:
        raise Killed

    meanwhile(monkeypatch, kill)
    with pytest.raises(Killed):
        fetch_missing_parents(PAYMENT, payments[0])
    fetch_missing_parents(PAYMENT, payments[1])
    assert sandbox.requests("GET") == []
    later = timezone.now() + claims.LEASE
    monkeypatch.setattr(timezone, "now", lambda: later + timedelta(seconds=1))
    assert refresh_due() == 1
    assert Customer.objects.get().name == "Ada"
    assert not Refresh.objects.exists()


def test_events_that_become_due_while_their_object_is_read_do_not_have_it_read_again(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    now = timezone.now()
    for number, due in enumerate((now, now + timedelta(seconds=1))):
        payload = {
            "id": f"evt_{number}",
            "object": "event",
            "type": "customer.updated",
            "livemode": False,
            "created": made["created"],
            "data": {"object": made},
        }
        store(row_for(payload, source=InboxEvent.Source.WEBHOOK))
        InboxEvent.objects.filter(pk=f"evt_{number}").update(
            state=InboxEvent.State.WAITING, reason=events.DOUBTFUL, next_attempt_at=due
        )
    sandbox.clear_requests()

    def become_due() -> None:
        monkeypatch.setattr(timezone, "now", lambda: now + timedelta(seconds=5))
        assert processing.settle("customer", made["id"])

    meanwhile(monkeypatch, become_due)
    assert processing.settle("customer", made["id"])
    assert len(sandbox.requests("GET")) == 1
    assert not InboxEvent.objects.filter(state__in=events.OPEN).exists()
