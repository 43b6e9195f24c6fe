"""What ends for a customer for good: its discount, and the customer itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.models import Coupon, CustomerLink, Invoice, StripeObject, Subscription
from stripe_mirror.money import format_money, totals
from stripe_mirror.push import state
from stripe_mirror.push.customer_money import currency_of, why_not_customer
from stripe_mirror.push.effects import Amount, Effects
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.moments import date_words
from stripe_mirror.push.operation import Call, Operation, OperationForm, register
from stripe_mirror.push.subscription_facts import ENDED, charges_per_period
from stripe_mirror.push.wording import joined


class RemoveDiscountForm(OperationForm):
    """Which discount was on the page: another one isn't removed in its place."""

    discount = forms.CharField(required=False, widget=forms.HiddenInput)


@register
class RemoveCustomerDiscount(Operation):
    """https://docs.stripe.com/api/discounts/delete"""

    name = "remove_customer_discount"
    label = gettext_lazy("Remove discount")
    short_description = gettext_lazy("Take the coupon off the customer.")
    object_type = "customer"
    form_class = RemoveDiscountForm
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy(
        "Stripe has no way any more to put a discount on a customer. Afterwards only single "
        "subscriptions and invoices can be given one."
    )
    decisions = ("discount",)

    def why_not(self, row: StripeObject) -> str:
        """Only where there is one."""
        if reason := why_not_customer(row):
            return reason
        return "" if discount_of(row) else _("This customer has no discount. Its subscriptions may have some.")

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The present one."""
        return {"discount": discount_of(row)}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One deletion, which can't say of which discount."""
        if cleaned.get("discount") and cleaned["discount"] != discount_of(row):
            raise NotAllowed(_("Nothing was sent: the customer has another discount by now. Look at it first."))
        return Call("delete", f"/v1/customers/{row.pk}/discount", {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Which coupon."""
        self.plan(row, cleaned)
        discount = _discount_in_words(row)
        if end := _discount_end(row):
            return [
                _("The discount %(discount)s, which would have ended on %(end)s, is removed from the customer.")
                % {"discount": discount, "end": end}
            ]
        return [_("The discount %(discount)s is removed from the customer.") % {"discount": discount}]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Full prices from the next invoice on."""
        follows = (
            _("Invoices that are made from now on are charged without it; finalized ones keep it."),
            _("Discounts of the customer's subscriptions stay."),
        )
        return Effects(follows=follows, final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The discount and its coupon; the answer is the discount that was removed."""
        if row.kind.object != "customer":
            return {"discount": None}
        return {"discount": discount_of(row) or None, "coupon": _coupon_of(row) or None}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """None is left."""
        return bool(row.deleted_at) or not discount_of(row)


def discount_of(row: StripeObject) -> str:
    """The id of a customer's own discount, or ""."""
    return state.text(state.look_up(row.data, ("discount",)))


def _coupon_of(row: StripeObject) -> str:
    """Until 2025 the whole coupon stood in the discount."""
    paths = (("discount", "source", "coupon"), ("discount", "coupon"))
    return next((id for path in paths if (id := state.text(state.look_up(row.data, path)))), "")


def _discount_in_words(row: StripeObject) -> str:
    """ "“Loyal” (25% off)" """
    id = _coupon_of(row)
    coupon = Coupon.objects.filter(pk=id).first()
    named = coupon or id or discount_of(row)
    return f"“{named}” ({coupon.terms})" if coupon and coupon.terms else f"“{named}”"


def _discount_end(row: StripeObject) -> str:
    """ "03 May 2030 (UTC)"; "" where it has none."""
    end = state.look_up(row.data, ("discount", "end"))
    return date_words(end) if isinstance(end, int) else ""


class DeleteCustomerForm(OperationForm):
    """Running subscriptions end with the customer: that is said by a tick of its own."""

    cancel_subscriptions = forms.BooleanField(
        label=gettext_lazy("Cancel running subscriptions"),
        required=False,
        help_text=gettext_lazy(
            "At once; nothing is credited or refunded. Without this tick, customers that have some stay."
        ),
    )

    def prepare(self) -> None:
        """Ask only where there are some; a form for many rows always asks."""
        if not self.row.pk:
            return
        if not (count := running_subscriptions(self.row).count()):
            del self.fields["cancel_subscriptions"]
        else:
            self.fields["cancel_subscriptions"].label = ngettext(
                "Cancel the running subscription", "Cancel the %(count)s running subscriptions", count
            ) % {"count": count}
            self.fields["cancel_subscriptions"].help_text = _("At once; nothing is credited or refunded.")

    def clean(self) -> dict[str, Any]:
        """Without the tick nothing that runs is ended."""
        cleaned = super().clean()
        if self.row.pk and "cancel_subscriptions" in self.fields and not cleaned.get("cancel_subscriptions"):
            self.add_error("cancel_subscriptions", _still_running(self.row))
        return cleaned


@register
class DeleteStripeCustomer(Operation):
    """https://docs.stripe.com/api/customers/delete"""

    name = "delete_stripe_customer"
    label = gettext_lazy("Delete customer")
    short_description = gettext_lazy("Delete the customer in Stripe. Its invoices and payments stay.")
    object_type = "customer"
    form_class = DeleteCustomerForm
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy(
        "A deleted customer can't be brought back, nor can its subscriptions, payment methods and credit balance."
    )
    decisions = ("cancel_subscriptions",)

    def why_not(self, row: StripeObject) -> str:
        """Once only."""
        return why_not_customer(row)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One deletion; not of a customer that has subscribed since the form was opened."""
        if not cleaned.get("cancel_subscriptions") and running_subscriptions(row).exists():
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": _still_running(row)})
        return Call("delete", f"/v1/customers/{row.pk}", {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Whom, and what ends with it."""
        self.plan(row, cleaned)
        lines = [_("The customer %(row)s is deleted.") % {"row": row}]
        if count := running_subscriptions(row).count():
            words = ngettext("Its subscription ends now.", "Its %(count)s subscriptions end now.", count)
            lines.append(words % {"count": count})
        return lines

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What ends, what is lost and what stays."""
        follows = [_("Its payment methods are removed; nothing can be charged or subscribed for it any more.")]
        if running_subscriptions(row).exists():
            follows.append(
                _("Nothing of the cancelled subscriptions is credited or refunded, and no final invoice is made.")
            )
        follows += _open_invoices(row)
        follows.append(_("Its invoices, payments and history stay, in Stripe and here."))
        for linked in CustomerLink.objects.filter(customer=row.pk).select_related("user"):
            follows.append(_("The user %(user)s stays linked to it.") % {"user": linked.user.get_username()})
        return Effects(money=tuple(_lost(row)), follows=tuple(follows), final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Who it was, and what ended with it."""
        held = {name: row.data.get(name) for name in ("name", "email", "balance")}
        return {**held, "subscriptions": [str(pk) for pk in running_subscriptions(row).values_list("pk", flat=True)]}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """It is gone."""
        return bool(row.deleted_at)

    def sums(self, row: StripeObject) -> Iterable[tuple[int, str]]:
        """What its running subscriptions charge per period."""
        return [charge for subscription in running_subscriptions(row) for charge in charges_per_period(subscription)]


def running_subscriptions(row: StripeObject) -> QuerySet[Any]:
    """A customer's subscriptions that have not ended."""
    return Subscription.objects.alive().filter(customer=row.pk).exclude(status__in=ENDED)


def _still_running(row: StripeObject) -> str:
    count = running_subscriptions(row).count()
    words = ngettext(
        "This customer has a running subscription, which is cancelled with it. Tick that this is meant.",
        "This customer has %(count)s running subscriptions, which are cancelled with it. Tick that this is meant.",
        count,
    )
    return words % {"count": count}


def _open_invoices(row: StripeObject) -> list[str]:
    found = Invoice.objects.alive().filter(customer=row.pk, status="open")
    amounts = list(found.values_list("amount_remaining", "currency"))
    if not amounts:
        return []
    sums = totals((amount or 0, currency or "") for amount, currency in amounts)
    words = ngettext(
        "%(count)s open invoice stays open (%(amounts)s), but nothing collects by itself any more.",
        "%(count)s open invoices stay open (%(amounts)s), but nothing collects by itself any more.",
        len(amounts),
    )
    shown = joined(format_money(amount, currency) for currency, amount in sums.items())
    return [words % {"count": len(amounts), "amounts": shown}]


def _lost(row: StripeObject) -> list[Amount]:
    """The balance, and what its subscriptions would go on charging."""
    balance, amounts = row.data.get("balance"), []
    if isinstance(balance, int) and balance:
        words = _("Credit that the customer loses") if balance < 0 else _("Owed by the customer, no longer charged")
        amounts.append(Amount(words, abs(balance), currency_of(row)))
    sums = totals(DeleteStripeCustomer().sums(row))
    return amounts + [Amount(_("No longer charged per period"), amount, currency) for currency, amount in sums.items()]
