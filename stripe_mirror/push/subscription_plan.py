"""Moving an item of a subscription to another price or quantity (S42)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Price, Push, StripeObject
from stripe_mirror.push import choices, previews, state
from stripe_mirror.push.choices import ObjectField
from stripe_mirror.push.effects import Undo
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import register
from stripe_mirror.push.previews import PRORATION_FIELDS
from stripe_mirror.push.subscription_facts import (
    currency_of,
    is_metered,
    item_named,
    item_words,
    items_of,
    price_of,
    price_words,
)
from stripe_mirror.push.subscription_items import (
    MOST_QUANTITY,
    NO_PRICE,
    NO_QUANTITY,
    ItemForm,
    ItemOperation,
    chosen,
    held_before,
    offer_prices,
    price_named,
)


class PlanForm(ItemForm):
    """What the item shall be."""

    price = ObjectField(label=gettext_lazy("Price"), refusal=NO_PRICE)
    quantity = forms.IntegerField(label=gettext_lazy("Quantity"), required=False, min_value=0, max_value=MOST_QUANTITY)
    # Each of several items as it was when the form was opened: the fields above don't show it.
    seen = forms.JSONField(required=False, widget=forms.HiddenInput)
    field_order = ["item", "price", "quantity", *PRORATION_FIELDS]

    def prepare(self) -> None:
        """The prices that Stripe would take."""
        super().prepare()
        offer_prices(self, choices.prices(currency_of(self.row)), nothing=_("As it is"))
        if len(self.items) != 1:
            self.fields["quantity"].help_text = _("Left empty, it stays as it is.")

    def clean(self) -> dict[str, Any]:
        """A quantity only where there can be one."""
        cleaned = super().clean()
        held = item_named(self.row, cleaned.get("item") or "")
        if cleaned.get("quantity") is not None and is_metered(price_named(cleaned.get("price")) or price_of(held)):
            self.add_error("quantity", NO_QUANTITY)
        return cleaned


@register
class ChangeSubscriptionPlan(ItemOperation):
    """https://docs.stripe.com/billing/subscriptions/change-price"""

    name = "change_subscription_plan"
    label = gettext_lazy("Change price or quantity")
    at_hand = True
    short_description = gettext_lazy("Move an item to another price, or change how many there are of it.")
    form_class = PlanForm
    bulk = True

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """The item as it is, where there is one; of several, each as it was seen."""
        items = items_of(row)
        shown = super().initial(row)
        if len(items) == 1:
            price, quantity = _terms(items[0])
            return {**shown, "price": price, "quantity": quantity, "seen": None}
        return {**shown, "price": "", "quantity": None, "seen": {str(item.get("id")): _terms(item) for item in items}}

    def entry(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """The item's id with what differs: one item stays one item (S42)."""
        held = chosen(row, cleaned)
        price, quantity = _terms(held)
        wanted = {"price": cleaned.get("price") or price, "quantity": cleaned.get("quantity")}
        changed: dict[str, Any] = {"price": wanted["price"]} if wanted["price"] != price else {}
        if wanted["quantity"] not in (None, quantity):
            changed["quantity"] = wanted["quantity"]
        if not changed:
            raise NothingToChange
        _check_seen(held, cleaned, changed)
        return {"id": held["id"], **changed}

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What changes, from what to what."""
        sent, held = self.entry(row, cleaned), chosen(row, cleaned)
        lines = [_("Item: %(item)s") % {"item": item_words(held)}] if len(items_of(row)) > 1 else []
        if "price" in sent:
            wanted = price_named(sent["price"])
            lines.append(
                _("Price: %(old)s → %(new)s")
                % {"old": price_words(price_of(held)), "new": price_words(wanted) if wanted else sent["price"]}
            )
        if "quantity" in sent:
            lines.append(
                _("Quantity: %(old)s → %(new)s") % {"old": held.get("quantity", _("(none)")), "new": sent["quantity"]}
            )
        return [*lines, previews.proration_words(cleaned)]

    def undo(self, push: Push) -> Undo | None:
        """Price and quantity as they were, as long as the price is sold; that prorates again."""
        (sent,) = push.params["items"]
        held = {name: value for name, value in held_before(push, sent["id"]).items() if name in sent and value}
        if "price" in held and not Price.objects.alive().filter(pk=held["price"], active=True).exists():
            return None
        return Undo(self.name, {"item": sent["id"], **held, **previews.same_proration(push)})


def _terms(item: Mapping[str, Any]) -> list[Any]:
    return [state.text(price_of(item).get("id")), item.get("quantity")]


def _check_seen(held: Mapping[str, Any], cleaned: Mapping[str, Any], changed: Mapping[str, Any]) -> None:
    """Of several items the form shows none in its fields: what was seen of this one is compared here (S38)."""
    seen = (cleaned.get("seen") or {}).get(held["id"])
    if not seen:
        return
    was, now = (
        dict(zip(("price", "quantity"), seen, strict=False)),
        dict(zip(("price", "quantity"), _terms(held), strict=True)),
    )
    if any(was.get(name) != now[name] for name in changed):
        raise NotAllowed(
            _(
                "Nothing was sent: somebody else has changed this item since you opened the form. It "
                "is now %(item)s. Open the form again."
            )
            % {"item": item_words(held)}
        )
