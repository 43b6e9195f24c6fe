"""Voiding, writing off and deleting invoices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Invoice, Push
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.jobs import preview as preview_job
from stripe_mirror.push.operation import get_operation
from tests.push import invoicing
from tests.push.billing import resumed
from tests.push.conftest import Doing, sent
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
VOID, WRITE_OFF, DELETE = map(get_operation, ("void_invoice", "mark_invoice_uncollectible", "delete_draft_invoice"))


@pytest.fixture
def ender(staff: Callable[..., User]) -> User:
    """May give invoices up."""
    return staff("ender", VOID.name, WRITE_OFF.name, DELETE.name)


@pytest.mark.parametrize(
    ("operation", "verb", "becomes"),
    [(VOID, "void", "void"), (WRITE_OFF, "mark_uncollectible", "uncollectible")],
    ids=["void", "write off"],
)
def test_an_open_invoice_is_given_up(
    operation: Any, verb: str, becomes: str, doing: Opens, ender: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe)
    push = doing(operation.name, row, ender).submit()
    assert sent(stripe) == [("POST", f"/v1/invoices/{row.pk}/{verb}", {})]
    assert (push.state, push.before["status"], push.after["status"]) == (Push.State.DONE, "open", becomes)
    assert Invoice.objects.get(pk=row.pk).status == invoicing.now(stripe, row)["status"] == becomes
    assert operation.undo(push) is None
    assert operation.final_warning


@pytest.mark.parametrize("operation", [VOID, WRITE_OFF, DELETE], ids=lambda operation: operation.name)
def test_what_gives_money_up_asks_for_a_reason_and_says_how_much(operation: Any, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "draft" if operation is DELETE else "open")
    assert "reason" in operation.get_form(row, {}).errors
    assert [amount.amount for amount in operation.effects(row, {}, None).money] == [2900]
    assert list(operation.sums(row)) == [(2900, "eur")]


def test_voiding_gives_the_used_credit_back_as_told(doing: Opens, ender: User, stripe: RunningSandbox) -> None:
    customer = stripe.post("/v1/customers", email="jane@example.com")["id"]
    stripe.post(f"/v1/customers/{customer}/balance_transactions", amount=-900, currency="eur")
    row = invoicing.invoice(stripe, customer=customer)
    assert VOID.effects(row, {}, None).money == (
        Amount("No longer asked for", 2000, "eur"),
        Amount("Goes back to the customer's credit", 900, "eur"),
    )
    doing(VOID.name, row, ender).submit()
    assert stripe.get(f"/v1/customers/{customer}")["balance"] == -900


@pytest.mark.parametrize("operation", [VOID, WRITE_OFF], ids=["void", "write off"])
def test_the_subscription_that_waits_for_it_is_named_and_goes_on(
    operation: Any, doing: Opens, ender: User, stripe: RunningSandbox, price: dict[str, Any]
) -> None:
    row = invoicing.of_subscription(stripe, price, days_until_due=0)
    stripe.post(f"/v1/invoices/{row.pk}/finalize")
    stripe.advance(3600)
    subscription = mirror("subscription", row.subscription_id)
    row = invoicing.mirrored_invoice(stripe, row.pk)
    assert (subscription.status, row.status) == ("past_due", "open")
    told = " ".join(operation.effects(row, {}, None).follows)
    assert "isn't cancelled" in told
    assert "active again" in told
    doing(operation.name, row, ender).submit()
    assert invoicing.now(stripe, subscription)["status"] == "active"


def test_a_draft_is_deleted_with_its_items(doing: Opens, ender: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "draft")
    for item in stripe.get("/v1/invoiceitems", invoice=row.pk)["data"]:
        mirror("invoiceitem", item["id"])
    assert any("won't wait for another invoice" in words for words in DELETE.effects(row, {}, None).follows)
    push = doing(DELETE.name, row, ender).submit()
    assert (push.state, push.after) == (Push.State.DONE, {"deleted": True})
    assert Invoice.objects.get(pk=row.pk).deleted_at
    assert stripe.get("/v1/invoiceitems", customer=row.customer_id, pending=True)["data"] == []


def test_s31_a_lost_answer_to_a_deletion_is_settled_by_reading(
    doing: Opens, ender: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, "draft")
    stripe.faults.add(method="DELETE", path="/v1/invoices", lose_answer=True, times=1)
    push = doing(DELETE.name, row, ender).submit()
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert len(stripe.requests("DELETE")) == 1
    assert Invoice.objects.get(pk=row.pk).deleted_at


@pytest.mark.parametrize("operation", [VOID, WRITE_OFF], ids=["void", "write off"])
def test_s31_a_lost_answer_is_found_out_with_one_effect(
    operation: Any, doing: Opens, ender: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe)
    stripe.faults.add(method="POST", path="/v1/invoices", lose_answer=True, times=1)
    push = doing(operation.name, row, ender).submit()
    assert resumed(push).state == Push.State.DONE
    assert [request["replayed"] for request in stripe.requests("POST")] == [False, True]


def test_a_late_write_off_does_not_follow_a_void(doing: Opens, ender: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe)
    stripe.faults.add(method="POST", path="/v1/invoices", status=500, times=1)
    first = doing(WRITE_OFF.name, row, ender).submit()
    assert first.state == Push.State.UNKNOWN
    assert doing(VOID.name, row, ender).submit().state == Push.State.DONE
    stripe.clear_requests()
    assert resumed(first).state == Push.State.REFUSED
    assert stripe.requests("POST") == []


def test_s53_a_job_names_what_it_leaves_out_and_sums_per_currency(stripe: RunningSandbox) -> None:
    rows = [
        invoicing.invoice(stripe),
        invoicing.invoice(stripe, amount=1000),
        invoicing.invoice(stripe, amount=500, currency="jpy"),
        invoicing.invoice(stripe, "paid"),
    ]
    seen = preview_job(VOID, Invoice.objects.filter(pk__in=[row.pk for row in rows]), cleaned={})
    assert (seen.total, seen.allowed, seen.sums) == (4, 3, {"eur": 3900, "jpy": 500})
    ((left_out, reason),) = seen.excluded
    assert left_out == rows[3]
    assert "credit note" in reason
