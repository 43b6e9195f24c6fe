"""A customer's balance: each change leaves a transaction, and no event but the customer's own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import make_customer, subscribe
from tests.sandbox.testing import RunningSandbox, SandboxError

DAY = 86400


def transactions(running: RunningSandbox, customer: str, **filters: Any) -> list[dict[str, Any]]:
    """Newest first."""
    rows: list[dict[str, Any]] = running.get(f"/v1/customers/{customer}/balance_transactions", **filters)["data"]
    return rows


def give(running: RunningSandbox, customer: str, amount: int, **params: Any) -> dict[str, Any]:
    path = f"/v1/customers/{customer}/balance_transactions"
    return running.post(path, amount=amount, **({"currency": "usd"} | params))


def test_credit_changes_the_balance_and_only_the_customer_tells(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    give(running, customer, -700)
    count = len(running.sandbox.events)
    made = give(running, customer, 200, description="Too much", metadata={"ticket": "7"})
    assert (made["type"], made["amount"], made["ending_balance"]) == ("adjustment", 200, -500)
    assert running.get(f"/v1/customers/{customer}")["balance"] == -500
    (event,) = running.sandbox.events[: len(running.sandbox.events) - count]
    assert (event["type"], event["data"]["previous_attributes"]) == ("customer.updated", {"balance": -700})
    assert [row["amount"] for row in transactions(running, customer)] == [200, -700]


def test_transaction_keeps_its_amount_and_only_its_notes_change(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    made = give(running, customer, -700)
    path, count = f"/v1/customers/{customer}/balance_transactions/{made['id']}", len(running.sandbox.events)
    edited = running.post(path, description="Goodwill", metadata={"a": "b"})
    assert edited == {**made, "description": "Goodwill", "metadata": {"a": "b"}}
    assert len(running.sandbox.events) == count
    for method, params in (("POST", {"amount": -1}), ("DELETE", {})):
        with pytest.raises(SandboxError):
            running.call(method, path, **params)


def test_first_credit_fixes_the_currency(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    give(running, customer, -700, currency="eur")
    assert running.get(f"/v1/customers/{customer}")["currency"] == "eur"
    with pytest.raises(SandboxError) as caught:
        give(running, customer, -700, currency="usd")
    assert caught.value.error["param"] == "currency"


def test_balance_set_on_the_customer_leaves_transactions_too(running: RunningSandbox) -> None:
    customer = make_customer(running, balance=-300)["id"]
    running.post(f"/v1/customers/{customer}", balance=100)
    running.post(f"/v1/customers/{customer}", balance=100, name="Ann")
    told = [(row["type"], row["amount"], row["ending_balance"]) for row in transactions(running, customer)]
    assert told == [("adjustment", 400, 100), ("initial", -300, -300)]


def test_invoice_that_uses_credit_leaves_a_transaction(running: RunningSandbox) -> None:
    subscription = subscribe(running)
    customer = subscription["customer"]
    give(running, customer, -1500)
    running.advance(32 * DAY)
    invoice = running.get("/v1/invoices", subscription=subscription["id"])["data"][0]
    used, given = transactions(running, customer)
    assert (used["type"], used["amount"], used["ending_balance"]) == ("applied_to_invoice", 1500, 0)
    assert used["invoice"] == invoice["id"]
    assert transactions(running, customer, invoice=invoice["id"]) == [used]
    assert transactions(running, customer, created={"lt": used["created"]}) == [given]


def test_too_small_an_invoice_waits_on_the_balance(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    running.post("/v1/invoiceitems", customer=customer, amount=30, currency="usd")
    draft = running.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
    assert running.post(f"/v1/invoices/{draft['id']}/finalize")["status"] == "paid"
    (row,) = transactions(running, customer)
    assert (row["type"], row["amount"], row["ending_balance"]) == ("invoice_too_small", 30, 30)


def test_voided_invoice_gives_back_the_credit_that_it_used(running: RunningSandbox) -> None:
    customer = make_customer(running)["id"]
    give(running, customer, -500)
    running.post("/v1/invoiceitems", customer=customer, amount=2000, currency="usd")
    draft = running.post("/v1/invoices", customer=customer, pending_invoice_items_behavior="include")
    assert running.post(f"/v1/invoices/{draft['id']}/finalize")["amount_due"] == 1500
    running.post(f"/v1/invoices/{draft['id']}/void")
    assert running.get(f"/v1/customers/{customer}")["balance"] == -500
    kinds = [(row["type"], row["amount"]) for row in transactions(running, customer)]
    assert kinds == [("unapplied_from_invoice", -500), ("applied_to_invoice", 500), ("adjustment", -500)]


def test_transaction_of_another_customer_is_not_found(running: RunningSandbox) -> None:
    one, other = make_customer(running)["id"], make_customer(running)["id"]
    made = give(running, one, -700)
    assert transactions(running, other) == []
    with pytest.raises(SandboxError) as caught:
        running.get(f"/v1/customers/{other}/balance_transactions/{made['id']}")
    assert caught.value.status == 404
