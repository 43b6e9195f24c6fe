"""Which status allows what, as Stripe's table has it, and what else forbids it: by us before Stripe is called (S36)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import CreditNote, Invoice, Push
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from tests.push import invoicing
from tests.push.conftest import Doing
from tests.push.invoicing import STATUSES
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox, SandboxError

Opens = Callable[..., Doing]
# https://docs.stripe.com/invoicing/integration/workflow-transitions
ALLOWED = {
    "finalize_invoice": {"draft"},
    "send_invoice": {"draft", "open"},
    "pay_invoice": {"open", "uncollectible"},
    "mark_invoice_paid": {"open", "uncollectible"},
    "void_invoice": {"open", "uncollectible"},
    "mark_invoice_uncollectible": {"open"},
    "delete_draft_invoice": {"draft"},
    "edit_invoice": {"draft", "open"},
    "create_credit_note": {"open", "paid", "uncollectible"},
    "add_invoice_lines": {"draft"},
}
# What a form needs to be complete.
FILLED: dict[str, dict[str, Any]] = {
    "edit_invoice": {"description": "Thank you"},
    "create_credit_note": {"amount": 100},
    "add_invoice_lines": {"lines": [{"description": "More", "amount": 100, "quantity": 1}]},
}
PAID_BACK = {"credit_amount": 100}
# The stand-in takes them where we don't: paying a draft finalizes it on the way; what can still be edited of an invoice
# that was written off isn't documented.
ONLY_OURS = {("pay_invoice", "draft"), ("mark_invoice_paid", "draft"), ("edit_invoice", "uncollectible")}


@pytest.fixture
def biller(staff: Callable[..., User]) -> User:
    """May do all that can be done to invoices."""
    return staff("biller", *{get_operation(name).permission for name in ALLOWED}, "void_credit_note")


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", ALLOWED)
def test_an_operation_is_done_or_refused_as_stripe_does(
    name: str, status: str, doing: Opens, biller: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, status)
    form = doing(name, row, biller)
    values = FILLED.get(name, {}) | (PAID_BACK if (name, status) == ("create_credit_note", "paid") else {})
    if status in ALLOWED[name]:
        assert form.operation.why_not(row) == ""
        assert form.submit(**values).state == Push.State.DONE
        return
    assert form.operation.why_not(row).endswith(".")
    with pytest.raises(NotAllowed):
        form.submit(**values)
    assert stripe.requests("POST") == stripe.requests("DELETE") == []
    assert not Push.objects.exists()
    if (name, status) not in ONLY_OURS:
        with pytest.raises(SandboxError):
            _by_hand(stripe, name, row)


def _by_hand(stripe: RunningSandbox, name: str, row: Any) -> None:
    """The same, past our checks."""
    operation = get_operation(name)
    defaults = {"collecting": "on", "by": "amount", "amount": 100, "email_type": "none", **FILLED.get(name, {})}
    if name == "create_credit_note":
        stripe.post("/v1/credit_notes", invoice=row.pk, amount=100)
    else:
        call = operation.plan(row, {**operation.initial(row), **defaults})
        stripe.call(call.method.upper(), call.path, **call.params)


@pytest.mark.parametrize("name", sorted({*ALLOWED, "void_credit_note"}))
def test_an_odd_shape_or_an_unknown_status_raises_nothing(name: str, db: None) -> None:
    model = CreditNote if name == "void_credit_note" else Invoice
    operation = get_operation(name)
    for data in ({}, {"status": 7}, {"status": None, "customer": [], "lines": "x", "parent": 3}):
        assert "shape" in operation.why_not(model(id="x_1", data=data))
    odd = {"status": "archived", "total": "5", "amount_remaining": None, "collection_method": "send_invoice"}
    assert operation.why_not(model(id="x_1", data={**odd, "total": 500})) == ""


@pytest.mark.parametrize("name", ["pay_invoice", "mark_invoice_paid", "create_credit_note"])
def test_s36_while_a_bank_debit_is_on_its_way_nothing_else_is_done(
    name: str, doing: Opens, biller: User, stripe: RunningSandbox
) -> None:
    row = invoicing.processing(stripe)
    assert "being processed" in get_operation(name).why_not(row)
    with pytest.raises(NotAllowed, match="being processed"):
        doing(name, row, biller).submit(**FILLED.get(name, {}))
    assert stripe.requests("POST") == []


def test_s36_what_is_partly_paid_is_credited_not_voided(doing: Opens, biller: User, stripe: RunningSandbox) -> None:
    row = invoicing.partly_paid(stripe)
    assert (row.status, row.amount_remaining) == ("open", 2000)
    with pytest.raises(NotAllowed, match="credit note"):
        doing("void_invoice", row, biller).submit()
    assert stripe.requests("POST") == []
    with pytest.raises(SandboxError, match="cannot be voided"):
        stripe.post(f"/v1/invoices/{row.pk}/void")


def test_a_subscriptions_draft_is_not_deleted(
    doing: Opens, biller: User, stripe: RunningSandbox, price: dict[str, Any]
) -> None:
    row = invoicing.of_subscription(stripe, price)
    with pytest.raises(NotAllowed, match="drafts of a subscription"):
        doing("delete_draft_invoice", row, biller).submit()
    assert stripe.requests("DELETE") == []
    with pytest.raises(SandboxError, match="created by subscriptions"):
        stripe.delete(f"/v1/invoices/{row.pk}")


@pytest.mark.parametrize("status", ["draft", "open"])
def test_what_is_charged_by_itself_is_not_sent(status: str, doing: Opens, biller: User, stripe: RunningSandbox) -> None:
    made = invoicing.draft(stripe, collection_method="charge_automatically", days_until_due=None)
    row = invoicing.mirrored_invoice(stripe, invoicing.brought_to(stripe, made, status)["id"])
    with pytest.raises(NotAllowed, match="charged automatically"):
        doing("send_invoice", row, biller).submit()
    with pytest.raises(SandboxError, match="cannot be sent right now"):
        stripe.post(f"/v1/invoices/{row.pk}/send")


def test_a_credited_invoice_has_nothing_left_to_credit(stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "paid")
    stripe.post("/v1/credit_notes", invoice=row.pk, amount=2900, credit_amount=2900)
    row = invoicing.mirrored_invoice(stripe, row.pk)
    assert "Nothing is left" in get_operation("create_credit_note").why_not(row)


def test_s36_what_was_refunded_without_a_note_counts_as_credited(stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "paid")
    payment = stripe.get("/v1/invoice_payments", invoice=row.pk)["data"][0]["payment"]["payment_intent"]
    stripe.post("/v1/refunds", payment_intent=payment)
    row = invoicing.mirrored_invoice(stripe, row.pk)
    assert "Nothing is left" in get_operation("create_credit_note").why_not(row)


def test_a_note_that_refunded_is_not_counted_twice(stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "paid")
    note = stripe.post("/v1/credit_notes", invoice=row.pk, amount=1500, refund_amount=1500)
    mirror("credit_note", note["id"])
    row = invoicing.mirrored_invoice(stripe, row.pk)
    assert invoicing.facts(row) == (2900, 1500, 0, 1400)
