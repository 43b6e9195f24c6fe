"""What makes an invoice out of a draft: finalizing and sending."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

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

# What Stripe charges at least, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts.
MINIMUMS = dict.fromkeys(("usd", "eur", "chf", "cad", "aud", "nzd", "sgd", "brl", "inr", "jpy"), 50)
MINIMUMS |= {"gbp": 30, "sek": 300, "nok": 300, "dkk": 250, "pln": 200, "czk": 1500, "huf": 17500, "mxn": 1000}
MINIMUMS |= {"hkd": 400, "aed": 200, "bgn": 100, "myr": 200, "ron": 200, "thb": 1000}
KEEP, ON, OFF = "keep", "on", "off"


class FinalizeForm(OperationForm):
    """What Stripe does by itself afterwards."""

    collecting = forms.ChoiceField(
        label="Afterwards",
        required=False,
        widget=forms.RadioSelect,
        choices=[
            (KEEP, "As it is set on the invoice"),
            (ON, "Stripe goes on by itself: it charges or reminds the customer"),
            (OFF, "Nothing happens by itself"),
        ],
    )


@register
class FinalizeInvoice(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/finalize"""

    name = "finalize_invoice"
    label = "Finalize invoice"
    short_description = "Give the draft its number, so that it can be sent and paid."
    form_class = FinalizeForm
    bulk = True
    final_warning = "A finalized invoice can't be edited, and can't become a draft again."
    decisions = ("collecting",)
    verb = "finalize"
    refused: ClassVar[Mapping[str, str]] = {
        status: f"This invoice is finalized already (it is {status})." for status in (OPEN, PAID, UNCOLLECTIBLE, VOID)
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
        due = amount_of(row, "amount_due")
        becomes = "becomes open" if due > 0 else "is paid at once, because nothing is due"
        return [f"The draft over {money_of(row, 'total')} gets its number and {becomes}."]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What is due, what the balance does, and what Stripe goes on with."""
        due, currency = amount_of(row, "amount_due"), currency_of(row)
        used = amount_of(row, "total") - due
        money = [Amount("Due from the customer", due, currency)]
        if used and amount_of(row, "starting_balance"):
            words = "Taken from the customer's credit" if used > 0 else "Added, because the customer owes it"
            money.append(Amount(words, abs(used), currency))
        follows = (*self._follows(row, cleaned), *_too_little_words(row))
        return Effects(money=tuple(money), lines=draft_lines(row), follows=follows, final=self.final_warning)

    def _follows(self, row: StripeObject, cleaned: Mapping[str, Any]) -> tuple[str, ...]:
        sent = self.plan(row, cleaned).params
        goes_on = sent.get("auto_advance", row.data.get("auto_advance") is True)
        details = "The customer's name, address and tax ids are fixed on it as they are now."
        if amount_of(row, "amount_due") <= 0:
            return (details, "Nothing is charged.")
        if row.data.get("collection_method") == BY_INVOICE:
            mail = mail_words(row, where=" if its settings say so")
            return (details, *mail, "Stripe sends reminders." if goes_on else "Stripe sends no reminders.")
        if goes_on:
            return (details, "Stripe charges the customer's payment method within about an hour, and retries.")
        return (details, "Nothing is charged until somebody collects it.")


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
    return (f"Stripe charges {least} at least: this is put on the customer's balance, and the invoice is paid.",)


def mail_words(row: StripeObject, *, where: str = "") -> tuple[str, ...]:
    """Who gets the invoice; none is sent from a test account. Finalizing sends it only where Stripe's settings do."""
    address = state.text(row.data.get("customer_email"))
    if not address:
        return ("The customer has no email address, so nobody receives it.",)
    return (f"Stripe e-mails it to {address}{where}.",)


@register
class SendInvoice(InvoiceOperation):
    """https://docs.stripe.com/api/invoices/send"""

    name = "send_invoice"
    label = "Send invoice"
    short_description = "E-mail the invoice to the customer."
    bulk = True
    final_warning = "An e-mail that has left can't be called back; a draft can't become one again."
    verb = "send"
    refused: ClassVar[Mapping[str, str]] = {
        PAID: "This invoice is paid. Stripe sends only invoices that wait for their payment.",
        UNCOLLECTIBLE: "This invoice was written off as uncollectible. Stripe sends only open invoices.",
        VOID: IS_VOID,
    }

    def why_not_here(self, row: StripeObject) -> str:
        """Only what the customer is to pay by itself."""
        if row.data.get("collection_method") == BY_INVOICE:
            return ""
        return "This invoice is charged automatically. Stripe sends only invoices that the customer pays by itself."

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is sent."""
        return [f"{name_of(row)} over {money_of(row, 'amount_remaining')} is sent to the customer."]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The e-mail; a draft is finalized first."""
        first = ("The draft is finalized first: it gets its number and can't be edited any more.",)
        follows = (first if status_of(row) == DRAFT else ()) + mail_words(row)
        return Effects(money=self.remaining(row, "Asked from the customer"), follows=follows, final=self.final_warning)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """An invoice doesn't tell whether it was sent."""
        return False
