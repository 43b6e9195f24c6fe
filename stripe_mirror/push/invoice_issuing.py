"""What makes an invoice out of a draft: finalizing and sending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.effects import Amount, Effects
from stripe_mirror.push.errors import ODD_SHAPE
from stripe_mirror.push.invoice_facts import (
    BY_INVOICE,
    DRAFT,
    OPEN,
    PAID,
    UNCOLLECTIBLE,
    VOID,
    amount_of,
    money_of,
    name_of,
    status_of,
)
from stripe_mirror.push.invoice_operation import IS_VOID, InvoiceOperation
from stripe_mirror.push.operation import Call, OperationForm, register
from stripe_mirror.push.previews import lines_of
from stripe_mirror.push.refund_history import currency_of
from stripe_mirror.push.wording import Words

# What Stripe charges at least, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts.
MINIMUMS = dict.fromkeys(("usd", "eur", "chf", "cad", "aud", "nzd", "sgd", "brl", "inr", "jpy"), 50)
MINIMUMS |= {"gbp": 30, "sek": 300, "nok": 300, "dkk": 250, "pln": 200, "czk": 1500, "huf": 17500, "mxn": 1000}
MINIMUMS |= {"hkd": 400, "aed": 200, "bgn": 100, "myr": 200, "ron": 200, "thb": 1000}
KEEP, ON, OFF = "keep", "on", "off"


class FinalizeForm(OperationForm):
    """What Stripe does by itself afterwards."""

    collecting = forms.ChoiceField(
        label=gettext_lazy("Afterwards"),
        required=False,
        widget=forms.RadioSelect,
        choices=[
            (KEEP, gettext_lazy("As it is set on the invoice")),
            (ON, gettext_lazy("Stripe goes on by itself: it charges or reminds the customer")),
            (OFF, gettext_lazy("Nothing happens by itself")),
        ],
    )


@register
class FinalizeInvoice(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/finalize"""

    name = "finalize_invoice"
    label = gettext_lazy("Finalize invoice")
    at_hand = True
    short_description = gettext_lazy("Give the draft its number, so that it can be sent and paid.")
    form_class = FinalizeForm
    bulk = True
    final_warning = gettext_lazy("A finalized invoice can't be edited, and can't become a draft again.")
    decisions = ("collecting",)
    verb = "finalize"
    refused: ClassVar[Mapping[str, Words]] = {
        OPEN: gettext_lazy("This invoice is finalized already (it is open)."),
        PAID: gettext_lazy("This invoice is finalized already (it is paid)."),
        UNCOLLECTIBLE: gettext_lazy("This invoice is finalized already (it is uncollectible)."),
        VOID: gettext_lazy("This invoice is finalized already (it is void)."),
    }
    leads_to = frozenset({OPEN, PAID, UNCOLLECTIBLE, VOID})

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """As it is."""
        return {"collecting": KEEP}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """With `auto_advance` where it is to be another one."""
        wanted = {ON: True, OFF: False}.get(cleaned.get("collecting") or KEEP)
        differs = wanted is not None and wanted != row.data.get("auto_advance")
        return Call("post", f"/v1/invoices/{row.pk}/finalize", {"auto_advance": wanted} if differs else {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What it becomes."""
        total = money_of(row, "total")
        if amount_of(row, "amount_due") > 0:
            return [_("The draft over %(total)s gets its number and becomes open.") % {"total": total}]
        return [
            _("The draft over %(total)s gets its number and is paid at once, because nothing is due.")
            % {"total": total}
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What is due, what the balance does, and what Stripe goes on with."""
        due, currency = amount_of(row, "amount_due"), currency_of(row)
        used = amount_of(row, "total") - due
        money = [Amount(_("Due from the customer"), due, currency)]
        if used and amount_of(row, "starting_balance"):
            words = _("Taken from the customer's credit") if used > 0 else _("Added, because the customer owes it")
            money.append(Amount(words, abs(used), currency))
        follows = (*self._follows(row, cleaned), *_too_little_words(row))
        return Effects(money=tuple(money), lines=draft_lines(row), follows=follows, final=self.final_warning)

    def _follows(self, row: StripeObject, cleaned: Mapping[str, Any]) -> tuple[str, ...]:
        sent = self.plan(row, cleaned).params
        goes_on = sent.get("auto_advance", row.data.get("auto_advance") is True)
        details = _("The customer's name, address and tax ids are fixed on it as they are now.")
        if amount_of(row, "amount_due") <= 0:
            return (details, _("Nothing is charged."))
        if row.data.get("collection_method") == BY_INVOICE:
            mail = mail_words(row, by_settings=True)
            return (details, *mail, _("Stripe sends reminders.") if goes_on else _("Stripe sends no reminders."))
        if goes_on:
            return (details, _("Stripe charges the customer's payment method within about an hour, and retries."))
        return (details, _("Nothing is charged until somebody collects it."))


def draft_lines(row: StripeObject) -> tuple[Amount, ...]:
    """What makes it up to what is due, with discounts, taxes and balance: Stripe has reckoned it on the draft."""
    try:
        return tuple(lines_of(row.data))
    except ODD_SHAPE:
        return ()


def _too_little_words(row: StripeObject) -> tuple[str, ...]:
    """Stripe's `invoice_too_small`."""
    due, currency = amount_of(row, "amount_due"), currency_of(row)
    if not 0 < due < MINIMUMS.get(currency, 0):
        return ()
    least = format_money(MINIMUMS[currency], currency)
    return (
        _("Stripe charges %(least)s at least: this is put on the customer's balance, and the invoice is paid.")
        % {"least": least},
    )


def mail_words(row: StripeObject, *, by_settings: bool = False) -> tuple[str, ...]:
    """Who gets the invoice; none is sent from a test account. Finalizing sends it only where Stripe's settings do."""
    address = state.text(row.data.get("customer_email"))
    if not address:
        return (_("The customer has no email address, so nobody receives it."),)
    if by_settings:
        return (_("Stripe e-mails it to %(address)s if its settings say so.") % {"address": address},)
    return (_("Stripe e-mails it to %(address)s.") % {"address": address},)


@register
class SendInvoice(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/send"""

    name = "send_invoice"
    label = gettext_lazy("Send invoice")
    at_hand = True
    short_description = gettext_lazy("E-mail the invoice to the customer.")
    bulk = True
    final_warning = gettext_lazy("An e-mail that has left can't be called back; a draft can't become one again.")
    verb = "send"
    refused: ClassVar[Mapping[str, Words]] = {
        PAID: gettext_lazy("This invoice is paid. Stripe sends only invoices that wait for their payment."),
        UNCOLLECTIBLE: gettext_lazy("This invoice was written off as uncollectible. Stripe sends only open invoices."),
        VOID: IS_VOID,
    }

    def why_not_here(self, row: StripeObject) -> str:
        """Only what the customer is to pay by itself."""
        if row.data.get("collection_method") == BY_INVOICE:
            return ""
        return _("This invoice is charged automatically. Stripe sends only invoices that the customer pays by itself.")

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is sent."""
        return [
            _("%(invoice)s over %(amount)s is sent to the customer.")
            % {"invoice": name_of(row), "amount": money_of(row, "amount_remaining")}
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The e-mail; a draft is finalized first."""
        first = (_("The draft is finalized first: it gets its number and can't be edited any more."),)
        follows = (first if status_of(row) == DRAFT else ()) + mail_words(row)
        return Effects(
            money=self.remaining(row, _("Asked from the customer")), follows=follows, final=self.final_warning
        )

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """An invoice doesn't tell whether it was sent."""
        return False
