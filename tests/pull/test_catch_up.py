"""The second path of events: what the receiver missed is there after one look."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from stripe_mirror.inbox import processing
from stripe_mirror.inbox.store import store_listed
from stripe_mirror.models import Customer, InboxEvent, Invoice, MirroredAccount, SyncRun
from stripe_mirror.pull.backfill import backfill, listed_kinds
from stripe_mirror.pull.catch_up import catch_up, gap_sentence
from tests.conftest import differing, events_of, post_event
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)


def drain() -> None:
    while processing.drain():
        pass


def test_forty_changes_while_the_receiver_was_off_are_there_after_one_look(company: RunningSandbox) -> None:
    """S08"""
    backfill(listed_kinds())
    catch_up(store_listed)
    drain()
    company.advance(7200)
    alive = [row["id"] for row in company.objects("customer") if not row.get("deleted")][:40]
    for id in alive:
        company.post(f"/v1/customers/{id}", description="changed in the dark")
    result = catch_up(store_listed)
    drain()
    assert (result.failure, result.gap) == ("", None)
    assert Customer.objects.filter(description="changed in the dark").count() == 40
    assert differing(company) == {}


def test_customer_deleted_in_the_dark_is_marked_and_its_invoices_remain(company: RunningSandbox) -> None:
    """S22"""
    backfill(listed_kinds())
    catch_up(store_listed)
    customer = Invoice.objects.exclude(customer=None).filter(customer__deleted_at=None)[0].customer_id
    invoices = Invoice.objects.filter(customer=customer).count()
    company.delete(f"/v1/customers/{customer}")
    catch_up(store_listed)
    drain()
    assert Customer.objects.get(pk=customer).deleted_at is not None
    assert Invoice.objects.filter(customer=customer, deleted_at=None).count() == invoices > 0


def test_known_events_are_not_stored_again_and_other_kinds_not_at_all(sandbox: RunningSandbox, client: Client) -> None:
    for name in "abc":
        sandbox.post("/v1/customers", name=name)
    sandbox.sandbox.event_log.emit("tax_rate.created", {"id": "txr_1", "object": "tax_rate"})
    post_event(client, events_of(sandbox)[0])
    result = catch_up(store_listed)
    assert result.stored == 2
    assert InboxEvent.objects.filter(source=InboxEvent.Source.CATCH_UP).count() == 2
    assert catch_up(store_listed).stored == 0
    assert SyncRun.objects.filter(command=SyncRun.Command.CATCH_UP).count() == 1


def test_next_look_begins_shortly_before_the_last(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="a")
    catch_up(store_listed)
    seen = MirroredAccount.objects.get().events_seen_until
    assert seen is not None
    sandbox.clear_requests()
    catch_up(store_listed)
    [request] = sandbox.requests("GET", "/v1/events")
    assert int(request["params"]["created"]["gte"]) == int((seen - timedelta(minutes=5)).timestamp())


def test_interrupted_list_is_begun_anew(sandbox: RunningSandbox, impatient: None) -> None:
    for n in range(150):
        sandbox.post("/v1/customers", name=str(n))
    sandbox.faults.add(status=500, path="/v1/events")
    assert "no usable answer" in catch_up(store_listed).failure
    assert MirroredAccount.objects.get().events_seen_until is None
    sandbox.faults.clear()
    assert catch_up(store_listed).stored == 150
    drain()
    assert differing(sandbox) == {}


def test_gap_beyond_thirty_days_is_said_aloud(sandbox: RunningSandbox) -> None:
    """S09"""
    catch_up(store_listed)
    MirroredAccount.objects.update(events_seen_until=timezone.now() - timedelta(days=31))
    result = catch_up(store_listed)
    assert result.gap is not None
    assert "can't be replayed" in gap_sentence(result)
    assert "stripe_sync" in SyncRun.objects.get().message
    assert catch_up(store_listed).gap is None


def test_first_look_begins_before_the_last_backfill(sandbox: RunningSandbox) -> None:
    backfill(listed_kinds(["customer"]))
    SyncRun.objects.update(started_at=timezone.now() - timedelta(days=3))
    assert timedelta(days=3) < timezone.now() - catch_up(store_listed).since < timedelta(days=3, minutes=6)


def test_key_of_another_account_or_mode_is_noticed(sandbox: RunningSandbox) -> None:
    MirroredAccount.objects.create(pk="acct_live", livemode=True)
    assert "Nothing was changed" in catch_up(store_listed).failure
    assert SyncRun.objects.get().state == SyncRun.State.FAILED
