"""Whose change was it? The history says it for each of the four there are."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from stripe_mirror.admin import display
from stripe_mirror.inbox import processing
from stripe_mirror.models import Change, Customer, Push
from stripe_mirror.pull.backfill import backfill, listed_kinds
from tests.conftest import events_of, post_event
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

T = 1_800_000_000


def deliver_newest(sandbox: RunningSandbox, client: Client, id: str, **values: object) -> None:
    post_event(client, {**events_of(sandbox, id)[-1], **values})
    while processing.drain():
        pass


def test_history_names_the_person_another_client_stripe_and_a_sync(
    sandbox: RunningSandbox, client: Client, boss: Client
) -> None:
    sandbox.sandbox.clock.set(T)
    made = sandbox.post("/v1/customers", name="by another client")
    deliver_newest(sandbox, client, made["id"])
    push = Push.objects.create(
        operation="edit_customer",
        object_type="customer",
        object_id=made["id"],
        user_name="Paula Push",
        reason="She asked for it",
        created_at=timezone.now(),
    )
    sandbox.advance(5)
    ours = {"Idempotency-Key": str(push.pk)}
    sandbox.call("POST", f"/v1/customers/{made['id']}", name="by us", headers=ours)
    deliver_newest(sandbox, client, made["id"])
    sandbox.advance(5)
    sandbox.post(f"/v1/customers/{made['id']}", name="by Stripe")
    deliver_newest(sandbox, client, made["id"], request={"id": None, "idempotency_key": None})
    sandbox.advance(5)
    sandbox.post(f"/v1/customers/{made['id']}", name="by nobody we know")
    backfill(listed_kinds(["customer"]))

    told = Change.objects.order_by("id").values_list("source", "push_id")
    assert list(told) == [("api", None), ("push", push.pk), ("stripe", None), ("sync", None)]
    page = boss.get(display.object_url(Customer.objects.get())).content.decode()
    history = page.split('id="history"')[1].split("</section>")[0]
    for whose in ("Dashboard or another API client", "Paula Push", "Stripe<", "Seen by a sync"):
        assert whose in history, whose
    assert "She asked for it" in history
    listed = boss.get(display.list_url(Change)).content.decode()
    assert "Paula Push" in listed
    assert "Dashboard or another API client" in listed
