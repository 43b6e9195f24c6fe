"""The form field for a percentage. Both ways it is a number as Stripe's JSON has it: 19, 8.25."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms


class PercentField(forms.DecimalField):
    """Gives an int or a float, which a stored form and a parameter can hold."""

    def __init__(self, *, decimals: int, **options: Any) -> None:
        """So many decimals Stripe keeps; the widget tells browsers, too."""
        super().__init__(max_value=Decimal(100), decimal_places=decimals, max_digits=decimals + 3, **options)

    def clean(self, value: Any) -> Any:
        """The number, None where nothing is written."""
        number = super().clean(value)
        if number is None:
            return None
        return int(number) if number == number.to_integral_value() else float(number)


def percent_words(number: Any) -> str:
    """ "8.25%" """
    return f"{number:g}%"
