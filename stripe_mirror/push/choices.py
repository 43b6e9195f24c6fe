"""Form fields that offer mirrored objects by name: prices, payment methods, coupons, promotion codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stripe_mirror.models import Coupon, PaymentMethod, Price, PromotionCode, StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.wording import Words

# So many are offered by name; of more, a person writes the id.
MOST = 100


class ObjectField(forms.CharField):
    """Gives the id of one of the mirrored objects that the form offers in `prepare`, "" for none."""

    def __init__(self, *, refusal: Words, **options: Any) -> None:
        """`refusal` is the sentence for an id that isn't among them."""
        super().__init__(required=options.pop("required", False), max_length=255, **options)
        self.refusal = refusal
        self.offered: QuerySet[Any] | None = None
        self.kept = ""

    def offer(
        self, rows: QuerySet[Any], *, name: Callable[[Any], str] = str, nothing: Words = "—", kept: str = ""
    ) -> None:
        """Offer these rows, and what is chosen now, though it may not be chosen anew (`kept`)."""
        self.offered, self.kept = rows, kept
        shown = list(rows[: MOST + 1])
        if len(shown) > MOST:
            self.help_text = (
                _("%(help_text)s There are too many to choose from: write the ID.") % {"help_text": self.help_text}
            ).strip()
            return
        choices = [(row.pk, name(row)) for row in shown]
        if kept and all(kept != value for value, _ in choices):
            choices.append((kept, _name_of(rows.model, kept, name)))
        self.widget = forms.Select(choices=[("", nothing), *choices])

    def validate(self, value: Any) -> None:
        """Only what is offered, or what is there already."""
        super().validate(value)
        if value and value != self.kept and not (self.offered is not None and self.offered.filter(pk=value).exists()):
            raise forms.ValidationError(self.refusal)


def _name_of(model: type[StripeObject], id: str, name: Callable[[Any], str]) -> str:
    row = model._default_manager.filter(pk=id).first()
    return name(row) if row else id


def prices(currency: str) -> QuerySet[Price]:
    """What can be subscribed to, in this currency or, if it is "", in any; archived products aren't sold."""
    rows = Price.objects.alive().filter(active=True, type="recurring").exclude(product__active=False)
    rows = rows.filter(currency=currency) if currency else rows
    return rows.select_related("product").order_by("product__name", "unit_amount", "pk")


def price_name(price: Price) -> str:
    """ "Gold · €29.00 / month (yearly offer)" """
    words = f"{price.product} · {price}" if price.product else str(price)
    nickname = state.text(price.data.get("nickname"))
    archived = "" if price.data.get("active") else _("archived")
    notes = ", ".join(note for note in (nickname if nickname not in words else "", archived) if note)
    return f"{words} ({notes})" if notes else words


def payment_methods(customer: str) -> QuerySet[PaymentMethod]:
    """What a customer can be charged with."""
    return PaymentMethod.objects.alive().filter(customer=customer)


def payment_method_name(method: PaymentMethod) -> str:
    """ "Visa •••• 4242, until 12/2030" """
    month, year = (state.look_up(method.data, ("card", name)) for name in ("exp_month", "exp_year"))
    return (
        _("%(method)s, until %(month)s/%(year)s") % {"method": method, "month": f"{month:02}", "year": year}
        if isinstance(month, int) and isinstance(year, int)
        else str(method)
    )


def coupons() -> QuerySet[Coupon]:
    """What can be redeemed, as far as the mirror knows."""
    return Coupon.objects.alive().filter(valid=True)


def coupon_name(coupon: Coupon) -> str:
    """ "Loyal · 25% off, forever" """
    named = "" if str(coupon) == coupon.terms else f"{coupon} · "
    return f"{named}{coupon_terms(coupon)}"


def coupon_terms(coupon: Coupon) -> str:
    """ "$50.00 off, for 3 months" """
    months = coupon.data.get("duration_in_months")
    duration = state.text(coupon.data.get("duration"))
    number = months if isinstance(months, int) else 2
    repeating = ngettext("for %(months)s month", "for %(months)s months", number) % {"months": months}
    lasting = {"once": _("once"), "forever": _("forever"), "repeating": repeating}.get(duration, duration)
    return f"{coupon.terms}, {lasting}".strip(", ")


def promotion_codes(customer: str) -> QuerySet[PromotionCode]:
    """What a customer can redeem."""
    mine = Q(customer=None) | Q(customer=customer) if customer else Q()
    return PromotionCode.objects.alive().filter(mine, active=True).select_related("coupon")


def promotion_code_name(code: PromotionCode) -> str:
    """ "SPRING: Loyal · 25% off, once" """
    return f"{code}: {coupon_name(code.coupon)}" if code.coupon else str(code)
