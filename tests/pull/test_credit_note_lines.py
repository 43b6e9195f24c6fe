"""Lines of credit notes name no credit note, and Stripe cuts them off: all are stored, in their place, and stay."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Change, CreditNote, CreditNoteLineItem, Difference
from stripe_mirror.pull.backfill import backfill
from stripe_mirror.pull.fetch import complete_lists, fetch_now
from stripe_mirror.pull.reconcile import Comparison
from stripe_mirror.pull.reconcile_repair import repair
from stripe_mirror.stripe_api import read
from tests.conftest import events_of, post_event
from tests.sandbox.testing import RunningSandbox

pytestmark = pytest.mark.django_db(transaction=True)

NOTE, LINE = get_kind("credit_note"), get_kind("credit_note_line_item")
Nature, Outcome = Difference.Nature, Difference.Outcome


def credited(sandbox: RunningSandbox, lines: int) -> dict[str, Any]:
    """A credit note with so many lines."""
    customer = sandbox.post("/v1/customers", name="Ada")["id"]
    sandbox.post("/v1/invoiceitems", customer=customer, amount=90_000, currency="usd")
    sending = {"collection_method": "send_invoice", "days_until_due": 5, "pending_invoice_items_behavior": "include"}
    invoice = sandbox.post("/v1/invoices", customer=customer, **sending)["id"]
    sandbox.post(f"/v1/invoices/{invoice}/finalize")
    given = [{"type": "custom_line_item", "description": f"No. {n}", "unit_amount": 1 + n} for n in range(lines)]
    return sandbox.post("/v1/credit_notes", invoice=invoice, lines=given)


def deliver(client: Client, sandbox: RunningSandbox, note: str) -> None:
    """The newest event of the credit note."""
    assert post_event(client, events_of(sandbox, note)[-1]).status_code == 200


def lines_of(sandbox: RunningSandbox, note: str) -> list[Any]:
    pages = read.list_pages(f"/v1/credit_notes/{note}/lines")
    return [line for answer in pages for line in answer.body["data"]]


def held_lines(note: str) -> list[Any]:
    rows = CreditNoteLineItem.objects.filter(credit_note=note, deleted_at=None)
    assert [row.position for row in rows] == list(range(len(rows)))
    assert {row.currency for row in rows} <= {"usd"}
    return [row.data for row in rows]


@pytest.fixture
def mirrored(client: Client, sandbox: RunningSandbox) -> tuple[RunningSandbox, str]:
    """A credit note with 25 lines, and a mirror that has them all."""
    note = credited(sandbox, 25)["id"]
    for event in events_of(sandbox):
        post_event(client, event)
    complete_lists(NOTE, note)
    sandbox.advance(60)
    return sandbox, note


def test_lines_of_an_event_are_stored_with_their_credit_note_and_in_order(
    client: Client, sandbox: RunningSandbox
) -> None:
    made = credited(sandbox, 3)
    sandbox.clear_requests()
    deliver(client, sandbox, made["id"])
    assert not sandbox.requests()
    assert held_lines(made["id"]) == made["lines"]["data"]
    assert CreditNote.objects.get().data == made


def test_all_250_lines_of_a_credit_note_are_stored_by_one_paging(client: Client, sandbox: RunningSandbox) -> None:
    """S25"""
    note = credited(sandbox, 250)["id"]
    deliver(client, sandbox, note)
    assert len(held_lines(note)) == 10
    sandbox.clear_requests()
    complete_lists(NOTE, note)
    assert len(sandbox.requests()) == 3
    assert held_lines(note) == lines_of(sandbox, note)
    assert len(held_lines(note)) == 250


def test_later_payload_with_its_first_lines_removes_none(client: Client, mirrored: tuple[RunningSandbox, str]) -> None:
    """S25"""
    sandbox, note = mirrored
    sandbox.post(f"/v1/credit_notes/{note}", memo="Changed")
    deliver(client, sandbox, note)
    sandbox.post(f"/v1/credit_notes/{note}/void")
    deliver(client, sandbox, note)
    assert (CreditNote.objects.get().status, CreditNote.objects.get().memo) == ("void", "Changed")
    assert held_lines(note) == lines_of(sandbox, note)
    assert len(held_lines(note)) == 25


def test_lines_that_are_held_already_are_not_written_again(mirrored: tuple[RunningSandbox, str]) -> None:
    _, note = mirrored
    before = list(CreditNoteLineItem.objects.values_list("pk", "version", "changed_at"))
    changes = Change.objects.count()
    complete_lists(NOTE, note)
    assert list(CreditNoteLineItem.objects.values_list("pk", "version", "changed_at")) == before
    assert Change.objects.count() == changes


def test_backfill_brings_all_lines_and_a_second_one_writes_none(sandbox: RunningSandbox) -> None:
    short, long = credited(sandbox, 2)["id"], credited(sandbox, 12)["id"]
    run_backfill()
    assert (held_lines(short), held_lines(long)) == (lines_of(sandbox, short), lines_of(sandbox, long))
    before = list(CreditNoteLineItem.objects.values_list("pk", "version", "changed_at"))
    run_backfill()
    assert list(CreditNoteLineItem.objects.values_list("pk", "version", "changed_at")) == before
    assert len(before) == 14


def run_backfill() -> None:
    assert [run.state for run in backfill([NOTE])] == ["done"]


def test_read_of_a_single_line_finds_it_beyond_the_first_page_and_says_where_it_stands(
    mirrored: tuple[RunningSandbox, str],
) -> None:
    sandbox, note = mirrored
    truth = lines_of(sandbox, note)
    CreditNoteLineItem.objects.filter(position=17).delete()
    fetch_now(LINE, truth[17]["id"], near={"credit_note": note})
    assert held_lines(note) == truth


def test_equal_lines_are_no_difference_and_are_compared_to_the_last(mirrored: tuple[RunningSandbox, str]) -> None:
    """S26"""
    result = Comparison(kind=NOTE).go()
    assert (result.differences, result.changing, result.failure, result.whole) == ([], [], "", True)
    row = CreditNoteLineItem.objects.get(position=24)
    CreditNoteLineItem.objects.filter(pk=row.pk).update(data={**row.data, "amount": 0})
    [found] = Comparison(kind=NOTE).go().differences
    assert (found.object_id, found.fields) == (row.pk, {"amount": [0, 25]})


def test_each_difference_of_a_line_is_named_and_repaired(mirrored: tuple[RunningSandbox, str]) -> None:
    """S26"""
    sandbox, note = mirrored
    lost, changed, last = CreditNoteLineItem.objects.filter(position__in=(3, 15, 24))
    made_up = CreditNoteLineItem.objects.get(pk=last.pk)
    made_up.pk, made_up.position, made_up.data = "cnli_never", 25, {**last.data, "id": "cnli_never"}
    CreditNoteLineItem.objects.bulk_create([made_up])
    CreditNoteLineItem.objects.filter(pk__in=(lost.pk, last.pk)).delete()
    CreditNoteLineItem.objects.filter(pk=changed.pk).update(data={**changed.data, "description": "Else"})
    found = Comparison(kind=NOTE).go().differences
    assert {(one.object_type, one.object_id, one.nature) for one in found} == {
        (LINE.object, lost.pk, Nature.MISSING_HERE),
        (LINE.object, last.pk, Nature.MISSING_HERE),
        (LINE.object, changed.pk, Nature.FIELDS),
        (LINE.object, "cnli_never", Nature.MISSING_IN_STRIPE),
    }
    assert [one.note for one in found if not repair(one)] == []
    assert {one.outcome for one in Difference.objects.all()} == {Outcome.REPAIRED}
    assert held_lines(note) == lines_of(sandbox, note)
    assert Comparison(kind=NOTE).go().differences == []
