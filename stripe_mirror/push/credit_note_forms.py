"""The form of a credit note: what is credited, and how what was paid already is given back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Customer, InvoiceLineItem, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import state
from stripe_mirror.push.amounts import AmountField
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.invoice_facts import InvoiceFacts, facts_of
from stripe_mirror.push.operation import OperationForm
from stripe_mirror.push.refund_history import currency_of, whole

AMOUNT, LINES = "amount", "lines"
MAIL, NO_MAIL = "credit_note", "none"
# How money that was paid already goes back; they must add up (https://docs.stripe.com/api/credit_notes/create).
SPLIT = ("refund_amount", "credit_amount", "out_of_band_amount")
# So many lines are offered; of longer invoices the others are credited by an amount.
MOST_LINES = 30
LINE_PREFIX = "line_"
# Stripe's values of `reason`.
REASONS = [
    ("", "—"),
    ("duplicate", gettext_lazy("Duplicate")),
    ("fraudulent", gettext_lazy("Fraudulent")),
    ("order_change", gettext_lazy("Order change")),
    ("product_unsatisfactory", gettext_lazy("Product unsatisfactory")),
]


def creditable_lines(row: StripeObject) -> list[dict[str, Any]]:
    """The lines that something can be taken off; those that Stripe's list cut off come from their own rows."""
    held = row.data.get("lines")
    shown = held.get("data") if isinstance(held, Mapping) else None
    lines = [line for line in shown if isinstance(line, dict)] if isinstance(shown, list) else []
    if isinstance(held, Mapping) and held.get("has_more"):
        others = InvoiceLineItem.objects.alive().filter(invoice=row.pk)
        others = others.exclude(pk__in=[str(line.get("id")) for line in lines])
        lines += [other.data for other in others.order_by("pk")[:MOST_LINES]]
    return [line for line in lines if whole(line.get("amount")) > 0][:MOST_LINES]


def chosen_lines(cleaned: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Each line that the form credits, by its id, with the amount before discounts and taxes."""
    for name, value in cleaned.items():
        if name.startswith(LINE_PREFIX) and value:
            yield name.removeprefix(LINE_PREFIX), value


def is_plain(line: Mapping[str, Any]) -> bool:
    """Whether a part of the line is credited as it is: no discount comes off it, and no tax on top."""
    taxes = line.get("taxes")
    on_top = any(state.look_up(tax, ("tax_behavior",)) != "inclusive" for tax in taxes or [])
    return not line.get("discount_amounts") and not on_top


def total_of(row: StripeObject, cleaned: Mapping[str, Any]) -> int | None:
    """What the note will be over; None where only Stripe's preview can say, for discounts and taxes."""
    if cleaned.get("by") == AMOUNT:
        return whole(cleaned.get("amount")) or None
    by_id = {line.get("id"): line for line in creditable_lines(row)}
    chosen = list(chosen_lines(cleaned))
    exact = all(id in by_id and is_plain(by_id[id]) for id, _ in chosen)
    return sum(amount for _, amount in chosen) if chosen and exact else None


def objections(row: StripeObject, facts: InvoiceFacts, cleaned: Mapping[str, Any]) -> dict[str, str]:
    """What of the form Stripe would refuse: field → sentence. Asked again on the invoice as it is when it is sent."""
    found = dict(_wrong_split(row, facts, cleaned))
    total = total_of(row, cleaned)
    if total is not None and total > facts.creditable:
        most = format_money(facts.creditable, facts.currency)
        found["amount" if cleaned.get("by") == AMOUNT else "by"] = _("At most %(most)s can be credited.") % {
            "most": most
        }
    refund = whole(cleaned.get("refund_amount"))
    if facts.refundable is not None and refund > facts.refundable:
        most = format_money(facts.refundable, facts.currency)
        nothing = facts.why_not_refundable or _("Nothing of it was paid through Stripe, so nothing can be refunded.")
        found["refund_amount"] = (
            _("At most %(most)s can be refunded.") % {"most": most} if facts.refundable else nothing
        )
    if cleaned.get("credit_amount") and Customer.objects.filter(pk=facts.customer, deleted_at__isnull=False).exists():
        found["credit_amount"] = _("The customer was deleted in Stripe and can't be given credit.")
    return found


def _wrong_split(row: StripeObject, facts: InvoiceFacts, cleaned: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    total = total_of(row, cleaned)
    if total is None:
        return
    given = sum(whole(cleaned.get(name)) for name in SPLIT)
    due = max(0, total - facts.remaining)
    if given == due:
        return
    if due:
        due_words, given_words = format_money(due, facts.currency), format_money(given, facts.currency)
        sentence = _(
            "%(due)s of this note were paid already. Refund, credit and what is given back "
            "outside must add up to that; they add up to %(given)s."
        ) % {"due": due_words, "given": given_words}
        yield "refund_amount", sentence
        return
    for name in SPLIT:
        if cleaned.get(name):
            yield name, _("Nothing of it is paid yet: the note only lowers what is left to pay. Leave this empty.")


class CreditNoteForm(OperationForm):
    """What, how it is given back, and what the customer reads."""

    by = forms.ChoiceField(
        label=gettext_lazy("What is credited"),
        widget=forms.RadioSelect,
        choices=[(AMOUNT, gettext_lazy("An amount")), (LINES, gettext_lazy("Lines of the invoice"))],
    )
    amount = AmountField(label=gettext_lazy("Amount"), required=False)
    refund_amount = AmountField(label=gettext_lazy("Refund"), required=False)
    credit_amount = AmountField(
        label=gettext_lazy("Credit for the next invoices"),
        required=False,
        help_text=gettext_lazy("Onto the customer's balance."),
    )
    out_of_band_amount = AmountField(
        label=gettext_lazy("Given back outside of Stripe"),
        required=False,
        help_text=gettext_lazy("Stripe only notes it."),
    )
    credit_reason = forms.ChoiceField(
        label=gettext_lazy("Reason on the note"),
        required=False,
        choices=REASONS,
        help_text=gettext_lazy("The customer can read it."),
    )
    memo = text(
        gettext_lazy("Memo"),
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Stands on the credit note."),
    )
    email_type = forms.ChoiceField(
        label=gettext_lazy("E-mail"),
        widget=forms.RadioSelect,
        choices=[(MAIL, gettext_lazy("Send the note to the customer")), (NO_MAIL, gettext_lazy("Send nothing"))],
    )

    def prepare(self) -> None:
        """A field for each line, and what can be credited and refunded."""
        self.facts = facts_of(self.row)
        self._offer_lines()
        for field in self.fields.values():
            if isinstance(field, AmountField):
                field.currency = currency_of(self.row) or "usd"
        most, left = self._money(self.facts.creditable), self._money(self.facts.remaining)
        self.fields["amount"].help_text = _(
            "With taxes. At most %(most)s; %(left)s of the invoice are left to pay."
        ) % {"most": most, "left": left}
        if self.facts.refundable is not None:
            self.fields["refund_amount"].help_text = _("At most %(amount)s.") % {
                "amount": self._money(self.facts.refundable)
            }

    def _money(self, amount: int) -> str:
        return format_money(amount, self.facts.currency)

    def _offer_lines(self) -> None:
        names = []
        for line in creditable_lines(self.row):
            most = self._money(whole(line.get("amount")))
            limit = (
                _("At most %(most)s.") % {"most": most}
                if is_plain(line)
                else _("At most %(most)s, before discounts and taxes.") % {"most": most}
            )
            name = f"{LINE_PREFIX}{line.get('id')}"
            self.fields[name] = AmountField(
                label=_("Line: %(description)s")
                % {"description": str(line.get("description") or _("without words"))[:80]},
                required=False,
                help_text=limit,
            )
            names.append(name)
        declared = list(self.base_fields)
        after = declared.index("amount") + 1
        self.order_fields([*(n for n in declared[:after] if n != "reason"), *names, *declared[after:], "reason"])

    def clean(self) -> dict[str, Any]:
        """One way to say what is credited, within what Stripe takes."""
        cleaned = super().clean()
        if self.errors:
            return cleaned
        if cleaned["by"] == AMOUNT and not cleaned.get("amount"):
            self.add_error("amount", _("Write the amount to credit."))
        elif cleaned["by"] == LINES and not any(chosen_lines(cleaned)):
            self.add_error("by", _("Write an amount beside at least one line."))
        else:
            self._drop_other_way(cleaned)
            self._check_lines(cleaned)
            for name, sentence in objections(self.row, self.facts, cleaned).items():
                self.add_error(name, sentence)
        return cleaned

    def _drop_other_way(self, cleaned: dict[str, Any]) -> None:
        """What was written for the way that isn't chosen counts for nothing."""
        for name in cleaned:
            if name == "amount" if cleaned["by"] == LINES else name.startswith(LINE_PREFIX):
                cleaned[name] = None

    def _check_lines(self, cleaned: Mapping[str, Any]) -> None:
        amounts = {line.get("id"): whole(line.get("amount")) for line in creditable_lines(self.row)}
        for id, amount in list(chosen_lines(cleaned)):
            if amount > amounts[id]:
                self.add_error(
                    f"{LINE_PREFIX}{id}", _("The line is over %(amount)s only.") % {"amount": self._money(amounts[id])}
                )
