"""What staff can do to payments that aren't through: take the money that is held, or give them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Charge, CheckoutSession, InvoicePayment, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.amounts import AmountField
from stripe_mirror.push.editing import why_not_deleted
from stripe_mirror.push.effects import Amount, Effects
from stripe_mirror.push.errors import ODD_SHAPE_WORDS, NotAllowed
from stripe_mirror.push.moments import moment_words
from stripe_mirror.push.operation import Call, Operation, OperationForm, register

HELD = "requires_capture"
# What Stripe cancels. It also takes some that are processing, but says of none which.
CANCELABLE = ("requires_payment_method", "requires_confirmation", "requires_action", HELD)
# Stripe's values of `cancellation_reason` that a person may give.
REASONS = [
    ("", "—"),
    ("requested_by_customer", gettext_lazy("Requested by the customer")),
    ("duplicate", gettext_lazy("Duplicate")),
    ("fraudulent", gettext_lazy("Fraudulent")),
    ("abandoned", gettext_lazy("Abandoned")),
]


def currency_of(row: StripeObject) -> str:
    """Its currency."""
    return state.text(row.data.get("currency"))


def held_of(row: StripeObject) -> int:
    """Minor units that are held and can be taken."""
    held = row.data.get("amount_capturable")
    return held if isinstance(held, int) else 0


def _status(row: StripeObject) -> str:
    return state.text(row.data.get("status"))


class PaymentOperation(Operation):
    """A payment's fate is one: who cancels it doesn't also capture it."""

    object_type = "payment_intent"
    bulk = True
    topic = "fate of a payment"

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """What became of the money."""
        named = ("status", "amount_received", "amount_capturable", "cancellation_reason")
        return {name: row.data.get(name) for name in named}

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What is held."""
        return [(held_of(row), currency_of(row))]


class CaptureForm(OperationForm):
    """How much of what is held. For many rows: all of each."""

    amount_to_capture = AmountField(label=gettext_lazy("Amount"), required=False)
    statement_descriptor_suffix = forms.CharField(
        label=gettext_lazy("Suffix on the statement"),
        required=False,
        max_length=22,
        help_text=gettext_lazy("Stands behind your name on the customer's card statement."),
    )

    def prepare(self) -> None:
        """The row's currency; a form for many rows has no amount."""
        if not self.row.data:
            del self.fields["amount_to_capture"]
        elif isinstance(field := self.fields["amount_to_capture"], AmountField):
            field.currency = currency_of(self.row)
            held = format_money(held_of(self.row), field.currency)
            field.help_text = _("In %(currency)s. %(held)s are held; what you don't take is released.") % {
                "currency": field.currency.upper(),
                "held": held,
            }

    def clean(self) -> dict[str, Any]:
        """An amount, and at most what is held."""
        cleaned = super().clean()
        if "amount_to_capture" in cleaned and cleaned["amount_to_capture"] is None:
            self.add_error("amount_to_capture", _("Write the amount to capture."))
        elif cleaned.get("amount_to_capture", 0) > held_of(self.row):
            held = format_money(held_of(self.row), currency_of(self.row))
            self.add_error("amount_to_capture", _("At most %(held)s can be captured.") % {"held": held})
        return cleaned


@register
class CapturePayment(PaymentOperation):
    """https://docs.stripe.com/api/payment_intents/capture"""

    name = "capture_payment"
    label = gettext_lazy("Capture payment")
    short_description = gettext_lazy("Take the money that is held, all or part of it.")
    form_class = CaptureForm
    final_warning = gettext_lazy(
        "What was captured can only be refunded, without Stripe's fee; what was released is gone."
    )
    decisions = ("amount_to_capture", "statement_descriptor_suffix")

    def why_not(self, row: StripeObject) -> str:
        """Only held money can be taken."""
        if gone := why_not_deleted(row):
            return gone
        status = _status(row)
        if status == HELD:
            return "" if held_of(row) else str(ODD_SHAPE_WORDS)
        if status == "succeeded":
            return _("This payment is captured already.")
        return (
            _("Nothing is held by this payment. Its status is “%(status)s”.") % {"status": status.replace("_", " ")}
            if status
            else str(ODD_SHAPE_WORDS)
        )

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """All that is held."""
        given = {"statement_descriptor_suffix": ""}
        return {"amount_to_capture": held_of(row), **given} if row.data else given

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The amount is always said."""
        amount = _taken(row, cleaned)
        if amount > held_of(row):
            held = format_money(held_of(row), currency_of(row))
            raise NotAllowed(_("Nothing was sent: only %(held)s are held.") % {"held": held})
        params: dict[str, Any] = {"amount_to_capture": amount}
        if cleaned.get("statement_descriptor_suffix"):
            params["statement_descriptor_suffix"] = cleaned["statement_descriptor_suffix"]
        return Call("post", f"/v1/payment_intents/{row.pk}/capture", params)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is taken, what is released, until when it is held."""
        self.plan(row, cleaned)
        amount, held, currency = _taken(row, cleaned), held_of(row), currency_of(row)
        lines = [
            _("%(amount)s of the %(held)s that are held are taken.")
            % {"amount": format_money(amount, currency), "held": format_money(held, currency)}
        ]
        if amount < held:
            lines.append(
                _("%(amount)s are released to the customer.") % {"amount": format_money(held - amount, currency)}
            )
        return lines + _held_until(row)

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What moves, and the receipt."""
        amount, held, currency = _taken(row, cleaned), held_of(row), currency_of(row)
        money = [Amount(_("Taken from the customer"), amount, currency)]
        if amount < held:
            money.append(Amount(_("Released to the customer"), held - amount, currency))
        follows = [_("Stripe's fee is taken from what is captured.")]
        if receipt := state.text(row.data.get("receipt_email")):
            follows.append(_("Stripe mails a receipt to %(receipt)s (not in test mode).") % {"receipt": receipt})
        return Effects(money=tuple(money), follows=tuple(follows), final=self.final_warning)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Taken, and as much as was asked for."""
        return _status(row) == "succeeded" and row.data.get("amount_received") == call.params["amount_to_capture"]


def _taken(row: StripeObject, cleaned: Mapping[str, Any]) -> int:
    """What the form says, or all where it has no amount."""
    return cleaned.get("amount_to_capture") or held_of(row)


def _held_until(row: StripeObject) -> list[str]:
    """Stripe's own time limit, where the charge names it."""
    charge = Charge.objects.filter(pk=state.text(state.look_up(row.data, ("latest_charge",)))).first()
    until = state.look_up(charge.data, ("payment_method_details", "card", "capture_before")) if charge else None
    if not isinstance(until, int):
        return []
    return [_("The money is held until %(moment)s; then Stripe releases it.") % {"moment": moment_words(until)}]


class CancelPaymentForm(OperationForm):
    """Why, for Stripe."""

    cancellation_reason = forms.ChoiceField(label=gettext_lazy("Reason for Stripe"), required=False, choices=REASONS)


@register
class CancelPayment(PaymentOperation):
    """https://docs.stripe.com/api/payment_intents/cancel"""

    name = "cancel_payment"
    label = gettext_lazy("Cancel payment")
    short_description = gettext_lazy("Give it up; money that is held is released.")
    form_class = CancelPaymentForm
    needs_reason = True
    danger = True
    final_warning = gettext_lazy("A cancelled payment can't be taken up again: the customer would have to pay anew.")
    decisions = ("cancellation_reason",)

    def why_not(self, row: StripeObject) -> str:
        """Paid ones are refunded; those of an invoice or a Checkout session end with these."""
        return self.why_not_at_a_glance(row) or _why_not_alone(row)

    def why_not_at_a_glance(self, row: StripeObject) -> str:
        """By the status."""
        if gone := why_not_deleted(row):
            return gone
        status = _status(row)
        if not status:
            return str(ODD_SHAPE_WORDS)
        if status == "succeeded":
            return _("This payment has succeeded. Refund its charge instead.")
        if status == "canceled":
            return _("This payment is cancelled already.")
        if status not in CANCELABLE:
            return _("This payment is %(status)s: it can't be cancelled before its outcome is known.") % {
                "status": status.replace("_", " ")
            }
        return ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """None given."""
        return {"cancellation_reason": ""}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """With the reason, if one is given."""
        given = cleaned.get("cancellation_reason")
        params = {"cancellation_reason": given} if given else {}
        return Call("post", f"/v1/payment_intents/{row.pk}/cancel", params)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What was asked for, and what is released."""
        amount = row.data.get("amount")
        asked = format_money(amount if isinstance(amount, int) else None, currency_of(row))
        lines = [_("The payment of %(asked)s is given up; the customer can't complete it any more.") % {"asked": asked}]
        if held := held_of(row):
            lines.append(
                _("%(amount)s that are held are released to the customer.")
                % {"amount": format_money(held, currency_of(row))}
            )
        return lines

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What is released."""
        held = held_of(row)
        money = (Amount(_("Released to the customer"), held, currency_of(row)),) if held else ()
        follows = (_("It can take the bank some days to show released money."),) if held else ()
        return Effects(money=money, follows=follows, final=self.final_warning)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Whoever cancelled it."""
        return _status(row) == "canceled"


def _why_not_alone(row: StripeObject) -> str:
    paying = InvoicePayment.objects.filter(payment_intent=row.pk).exclude(status="canceled")
    if payment := paying.select_related("invoice").first():
        number = payment.invoice.data.get("number") if payment.invoice else ""
        return _("This payment belongs to the invoice %(number)s. Void the invoice instead.") % {
            "number": number or payment.invoice_id
        }
    if session := CheckoutSession.objects.filter(payment_intent=row.pk, status="open").first():
        return _("This payment belongs to the open Checkout session %(id)s. Expire that in Stripe instead.") % {
            "id": session.pk
        }
    return ""
