"""How a subscription is paid: charged by itself or by invoices to pay, and with which payment method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.models import Customer, PaymentMethod, Push, StripeObject
from stripe_mirror.push import choices, state
from stripe_mirror.push.choices import ObjectField
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import Call, OperationForm, register
from stripe_mirror.push.subscription_facts import (
    AUTOMATIC,
    BY_INVOICE,
    collects,
    invoices_in_words,
    is_paused,
    why_not_billable,
    why_not_changeable,
)
from stripe_mirror.push.subscription_operation import SubscriptionOperation, update

METHOD, DAYS = "collection_method", "days_until_due"
PAYMENT_METHOD, SOURCE = "default_payment_method", "default_source"
DEFAULT_DAYS = 30
# Ten years: nobody means more.
MOST_DAYS = 3650
NOBODY_PAYS = gettext_lazy("No payment method is known here that it could be charged with: its next payment will fail.")


def customer_of(row: StripeObject) -> str:
    """The id of the customer who pays."""
    return state.text(state.look_up(row.data, ("customer",)))


def charged_with(row: StripeObject, own: str) -> str:
    """What is charged, by name or id, where the subscription's own payment method is `own` or, if "", none; "" where
    the mirror knows of nothing. Stripe's order: the subscription's, then the customer's."""
    customer = Customer.objects.filter(pk=customer_of(row)).first()
    held = customer.data if customer else {}
    default = ("invoice_settings", PAYMENT_METHOD)
    ids = (own, state.look_up(row.data, (SOURCE,)), state.look_up(held, default), state.look_up(held, (SOURCE,)))
    chosen = next((id for id in ids if isinstance(id, str) and id), "")
    method = PaymentMethod.objects.filter(pk=chosen).first() if chosen else None
    return choices.payment_method_name(method) if method else chosen


class CollectionForm(OperationForm):
    """Which of the two ways."""

    collection_method = forms.ChoiceField(
        label=gettext_lazy("How invoices are paid"),
        widget=forms.RadioSelect,
        choices=[
            (AUTOMATIC, gettext_lazy("Charge the payment method by itself")),
            (BY_INVOICE, gettext_lazy("Send invoices for the customer to pay")),
        ],
    )
    days_until_due = forms.IntegerField(
        label=gettext_lazy("Days until an invoice is due"),
        required=False,
        min_value=0,
        max_value=MOST_DAYS,
        help_text=gettext_lazy("Only with invoices that the customer pays."),
    )

    def prepare(self) -> None:
        """Offer what it is now, too."""
        self.keep_choice(METHOD)

    def clean(self) -> dict[str, Any]:
        """Days go with invoices to pay; days that the form showed by itself are no wish."""
        cleaned = super().clean()
        method, days = cleaned.get(METHOD), cleaned.get(DAYS)
        if method == BY_INVOICE and days is None and DAYS not in self.errors:
            self.add_error(DAYS, _("Write how many days the customer has to pay an invoice."))
        elif method == AUTOMATIC and days is not None:
            if self.is_changed(DAYS):
                self.add_error(DAYS, _("This goes only with invoices that the customer pays."))
            else:
                cleaned[DAYS] = None
        return cleaned


@register
class SwitchCollectionMethod(SubscriptionOperation):
    """https://docs.stripe.com/billing/collection-method"""

    name = "switch_collection_method"
    label = gettext_lazy("Change how it is paid")
    short_description = gettext_lazy("Charge it by itself, or send invoices for the customer to pay.")
    form_class = CollectionForm
    bulk = True

    def why_not(self, row: StripeObject) -> str:
        """Not where it could never be resumed afterwards."""
        if reason := why_not_billable(row):
            return reason
        if is_paused(row) and collects(row) == AUTOMATIC:
            return _("It is paused, and Stripe can't resume what sends invoices. Resume it first.")
        return ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """As it is."""
        return {METHOD: collects(row), DAYS: row.data.get(DAYS)}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update with what differs; Stripe forgets the days by itself, and takes none beside a charge."""
        wanted = {METHOD: cleaned[METHOD], **({DAYS: cleaned[DAYS]} if cleaned[METHOD] == BY_INVOICE else {})}
        params = {name: value for name, value in wanted.items() if not state.same(row.data.get(name), value)}
        if not params:
            raise NothingToChange(_("Nothing was sent: it is paid in this way already."))
        if params.get(METHOD) == BY_INVOICE:
            params[DAYS] = cleaned[DAYS]
        return update(row, params)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """How invoices are paid from now on."""
        self.plan(row, cleaned)
        if cleaned[METHOD] == BY_INVOICE:
            return [days_words(cleaned[DAYS])]
        return [_("Invoices are charged by themselves.")]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Only what is made from now on, and what is charged."""
        follows = [_("Nothing is charged now. This counts for the invoices that are made from now on.")]
        if opened := invoices_in_words(row, "open"):
            follows.append(
                _("%(opened)s from before stay as they are: they go on being collected in their own way.")
                % {"opened": opened}
            )
        if cleaned[METHOD] == BY_INVOICE:
            follows.append(_("Stripe e-mails each invoice to the customer where its settings say so."))
        elif row.pk:
            name = charged_with(row, state.text(state.look_up(row.data, (PAYMENT_METHOD,))))
            follows.append(_("It will be charged with %(name)s.") % {"name": name} if name else str(NOBODY_PAYS))
        return Effects(follows=tuple(follows))

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Both."""
        return {METHOD: row.data.get(METHOD), DAYS: row.data.get(DAYS)}

    def undo(self, push: Push) -> Undo | None:
        """The way that it was."""
        held = {METHOD: push.before.get(METHOD), DAYS: push.before.get(DAYS)}
        return Undo(self.name, held) if held[METHOD] else None


def days_words(days: int) -> str:
    """How long the customer has to pay an invoice, as a line of a summary."""
    words = ngettext(
        "Invoices are sent to the customer, who has %(days)s day to pay each.",
        "Invoices are sent to the customer, who has %(days)s days to pay each.",
        days,
    )
    return words % {"days": days}


NOT_THEIRS = gettext_lazy("Choose a payment method that is attached to the subscription's customer.")


class PaymentMethodForm(OperationForm):
    """One of the customer's."""

    default_payment_method = ObjectField(label=gettext_lazy("Charge"), refusal=NOT_THEIRS)

    def prepare(self) -> None:
        """Those of its customer, and what is chosen now."""
        field, customer = self.fields[PAYMENT_METHOD], customer_of(self.row)
        if isinstance(field, ObjectField):
            offered = choices.payment_methods(customer) if customer else PaymentMethod.objects.none()
            kept = self.initial.get(PAYMENT_METHOD) or ""
            field.offer(offered, name=choices.payment_method_name, nothing=_("The customer's default"), kept=kept)


@register
class ChangeSubscriptionPaymentMethod(SubscriptionOperation):
    """https://docs.stripe.com/billing/subscriptions/payment-methods-setting"""

    name = "change_subscription_payment_method"
    label = gettext_lazy("Change payment method")
    short_description = gettext_lazy(
        "Choose what this subscription is charged with, or go back to the customer's default."
    )
    form_class = PaymentMethodForm

    def why_not(self, row: StripeObject) -> str:
        """Also while its first invoice waits to be paid: that is what a new method is for."""
        return why_not_changeable(row)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """Its own, or none."""
        return {PAYMENT_METHOD: state.text(state.look_up(row.data, (PAYMENT_METHOD,)))}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update; "" takes its own away, so that the customer's counts."""
        wanted = cleaned.get(PAYMENT_METHOD) or ""
        if wanted == self.initial(row)[PAYMENT_METHOD]:
            raise NothingToChange(_("Nothing was sent: it is charged with this already."))
        if wanted and not choices.payment_methods(customer_of(row)).filter(pk=wanted).exists():
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": NOT_THEIRS})
        return update(row, {PAYMENT_METHOD: wanted})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """From what to what."""
        wanted = self.plan(row, cleaned).params[PAYMENT_METHOD]
        was, now = (_own_words(row, own) for own in (self.initial(row)[PAYMENT_METHOD], wanted))
        return [_("Charged with: %(was)s → %(now)s") % {"was": was, "now": now}]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What is charged, and when."""
        follows = [_("Nothing is charged now.")]
        if collects(row) != AUTOMATIC:
            follows.append(_("The customer pays its invoices by hand: this counts once it is charged by itself."))
        elif not charged_with(row, cleaned.get(PAYMENT_METHOD) or ""):
            follows.append(str(NOBODY_PAYS))
        else:
            follows.append(
                _(
                    "It is charged from the next payment on, also for an open invoice that names no "
                    "payment method itself."
                )
            )
        return Effects(follows=tuple(follows))

    def undo(self, push: Push) -> Undo | None:
        """The one before, as long as it is attached."""
        earlier = push.before.get(PAYMENT_METHOD)
        if earlier and not PaymentMethod.objects.alive().filter(pk=earlier).exclude(customer=None).exists():
            return None
        return Undo(self.name, {PAYMENT_METHOD: earlier or ""})


def _own_words(row: StripeObject, own: str) -> str:
    if own:
        return charged_with(row, own)
    name = charged_with(row, "")
    return (
        _("the customer's default (%(name)s)") % {"name": name}
        if name
        else _("the customer's default (none is known here)")
    )
