"""Making a subscription for a customer: what is billed, from when on, and what becomes of a failing first payment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.models import Push, StripeObject, Subscription
from stripe_mirror.push import choices, moments, previews
from stripe_mirror.push.customer_ends import running_subscriptions
from stripe_mirror.push.discount_forms import check_redeemable, currency_warning, redeemed, redeemed_words
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.errors import NotAllowed
from stripe_mirror.push.operation import Call, Operation, register
from stripe_mirror.push.refund_history import currency_of
from stripe_mirror.push.subscription_collection import (
    DAYS,
    DEFAULT_DAYS,
    METHOD,
    PAYMENT_METHOD,
    charged_with,
    days_words,
)
from stripe_mirror.push.subscription_creation_forms import ALLOW, DAY, ERROR, NOT_THEIRS, WAIT, CreateSubscriptionForm
from stripe_mirror.push.subscription_facts import AUTOMATIC, BY_INVOICE, ENDED, item_words, status_of
from stripe_mirror.push.subscription_items import price_named

NOBODY_PAYS = gettext_lazy("No payment method is known here that it could be charged with.")
IF_IT_FAILS = {
    ERROR: gettext_lazy("If the first payment fails, nothing is made."),
    ALLOW: (
        gettext_lazy(
            "If the first payment fails, it is made nevertheless and stays incomplete. If its first "
            "invoice isn't paid within 23 hours, it expires and the invoice is void."
        )
    ),
    WAIT: (
        gettext_lazy(
            "Nothing is charged by itself: it is incomplete until somebody pays its first invoice. After "
            "23 hours it expires and the invoice is void."
        )
    ),
}
PLAIN = ("description", "metadata")
TRIAL = ("trial_end", "trial_period_days")


def entries(cleaned: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items that are asked for."""
    pairs = ((cleaned.get(f"{prefix}price"), cleaned.get(f"{prefix}quantity")) for prefix in ("", "second_"))
    return [{"price": id, **({} if number is None else {"quantity": number})} for id, number in pairs if id]


def trial_ends(cleaned: Mapping[str, Any]) -> int | None:
    """When the trial would end, were it begun now; None where there is none."""
    days = cleaned.get("trial_period_days")
    return moments.now() + days * DAY if days else cleaned.get("trial_end")


@register
class CreateSubscription(Operation):
    """https://docs.stripe.com/api/subscriptions/create"""

    name = "create_subscription"
    label = gettext_lazy("Create subscription")
    at_hand = True
    short_description = gettext_lazy("Bill the customer again and again, from now on or after a trial.")
    object_type = "customer"
    form_class = CreateSubscriptionForm
    adds = True
    makes = "subscription"
    final_warning = gettext_lazy(
        "Cancelling it later refunds nothing by itself: its first invoice, and what was paid of it, stays."
    )
    decisions = tuple(CreateSubscriptionForm.base_fields)

    def why_not(self, row: StripeObject) -> str:
        """Deleted customers can't subscribe."""
        return _("This customer was deleted in Stripe.") if row.deleted_at else ""

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """To be charged by itself, or else not at all."""
        return {METHOD: AUTOMATIC, DAYS: DEFAULT_DAYS, "payment_behavior": ERROR}

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One creation with what is filled in."""
        discount, method = redeemed(cleaned), cleaned.get(PAYMENT_METHOD)
        if discount:
            check_redeemable(discount, customer=row.pk)
        if method and not choices.payment_methods(row.pk).filter(pk=method).exists():
            raise NotAllowed(_("Nothing was sent. %(reason)s") % {"reason": NOT_THEIRS})
        params: dict[str, Any] = {"customer": row.pk, "items": entries(cleaned), METHOD: cleaned[METHOD]}
        if cleaned[METHOD] == BY_INVOICE:
            params[DAYS] = cleaned[DAYS]
        else:
            params["payment_behavior"] = cleaned["payment_behavior"]
        params |= {name: cleaned[name] for name in (*TRIAL, PAYMENT_METHOD, *PLAIN) if cleaned.get(name)}
        return Call("post", "/v1/subscriptions", params | ({"discounts": [discount]} if discount else {}))

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The first invoice. Without a discount of its own it has the customer's, here as there."""
        params = self.plan(row, cleaned).params
        details = {"items": params["items"], **({"trial_end": end} if (end := trial_ends(cleaned)) else {})}
        more = {"discounts": params["discounts"]} if "discounts" in params else {}
        return Call("post", previews.PREVIEW_PATH, {"customer": row.pk, "subscription_details": details, **more})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is billed, and how."""
        params = self.plan(row, cleaned).params
        lines = [_item_line(entry) for entry in params["items"]]
        if end := trial_ends(cleaned):
            lines.append(_("It is free until %(moment)s.") % {"moment": moments.moment_words(end)})
        if discount := redeemed(cleaned):
            lines.append(_("Discount: %(discount)s") % {"discount": redeemed_words(discount)})
        if params[METHOD] == BY_INVOICE:
            lines.append(days_words(params[DAYS]))
        else:
            lines.append(_("Invoices are charged by themselves."))
        lines += (
            [_("Description: %(description)s") % {"description": params["description"]}]
            if "description" in params
            else []
        )
        return lines + [
            _("Metadata “%(key)s”: %(value)s") % {"key": key, "value": value}
            for key, value in params.get("metadata", {}).items()
        ]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What is due at once, and what becomes of it."""
        follows = [*_payment(row, cleaned), *_beside(row, cleaned)]
        words, final = _due_words(cleaned), self.final_warning
        return previews.effects_of(row, preview, at_once=True, words=words, follows=follows, final=final)

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Nothing of the customer changes; the answer is the subscription."""
        if row.kind.object != self.makes:
            return {}
        return {"subscription": row.pk, **{name: row.data.get(name) for name in ("status", "latest_invoice")}}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """The customer doesn't tell."""
        return False

    def field_for_param(self, param: str) -> str:
        """The second item has fields of its own."""
        name = super().field_for_param(param)
        second = f"second_{name}" if param.startswith("items[1]") else name
        return second if second in self.form_class.base_fields else name

    def undo(self, push: Push) -> Undo | None:
        """Cancel what was made, at once."""
        made = Subscription.objects.alive().filter(pk=made_subscription(push)).first()
        if made is None or status_of(made) in ENDED:
            return None
        return Undo("cancel_subscription", {"when": "now"}, "subscription", made.pk)


def made_subscription(push: Push) -> str:
    """The id of what a push has made: by our log, or by the event that told of it."""
    told = push.changes.filter(object_type="subscription").order_by("id").values_list("object_id", flat=True).first()
    return str(push.after.get("subscription") or told or "")


def _item_line(entry: Mapping[str, Any]) -> str:
    return _("Billed: %(item)s") % {
        "item": item_words({"price": price_named(entry["price"]), "quantity": entry.get("quantity")})
    }


def _due_words(cleaned: Mapping[str, Any]) -> str:
    if cleaned[METHOD] == BY_INVOICE:
        return _("On the first invoice")
    return (
        _("On the first invoice, to be paid by somebody")
        if cleaned["payment_behavior"] == WAIT
        else _("Charged at once")
    )


def _payment(row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
    """How the first invoice is paid, and what becomes of the subscription if it isn't."""
    end, after = trial_ends(cleaned), list[str]()
    if end:
        after = [
            _("The first period that is paid for begins on %(moment)s, and is billed then.")
            % {"moment": moments.moment_words(end)}
        ]
    if cleaned[METHOD] == BY_INVOICE:
        first = _("Its first invoice is a draft, which Stripe finalizes and sends in about an hour.")
        return [_("It is in force at once, before anything is paid."), first, *after]
    said = after or [str(IF_IT_FAILS[cleaned["payment_behavior"]])]
    name = charged_with(Subscription(data={"customer": row.pk}), cleaned.get(PAYMENT_METHOD) or "")
    if name:
        said.append(_("It is charged with %(name)s.") % {"name": name})
    elif cleaned["payment_behavior"] != WAIT:
        said.append(
            f"{NOBODY_PAYS} {_('Its first payment will fail.') if end else _('Stripe will probably refuse this.')}"
        )
    return [*said, _("Stripe e-mails invoices and receipts where its settings say so.")]


def _beside(row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
    """What else the customer has, and the currency that it gets."""
    said, currency = [], str(price_named(cleaned["price"]).get("currency") or "")
    if count := running_subscriptions(row).count():
        words = ngettext(
            "The customer has %(count)s other subscription already. Nothing of that changes.",
            "The customer has %(count)s other subscriptions already. Nothing of that changes.",
            count,
        )
        said.append(words % {"count": count})
    said += currency_warning(redeemed(cleaned), currency)
    if not currency_of(row) and currency:
        said.append(_("The customer will be billed in %(currency)s from now on.") % {"currency": currency.upper()})
    return said
