"""How an invoice is paid: collected now with a payment method, or noted as paid outside of Stripe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Customer, PaymentMethod, StripeObject, Subscription
from stripe_mirror.push import state
from stripe_mirror.push.choices import ObjectField, payment_method_name, payment_methods
from stripe_mirror.push.effects import Effects
from stripe_mirror.push.invoice_facts import (
    DRAFT,
    PAID,
    VOID,
    amount_of,
    customer_of,
    money_of,
    name_of,
    status_of,
    subscription_of,
    waiting_subscription,
    why_not_while_processing,
)
from stripe_mirror.push.invoice_operation import FINALIZE_FIRST, IS_VOID, InvoiceOperation
from stripe_mirror.push.operation import Call, OperationForm, register
from stripe_mirror.push.wording import Words


def default_payment_method(row: StripeObject) -> str:
    """The payment method that Stripe charges by itself: the invoice's, its subscription's, the customer's; or ""."""
    subscription = Subscription.objects.filter(pk=subscription_of(row) or None).first()
    customer = Customer.objects.filter(pk=customer_of(row) or None).first()
    found = (
        state.look_up(row.data, ("default_payment_method",)),
        state.look_up(subscription.data, ("default_payment_method",)) if subscription else None,
        state.look_up(customer.data, ("invoice_settings", "default_payment_method")) if customer else None,
    )
    return next((state.text(id) for id in found if id), "")


def method_words(id: str) -> str:
    """A payment method by its card: "Visa •••• 4242"."""
    known = PaymentMethod.objects.filter(pk=id).first()
    return str(known) if known else id


class PayForm(OperationForm):
    """With what. A form for many rows has only each invoice's own way."""

    payment_method = ObjectField(
        label=gettext_lazy("Payment method"),
        refusal=gettext_lazy("This payment method isn't the customer's, or was detached."),
    )

    def prepare(self) -> None:
        """What is attached to the customer."""
        own = default_payment_method(self.row) if self.row.pk else ""
        nothing = (
            _("The usual one: %(method)s") % {"method": method_words(own)}
            if own
            else _("The one that Stripe charges by itself")
        )
        field = self.fields["payment_method"]
        if isinstance(field, ObjectField):
            customer = customer_of(self.row)
            rows = payment_methods(customer) if customer else PaymentMethod.objects.none()
            field.offer(rows, name=payment_method_name, nothing=nothing)


@register
class PayInvoice(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/pay"""

    name = "pay_invoice"
    label = gettext_lazy("Charge customer")
    at_hand = True
    short_description = gettext_lazy("Collect the invoice now with one of the customer's payment methods.")
    form_class = PayForm
    bulk = True
    may_be_declined = True
    final_warning = gettext_lazy(
        "A payment can't be taken back, only refunded, and Stripe's fee for it isn't returned."
    )
    decisions = ("payment_method",)
    verb = "pay"
    refused: ClassVar[Mapping[str, Words]] = {
        DRAFT: FINALIZE_FIRST,
        PAID: gettext_lazy("This invoice is paid already."),
        VOID: IS_VOID,
    }
    leads_to = frozenset({PAID})

    def why_not_here(self, row: StripeObject) -> str:
        """Not while a bank debit is on its way."""
        return why_not_while_processing(row)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """As Stripe would."""
        return {"payment_method": ""}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """With the method, where another one than the usual is meant."""
        chosen = cleaned.get("payment_method")
        return Call("post", f"/v1/invoices/{row.pk}/pay", {"payment_method": chosen} if chosen else {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """How much, with what."""
        method = cleaned.get("payment_method") or default_payment_method(row)
        amount, invoice = money_of(row, "amount_remaining"), name_of(row)
        if method:
            return [
                _("%(amount)s of %(invoice)s are collected now with %(method)s.")
                % {"amount": amount, "invoice": invoice, "method": method_words(method)}
            ]
        return [
            _("%(amount)s of %(invoice)s are collected now with the payment method that Stripe charges by itself.")
            % {"amount": amount, "invoice": invoice}
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The money, and what happens if it doesn't come."""
        follows = [
            _(
                "If the payment is declined, nothing is charged; Stripe records the attempt, the invoice "
                "stays as it is."
            ),
            _("A bank debit takes days: until it arrives the invoice stays as it is."),
            _("The customer gets a receipt by e-mail if Stripe's settings say so."),
        ]
        if waiting := waiting_subscription(row):
            held = str(waiting.status).replace("_", " ")
            follows.append(
                _("Once it is paid, the subscription, which is %(status)s, becomes active.") % {"status": held}
            )
        money = self.remaining(row, _("Charged to the customer"))
        return Effects(money=money, follows=tuple(follows), final=self.final_warning)


@register
class MarkInvoicePaid(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/pay with paid_out_of_band"""

    name = "mark_invoice_paid"
    label = gettext_lazy("Mark as paid")
    short_description = gettext_lazy("Note that the invoice was paid outside of Stripe, in cash or by bank transfer.")
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy("This can't be taken back: only a credit note can correct it.")
    verb = "pay"
    refused = PayInvoice.refused
    leads_to = frozenset({PAID})

    def why_not_here(self, row: StripeObject) -> str:
        """Not while a bank debit is on its way: it would be paid twice."""
        return why_not_while_processing(row)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """Nothing is charged."""
        return Call("post", f"/v1/invoices/{row.pk}/pay", {"paid_out_of_band": True})

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Paid, and not by a payment through Stripe; an older version of Stripe's API doesn't tell these apart."""
        noted = row.data.get("amount_paid_off_stripe")
        return status_of(row) == PAID and (noted is None or amount_of(row, "amount_due") == 0 or bool(noted))

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What counts as paid."""
        return [
            _("%(amount)s of %(invoice)s count as paid outside of Stripe.")
            % {"amount": money_of(row, "amount_remaining"), "invoice": name_of(row)}
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """No money moves."""
        follows = [
            _("Nothing is charged, and nothing comes onto your Stripe balance."),
            _("The payment that it waited for is cancelled: the customer can't pay it online any more."),
        ]
        if waiting := waiting_subscription(row):
            follows.append(
                _("The subscription, which is %(status)s, becomes active.")
                % {"status": str(waiting.status).replace("_", " ")}
            )
        money = self.remaining(row, _("Counts as paid outside of Stripe"))
        return Effects(money=money, follows=tuple(follows), final=self.final_warning)
