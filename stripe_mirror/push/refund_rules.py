"""What forbids a refund, and what a refund leaves as it is: by the charge and what the mirror knows around it."""

from __future__ import annotations

from django.utils.translation import gettext as _

from stripe_mirror.models import BalanceTransaction, Dispute, InvoicePayment, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.errors import ODD_SHAPE_WORDS
from stripe_mirror.push.refund_history import currency_of, left_of, listed, so_far, under_way

# Disputes that don't hold the money; Stripe's flag `is_charge_refundable` says so of others.
HARMLESS = ("won", "warning_closed", "prevented")
# How the statuses of inquiries begin that wait for an answer: no money was taken yet.
INQUIRY = "warning_needs"


def why_not_refundable(row: StripeObject) -> str:
    """By the charge itself, and the disputes about it."""
    status = row.data.get("status")
    if not isinstance(status, str) or not isinstance(row.data.get("amount"), int) or not currency_of(row):
        return str(ODD_SHAPE_WORDS)
    if row.deleted_at:
        return _("Stripe has no such payment any more.")
    if status != "succeeded":
        return _("This payment is %(status)s: there is nothing to refund.") % {"status": status}
    if row.data.get("captured") is False:
        return _("This payment is only held, not captured. Cancel the payment to release the money.")
    return _disputed_words(row) if row.data.get("disputed") else ""


def _disputed_words(row: StripeObject) -> str:
    """A dispute that holds the money; also where the mirror doesn't know yet which one it is."""
    disputes = list(Dispute.objects.filter(charge=row.pk))
    if not disputes:
        return _("This payment is disputed, so Stripe doesn't refund it.")
    for dispute in disputes:
        if not dispute.is_charge_refundable and dispute.status not in HARMLESS:
            status = str(dispute.status or "open").replace("_", " ")
            return _("This payment is disputed (%(pk)s: %(status)s), so Stripe doesn't refund it.") % {
                "pk": dispute.pk,
                "status": status,
            }
    return ""


def why_not_now(row: StripeObject) -> str:
    """Nothing left, or a refund whose outcome isn't known: another one might be the same money twice."""
    if left_of(row) == 0:
        return (_("This payment is refunded already. %(history)s") % {"history": history_words(row)}).strip()
    if waiting := under_way(row):
        return _("Another refund of this payment is on its way: %(refunds)s. Wait until its outcome is known.") % {
            "refunds": listed(waiting)
        }
    return ""


def history_words(row: StripeObject) -> str:
    """What was refunded so far, as a sentence; "" where nothing was."""
    given = so_far(row)
    return _("Refunded: %(refunds)s.") % {"refunds": listed(given)} if given else ""


def fee_words(row: StripeObject) -> str:
    """Stripe keeps its fee: how much that is, where the mirror knows."""
    moved = BalanceTransaction.objects.filter(pk=state.text(state.look_up(row.data, ("balance_transaction",)))).first()
    if moved and moved.fee:
        return _("Stripe's fee of %(amount)s for the payment isn't returned.") % {
            "amount": format_money(moved.fee, moved.currency)
        }
    return _("Stripe's fee for the payment isn't returned.")


def bill_words(row: StripeObject) -> list[str]:
    """What stays as it is: the invoice that was paid, and the subscription."""
    intent = state.text(state.look_up(row.data, ("payment_intent",)))
    paid = (
        InvoicePayment.objects.filter(payment_intent=intent) if intent else InvoicePayment.objects.filter(charge=row.pk)
    )
    invoice = next((found.invoice for found in paid.select_related("invoice__subscription")[:1]), None)
    if invoice is None:
        return []
    name = invoice.data.get("number") or invoice.pk
    words = [_("The invoice %(name)s stays paid as it is; to lower it, make a credit note instead.") % {"name": name}]
    if invoice.subscription and invoice.subscription.status in ("active", "trialing", "past_due"):
        words.append(_("The subscription goes on and is billed again; to end it, cancel it."))
    return words


def inquiry_words(row: StripeObject) -> list[str]:
    """What a refund means for an inquiry of the bank."""
    asked = row.data.get("disputed") and Dispute.objects.filter(charge=row.pk, status__startswith="warning_needs")
    return (
        [_("The bank has inquired about this payment; once all is refunded, it takes no money for that.")]
        if asked
        else []
    )
