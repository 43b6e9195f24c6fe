"""The form of a new promotion code: what customers write, who of them, how often and until when."""

from __future__ import annotations

import re
from typing import Any, cast

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Customer, PromotionCode
from stripe_mirror.push import moments
from stripe_mirror.push.amounts import AmountField
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.moments import MomentField, MomentForm
from stripe_mirror.push.price_forms import currencies

CODE = re.compile(r"[A-Za-z0-9_-]*")


class CreatePromotionCodeForm(MomentForm):
    """All that Stripe lets decide, which is fixed afterwards. A code can't allow more than its coupon."""

    code = text(
        gettext_lazy("Code"),
        500,
        help_text=gettext_lazy("Letters, digits, - and _. Leave it empty and Stripe makes one up."),
    )
    customer = text(
        gettext_lazy("Only for one customer"),
        255,
        help_text=gettext_lazy("The customer's ID. Empty: everybody can use the code."),
    )
    max_redemptions = forms.IntegerField(
        label=gettext_lazy("How often it can be used"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("Empty: as often as its coupon."),
    )
    expires_at = MomentField(
        label=gettext_lazy("Can be used until"), required=False, help_text=gettext_lazy("Empty: as long as its coupon.")
    )
    first_time_transaction = forms.BooleanField(
        label=gettext_lazy("Only for a customer's first payment"), required=False
    )
    minimum_amount = AmountField(label=gettext_lazy("Only for orders of at least"), required=False, max_length=40)
    minimum_amount_currency = forms.ChoiceField(
        label=gettext_lazy("Currency of that amount"), required=False, choices=currencies
    )
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)

    def prepare(self) -> None:
        """Judge the amount by its currency."""
        super().prepare()
        chosen = self.data.get("minimum_amount_currency") or self.initial.get("minimum_amount_currency")
        cast(AmountField, self.fields["minimum_amount"]).currency = str(chosen or "usd").lower()

    def clean_code(self) -> str:
        """Stripe's letters."""
        code = str(self.cleaned_data["code"])
        if not CODE.fullmatch(code):
            raise forms.ValidationError(_("Use only letters (A to Z), digits, dashes and underscores."))
        return code

    def clean_customer(self) -> str:
        """Somebody whom we know."""
        customer = str(self.cleaned_data["customer"])
        if customer and not Customer.objects.alive().filter(pk=customer).exists():
            raise forms.ValidationError(_("There is no customer with this ID here."))
        return customer

    def clean(self) -> dict[str, Any]:
        """A code that is free, within what the coupon allows."""
        cleaned = super().clean()
        if "code" in cleaned and (other := holder_of(cleaned["code"], cleaned.get("customer") or "")):
            self.add_error("code", taken_words(other))
        if cleaned.get("minimum_amount") and not cleaned.get("minimum_amount_currency"):
            self.add_error("minimum_amount_currency", _("Choose the currency of the amount."))
        self._check_limits(cleaned)
        return cleaned

    def _check_limits(self, cleaned: dict[str, Any]) -> None:
        most, until = (self.row.data.get(name) for name in ("max_redemptions", "redeem_by"))
        often, expires = cleaned.get("max_redemptions"), cleaned.get("expires_at")
        if isinstance(most, int) and often and often > most:
            self.add_error(
                "max_redemptions", _("The coupon itself can be redeemed %(most)s times at most.") % {"most": most}
            )
        if isinstance(until, int) and expires and expires > until:
            words = moments.moment_words(until)
            self.add_error("expires_at", _("The coupon itself can be redeemed until %(words)s.") % {"words": words})


def holder_of(code: str, customer: str, *, but: str = "") -> PromotionCode | None:
    """Another active code of these letters that the same customer could use, as far as the mirror knows.

    Stripe compares without regard to case; what is looked for here, by an index, are the usual spellings.
    """
    if not code:
        return None
    found = PromotionCode.objects.alive().filter(code__in={code, code.upper(), code.lower()}, active=True)
    found = found.filter(Q(customer=None) | Q(customer=customer)) if customer else found
    return found.exclude(expires_at__lte=timezone.now()).exclude(pk=but).first()


def taken_words(other: PromotionCode) -> str:
    """That a code is another one's."""
    return _("The code %(other)s is taken by an active promotion code (%(pk)s). Deactivate that one first.") % {
        "other": other,
        "pk": other.pk,
    }
