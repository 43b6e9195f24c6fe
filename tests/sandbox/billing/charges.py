"""What a charge shows when it is made."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import blanks
from tests.sandbox.store import Row, clone


def make(sandbox: Any, intent: Row, method: Row) -> Row:
    """A successful, captured charge for an intent, not stored yet."""
    charge_id = sandbox.new_id("ch_" if method["type"] == "card" else "py_", 24)
    return {
        **clone(blanks.CHARGE),
        "id": charge_id,
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "billing_details": clone(method["billing_details"]),
        "created": sandbox.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "livemode": sandbox.livemode,
        "metadata": dict(intent["metadata"]),
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": _details(method),
        "receipt_email": intent["receipt_email"],
        "receipt_url": f"https://pay.sandbox.example/receipts/{charge_id}",
        "shipping": clone(intent["shipping"]),
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "transfer_group": intent["transfer_group"],
    }


def _details(method: Row) -> Row:
    kind = method["type"]
    if kind != "card":
        kept = {key: value for key, value in method[kind].items() if key != "generated_from"}
        return {"type": kind, kind: {**kept, "mandate": None}}
    shown = (
        "brand",
        "checks",
        "country",
        "exp_month",
        "exp_year",
        "fingerprint",
        "funding",
        "last4",
        "regulated_status",
    )
    card = {key: clone(method["card"][key]) for key in shown}
    rest = {
        "amount_authorized": None,
        "authorization_code": None,
        "installments": None,
        "mandate": None,
        "network": method["card"]["brand"],
        "network_token": {"used": False},
        "network_transaction_id": None,
        "three_d_secure": None,
        "transaction_link_id": None,
        "wallet": None,
    }
    return {"type": "card", "card": {**card, **rest}}
