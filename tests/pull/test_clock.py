"""Machines that share a database have clocks of their own: whose is fast or slow never decides which state is newer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Coupon, Customer, Refresh, StripeObject
from stripe_mirror.pull import backfill_runs, rows
from stripe_mirror.pull.apply import apply_page, apply_state
from stripe_mirror.pull.backfill import backfill, listed_kinds
from stripe_mirror.pull.fetch import complete_lists, fetch_now
from stripe_mirror.pull.pages import SYNC
from stripe_mirror.pull.refresh import refresh_due
from stripe_mirror.stripe_api import read
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)


class Machine:
    """Whose clock Django shows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.skew, real = timedelta(0), timezone.now
        monkeypatch.setattr(timezone, "now", lambda: real() + self.skew)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.fixture(autouse=True)
def one_second(sandbox: RunningSandbox) -> Iterator[None]:
    """All that happens at Stripe happens in one second."""
    sandbox.sandbox.clock.set(sandbox.sandbox.now())
    yield


def read_backfill(sandbox: RunningSandbox) -> tuple[str, str, Callable[[], Any]]:
    made = sandbox.post("/v1/customers", description="old")
    return "customer", made["id"], lambda: backfill(listed_kinds(["customer"]))


def read_refresh(sandbox: RunningSandbox) -> tuple[str, str, Callable[[], Any]]:
    customer = sandbox.post("/v1/customers", name="Ada")
    path = f"/v1/customers/{customer['id']}/balance_transactions"
    made = sandbox.post(path, amount=-500, currency="usd", description="old")
    due = datetime(2020, 1, 1, tzinfo=UTC)

    def go() -> None:
        Refresh.objects.create(pk="one", object_type="customer_balance_transaction", path=path, due_at=due)
        assert refresh_due() == 1

    return "customer_balance_transaction", made["id"], go


def read_rest(sandbox: RunningSandbox) -> tuple[str, str, Callable[[], Any]]:
    customer = sandbox.post("/v1/customers", name="Ada")["id"]
    for n in range(12):
        sandbox.post("/v1/invoiceitems", customer=customer, amount=100 + n, currency="usd", description="old")
    invoice = sandbox.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
    fetch_now(get_kind("invoice"), invoice["id"])
    return "line_item", invoice["lines"]["data"][0]["id"], lambda: complete_lists(get_kind("invoice"), invoice["id"])


def store(sandbox: RunningSandbox, kind: str, id: str, **values: Any) -> StripeObject:
    """What another machine learned in this second."""
    rows_of = get_kind(kind).model._default_manager
    row = rows_of.filter(pk=id).first()
    state = {**(row.data if row else {"id": id, "object": kind, "created": 1_700_000_000}), **values}
    second = datetime.fromtimestamp(sandbox.sandbox.now(), UTC)
    sent_at = rows.stamp(get_kind(kind), id)
    apply_state(get_kind(kind), state, as_of=second, read_until=second, origin=SYNC, sent_at=sent_at)
    found: StripeObject = rows_of.get(pk=id)
    return found


ways = pytest.mark.parametrize("way", [read_backfill, read_refresh, read_rest])
skews = pytest.mark.parametrize("skew", [MINUTE, -MINUTE])


@ways
@skews
def test_page_does_not_overwrite_what_was_learned_while_it_was_read(
    sandbox: RunningSandbox, machine: Machine, monkeypatch: pytest.MonkeyPatch, way: Any, skew: timedelta
) -> None:
    kind, id, go = way(sandbox)
    store(sandbox, kind, id, description="older")
    list_page, seen = read.list_page, []

    def overtaken(path: str, params: Any = None) -> Any:
        answer = list_page(path, params)
        if any(item["id"] == id for item in answer.body["data"]):
            machine.skew = timedelta(0)
            seen.append(store(sandbox, kind, id, description="new").data["description"])
            machine.skew = skew
        return answer

    monkeypatch.setattr(read, "list_page", overtaken)
    machine.skew = skew
    go()
    assert "new" in seen
    assert get_kind(kind).model._default_manager.get(pk=id).data["description"] == "new"


@ways
@skews
def test_page_overwrites_what_was_learned_before_it_was_asked_for(
    sandbox: RunningSandbox, machine: Machine, way: Any, skew: timedelta
) -> None:
    """In its second: else a change whose event was lost would stay unseen."""
    kind, id, go = way(sandbox)
    machine.skew = skew
    store(sandbox, kind, id, description="older")
    machine.skew = timedelta(0)
    go()
    assert get_kind(kind).model._default_manager.get(pk=id).data["description"] == "old"


def test_stamp_of_a_row_never_falls_back(sandbox: RunningSandbox) -> None:
    """Or who reads the object meanwhile would take it for untouched."""
    made = sandbox.post("/v1/customers", name="Ada")
    fetch_now(get_kind("customer"), made["id"])
    ahead = Customer.objects.get().synced_at + 10 * MINUTE
    Customer.objects.update(synced_at=ahead)
    second = Customer.objects.get().as_of
    # A page with a NUL is not stored by PostgreSQL's one statement.
    apply_page(get_kind("customer"), '["\\u0000"]', [made], as_of=second, read_until=second)
    assert Customer.objects.get().version == 1
    assert Customer.objects.get().synced_at > ahead


@skews
def test_deletion_is_dated_by_stripes_clock(sandbox: RunningSandbox, machine: Machine, skew: timedelta) -> None:
    """Else a slow clock would let what came before it pass for a new object, and a fast one keep a new object out."""
    coupon = get_kind("coupon")
    sandbox.post("/v1/coupons", id="TEN", percent_off=10, duration="once")
    fetch_now(coupon, "TEN")
    sandbox.delete("/v1/coupons/TEN")
    sandbox.advance(20)
    machine.skew = skew
    fetch_now(coupon, "TEN")
    row = Coupon.objects.get()
    assert row.deleted_at == row.read_until == datetime.fromtimestamp(sandbox.sandbox.now(), UTC)


def test_fast_machine_does_not_take_over_what_a_slow_one_reads(sandbox: RunningSandbox, machine: Machine) -> None:
    group = backfill_runs.start(listed_kinds(["customer"]))
    [run] = backfill_runs.plannable(group)
    backfill_runs.plan(run)
    machine.skew = -MINUTE
    assert len(backfill_runs.claim(group, "slow")) == 1
    machine.skew = MINUTE
    assert backfill_runs.claim(group, "fast") == []
