"""Credit notes: before an invoice is paid they reduce it, afterwards they give back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import make_customer, subscribe
from tests.sandbox.testing import RunningSandbox, SandboxError


def open_invoice(running: RunningSandbox, *amounts: int) -> dict[str, Any]:
    customer = make_customer(running)["id"]
    for amount in amounts or (2000,):
        running.post("/v1/invoiceitems", customer=customer, amount=amount, currency="usd")
    params: dict[str, Any] = {"collection_method": "send_invoice", "days_until_due": 14}
    draft = running.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include", **params)
    return running.post(f"/v1/invoices/{draft['id']}/finalize")


def paid_invoice(running: RunningSandbox, **params: Any) -> dict[str, Any]:
    return running.get(f"/v1/invoices/{subscribe(running, **params)['latest_invoice']}")


def issue(running: RunningSandbox, invoice: dict[str, Any], **params: Any) -> dict[str, Any]:
    return running.post("/v1/credit_notes", invoice=invoice["id"], **params)


def again(running: RunningSandbox, invoice: dict[str, Any]) -> dict[str, Any]:
    return running.get(f"/v1/invoices/{invoice['id']}")


def types(running: RunningSandbox, since: int) -> list[str]:
    return [event["type"] for event in running.sandbox.events[: len(running.sandbox.events) - since]][::-1]


def test_note_on_an_open_invoice_reduces_what_is_due(running: RunningSandbox) -> None:
    invoice = open_invoice(running)
    since = len(running.sandbox.events)
    note = issue(running, invoice, amount=500, reason="order_change", memo="One less")
    assert (note["type"], note["pre_payment_amount"], note["post_payment_amount"]) == ("pre_payment", 500, 0)
    assert note["number"] == f"{invoice['number']}-CN-01"
    replaced = ["payment_intent.canceled", "payment_intent.created"]
    assert types(running, since) == ["credit_note.created", *replaced, "invoice.updated"]
    previous = running.sandbox.events[0]["data"]["previous_attributes"]
    assert previous == {"amount_due": 2000, "amount_remaining": 2000, "pre_payment_credit_notes_amount": 0}
    paid = running.post(f"/v1/invoices/{invoice['id']}/pay")
    assert (paid["status"], paid["amount_paid"], paid["total"]) == ("paid", 1500, 2000)
    payment, old = running.get("/v1/invoice_payments", invoice=invoice["id"])["data"]
    assert (payment["amount_requested"], payment["amount_paid"], old["status"]) == (1500, 1500, "canceled")
    assert running.get("/v1/charges")["data"][0]["amount"] == 1500


def test_note_over_everything_settles_an_open_invoice(running: RunningSandbox) -> None:
    invoice = open_invoice(running)
    issue(running, invoice, amount=2000)
    settled = again(running, invoice)
    assert (settled["status"], settled["amount_remaining"], settled["amount_paid"]) == ("paid", 0, 0)
    assert [row["status"] for row in running.get("/v1/invoice_payments")["data"]] == ["canceled"]
    assert not running.get("/v1/charges")["data"]


def test_note_on_a_paid_invoice_refunds_credits_and_notes_what_went_elsewhere(running: RunningSandbox) -> None:
    invoice = paid_invoice(running)
    since = len(running.sandbox.events)
    note = issue(running, invoice, amount=1000, refund_amount=500, credit_amount=300, out_of_band_amount=200)
    assert (note["type"], note["post_payment_amount"], note["out_of_band_amount"]) == ("post_payment", 1000, 200)
    told = types(running, since)
    assert {"refund.created", "charge.refunded", "customer.updated", "credit_note.created"} <= set(told)
    assert told[-1] == "invoice.updated"
    shown = running.get(
        f"/v1/credit_notes/{note['id']}", expand=["refunds.refund", "customer_balance_transaction", "invoice"]
    )
    assert (shown["refunds"][0]["amount_refunded"], shown["refunds"][0]["refund"]["status"]) == (500, "succeeded")
    moved = shown["customer_balance_transaction"]
    assert (moved["type"], moved["amount"], moved["credit_note"]) == ("credit_note", -300, note["id"])
    credited = shown["invoice"]
    assert (credited["post_payment_credit_notes_amount"], credited["status"]) == (1000, "paid")
    assert running.get(f"/v1/customers/{invoice['customer']}")["balance"] == -300


def test_refund_that_exists_can_be_linked(running: RunningSandbox) -> None:
    invoice = paid_invoice(running)
    refund = running.post("/v1/refunds", charge=running.get("/v1/charges")["data"][0]["id"], amount=700)
    note = issue(running, invoice, amount=700, refunds=[{"refund": refund["id"], "amount_refunded": 700}])
    assert [entry["refund"] for entry in note["refunds"]] == [refund["id"]]
    assert len(running.get("/v1/refunds")["data"]) == 1


def test_refund_counts_for_one_note_and_for_its_own_invoice_only(running: RunningSandbox) -> None:
    invoice, other = paid_invoice(running), paid_invoice(running)
    charge, foreign = running.get("/v1/charges")["data"][::-1]
    mine = running.post("/v1/refunds", charge=charge["id"], amount=700)["id"]
    theirs = running.post("/v1/refunds", charge=foreign["id"], amount=700)["id"]
    issue(running, invoice, amount=700, refunds=[{"refund": mine}])
    for of, refund, amount in ((invoice, mine, 700), (invoice, theirs, 700), (other, theirs, 900)):
        with pytest.raises(SandboxError) as caught:
            issue(running, of, amount=amount, refunds=[{"refund": refund, "amount_refunded": amount}])
        assert caught.value.error["param"].startswith("refunds[0]")
    split = issue(running, other, amount=1000, refunds=[{"refund": theirs, "amount_refunded": 600}], credit_amount=400)
    assert [entry["amount_refunded"] for entry in split["refunds"]] == [600]


def test_sum_that_does_not_add_up_is_told_in_words(running: RunningSandbox) -> None:
    with pytest.raises(SandboxError) as caught:
        issue(running, paid_invoice(running), amount=500, refund_amount=100)
    assert caught.value.error["message"] == (
        "The sum of credit amount, refund amount and out of band amount ($1.00) must equal the credit note amount "
        "($5.00)."
    )


@pytest.mark.parametrize(
    "params",
    [
        {"amount": 500},
        {"amount": 500, "refund_amount": 400},
        {"amount": 2001, "credit_amount": 2001},
        {"refund_amount": 500},
        {"amount": 500, "credit_amount": 500, "lines": [{"type": "custom_line_item", "unit_amount": 500}]},
    ],
)
def test_note_that_does_not_add_up_is_refused_and_moves_nothing(
    running: RunningSandbox, params: dict[str, Any]
) -> None:
    invoice = paid_invoice(running)
    since = len(running.sandbox.events)
    with pytest.raises(SandboxError) as caught:
        issue(running, invoice, **params)
    assert caught.value.status == 400
    assert running.get("/v1/credit_notes")["data"] == running.get("/v1/refunds")["data"] == []
    assert types(running, since) == []


def test_drafts_are_edited_not_credited(running: RunningSandbox) -> None:
    draft = running.post("/v1/invoices", customer=make_customer(running)["id"])
    with pytest.raises(SandboxError) as caught:
        issue(running, draft, amount=100)
    assert caught.value.error["param"] == "invoice"


def test_discounted_line_is_credited_with_its_discount(running: RunningSandbox) -> None:
    running.post("/v1/coupons", id="QUARTER", percent_off=25, duration="forever")
    invoice = paid_invoice(running, discounts=[{"coupon": "QUARTER"}])
    line = {"type": "invoice_line_item", "invoice_line_item": invoice["lines"]["data"][0]["id"], "amount": 1000}
    note = issue(running, invoice, lines=[line], credit_amount=750)
    assert (note["subtotal"], note["discount_amount"], note["total"]) == (1000, 250, 750)
    assert note["discount_amounts"] == [{"amount": 250, "discount": invoice["discounts"][0]}]


def test_preview_shows_the_note_and_changes_nothing(running: RunningSandbox) -> None:
    invoice = open_invoice(running)
    since = len(running.sandbox.events)
    seen = running.get("/v1/credit_notes/preview", invoice=invoice["id"], amount=500)
    assert (seen["total"], seen["lines"]["data"][0]["amount"], seen["type"]) == (500, 500, "pre_payment")
    assert running.get("/v1/credit_notes")["data"] == []
    assert types(running, since) == []
    assert again(running, invoice) == invoice


def test_void_puts_back_what_is_due_and_is_for_open_invoices_only(running: RunningSandbox) -> None:
    invoice = open_invoice(running)
    note = issue(running, invoice, amount=500)
    since = len(running.sandbox.events)
    voided = running.post(f"/v1/credit_notes/{note['id']}/void")
    assert (voided["status"], voided["voided_at"]) == ("void", running.sandbox.events[0]["created"])
    assert types(running, since)[::3] == ["credit_note.voided", "invoice.updated"]
    assert again(running, invoice) == invoice
    other = issue(running, invoice, amount=500)
    running.post(f"/v1/invoices/{invoice['id']}/pay")
    for refused in (note, other):
        with pytest.raises(SandboxError):
            running.post(f"/v1/credit_notes/{refused['id']}/void")


def test_memo_and_metadata_can_be_edited(running: RunningSandbox) -> None:
    note = issue(running, open_invoice(running), amount=500, memo="Sorry")
    edited = running.post(f"/v1/credit_notes/{note['id']}", memo="", metadata={"a": "b"})
    assert (edited["memo"], edited["metadata"]) == (None, {"a": "b"})
    event = running.sandbox.events[0]
    assert event["type"] == "credit_note.updated"
    assert event["data"]["previous_attributes"] == {"memo": "Sorry", "metadata": {"a": None}}
    with pytest.raises(SandboxError):
        running.post(f"/v1/credit_notes/{note['id']}", amount=1)


def test_notes_are_listed_by_invoice_and_customer(running: RunningSandbox) -> None:
    one, other = open_invoice(running), open_invoice(running)
    first, second = issue(running, one, amount=100)["id"], issue(running, other, amount=100)["id"]

    def listed(**filters: Any) -> list[str]:
        return [row["id"] for row in running.get("/v1/credit_notes", **filters)["data"]]

    assert listed() == [second, first]
    assert listed(invoice=one["id"]) == listed(customer=one["customer"]) == [first]


def test_lines_are_shown_ten_at_a_time_in_objects_and_events(running: RunningSandbox) -> None:  # S25
    lines = [
        {"type": "custom_line_item", "description": f"Day {day}", "unit_amount": 100 + day} for day in range(1, 13)
    ]
    note = issue(running, open_invoice(running, 5000), lines=lines)
    told = running.get("/v1/events", type="credit_note.created")["data"][0]["data"]["object"]["lines"]
    assert told == note["lines"]
    assert (len(told["data"]), told["has_more"], told["url"]) == (10, True, f"/v1/credit_notes/{note['id']}/lines")
    rest = running.get(told["url"], starting_after=told["data"][-1]["id"])
    assert ([line["amount"] for line in rest["data"]], rest["has_more"]) == ([111, 112], False)
