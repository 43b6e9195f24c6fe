"""What staff can do to a customer's credit balance. Stripe's sign is the debtor's: below zero is credit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from babel import Locale
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Price, Push, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.amounts import AmountField
from stripe_mirror.push.effects import Amount, Effects, Undo
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import Call, Operation, OperationForm, register

CREDIT, DEBIT = "credit", "debit"
OPPOSITE = {CREDIT: DEBIT, DEBIT: CREDIT}


def currency_of(row: StripeObject) -> str:
    """The currency that a customer is billed in; "" before the first invoice, subscription or balance entry."""
    return state.text(row.data.get("currency")).lower()


def balance_in_words(balance: Any, currency: str) -> str:
    """A balance without Stripe's sign: "€5.00 credit", "owes €5.00", "none"."""
    if not isinstance(balance, int) or balance == 0:
        return _("none")
    shown = format_money(abs(balance), currency)
    return (_("%(amount)s credit") if balance < 0 else _("owes %(amount)s")) % {"amount": shown}


def why_not_customer(row: StripeObject) -> str:
    """What forbids any change of a customer."""
    return _("This customer was deleted in Stripe.") if row.deleted_at else ""


class BalanceForm(OperationForm):
    """How much, which way; a customer is billed in one currency."""

    direction = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        widget=forms.RadioSelect,
        choices=[
            (CREDIT, gettext_lazy("Give credit: lowers the next invoices")),
            (DEBIT, gettext_lazy("Take credit back, or charge: raises the next invoice")),
        ],
    )
    amount = AmountField(label=gettext_lazy("Amount"))
    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        max_length=3,
        help_text=gettext_lazy("The three letters of its code, as in EUR."),
    )
    description = forms.CharField(
        label=gettext_lazy("Note in Stripe"),
        required=False,
        max_length=350,
        help_text=gettext_lazy("Stands beside the entry in the customer's balance history."),
    )

    def prepare(self) -> None:
        """The customer's own currency where it has one; then nobody writes another."""
        held = currency_of(self.row)
        amount = self.fields["amount"]
        if isinstance(amount, AmountField):
            amount.currency = held or self._written() or "usd"
        if held:
            self.fields["currency"].widget.attrs["readonly"] = True
            self.fields["currency"].help_text = _("What this customer is billed in.")

    def _written(self) -> str:
        """The currency as posted or as shown, where it can be one."""
        code = str(self.data.get("currency") or self.initial.get("currency") or "").strip()
        return code.lower() if code.upper() in Locale("en").currencies else ""

    def clean_currency(self) -> str:
        """A code that exists, and the customer's."""
        code = str(self.cleaned_data["currency"]).strip().lower()
        if code.upper() not in Locale("en").currencies:
            raise forms.ValidationError(_("Write the three letters of a currency, for example EUR."))
        if wrong := _why_not_currency(self.row, code):
            raise forms.ValidationError(wrong)
        return code


def _why_not_currency(row: StripeObject, currency: str) -> str:
    held = currency_of(row)
    return (
        _("This customer is billed in %(currency)s.") % {"currency": held.upper()} if held and held != currency else ""
    )


@register
class AdjustCustomerBalance(Operation):
    """https://docs.stripe.com/api/customer_balance_transactions/create

    Never by the customer's own `balance`: that would set a value that others change, too, and say nothing of why.
    """

    name = "adjust_customer_balance"
    label = gettext_lazy("Adjust balance")
    short_description = gettext_lazy("Give the customer credit for the next invoices, or take it back.")
    object_type = "customer"
    form_class = BalanceForm
    adds = True
    bulk = True
    limited = True
    needs_reason = True
    final_warning = gettext_lazy(
        "The entry stays in the customer's balance history: it can be undone by a second entry the "
        "other way round, but not once an invoice has used the credit."
    )
    # An entry of its own: nothing of it stands in the customer but the sum.
    not_state = ("amount", "currency", "description")
    decisions = ("direction", "amount", "currency", "description")

    def why_not(self, row: StripeObject) -> str:
        """Deleted customers have no balance."""
        return why_not_customer(row)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """Credit, in the customer's currency, or in the one that was sold in last."""
        return {"direction": CREDIT, "currency": (currency_of(row) or _latest_currency()).upper()}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One entry; a relative amount, so that of two people's entries none is lost (S32)."""
        currency = cleaned["currency"].lower()
        if wrong := _why_not_currency(row, currency):
            # It had none when the form was opened.
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": wrong})
        params: dict[str, Any] = {"amount": _signed(cleaned), "currency": currency}
        if cleaned.get("description"):
            params["description"] = cleaned["description"]
        return Call("post", f"/v1/customers/{row.pk}/balance_transactions", params)

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """The entry, and the balance before and after."""
        params = self.plan(row, cleaned).params
        amount, currency = params["amount"], params["currency"]
        shown = format_money(abs(amount), currency)
        lines = [
            _("%(shown)s is credited to the customer.") % {"shown": shown}
            if amount < 0
            else _("%(shown)s is charged to the balance.") % {"shown": shown}
        ]
        if isinstance(held := row.data.get("balance"), int):
            was, will = balance_in_words(held, currency), balance_in_words(held + amount, currency)
            lines.append(_("Balance: %(was)s → %(will)s.") % {"was": was, "will": will})
        return lines + (
            [_("Note in Stripe: %(description)s") % {"description": params["description"]}]
            if "description" in params
            else []
        )

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """No money moves yet: invoices take the balance into account when they are finalized."""
        currency = cleaned["currency"].lower()
        words = (
            _("Credited to the customer") if cleaned["direction"] == CREDIT else _("Charged to the customer's balance")
        )
        follows = [
            _("Nothing is charged or paid out now."),
            _("Invoices in %(currency)s use the balance when they are finalized; open ones stay as they are.")
            % {"currency": currency.upper()},
            _("Stripe sends no e-mail about it."),
        ]
        if row.pk and not currency_of(row):
            follows.append(
                _("The customer will be billed in %(currency)s from now on.") % {"currency": currency.upper()}
            )
        money = (Amount(words, cleaned["amount"], currency),)
        return Effects(money=money, follows=tuple(follows), final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The balance; the answer is the entry, which tells the balance after it."""
        if row.kind.object == "customer_balance_transaction":
            return {"balance": row.data.get("ending_balance"), "balance_transaction": row.pk}
        return {"balance": row.data.get("balance")}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """The sum can't tell: others change it, too. An event of the customer under our key does."""
        return False

    def at_stake(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Iterable[tuple[int, str]]:
        """The entry, whichever way round."""
        return [(int(cleaned["amount"]), cleaned["currency"].lower())]

    def undo(self, push: Push) -> Undo:
        """The same amount the other way round."""
        amount, currency = push.params["amount"], push.params["currency"]
        values = {
            "direction": OPPOSITE[CREDIT if amount < 0 else DEBIT],
            "amount": abs(amount),
            "currency": currency.upper(),
            "description": push.params.get("description", ""),
        }
        return Undo(self.name, values)


def _signed(cleaned: Mapping[str, Any]) -> int:
    amount = int(cleaned["amount"])
    return -amount if cleaned["direction"] == CREDIT else amount


def _latest_currency() -> str:
    """What was sold in last, as a guess."""
    newest = Price.objects.alive().values_list("currency", flat=True).first()
    return newest or "usd"
