"""Finalizing and sending invoices: what is sent, what is told before, and what Stripe makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from stripe_mirror.models import Invoice, Push
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.invoice_issuing import MINIMUMS
from stripe_mirror.push.operation import get_operation
from tests.push import invoicing
from tests.push.billing import resumed
from tests.push.conftest import Doing, sent
from tests.sandbox.billing.money import MINIMUMS as SANDBOX_MINIMUMS
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
FINALIZE, SEND = get_operation("finalize_invoice"), get_operation("send_invoice")


@pytest.fixture
def issuer(staff: Callable[..., User]) -> User:
    """May finalize and send."""
    return staff("issuer", "finalize_invoice", "send_invoice")


def test_a_finalized_draft_is_open_and_has_its_number(doing: Opens, issuer: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "draft")
    push = doing(FINALIZE.name, row, issuer).submit()
    assert sent(stripe) == [("POST", f"/v1/invoices/{row.pk}/finalize", {})]
    assert (push.state, push.before["status"], push.after["status"]) == (Push.State.DONE, "draft", "open")
    row = Invoice.objects.get(pk=row.pk)
    assert (row.status, row.number) == ("open", invoicing.now(stripe, row)["number"])
    assert FINALIZE.undo(push) is None


@pytest.mark.parametrize(
    ("was", "collecting", "params"),
    [
        (False, "keep", {}),
        (False, "off", {}),
        (False, "on", {"auto_advance": "true"}),
        (True, "off", {"auto_advance": "false"}),
        (True, "on", {}),
    ],
)
def test_only_another_setting_of_collection_is_sent(
    was: bool, collecting: str, params: dict[str, str], doing: Opens, issuer: User, stripe: RunningSandbox
) -> None:
    made = invoicing.draft(stripe, auto_advance=was, **invoicing.CHARGED, days_until_due=None)
    row = invoicing.mirrored_invoice(stripe, made["id"])
    assert doing(FINALIZE.name, row, issuer).submit(collecting=collecting).state == Push.State.DONE
    ((_, _, given),) = sent(stripe)
    assert {name: str(value).lower() for name, value in given.items()} == params
    wanted = {"on": True, "off": False}.get(collecting, was)
    assert invoicing.now(stripe, row)["auto_advance"] is wanted


@pytest.mark.parametrize(
    ("automatic", "collecting", "words"),
    [
        (True, "on", "charges the customer's payment method within about an hour"),
        (True, "off", "Nothing is charged until somebody collects it"),
        (False, "on", "Stripe sends reminders"),
        (False, "keep", "Stripe sends no reminders"),
    ],
)
def test_it_says_beforehand_what_stripe_goes_on_with(
    automatic: bool, collecting: str, words: str, stripe: RunningSandbox
) -> None:
    way: dict[str, Any] = {**invoicing.CHARGED, "days_until_due": None} if automatic else {}
    row = invoicing.mirrored_invoice(stripe, invoicing.draft(stripe, **way)["id"])
    told = FINALIZE.effects(row, {"collecting": collecting}, None)
    assert any(words in sentence for sentence in told.follows)
    assert any("buyer@example.com" in sentence for sentence in told.follows) is not automatic


def test_the_balance_that_is_used_is_told_and_then_used(doing: Opens, issuer: User, stripe: RunningSandbox) -> None:
    customer = stripe.post("/v1/customers", email="jane@example.com")["id"]
    stripe.post(f"/v1/customers/{customer}/balance_transactions", amount=-900, currency="eur")
    row = invoicing.invoice(stripe, "draft", customer=customer)
    told = FINALIZE.effects(row, {"collecting": "keep"}, None)
    assert told.money == (
        Amount("Due from the customer", 2000, "eur"),
        Amount("Taken from the customer's credit", 900, "eur"),
    )
    doing(FINALIZE.name, row, issuer).submit()
    assert invoicing.now(stripe, row)["amount_due"] == 2000


def test_what_is_due_is_told_by_its_lines_discounts_taxes_and_credit(
    doing: Opens, issuer: User, stripe: RunningSandbox
) -> None:
    customer = stripe.post("/v1/customers", email="jane@example.com")["id"]
    stripe.post(f"/v1/customers/{customer}/balance_transactions", amount=-900, currency="eur")
    rate = stripe.post("/v1/tax_rates", display_name="VAT", percentage=10, inclusive=False)["id"]
    coupon = stripe.post("/v1/coupons", percent_off=50, duration="once")["id"]
    made = invoicing.draft(stripe, 10000, customer=customer, default_tax_rates=[rate], discounts=[{"coupon": coupon}])
    row = invoicing.mirrored_invoice(stripe, made["id"])
    told = FINALIZE.effects(row, {"collecting": "keep"}, None)
    assert told.lines == (
        Amount("Advice", 10000, "eur"),
        Amount("Discounts", -5000, "eur"),
        Amount("Taxes", 500, "eur"),
        Amount("From the customer's balance", -900, "eur"),
    )
    assert sum(line.amount for line in told.lines) == told.money[0].amount
    doing(FINALIZE.name, row, issuer).submit()
    assert invoicing.now(stripe, row)["amount_due"] == told.money[0].amount


@pytest.mark.parametrize(("amount", "waits"), [(30, True), (50, False)])
def test_too_little_to_charge_is_said_to_wait_on_the_balance(
    amount: int, waits: bool, doing: Opens, issuer: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, "draft", amount=amount)
    told = FINALIZE.effects(row, {"collecting": "keep"}, None)
    assert any("€0.50 at least" in words for words in told.follows) is waits
    push = doing(FINALIZE.name, row, issuer).submit()
    assert (push.after["status"] == "paid") is waits


def test_the_least_amounts_are_those_of_stripe() -> None:
    assert {code: MINIMUMS[code] for code in SANDBOX_MINIMUMS} == SANDBOX_MINIMUMS


def test_lines_in_an_odd_shape_leave_the_other_words(stripe: RunningSandbox) -> None:
    row = Invoice(id="in_1", data={"status": "draft", "total": 100, "amount_due": 100, "currency": "eur", "lines": "x"})
    told = FINALIZE.effects(row, {"collecting": "keep"}, None)
    assert (told.lines, told.money) == ((), (Amount("Due from the customer", 100, "eur"),))


def test_a_draft_over_nothing_is_paid_at_once(doing: Opens, issuer: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "draft", amount=0)
    assert "paid at once" in FINALIZE.summary(row, {})[0]
    push = doing(FINALIZE.name, row, issuer).submit()
    assert (push.state, push.after["status"]) == (Push.State.DONE, "paid")


def test_an_invoice_is_sent_to_whom_it_says(doing: Opens, issuer: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe)
    assert "Stripe e-mails it to buyer@example.com." in SEND.effects(row, {}, None).follows
    assert doing(SEND.name, row, issuer).submit().state == Push.State.DONE
    assert sent(stripe) == [("POST", f"/v1/invoices/{row.pk}/send", {})]
    told = [event for event in stripe.objects("event") if event["data"]["object"]["id"] == row.pk]
    assert [event["type"] for event in told].count("invoice.sent") == 2, "when it was finalized, and now"


def test_a_draft_that_is_sent_is_finalized_and_says_so(doing: Opens, issuer: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "draft")
    assert "finalized first" in SEND.effects(row, {}, None).follows[0]
    assert doing(SEND.name, row, issuer).submit().after["status"] == "open"


def test_without_an_address_nobody_receives_it(stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, customer=stripe.post("/v1/customers", name="Jo")["id"])
    assert SEND.effects(row, {}, None).follows == ("The customer has no email address, so nobody receives it.",)


@pytest.mark.parametrize("name", ["finalize_invoice", "send_invoice"])
def test_s31_a_lost_answer_is_found_out_with_one_effect(
    name: str, doing: Opens, issuer: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe, "draft")
    stripe.faults.add(method="POST", path="/v1/invoices", lose_answer=True, times=1)
    push = doing(name, row, issuer).submit()
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    assert [request["replayed"] for request in stripe.requests("POST")] == [False, True]


def test_s31_past_the_keys_lifetime_the_status_tells(doing: Opens, issuer: User, stripe: RunningSandbox) -> None:
    row = invoicing.invoice(stripe, "draft")
    stripe.faults.add(method="POST", path="/v1/invoices", lose_answer=True, times=1)
    push = doing(FINALIZE.name, row, issuer).submit()
    assert resumed(push, hours=24).state == Push.State.DONE
    assert len(stripe.requests("POST")) == 1


def test_s31_past_the_keys_lifetime_nothing_is_sent_to_the_customer_again(
    doing: Opens, issuer: User, stripe: RunningSandbox
) -> None:
    row = invoicing.invoice(stripe)
    stripe.faults.add(method="POST", path="/v1/invoices", lose_answer=True, times=1)
    push = doing(SEND.name, row, issuer).submit()
    assert resumed(push, hours=24).state == Push.State.REFUSED
    assert len(stripe.requests("POST")) == 1


def test_s53_many_are_summed_per_currency(stripe: RunningSandbox) -> None:
    rows = [invoicing.invoice(stripe, "draft", amount=a, currency=c) for a, c in ((2900, "eur"), (500, "jpy"))]
    assert [sum_ for row in rows for sum_ in FINALIZE.sums(row)] == [(2900, "eur"), (500, "jpy")]
