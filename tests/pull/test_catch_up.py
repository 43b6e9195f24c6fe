"""The second path of events: what the receiver missed is there after one look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from stripe_mirror.inbox import processing
from stripe_mirror.inbox.health.events import check_events
from stripe_mirror.inbox.health.finding import Level
from stripe_mirror.inbox.store import store_listed
from stripe_mirror.models import Customer, InboxEvent, Invoice, MirroredAccount, SyncRun
from stripe_mirror.pull.backfill import backfill, listed_kinds
from stripe_mirror.pull.catch_up import catch_up, catch_up_undelivered, gap_sentence
from tests.conftest import differing, events_of, post_event, read_what_is_due
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
    # Of a payout at midnight, events name the transactions but don't carry them.
    read_what_is_due()
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
    sandbox.sandbox.event_log.emit("review.opened", {"id": "prv_1", "object": "review"})
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


def test_later_sync_of_another_kind_does_not_shorten_the_first_look(sandbox: RunningSandbox) -> None:
    backfill(listed_kinds(["customer", "coupon"]))
    SyncRun.objects.filter(object_type="customer").update(started_at=timezone.now() - timedelta(days=3))
    assert timezone.now() - catch_up(store_listed).since > timedelta(days=3)


def test_first_look_begins_before_the_first_event_that_ever_came(sandbox: RunningSandbox, client: Client) -> None:
    """The receiver worked for days before any worker did; meanwhile deliveries were lost."""
    made = sandbox.post("/v1/customers", name="Ada")
    post_event(client, events_of(sandbox, made["id"])[0])
    sandbox.post(f"/v1/customers/{made['id']}", name="Eva")
    sandbox.advance(3 * 86400)
    with patched_now(timezone.now() + timedelta(days=3)):
        assert catch_up(store_listed).stored == 1
        drain()
    assert differing(sandbox) == {}


@contextmanager
def patched_now(moment: datetime) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: moment)
        yield


def test_key_of_another_account_or_mode_is_noticed(sandbox: RunningSandbox) -> None:
    MirroredAccount.objects.create(pk="acct_live", livemode=True)
    for _ in range(2):
        assert "Nothing was changed" in catch_up(store_listed).failure
    # A finding of the Health page: it is known without a call, and a record every few minutes says nothing new.
    assert not SyncRun.objects.exists()
    assert sandbox.requests() == []


def test_receiver_off_for_31_days_is_a_finding_until_a_backfill_has_run(company: RunningSandbox) -> None:
    """S09"""
    company.sandbox.clock.offset = -31 * 86_400
    backfill(listed_kinds())
    catch_up(store_listed)
    # The mirror is as old as it would be: nobody has looked since.
    then = timezone.now() - timedelta(days=31)
    SyncRun.objects.update(started_at=then)
    MirroredAccount.objects.update(events_seen_until=then)
    alive = [row["id"] for row in company.objects("customer") if not row.get("deleted")][:5]
    for id in alive:
        company.post(f"/v1/customers/{id}", description="changed in the dark")
    company.sandbox.clock.offset = 0
    result = catch_up(store_listed)
    drain()
    assert result.gap is not None
    assert result.gap[1] - result.gap[0] > timedelta(hours=23)
    [gap] = [finding for finding in check_events() if finding.code == "gap"]
    assert gap.level is Level.PROBLEM
    assert f"{result.gap[0]:%Y-%m-%d %H:%M} UTC" in gap.what
    assert not Customer.objects.filter(description="changed in the dark").exists()
    backfill(listed_kinds())
    drain()
    [gap] = [finding for finding in check_events() if finding.code == "gap"]
    assert gap.level is Level.OK
    assert differing(company) == {}


def test_undelivered_events_are_found_whenever_they_were_created(sandbox: RunningSandbox) -> None:
    sandbox.deliver_to("http://127.0.0.1:9/stripe-webhooks/", "whsec_" + "x")
    sandbox.sandbox.clock.offset = -86_400
    sandbox.post("/v1/customers", name="Ada")
    sandbox.sandbox.clock.offset = 0
    catch_up(store_listed)
    InboxEvent.objects.all().delete()
    assert catch_up(store_listed).stored == 0
    assert catch_up_undelivered(store_listed).stored == 1
    assert catch_up_undelivered(store_listed).stored == 0


def test_failure_is_recorded_once_and_so_is_its_end(sandbox: RunningSandbox, impatient: None) -> None:
    sandbox.faults.add(status=500)
    for _ in range(3):
        assert catch_up(store_listed).failure
    assert SyncRun.objects.filter(command="catch_up").count() == 1
    sandbox.faults.clear()
    for _ in range(3):
        catch_up(store_listed)
    runs = SyncRun.objects.filter(command="catch_up").order_by("pk")
    assert [run.state for run in runs] == [SyncRun.State.FAILED, SyncRun.State.DONE]


def test_command_says_what_it_found(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    out = StringIO()
    call_command("stripe_catch_up", stdout=out)
    assert "1 events listed since" in out.getvalue()
    assert "takes for undelivered" in out.getvalue()
    MirroredAccount.objects.update(events_seen_until=timezone.now() - timedelta(days=31))
    call_command("stripe_catch_up", stdout=out)
    assert "can't be replayed. Run `manage.py stripe_sync`" in out.getvalue()


def test_listed_events_are_received_in_the_order_in_which_they_happened_by_a_coarse_clock_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    payloads = [
        {
            "id": id,
            "object": "event",
            "type": "customer.updated",
            "livemode": False,
            "created": 1_800_000_000,
            "data": {"object": {"id": "cus_1", "object": "customer"}},
        }
        for id in ("evt_newest", "evt_middle", "evt_first")
    ]
    store_listed(payloads)
    order = InboxEvent.objects.order_by("created", "received_at").values_list("pk", flat=True)
    assert list(order) == ["evt_first", "evt_middle", "evt_newest"]
