"""Setup intents: a payment method is saved, asked about, refused, or the whole given up."""

from __future__ import annotations

import pytest
import stripe

from tests.sandbox.testing import RunningSandbox, SandboxError


def happened(running: RunningSandbox) -> list[str]:
    """Types of events about setup intents and payment methods, oldest first."""
    kinds = [event["type"] for event in reversed(running.sandbox.events)]
    return [kind for kind in kinds if kind.startswith(("setup_intent", "payment_method"))]


def test_confirmed_setup_attaches_the_card(running: RunningSandbox, client: stripe.StripeClient) -> None:
    customer = running.post("/v1/customers")["id"]
    intent = client.v1.setup_intents.create(params={"customer": customer, "metadata": {"a": "b"}})
    assert (intent.status, intent.usage) == ("requires_payment_method", "off_session")
    done = client.v1.setup_intents.confirm(intent.id, params={"payment_method": "pm_card_visa"})
    assert done.status == "succeeded"
    assert isinstance(done.payment_method, str)
    assert client.v1.payment_methods.retrieve(done.payment_method).customer == customer
    assert happened(running) == ["setup_intent.created", "payment_method.attached", "setup_intent.succeeded"]


def test_declined_card_is_noted_and_can_be_replaced(running: RunningSandbox) -> None:
    customer = running.post("/v1/customers")["id"]
    intent = running.post("/v1/setup_intents", customer=customer)
    with pytest.raises(SandboxError) as caught:
        running.post(f"/v1/setup_intents/{intent['id']}/confirm", payment_method="pm_card_chargeDeclined")
    assert (caught.value.status, caught.value.error["code"]) == (402, "card_declined")
    assert caught.value.error["setup_intent"]["id"] == intent["id"]
    failed = running.get(f"/v1/setup_intents/{intent['id']}")
    assert (failed["status"], failed["payment_method"]) == ("requires_payment_method", None)
    assert failed["last_setup_error"]["decline_code"] == "generic_decline"
    assert happened(running)[-1] == "setup_intent.setup_failed"
    done = running.post(f"/v1/setup_intents/{intent['id']}/confirm", payment_method="pm_card_visa")
    assert (done["status"], done["last_setup_error"]) == ("succeeded", None)


@pytest.mark.parametrize(
    ("succeeds", "status", "event"),
    [(True, "succeeded", "succeeded"), (False, "requires_payment_method", "setup_failed")],
)
def test_bank_asks_the_customer(running: RunningSandbox, succeeds: bool, status: str, event: str) -> None:
    customer = running.post("/v1/customers")["id"]
    params = {"customer": customer, "payment_method": "pm_card_authenticationRequired", "confirm": True}
    intent = running.post("/v1/setup_intents", **params)
    assert (intent["status"], intent["next_action"]["type"]) == ("requires_action", "redirect_to_url")
    assert happened(running)[-1] == "setup_intent.requires_action"
    running.happens("authenticate_setup", setup_intent=intent["id"], succeeds=succeeds)
    assert running.get(f"/v1/setup_intents/{intent['id']}")["status"] == status
    assert happened(running)[-1] == f"setup_intent.{event}"


def test_update_tells_nobody(running: RunningSandbox) -> None:
    intent = running.post("/v1/setup_intents")
    changed = running.post(f"/v1/setup_intents/{intent['id']}", description="Later", payment_method="pm_card_visa")
    assert (changed["description"], changed["status"]) == ("Later", "requires_confirmation")
    assert happened(running) == ["setup_intent.created"]


def test_canceled_setup_is_over(running: RunningSandbox) -> None:
    intent = running.post("/v1/setup_intents")
    canceled = running.post(f"/v1/setup_intents/{intent['id']}/cancel", cancellation_reason="duplicate")
    assert (canceled["status"], canceled["cancellation_reason"]) == ("canceled", "duplicate")
    assert happened(running)[-1] == "setup_intent.canceled"
    for verb in ("confirm", "cancel"):
        with pytest.raises(SandboxError) as caught:
            running.post(f"/v1/setup_intents/{intent['id']}/{verb}")
        assert caught.value.error["code"] == "setup_intent_unexpected_state"


def test_setup_intents_are_listed_by_customer_method_and_time(running: RunningSandbox) -> None:
    customer = running.post("/v1/customers")["id"]
    mine = running.post("/v1/setup_intents", customer=customer, payment_method="pm_card_visa", confirm=True)
    running.post("/v1/setup_intents")
    for field in ("customer", "payment_method"):
        assert [row["id"] for row in running.get("/v1/setup_intents", **{field: mine[field]})["data"]] == [mine["id"]]
    assert len(running.get("/v1/setup_intents")["data"]) == 2
    assert running.get("/v1/setup_intents", created={"lt": mine["created"]})["data"] == []
    expanded = running.get(f"/v1/setup_intents/{mine['id']}", expand=["customer", "payment_method"])
    assert (expanded["customer"]["id"], expanded["payment_method"]["object"]) == (customer, "payment_method")
