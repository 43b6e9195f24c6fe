"""What staff can do to coupons. Stripe never changes what one gives; discounts that were made from one outlive it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.models import Coupon, Discount, Product, PromotionCode, Push, StripeObject
from stripe_mirror.push import moments, state
from stripe_mirror.push.choices import coupon_terms
from stripe_mirror.push.coupon_forms import ONCE, CreateCouponForm, EditCouponForm
from stripe_mirror.push.editing import EditOperation, SwitchForm, counted, why_not_deleted
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.errors import NothingToChange
from stripe_mirror.push.importable import Importable
from stripe_mirror.push.operation import Call, Operation, register
from stripe_mirror.push.price_forms import usual_currency

# Discounts and codes beyond that are only said to be more.
MOST = 10_000
# The fields that one line of the summary says together.
TERMS = ("percent_off", "amount_off", "duration_in_months")


@register
class CreateCoupon(EditOperation):
    """https://docs.stripe.com/api/coupons/create"""

    name = "create_coupon"
    label = gettext_lazy("Create coupon")
    short_description = gettext_lazy("Something off, as a percentage or an amount: once, for some months, or forever.")
    object_type = "coupon"
    form_class = CreateCouponForm
    creates = True
    decisions = ("currency", "duration")
    # Stripe shows the products only where they are asked for.
    not_state = ("applies_to",)
    importable = Importable(columns={"applies_to.products": "applies_to"}, by_row=None)

    def why_not(self, row: StripeObject) -> str:
        """Always possible."""
        return ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """Nothing, once, in the usual currency."""
        return {**super().initial(row), "applies_to": [], "currency": usual_currency(), "duration": ONCE}

    def params(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """What is filled in; the currency goes with an amount."""
        params = {**super().params(row, cleaned), "duration": cleaned["duration"]}
        if "amount_off" in params:
            params["currency"] = cleaned["currency"]
        if "applies_to" in params:
            params["applies_to"] = {"products": params["applies_to"]}
        return params

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What it gives (S52), then the rest that is filled in."""
        lines = [_("It gives: %(terms)s") % {"terms": coupon_terms(Coupon(data=self.params(row, cleaned)))}]
        with suppress(NothingToChange):
            lines += super().summary(row, {name: value for name, value in cleaned.items() if name not in TERMS})
        return lines

    def in_words(self, name: str, value: Any) -> Any:
        """Products by their names, moments as dates."""
        if name == "applies_to":
            names = {row.pk: str(row) for row in Product.objects.filter(pk__in=value)}
            return [names.get(id, id) for id in value]
        return moments.moment_words(value) if name == "redeem_by" else super().in_words(name, value)

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Nobody has it yet, and what it gives is fixed from now on."""
        params = self.params(row, cleaned)
        follows = [
            _("Nobody gets it by itself: put it on a subscription or an invoice, or make promotion codes for it.")
        ]
        if currency := params.get("currency"):
            follows.append(
                _("It takes nothing off what is billed in another currency than %(currency)s.")
                % {"currency": currency.upper()}
            )
        follows.append(_("Afterwards only its name and metadata can be changed. It can be deleted."))
        return Effects(follows=tuple(follows))

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """What Stripe shows of it."""
        return state.touched(row.data, {k: v for k, v in call.params.items() if k not in self.not_state})

    def undo(self, push: Push) -> Undo:
        """What was made can be deleted; what was made from it meanwhile stands on that form."""
        return Undo(DeleteStripeCoupon.name)


@register
class EditCoupon(EditOperation):
    """https://docs.stripe.com/api/coupons/update"""

    name = "edit_coupon"
    label = gettext_lazy("Edit coupon")
    short_description = gettext_lazy("Name and metadata. What it gives can't be changed: make another coupon for that.")
    object_type = "coupon"
    form_class = EditCouponForm
    importable = Importable()

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Who sees the name."""
        if "name" not in self.differing(row, cleaned):
            return Effects()
        return Effects(follows=(_("Invoices from now on show the new name, also for discounts that exist already."),))


@register
class DeleteStripeCoupon(Operation):
    """https://docs.stripe.com/api/coupons/delete"""

    name = "delete_stripe_coupon"
    label = gettext_lazy("Delete coupon")
    short_description = gettext_lazy(
        "Nobody can redeem it any more, nor its promotion codes. Discounts that exist stay."
    )
    object_type = "coupon"
    form_class = SwitchForm
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy("A deleted coupon can't be brought back, and its promotion codes never work again.")

    def why_not(self, row: StripeObject) -> str:
        """Once only."""
        return why_not_deleted(row)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One deletion."""
        return Call("delete", row.kind.path(row.pk), {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Which one."""
        return [_("The coupon %(row)s is deleted.") % {"row": row}]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Which codes stop working, and which discounts go on."""
        codes, discounts = working_codes(row), running_discounts(coupon=row.pk)
        follows = [
            _("Stops working: %(codes)s.") % {"codes": codes} if codes else _("It has no active promotion code."),
            _("Stays until its end: %(discounts)s.") % {"discounts": discounts}
            if discounts
            else _("No running discount was made from it."),
            _("Invoices keep what it took off."),
        ]
        return Effects(follows=tuple(follows), final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """What it was."""
        return {name: row.data.get(name) for name in ("name", "percent_off", "amount_off", "currency", "duration")}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """It is gone."""
        return bool(row.deleted_at)


def working_codes(row: StripeObject) -> str:
    """ "3 promotion codes" of a coupon that can be redeemed, as far as the mirror knows; "" for none."""
    found = PromotionCode.objects.alive().filter(coupon=row.pk, active=True)
    number = found[: MOST + 1].count()
    words = ngettext("%(number)s promotion code", "%(number)s promotion codes", number)
    return words % {"number": counted(number, most=MOST)} if number else ""


def running_discounts(**source: str) -> str:
    """ "3 discounts" of customers and subscriptions that go on, by a coupon or a code; "" for none."""
    going_on = Q(end=None) | Q(end__gt=timezone.now())
    found = Discount.objects.alive().filter(going_on, invoice=None, invoice_item=None, **source)
    number = found[: MOST + 1].count()
    words = ngettext("%(number)s discount", "%(number)s discounts", number)
    return words % {"number": counted(number, most=MOST)} if number else ""
