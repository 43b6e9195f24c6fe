"""The receiver's promises to Stripe."""

import pytest
from django.test import Client

from stripe_mirror.models import Customer, InboxEvent
from tests.conftest import events_of, post_event
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db


def test_event_is_stored_applied_and_answered(sandbox: RunningSandbox, client: Client) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    [event] = events_of(sandbox, made["id"])
    answer = post_event(client, event)
    assert answer.status_code == 200
    assert InboxEvent.objects.get().state == InboxEvent.State.APPLIED, InboxEvent.objects.get().reason
    assert Customer.objects.get().data == sandbox.objects("customer")[0]
