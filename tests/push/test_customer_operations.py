"""A customer's balance and tax ids: adjusted, added, removed and taken back, in a stand-in for Stripe over HTTP."""

from __future__ import annotations

import typing
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from stripe.params._customer_create_tax_id_params import CustomerCreateTaxIdParams

from stripe_mirror.models import Customer, CustomerBalanceTransaction, Push, TaxId
from stripe_mirror.push import jobs
from stripe_mirror.push.customer_tax_forms import TAX_ID_TYPES, likely_type, type_choices
from stripe_mirror.push.effects import Amount
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import get_operation
from stripe_mirror.push.submit import resume
from tests.push.conftest import Doing, form_errors, sent, undone
from tests.push.test_submit import truth
from tests.push.test_unknown_outcomes import make_due, resumed
from tests.sandbox.testing import RunningSandbox

Opens = Callable[..., Doing]
Brings = Callable[[dict[str, Any]], Any]
ADJUST, ADD, REMOVE = map(get_operation, ("adjust_customer_balance", "add_tax_id", "remove_tax_id"))


# The balance


def test_s50_credit_arrives_in_minor_units_with_its_sign(
    doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    push = doing(ADJUST.name, payer, keeper).submit(amount="20.50", description="Outage")
    assert push.state == Push.State.DONE
    expected = {"amount": "-2050", "currency": "eur", "description": "Outage"}
    assert sent(stripe) == [("POST", f"/v1/customers/{payer.pk}/balance_transactions", expected)]
    assert truth(stripe, payer)["balance"] == -2550
    payer.refresh_from_db()
    entry = CustomerBalanceTransaction.objects.get(customer=payer.pk, description="Outage")
    assert (payer.balance, entry.amount, entry.ending_balance) == (-2550, -2050, -2550)
    assert push.before == {"balance": -500}
    assert push.after == {"balance": -2550, "balance_transaction": entry.pk}
    assert len(stripe.requests("GET")) == 2


def test_taking_credit_back_adds_to_the_balance(doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox) -> None:
    doing(ADJUST.name, payer, keeper).submit(direction="debit", amount="7")
    assert truth(stripe, payer)["balance"] == 200


@pytest.mark.parametrize(("currency", "typed", "amount"), [("jpy", "500", 500), ("ugx", "5", 500), ("kwd", "5", 5000)])
def test_s50_s51_each_currency_has_its_own_decimals(
    currency: str, typed: str, amount: int, doing: Opens, customer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    doing(ADJUST.name, customer, keeper).submit(amount=typed, currency=currency.upper())
    assert sent(stripe)[0][2] == {"amount": str(-amount), "currency": currency}
    assert truth(stripe, customer)["currency"] == currency


@pytest.mark.parametrize(
    ("currency", "amount", "field", "words"),
    [
        ("JPY", "500.5", "amount", "no decimals"),
        ("KWD", "5.0005", "amount", "at most 2 decimals"),
        ("USD", "1.005", "amount", "2 decimals"),
        ("USD", "-5", "amount", "above"),
        ("USD", "0", "amount", "above"),
        ("USD", "", "amount", "required"),
        ("XYZ", "5", "currency", "three letters"),
        ("", "5", "currency", "required"),
    ],
)
def test_s50_wrong_amounts_and_currencies_are_rejected_at_their_field(
    currency: str, amount: str, field: str, words: str, customer: Any
) -> None:
    errors = form_errors(ADJUST, customer, currency=currency, amount=amount)
    assert list(errors) == [field]
    assert words in errors[field]


def test_another_currency_than_the_customers_is_rejected(payer: Any) -> None:
    assert form_errors(ADJUST, payer, currency="USD", amount="5") == {"currency": "This customer is billed in EUR."}


def test_an_amount_is_never_taken_over_into_another_currency(
    doing: Opens, customer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    form = doing(ADJUST.name, customer, keeper)
    stripe.post(f"/v1/customers/{customer.pk}/balance_transactions", amount=1, currency="jpy")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="billed in JPY"):
        form.submit(amount="500", currency="USD")
    assert sent(stripe) == []


def test_the_form_opens_in_the_customers_currency_or_in_what_was_sold_last(
    payer: Any, customer: Any, price: dict[str, Any], mirrored: Brings
) -> None:
    assert ADJUST.initial(payer)["currency"] == "EUR"
    assert ADJUST.get_form(payer).fields["currency"].widget.attrs["readonly"]
    assert ADJUST.initial(customer)["currency"] == "USD"
    mirrored(price)
    assert ADJUST.initial(customer)["currency"] == "EUR"


def test_the_confirm_page_says_the_balance_before_and_after(payer: Any, doing: Opens, keeper: User) -> None:
    cleaned = doing(ADJUST.name, payer, keeper).cleaned(direction="debit", amount="7", description="Fee")
    assert ADJUST.summary(payer, cleaned) == [
        "€7.00 is charged to the balance.",
        "Balance: €5.00 credit → owes €2.00.",
        "Note in Stripe: Fee",
    ]
    effects = ADJUST.effects(payer, cleaned, None)
    assert effects.money == (Amount("Charged to the customer's balance", 700, "eur"),)
    assert "second entry" in effects.final


def test_s32_two_equal_credits_are_two_also_when_the_first_answer_was_lost(
    doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    first = doing(ADJUST.name, payer, keeper).submit(amount="1")
    assert first.state == Push.State.UNKNOWN
    assert doing(ADJUST.name, payer, keeper).submit(amount="1").state == Push.State.DONE
    assert resumed(first).state == Push.State.DONE
    assert truth(stripe, payer)["balance"] == -700


def test_s31_a_credit_that_never_happened_is_not_sent_again_a_day_later(
    doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", status=500, times=1)
    push = doing(ADJUST.name, payer, keeper).submit(amount="1")
    make_due(push, age=timedelta(hours=25))
    stripe.clear_requests()
    after = resume(push.pk)
    assert after is not None
    assert (after.state, sent(stripe)) == (Push.State.REFUSED, [])
    assert "look in Stripe" in after.message


def test_a_credit_is_undone_by_an_entry_the_other_way_round(
    doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    push = doing(ADJUST.name, payer, keeper).submit(amount="20")
    assert undone(push, keeper).state == Push.State.DONE
    assert truth(stripe, payer)["balance"] == -500


def test_s53_many_customers_get_credit_except_those_of_another_currency(
    payer: Any, customer: Any, keeper: User, stripe: RunningSandbox, mirrored: Brings
) -> None:
    stripe.post(f"/v1/customers/{customer.pk}/balance_transactions", amount=100, currency="usd")
    mirrored({"object": "customer", "id": customer.pk})
    form = ADJUST.get_form(ADJUST.new_row(), {"direction": "credit", "amount": "2.5", "currency": "eur", "reason": "x"})
    assert form.is_valid(), form.errors
    everyone = Customer.objects.all()
    job = jobs.create_job(ADJUST, everyone, user=keeper, cleaned=form.cleaned_data, reason="outage", job_id=uuid4())
    jobs.run_job(job.pk)
    states = {push.object_id: (push.state, push.message) for push in job.pushes.all()}
    assert states[payer.pk] == (Push.State.DONE, "")
    assert states[customer.pk] == (Push.State.SKIPPED, "This customer is billed in USD.")
    assert (truth(stripe, payer)["balance"], truth(stripe, customer)["balance"]) == (-750, 100)


# Tax ids


def test_a_tax_id_is_added_and_mirrored_at_once(doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox) -> None:
    push = doing(ADD.name, payer, keeper).submit(value=" IE1234567X ")
    expected = {"type": "eu_vat", "value": "IE1234567X"}
    assert sent(stripe) == [("POST", f"/v1/customers/{payer.pk}/tax_ids", expected)]
    added = TaxId.objects.get(customer=payer.pk)
    assert (added.type, added.value, added.verification_status) == ("eu_vat", "IE1234567X", "pending")
    assert (push.state, push.before, push.after) == (Push.State.DONE, {"tax_id": None}, {"tax_id": added.pk})


def test_a_number_that_stripe_refuses_is_refused_at_its_field(doing: Opens, payer: Any, keeper: User) -> None:
    push = doing(ADD.name, payer, keeper).submit(value="12")
    assert (push.state, push.error_code) == (Push.State.REFUSED, "tax_id_invalid")
    assert ADD.field_for_param(push.error_param) == "value"


def test_a_tax_id_needs_a_known_type_and_a_number(customer: Any) -> None:
    assert set(form_errors(ADD, customer, type="eu_vat", value=" ")) == {"value"}
    assert set(form_errors(ADD, customer, type="", value="1")) == {"type"}
    assert set(form_errors(ADD, customer, type="moon_vat", value="1")) == {"type"}


def test_the_same_tax_id_is_not_added_twice_however_it_is_spaced(
    doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    doing(ADD.name, payer, keeper).submit(value="IE1234567X")
    stripe.clear_requests()
    with pytest.raises(NothingToChange, match="already"):
        doing(ADD.name, payer, keeper).submit(value="ie 1234567-X")
    assert sent(stripe) == []


def test_s31_a_tax_id_whose_answer_was_lost_is_there_once(
    doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    stripe.faults.add(method="POST", path="/v1/customers", lose_answer=True, times=1)
    push = doing(ADD.name, payer, keeper).submit(value="IE1234567X")
    assert push.state == Push.State.UNKNOWN
    assert resumed(push).state == Push.State.DONE
    held = stripe.get(f"/v1/customers/{payer.pk}/tax_ids")["data"]
    assert [tax_id["value"] for tax_id in held] == ["IE1234567X"]


def test_adding_and_removing_a_tax_id_undo_each_other(
    doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    def held() -> list[tuple[str, str]]:
        return [(o["type"], o["value"]) for o in stripe.get(f"/v1/customers/{payer.pk}/tax_ids")["data"]]

    push = doing(ADD.name, payer, keeper).submit(value="IE1234567X")
    removal = undone(push, keeper)
    assert (removal.operation, removal.state, held()) == (REMOVE.name, Push.State.DONE, [])
    assert TaxId.objects.get(customer=payer.pk).deleted_at
    assert undone(removal, keeper).state == Push.State.DONE
    assert held() == [("eu_vat", "IE1234567X")]


def test_s31_a_removal_whose_answer_was_lost_is_found_done(
    doing: Opens, payer: Any, keeper: User, stripe: RunningSandbox
) -> None:
    doing(ADD.name, payer, keeper).submit(value="IE1234567X")
    tax_id = TaxId.objects.get(customer=payer.pk)
    stripe.faults.add(method="DELETE", path="/v1/customers", lose_answer=True, times=1)
    push = doing(REMOVE.name, tax_id, keeper).submit()
    assert push.state == Push.State.UNKNOWN
    stripe.clear_requests()
    assert resumed(push).state == Push.State.DONE
    assert sent(stripe) == []


def test_the_accounts_own_tax_id_and_removed_ones_are_left_alone(
    doing: Opens, payer: Any, keeper: User, mirrored: Brings, stripe: RunningSandbox
) -> None:
    own = mirrored(stripe.post("/v1/tax_ids", type="eu_vat", value="DE123456789"))
    assert "account's own" in REMOVE.why_not(own)
    doing(ADD.name, payer, keeper).submit(value="IE1234567X")
    form = doing(REMOVE.name, TaxId.objects.get(customer=payer.pk), keeper)
    stripe.delete(f"/v1/customers/{payer.pk}/tax_ids/{form.row.pk}")
    stripe.clear_requests()
    with pytest.raises(NotAllowed, match="removed already"):
        form.submit()
    assert sent(stripe) == []


def test_the_confirm_page_names_the_number_and_who_checks_it(doing: Opens, payer: Any, keeper: User) -> None:
    cleaned = doing(ADD.name, payer, keeper).cleaned(value="IE1234567X")
    (line,) = ADD.summary(payer, cleaned)
    assert line == "The tax id IE1234567X (European Union: VAT) is added to the customer."
    assert any("European Union" in words for words in ADD.effects(payer, cleaned, None).follows)
    unchecked = ADD.effects(payer, {"type": "us_ein", "value": "1"}, None)
    assert not any("authorities" in words for words in unchecked.follows)


def test_the_types_are_those_of_the_version_that_is_sent() -> None:
    def words(hint: Any) -> set[str]:
        parts = typing.get_args(hint)
        return {part for part in parts if isinstance(part, str)}.union(*map(words, parts)) if parts else set()

    assert words(CustomerCreateTaxIdParams.__annotations__["type"]) == set(TAX_ID_TYPES)
    assert ("ch_vat", "Switzerland: VAT") in type_choices()


@pytest.mark.parametrize(("country", "type"), [("FR", "eu_vat"), ("NG", "ng_tin"), ("CH", ""), ("", ""), ("DJ", "")])
def test_the_type_is_guessed_where_the_country_leaves_one(country: str, type: str) -> None:
    assert likely_type(country) == type
