"""The forms of coupons' operations. What a coupon gives is said once: Stripe changes only its name and metadata."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Coupon, Product
from stripe_mirror.push import moments
from stripe_mirror.push.amounts import AmountField
from stripe_mirror.push.choices import MOST
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.editing import EditForm
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.moments import MomentField, MomentForm
from stripe_mirror.push.percentages import PercentField
from stripe_mirror.push.price_forms import currencies

ONCE, REPEATING, FOREVER = "once", "repeating", "forever"
DURATIONS = [
    (ONCE, gettext_lazy("Once: on one invoice")),
    (REPEATING, gettext_lazy("For some months")),
    (FOREVER, gettext_lazy("Forever: on every invoice")),
]
# "Cannot be set to more than 5 years in the future."
MOST_SECONDS = 5 * 366 * 86400
# Stripe's limit of a coupon's name.
LONGEST_NAME = 40


class ProductsField(forms.Field):
    """Gives the ids of mirrored products: chosen by name or, where there are too many, written one per line."""

    widget: forms.Widget = forms.Textarea(attrs={"rows": 3})

    def offer(self) -> None:
        """Offer what is sold; an archived product, too, can be written."""
        shown = list(products().filter(active=True).order_by("name", "pk")[: MOST + 1])
        if len(shown) > MOST:
            self.help_text = _("%(help_text)s Write product IDs, one per line.") % {"help_text": self.help_text}
        else:
            self.widget = forms.SelectMultiple(choices=[(row.pk, str(row)) for row in shown])
            self.help_text = _("%(help_text)s Hold Ctrl or ⌘ to choose several.") % {"help_text": self.help_text}

    def prepare_value(self, value: Any) -> Any:
        """A list as the widget takes it."""
        return "\n".join(value) if isinstance(value, list) and isinstance(self.widget, forms.Textarea) else value

    def to_python(self, value: Any) -> list[str]:
        """Lines as a list; a choice and a stored form are lists already."""
        entries = value if isinstance(value, list) else str(value or "").splitlines()
        return [entry.strip() for entry in entries if entry.strip()]

    def validate(self, value: list[str]) -> None:
        """Only products that exist, as far as the mirror knows."""
        super().validate(value)
        known = set(products().filter(pk__in=value).values_list("pk", flat=True))
        if missing := next((id for id in value if id not in known), ""):
            raise forms.ValidationError(_("There is no product %(id)s here.") % {"id": missing})


def products() -> QuerySet[Product]:
    """What a coupon can be limited to."""
    return Product.objects.alive()


class CreateCouponForm(MomentForm):
    """What it takes off, for how long, and who can redeem it until when."""

    name = text(
        gettext_lazy("Name"),
        LONGEST_NAME,
        help_text=gettext_lazy("Customers see it on invoices. Without one they see the ID."),
    )
    id = text(
        gettext_lazy("ID"),
        255,
        help_text=gettext_lazy("Of your choice, as in SPRING. Leave it empty and Stripe makes one."),
    )
    percent_off = PercentField(
        label=gettext_lazy("Percentage off"), required=False, decimals=2, min_value=Decimal("0.01")
    )
    amount_off = AmountField(label=gettext_lazy("Or an amount off"), required=False, max_length=40)
    currency = forms.ChoiceField(label=gettext_lazy("Currency of the amount"), required=False, choices=currencies)
    duration = forms.ChoiceField(
        label=gettext_lazy("How long"), choices=DURATIONS, help_text=gettext_lazy("On a subscription.")
    )
    duration_in_months = forms.IntegerField(
        label=gettext_lazy("How many months"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("With “For some months”."),
    )
    applies_to = ProductsField(
        label=gettext_lazy("Only for these products"), required=False, help_text=gettext_lazy("None: for all.")
    )
    max_redemptions = forms.IntegerField(
        label=gettext_lazy("How often it can be redeemed"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("Empty: as often as people like."),
    )
    redeem_by = MomentField(
        label=gettext_lazy("Can be redeemed until"),
        required=False,
        help_text=gettext_lazy("Discounts that exist by then go on."),
    )
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)

    def prepare(self) -> None:
        """Judge the amount by its currency, and offer products."""
        super().prepare()
        amount = cast(AmountField, self.fields["amount_off"])
        amount.currency = str(self.data.get("currency") or self.initial.get("currency") or "usd").lower()
        cast(ProductsField, self.fields["applies_to"]).offer()

    def clean_id(self) -> str:
        """One that another coupon has, Stripe refuses; that of a deleted one is free."""
        id = str(self.cleaned_data["id"])
        if id and Coupon.objects.alive().filter(pk=id).exists():
            raise forms.ValidationError(_("Another coupon has this ID. Write another one, or none."))
        return id

    def clean(self) -> dict[str, Any]:
        """Either a percentage or an amount, and months only where they count."""
        cleaned = super().clean()
        self._check_terms(cleaned)
        self._check_months(cleaned)
        until = cleaned.get("redeem_by")
        if isinstance(until, int) and until > moments.now() + MOST_SECONDS:
            self.add_error("redeem_by", _("Stripe takes no date that is more than five years ahead."))
        return cleaned

    def _check_terms(self, cleaned: dict[str, Any]) -> None:
        if {"percent_off", "amount_off"} & self.errors.keys():
            return
        percent, amount = cleaned.get("percent_off"), cleaned.get("amount_off")
        if not percent and not amount:
            self.add_error("percent_off", _("Write a percentage or an amount."))
        elif percent and amount:
            self.add_error("amount_off", _("Write either a percentage or an amount, not both."))
        elif amount and not cleaned.get("currency"):
            self.add_error("currency", _("Choose the currency of the amount."))

    def _check_months(self, cleaned: dict[str, Any]) -> None:
        if {"duration", "duration_in_months"} & self.errors.keys():
            return
        months, repeating = cleaned.get("duration_in_months"), cleaned.get("duration") == REPEATING
        if repeating and not months:
            self.add_error("duration_in_months", _("Write for how many months."))
        elif months and not repeating:
            self.add_error(
                "duration_in_months", _("Months count only with “For some months”. Choose that, or empty this.")
            )


class EditCouponForm(EditForm):
    """All that Stripe lets change of a coupon."""

    name = text(
        gettext_lazy("Name"),
        LONGEST_NAME,
        help_text=gettext_lazy("Customers see it on invoices. Without one they see the ID."),
    )
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)
