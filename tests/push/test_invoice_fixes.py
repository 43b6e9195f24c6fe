"""What is advised for a wrong invoice, over all statuses and problems; nobody is asked."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from stripe_mirror.models import Invoice
from stripe_mirror.push.invoice_again import same_again
from stripe_mirror.push.invoice_creation import CreateInvoice
from stripe_mirror.push.invoice_facts import InvoiceFacts
from stripe_mirror.push.invoice_fix_steps import CHARGE, CUSTOMER, INVOICE, NEW_INVOICE, SUBSCRIPTION, FixStep
from stripe_mirror.push.invoice_fixes import KNOWN, Problem, advise
from stripe_mirror.push.invoice_operation import InvoiceOperation
from stripe_mirror.push.operation import get_operation

TOTAL = 2900
DONE_TO = {
    INVOICE: "invoice",
    NEW_INVOICE: "invoice",
    CUSTOMER: "customer",
    SUBSCRIPTION: "subscription",
    CHARGE: "charge",
}
# Status → what is advised by the first way for an invoice of 29.00 eur without a subscription.
EXPECTED: dict[Problem, dict[str, list[str]]] = {
    Problem.WRONG_AMOUNT: {
        "draft": ["delete_draft_invoice", "create_invoice"],
        "open": ["create_credit_note"],
        "paid": ["create_credit_note"],
        "uncollectible": ["create_credit_note"],
        "void": ["create_invoice"],
        "deleted": ["create_invoice"],
    },
    Problem.WRONG_DETAILS: {
        "draft": ["edit_customer"],
        "open": ["edit_customer", "void_invoice", "create_invoice"],
        "paid": ["edit_customer", "create_credit_note", "create_invoice", "finalize_invoice"],
        "uncollectible": ["edit_customer", "void_invoice", "create_invoice"],
        "void": ["edit_customer", "create_invoice"],
        "deleted": ["edit_customer", "create_invoice"],
    },
    Problem.SHOULD_NOT_EXIST: {
        "draft": ["delete_draft_invoice"],
        "open": ["void_invoice"],
        "paid": ["create_credit_note"],
        "uncollectible": ["void_invoice"],
        "void": [],
        "deleted": [],
    },
    Problem.PAID_ELSEWHERE: {
        "draft": ["finalize_invoice", "mark_invoice_paid"],
        "open": ["mark_invoice_paid"],
        "paid": ["refund_charge"],
        "uncollectible": ["mark_invoice_paid"],
        "void": ["create_invoice", "finalize_invoice", "mark_invoice_paid"],
        "deleted": ["create_invoice", "finalize_invoice", "mark_invoice_paid"],
    },
    Problem.WILL_NOT_BE_PAID: {
        "draft": ["delete_draft_invoice"],
        "open": ["mark_invoice_uncollectible"],
        "paid": [],
        "uncollectible": [],
        "void": [],
        "deleted": [],
    },
    Problem.CHARGED_BY_MISTAKE: {
        "draft": ["delete_draft_invoice"],
        "open": ["void_invoice"],
        "paid": ["create_credit_note"],
        "uncollectible": ["void_invoice"],
        "void": [],
        "deleted": [],
    },
}


def facts(status: str, **more: Any) -> InvoiceFacts:
    """An invoice of 29.00 eur in this status, paid as far as the status says."""
    paid = TOTAL if status == "paid" else 0
    given = {"remaining": TOTAL - paid, "paid": paid, "refundable": paid, **more}
    return InvoiceFacts(status=status, currency="eur", total=TOTAL, customer="cus_1", **given)


def every_case() -> list[InvoiceFacts]:
    """Each status with and without a subscription, unpaid, partly and wholly paid, credited, refunded, disputed."""
    found = []
    for status, subscription in product(KNOWN, ("", "sub_1")):
        found.append(facts(status, subscription=subscription))
        if status == "draft":
            found.append(facts(status, subscription=subscription, remaining=0))
        if status in ("open", "uncollectible"):
            partly = {"paid": 900, "refundable": 900, "remaining": 2000}
            found.append(facts(status, subscription=subscription, **partly))
            found.append(facts(status, subscription=subscription, remaining=2000, credited=900))
        if status == "paid":
            for more in (
                {"refundable": 0, "why_not_refundable": "It is disputed."},
                {"refundable": None},
                {"refundable": 1900, "refunded": 1000},
                {"refundable": 0, "credited": TOTAL},
                {"paid": 0, "refundable": 0, "paid_elsewhere": TOTAL},
            ):
                found.append(facts(status, subscription=subscription, **more))
    return found


@pytest.mark.parametrize("status", KNOWN)
@pytest.mark.parametrize("problem", Problem)
def test_the_way_is_the_one_of_stripes_table(problem: Problem, status: str) -> None:
    advice = advise(facts(status), problem)
    first = [step.operation for step in advice.ways[0].steps] if advice.ways else []
    assert first == EXPECTED[problem][status]


@pytest.mark.parametrize("problem", Problem)
def test_there_is_a_way_or_a_reason_why_there_is_none(problem: Problem) -> None:
    for case in every_case():
        advice = advise(case, problem)
        assert bool(advice.ways) != bool(advice.nothing), case
        whens = [way.when for way in advice.ways]
        assert len(whens) == 1 or all(whens), "of several ways each says when it is the one"


def steps_of(case: InvoiceFacts, problem: Problem) -> list[FixStep]:
    return [step for way in advise(case, problem).ways for step in (*way.steps, *way.also)]


@pytest.mark.parametrize("problem", Problem)
def test_each_step_is_an_operation_that_staff_are_offered_on_what_it_names(problem: Problem) -> None:
    for case in every_case():
        for step in steps_of(case, problem):
            operation = get_operation(step.operation)
            assert operation.offered
            assert operation.object_type == DONE_TO[step.on]
            assert set(step.values) <= set(operation.form_class.base_fields)
            assert step.why.endswith(".")
            assert step.money.endswith(".")


@pytest.mark.parametrize("problem", Problem)
def test_the_first_step_on_the_invoice_is_legal_in_its_status(problem: Problem) -> None:
    for case in every_case():
        row = Invoice(id="in_1", data={"status": case.status, "total": case.total})
        for way in advise(case, problem).ways:
            own = [get_operation(step.operation) for step in way.steps if step.on == INVOICE]
            if own and isinstance(own[0], InvoiceOperation):
                assert case.status not in own[0].refused, (way, row)


def test_money_is_never_split_beyond_what_there_is() -> None:
    for problem, case in product(Problem, every_case()):
        for step in steps_of(case, problem):
            given = step.values
            if "amount" in given:
                back = given.get("refund_amount", 0) + given.get("credit_amount", 0)
                assert 0 < given["amount"] <= case.creditable
                assert back == max(0, given["amount"] - case.remaining)
                if case.refundable is not None:
                    assert given.get("refund_amount", 0) <= case.refundable


def test_while_a_payment_is_processed_nothing_is_advised() -> None:
    for problem in Problem:
        advice = advise(facts("open", processing=True), problem)
        assert advice.ways == ()
        assert "being processed" in advice.nothing


def test_an_unknown_status_is_left_to_stripe() -> None:
    advice = advise(facts("archived"), Problem.WRONG_AMOUNT)
    assert (advice.ways, "“archived”" in advice.nothing) == ((), True)


def test_what_the_subscription_would_do_again_is_said() -> None:
    (way,) = advise(facts("open", subscription="sub_1"), Problem.SHOULD_NOT_EXIST).ways
    assert [step.operation for step in way.also] == ["cancel_subscription"]
    less, *_ = advise(facts("paid", subscription="sub_1"), Problem.WRONG_AMOUNT).ways
    assert [step.operation for step in less.also] == ["change_subscription_plan"]


def test_money_of_a_lost_dispute_is_not_promised_back() -> None:
    disputed = facts("paid", refundable=0, why_not_refundable="It is disputed.")
    assert "It is disputed." in advise(disputed, Problem.CHARGED_BY_MISTAKE).nothing
    (way,) = advise(disputed, Problem.SHOULD_NOT_EXIST).ways
    assert way.steps[0].values == {"by": "amount", "amount": TOTAL, "credit_amount": TOTAL}
    assert "as a refund" not in way.steps[0].money


def line(description: str, amount: int, quantity: int | None = 1) -> dict[str, Any]:
    return {"description": description, "amount": amount, "quantity": quantity}


def invoice(lines: list[Any], **more: Any) -> Invoice:
    data = {"object": "invoice", "id": "in_1", "currency": "eur", "collection_method": "send_invoice"}
    return Invoice(id="in_1", data={**data, "lines": {"data": lines, "has_more": False}, **more})


def test_the_new_one_begins_with_the_lines_of_the_old_one() -> None:
    lines = [
        line("Advice", 10000),
        line("Hours", 8850, 3),
        line("Third", 100, 3),
        line("Off", -850, 2),
        line("Free", 0),
    ]
    values = same_again(invoice(lines, created=0, due_date=14 * 86400, description="For May"))
    assert values == {
        "currency": "EUR",
        "collection_method": "send_invoice",
        "days_until_due": 14,
        "description": "For May",
        "lines": [line("Advice", 10000), line("Hours", 2950, 3), line("Third", 100), line("Off", -850)],
    }
    assert set(values) <= set(CreateInvoice.form_class.base_fields)


@pytest.mark.parametrize(
    "lines", [{"data": [line("x", 1)] * 11}, {"data": [line("x", 1)], "has_more": True}, "odd", {"data": "odd"}, None]
)
def test_half_an_invoice_is_never_taken_for_the_whole_one(lines: Any) -> None:
    row = invoice([])
    row.data["lines"] = lines
    assert "lines" not in same_again(row)
