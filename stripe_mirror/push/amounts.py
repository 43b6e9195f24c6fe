"""The form field for money: people write major units, Stripe gets minor ones (S50, S51)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from stripe_mirror.money import WrongAmount, format_money, to_major, to_minor


class AmountField(forms.CharField):
    """Gives whole minor units of `currency`, which the form sets in `prepare`, once it knows the row."""

    def __init__(self, *, currency: str = "usd", **options: Any) -> None:
        super().__init__(**options)
        self.currency = currency

    def prepare_value(self, value: Any) -> Any:
        """Minor units as people write them; typed text as it was typed."""
        return str(to_major(value, self.currency)) if isinstance(value, int) else value

    def to_python(self, value: Any) -> Any:
        """Minor units; a number is in them already (a job's stored form), a text is what a person typed."""
        if isinstance(value, int) or value in self.empty_values:
            return value or None
        try:
            amount = to_minor(str(value), self.currency)
        except WrongAmount as error:
            raise forms.ValidationError(str(error)) from None
        if amount <= 0:
            raise forms.ValidationError(
                _("Write an amount above %(amount)s.") % {"amount": format_money(0, self.currency)}
            )
        return amount

    def run_validators(self, value: Any) -> None:
        """None of a text's validators fits a number."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare as people see it."""
        return str(self.prepare_value(initial) or "") != str(self.prepare_value(data) or "")
