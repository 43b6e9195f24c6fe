"""What belongs to invoices: lines by the page, items that change without events, payments that tell only when paid."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import make_customer, subscribe
from tests.sandbox.testing import RunningSandbox, SandboxError

DAY = 86400


def item(running: RunningSandbox, customer: str, **params: Any) -> dict[str, Any]:
    return running.post("/v1/invoiceitems", customer=customer, **({"amount": 900, "currency": "usd"} | params))


def types(running: RunningSandbox, since: int) -> list[str]:
    return [event["type"] for event in running.sandbox.events[: len(running.sandbox.events) - since]][::-1]


def open_invoice(running: RunningSandbox, customer: str, **params: Any) -> dict[str, Any]:
    item(running, customer)
    draft = running.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include", **params)
    return running.post(f"/v1/invoices/{draft['id']}/finalize")


# Lines


def test_lines_are_truncated_in_answers_lists_and_events_alike(running: RunningSandbox) -> None:  # S25
    customer = make_customer(running)["id"]
    for number in range(23):
        item(running, customer, amount=100 + number)
    draft = running.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
    listed = running.get("/v1/invoices")["data"][0]
    told = running.get("/v1/events", type="invoice.created")["data"][0]["data"]["object"]
    assert draft["lines"] == listed["lines"] == told["lines"]
    assert (len(draft["lines"]["data"]), draft["lines"]["has_more"]) == (10, True)
    assert draft["lines"]["url"] == f"/v1/invoices/{draft['id']}/lines"
    assert draft["total"] == sum(range(100, 123))


def test_lines_page_through_in_their_order_both_ways(running: RunningSandbox) -> None:  # S25
    customer = make_customer(running)["id"]
    draft = running.post("/v1/invoices", customer=customer)
    for number in range(12):
        item(running, customer, invoice=draft["id"], amount=100 + number)
    path = f"/v1/invoices/{draft['id']}/lines"

    def page(**params: Any) -> tuple[list[int], bool]:
        answer = running.get(path, **params)
        return [line["amount"] for line in answer["data"]], answer["has_more"]

    whole = running.get(path, limit=100)["data"]
    assert page() == (list(range(100, 110)), True)
    assert page(starting_after=whole[4]["id"], limit=3) == ([105, 106, 107], True)
    assert page(starting_after=whole[9]["id"]) == ([110, 111], False)
    assert page(ending_before=whole[4]["id"], limit=3) == ([101, 102, 103], True)
    with pytest.raises(SandboxError) as caught:
        page(starting_after="il_none")
    assert (caught.value.status, caught.value.error["param"]) == (400, "starting_after")


# Items


def test_item_tells_of_its_start_and_its_end_only(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    since = len(running.sandbox.events)
    made = item(running, customer)
    running.post(f"/v1/invoiceitems/{made['id']}", amount=700, description="Cheaper")
    running.delete(f"/v1/invoiceitems/{made['id']}")
    assert types(running, since) == ["invoiceitem.created", "invoiceitem.deleted"]
    last = running.sandbox.events[0]["data"]["object"]
    assert (last["amount"], last["description"], "deleted" in last) == (700, "Cheaper", False)


def test_invoice_takes_up_pending_items_without_a_word_about_them(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    made = item(running, customer)
    assert made["invoice"] is None
    since = len(running.sandbox.events)
    draft = running.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
    assert running.get(f"/v1/invoiceitems/{made['id']}")["invoice"] == draft["id"]
    assert types(running, since) == ["customer.updated", "invoice.created"]  # the customer has a currency now


def test_items_are_dated_and_listed_by_date_invoice_customer_and_pending(running: RunningSandbox) -> None:
    one, other = make_customer(running)["id"], make_customer(running)["id"]
    running.sandbox.clock.set(running.sandbox.now())
    draft = running.post("/v1/invoices", customer=one)
    early = item(running, one, invoice=draft["id"])
    running.advance(DAY)
    late = item(running, other)
    assert "created" not in early

    def listed(**filters: Any) -> list[str]:
        return [row["id"] for row in running.get("/v1/invoiceitems", **filters)["data"]]

    assert listed() == [late["id"], early["id"]]
    assert listed(created={"gt": early["date"]}) == listed(customer=other) == listed(pending=True) == [late["id"]]
    assert listed(created={"lte": early["date"]}) == listed(invoice=draft["id"]) == listed(pending=False)
    assert listed(pending=False) == [early["id"]]


# Payments


def test_payment_of_an_invoice_opens_silently_and_tells_when_it_is_paid(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    since = len(running.sandbox.events)
    invoice = open_invoice(running, customer)
    (payment,) = running.get("/v1/invoice_payments", invoice=invoice["id"])["data"]
    assert (payment["status"], payment["amount_requested"], payment["amount_paid"]) == ("open", 900, None)
    assert not [name for name in types(running, since) if name.startswith("invoice_payment")]
    running.post(f"/v1/invoices/{invoice['id']}/pay")
    event = running.get("/v1/events", type="invoice_payment.paid")["data"][0]
    assert "previous_attributes" not in event["data"]
    assert event["data"]["object"] == running.get(f"/v1/invoice_payments/{payment['id']}")
    assert (event["data"]["object"]["status"], event["data"]["object"]["amount_paid"]) == ("paid", 900)


def test_payment_of_a_voided_invoice_is_canceled_silently(running: RunningSandbox) -> None:
    invoice = open_invoice(running, make_customer(running)["id"])
    since = len(running.sandbox.events)
    running.post(f"/v1/invoices/{invoice['id']}/void")
    (payment,) = running.get("/v1/invoice_payments", invoice=invoice["id"])["data"]
    assert payment["status"] == "canceled"
    assert payment["status_transitions"]["canceled_at"] is not None
    assert not [name for name in types(running, since) if name.startswith("invoice_payment")]


def test_payments_are_found_by_invoice_intent_status_and_time(running: RunningSandbox) -> None:
    waiting = open_invoice(running, make_customer(running)["id"])
    paid = running.get(f"/v1/invoices/{subscribe(running)['latest_invoice']}", expand=["payments"])
    (payment,) = paid["payments"]["data"]
    intent = payment["payment"]["payment_intent"]

    def listed(**filters: Any) -> list[str]:
        return [row["invoice"] for row in running.get("/v1/invoice_payments", **filters)["data"]]

    assert listed() == [paid["id"], waiting["id"]]
    assert listed(payment={"type": "payment_intent", "payment_intent": intent}) == [paid["id"]]
    assert listed(status="paid") == listed(invoice=paid["id"]) == [paid["id"]]
    assert listed(status="open") == [waiting["id"]]
    assert listed(created={"gt": payment["created"]}) == []
    expanded = running.get("/v1/invoice_payments", limit=1, expand=["data.payment.payment_intent"])["data"][0]
    assert expanded["payment"]["payment_intent"]["id"] == intent


def test_invoice_paid_elsewhere_leaves_no_paid_payment(running: RunningSandbox) -> None:
    invoice = open_invoice(running, make_customer(running)["id"])
    running.post(f"/v1/invoices/{invoice['id']}/pay", paid_out_of_band=True)
    assert [row["status"] for row in running.get("/v1/invoice_payments")["data"]] == ["canceled"]
    assert not running.get("/v1/events", type="invoice_payment.paid")["data"]
