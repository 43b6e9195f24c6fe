"""Where limits are set: per group, operation and currency, for who has the permission. Nothing of it goes to Stripe."""

from __future__ import annotations

from typing import Any

from babel import Locale
from django import forms
from django.contrib import admin
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from stripe_mirror.admin import display
from stripe_mirror.admin.outcomes import operation_label
from stripe_mirror.admin.own_lists import OwnListAdmin
from stripe_mirror.models import OperationLimit
from stripe_mirror.money import WrongAmount, format_money, to_major, to_minor
from stripe_mirror.push.limits import limited_operations

RULES = gettext_lazy(
    "Above this, another person has to approve. A person's limit is the highest that any of their "
    "groups has; who is in no group with a limit for the operation is not limited. Where there are "
    "limits for an operation, but none in a currency, everything in it needs approval. This is true "
    "of superusers, too."
)


def choices() -> list[tuple[str, str]]:
    """The operations that can be limited."""
    return [(operation.name, str(operation.label)) for operation in limited_operations()]


class LimitForm(forms.ModelForm[OperationLimit]):
    """The amount is typed as people write it."""

    operation = forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget)
    currency = forms.CharField(
        max_length=3,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("The three letters of its code, as in EUR."),
    )
    typed = forms.CharField(
        label=gettext_lazy("Without approval up to"), max_length=30, widget=UnfoldAdminTextInputWidget, help_text=RULES
    )

    class Meta:
        model = OperationLimit
        fields = ("group", "operation", "currency")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.initial["typed"] = to_major(self.instance.amount, self.instance.currency)
            self.initial["currency"] = self.instance.currency.upper()

    def clean_currency(self) -> str:
        """A code that exists."""
        code = str(self.cleaned_data["currency"]).strip()
        if code.upper() not in Locale("en").currencies:
            raise forms.ValidationError(_("Write the three letters of a currency, for example EUR."))
        return code.lower()

    def clean(self) -> dict[str, Any]:
        """The amount in minor units; 0 where everything shall be approved."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "typed" in cleaned and "currency" in cleaned:
            try:
                self.instance.amount = _minor(cleaned["typed"], cleaned["currency"])
            except WrongAmount as error:
                self.add_error("typed", str(error))
        return cleaned


def _minor(typed: str, currency: str) -> int:
    amount = to_minor(typed, currency)
    if amount < 0:
        raise WrongAmount(_("Write %(amount)s or more.") % {"amount": format_money(0, currency)})
    return amount


@admin.register(OperationLimit)
class OperationLimitAdmin(OwnListAdmin):
    """Who may move how much alone."""

    form = LimitForm
    list_display = ("group", "operation_words", "most")
    list_select_related = ("group",)
    list_filter = ("group",)
    fields = ("group", "operation", "currency", "typed")

    @admin.display(description=gettext_lazy("operation"), ordering="operation")
    def operation_words(self, row: OperationLimit) -> str:
        """As on its button."""
        return operation_label(row.operation)

    @admin.display(description=gettext_lazy("without approval up to"))
    def most(self, row: OperationLimit) -> Any:
        """With its currency."""
        return display.money(row.amount, row.currency)
