"""The forms of prices' operations. Amounts are minor units; what one unit costs may have fractions of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar, cast

from babel import Locale
from babel.core import get_global
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.language import spoken
from stripe_mirror.models import Price
from stripe_mirror.money import WrongAmount, to_fine_minor, to_major, to_minor
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.editing import EditForm
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.operation import OperationForm

ONCE = ""
INTERVALS = [
    (ONCE, gettext_lazy("Once")),
    ("day", gettext_lazy("Daily")),
    ("week", gettext_lazy("Weekly")),
    ("month", gettext_lazy("Monthly")),
    ("year", gettext_lazy("Yearly")),
]
# Prices among which the usual currency is looked for.
NEWEST = 100
# Stripe bills at least every three years.
MOST_INTERVALS = {"day": 1095, "week": 156, "month": 36, "year": 3}
# What exports call these fields.
TERMS_COLUMNS = {
    "recurring.interval": "interval",
    "recurring_interval": "interval",
    "recurring.interval_count": "interval_count",
    "recurring_interval_count": "interval_count",
}
TAX_BEHAVIOR = [
    ("", gettext_lazy("As set for the account")),
    ("exclusive", gettext_lazy("Tax comes on top")),
    ("inclusive", gettext_lazy("Tax is included")),
]


def currencies() -> list[tuple[str, str]]:
    """What is legal tender somewhere today, by code: "eur", "EUR – Euro". Which of them it takes Stripe says."""
    return _currencies(spoken())


@cache
def _currencies(language: Locale) -> list[tuple[str, str]]:
    tender = {
        code
        for used in get_global("territory_currencies").values()
        for code, _, until, legal in used
        if until is None and legal
    }
    names = language.currencies
    return [(code.lower(), f"{code} – {names.get(code, code)}") for code in sorted(tender)]


def usual_currency(product: str = "") -> str:
    """That of the product's newest price, or of most of the newest ones."""
    newest = Price.objects.alive().exclude(currency=None).order_by("-created", "-id")
    if found := newest.filter(product=product).first():
        return str(found.currency)
    common = Counter(newest.values_list("currency", flat=True)[:NEWEST]).most_common(1)
    return str(common[0][0]) if common else "usd"


class UnitAmountField(forms.CharField):
    """What one unit costs, as Stripe's parameter: {"unit_amount": 2900}, or {"unit_amount_decimal": "0.5"}.

    The form sets `currency` and whether `fractions` of a minor unit are meant in `prepare`: a slip of the finger must
    not become one. Nothing (0) is a price, too.
    """

    currency = "usd"
    fractions = False

    def prepare_value(self, value: Any) -> Any:
        """The parameter as people write it; typed text as it was typed."""
        if not isinstance(value, Mapping):
            return value
        return str(to_major(Decimal(str(next(iter(value.values())))), self.currency))

    def to_python(self, value: Any) -> Any:
        """The parameter; a stored form holds it already."""
        if isinstance(value, Mapping):
            return dict(value)
        if value in self.empty_values:
            return None
        try:
            minor = to_fine_minor(str(value), self.currency) if self.fractions else to_minor(str(value), self.currency)
        except WrongAmount as error:
            raise forms.ValidationError(str(error)) from None
        if minor < 0:
            raise forms.ValidationError(_("A price can't be below zero. Use a coupon to take something off."))
        return as_parameter(Decimal(minor))

    def run_validators(self, value: Any) -> None:
        """None of a text's validators fits a parameter."""


def as_parameter(minor: Decimal) -> dict[str, Any]:
    """Whole minor units as `unit_amount`, others as `unit_amount_decimal`: Stripe takes one of them."""
    if minor == minor.to_integral_value():
        return {"unit_amount": int(minor)}
    return {"unit_amount_decimal": f"{minor.normalize():f}"}


class AmountForm(OperationForm):
    """How much one unit costs."""

    unit_amount = UnitAmountField(label=gettext_lazy("Amount"), max_length=40)
    fractions = forms.BooleanField(
        label=gettext_lazy("The amount has fractions of the smallest coin"),
        required=False,
        help_text=gettext_lazy("For usage priced at, say, 0.0005. The total of an invoice line is rounded."),
    )

    def amount_currency(self) -> str:
        """The currency of the amount, as posted or as shown."""
        return str(self.data.get("currency") or self.initial.get("currency") or "usd").lower()

    def prepare(self) -> None:
        """Judge the amount by its currency."""
        super().prepare()
        field = cast(UnitAmountField, self.fields["unit_amount"])
        field.currency = self.amount_currency()
        box = self.fields["fractions"].widget
        field.fractions = bool(box.value_from_datadict(self.data, self.files, "fractions"))


class TermsForm(AmountForm):
    """How much, in which currency, how often, and how it is taxed: what no price can change later."""

    # What of this form is no field of the object itself.
    TERMS: ClassVar[tuple[str, ...]] = (
        "unit_amount",
        "fractions",
        "currency",
        "interval",
        "interval_count",
        "tax_behavior",
    )

    currency = forms.ChoiceField(label=gettext_lazy("Currency"), choices=currencies)
    interval = forms.ChoiceField(label=gettext_lazy("Charged"), required=False, choices=INTERVALS)
    interval_count = forms.IntegerField(
        label=gettext_lazy("Every how many"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("3 with “Monthly” charges every three months."),
    )
    tax_behavior = forms.ChoiceField(label=gettext_lazy("Tax"), required=False, choices=TAX_BEHAVIOR)

    def clean(self) -> dict[str, Any]:
        """Stripe's longest interval."""
        cleaned = super().clean()
        most = MOST_INTERVALS.get(cleaned.get("interval") or "", 0)
        if most and (cleaned.get("interval_count") or 1) > most:
            self.add_error(
                "interval_count",
                _("Stripe charges at least every three years: write %(most)s or less.") % {"most": most},
            )
        return cleaned


def terms_shown(product: str = "") -> dict[str, Any]:
    """What the terms are at first."""
    return {"currency": usual_currency(product), "interval": "month", "interval_count": 1, "tax_behavior": ""}


def terms_params(cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The terms as Stripe's parameters."""
    params = {"currency": cleaned["currency"], **cleaned["unit_amount"]}
    if cleaned.get("interval"):
        params["recurring"] = {
            "interval": cleaned["interval"],
            "interval_count": cleaned.get("interval_count") or 1,
        }
    return params | ({"tax_behavior": cleaned["tax_behavior"]} if cleaned.get("tax_behavior") else {})


class LookupKeyForm(OperationForm):
    """The name by which programs find the price, which one active price can have."""

    lookup_key = text(gettext_lazy("Lookup key"), 200, help_text=gettext_lazy("By which programs find this price."))
    transfer_lookup_key = forms.BooleanField(
        label=gettext_lazy("Take the lookup key from the price that has it"), required=False
    )

    def clean(self) -> dict[str, Any]:
        """Name the price that has the key, unless it is to be taken from it."""
        cleaned = super().clean()
        key = cleaned.get("lookup_key")
        if key and self.is_changed("lookup_key") and not cleaned.get("transfer_lookup_key"):
            holder = holder_of(key, self.row.pk)
            if holder:
                self.add_error(
                    "lookup_key",
                    _("The price %(pk)s (%(holder)s) has this lookup key. Tick the box to take it.")
                    % {"pk": holder.pk, "holder": holder},
                )
        return cleaned


def holder_of(lookup_key: str, price: str = "") -> Price | None:
    """Another price that has the lookup key, as far as the mirror knows."""
    return Price.objects.alive().filter(lookup_key=lookup_key).exclude(pk=price).first()


class CreatePriceForm(LookupKeyForm, TermsForm):
    """All that a new price can have."""

    field_order = TermsForm.TERMS

    nickname = text(gettext_lazy("Nickname"), help_text=gettext_lazy("Only staff see it."))
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)


class EditPriceForm(LookupKeyForm, EditForm):
    """The little that can be changed of a price."""

    field_order = ("nickname",)

    nickname = text(gettext_lazy("Nickname"), help_text=gettext_lazy("Only staff see it."))
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)


class ReplacePriceForm(AmountForm):
    """The new amount."""

    def amount_currency(self) -> str:
        """Always that of the price."""
        return str(self.row.data.get("currency") or "usd").lower()

    def prepare(self) -> None:
        """Say what it costs now."""
        super().prepare()
        self.fields["unit_amount"].help_text = _("Now %(row)s.") % {"row": self.row} if self.row.pk else ""
