"""Redeeming a coupon or a promotion code: the two form fields, the parameter, and what forbids it.

No event tells when a coupon or a code runs out by time: their own dates and counts are judged beside `valid` and
`active`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Coupon, PromotionCode, StripeObject
from stripe_mirror.money import format_money
from stripe_mirror.push import choices, moments, state
from stripe_mirror.push.choices import ObjectField
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import OperationForm

COUPON, CODE = "coupon", "promotion_code"
NO_COUPON = gettext_lazy("Choose a coupon that can still be redeemed.")
NO_CODE = gettext_lazy("Choose a promotion code that is active, and for everyone or for this customer.")
ONE_OF_BOTH = gettext_lazy("Choose a coupon or a promotion code, not both.")
NOT_WHILE_RUNNING = gettext_lazy(
    "Stripe takes no promotion code with a minimum amount for a running subscription. Use its coupon instead."
)


class RedeemForm(OperationForm):
    """A coupon, or the code by which customers get one."""

    coupon = ObjectField(label=gettext_lazy("Coupon"), refusal=NO_COUPON)
    promotion_code = ObjectField(label=gettext_lazy("Promotion code"), refusal=NO_CODE)

    def offer_discounts(self, customer: str) -> None:
        """What this customer can redeem; "" for a form for many."""
        cast(ObjectField, self.fields[COUPON]).offer(choices.coupons(), name=choices.coupon_name)
        codes = choices.promotion_codes(customer)
        cast(ObjectField, self.fields[CODE]).offer(codes, name=choices.promotion_code_name)

    def clean(self) -> dict[str, Any]:
        """One of the two."""
        cleaned = super().clean()
        if cleaned.get(COUPON) and cleaned.get(CODE):
            self.add_error(CODE, ONE_OF_BOTH)
        return cleaned


def redeemed(cleaned: Mapping[str, Any]) -> dict[str, str]:
    """The entry of `discounts` that the form asks for; {} for none."""
    return {name: cleaned[name] for name in (COUPON, CODE) if cleaned.get(name)}


def coupon_of(entry: Mapping[str, str]) -> Coupon | None:
    """The mirrored coupon that is redeemed, by itself or by a code."""
    code = PromotionCode.objects.filter(pk=entry[CODE]).first() if CODE in entry else None
    return Coupon.objects.filter(pk=code.coupon_id if code else entry.get(COUPON)).first()


def check_redeemable(entry: Mapping[str, str], *, customer: str, running: bool = False) -> None:
    """Raise NotAllowed where it was used up, ran out, or is another customer's. `running`: by a subscription that runs
    already, which takes fewer."""
    if CODE in entry:
        code = PromotionCode.objects.alive().filter(pk=entry[CODE], active=True).first()
        others = code is not None and code.customer_id not in (None, customer)
        if code is None or others or _ran_out(code, "expires_at"):
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": NO_CODE})
        if running and has_minimum(code):
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": NOT_WHILE_RUNNING})
    coupon = coupon_of(entry)
    if coupon is None or coupon.deleted_at or not coupon.valid or _ran_out(coupon, "redeem_by"):
        raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": NO_COUPON})


def has_minimum(code: StripeObject) -> bool:
    """Whether it asks for a minimum amount: https://docs.stripe.com/billing/subscriptions/coupons"""
    return bool(state.look_up(code.data, ("restrictions", "minimum_amount")))


def _ran_out(row: StripeObject, until: str) -> bool:
    end, most, used = (row.data.get(name) for name in (until, "max_redemptions", "times_redeemed"))
    over = isinstance(end, int) and end <= moments.now()
    return over or (isinstance(most, int) and isinstance(used, int) and used >= most)


def redeemed_words(entry: Mapping[str, str]) -> str:
    """ "Loyal · 25% off, forever (by the code SPRING)" """
    coupon = coupon_of(entry)
    words = choices.coupon_name(coupon) if coupon else entry.get(COUPON, "")
    code = PromotionCode.objects.filter(pk=entry[CODE]).first() if CODE in entry else None
    return _("%(discount)s (by the code %(code)s)") % {"discount": words, "code": code} if code else words


def currency_warning(entry: Mapping[str, str], currency: str) -> list[str]:
    """A sentence where the coupon takes an amount off in another currency than what is billed in."""
    coupon = coupon_of(entry)
    amount = coupon.data.get("amount_off") if coupon else None
    if coupon is None or not isinstance(amount, int) or not currency or coupon.currency == currency:
        return []
    off = format_money(amount, coupon.currency)
    return [
        _(
            "The coupon takes %(off)s off, but this is billed in %(currency)s: it takes nothing off "
            "unless it has an amount in that currency, too."
        )
        % {"off": off, "currency": currency.upper()}
    ]
