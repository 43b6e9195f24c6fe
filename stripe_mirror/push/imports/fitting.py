"""An operation's form over many rows: one form is used again and again, but where its choices are a row's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from stripe_mirror.models import StripeObject
from stripe_mirror.push.amounts import AmountField
from stripe_mirror.push.imports.columns import declared, fields_of
from stripe_mirror.push.operation import Operation, OperationForm
from stripe_mirror.push.price_forms import UnitAmountField

# What fills the money that a row names, each as what it is, and the sentences about what fits not.
Fit = tuple[Mapping[str, Any] | None, list[tuple[str, str]]]


class Fitting:
    """Says whether values fit a row, by the operation's own form."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.by_row = declared(operation).by_row
        self._again: OperationForm | None = None

    def fit(self, row: StripeObject, present: Mapping[str, Any], values: Mapping[str, Any]) -> Fit:
        """The form's cleaned values, or None, and its sentences, each with its field's name ("" for all)."""
        if self.by_row is None or any(name in values for name in self.by_row):
            form = self.operation.get_form(row, {**present, **values})
            form.fields["reason"].required = False
            valid = form.is_valid()
        else:
            if self._again is None:
                self._again = self.operation.get_form(self.operation.new_row(), {})
                del self._again.fields["reason"]
            form = self._again
            valid = form.judge(row, present, values)
        if valid:
            return form.cleaned_data, []
        return None, [
            ("" if name == "__all__" else name, str(text)) for name, texts in form.errors.items() for text in texts
        ]

    def money(self, cleaned: Mapping[str, Any]) -> list[tuple[int, str]]:
        """The amounts that a new object has, in minor units beside their currency."""
        found = []
        for name, held in cleaned.items():
            currency = str(cleaned.get(self._currency(name)) or "")
            amount = held.get("unit_amount") if isinstance(held, Mapping) else held
            if currency and isinstance(amount, int) and self._is_money(name):
                found.append((amount, currency))
        return found

    def needs_currency(self, targets: Sequence[str]) -> str:
        """A sentence where amounts have no column with their currency: a guess would move money."""
        for name in targets:
            if self._is_money(name) and self._currency(name) not in targets:
                label = fields_of(self.operation)[name]
                return _("“%(label)s” is an amount: match a column with its currency, too.") % {"label": label}
        return ""

    def _is_money(self, name: str) -> bool:
        return isinstance(self.operation.form_class.base_fields.get(name), AmountField | UnitAmountField)

    def _currency(self, name: str) -> str:
        own = f"{name}_currency"
        return own if own in self.operation.form_class.base_fields else "currency"
