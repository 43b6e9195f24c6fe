"""Reconcile: what it finds, what it takes for no difference, and what it leaves alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stripe_mirror.kinds import Kind, all_kinds, get_kind
from stripe_mirror.models import (
    Change,
    Customer,
    Difference,
    InboxEvent,
    Invoice,
    Price,
    Push,
    ReconcileState,
    Refresh,
    Subscription,
    SubscriptionItem,
    SyncRun,
)
from stripe_mirror.pull import reconcile as reconciling
from stripe_mirror.pull import reconcile_confirm, reconcile_rounds, reconcile_walk
from stripe_mirror.pull.apply import apply_page
from stripe_mirror.pull.call_budget import SharedLedger
from stripe_mirror.pull.compare import comparable
from stripe_mirror.pull.embedded import store_page_children
from stripe_mirror.pull.fetch import complete_lists, fetch_missing_parents
from stripe_mirror.pull.listing import objects_in, sources
from stripe_mirror.pull.reconcile import Comparison, Result
from stripe_mirror.pull.reconcile_repair import repair
from stripe_mirror.pull.reconcile_rounds import compared_kinds, reconcile_now, state_of
from stripe_mirror.pull.reconcile_walk import Position, Spending
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.budget import budget
from tests.conftest import events_of, post_event
from tests.sandbox.seeded import seeded
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

CUSTOMER = get_kind("customer")
Nature, Outcome = Difference.Nature, Difference.Outcome


@pytest.fixture(autouse=True)
def no_waiting(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds pass on Stripe's clock only."""
    monkeypatch.setattr(reconcile_confirm.time, "sleep", lambda seconds: sandbox.advance(int(seconds) + 1))


@pytest.fixture
def mirrored(sandbox: RunningSandbox) -> RunningSandbox:
    """A small company with an object of nearly every kind, and a mirror that equals it."""
    seeded(sandbox.sandbox, customers=15)
    buyer = next(row for row in sandbox.objects("customer") if not row.get("deleted") and not row.get("test_clock"))
    sandbox.post(f"/v1/customers/{buyer['id']}/balance_transactions", amount=-500, currency="usd")
    credited(sandbox, buyer["id"], lines=12)
    fill()
    return sandbox


def credited(sandbox: RunningSandbox, customer: str, *, lines: int) -> dict[str, Any]:
    """A credit note with so many lines."""
    sandbox.post("/v1/invoiceitems", customer=customer, amount=10_000, currency="usd")
    sending = {"collection_method": "send_invoice", "days_until_due": 5, "pending_invoice_items_behavior": "include"}
    invoice = sandbox.post("/v1/invoices", customer=customer, currency="usd", **sending)["id"]
    sandbox.post(f"/v1/invoices/{invoice}/finalize")
    given = [{"type": "custom_line_item", "description": f"No. {n}", "unit_amount": 1 + n} for n in range(lines)]
    return sandbox.post("/v1/credit_notes", invoice=invoice, lines=given)


def fill() -> None:
    """Every object of every kind into its row."""
    for kind in compared_kinds():
        for source in sources(kind):
            for answer in read.list_pages(source.path, source.params):
                items = [found for item in answer.body["data"] for found in objects_in(item, source.inside)]
                bounds = {"as_of": answer.as_of, "read_until": answer.read_until, "sent_at": timezone.now()}
                apply_page(kind, json.dumps({"data": items}), items, **bounds)
                for id in store_page_children(kind, items, **bounds):
                    complete_lists(kind, id)
    # Prices that were made for one line stand in no list.
    for name in ("invoiceitem", "line_item"):
        unpriced = get_kind(name).model._default_manager.filter(price__version=None).exclude(price=None)
        for id in unpriced.values_list("pk", flat=True):
            fetch_missing_parents(get_kind(name), id)


def reconcile_all(**options: Any) -> dict[str, Result]:
    results = {kind.object: reconcile_now(kind, **options) for kind in compared_kinds()}
    assert {name: result.failure for name, result in results.items() if result.failure} == {}
    return results


def named(result: Result) -> list[tuple[str, str, str]]:
    return [(one.object_type, one.object_id, one.nature) for one in result.differences]


def edit(kind: Kind, id: str, **fields: Any) -> None:
    """Change a row behind everybody's back."""
    row = kind.model._default_manager.get(pk=id)
    kind.model._default_manager.filter(pk=id).update(data={**row.data, **fields})


@contextmanager
def unwritten() -> Iterator[None]:
    """No statement inside writes to a mirrored table or to the history."""
    tables = [kind.model._meta.db_table for kind in all_kinds()] + [Change._meta.db_table]
    with CaptureQueriesContext(connection) as queries:
        yield
    writing = [q["sql"] for q in queries if q["sql"].lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))]
    touched = [sql for sql in writing if any(f'"{table}"' in sql.split("WHERE")[0] for table in tables)]
    assert touched == []


# --- Nothing differs ------------------------------------------------------------------------------------------------


def test_equal_mirror_raises_nothing_and_no_row_is_written(mirrored: RunningSandbox) -> None:
    """S26"""
    before = {
        kind.object: list(kind.model._default_manager.values_list("pk", "version", "synced_at", "as_of"))
        for kind in all_kinds()
    }
    with unwritten():
        results = reconcile_all()
    assert [named(result) for result in results.values() if result.differences] == []
    assert all(result.whole and not result.changing for result in results.values())
    after = {
        kind.object: list(kind.model._default_manager.values_list("pk", "version", "synced_at", "as_of"))
        for kind in all_kinds()
    }
    assert after == before
    assert not Difference.objects.exists()


def test_every_object_of_every_kind_is_compared(mirrored: RunningSandbox) -> None:
    results = reconcile_all()
    for kind in compared_kinds():
        alive = kind.model._default_manager.filter(deleted_at=None).count()
        assert results[kind.object].compared >= alive, kind.object
        state = state_of(kind)
        assert state.whole_finished_at and state.compared_at and state.position == {}, kind.object
    runs = SyncRun.objects.filter(command=SyncRun.Command.RECONCILE)
    assert {run.state for run in runs} == {SyncRun.State.DONE}
    assert {run.object_type for run in runs} == {kind.object for kind in compared_kinds()}


# --- What differs ---------------------------------------------------------------------------------------------------


def test_s22_customer_deleted_while_webhooks_are_off_is_marked_deleted_and_its_invoices_and_history_remain(
    mirrored: RunningSandbox,
) -> None:
    id = Invoice.objects.exclude(customer=None).values_list("customer_id", flat=True)[0]
    invoices = Invoice.objects.filter(customer=id, deleted_at=None).count()
    edit_history = Change.objects.filter(object_id=id).count()
    mirrored.delete(f"/v1/customers/{id}")
    mirrored.advance(60)
    result = reconcile_now(CUSTOMER, repairs=True)
    assert named(result) == [("customer", id, Nature.MISSING_IN_STRIPE)]
    row = Customer.objects.get(pk=id)
    assert row.deleted_at is not None and row.data["id"] == id
    assert Invoice.objects.filter(customer=id, deleted_at=None).count() == invoices > 0
    assert Change.objects.filter(object_id=id).count() == edit_history + 1
    change = Change.objects.get(object_id=id, action=Change.Action.DELETED)
    assert change.source == Change.Source.SYNC
    [difference] = Difference.objects.all()
    assert (difference.outcome, difference.note) == (Outcome.REPAIRED, "Marked deleted; its last state stays.")
    assert named(reconcile_now(CUSTOMER)) == []


def test_s26_each_kind_of_difference_is_named_with_both_values_and_repaired(mirrored: RunningSandbox) -> None:
    changed, lost, gone = Customer.objects.filter(deleted_at=None).values_list("pk", flat=True)[:3]
    old = Customer.objects.get(pk=changed).name
    mirrored.post(f"/v1/customers/{changed}", name="New name", metadata={"tier": "gold"})
    Customer.objects.filter(pk=lost).delete()
    mirrored.delete(f"/v1/customers/{gone}")
    mirrored.advance(60)
    result = reconcile_now(CUSTOMER)
    assert sorted(named(result)) == sorted(
        [
            ("customer", changed, Nature.FIELDS),
            ("customer", lost, Nature.MISSING_HERE),
            ("customer", gone, Nature.MISSING_IN_STRIPE),
        ]
    )
    difference = Difference.objects.get(object_id=changed)
    assert difference.fields["name"] == [old, "New name"]
    assert difference.fields["metadata.tier"] == [None, "gold"]
    assert Customer.objects.get(pk=changed).name == old
    assert all(repair(one) for one in Difference.objects.all())
    assert differing_customers(mirrored) == {}
    assert set(Difference.objects.values_list("outcome", flat=True)) == {Outcome.REPAIRED}
    assert named(reconcile_now(CUSTOMER)) == []


def differing_customers(sandbox: RunningSandbox) -> dict[str, Any]:
    truth = {row["id"]: row for row in sandbox.objects("customer") if not row.get("deleted")}
    held = {row.pk: row.data for row in Customer.objects.filter(deleted_at=None)}
    return {id: (truth.get(id), held.get(id)) for id in truth.keys() | held.keys() if truth.get(id) != held.get(id)}


def test_row_that_was_edited_here_is_found_in_every_kind(mirrored: RunningSandbox) -> None:
    """S26: also in kinds without events, below customers, inside other objects."""
    edited = {}
    for kind in all_kinds():
        row = kind.model._default_manager.filter(deleted_at=None).order_by("-created", "pk").last()
        if row is not None:
            edited[kind.object] = row.pk
            edit(kind, row.pk, made_up="here")
    assert set(edited) >= {"customer", "subscription_item", "line_item", "discount", "customer_balance_transaction"}
    assert "credit_note_line_item" in edited
    found = {one.object_type: one for result in reconcile_all().values() for one in result.differences}
    assert {name: one.object_id for name, one in found.items()} == edited
    assert all(one.fields == {"made_up": ["here", None]} for one in found.values())
    assert [one.note for one in found.values() if not repair(one)] == []
    assert [named(result) for result in reconcile_all().values() if result.differences] == []


def test_object_that_is_missing_here_is_found_in_every_kind(mirrored: RunningSandbox) -> None:
    missing = {}
    for kind in all_kinds():
        row = kind.model._default_manager.filter(deleted_at=None).order_by("created", "pk").last()
        if row is not None:
            missing[kind.object] = row.pk
            row.delete()
    found = {one.object_type: one for result in reconcile_all().values() for one in result.differences}
    assert {name: one.object_id for name, one in found.items()} == missing
    assert {one.nature for one in found.values()} == {Nature.MISSING_HERE}
    assert [(one.object_type, one.note) for one in found.values() if not repair(one)] == []
    assert [named(result) for result in reconcile_all().values() if result.differences] == []


def test_row_that_stripe_lacks_is_found_in_every_kind_and_marked_deleted(mirrored: RunningSandbox) -> None:
    made_up = {}
    for kind in all_kinds():
        row = kind.model._default_manager.filter(deleted_at=None).order_by("created", "pk").last()
        if row is not None:
            made_up[kind.object] = id = f"{row.pk[:8]}_never"
            own = [field.attname for field in row._meta.concrete_fields if not getattr(field, "generated", False)]
            values = {name: getattr(row, name) for name in own} | {"id": id, "data": {**row.data, "id": id}}
            kind.model._default_manager.bulk_create([kind.model(**values)])
    found = {one.object_type: one for result in reconcile_all().values() for one in result.differences}
    assert {name: one.object_id for name, one in found.items()} == made_up
    assert {one.nature for one in found.values()} == {Nature.MISSING_IN_STRIPE}
    assert [(one.object_type, one.note) for one in found.values() if not repair(one)] == []
    for name, id in made_up.items():
        assert get_kind(name).model._default_manager.get(pk=id).deleted_at is not None, name
    assert [named(result) for result in reconcile_all().values() if result.differences] == []


def test_what_lists_hide_is_neither_missed_nor_taken_for_gone(mirrored: RunningSandbox) -> None:
    """Canceled subscriptions, archived prices, prices made inline."""
    canceled = Subscription.objects.filter(status="canceled").first()
    assert canceled is not None
    product = mirrored.post("/v1/products", name="Thing")
    archived = mirrored.post("/v1/prices", product=product["id"], currency="usd", unit_amount=5)
    mirrored.post(f"/v1/prices/{archived['id']}", active=False)
    inline = {"product": product["id"], "currency": "usd", "unit_amount": 7, "recurring": {"interval": "month"}}
    made = subscribed(mirrored, price_data=inline)
    mirrored.advance(60)
    reconcile_all(repairs=True)
    hidden = made["items"]["data"][0]["price"]["id"]
    assert {archived["id"], hidden} <= set(Price.objects.filter(deleted_at=None).values_list("pk", flat=True))
    assert reconcile_now(get_kind("price")).differences == []
    lost = canceled.pk
    canceled.delete()
    Price.objects.filter(pk=archived["id"]).delete()
    found = [name for kind in ("subscription", "price") for name in named(reconcile_now(get_kind(kind)))]
    assert found == [
        ("subscription", lost, Nature.MISSING_HERE),
        ("price", archived["id"], Nature.MISSING_HERE),
    ]


def subscribed(sandbox: RunningSandbox, **item: Any) -> dict[str, Any]:
    buyer = sandbox.post("/v1/customers", name="Buyer")
    return sandbox.post(
        "/v1/subscriptions",
        customer=buyer["id"],
        items=[item],
        collection_method="send_invoice",
        days_until_due=30,
    )


def test_objects_of_test_clocks_are_compared(sandbox: RunningSandbox) -> None:
    clock = sandbox.post("/v1/test_helpers/test_clocks", frozen_time=sandbox.sandbox.now())
    on_clock = sandbox.post("/v1/customers", name="Clocked", test_clock=clock["id"])
    sandbox.advance(60)
    assert named(reconcile_now(CUSTOMER, repairs=True)) == [("customer", on_clock["id"], Nature.MISSING_HERE)]
    assert named(reconcile_now(CUSTOMER)) == []
    sandbox.delete(f"/v1/customers/{on_clock['id']}")
    sandbox.advance(60)
    assert named(reconcile_now(CUSTOMER)) == [("customer", on_clock["id"], Nature.MISSING_IN_STRIPE)]


def test_secrets_are_left_out_of_the_values(sandbox: RunningSandbox) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.advance(60)
    reconcile_now(CUSTOMER, repairs=True)
    edit(CUSTOMER, made["id"], description="sk_" + "test_hush", client_secret="pi_1_secret_2")
    [difference] = reconcile_now(CUSTOMER).differences
    assert difference.fields == {
        "description": ["(not shown)", None],
        "client_secret": ["(not shown)", None],
    }


def test_value_that_postgresql_cannot_hold_is_named_all_the_same(sandbox: RunningSandbox) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.advance(60)
    reconcile_now(CUSTOMER, repairs=True)
    sandbox.post(f"/v1/customers/{made['id']}", name="A\0a")
    sandbox.advance(60)
    [difference] = reconcile_now(CUSTOMER).differences
    assert difference.fields == {"name": ["Ada", "A\ufffda"]}


def test_signed_links_and_copies_of_other_objects_are_no_difference(mirrored: RunningSandbox) -> None:
    """Stripe signs receipts anew for each reader; a price's change tells its subscriptions nothing."""
    invoice = Invoice.objects.exclude(data__hosted_invoice_url=None).first()
    item = SubscriptionItem.objects.filter(deleted_at=None).first()
    assert invoice is not None and item is not None
    edit(get_kind("invoice"), invoice.pk, hosted_invoice_url="https://other.example", application=None)
    mirrored.post(f"/v1/prices/{item.price_id}", nickname="Other")
    mirrored.advance(60)
    found = {one for result in reconcile_all().values() for one in named(result)}
    assert found == {("price", item.price_id, Nature.FIELDS)}


def test_comparable_state_keeps_everything_else() -> None:
    state = {"id": "x", "a": [{"b": None, "c": 1}], "price": {"object": "price", "id": "price_1", "x": 1}, "n": None}
    assert comparable(state) == {"id": "x", "a": [{"c": 1}], "price": "price_1"}


# --- No false alarms ------------------------------------------------------------------------------------------------


def test_event_on_its_way_is_no_difference_and_a_lost_one_is_after_a_while(sandbox: RunningSandbox) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    suspects = reconciling.Comparison(kind=CUSTOMER).go()
    assert (suspects.differences, suspects.changing) == ([], [made["id"]])
    sandbox.advance(20)
    assert named(Comparison(kind=CUSTOMER).go()) == [("customer", made["id"], Nature.MISSING_HERE)]


def test_who_waits_sees_whether_the_event_comes(
    sandbox: RunningSandbox, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, lost = sandbox.post("/v1/customers", name="Kept"), sandbox.post("/v1/customers", name="Lost")

    def later(seconds: float) -> None:
        sandbox.advance(20)
        post_event(client, events_of(sandbox, kept["id"])[0])

    monkeypatch.setattr(reconcile_confirm.time, "sleep", later)
    assert named(reconcile_now(CUSTOMER)) == [("customer", lost["id"], Nature.MISSING_HERE)]
    assert Customer.objects.get().name == "Kept"


def test_push_of_ours_that_is_under_way_is_no_difference(sandbox: RunningSandbox) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.advance(60)
    Comparison(kind=CUSTOMER, repairs=True).go()
    sandbox.post(f"/v1/customers/{made['id']}", name="Ours")
    sandbox.advance(60)
    push = Push.objects.create(
        operation="edit_customer",
        object_type="customer",
        object_id=made["id"],
        state=Push.State.UNKNOWN,
        created_at=timezone.now(),
    )
    assert Comparison(kind=CUSTOMER).go().differences == []
    Push.objects.filter(pk=push.pk).update(state=Push.State.REFUSED)
    assert len(Comparison(kind=CUSTOMER).go().differences) == 1


def test_kind_whose_list_is_about_to_be_read_is_no_difference(mirrored: RunningSandbox) -> None:
    kind = get_kind("balance_transaction")
    row = kind.model._default_manager.filter(deleted_at=None).first()
    assert row is not None
    edit(kind, row.pk, status="pending?")
    wish = Refresh.objects.create(key="x", object_type=kind.object, path=kind.list_path, due_at=timezone.now())
    assert Comparison(kind=kind).go().differences == []
    wish.delete()
    assert named(Comparison(kind=kind).go()) == [(kind.object, row.pk, Nature.FIELDS)]


@pytest.mark.parametrize("times", [1, 99])
def test_object_that_changes_while_it_is_compared_is_looked_at_again(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    sandbox.advance(60)
    reconcile_now(CUSTOMER, repairs=True)
    edit(CUSTOMER, made["id"], name="Other")
    look, looks = reconcile_confirm.single.look, list[int]()

    def changing(*args: Any, **kwargs: Any) -> Any:
        looks.append(1)
        if len(looks) <= times:
            sandbox.post(f"/v1/customers/{made['id']}", name=f"{len(looks)}")
        return look(*args, **kwargs)

    monkeypatch.setattr(reconcile_confirm.single, "look", changing)
    result = reconcile_now(CUSTOMER)
    assert len(result.differences) == (1 if times == 1 else 0)
    assert result.changing == ([] if times == 1 else [made["id"]])


def test_deleted_objects_raise_no_alarm(mirrored: RunningSandbox) -> None:
    """S26: tombstones here, stubs there, drafts and items that were thrown away."""
    customer, item = Customer.objects.filter(deleted_at=None).first(), SubscriptionItem.objects.first()
    assert customer is not None and item is not None
    mirrored.delete(f"/v1/customers/{customer.pk}")
    draft = mirrored.post("/v1/invoices", customer=Customer.objects.filter(deleted_at=None).last().pk)  # type: ignore[union-attr]
    mirrored.delete(f"/v1/invoices/{draft['id']}")
    mirrored.advance(60)
    reconcile_all(repairs=True)
    assert [named(result) for result in reconcile_all().values() if result.differences] == []
    assert not Difference.objects.filter(object_id=draft["id"]).exists()


def test_difference_that_heals_by_itself_is_closed(sandbox: RunningSandbox, client: Client) -> None:
    made = sandbox.post("/v1/customers", name="Ada")
    gone = sandbox.post("/v1/customers", name="Gone")
    for event in events_of(sandbox, gone["id"]):
        post_event(client, event)
    sandbox.delete(f"/v1/customers/{gone['id']}")
    sandbox.advance(60)
    assert len(reconcile_now(CUSTOMER).differences) == 2
    for event in [*events_of(sandbox, made["id"]), events_of(sandbox, gone["id"])[-1]]:
        post_event(client, event)
    assert reconcile_now(CUSTOMER).differences == []
    assert set(Difference.objects.values_list("outcome", flat=True)) == {Outcome.EQUAL}


def test_difference_that_stays_is_one_row_with_its_first_time(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="Ada")
    sandbox.advance(60)
    [first] = reconcile_now(CUSTOMER).differences
    [again] = reconcile_now(CUSTOMER).differences
    assert (again.pk, again.found_at) == (first.pk, first.found_at)
    assert again.run_id != first.run_id


# --- Why ------------------------------------------------------------------------------------------------------------


def test_likely_reasons_are_told(mirrored: RunningSandbox, client: Client) -> None:
    plain = Customer.objects.filter(deleted_at=None, data__test_clock=None)
    ids = list(plain.order_by("created", "pk").values_list("pk", flat=True)[:4])
    stuck, missed, edited, unheard = ids
    for id in ids:
        mirrored.post(f"/v1/customers/{id}", name="Changed")
    for id in (stuck, edited):
        post_event(client, events_of(mirrored, id)[-1])
    post_event(client, events_of(mirrored, missed)[0])
    InboxEvent.objects.filter(object_id=stuck).update(state=InboxEvent.State.FAILED, reason="Because.")
    for id in (stuck, edited):
        edit(CUSTOMER, id, name="Otherwise")
    mirrored.advance(60)
    why = {one.object_id: one.likely_why for one in reconcile_now(CUSTOMER).differences}
    assert why.keys() == set(ids)
    assert "customer.updated" in why[stuck] and "is failed: Because." in why[stuck]
    assert why[missed].startswith("It changed in Stripe after the last event that reached us (customer.")
    assert "ours were changed by something else, here" in why[edited]
    assert why[unheard] == "No event of this object ever reached us."
    kind = get_kind("balance_transaction")
    row = kind.model._default_manager.filter(deleted_at=None).first()
    assert row is not None
    edit(kind, row.pk, status="?")
    assert "sends no events for this kind" in reconcile_now(kind).differences[0].likely_why


def test_endpoint_that_lacks_the_event_is_named(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/webhook_endpoints", url="https://x.example/", enabled_events=["customer.updated"])
    sandbox.post("/v1/customers", name="Ada")
    sandbox.advance(60)
    [difference] = reconcile_now(CUSTOMER).differences
    assert difference.likely_why == "No enabled webhook endpoint in Stripe sends customer.created."


# --- Shares, failures -----------------------------------------------------------------------------------------------


def test_shares_within_a_budget_come_round(mirrored: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile_walk, "WINDOW", 7)
    oldest = Customer.objects.filter(deleted_at=None).order_by("created", "pk").first()
    assert oldest is not None
    edit(CUSTOMER, oldest.pk, name="Otherwise")
    mirrored.clear_requests()
    found, compared, shares = [], 0, 0
    while not state_of(CUSTOMER).whole_finished_at:
        result = reconcile_now(CUSTOMER, requests=2)
        found += named(result)
        compared, shares = compared + result.compared, shares + 1
        assert result.requests <= 2 + 4
        assert shares < 50
    assert found == [("customer", oldest.pk, Nature.FIELDS)]
    state = state_of(CUSTOMER)
    assert shares > 3
    assert state.whole_compared == compared >= Customer.objects.filter(deleted_at=None).count()


@pytest.mark.parametrize("kind", ["payment_method", "discount", "customer_balance_transaction", "invoice"])
def test_shares_come_round_for_every_way_of_listing(mirrored: RunningSandbox, kind: str) -> None:
    found: list[str] = []
    model = get_kind(kind).model
    oldest, newest = model._default_manager.filter(deleted_at=None).order_by("created", "pk")[::10000], None
    newest = model._default_manager.filter(deleted_at=None).order_by("created", "pk").last()
    edited = {str(row.pk) for row in (*oldest, newest) if row is not None}
    for id in edited:
        edit(get_kind(kind), id, made_up="here")
    for _ in range(500):
        found += [one.object_id for one in reconcile_now(get_kind(kind), requests=1).differences]
        if state_of(get_kind(kind)).whole_finished_at:
            break
    assert state_of(get_kind(kind)).whole_finished_at
    assert set(found) == edited


def test_cursor_whose_object_is_gone_starts_the_window_again(sandbox: RunningSandbox) -> None:
    for n in range(150):
        sandbox.post("/v1/customers", name=str(n))
    fill()
    position = Position()
    Comparison(kind=CUSTOMER, position=position, spending=Spending(requests=1)).go()
    assert position.cursor
    sandbox.delete(f"/v1/customers/{position.cursor}")
    sandbox.advance(60)
    gone = position.cursor
    result = Comparison(kind=CUSTOMER, position=Position.from_json(json.loads(json.dumps(position.as_json())))).go()
    assert (result.failure, result.whole) == ("", True)
    assert named(result) in ([], [("customer", gone, Nature.MISSING_IN_STRIPE)])


def test_only_objects_since_a_date_are_compared(sandbox: RunningSandbox) -> None:
    sandbox.post("/v1/customers", name="old")
    sandbox.advance(86_400)
    new = sandbox.post("/v1/customers", name="new")
    sandbox.advance(60)
    since = datetime.fromtimestamp(new["created"], UTC)
    assert named(reconcile_now(CUSTOMER, since=since)) == [("customer", new["id"], Nature.MISSING_HERE)]
    assert state_of(CUSTOMER).whole_finished_at is None


def test_many_differences_of_a_page_are_confirmed_by_reading_the_page_again(sandbox: RunningSandbox) -> None:
    for n in range(40):
        sandbox.post("/v1/customers", name=str(n))
    sandbox.advance(60)
    sandbox.clear_requests()
    result = reconcile_now(CUSTOMER)
    assert len(result.differences) == 40
    assert len(sandbox.requests("GET", "/v1/customers")) == 2


def test_mirror_that_lacks_nearly_everything_is_sent_to_a_sync(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "TOO_MANY", 10)
    for n in range(20):
        sandbox.post("/v1/customers", name=str(n))
    sandbox.advance(60)
    result = reconcile_now(CUSTOMER)
    assert "More than 10 differences: run `manage.py stripe_sync customer`" in result.failure
    assert len(result.differences) == 10


def test_failure_of_stripe_is_kept_and_ends_no_round(mirrored: RunningSandbox, impatient: None) -> None:
    mirrored.faults.add(status=500, path="/v1/customers")
    result = reconcile_now(CUSTOMER)
    assert "can't be reached" in result.failure and not result.whole
    run = SyncRun.objects.get(object_type="customer", command=SyncRun.Command.RECONCILE)
    assert run.state == SyncRun.State.FAILED
    assert ReconcileState.objects.get(object_type="customer").failure == result.failure
    mirrored.faults.clear()
    assert reconcile_now(CUSTOMER).whole
    assert ReconcileState.objects.get(object_type="customer").failure == ""


def test_failed_repair_is_noted_and_the_difference_stays_open(sandbox: RunningSandbox, impatient: None) -> None:
    sandbox.post("/v1/customers", name="Ada")
    sandbox.advance(60)
    [difference] = reconcile_now(CUSTOMER).differences
    sandbox.faults.add(status=500)
    assert not repair(difference)
    difference.refresh_from_db()
    assert (difference.outcome, difference.repaired_at) == (Outcome.OPEN, None)
    assert difference.note.startswith("Not repaired: Stripe can't be reached")


def test_repair_says_gone_only_of_what_it_could_look_for(sandbox: RunningSandbox) -> None:
    """A discount stands inside other objects: where none of them is known, it may well be at Stripe."""
    Difference.objects.create(
        object_type="discount", object_id="di_1", nature=Nature.MISSING_HERE, found_at=timezone.now()
    )
    Difference.objects.create(
        object_type="customer", object_id="cus_1", nature=Nature.MISSING_HERE, found_at=timezone.now()
    )
    lost, absent = Difference.objects.order_by("-object_type")
    assert (repair(lost), repair(absent)) == (False, True)
    assert lost.outcome == Outcome.OPEN
    assert lost.note.endswith("so it could not be looked for. Sync its kind.")
    assert (absent.outcome, absent.note) == (Outcome.EQUAL, "Neither Stripe nor the mirror has it any more.")


# --- The schedule ---------------------------------------------------------------------------------------------------


def test_turns_of_the_schedule_come_round_and_repair(mirrored: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile_rounds, "FEWEST", 30)
    oldest = Customer.objects.filter(deleted_at=None).order_by("created", "pk").first()
    assert oldest is not None
    edit(CUSTOMER, oldest.pk, name="Otherwise")
    for _ in range(60):
        assert not [result.failure for result in reconcile_rounds.take_turn(seconds=60) if result.failure]
        if ReconcileState.objects.filter(whole_finished_at=None).count() == 0:
            break
    assert {state.object_type for state in ReconcileState.objects.exclude(whole_finished_at=None)} == {
        kind.object for kind in compared_kinds()
    }
    assert ReconcileState.objects.exclude(newest_at=None).count() > 10
    [difference] = Difference.objects.all()
    assert (difference.object_id, difference.outcome) == (oldest.pk, Outcome.REPAIRED)
    assert differing_customers(mirrored) == {}
    rounds = SyncRun.objects.filter(command=SyncRun.Command.RECONCILE, state=SyncRun.State.DONE)
    assert rounds.filter(object_type="customer").exists()


class Book(SharedLedger):
    """A ledger that remembers for whom calls were taken."""

    def __init__(self) -> None:
        self.for_sync: list[bool] = []

    def take(self, calls: int, per_second: float, *, sync: bool, sync_per_second: float) -> float:
        self.for_sync.append(sync)
        return super().take(calls, per_second, sync=sync, sync_per_second=sync_per_second)


def test_comparing_and_repairing_take_the_share_of_backfills(
    mirrored: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = Book()
    monkeypatch.setattr(budget, "ledger", book)
    # What was taken for earlier calls is given back: the next one of any lane asks the ledger.
    budget.pause(0)
    edit(CUSTOMER, Customer.objects.filter(deleted_at=None)[0].pk, name="Otherwise")
    [difference] = Comparison(kind=CUSTOMER, repairs=True).go().differences
    difference.refresh_from_db()
    assert difference.outcome == Outcome.REPAIRED
    assert book.for_sync and all(book.for_sync)
    budget.pause(0)
    read.one(f"/v1/customers/{difference.object_id}", patient=True)
    assert not book.for_sync[-1]


def test_asked_round_is_worked_in_slices_and_does_not_repair(mirrored: RunningSandbox) -> None:
    row = Customer.objects.filter(deleted_at=None).first()
    assert row is not None
    edit(CUSTOMER, row.pk, name="Otherwise")
    run = reconcile_rounds.ask(CUSTOMER, by="boss")
    assert reconcile_rounds.ask(CUSTOMER, by="other") == run
    assert reconcile_rounds.due_runs() == [run.pk]
    slices = 0
    while reconcile_rounds.work(run.pk, seconds=0.001):
        slices += 1
    run.refresh_from_db()
    assert (run.state, run.changed, run.started_by) == (SyncRun.State.DONE, 1, "boss")
    assert slices >= 1
    assert reconcile_rounds.due_runs() == []
    assert Customer.objects.get(pk=row.pk).name == "Otherwise"


def test_with_a_key_of_another_account_nothing_is_compared(mirrored: RunningSandbox) -> None:
    from stripe_mirror.models import MirroredAccount

    MirroredAccount.objects.all().delete()
    MirroredAccount.objects.create(pk="acct_other", livemode=False)
    [result] = reconcile_rounds.take_turn(seconds=5)
    assert "mirrors the account acct_other" in result.failure
    run = reconcile_rounds.ask(CUSTOMER, by="boss")
    assert not reconcile_rounds.work(run.pk, seconds=5)
    run.refresh_from_db()
    assert "mirrors the account acct_other" in run.message
    assert not Difference.objects.exists()


@pytest.mark.parametrize("at_the_newest", [True, False])
def test_round_that_is_asked_for_while_the_schedule_is_at_the_kind_is_not_lost(
    mirrored: RunningSandbox, monkeypatch: pytest.MonkeyPatch, at_the_newest: bool
) -> None:
    asked: list[SyncRun] = []
    go = Comparison.go

    def and_then_asked(self: Comparison) -> Result:
        result = go(self)
        if (self.run is None) is at_the_newest and not asked:
            asked.append(reconcile_rounds.ask(self.kind, by="boss"))
        return result

    monkeypatch.setattr(Comparison, "go", and_then_asked)
    monkeypatch.setattr(reconcile_rounds, "allowance", lambda: 40)
    reconcile_rounds.take_turn(seconds=60)
    [run] = asked
    assert reconcile_rounds.due_runs() == [run.pk]
    while reconcile_rounds.work(run.pk, seconds=1):
        pass
    run.refresh_from_db()
    assert run.state == SyncRun.State.DONE


def test_command_that_comes_to_the_end_leaves_no_round_of_the_kind_open(
    mirrored: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = Comparison.go

    def and_then_asked(self: Comparison) -> Result:
        result = go(self)
        reconcile_rounds.ask(self.kind, by="boss")
        return result

    monkeypatch.setattr(Comparison, "go", and_then_asked)
    assert reconcile_now(CUSTOMER).whole
    assert reconcile_rounds.due_runs() == []
    assert not SyncRun.objects.filter(command=SyncRun.Command.RECONCILE, state=SyncRun.State.RUNNING).exists()
