"""Making invoices: the draft and then its lines, once, whatever happens between the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from stripe_mirror.models import Invoice, Push
from stripe_mirror.money import exponent, shown_decimals
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.invoice_lines import InvoiceLinesField
from stripe_mirror.push.operation import get_operation, operations_for
from stripe_mirror.push.preview import preview
from stripe_mirror.push.submit import due_pushes, resume
from tests.push import invoicing  # noqa: F401
from tests.push.billing import buyer, resumed
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.paying import mirror
from tests.sandbox.billing.money import THREE_DECIMAL, TWO_DECIMAL, ZERO_DECIMAL
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
CREATE = get_operation("create_invoice")
ADVICE = {"description": "Advice", "amount": "100", "quantity": ""}
HOURS = {"description": "Hours", "amount": "29.50", "quantity": "3"}
LESS = {"description": "Because it was late", "amount": "-8.50", "quantity": "1"}


@pytest.fixture
def biller(staff: Callable[..., User]) -> User:
    """May make invoices, and delete drafts."""
    return staff("biller", CREATE.name, "delete_draft_invoice")


@pytest.fixture
def payer(stripe: RunningSandbox) -> Any:
    """A customer who is billed in eur and has a card."""
    made = buyer(stripe)
    stripe.post(f"/v1/customers/{made['id']}/balance_transactions", amount=-500, currency="eur")
    stripe.post("/v1/invoiceitems", customer=made["id"], amount=500, currency="eur", description="Postage")
    row = mirror("customer", made["id"])
    for item in stripe.get("/v1/invoiceitems", customer=made["id"])["data"]:
        mirror("invoiceitem", item["id"])
    stripe.clear_requests()
    return row


def made_by(push: Push) -> Invoice:
    """The mirrored invoice that a push has made."""
    return Invoice.objects.get(pk=push.after["invoice"])


def lines_of(stripe: RunningSandbox, invoice: Invoice) -> list[tuple[str, int, int]]:
    """Words, amount and quantity of each line that Stripe has."""
    lines = stripe.get(f"/v1/invoices/{invoice.pk}/lines")["data"]
    return [(line["description"], line["amount"], line["quantity"]) for line in lines]


def test_a_draft_is_made_and_then_its_lines_are_put_on_it(
    doing: Opens, biller: User, payer: Any, stripe: RunningSandbox
) -> None:
    form = doing(CREATE.name, payer, biller)
    push = form.submit(
        lines=[ADVICE, HOURS, LESS],
        collection_method="send_invoice",
        days_until_due="14",
        description="For May",
    )
    assert push.state == Push.State.DONE
    invoice = made_by(push)
    (_, first, params), (_, second, added) = sent(stripe)
    assert (first, second) == ("/v1/invoices", f"/v1/invoices/{invoice.pk}/add_lines")
    assert params == {
        "collection_method": "send_invoice",
        "currency": "eur",
        "customer": payer.pk,
        "days_until_due": "14",
        "description": "For May",
    }
    assert len(added["lines"]) == 3
    assert lines_of(stripe, invoice) == [("Advice", 10000, 1), ("Hours", 8850, 3), ("Because it was late", -850, 1)]
    assert (invoice.status, invoice.total, invoice.currency) == ("draft", 18000, "eur")
    step = push.steps.get()
    assert (step.operation, step.state, step.user) == ("add_invoice_lines", Push.State.DONE, biller)
    assert step.after["total"] == 18000


def test_it_costs_two_writes_and_two_reads(doing: Opens, biller: User, payer: Any, stripe: RunningSandbox) -> None:
    doing(CREATE.name, payer, biller).submit(lines=[ADVICE])
    methods = [request["method"] for request in stripe.requests()]
    # The customer before and after, and the draft before its lines.
    assert methods == ["GET", "POST", "GET", "GET", "POST"]


def test_the_page_says_what_will_stand_on_it(doing: Opens, biller: User, payer: Any) -> None:
    cleaned = doing(CREATE.name, payer, biller).cleaned(
        lines=[ADVICE, HOURS], include_pending="on", collection_method="charge_automatically"
    )
    assert CREATE.summary(payer, cleaned) == [
        "Advice: €100.00.",
        "Hours: 3 × €29.50 = €88.50.",
        "What is pending is put on it, too.",
        "Charge the customer automatically.",
    ]
    told = CREATE.effects(payer, cleaned, None)
    assert told.lines == (
        Amount("Advice", 10000, "eur"),
        Amount("Hours", 8850, "eur"),
        Amount("Postage (pending)", 500, "eur"),
    )
    assert told.money == (Amount("Sum of the lines", 19350, "eur"),)
    assert "until somebody finalizes the draft" in told.follows[0]
    assert any("product" in words for words in told.follows)


def test_what_is_pending_comes_onto_it_alone_or_beside_lines(
    doing: Opens, biller: User, payer: Any, stripe: RunningSandbox
) -> None:
    push = doing(CREATE.name, payer, biller).submit(include_pending="on", collection_method="charge_automatically")
    (only,) = sent(stripe)
    assert only[2]["pending_invoice_items_behavior"] == "include"
    assert "days_until_due" not in only[2]
    assert lines_of(stripe, made_by(push)) == [("Postage", 500, 1)]
    assert not push.steps.exists()
    again = doing(CREATE.name, payer, biller).submit(lines=[ADVICE])
    assert lines_of(stripe, made_by(again)) == [("Advice", 10000, 1)]


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"lines": []}, "lines", "at least one line"),
        ({"lines": [{**ADVICE, "amount": "1.005"}]}, "lines", "Line 1: EUR has 2 decimals"),
        ({"lines": [ADVICE, {**ADVICE, "amount": "0"}]}, "lines", "Line 2: Write an amount"),
        ({"lines": [{**ADVICE, "amount": "ten"}]}, "lines", "as a number"),
        ({"lines": [{**ADVICE, "description": ""}]}, "lines", "what it is for"),
        ({"lines": [{**ADVICE, "quantity": "0"}]}, "lines", "whole number"),
        ({"lines": [{**ADVICE, "quantity": "1.5"}]}, "lines", "whole number"),
        ({"lines": [{**LESS, "quantity": "2"}]}, "lines", "can't have a quantity"),
        ({"lines": [ADVICE] * 11}, "lines", "at most 10"),
        ({"lines": [{**ADVICE, "description": "sk_" + "live_123456"}]}, "lines", "Stripe key"),
        ({"currency": "usd"}, "currency", "billed in EUR"),
        ({"currency": "xyz"}, "currency", "three letters"),
        ({"collection_method": "send_invoice", "days_until_due": ""}, "days_until_due", "how many days"),
        ({"collection_method": "send_invoice", "days_until_due": "-1"}, "days_until_due", "greater than"),
        ({"description": "x" * 1501}, "description", "1500"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(values: dict[str, Any], field: str, words: str, payer: Any) -> None:
    errors = form_errors(CREATE, payer, **{"lines": [ADVICE], **values})
    assert list(errors) == [field]
    assert words in errors[field]


@pytest.mark.parametrize(
    ("currency", "typed", "minor"),
    [("jpy", "500", 500), ("ugx", "5", 500), ("isk", "5", 500), ("kwd", "5.12", 5120), ("usd", "5.12", 512)],
)
def test_s50_s51_amounts_are_sent_in_the_minor_units_of_stripe(
    currency: str, typed: str, minor: int, doing: Opens, biller: User, stripe: RunningSandbox
) -> None:
    row = mirror("customer", stripe.post("/v1/customers", email="a@example.com")["id"])
    stripe.clear_requests()
    push = doing(CREATE.name, row, biller).submit(currency=currency, lines=[{**ADVICE, "amount": typed}])
    assert made_by(push).total == minor
    assert sent(stripe)[1][2]["lines"]["0"]["amount"] == str(minor)


@pytest.mark.parametrize(("currency", "typed"), [("jpy", "500.5"), ("kwd", "5.0005"), ("ugx", "5.5")])
def test_s51_too_many_decimals_are_refused_at_the_field(currency: str, typed: str, stripe: RunningSandbox) -> None:
    row = mirror("customer", stripe.post("/v1/customers", email="a@example.com")["id"])
    errors = form_errors(CREATE, row, currency=currency, lines=[{**ADVICE, "amount": typed}])
    assert list(errors) == ["lines"]


EVERY_CURRENCY = sorted(ZERO_DECIMAL | THREE_DECIMAL | TWO_DECIMAL)


@given(currency=st.sampled_from(EVERY_CURRENCY), units=st.integers(1, 10**9), minus=st.booleans())
def test_s51_a_lines_amount_reads_back_as_it_was_written(currency: str, units: int, minus: bool) -> None:
    minor = (-1 if minus else 1) * units * {3: 10, 2: 1, 0: 1}[exponent(currency)]
    minor *= 100 if shown_decimals(currency) < exponent(currency) else 1
    field = InvoiceLinesField(currency=currency)
    (shown,) = field.prepare_value([{"description": "Advice", "amount": minor, "quantity": 1}])
    assert field.clean([{**shown, "quantity": ""}]) == [{"description": "Advice", "amount": minor, "quantity": 1}]


@pytest.mark.parametrize("currency", EVERY_CURRENCY)
def test_s51_a_line_takes_no_decimal_more_than_its_currency_has(currency: str) -> None:
    allowed = 2 if currency in THREE_DECIMAL else shown_decimals(currency)
    field = InvoiceLinesField(currency=currency)
    fitting = f"1.{'1' * allowed}" if allowed else "1"
    assert field.clean([{**ADVICE, "amount": fitting}])
    with pytest.raises(ValidationError, match=f"Line 1: .*{currency.upper()}"):
        field.clean([{**ADVICE, "amount": f"1.{'1' * (allowed + 1)}"}])


def test_a_short_invoice_shows_a_few_rows_and_keeps_the_others_at_hand() -> None:
    field = InvoiceLinesField()
    shown = field.widget.render("lines", [])
    sight, rest = shown.split("<details", 1)
    assert (sight.count('name="lines-amount"'), rest.count('name="lines-amount"')) == (4, 6)
    full = field.widget.render("lines", [ADVICE] * 10)
    assert ("<details" in full, full.count('name="lines-amount"')) == (False, 10)


def test_nothing_is_promised_before_anything_is_written(payer: Any) -> None:
    shown = preview(CREATE, payer, CREATE.initial(payer), ask=False)
    assert (shown.summary, shown.effects.money, shown.may_confirm) == ([], (), True)


def test_the_table_is_read_as_a_browser_posts_it(payer: Any) -> None:
    posted = QueryDict(mutable=True)
    posted.update({"currency": "EUR", "collection_method": "send_invoice", "days_until_due": "30"})
    columns = {"description": ["Advice", "", "Hours"], "amount": ["100", "", "29.50"], "quantity": ["", "", "3"]}
    for name, values in columns.items():
        posted.setlist(f"lines-{name}", values)
    form = CREATE.get_form(payer, posted)
    assert form.is_valid(), form.errors
    wanted = [("Advice", 10000, 1), ("Hours", 2950, 3)]
    assert [tuple(line.values()) for line in form.cleaned_data["lines"]] == wanted
    shown = str(form["lines"])
    assert shown.count('name="lines-description"') == 10
    assert 'value="29.50"' in shown


def test_a_deleted_customer_gets_no_invoice(doing: Opens, biller: User, payer: Any, stripe: RunningSandbox) -> None:
    form = doing(CREATE.name, payer, biller)
    stripe.delete(f"/v1/customers/{payer.pk}")
    with pytest.raises(NotAllowed, match="deleted"):
        form.submit(lines=[ADVICE])
    assert stripe.requests("POST") == []


def test_s31_a_lost_answer_to_the_draft_makes_one_draft_with_its_lines(
    doing: Opens, biller: User, payer: Any, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/invoices", lose_answer=True, times=1)
    push = doing(CREATE.name, payer, biller).submit(lines=[ADVICE, HOURS])
    assert push.state == Push.State.UNKNOWN
    push = resumed(push)
    assert push.state == Push.State.DONE
    (invoice,) = stripe.get("/v1/invoices", customer=payer.pk)["data"]
    assert made_by(push).pk == invoice["id"]
    assert invoice["total"] == 18850


def test_s31_a_lost_answer_to_the_lines_puts_them_on_once(
    doing: Opens, biller: User, payer: Any, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="^/v1/invoices/.*/add_lines", lose_answer=True, times=1)
    push = doing(CREATE.name, payer, biller).submit(lines=[ADVICE, HOURS])
    step = push.steps.get()
    assert (push.state, step.state) == (Push.State.DONE, Push.State.UNKNOWN)
    assert resumed(step).state == Push.State.DONE
    assert len(lines_of(stripe, made_by(push))) == 2


@pytest.mark.parametrize(("happened", "state"), [(True, Push.State.DONE), (False, Push.State.REFUSED)])
def test_s31_past_the_keys_lifetime_the_lines_themselves_tell(
    happened: bool, state: str, doing: Opens, biller: User, payer: Any, stripe: RunningSandbox
) -> None:
    fault = {"lose_answer": True} if happened else {"status": 500}
    stripe.faults.add(method="POST", path="^/v1/invoices/.*/add_lines", times=1, **fault)
    push = doing(CREATE.name, payer, biller).submit(lines=[ADVICE, HOURS, HOURS])
    assert resumed(push.steps.get(), hours=24).state == state
    assert len(stripe.requests("POST", f"/v1/invoices/{made_by(push).pk}")) == 1


def test_s45_a_process_that_dies_between_draft_and_lines_is_taken_over(
    doing: Opens, biller: User, payer: Any, stripe: RunningSandbox, impatient: None
) -> None:
    stripe.faults.add(method="GET", path="/v1/invoices", status=500, times=10)
    push = doing(CREATE.name, payer, biller).submit(lines=[ADVICE])
    step = push.steps.get()
    assert (push.state, step.state) == (Push.State.DONE, Push.State.PLANNED)
    stripe.faults.clear()
    Push.objects.filter(pk=step.pk).update(next_attempt_at=timezone.now())
    assert step.pk in due_pushes()
    resume(step.pk)
    step.refresh_from_db()
    assert step.state == Push.State.DONE
    assert lines_of(stripe, made_by(push)) == [("Advice", 10000, 1)]


def test_s32_two_equal_invoices_are_two(doing: Opens, biller: User, payer: Any, stripe: RunningSandbox) -> None:
    for _ in range(2):
        doing(CREATE.name, payer, biller).submit(lines=[ADVICE])
    assert [row["total"] for row in stripe.get("/v1/invoices", customer=payer.pk)["data"]] == [10000, 10000]


def test_a_draft_is_undone_by_deleting_it_as_long_as_it_is_one(
    doing: Opens, biller: User, payer: Any, stripe: RunningSandbox
) -> None:
    first, second = (doing(CREATE.name, payer, biller).submit(lines=[ADVICE]) for _ in range(2))
    stripe.post(f"/v1/invoices/{made_by(second).pk}/finalize")
    mirror("invoice", made_by(second).pk)
    assert CREATE.undo(second) is None
    assert undone(first, biller).state == Push.State.DONE
    assert [row["id"] for row in stripe.get("/v1/invoices", customer=payer.pk)["data"]] == [made_by(second).pk]


def offered() -> Iterator[str]:
    """The operations that staff see on customers and invoices."""
    return (operation.name for kind in ("customer", "invoice") for operation in operations_for(kind))


def test_the_second_step_is_no_button() -> None:
    assert "create_invoice" in offered()
    assert "add_invoice_lines" not in offered()
