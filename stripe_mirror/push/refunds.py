"""What staff can do about refunds: give money back, and stop a refund that waits for the customer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Charge, Push, Refund, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.amounts import AmountField
from stripe_mirror.push.editing import why_not_deleted
from stripe_mirror.push.effects import Amount, Effects, Undo
from stripe_mirror.push.errors import ODD_SHAPE_WORDS, NotAllowed
from stripe_mirror.push.operation import Call, Operation, OperationForm, register
from stripe_mirror.push.refund_history import OPERATION, currency_of, given_back, left_of, listed, so_far, whole
from stripe_mirror.push.refund_rules import (
    bill_words,
    fee_words,
    history_words,
    inquiry_words,
    why_not_now,
    why_not_refundable,
)

FRAUDULENT = "fraudulent"
# Stripe's values of `reason`.
REASONS = [
    ("", "—"),
    ("requested_by_customer", gettext_lazy("Requested by the customer")),
    ("duplicate", gettext_lazy("Duplicate")),
    (FRAUDULENT, gettext_lazy("Fraudulent (blocks the card and the e-mail address)")),
]
BLOCKS = gettext_lazy(
    "Stripe puts the card and the e-mail address on its block lists: this customer can't pay with them any more."
)
# Other payments may lack a way back: Stripe asks the customer by mail where the money shall go.
BY_CARD = "card"


class RefundForm(OperationForm):
    """How much, and why. For many rows: without the amount, all that is left of each."""

    amount = AmountField(label=gettext_lazy("Amount"), required=False)
    refund_reason = forms.ChoiceField(
        label=gettext_lazy("Reason for Stripe"),
        required=False,
        choices=REASONS,
        help_text=gettext_lazy("“Fraudulent” adds the card and the e-mail address to Stripe's block lists."),
    )
    instructions_email = forms.EmailField(
        label=gettext_lazy("E-mail for instructions"),
        required=False,
        help_text=gettext_lazy("Where Stripe can't send the money back by itself, it asks the customer here where to."),
    )
    reverse_transfer = forms.BooleanField(
        label=gettext_lazy("Take the transfer back"),
        required=False,
        help_text=gettext_lazy("In proportion, from the connected account."),
    )
    refund_application_fee = forms.BooleanField(
        label=gettext_lazy("Give the application fee back"),
        required=False,
        help_text=gettext_lazy("In proportion, to the connected account."),
    )

    def prepare(self) -> None:
        """Only what fits the payment."""
        data = self.row.data
        if not data:
            del self.fields["amount"]
        elif isinstance(field := self.fields["amount"], AmountField):
            field.currency = currency_of(self.row)
            left, amount = self._money(left_of(self.row)), self._money(whole(data.get("amount")))
            field.help_text = _("In %(currency)s. %(left)s of %(amount)s can be refunded.") % {
                "currency": field.currency.upper(),
                "left": left,
                "amount": amount,
            }
        fits = {
            "instructions_email": state.look_up(data, ("payment_method_details", "type")) not in (None, BY_CARD),
            "reverse_transfer": bool(data.get("transfer")),
            "refund_application_fee": bool(data.get("application_fee")),
        }
        for name in fits:
            if not fits[name]:
                del self.fields[name]

    def clean(self) -> dict[str, Any]:
        """An amount, and at most what is left."""
        cleaned = super().clean()
        if "amount" in cleaned and cleaned["amount"] is None:
            self.add_error("amount", _("Write the amount to refund."))
        elif cleaned.get("amount", 0) > left_of(self.row):
            self.add_error(
                "amount", _("At most %(amount)s can be refunded.") % {"amount": self._money(left_of(self.row))}
            )
        return cleaned

    def _money(self, amount: int) -> str:
        return format_money(amount, currency_of(self.row))


@register
class RefundCharge(Operation):
    """https://docs.stripe.com/api/refunds/create"""

    name = OPERATION
    label = gettext_lazy("Refund payment")
    short_description = gettext_lazy("Give all or part of the money back.")
    object_type = "charge"
    form_class = RefundForm
    bulk = True
    needs_reason = True
    danger = True
    adds = True
    limited = True
    final_warning = gettext_lazy("A refund can't be taken back.")
    decisions = ("amount", "refund_reason", "instructions_email", "reverse_transfer", "refund_application_fee")

    def why_not(self, row: StripeObject) -> str:
        """What Stripe refuses, what is refunded already and by whom, and what isn't known yet."""
        return why_not_refundable(row) or why_not_now(row)

    def why_not_at_a_glance(self, row: StripeObject) -> str:
        """By the charge itself."""
        if row.data.get("disputed"):
            return _("This payment is disputed.")
        return why_not_refundable(row) or ("" if left_of(row) else _("This payment is refunded already."))

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """All that is left; a form for many rows has no amount."""
        return {"amount": left_of(row), "refund_reason": ""} if row.data else {"refund_reason": ""}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One refund of this charge; the amount is always said, so that nobody's other refund changes it."""
        amount, left = _amount(row, cleaned), left_of(row)
        if amount > left:
            shown = format_money(left, currency_of(row))
            raise NotAllowed(
                (
                    _("Nothing was sent: only %(shown)s is left to refund. %(history)s")
                    % {"shown": shown, "history": history_words(row)}
                ).strip()
            )
        params: dict[str, Any] = {"charge": row.pk, "amount": amount}
        if cleaned.get("refund_reason"):
            params["reason"] = cleaned["refund_reason"]
        if cleaned.get("instructions_email"):
            params["instructions_email"] = cleaned["instructions_email"]
        flags = ("reverse_transfer", "refund_application_fee")
        return Call("post", "/v1/refunds", params | {name: True for name in flags if cleaned.get(name)})

    def field_for_param(self, param: str) -> str:
        """`reason` is Stripe's here; the form's field of that name is our log's."""
        return "refund_reason" if param == "reason" else super().field_for_param(param)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What goes back, what went back before and by whom, what is left."""
        currency, amount = currency_of(row), _amount(row, cleaned)
        self.plan(row, cleaned)
        paid = format_money(whole(row.data.get("amount")), currency)
        lines = [
            _("%(amount)s of the %(paid)s that were paid go back to the customer.")
            % {"amount": format_money(amount, currency), "paid": paid}
        ]
        lines += [_("Already refunded: %(given)s.") % {"given": given} for given in given_back(row)]
        lines.append(
            _("Left to refund afterwards: %(amount)s.") % {"amount": format_money(left_of(row) - amount, currency)}
        )
        if cleaned.get("refund_reason") == FRAUDULENT:
            lines.append(str(BLOCKS))
        return lines

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The money, and what the refund doesn't do."""
        money = Amount(_("Goes back to the customer"), _amount(row, cleaned), currency_of(row))
        follows = [
            fee_words(row),
            _("It is paid from your Stripe balance. While that is too low, the refund is pending."),
            _("The customer gets an e-mail about it if Stripe's settings say so."),
            *bill_words(row),
            *inquiry_words(row),
        ]
        return Effects(money=(money,), follows=tuple(follows), final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """What the charge says of its refunds; Stripe's answer to the call is the refund."""
        if row.kind.object == "charge":
            return _refunded(row)
        charge = Charge.objects.filter(pk=call.params["charge"]).first()
        made = {"refund": row.pk, "refund.status": row.data.get("status")}
        return {**(_refunded(charge) if charge else {}), **made}

    def undo(self, push: Push) -> Undo | None:
        """Only while Stripe asks the customer where to send the money."""
        made = Refund.objects.filter(pk=push.after.get("refund") or "").first()
        return Undo(CancelRefund.name, {}, "refund", made.pk) if made and made.status == "requires_action" else None

    def refusal(self, push: Push, message: str) -> str:
        """With what others have refunded meanwhile (S33)."""
        charge = Charge.objects.filter(pk=push.object_id).first()
        others = so_far(charge, but=push.pk) if charge else []
        return (
            _("%(message)s Refunded by now: %(refunds)s.") % {"message": message, "refunds": listed(others)}
            if others
            else message
        )

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What is left."""
        return [(left_of(row), currency_of(row))]

    def at_stake(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Iterable[tuple[int, str]]:
        """What goes back."""
        return [(_amount(row, cleaned), currency_of(row))]


def _amount(row: StripeObject, cleaned: Mapping[str, Any]) -> int:
    """What the form says, or all that is left where it has no amount."""
    return whole(cleaned.get("amount")) or left_of(row)


def _refunded(charge: StripeObject) -> dict[str, Any]:
    return {name: charge.data.get(name) for name in ("amount_refunded", "refunded")}


class CancelRefundForm(OperationForm):
    """Only a reason."""


@register
class CancelRefund(Operation):
    """https://docs.stripe.com/api/refunds/cancel: only where Stripe waits for the customer's bank account."""

    name = "cancel_refund"
    label = gettext_lazy("Cancel refund")
    short_description = gettext_lazy("Stop a refund that waits for the customer's bank details.")
    object_type = "refund"
    form_class = CancelRefundForm
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy("A cancelled refund can't be taken up again; a new one can be made.")

    def why_not(self, row: StripeObject) -> str:
        """Stripe cancels no other refunds."""
        if gone := why_not_deleted(row):
            return gone
        status = row.data.get("status")
        if status == "requires_action":
            return ""
        if status in ("failed", "canceled"):
            return _("This refund is %(status)s already.") % {"status": status}
        if not isinstance(status, str):
            return str(ODD_SHAPE_WORDS)
        return _(
            "This refund is %(status)s. Stripe cancels only refunds that wait for the customer's "
            "bank details; card refunds can be cancelled in the Dashboard, for a short time."
        ) % {"status": status}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """Without parameters."""
        return Call("post", f"/v1/refunds/{row.pk}/cancel", {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        amount = format_money(whole(row.data.get("amount")), currency_of(row))
        return [
            _("The refund of %(amount)s is cancelled: the customer doesn't get the money, and the payment stays paid.")
            % {"amount": amount}
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The money comes back."""
        back = Amount(_("Back to your Stripe balance"), whole(row.data.get("amount")), currency_of(row))
        follows = (_("The payment counts as paid again, and can be refunded again."),)
        return Effects(money=(back,), follows=follows, final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Its status."""
        return {name: row.data.get(name) for name in ("status", "failure_reason")}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """The call has no parameters that could be read back."""
        return bool(row.data.get("status") == "canceled")

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What would come back."""
        return [(whole(row.data.get("amount")), currency_of(row))]
