"""Invoice payments: which payment intent an invoice was, or is to be, paid by."""

from __future__ import annotations

from tests.sandbox.params import Enum, Fields, Range, Str
from tests.sandbox.resource import Resource

PAYMENT = Resource(
    "invoice_payment",
    "inpay_",
    "/v1/invoice_payments",
    id_length=24,
    indexes=("invoice", "payment.payment_intent"),
    expands={"invoice": "invoice", "payment.payment_intent": "payment_intent", "payment.charge": "charge"},
)
PAYMENT.lists(
    created=Range(),
    invoice=Str(),
    payment=Fields(
        payment_intent=Str(), payment_record=Str(), type=Enum("payment_intent", "payment_record", required=True)
    ),
    status=Enum("canceled", "open", "paid"),
)
PAYMENT.reads()
