"""What staff do with customers: edit and clear, payment methods, tax ids, credit, discounts, deletion."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import events_since, make_customer, subscribe
from tests.sandbox.testing import RunningSandbox


def refused(caught: pytest.ExceptionInfo[stripe.InvalidRequestError]) -> tuple[Any, Any, Any]:
    return caught.value.http_status, caught.value.code, caught.value.param


def test_every_field_that_can_be_emptied_is(running: RunningSandbox, client: stripe.StripeClient) -> None:
    address: Any = {"line1": "1 Quay", "city": "Cork"}
    described: Any = {
        "name": "Ann",
        "email": "ann@example.com",
        "phone": "1",
        "description": "x",
        "business_name": "Boats",
        "address": address,
        "shipping": {"name": "Ann", "address": address},
        "tax_exempt": "exempt",
        "metadata": {"a": "b"},
        "preferred_locales": ["en"],
        "tax": {"ip_address": "192.0.2.1", "validate_location": "deferred"},
    }
    customer = client.v1.customers.create(described).id
    one = client.v1.customers.update(customer, {"address": {"line1": ""}})
    assert one.address is not None
    assert (one.address.line1, one.address.city) == (None, "Cork")
    empty: Any = dict.fromkeys(
        ("name", "email", "phone", "description", "business_name", "address", "shipping", "tax_exempt", "metadata"), ""
    )
    since = len(running.sandbox.events)
    cleared = client.v1.customers.update(customer, empty).to_dict()
    names = ("name", "email", "phone", "description", "address", "shipping")
    assert [cleared[name] for name in names] == [None] * len(names)
    assert (cleared["metadata"], cleared["tax_exempt"], "business_name" in cleared) == ({}, "none", False)
    assert events_since(running, since) == ["customer.updated"]


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"invoice_prefix": "TAKEN"}, None, "invoice_prefix"),
        ({"invoice_prefix": "lower"}, None, "invoice_prefix"),
        ({"email": "no address"}, "email_invalid", "email"),
        ({"next_invoice_sequence": 0}, "parameter_invalid_integer", "next_invoice_sequence"),
        ({"coupon": "x"}, "parameter_unknown", "coupon"),
        ({"tax": {"colour": "red"}}, "parameter_unknown", "tax[colour]"),
        (
            {"invoice_settings": {"default_payment_method": "pm_none"}},
            "resource_missing",
            "invoice_settings[default_payment_method]",
        ),
    ],
)
def test_refused_change_of_a_customer_names_its_parameter(
    running: RunningSandbox, client: stripe.StripeClient, params: Any, code: str | None, param: str
) -> None:
    running.post("/v1/customers", invoice_prefix="TAKEN")
    customer = client.v1.customers.create({}).id
    since = len(running.sandbox.events)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.update(customer, params)
    assert refused(caught) == (400, code, param)
    assert events_since(running, since) == []


def test_deleted_customer_is_gone_for_good(running: RunningSandbox, client: stripe.StripeClient) -> None:
    subscription = subscribe(running)
    customer = subscription["customer"]
    since = len(running.sandbox.events)
    assert client.v1.customers.delete(customer).deleted
    told = events_since(running, since)
    assert (told[0], told[-1]) == ("customer.subscription.deleted", "customer.deleted")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.update(customer, {"name": "Ann"})
    assert refused(caught) == (404, "resource_missing", "id")


def test_payment_method_is_attached_edited_and_detached_for_good(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    customer = client.v1.customers.create({}).id
    nothing: Any = {}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_methods.attach("pm_card_visa", nothing)
    assert refused(caught) == (400, "parameter_missing", None)
    assert caught.value.user_message == "Must provide customer or customer_account."
    card = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer}).id
    client.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": card}})
    details: Any = {"billing_details": {"name": "Ann"}, "card": {"exp_month": 3}, "metadata": {"a": "b"}}
    edited = client.v1.payment_methods.update(card, details)
    assert edited.card is not None
    assert (edited.billing_details.name, edited.card.exp_month) == ("Ann", 3)
    since = len(running.sandbox.events)
    assert client.v1.payment_methods.detach(card).customer is None
    assert events_since(running, since) == ["payment_method.detached", "customer.updated"]
    assert running.sandbox.events[1]["data"]["previous_attributes"] == {"customer": customer}
    with pytest.raises(stripe.InvalidRequestError, match="not attached to a customer"):
        client.v1.payment_methods.detach(card)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        client.v1.payment_methods.attach(card, {"customer": customer})
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_methods.update(card, {"metadata": {"a": "c"}})
    with pytest.raises(stripe.CardError):
        client.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer})


def test_tax_id_is_added_and_removed(running: RunningSandbox, client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({}).id
    added = client.v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "DE123456789"})
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.tax_ids.create(customer, {"type": "eu_vat", "value": "nonsense!"})
    assert refused(caught) == (400, "tax_id_invalid", "value")
    since = len(running.sandbox.events)
    assert client.v1.customers.tax_ids.delete(customer, added.id).deleted
    assert events_since(running, since) == ["customer.tax_id.deleted"]


def test_credit_fits_the_customers_currency(running: RunningSandbox, client: stripe.StripeClient) -> None:
    customer = make_customer(running)["id"]
    given = client.v1.customers.balance_transactions.create(customer, {"amount": -500, "currency": "usd"})
    assert (given.type, given.ending_balance) == ("adjustment", -500)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.balance_transactions.create(customer, {"amount": -500, "currency": "eur"})
    assert refused(caught) == (400, None, "currency")
    back = client.v1.customers.balance_transactions.create(customer, {"amount": 500, "currency": "usd"})
    assert back.ending_balance == client.v1.customers.retrieve(customer).balance == 0


def test_discount_of_a_customer_can_only_be_taken_off(running: RunningSandbox, client: stripe.StripeClient) -> None:
    customer = make_customer(running)["id"]
    coupon = client.v1.coupons.create({"percent_off": 10, "duration": "forever"}).id
    running.happens("give_coupon", customer=customer, coupon=coupon)
    assert client.v1.customers.retrieve(customer).discount is not None
    since = len(running.sandbox.events)
    assert client.v1.customers.delete_discount(customer).deleted
    assert set(events_since(running, since)) == {"customer.discount.deleted", "customer.updated"}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.delete_discount(customer)
    assert refused(caught)[:2] == (404, "resource_missing")
