"""Invoices are changed, revised, paid in parts and taxed as at Stripe; what is refused is refused in Stripe's words."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import events_since, make_customer, refusal, subscribe
from tests.sandbox.test_billing import FAILING
from tests.sandbox.testing import RunningSandbox


@pytest.fixture
def customer(running: RunningSandbox) -> str:
    return str(make_customer(running)["id"])


@pytest.fixture
def draft(running: RunningSandbox, customer: str) -> str:
    """A draft with one line of nine dollars."""
    made = running.post("/v1/invoices", customer=customer, collection_method="send_invoice", days_until_due=14)
    running.post("/v1/invoiceitems", customer=customer, invoice=made["id"], amount=900, currency="usd")
    return str(made["id"])


# Lines


def test_lines_are_added_changed_and_removed(
    running: RunningSandbox, client: stripe.StripeClient, customer: str, draft: str
) -> None:
    one_off = one_time_price(running)
    since = len(running.sandbox.events)
    described: Any = {"currency": "usd", "unit_amount": 70, "product_data": {"name": "Rope"}}
    added = client.v1.invoices.add_lines(
        draft,
        {
            "lines": [
                {"amount": 500, "description": "Fitting"},
                {"pricing": {"price": one_off}, "quantity": 2},
                {"price_data": described, "quantity": 3},
            ],
            "invoice_metadata": {"order": "7"},
        },
    )
    assert [line.amount for line in added.lines.data] == [900, 500, 5000, 210]
    assert (added.total, added.metadata.to_dict()) == (6610, {"order": "7"})
    made = ["product.created", "price.created", "invoiceitem.created"]
    assert events_since(running, since) == ["invoiceitem.created"] * 2 + made + ["invoice.updated"]
    fitting, boats = added.lines.data[1].id, added.lines.data[2].id
    changes: Any = [{"id": fitting, "amount": 400, "description": "Cheaper"}, {"id": boats, "quantity": 1}]
    changed = client.v1.invoices.update_lines(draft, {"lines": changes})
    assert [(line.id, line.amount) for line in changed.lines.data[1:3]] == [(fitting, 400), (boats, 2500)]
    line = client.v1.invoices.line_items.update(draft, fitting, {"description": "As agreed", "discountable": False})
    assert (line.object, line.description, line.discountable) == ("line_item", "As agreed", False)
    since = len(running.sandbox.events)
    left = client.v1.invoices.remove_lines(
        draft, {"lines": [{"id": fitting, "behavior": "delete"}, {"id": boats, "behavior": "unassign"}]}
    )
    assert [line.amount for line in left.lines.data] == [900, 210]
    assert events_since(running, since) == ["invoiceitem.deleted", "invoice.updated"]
    waiting = client.v1.invoice_items.list({"customer": customer, "pending": True}).data
    assert [item.amount for item in waiting] == [2500]
    again = client.v1.invoices.add_lines(draft, {"lines": [{"invoice_item": waiting[0].id}]})
    assert again.total == 900 + 210 + 2500


def one_time_price(running: RunningSandbox) -> str:
    product = running.post("/v1/products", name="Boat")["id"]
    return str(running.post("/v1/prices", product=product, currency="usd", unit_amount=2500)["id"])


def test_finalized_invoice_is_not_editable(client: stripe.StripeClient, customer: str, draft: str) -> None:
    client.v1.invoices.finalize_invoice(draft)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.add_lines(draft, {"lines": [{"amount": 5, "description": "Late"}]})
    says = "Invalid invoice: This invoice is no longer editable"
    assert refusal(caught) == (400, "invoice_not_editable", None, says)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoice_items.create({"customer": customer, "invoice": draft, "amount": 5, "currency": "usd"})
    assert caught.value.code == "invoice_not_editable"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.update(draft, {"collection_method": "charge_automatically"})
    assert refusal(caught) == (400, None, "collection_method", "Finalized invoices can't be updated in this way")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.finalize_invoice(draft)
    assert str(caught.value.user_message).startswith("This invoice is already finalized")
    client.v1.invoices.update(draft, {"metadata": {"a": "b"}, "description": "Memo"})


@pytest.mark.parametrize(
    ("line", "param"),
    [
        ({"amount": 5, "quantity": 2}, "lines[0][amount]"),
        ({"pricing": {"price": "price_none"}}, "lines[0][pricing][price]"),
        ({"amount": 5, "tax_rates": ["txr_none"]}, "lines[0][tax_rates][0]"),
        ({"amount": 5, "discounts": [{"coupon": "none"}]}, "lines[0][discounts][0][coupon]"),
        ({"amount": 5, "colour": "red"}, "lines[0][colour]"),
    ],
)
def test_refused_line_is_named(client: stripe.StripeClient, draft: str, line: Any, param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.add_lines(draft, {"lines": [line]})
    assert (caught.value.http_status, caught.value.param) == (400, param)


def test_subscription_line_can_be_named_anew_but_not_taken_off(
    running: RunningSandbox, client: stripe.StripeClient
) -> None:
    sent = subscribe(running, collection_method="send_invoice", days_until_due=30)
    invoice = client.v1.invoices.retrieve(sent["latest_invoice"])
    line = invoice.lines.data[0].id
    assert client.v1.invoices.line_items.update(str(invoice.id), line, {"amount": 1500}).amount == 1500
    assert client.v1.invoices.retrieve(str(invoice.id)).total == 1500
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.remove_lines(str(invoice.id), {"lines": [{"id": line, "behavior": "delete"}]})
    assert caught.value.param == "lines[0][id]"


def test_item_keeps_its_own_discount(running: RunningSandbox, client: stripe.StripeClient, customer: str) -> None:
    half = running.post("/v1/coupons", percent_off=50, duration="forever")["id"]
    item = client.v1.invoice_items.create(
        {"customer": customer, "amount": 1000, "currency": "usd", "discounts": [{"coupon": half}]}
    )
    client.v1.invoice_items.create({"customer": customer, "amount": 300, "currency": "usd"})
    made = client.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    assert (made.subtotal, made.total) == (1300, 800)
    client.v1.invoice_items.update(item.id, {"discounts": ""})
    assert client.v1.invoices.retrieve(str(made.id)).total == 1300


def test_items_of_a_deleted_draft_are_lost_with_it(
    running: RunningSandbox, client: stripe.StripeClient, customer: str, draft: str
) -> None:
    item = client.v1.invoice_items.list({"invoice": draft}).data[0].id
    client.v1.invoices.delete(draft)
    says = "This invoice item has been deleted."
    with pytest.raises(stripe.InvalidRequestError, match=says):
        client.v1.invoice_items.delete(item)
    with pytest.raises(stripe.InvalidRequestError, match=says):
        client.v1.invoice_items.update(item, {"amount": 5})


# Creating and editing


def test_due_date_belongs_to_sent_invoices(client: stripe.StripeClient, customer: str, draft: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.create({"customer": customer, "collection_method": "send_invoice"})
    says = "If invoice collection method is 'send_invoice', you must specify 'due_date' or 'days_until_due'."
    assert refusal(caught) == (400, None, None, says)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.create({"customer": customer, "days_until_due": 5})
    says = "You can only specify 'due_date' or 'days_until_due' if invoice collection method is 'send_invoice'."
    assert refusal(caught) == (400, None, None, says)
    charged = client.v1.invoices.update(draft, {"collection_method": "charge_automatically"})
    assert (charged.collection_method, charged.due_date) == ("charge_automatically", None)


def test_automation_of_an_open_invoice_can_be_stopped_and_started(
    running: RunningSandbox, client: stripe.StripeClient, customer: str
) -> None:
    client.v1.invoice_items.create({"customer": customer, "amount": 900, "currency": "usd"})
    made = client.v1.invoices.create({"customer": customer, "pending_invoice_items_behavior": "include"})
    opened = client.v1.invoices.finalize_invoice(str(made.id), {"auto_advance": True})
    assert opened.next_payment_attempt is not None
    assert client.v1.invoices.update(str(made.id), {"auto_advance": False}).next_payment_attempt is None
    running.advance(2 * 3600)
    assert client.v1.invoices.retrieve(str(made.id)).status == "open"
    client.v1.invoices.update(str(made.id), {"auto_advance": True})
    running.advance(2 * 3600)
    assert client.v1.invoices.retrieve(str(made.id)).status == "paid"


def test_revision_takes_the_place_of_an_open_invoice(
    running: RunningSandbox, client: stripe.StripeClient, draft: str
) -> None:
    client.v1.invoices.finalize_invoice(draft)
    revision = client.v1.invoices.create({"from_invoice": {"action": "revision", "invoice": draft}})
    assert (revision.status, revision.total, revision.due_date) == ("draft", 900, revision.due_date)
    assert revision.from_invoice is not None
    assert (revision.from_invoice.action, revision.from_invoice.invoice) == ("revision", draft)
    assert client.v1.invoices.retrieve(draft).latest_revision == revision.id
    client.v1.invoices.finalize_invoice(str(revision.id))
    assert client.v1.invoices.retrieve(draft).status == "void"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.create({"from_invoice": {"action": "revision", "invoice": draft}})
    assert caught.value.param == "from_invoice[invoice]"


# Sending and paying


def test_what_cannot_be_sent_says_so(client: stripe.StripeClient, customer: str, draft: str) -> None:
    sent = client.v1.invoices.send_invoice(draft)
    assert (sent.status, client.v1.invoices.send_invoice(draft).status) == ("open", "open")
    client.v1.invoices.pay(draft)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.send_invoice(draft)
    assert str(caught.value.user_message).startswith("This invoice cannot be sent right now. Please contact us via")


def test_declined_payment_is_kept_and_another_method_pays(
    running: RunningSandbox, client: stripe.StripeClient, customer: str, draft: str
) -> None:
    bad = running.post(f"/v1/payment_methods/{FAILING}/attach", customer=customer)["id"]
    with pytest.raises(stripe.CardError) as declined:
        client.v1.invoices.pay(draft, {"payment_method": bad})
    assert (declined.value.http_status, declined.value.code) == (402, "card_declined")
    tried = client.v1.invoices.retrieve(draft)
    assert (tried.status, tried.attempted, tried.attempt_count) == ("open", True, 1)
    assert running.get("/v1/events", type="invoice.payment_failed")["data"]
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.pay(draft, {"source": "card_none"})
    assert caught.value.param == "source"
    assert client.v1.invoices.pay(draft).status == "paid"
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.pay(draft)
    assert caught.value.user_message == "Invoice is already paid"


def test_attached_payment_counts_towards_the_invoice(
    running: RunningSandbox, client: stripe.StripeClient, customer: str, draft: str
) -> None:
    client.v1.invoices.finalize_invoice(draft)
    card = running.get(f"/v1/customers/{customer}/payment_methods")["data"][0]["id"]

    def intent(amount: int, **params: Any) -> str:
        described = {"amount": amount, "currency": "usd", "customer": customer, **params}
        return str(running.post("/v1/payment_intents", **described)["id"])

    part = intent(400, payment_method=card, confirm=True)
    partly = client.v1.invoices.attach_payment(draft, {"payment_intent": part})
    assert (partly.status, partly.amount_paid, partly.amount_remaining) == ("open", 400, 500)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.invoices.void_invoice(draft)
    assert caught.value.user_message == "Invoices with `paid` payments cannot be voided."
    rest = intent(500)
    assert client.v1.invoices.attach_payment(draft, {"payment_intent": rest}).amount_remaining == 500
    client.v1.payment_intents.confirm(rest, {"payment_method": card})
    paid = client.v1.invoices.retrieve(draft, {"expand": ["payments"]})
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 900, 0)
    assert paid.payments is not None
    assert sorted(str(payment.status) for payment in paid.payments.data) == ["canceled", "canceled", "paid", "paid"]
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.invoices.attach_payment(draft, {"payment_intent": intent(500, payment_method=card, confirm=True)})


def test_rest_of_a_partly_paid_invoice_is_collected(
    running: RunningSandbox, client: stripe.StripeClient, customer: str, draft: str
) -> None:
    client.v1.invoices.finalize_invoice(draft)
    described: Any = {"amount": 400, "currency": "usd", "customer": customer, "confirm": True}
    part = running.post("/v1/payment_intents", **described, payment_method="pm_card_visa")["id"]
    client.v1.invoices.attach_payment(draft, {"payment_intent": part})
    assert client.v1.invoices.pay(draft).amount_paid == 900
    assert running.get("/v1/charges", customer=customer)["data"][0]["amount"] == 500
