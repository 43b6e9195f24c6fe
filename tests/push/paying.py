"""Payments in the sandbox and the mirror, for tests of refunds, captures and disputes."""

from __future__ import annotations

from typing import Any

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Charge, PaymentIntent
from stripe_mirror.pull.fetch import fetch_now
from tests.sandbox.testing import RunningSandbox


def intent(stripe: RunningSandbox, amount: int = 4900, currency: str = "eur", **params: Any) -> dict[str, Any]:
    """A payment by card, confirmed; 49.00 eur unless told otherwise."""
    given = {"payment_method": "pm_card_visa", "confirm": True, **params}
    return stripe.post("/v1/payment_intents", amount=amount, currency=currency, **given)


def mirror(object_type: str, id: str) -> Any:
    """The object's row, as Stripe has it now."""
    kind = get_kind(object_type)
    fetch_now(kind, id, patient=False)
    return kind.model._default_manager.get(pk=id)


def paid(stripe: RunningSandbox, amount: int = 4900, currency: str = "eur", **params: Any) -> Charge:
    """The mirrored charge of a payment, with what it did to the balance."""
    made = intent(stripe, amount, currency, **params)
    charge: Charge = mirror("charge", made["latest_charge"])
    if charge.balance_transaction_id:
        mirror("balance_transaction", charge.balance_transaction_id)
    stripe.clear_requests()
    return charge


def held(stripe: RunningSandbox, amount: int = 4900, currency: str = "eur", **params: Any) -> PaymentIntent:
    """The mirrored payment of money that is only held."""
    made = intent(stripe, amount, currency, capture_method="manual", **params)
    row: PaymentIntent = mirror("payment_intent", made["id"])
    stripe.clear_requests()
    return row


def disputed(stripe: RunningSandbox, **given: Any) -> Any:
    """The mirrored dispute about a payment."""
    charge = intent(stripe)["latest_charge"]
    dispute = mirror("dispute", stripe.happens("dispute_charge", charge=charge, **given)["id"])
    mirror("charge", charge)
    stripe.clear_requests()
    return dispute


def refunds(stripe: RunningSandbox, *charges: Charge) -> list[tuple[int, str]]:
    """Amount and status of each refund of these charges that Stripe has, oldest first."""
    ids = [charge.pk for charge in charges]
    return [(row["amount"], row["status"]) for row in stripe.objects("refund") if row["charge"] in ids]
