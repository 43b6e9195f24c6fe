"""Status in plain words: one function per kind. What Stripe adds later reads as Stripe's own value (S18).

The same words are the choices of the lists' filters: `STATES` says which rows each of them finds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from stripe_mirror.admin import status_balance as balance
from stripe_mirror.admin import status_catalog as catalog
from stripe_mirror.admin import status_invoices as invoices
from stripe_mirror.admin import status_payments as payments
from stripe_mirror.admin import status_subscriptions as subscriptions
from stripe_mirror.admin.status_base import States, Status

__all__ = ["INVOICE", "KNOWN", "STATES", "SUBSCRIPTION", "WORDS", "Status", "status_of"]

WORDS: dict[str, Callable[[Any], Status | None]] = {
    "subscription": subscriptions.subscription_status,
    "invoice": invoices.invoice_status,
    "payment_intent": payments.payment_intent_status,
    "charge": payments.charge_status,
    "refund": payments.refund_status,
    "customer": catalog.customer_status,
    "coupon": catalog.coupon_status,
    "payment_method": catalog.payment_method_status,
    "subscription_schedule": subscriptions.schedule_status,
    "invoiceitem": invoices.invoice_item_status,
    "invoice_payment": invoices.invoice_payment_status,
    "credit_note": invoices.credit_note_status,
    "promotion_code": catalog.promotion_code_status,
    "discount": catalog.discount_status,
    "tax_id": catalog.tax_id_status,
    "setup_intent": payments.setup_intent_status,
    "checkout.session": payments.checkout_session_status,
    "dispute": balance.dispute_status,
    "balance_transaction": balance.balance_transaction_status,
    "payout": balance.payout_status,
}
# By kind, what the list's status filter offers.
STATES: dict[str, States] = {
    "subscription": subscriptions.SUBSCRIPTION,
    "subscription_schedule": subscriptions.SCHEDULE,
    "invoice": invoices.INVOICE,
    "invoice_payment": invoices.INVOICE_PAYMENT,
    "credit_note": invoices.CREDIT_NOTE,
    "payment_intent": payments.PAYMENT_INTENT,
    "charge": payments.CHARGE,
    "refund": payments.REFUND,
    "setup_intent": payments.SETUP_INTENT,
    "checkout.session": payments.CHECKOUT_SESSION,
    "dispute": balance.DISPUTE,
    "balance_transaction": balance.BALANCE_TRANSACTION,
    "payout": balance.PAYOUT,
    "customer": catalog.CUSTOMER,
    "coupon": catalog.COUPON,
    "payment_method": catalog.PAYMENT_METHOD,
}
# By kind, the flags that its states put into words.
SAID_BY_STATUS = {"customer": ("delinquent",), "coupon": ("valid",)}
# By kind that has a status of Stripe's, its values with their tone.
KNOWN = {
    kind: values
    for kind, states in STATES.items()
    if (values := {state.key: state.tone for state in states.values() if state.is_stripes})
}
SUBSCRIPTION, INVOICE = KNOWN["subscription"], KNOWN["invoice"]


def status_of(row: Any) -> Status | None:
    """The state of a mirrored row in words; None where there is nothing to say."""
    found = WORDS.get(row.kind.object, catalog.default_status)(row)
    if row.deleted_at:
        return Status(_("Deleted"), states=found.states if found else frozenset())
    return found
