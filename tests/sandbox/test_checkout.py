"""Checkout Sessions: offered, completed by the customer, expired; paid at once or days later."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from tests.sandbox.billing.periods import DAY
from tests.sandbox.conftest import make_price
from tests.sandbox.testing import RunningSandbox, SandboxError

DONE = "https://example.com/done"


def boats(running: RunningSandbox, **price: Any) -> list[dict[str, Any]]:
    """Two boats for 25 dollars each."""
    product = running.post("/v1/products", name="Boat")["id"]
    described = {"currency": "usd", "unit_amount": 2500, "product": product} | price
    return [{"price_data": described, "quantity": 2}]


def offer(running: RunningSandbox, **params: Any) -> dict[str, Any]:
    """An open session, for boats unless told otherwise."""
    if params.get("mode") != "setup" and "line_items" not in params:
        params["line_items"] = boats(running)
    return running.post("/v1/checkout/sessions", success_url=DONE, **params)


def happened(running: RunningSandbox) -> list[str]:
    """Types of events about sessions, oldest first."""
    kinds = [event["type"] for event in reversed(running.sandbox.events)]
    return [kind.removeprefix("checkout.session.") for kind in kinds if kind.startswith("checkout.")]


def test_new_session_is_open_and_told_of_by_no_event(running: RunningSandbox, client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.retrieve(offer(running)["id"])
    assert (session.status, session.payment_status, session.amount_total) == ("open", "unpaid", 5000)
    assert session.id.startswith("cs_test_")
    assert len(session.id) >= 66
    assert session.url is not None
    assert "line_items" not in session
    assert happened(running) == []


def test_line_items_are_listed_and_expanded(running: RunningSandbox) -> None:
    product = running.post("/v1/products", name="Oar")["id"]
    oars = [
        {"price": running.post("/v1/prices", currency="usd", unit_amount=100 + n, product=product)["id"]}
        for n in range(12)
    ]
    session = offer(running, line_items=oars)
    path = f"/v1/checkout/sessions/{session['id']}"
    first = running.get(f"{path}/line_items")
    assert [row["amount_total"] for row in first["data"]] == list(range(100, 110))
    assert first["has_more"]
    rest = running.get(f"{path}/line_items", starting_after=first["data"][-1]["id"])
    assert ([row["amount_total"] for row in rest["data"]], rest["has_more"]) == ([110, 111], False)
    assert (rest["data"][0]["description"], rest["data"][0]["price"]["product"]) == ("Oar", product)
    expanded = running.get(path, expand=["line_items.data.price.product"])["line_items"]
    assert expanded["data"][0]["price"]["product"]["name"] == "Oar"
    assert expanded["has_more"]


def test_completed_payment_is_paid(running: RunningSandbox) -> None:
    customer = running.post("/v1/customers", email="ann@example.com")["id"]
    session = offer(running, customer=customer, payment_intent_data={"metadata": {"order": "7"}})
    running.happens("complete_checkout", session=session["id"], name="Ann")
    done = running.get(f"/v1/checkout/sessions/{session['id']}", expand=["payment_intent"])
    assert (done["status"], done["payment_status"], done["url"]) == ("complete", "paid", None)
    assert (done["customer_details"]["email"], done["customer_details"]["name"]) == ("ann@example.com", "Ann")
    intent = done["payment_intent"]
    assert (intent["amount_received"], intent["customer"], intent["metadata"]) == (5000, customer, {"order": "7"})
    assert happened(running) == ["completed"]
    event = next(event for event in running.sandbox.events if event["type"] == "checkout.session.completed")
    assert event["data"]["object"]["payment_intent"] == intent["id"]
    assert "line_items" not in event["data"]["object"]
    with pytest.raises(SandboxError, match="not open"):
        running.happens("complete_checkout", session=session["id"])


def test_declined_card_leaves_the_session_open_for_another(running: RunningSandbox) -> None:
    session = offer(running)["id"]
    running.happens("complete_checkout", session=session, payment_method="pm_card_chargeDeclined")
    left = running.get(f"/v1/checkout/sessions/{session}")
    assert (left["status"], happened(running)) == ("open", [])
    with pytest.raises(SandboxError, match="Expire that instead"):
        running.post(f"/v1/payment_intents/{left['payment_intent']}/cancel")
    running.happens("complete_checkout", session=session)
    done = running.get(f"/v1/checkout/sessions/{session}")
    assert (done["status"], done["payment_intent"]) == ("complete", left["payment_intent"])
    assert len(running.get("/v1/payment_intents")["data"]) == 1


@pytest.mark.parametrize(
    ("debit", "status", "event"),
    [
        ("pm_sepaDebit", "paid", "async_payment_succeeded"),
        ("pm_sepaDebitFail", "unpaid", "async_payment_failed"),
    ],
)
def test_debit_is_decided_days_later(running: RunningSandbox, debit: str, status: str, event: str) -> None:
    session = offer(running, line_items=boats(running, currency="eur"))["id"]
    running.happens("complete_checkout", session=session, payment_method=debit)
    waiting = running.get(f"/v1/checkout/sessions/{session}")
    assert (waiting["status"], waiting["payment_status"]) == ("complete", "unpaid")
    running.advance(4 * DAY)
    assert running.get(f"/v1/checkout/sessions/{session}")["payment_status"] == status
    assert happened(running) == ["completed", event]


def test_completed_subscription_has_its_own_customer(running: RunningSandbox) -> None:
    lines = [{"price": make_price(running), "quantity": 3}]
    data = {"metadata": {"seats": "3"}, "description": "By Checkout"}
    session = offer(running, mode="subscription", line_items=lines, subscription_data=data)["id"]
    running.happens("complete_checkout", session=session, email="zoe@example.com", name="Zoë")
    done = running.get(f"/v1/checkout/sessions/{session}", expand=["customer", "subscription", "invoice"])
    assert (done["customer"]["email"], done["payment_status"]) == ("zoe@example.com", "paid")
    assert (done["subscription"]["status"], done["subscription"]["metadata"]) == ("active", {"seats": "3"})
    assert (done["invoice"]["status"], done["invoice"]["total"]) == ("paid", 6000)


def test_trial_asks_for_no_payment(running: RunningSandbox) -> None:
    lines = [{"price": make_price(running)}]
    session = offer(running, mode="subscription", line_items=lines, subscription_data={"trial_period_days": 7})["id"]
    running.happens("complete_checkout", session=session)
    done = running.get(f"/v1/checkout/sessions/{session}", expand=["subscription"])
    assert (done["payment_status"], done["subscription"]["status"]) == ("no_payment_required", "trialing")


def test_setup_saves_a_card(running: RunningSandbox) -> None:
    customer = running.post("/v1/customers")["id"]
    session = offer(running, mode="setup", customer=customer)
    assert session["payment_status"] == "no_payment_required"
    with pytest.raises(SandboxError, match="Expire that instead"):
        running.post(f"/v1/setup_intents/{session['setup_intent']}/cancel")
    running.happens("complete_checkout", session=session["id"])
    done = running.get(f"/v1/checkout/sessions/{session['id']}", expand=["setup_intent"])
    assert (done["status"], done["setup_intent"]["status"]) == ("complete", "succeeded")
    assert len(running.get(f"/v1/customers/{customer}/payment_methods")["data"]) == 1


def test_coupon_is_taken_off(running: RunningSandbox) -> None:
    coupon = running.post("/v1/coupons", percent_off=10, duration="once")["id"]
    session = offer(running, discounts=[{"coupon": coupon}])
    assert (session["amount_subtotal"], session["amount_total"]) == (5000, 4500)
    assert session["total_details"]["amount_discount"] == 500
    (line,) = running.get(f"/v1/checkout/sessions/{session['id']}/line_items")["data"]
    assert (line["amount_subtotal"], line["amount_discount"], line["amount_total"]) == (5000, 500, 4500)


def test_session_expires_after_a_day_or_by_request(running: RunningSandbox, client: stripe.StripeClient) -> None:
    left, ended = offer(running)["id"], offer(running)["id"]
    assert client.v1.checkout.sessions.expire(ended).status == "expired"
    running.advance(DAY)
    assert running.get(f"/v1/checkout/sessions/{left}")["status"] == "expired"
    assert happened(running) == ["expired", "expired"]
    with pytest.raises(stripe.InvalidRequestError, match="expired"):
        client.v1.checkout.sessions.expire(ended)


def test_metadata_can_be_edited_and_nobody_is_told(running: RunningSandbox) -> None:
    session = offer(running, metadata={"a": "b"})["id"]
    changed = running.post(f"/v1/checkout/sessions/{session}", metadata={"c": "d"})
    assert changed["metadata"] == {"a": "b", "c": "d"}
    assert happened(running) == []


def test_sessions_are_listed_by_every_filter(running: RunningSandbox) -> None:
    lines = [{"price": make_price(running)}]
    mine = offer(running, mode="subscription", line_items=lines, customer_email="ann@example.com")["id"]
    running.happens("complete_checkout", session=mine)
    paid = offer(running)["id"]
    running.happens("complete_checkout", session=paid)
    offer(running)
    done = running.get(f"/v1/checkout/sessions/{mine}")
    intent = running.get(f"/v1/checkout/sessions/{paid}")["payment_intent"]
    filters: list[tuple[dict[str, Any], list[str]]] = [
        ({"customer": done["customer"]}, [mine]),
        ({"subscription": done["subscription"]}, [mine]),
        ({"customer_details": {"email": "ann@example.com"}}, [mine]),
        ({"payment_intent": intent}, [paid]),
        ({"payment_link": "plink_1"}, []),
        ({"status": "complete"}, [paid, mine]),
        ({"created": {"lt": done["created"]}}, []),
    ]
    for wanted, expected in filters:
        found = [row["id"] for row in running.get("/v1/checkout/sessions", **wanted)["data"]]
        assert found == expected, wanted


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"mode": "payment", "line_items": [{"price_data": {"recurring": {"interval": "month"}}}]}, "line_items"),
        ({"mode": "subscription"}, "line_items"),
        ({"expires_at": 100}, "expires_at"),
        ({"line_items": []}, "line_items"),
        ({"ui_mode": "elements"}, "return_url"),
    ],
)
def test_what_can_not_be_sold_is_refused(running: RunningSandbox, params: dict[str, Any], param: str) -> None:
    for line in params.get("line_items", []):
        line["price_data"] = boats(running)[0]["price_data"] | line["price_data"]
    with pytest.raises(SandboxError) as caught:
        offer(running, **params)
    assert caught.value.error["param"] == param
    assert running.objects("checkout.session") == []
