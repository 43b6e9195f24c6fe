"""What belongs to an object's timeline: the money that moved because of it, and the objects whose changes matter to it.

A bounded number of ids: those of the newest of its children.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from stripe_mirror.models import Charge, CreditNote, Dispute, Invoice, InvoicePayment, Refund, Subscription

NEWEST = 40


@dataclass
class Scope:
    """The rows of money of one object, and the ids of objects, by kind, whose changes and pushes belong to it."""

    row: Any
    ids: dict[str, list[str]] = field(default_factory=dict)
    # The newest rows of money by kind, where a page has read them for itself.
    held: dict[str, list[Any]] = field(default_factory=dict)
    # What some of these objects are called.
    names: dict[str, str] = field(default_factory=dict)
    charges: QuerySet[Charge] | None = None
    refunds: QuerySet[Refund] | None = None
    disputes: QuerySet[Dispute] | None = None
    credit_notes: QuerySet[CreditNote] | None = None
    invoices: QuerySet[Invoice] | None = None

    def __post_init__(self) -> None:
        self.ids = {self.row.kind.object: [self.row.pk], **self.ids}

    def add(self, object_type: str, ids: list[str]) -> None:
        """Also what happened to these."""
        held = self.ids.setdefault(object_type, [])
        held += [id for id in ids if id not in held]

    def holds(self, object_type: str, id: str) -> bool:
        """Whether an object belongs to it."""
        return id in self.ids.get(object_type, ())


def of_customer(row: Any, subscriptions: list[str] | None = None) -> Scope:
    """All money of the customer, and the newest subscriptions."""
    if subscriptions is None:
        subscriptions = list(Subscription.objects.filter(customer=row.pk).values_list("pk", flat=True)[:NEWEST])
    return Scope(
        row,
        {"subscription": subscriptions},
        charges=Charge.objects.filter(customer=row.pk),
        refunds=Refund.objects.filter(charge__customer=row.pk),
        disputes=Dispute.objects.filter(charge__customer=row.pk),
        credit_notes=CreditNote.objects.filter(customer=row.pk),
        invoices=Invoice.objects.filter(customer=row.pk),
    )


def of_subscription(row: Any) -> Scope:
    """What its newest invoices brought."""
    invoices = list(Invoice.objects.filter(subscription=row.pk).values_list("pk", flat=True)[:NEWEST])
    intents = _intents(invoices)
    return Scope(
        row,
        {"invoice": invoices},
        charges=Charge.objects.filter(payment_intent__in=intents),
        refunds=Refund.objects.filter(payment_intent__in=intents),
        disputes=Dispute.objects.filter(payment_intent__in=intents),
        credit_notes=CreditNote.objects.filter(invoice__in=invoices),
        invoices=Invoice.objects.filter(subscription=row.pk),
    )


def of_invoice(row: Any) -> Scope:
    """What paid it, and what of that went back."""
    intents = _intents([row.pk])
    return Scope(
        row,
        {"payment_intent": intents},
        charges=Charge.objects.filter(payment_intent__in=intents),
        refunds=Refund.objects.filter(payment_intent__in=intents),
        disputes=Dispute.objects.filter(payment_intent__in=intents),
        credit_notes=CreditNote.objects.filter(invoice=row.pk),
    )


def of_payment_intent(row: Any) -> Scope:
    """Its attempts, and what went back."""
    return Scope(
        row,
        charges=Charge.objects.filter(payment_intent=row.pk),
        refunds=Refund.objects.filter(payment_intent=row.pk),
        disputes=Dispute.objects.filter(payment_intent=row.pk),
    )


def of_charge(row: Any) -> Scope:
    """Itself, and what went back."""
    return Scope(
        row,
        charges=Charge.objects.filter(pk=row.pk),
        refunds=Refund.objects.filter(charge=row.pk),
        disputes=Dispute.objects.filter(charge=row.pk),
    )


def _intents(invoices: list[str]) -> list[str]:
    paid = InvoicePayment.objects.filter(invoice__in=invoices).exclude(payment_intent=None)
    return list(paid.values_list("payment_intent_id", flat=True)[:NEWEST]) if invoices else []


SCOPES: dict[str, Callable[[Any], Scope]] = {
    "customer": of_customer,
    "subscription": of_subscription,
    "invoice": of_invoice,
    "payment_intent": of_payment_intent,
    "charge": of_charge,
}


def scope_of(row: Any) -> Scope:
    """What belongs to the object; of most kinds only what happened to itself."""
    make = SCOPES.get(row.kind.object)
    return make(row) if make else Scope(row)
