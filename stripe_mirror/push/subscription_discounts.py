"""The discounts of a subscription: add one, remove one.

Stripe replaces the whole list: those that stay are sent with it, by their ids.
https://docs.stripe.com/billing/subscriptions/coupons
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Customer, Discount, Push, StripeObject
from stripe_mirror.push import previews, state
from stripe_mirror.push.discount_forms import (
    CODE,
    COUPON,
    RedeemForm,
    check_redeemable,
    coupon_of,
    currency_warning,
    redeemed,
    redeemed_words,
)
from stripe_mirror.push.effects import Amount, Effects, Undo
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import Call, OperationForm, register
from stripe_mirror.push.subscription_collection import customer_of
from stripe_mirror.push.subscription_facts import currency_of, why_not_billable
from stripe_mirror.push.subscription_operation import SubscriptionOperation, update

DISCOUNTS = "discounts"
# Stripe takes so many entries.
MOST = 20
GONE = gettext_lazy("The subscription has no such discount any more. Open the form again.")
EXISTING = gettext_lazy("Invoices that exist already stay as they are.")


def discounts_of(row: StripeObject) -> list[str]:
    """The ids of its own discounts, in the order in which they are taken off; Stripe gives ids unless expanded."""
    held = row.data.get(DISCOUNTS)
    return state.texts([state.look_up(entry, ()) for entry in held] if isinstance(held, list) else [])


def discount_words(discount_id: str) -> str:
    """A discount by its coupon: "Loyal · 25% off, forever"; the id where the mirror doesn't know it."""
    row = Discount.objects.filter(pk=discount_id).first()
    return (redeemed_words(_redeemed_by(row)) if row else "") or discount_id


def _redeemed_by(row: Discount) -> dict[str, str]:
    known = {COUPON: row.coupon_id, CODE: row.promotion_code_id}
    return {name: id for name, id in known.items() if id}


def _coupons_on(row: StripeObject) -> set[str]:
    return set(Discount.objects.filter(pk__in=discounts_of(row)).values_list("coupon", flat=True)) - {None}


def kept(ids: list[str]) -> list[dict[str, str]]:
    """Discounts that stay, as parameters."""
    return [{"discount": id} for id in ids]


def of_customer(row: StripeObject) -> str:
    """The discount of its customer, which counts where a subscription has none of its own; "" for none."""
    customer = Customer.objects.filter(pk=customer_of(row)).first()
    return state.text(state.look_up(customer.data, ("discount",))) if customer else ""


def preview_with(row: StripeObject, wanted: Any) -> Call:
    """The next invoice with these discounts instead of its own."""
    return Call("post", previews.PREVIEW_PATH, {"subscription": row.pk, DISCOUNTS: wanted})


def _taken_off(preview: Mapping[str, Any]) -> dict[str, int]:
    """What each discount takes off the previewed invoice, by its id."""
    sums: dict[str, int] = {}
    for entry in preview.get("total_discount_amounts") or []:
        id = state.text(state.look_up(entry, ("discount",)))
        sums[id] = sums.get(id, 0) + int(entry["amount"])
    return sums


def _by_new_ones(row: StripeObject, preview: Mapping[str, Any]) -> int:
    """What those take off that exist in the preview only; items of it may have discounts of their own, too."""
    sums = _taken_off(preview)
    known = {*discounts_of(row), *Discount.objects.filter(pk__in=sums).values_list("pk", flat=True)}
    return sum(amount for id, amount in sums.items() if id not in known)


class DiscountOperation(SubscriptionOperation):
    """What both have in common."""

    def why_not(self, row: StripeObject) -> str:
        """Only what is billed."""
        return why_not_billable(row)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The ids of all."""
        return {DISCOUNTS: discounts_of(row)}


class ApplyDiscountForm(RedeemForm):
    """What is added."""

    def prepare(self) -> None:
        """What its customer can redeem."""
        self.offer_discounts(customer_of(self.row) if self.row.pk else "")

    def clean(self) -> dict[str, Any]:
        """Something."""
        cleaned = super().clean()
        if not redeemed(cleaned) and not self.errors:
            self.add_error(COUPON, _("Choose a coupon or a promotion code."))
        return cleaned


@register
class ApplyDiscount(DiscountOperation):
    """https://docs.stripe.com/api/subscriptions/update#update_subscription-discounts"""

    name = "apply_discount"
    label = gettext_lazy("Apply a discount")
    short_description = gettext_lazy("Add a coupon or a promotion code. The discounts that it has stay.")
    form_class = ApplyDiscountForm
    bulk = True
    needs_reason = True
    decisions = (COUPON, CODE)

    def why_not(self, row: StripeObject) -> str:
        """Up to Stripe's limit."""
        full = (
            _("It has %(most)s discounts, and Stripe takes no more.") % {"most": MOST}
            if len(discounts_of(row)) >= MOST
            else ""
        )
        return super().why_not(row) or full

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update with all that it has and the new one. Raises NothingToChange where its coupon is there already."""
        entry = redeemed(cleaned)
        if not entry:
            raise NothingToChange(_("Nothing was sent: choose a coupon or a promotion code."))
        check_redeemable(entry, customer=customer_of(row), running=True)
        coupon = coupon_of(entry)
        if coupon and coupon.pk in _coupons_on(row):
            raise NothingToChange(_("Nothing was sent: the subscription has a discount of this coupon already."))
        return update(row, {DISCOUNTS: [*kept(discounts_of(row)), entry]})

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The next invoice with it."""
        return preview_with(row, self.plan(row, cleaned).params[DISCOUNTS])

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is added, and what stays."""
        self.plan(row, cleaned)
        stays = [_("Stays: %(discount)s") % {"discount": discount_words(id)} for id in discounts_of(row)]
        return [_("Added: %(discount)s") % {"discount": redeemed_words(redeemed(cleaned))}, *stays]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The next invoice, and how much less it is."""
        follows = [_("Nothing is credited for the running period: it counts from the next invoice on."), str(EXISTING)]
        follows += currency_warning(redeemed(cleaned), currency_of(row))
        if (inherited := of_customer(row)) and not discounts_of(row):
            follows.append(
                _("Until now the customer's own discount counts (%(discount)s). It no longer does then.")
                % {"discount": discount_words(inherited)}
            )
        told = previews.effects_of(row, preview, at_once=False, follows=follows)
        if not preview:
            return told
        by_it = Amount(_("Taken off it by the new discount"), _by_new_ones(row, preview), str(preview["currency"]))
        return Effects((*told.money, by_it), told.lines, told.follows, told.final)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Whether what stays is there, and one more of this coupon (or of one that the mirror doesn't know)."""
        *stay, entry = call.params[DISCOUNTS]
        held, coupon = discounts_of(row), coupon_of(entry)
        new = set(held) - {each["discount"] for each in stay}
        coupons = dict(Discount.objects.filter(pk__in=new).values_list("pk", "coupon"))
        return any(id not in coupons or (coupon and coupons[id] == coupon.pk) for id in new)

    def undo(self, push: Push) -> Undo | None:
        """Remove it again, once its id is known."""
        new = [id for id in push.after.get(DISCOUNTS) or [] if id not in (push.before.get(DISCOUNTS) or [])]
        return Undo(RemoveDiscount.name, {"discount": new[0]}) if len(new) == 1 else None


class RemoveDiscountForm(OperationForm):
    """One of those that it has."""

    discount = forms.ChoiceField(
        label=gettext_lazy("Which discount"), widget=forms.RadioSelect, error_messages={"invalid_choice": GONE}
    )

    def prepare(self) -> None:
        """Of several, one has to be chosen; a single one goes without saying."""
        held, field = discounts_of(self.row), self.choice_field("discount")
        if len(held) == 1:
            field.widget = forms.HiddenInput()
        field.choices = [(id, discount_words(id)) for id in held]

    def clean(self) -> dict[str, Any]:
        """What is wrong with a field that nobody sees is said above the form."""
        cleaned = super().clean()
        if "discount" in self.errors and self.fields["discount"].widget.is_hidden:
            self.add_error(None, GONE)
        return cleaned


@register
class RemoveDiscount(DiscountOperation):
    """https://docs.stripe.com/api/subscriptions/update#update_subscription-discounts, without one of them"""

    name = "remove_discount"
    label = gettext_lazy("Remove a discount")
    short_description = gettext_lazy("Take one discount off the subscription. The others stay.")
    form_class = RemoveDiscountForm
    final_warning = gettext_lazy(
        "A removed discount does not come back as it was. A discount that is applied again is a new "
        "one: it begins its duration anew."
    )
    decisions = ("discount",)

    def why_not(self, row: StripeObject) -> str:
        """Only its own."""
        if reason := super().why_not(row):
            return reason
        if discounts_of(row):
            return ""
        if of_customer(row):
            return _("It has no discount of its own. What counts is its customer's: remove it there.")
        return _("It has no discounts.")

    def why_not_at_a_glance(self, row: StripeObject) -> str:
        """Whether it names any."""
        return super().why_not(row) or ("" if row.data.get("discounts") else _("It has no discounts."))

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The only one."""
        held = discounts_of(row)
        return {"discount": held[0]} if len(held) == 1 else {}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update with the others; "" empties the list, which an empty one does not."""
        held, gone = discounts_of(row), cleaned.get("discount")
        if not gone:
            raise NothingToChange(_("Nothing was sent: choose a discount."))
        if gone not in held:
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": GONE})
        return update(row, {DISCOUNTS: kept([id for id in held if id != gone]) or ""})

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The next invoice without it; the customer's own discount counts where none is left."""
        inherited = of_customer(row)
        left = self.plan(row, cleaned).params[DISCOUNTS]
        return preview_with(row, left or (kept([inherited]) if inherited else ""))

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What goes, and what stays."""
        self.plan(row, cleaned)
        gone = cleaned["discount"]
        stays = [_("Stays: %(discount)s") % {"discount": discount_words(id)} for id in discounts_of(row) if id != gone]
        return [_("Removed: %(discount)s") % {"discount": discount_words(gone)}, *stays]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """The next invoice, and what counts instead."""
        follows, gone = [str(EXISTING)], cleaned["discount"]
        if (inherited := of_customer(row)) and discounts_of(row) == [gone]:
            follows.append(
                _("From then on the customer's own discount counts: %(discount)s.")
                % {"discount": discount_words(inherited)}
            )
        told = previews.effects_of(row, preview, at_once=False, follows=follows, final=self.final_warning)
        still = _taken_off(preview or {}).get(gone)
        if not preview or not still:
            return told
        # Stripe has been seen to keep a subscription's discounts in a preview that asks for none.
        words = _("Still taken off in Stripe's preview by the discount that goes: the invoice will be higher by it")
        by_it = Amount(words, still, str(preview["currency"]))
        return Effects((*told.money, by_it), told.lines, told.follows, told.final)

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Whether it has none but those that were to stay."""
        return set(discounts_of(row)) <= {each["discount"] for each in call.params[DISCOUNTS] or []}

    def undo(self, push: Push) -> Undo | None:
        """The same coupon or code again, as a new discount; None where it can't be redeemed any more."""
        gone = [id for id in push.before.get(DISCOUNTS) or [] if id not in (push.after.get(DISCOUNTS) or [])]
        row = Discount.objects.filter(pk__in=gone).first()
        if row is None or len(gone) != 1:
            return None
        # A code may be meant for few: where one was redeemed, its bare coupon is no substitute.
        redeemed_by = _redeemed_by(row)
        entry = {CODE: redeemed_by[CODE]} if CODE in redeemed_by else redeemed_by
        try:
            check_redeemable(entry, customer=state.text(row.customer_id), running=True)
        except NotAllowed:
            return None
        return Undo(ApplyDiscount.name, entry)
