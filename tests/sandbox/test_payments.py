"""Invoices by hand, payment methods, payment intents, charges and refunds."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.conftest import make_customer
from tests.sandbox.testing import RunningSandbox, SandboxError

DAY, HOUR = 86400, 3600


def draft(running: RunningSandbox, customer: dict[str, Any], amount: int = 5000, **params: Any) -> dict[str, Any]:
    invoice = running.post("/v1/invoices", customer=customer["id"], **params)
    running.post("/v1/invoiceitems", customer=customer["id"], invoice=invoice["id"], amount=amount, currency="usd")
    return running.get(f"/v1/invoices/{invoice['id']}")


def pay(running: RunningSandbox, amount: int = 5000, card: str = "pm_card_visa", **params: Any) -> dict[str, Any]:
    """A payment intent, confirmed."""
    return running.post(
        "/v1/payment_intents", amount=amount, currency="usd", payment_method=card, confirm=True, **params
    )


def refused(running: RunningSandbox, path: str, **params: Any) -> dict[str, Any]:
    with pytest.raises(SandboxError) as caught:
        running.post(path, **params)
    return {"status": caught.value.status, **caught.value.error}


def test_invoice_goes_from_draft_to_paid(running: RunningSandbox) -> None:
    invoice = draft(running, make_customer(running))
    assert (invoice["status"], invoice["total"], invoice["number"]) == ("draft", 5000, None)
    opened = running.post(f"/v1/invoices/{invoice['id']}/finalize")
    assert (opened["status"], opened["amount_due"]) == ("open", 5000)
    assert opened["hosted_invoice_url"].startswith("https://")
    paid = running.post(f"/v1/invoices/{invoice['id']}/pay")
    assert (paid["status"], paid["amount_remaining"], paid["attempt_count"]) == ("paid", 0, 1)
    assert refused(running, f"/v1/invoices/{invoice['id']}/void")["status"] == 400
    assert refused(running, f"/v1/invoices/{invoice['id']}/pay")["message"] == "Invoice is already paid"
    refusal = refused(running, f"/v1/invoices/{invoice['id']}", description="x")
    assert (refusal["message"], refusal["param"]) == ("Finalized invoices can't be updated in this way", "description")


def test_declined_invoice_payment_is_402_and_recorded(running: RunningSandbox) -> None:
    customer = make_customer(running, "pm_card_chargeCustomerFail")
    path = f"/v1/invoices/{draft(running, customer)['id']}"
    error = refused(running, f"{path}/pay")
    assert (error["status"], error["code"], error["decline_code"]) == (402, "card_declined", "generic_decline")
    invoice = running.get(path)
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 1)
    (charge,) = running.get("/v1/charges", customer=customer["id"])["data"]
    assert (charge["status"], charge["failure_code"]) == ("failed", "card_declined")


def test_void_and_uncollectible_follow_stripes_table(running: RunningSandbox) -> None:
    customer = make_customer(running)
    path = f"/v1/invoices/{draft(running, customer)['id']}"
    assert refused(running, f"{path}/void")["status"] == 400
    running.post(f"{path}/finalize")
    assert running.post(f"{path}/mark_uncollectible")["status"] == "uncollectible"
    assert "already been marked" in refused(running, f"{path}/mark_uncollectible")["message"]
    voided = running.post(f"{path}/void")
    assert (voided["status"], voided["status_transitions"]["voided_at"] is not None) == ("void", True)
    (intent,) = running.get("/v1/payment_intents", customer=customer["id"])["data"]
    assert (intent["status"], intent["cancellation_reason"]) == ("canceled", "void_invoice")


def test_only_drafts_without_a_subscription_are_deleted(running: RunningSandbox) -> None:
    invoice = draft(running, make_customer(running))
    assert running.delete(f"/v1/invoices/{invoice['id']}")["deleted"] is True
    assert running.get("/v1/events", type="invoice.deleted")["data"][0]["data"]["object"]["total"] == 5000
    with pytest.raises(SandboxError):
        running.get(f"/v1/invoices/{invoice['id']}")


def test_pending_items_are_swept_when_included(running: RunningSandbox) -> None:
    customer = make_customer(running)
    running.post("/v1/invoiceitems", customer=customer["id"], amount=700, currency="usd")
    empty = running.post("/v1/invoices", customer=customer["id"])
    full = running.post("/v1/invoices", customer=customer["id"], pending_invoice_items_behavior="include")
    assert (empty["total"], full["total"]) == (0, 700)
    assert running.get("/v1/invoiceitems", pending=True)["data"] == []


def test_amounts_below_the_minimum_go_to_the_balance(running: RunningSandbox) -> None:
    customer = make_customer(running)
    invoice = draft(running, customer, amount=30)
    assert running.post(f"/v1/invoices/{invoice['id']}/finalize")["status"] == "paid"
    assert running.get(f"/v1/customers/{customer['id']}")["balance"] == 30


def test_tokens_attach_as_payment_methods_of_their_own(running: RunningSandbox) -> None:
    first, second = make_customer(running), make_customer(running)
    methods = [customer["invoice_settings"]["default_payment_method"] for customer in (first, second)]
    assert methods[0] != methods[1]
    listed = running.get(f"/v1/customers/{first['id']}/payment_methods")["data"]
    assert [method["id"] for method in listed] == methods[:1]
    error = refused(running, "/v1/payment_methods/pm_card_chargeDeclined/attach", customer=first["id"])
    assert (error["status"], error["code"]) == (402, "card_declined")
    assert len(running.objects("payment_method")) == 2


def test_detached_methods_never_come_back(running: RunningSandbox) -> None:
    customer = make_customer(running)
    method = customer["invoice_settings"]["default_payment_method"]
    assert running.post(f"/v1/payment_methods/{method}/detach")["customer"] is None
    event = running.get("/v1/events", type="payment_method.detached")["data"][0]
    assert event["data"]["previous_attributes"] == {"customer": customer["id"]}
    assert running.get(f"/v1/customers/{customer['id']}")["invoice_settings"]["default_payment_method"] is None
    assert refused(running, f"/v1/payment_methods/{method}/detach")["status"] == 400
    assert refused(running, f"/v1/payment_methods/{method}/attach", customer=customer["id"])["status"] == 400


def test_default_method_must_be_the_customers_own(running: RunningSandbox) -> None:
    mine, other = make_customer(running), make_customer(running)
    foreign = {"default_payment_method": other["invoice_settings"]["default_payment_method"]}
    error = refused(running, f"/v1/customers/{mine['id']}", invoice_settings=foreign)
    assert (error["status"], error["param"]) == (400, "invoice_settings[default_payment_method]")


def test_refunds_stop_at_what_was_paid(running: RunningSandbox) -> None:
    charge = pay(running)["latest_charge"]
    part = running.post("/v1/refunds", charge=charge, amount=2000, reason="requested_by_customer")
    assert (part["status"], part["amount"]) == ("succeeded", 2000)
    over = refused(running, "/v1/refunds", charge=charge, amount=3001)
    assert (over["status"], over["param"]) == (400, "amount")
    running.post("/v1/refunds", charge=charge)
    shown = running.get(f"/v1/charges/{charge}", expand=["refunds"])
    assert (shown["refunded"], shown["amount_refunded"]) == (True, 5000)
    assert [refund["amount"] for refund in shown["refunds"]["data"]] == [3000, 2000]
    assert refused(running, "/v1/refunds", charge=charge)["code"] == "charge_already_refunded"


def test_refund_that_fails_later_gives_the_amount_back_to_the_charge(running: RunningSandbox) -> None:  # S35
    charge = pay(running, card="pm_card_refundFail")["latest_charge"]
    refund = running.post("/v1/refunds", charge=charge)
    running.advance(HOUR + 1)
    assert running.get(f"/v1/refunds/{refund['id']}")["status"] == "failed"
    shown = running.get(f"/v1/charges/{charge}")
    assert (shown["refunded"], shown["amount_refunded"]) == (False, 0)
    pending = running.post("/v1/refunds", charge=pay(running, card="pm_card_pendingRefund")["latest_charge"])
    assert pending["status"] == "pending"
    running.advance(HOUR + 1)
    assert running.get(f"/v1/refunds/{pending['id']}")["status"] == "succeeded"


def test_held_payment_is_captured_in_part_or_released(running: RunningSandbox) -> None:
    held = pay(running, capture_method="manual")
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 5000)
    assert refused(running, f"/v1/payment_intents/{held['id']}/capture", amount_to_capture=5001)["code"] == (
        "amount_too_large"
    )
    captured = running.post(f"/v1/payment_intents/{held['id']}/capture", amount_to_capture=3000)
    assert (captured["status"], captured["amount_received"]) == ("succeeded", 3000)
    running.post("/v1/refunds", payment_intent=held["id"])
    other = pay(running, capture_method="manual")
    running.advance(8 * DAY)
    assert running.get(f"/v1/payment_intents/{other['id']}")["status"] == "canceled"


def test_wrong_state_carries_the_whole_intent(running: RunningSandbox, client: stripe.StripeClient) -> None:
    intent = pay(running)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.cancel(intent["id"])
    assert caught.value.code == "payment_intent_unexpected_state"
    assert caught.value.error is not None
    assert caught.value.error.payment_intent.status == "succeeded"


def test_authentication_waits_on_session_and_declines_off_session(running: RunningSandbox) -> None:
    waiting = pay(running, card="pm_card_authenticationRequired")
    assert (waiting["status"], waiting["next_action"]["type"]) == ("requires_action", "redirect_to_url")
    error = refused(
        running,
        "/v1/payment_intents",
        amount=500,
        currency="usd",
        payment_method="pm_card_authenticationRequired",
        confirm=True,
        off_session=True,
    )
    assert (error["status"], error["code"]) == (402, "authentication_required")


def test_direct_debits_take_days(running: RunningSandbox) -> None:
    price = {"currency": "eur", "payment_method": "pm_sepaDebit", "confirm": True, "amount": 900}
    intent = running.post("/v1/payment_intents", **price)
    assert intent["status"] == "processing"
    running.advance(3 * DAY)
    assert running.get(f"/v1/payment_intents/{intent['id']}")["status"] == "succeeded"


@pytest.mark.parametrize(
    ("currency", "amount", "code"),
    [
        ("usd", 49, "amount_too_small"),
        ("usd", 100_000_000, "amount_too_large"),
        ("jpy", 49, "amount_too_small"),
        ("kwd", 5125, "parameter_invalid_integer"),
        ("xxx", 500, None),
    ],
)
def test_amounts_stripe_would_refuse_are_refused(
    running: RunningSandbox, currency: str, amount: int, code: str | None
) -> None:
    error = refused(running, "/v1/payment_intents", amount=amount, currency=currency)
    assert (error["status"], error.get("code")) == (400, code)


def test_default_prices_cannot_be_archived_and_priced_products_not_deleted(running: RunningSandbox) -> None:
    product = running.post("/v1/products", name="Gold", default_price_data={"currency": "usd", "unit_amount": 5})
    error = refused(running, f"/v1/prices/{product['default_price']}", active=False)
    assert error["message"] == "This price cannot be archived because it is the default price of its product."
    with pytest.raises(SandboxError, match="user-created prices"):
        running.delete(f"/v1/products/{product['id']}")
