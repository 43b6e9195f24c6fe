"""What is known here of an invoice and its payments: readings that never fail on an odd shape and never ask Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from stripe_mirror.models import Charge, CreditNote, InvoicePayment, StripeObject, Subscription
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.errors import ODD_SHAPE_WORDS
from stripe_mirror.push.refund_history import currency_of, left_of, whole
from stripe_mirror.push.refund_rules import why_not_now, why_not_refundable
from stripe_mirror.push.wording import Words

DRAFT, OPEN, PAID, UNCOLLECTIBLE, VOID = "draft", "open", "paid", "uncollectible", "void"
# Ours, for a draft that is no more: Stripe keeps no status of it.
DELETED = "deleted"
AUTOMATIC, BY_INVOICE = "charge_automatically", "send_invoice"
# https://docs.stripe.com/invoicing/integration/workflow-transitions: what can still be paid, or voided.
PAYABLE = frozenset({OPEN, UNCOLLECTIBLE})
# A subscription that waits for its latest invoice.
OWING = frozenset({"past_due", "unpaid", "incomplete"})


def status_of(row: StripeObject) -> str:
    """Its status; "" where it has none that a status could be."""
    return state.text(row.data.get("status"))


def why_not_in(row: StripeObject, refused: Mapping[str, Words]) -> str:
    """The sentence for the row's status; a status that nobody here knows is left to Stripe."""
    status = row.data.get("status")
    if row.deleted_at:
        return _("This %(noun)s was deleted in Stripe.") % {"noun": row._meta.verbose_name}
    return str(refused.get(status, "") if isinstance(status, str) else ODD_SHAPE_WORDS)


def amount_of(row: StripeObject, name: str) -> int:
    """One of its amounts, in minor units; 0 where there is none."""
    return whole(row.data.get(name))


def money_of(row: StripeObject, name: str) -> str:
    """One of its amounts, in words."""
    return format_money(amount_of(row, name), currency_of(row))


def name_of(row: StripeObject) -> str:
    """What a sentence calls it: "Invoice ABC-0001", or "This draft" while it has no number."""
    number = state.text(row.data.get("number"))
    return (
        _("Invoice %(number)s") % {"number": number}
        if number
        else _("This draft")
        if status_of(row) == DRAFT
        else _("This invoice")
    )


def customer_of(row: StripeObject) -> str:
    """The customer's id."""
    return state.text(state.look_up(row.data, ("customer",)))


def subscription_of(row: StripeObject) -> str:
    """The subscription's id; "" for an invoice of its own."""
    paths = (("parent", "subscription_details", "subscription"), ("subscription",))
    return next((found for path in paths if (found := state.text(state.look_up(row.data, path)))), "")


def is_automatic(row: StripeObject) -> bool:
    """Whether Stripe charges the customer for it by itself."""
    return row.data.get("collection_method") == AUTOMATIC and row.data.get("auto_advance") is True


def payments_of(row: StripeObject) -> list[Any]:
    """Its payments, made or asked for, with what they are made of."""
    known = InvoicePayment.objects.alive().filter(invoice=row.pk)
    return list(known.select_related("charge", "payment_intent__latest_charge")) if row.pk else []


def paid_by(payment: Any) -> Any:
    """The charge that paid; None where it isn't mirrored, or Stripe only has a record of the payment."""
    return payment.charge or (payment.payment_intent.latest_charge if payment.payment_intent else None)


def is_processing(payments: list[Any]) -> bool:
    """Whether a bank debit is on its way."""
    return any(p.status == OPEN and p.payment_intent and p.payment_intent.status == "processing" for p in payments)


def why_not_while_processing(row: StripeObject) -> str:
    """Stripe's `invoice_payment_processing`."""
    if is_processing(payments_of(row)):
        return _("A payment of this invoice is being processed. Wait until it has arrived or failed.")
    return ""


def has_payment(row: StripeObject) -> bool:
    """Whether any money was received for it through Stripe."""
    received = amount_of(row, "amount_paid") - amount_of(row, "amount_paid_off_stripe")
    return received > 0 or any(payment.status == PAID for payment in payments_of(row))


def waiting_subscription(row: StripeObject) -> Any:
    """The subscription that is held up by this invoice; None where none is."""
    found = Subscription.objects.filter(pk=subscription_of(row) or None, status__in=OWING).first()
    return found if found and state.look_up(found.data, ("latest_invoice",)) == row.pk else None


@dataclass(frozen=True)
class InvoiceFacts:
    """An invoice and its payments in figures: minor units of one currency."""

    status: str = ""
    currency: str = ""
    total: int = 0
    # Left to pay.
    remaining: int = 0
    # What payments through Stripe brought, and what Stripe only has noted.
    paid: int = 0
    paid_elsewhere: int = 0
    # Taken off by credit notes, and given back by refunds that stand on none.
    credited: int = 0
    refunded: int = 0
    # What can still be refunded; None where the payment isn't mirrored. The reason, where it is nothing.
    refundable: int | None = 0
    why_not_refundable: str = ""
    processing: bool = False
    subscription: str = ""
    customer: str = ""

    @property
    def creditable(self) -> int:
        """What credit notes can still take off: Stripe counts refunds without a note, too."""
        return max(0, self.total - self.credited - self.refunded)


def facts_of(row: StripeObject) -> InvoiceFacts:
    """All of it, by a few local queries."""
    payments = payments_of(row)
    charges = [(p, paid_by(p)) for p in payments if p.status == PAID]
    refundable, why_not = _refundable(charges)
    return InvoiceFacts(
        status=DELETED if row.deleted_at else status_of(row),
        currency=currency_of(row),
        total=amount_of(row, "total"),
        remaining=amount_of(row, "amount_remaining"),
        paid=max(
            sum(whole(p.amount_paid) for p, _ in charges),
            amount_of(row, "amount_paid") - amount_of(row, "amount_paid_off_stripe"),
        ),
        paid_elsewhere=amount_of(row, "amount_paid_off_stripe"),
        credited=amount_of(row, "pre_payment_credit_notes_amount") + amount_of(row, "post_payment_credit_notes_amount"),
        refunded=max(0, sum(amount_of(c, "amount_refunded") for _, c in charges if c) - _refunded_by_notes(row)),
        refundable=refundable,
        why_not_refundable=why_not,
        processing=is_processing(payments),
        subscription=subscription_of(row),
        customer=customer_of(row),
    )


def _refundable(charges: list[tuple[Any, Charge | None]]) -> tuple[int | None, str]:
    """What of the payments can still go back, and why not all of it."""
    left, reasons = 0, []
    for payment, charge in charges:
        if charge is None:
            return None, ""
        if reason := why_not_refundable(charge) or why_not_now(charge):
            reasons.append(reason)
        else:
            left += min(whole(payment.amount_paid) or left_of(charge), left_of(charge))
    return left, " ".join(reasons)


def _refunded_by_notes(row: StripeObject) -> int:
    """Refunds that credit notes made or name: they are in the notes' sums already."""
    notes = CreditNote.objects.alive().filter(invoice=row.pk).exclude(status=VOID)
    named = [note.data.get("refunds") for note in notes]
    return sum(
        whole(state.look_up(entry, ("amount_refunded",)))
        for entries in named
        if isinstance(entries, list)
        for entry in entries
    )
