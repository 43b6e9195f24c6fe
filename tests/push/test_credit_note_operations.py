"""Credit notes: what is credited and given back, by Stripe's own preview, to the cent; and taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import CreditNote, Invoice, Push
from stripe_mirror.pull.fetch import complete_lists
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.preview import preview
from tests.push import invoicing
from tests.push.billing import buyer, previewed, resumed
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.paying import mirror
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
ISSUE, VOID = get_operation("create_credit_note"), get_operation("void_credit_note")


@pytest.fixture
def crediter(staff: Callable[..., User]) -> User:
    """May issue credit notes, and void them."""
    return staff("crediter", ISSUE.name, VOID.name)


def line_of(row: Any, position: int = 0) -> str:
    """The field of one of the invoice's lines."""
    return f"line_{row.data['lines']['data'][position]['id']}"


def long_invoice(stripe: RunningSandbox) -> Invoice:
    """An open one with more lines than Stripe sends along."""
    made = invoicing.draft(stripe, amount=0, customer=buyer(stripe)["id"])
    lines = [{"amount": 100 + day, "description": f"Day {day}"} for day in range(12)]
    stripe.post(f"/v1/invoices/{made['id']}/add_lines", lines=lines)
    invoicing.brought_to(stripe, made, "open")
    row = invoicing.mirrored_invoice(stripe, made["id"])
    complete_lists(row.kind, row.pk)
    return row


def notes(stripe: RunningSandbox, row: Any) -> list[dict[str, Any]]:
    """The invoice's notes that Stripe has, oldest first."""
    found: list[dict[str, Any]] = stripe.get("/v1/credit_notes", invoice=row.pk)["data"]
    return found[::-1]


def test_an_open_invoice_asks_for_less(doing: Opens, crediter: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe)
    form = doing(ISSUE.name, row, crediter)
    told = previewed(form, amount="9", credit_reason="order_change", memo="One less")
    assert told.money == (
        Amount("Credit note", 900, "eur"),
        Amount("Less to pay on the invoice", 900, "eur"),
    )
    assert told.lines == (Amount("Amount", 900, "eur"),)
    assert "€20.00 are left to pay." in told.follows
    stripe.clear_requests()
    push = form.submit(amount="9", credit_reason="order_change", memo="One less")
    (write,) = sent(stripe)
    assert write[1:] == (
        "/v1/credit_notes",
        {
            "amount": "900",
            "email_type": "credit_note",
            "invoice": row.pk,
            "memo": "One less",
            "reason": "order_change",
        },
    )
    note = CreditNote.objects.get(pk=push.after["credit_note"])
    assert (push.state, note.total, note.pre_payment_amount) == (Push.State.DONE, 900, 900)
    assert push.before["amount_remaining"] == 2900
    assert Invoice.objects.get(pk=row.pk).amount_remaining == 2000


def test_a_note_over_everything_makes_an_open_invoice_paid_as_told(
    doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe)
    form = doing(ISSUE.name, row, crediter)
    assert any("becomes paid, without a payment" in words for words in previewed(form, amount="29").follows)
    form.submit(amount="29")
    assert Invoice.objects.get(pk=row.pk).status == "paid"
    assert [charge for charge in stripe.objects("charge") if charge["customer"] == row.customer_id] == []


def test_what_was_paid_goes_back_three_ways_to_the_cent(doing: Opens, crediter: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "paid")
    form = doing(ISSUE.name, row, crediter)
    values = {"amount": "10", "refund_amount": "5.01", "credit_amount": "2.99", "out_of_band_amount": "2"}
    told = previewed(form, **values, email_type="none")
    assert [(amount.words, amount.amount) for amount in told.money] == [
        ("Credit note", 1000),
        ("Refunded to the customer", 501),
        ("Credited for the customer's next invoices", 299),
        ("Given back outside of Stripe", 200),
    ]
    assert "The customer gets no e-mail about it." in told.follows
    assert any("fee" in words for words in told.follows)
    push = form.submit(**values, email_type="none")
    assert push.state == Push.State.DONE
    (note,) = notes(stripe, row)
    refund = stripe.get(f"/v1/refunds/{note['refunds'][0]['refund']}")
    assert (note["post_payment_amount"], note["out_of_band_amount"], refund["amount"]) == (1000, 200, 501)
    assert stripe.get(f"/v1/customers/{row.customer_id}")["balance"] == -299


def test_of_a_partly_paid_invoice_the_rest_is_forgiven_first(
    doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    row = invoicing.partly_paid(stripe)
    errors = form_errors(ISSUE, row, amount="25")
    assert "€5.00 of this note were paid already" in errors["refund_amount"]
    form = doing(ISSUE.name, row, crediter)
    told = previewed(form, amount="25", refund_amount="5")
    assert [(amount.words, amount.amount) for amount in told.money][1:] == [
        ("Less to pay on the invoice", 2000),
        ("Refunded to the customer", 500),
    ]
    assert form.submit(amount="25", refund_amount="5").state == Push.State.DONE
    assert notes(stripe, row)[0]["type"] == "mixed"


def test_lines_are_credited_with_their_taxes_by_stripes_reckoning(
    doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    rate = stripe.post("/v1/tax_rates", display_name="VAT", percentage=19, inclusive=False)["id"]
    made = invoicing.draft(stripe, amount=0, default_tax_rates=[rate])
    lines = [{"amount": 1000, "description": "Tea"}, {"amount": 500, "description": "Cups"}]
    stripe.post(f"/v1/invoices/{made['id']}/add_lines", lines=lines)
    invoicing.brought_to(stripe, made, "paid")
    row = invoicing.mirrored_invoice(stripe, made["id"])
    assert row.total == 1785
    form = doing(ISSUE.name, row, crediter)
    tea = line_of(row)
    wrong = preview(ISSUE, row, form.cleaned(by="lines", **{tea: "10"}, credit_amount="10"), ask=True)
    assert not wrong.may_confirm, "S43: a preview that fails can't be confirmed"
    assert "must equal the credit note amount" in wrong.failure
    values = {"by": "lines", tea: "10", "credit_amount": "11.90"}
    told = previewed(form, **values)
    assert told.lines == (Amount("Tea", 1000, "eur"), Amount("Tax", 190, "eur"))
    assert told.money[0] == Amount("Credit note", 1190, "eur")
    stripe.clear_requests()
    assert form.submit(**values).state == Push.State.DONE
    wanted = {"amount": "1000", "invoice_line_item": tea.removeprefix("line_"), "type": "invoice_line_item"}
    assert sent(stripe)[0][2]["lines"] == {"0": wanted}
    assert notes(stripe, row)[0]["total"] == 1190


def test_a_preview_that_shows_only_the_first_lines_still_adds_up(
    doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    row = long_invoice(stripe)
    every = dict.fromkeys((name for name in ISSUE.get_form(row).fields if name.startswith("line_")), "1.00")
    assert len(every) == 12
    told = previewed(doing(ISSUE.name, row, crediter), by="lines", **every)
    assert told.lines[-1] == Amount("Further lines", 200, "eur")
    assert sum(line.amount for line in told.lines) == told.money[0].amount == 1200


def test_the_preview_asks_what_the_call_sends(doing: Opens, crediter: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "paid")
    form = doing(ISSUE.name, row, crediter)
    cleaned = form.cleaned(amount="5", refund_amount="5")
    question, call = ISSUE.preview(row, cleaned), ISSUE.plan(row, cleaned)
    assert question is not None
    assert (question.method, question.path) == ("get", "/v1/credit_notes/preview")
    assert question.params == call.params
    preview(ISSUE, row, cleaned, ask=True)
    assert notes(stripe, row) == []
    assert stripe.requests("POST") == []


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({}, "amount", "Write the amount"),
        ({"amount": "5.005", "credit_amount": "5"}, "amount", "EUR has 2 decimals"),
        ({"amount": "30", "credit_amount": "30"}, "amount", "At most €29.00"),
        ({"amount": "5"}, "refund_amount", "must add up"),
        ({"amount": "5", "refund_amount": "2", "credit_amount": "2"}, "refund_amount", "add up to €4.00"),
        ({"amount": "5", "refund_amount": "-5"}, "refund_amount", "above"),
        ({"by": "lines"}, "by", "at least one line"),
        ({"amount": "5", "credit_amount": "5", "credit_reason": "bored"}, "credit_reason", "valid choice"),
        ({"amount": "5", "credit_amount": "5", "memo": "x" * 5001}, "memo", "5000"),
        ({"amount": "5", "credit_amount": "5", "reason": ""}, "reason", "required"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    values: dict[str, Any], field: str, words: str, stripe: RunningSandbox
) -> None:
    errors = form_errors(ISSUE, invoicing.invoice(stripe, "paid"), **values)
    assert list(errors) == [field]
    assert words in errors[field]


def test_a_line_is_not_credited_beyond_its_amount(stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "paid")
    errors = form_errors(ISSUE, row, by="lines", **{line_of(row): "29.01"}, credit_amount="29.01")
    assert "over €29.00 only" in errors[line_of(row)]


def test_an_unpaid_part_is_not_given_back(stripe: RunningSandbox) -> None:
    errors = form_errors(ISSUE, invoicing.invoice(stripe), amount="5", refund_amount="5", credit_amount="1")
    assert set(errors) == {"refund_amount", "credit_amount"}
    assert "Nothing of it was paid through Stripe" in errors["refund_amount"]
    assert "only lowers what is left to pay" in errors["credit_amount"]


@pytest.mark.parametrize(("currency", "typed"), [("jpy", "500.5"), ("ugx", "5.5"), ("kwd", "5.0005")])
def test_s50_s51_decimals_that_a_currency_has_not_are_refused(
    currency: str, typed: str, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, amount=90_000, currency=currency)
    assert set(form_errors(ISSUE, row, amount=typed)) == {"amount"}


@pytest.mark.parametrize(("currency", "typed", "minor"), [("jpy", "500", "500"), ("ugx", "5", "500")])
def test_s50_s51_amounts_are_sent_in_the_minor_units_of_stripe(
    currency: str, typed: str, minor: str, doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, amount=90_000, currency=currency)
    assert doing(ISSUE.name, row, crediter).submit(amount=typed).state == Push.State.DONE
    assert sent(stripe)[0][2]["amount"] == minor


def test_s36_a_disputed_payment_is_not_refunded_but_can_be_credited(
    doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, "paid")
    charge = row.payments.get().payment_intent.latest_charge_id
    mirror("dispute", stripe.happens("dispute_charge", charge=charge)["id"])
    row = invoicing.mirrored_invoice(stripe, row.pk)
    assert "disputed" in form_errors(ISSUE, row, amount="5", refund_amount="5")["refund_amount"]
    assert form_errors(ISSUE, row, amount="5", credit_amount="5") == {}


def test_what_was_paid_elsewhere_is_not_refunded_through_stripe(stripe: RunningSandbox) -> None:
    made = invoicing.brought_to(stripe, invoicing.draft(stripe), "open")
    stripe.post(f"/v1/invoices/{made['id']}/pay", paid_out_of_band=True)
    row = invoicing.mirrored_invoice(stripe, made["id"])
    errors = form_errors(ISSUE, row, amount="5", refund_amount="5")
    assert "Nothing of it was paid through Stripe" in errors["refund_amount"]
    assert form_errors(ISSUE, row, amount="5", out_of_band_amount="5") == {}


def test_a_deleted_customer_gets_no_credit(stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "paid")
    stripe.delete(f"/v1/customers/{row.customer_id}")
    mirror("customer", row.customer_id)
    assert "deleted" in form_errors(ISSUE, row, amount="5", credit_amount="5")["credit_amount"]


def test_s33_who_comes_second_learns_what_the_first_one_credited(
    doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, "paid")
    first, second = (doing(ISSUE.name, row, crediter) for _ in range(2))
    first.submit(amount="29", credit_amount="29")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match=r"€29\.00 by Crediter"):
        second.submit(amount="29", credit_amount="29")
    assert stripe.requests("POST") == []


def test_s33_a_split_that_no_longer_fits_is_not_sent(doing: Opens, crediter: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe)
    form = doing(ISSUE.name, row, crediter)
    cleaned = form.cleaned(amount="5")
    stripe.post(f"/v1/invoices/{row.pk}/pay")
    stripe.clear_requests()
    row = invoicing.mirrored_invoice(stripe, row.pk)
    with pytest.raises(NotAllowed, match="were paid already"):
        ISSUE.plan(row, cleaned)


def test_s32_two_equal_notes_are_two(doing: Opens, crediter: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "paid")
    for _ in range(2):
        assert doing(ISSUE.name, row, crediter).submit(amount="5", credit_amount="5").state == Push.State.DONE
        row.refresh_from_db()
    assert [note["total"] for note in notes(stripe, row)] == [500, 500]


def test_s31_a_lost_answer_is_found_out_once_and_blocks_another_note_meanwhile(
    doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, "paid")
    stripe.faults.add(method="POST", path="/v1/credit_notes", lose_answer=True, times=1)
    push = doing(ISSUE.name, row, crediter).submit(amount="5", refund_amount="5")
    assert push.state == Push.State.UNKNOWN
    with pytest.raises(NotAllowed, match="isn't confirmed yet"):
        doing(ISSUE.name, row, crediter).submit(amount="5", refund_amount="5")
    assert resumed(push).state == Push.State.DONE
    assert [note["total"] for note in notes(stripe, row)] == [500]
    assert CreditNote.objects.filter(invoice=row.pk).count() == 1


def test_stripes_refusal_stands_at_its_field(doing: Opens, crediter: User, stripe: RunningSandbox) -> None:
    assert ISSUE.field_for_param("reason") == "credit_reason"
    assert ISSUE.field_for_param("lines[0][amount]") == "by"
    assert ISSUE.field_for_param("refund_amount") == "refund_amount"
    row = invoicing.invoice(stripe, "paid")
    form = doing(ISSUE.name, row, crediter)
    # Refunded in the Dashboard, and not seen here yet.
    stripe.post("/v1/refunds", payment_intent=row.payments.get().payment_intent_id, amount=2000)
    push = form.submit(amount="29", refund_amount="29")
    assert push.state == Push.State.REFUSED
    assert "greater than unrefunded amount" in push.message


def test_a_note_on_an_open_invoice_is_undone_and_all_is_as_before(
    doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe)
    before = invoicing.now(stripe, row)
    push = doing(ISSUE.name, row, crediter).submit(amount="9")
    assert undone(push, crediter).state == Push.State.DONE
    now = invoicing.now(stripe, row)
    sums = ("amount_due", "amount_remaining", "status", "pre_payment_credit_notes_amount")
    assert [now[name] for name in sums] == [before[name] for name in sums]
    assert CreditNote.objects.get(invoice=row.pk).status == "void"


@pytest.mark.parametrize("values", [{"amount": "9", "credit_amount": "9"}, {"amount": "9", "refund_amount": "9"}])
def test_what_was_given_back_has_no_undo(
    values: dict[str, str], doing: Opens, crediter: User, stripe: RunningSandbox
) -> None:
    push = doing(ISSUE.name, invoicing.invoice(stripe, "paid"), crediter).submit(**values)
    assert ISSUE.undo(push) is None
    assert ISSUE.final_warning


def test_a_note_is_voided_only_while_its_invoice_is_open(doing: Opens, crediter: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe)
    made = stripe.post("/v1/credit_notes", invoice=row.pk, amount=900)
    note = mirror("credit_note", made["id"])
    assert VOID.effects(note, {}, None).money == (Amount("To be paid again", 900, "eur"),)
    stripe.post(f"/v1/invoices/{row.pk}/pay")
    invoicing.mirrored_invoice(stripe, row.pk)
    with pytest.raises(NotAllowed, match="Its invoice is paid"):
        doing(VOID.name, note, crediter).submit()
    assert stripe.requests("POST") == []


def test_a_note_is_voided_once(doing: Opens, crediter: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe)
    note = mirror("credit_note", stripe.post("/v1/credit_notes", invoice=row.pk, amount=900)["id"])
    stripe.clear_requests()
    stripe.faults.add(method="POST", path="/v1/credit_notes", lose_answer=True, times=1)
    push = doing(VOID.name, note, crediter).submit()
    assert sent(stripe) == [("POST", f"/v1/credit_notes/{note.pk}/void", {})]
    assert resumed(push, hours=24).state == Push.State.DONE
    note.refresh_from_db()
    assert note.status == "void"
    with pytest.raises(NotAllowed, match="void already"):
        doing(VOID.name, note, crediter).submit()


def test_a_long_invoice_offers_lines_that_stripe_cut_off(stripe: RunningSandbox) -> None:
    row = long_invoice(stripe)
    every = {f"line_{line['id']}" for line in stripe.get(f"/v1/invoices/{row.pk}/lines", limit=100)["data"]}
    assert len(every) == 12
    assert every <= set(ISSUE.get_form(row).fields)
