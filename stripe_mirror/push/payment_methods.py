"""What staff can do to payment methods: choose which one a customer is charged with, and detach one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.models import Customer, PaymentMethod, Push, StripeObject, Subscription
from stripe_mirror.push import state
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.errors import NothingToChange
from stripe_mirror.push.operation import Call, Operation, OperationForm, register
from stripe_mirror.push.subscription_facts import ENDED

DEFAULT = ("invoice_settings", "default_payment_method")
UNATTACHED = gettext_lazy("This payment method is not attached to a customer. Once detached, none can be used again.")


class PaymentMethodForm(OperationForm):
    """Only a reason."""


class PaymentMethodOperation(Operation):
    """What the operations on attached payment methods have in common."""

    object_type = "payment_method"
    form_class = PaymentMethodForm

    def why_not(self, row: StripeObject) -> str:
        """Only what is attached."""
        return str(UNATTACHED) if row.deleted_at or not customer_of(row) else ""


@register
class SetDefaultPaymentMethod(PaymentMethodOperation):
    """https://docs.stripe.com/api/customers/update, `invoice_settings.default_payment_method`"""

    name = "set_default_payment_method"
    label = gettext_lazy("Set as default")
    short_description = gettext_lazy("Charge the customer's invoices with this payment method.")

    def why_not(self, row: StripeObject) -> str:
        """Not what is the default already."""
        if reason := super().why_not(row):
            return reason
        customer = _mirrored_customer(customer_of(row))
        if customer and customer.deleted_at:
            return _("Its customer was deleted in Stripe.")
        return _("It is the customer's default already.") if _default_of(customer) == row.pk else ""

    def why_not_at_a_glance(self, row: StripeObject) -> str:
        """Which one is the default stands in the customer."""
        return super().why_not(row)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update of the customer."""
        if _default_of(_mirrored_customer(customer_of(row))) == row.pk:
            raise NothingToChange
        return Call("post", f"/v1/customers/{customer_of(row)}", {DEFAULT[0]: {DEFAULT[1]: row.pk}})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Which one comes in whose place."""
        self.plan(row, cleaned)
        held = _default_of(_mirrored_customer(customer_of(row)))
        if held:
            return [
                _("%(row)s becomes the customer's default payment method instead of %(method)s.")
                % {"row": row, "method": _named(held)}
            ]
        return [_("%(row)s becomes the customer's default payment method.") % {"row": row}]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What is charged with it; a payment method that a subscription names comes before the customer's."""
        follows = [
            _(
                "Nothing is charged now. Invoices and subscriptions that name no payment method of their "
                "own are charged with it from the next attempt on."
            )
        ]
        own = _running(customer_of(row)).exclude(default_payment_method=None)
        if count := own.exclude(default_payment_method=row.pk).count():
            words = ngettext(
                "%(count)s subscription of this customer keeps a payment method of its own.",
                "%(count)s subscriptions of this customer keep a payment method of their own.",
                count,
            )
            follows.append(words % {"count": count})
        if _has_expired(row):
            follows.append(_("This card has expired: its bank will probably decline."))
        return Effects(follows=tuple(follows))

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """The customer's default, of the customer that answers or of the one that is mirrored."""
        customer = row if row.kind.object == "customer" else _mirrored_customer(customer_of(row))
        return {} if customer is None else {"customer": customer.pk, ".".join(DEFAULT): _default_of(customer) or None}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """By the mirrored customer; its event tells, too."""
        return _default_of(_mirrored_customer(customer_of(row))) == row.pk

    def undo(self, push: Push) -> Undo | None:
        """The earlier default again, as long as it is attached; or none."""
        if not (customer := push.before.get("customer")):
            return None
        if not (earlier := push.before.get(".".join(DEFAULT))):
            return Undo("edit_customer", {DEFAULT[1]: ""}, object_type="customer", object_id=customer)
        return Undo(self.name, object_type=self.object_type, object_id=earlier)


@register
class DetachPaymentMethod(PaymentMethodOperation):
    """https://docs.stripe.com/api/payment_methods/detach"""

    name = "detach_payment_method"
    label = gettext_lazy("Detach")
    short_description = gettext_lazy("Take the payment method off its customer, for good.")
    bulk = True
    needs_reason = True
    danger = True
    final_warning = gettext_lazy(
        "A detached payment method can never be attached or charged again: the customer would have to enter it anew."
    )

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One call without parameters."""
        return Call("post", f"/v1/payment_methods/{row.pk}/detach", {})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        customer = _mirrored_customer(customer_of(row))
        return [_("%(row)s is detached from %(customer)s.") % {"row": row, "customer": customer or customer_of(row)}]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Who loses what invoices are charged with."""
        follows, left = [], ""
        customer = _mirrored_customer(customer_of(row))
        if _default_of(customer) == row.pk:
            follows.append(
                _("The customer has no default payment method then, and invoices that rely on it stay unpaid.")
            )
        elif customer:
            left = _named(_default_of(customer)) if _default_of(customer) else ""
        if count := _running(customer_of(row)).filter(default_payment_method=row.pk).count():
            follows.append(_naming_words(count, left))
        follows.append(_("Payments that were made with it stay, and can still be refunded."))
        return Effects(follows=tuple(follows), final=self.final_warning)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Whose it is."""
        return {"customer": customer_of(row) or None}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """Nobody's any more."""
        return not customer_of(row)


def customer_of(row: StripeObject) -> str:
    """The id of the customer that it is attached to, or ""."""
    return state.text(state.look_up(row.data, ("customer",)))


def _mirrored_customer(id: str) -> Customer | None:
    return Customer.objects.filter(pk=id).first()


def _default_of(customer: StripeObject | None) -> str:
    return state.text(state.look_up(customer.data, DEFAULT)) if customer else ""


def _named(id: str) -> str:
    method = PaymentMethod.objects.filter(pk=id).first()
    return str(method or id)


def _running(customer_id: str) -> QuerySet[Any]:
    return Subscription.objects.alive().filter(customer=customer_id).exclude(status__in=ENDED)


def _naming_words(count: int, left: str) -> str:
    """What becomes of the subscriptions that name what is detached; `left` is the customer's default, or ""."""
    if left:
        words = ngettext(
            "%(count)s subscription that names it is charged with the customer's default, %(left)s.",
            "%(count)s subscriptions that name it are charged with the customer's default, %(left)s.",
            count,
        )
    else:
        words = ngettext(
            "%(count)s subscription that names it is left without a payment method.",
            "%(count)s subscriptions that name it are left without a payment method.",
            count,
        )
    return words % {"count": count, "left": left}


def _has_expired(row: StripeObject) -> bool:
    """Whether a card's month is over; others don't expire."""
    year, month = (state.look_up(row.data, ("card", name)) for name in ("exp_year", "exp_month"))
    now = timezone.now()
    return isinstance(year, int) and isinstance(month, int) and (year, month) < (now.year, now.month)
