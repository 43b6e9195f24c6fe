"""What staff can do to the items of a subscription: add one, remove one; and what a change of one shares with it.

Always by an update of the subscription, whose answer is the subscription: an item's own address would answer the item,
and deleting one there knows no idempotency key. Without its id Stripe would add a second item instead (S42).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Price, Push, StripeObject
from stripe_mirror.push import choices, previews, state
from stripe_mirror.push.choices import ObjectField
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.errors import NotAllowed, NothingToChange
from stripe_mirror.push.operation import Call, register
from stripe_mirror.push.previews import PRORATION_FIELDS, ProrationForm
from stripe_mirror.push.subscription_facts import (
    currency_of,
    is_flexible,
    is_metered,
    item_named,
    item_words,
    items_of,
    price_of,
    why_not_billable,
)
from stripe_mirror.push.subscription_operation import SubscriptionOperation, update

MOST_QUANTITY = 999_999_999
RHYTHM = ("interval", "interval_count")
NO_PRICE = gettext_lazy("Choose a price that is sold: active, recurring, and in the subscription's currency.")
NO_QUANTITY = gettext_lazy("This price charges for usage: there is no quantity to set.")
GONE = gettext_lazy("Nothing was sent: the subscription has no such item any more. Open the form again.")


class ItemForm(ProrationForm):
    """One item of those that the subscription has."""

    item = forms.ChoiceField(label=gettext_lazy("Which item"), widget=forms.RadioSelect)
    field_order = ["item", *PRORATION_FIELDS]

    def prepare(self) -> None:
        """Of several items, one has to be chosen (S42); a single one goes without saying."""
        super().prepare()
        self.items = items_of(self.row)
        if len(self.items) > 1:
            self.choice_field("item").choices = [(str(item.get("id")), item_words(item)) for item in self.items]
        else:
            del self.fields["item"]

    def clean(self) -> dict[str, Any]:
        """Always with the item, where there is one."""
        cleaned = super().clean()
        if len(self.items) == 1:
            cleaned["item"] = str(self.items[0].get("id"))
        return cleaned


def offer_prices(form: forms.Form, offered: Any, *, nothing: str) -> None:
    """Fill the form's field `price`."""
    field = form.fields["price"]
    if isinstance(field, ObjectField):
        field.offer(offered, name=choices.price_name, nothing=nothing, kept=form.initial.get("price") or "")


def price_named(price_id: Any) -> dict[str, Any]:
    """A mirrored price; {} where there is none."""
    row = Price.objects.filter(pk=price_id).first() if price_id else None
    return dict(row.data) if row else {}


class ItemOperation(SubscriptionOperation):
    """A change of items: how it is billed, and how it is read back."""

    form_class: ClassVar[type[ProrationForm]] = ItemForm
    not_state = PRORATION_FIELDS
    decisions = ("item", "seen", *PRORATION_FIELDS)

    def why_not(self, row: StripeObject) -> str:
        """Only what is billed and has items."""
        if reason := why_not_billable(row):
            return reason
        return "" if items_of(row) else _("This subscription has no items.")

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """How to bill it."""
        return previews.proration_initial(row)

    def entry(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """The one entry of `items` that is sent. Raises NothingToChange or NotAllowed."""
        raise NotImplementedError

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One update of the subscription, with one item."""
        params = {"items": [self.entry(row, cleaned)], **previews.proration_params(cleaned)}
        return update(row, {**params, **previews.payment_params(cleaned)})

    def preview(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The invoice that comes of it, at once or next."""
        details = {"items": [self.entry(row, cleaned)], **previews.proration_params(cleaned)}
        return previews.preview_call(row, details)

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What Stripe says is billed, when, and what else follows."""
        at_once = previews.is_at_once(row, preview, cleaned["proration_behavior"])
        return previews.effects_of(
            row,
            preview,
            at_once=at_once,
            follows=previews.change_follows(row, cleaned, at_once=at_once),
            date=cleaned.get("proration_date"),
        )

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Price and quantity of the item; of all, where one is added."""
        (sent,) = call.params["items"]
        held = {}
        for item in items_of(row):
            if sent.get("id") in (None, item.get("id")):
                held[f"items.{item.get('id')}.price"] = price_of(item).get("id")
                held[f"items.{item.get('id')}.quantity"] = item.get("quantity")
        return held

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """By the items that it has."""
        (sent,) = call.params["items"]
        if sent.get("deleted"):
            return not item_named(row, sent["id"])
        items = [item_named(row, sent["id"])] if "id" in sent else items_of(row)
        return any(_is_as_sent(item, sent) for item in items)


def _is_as_sent(item: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    held = {"price": price_of(item).get("id"), "quantity": item.get("quantity")}
    return all(state.same(held[name], sent[name]) for name in held if name in sent)


def held_before(push: Push, item_id: str) -> dict[str, Any]:
    """Price and quantity of an item before a push, by its log."""
    return {name: push.before.get(f"items.{item_id}.{name}") for name in ("price", "quantity")}


def _items_in(log: Mapping[str, Any]) -> set[str]:
    return {key.split(".")[1] for key in log if key.startswith("items.")}


def chosen(row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The item that the form is about. Raises NotAllowed where it is gone, NothingToChange where none is chosen."""
    items = items_of(row)
    if item_id := cleaned.get("item"):
        if held := item_named(row, item_id):
            return held
        raise NotAllowed(GONE)
    if len(items) != 1:
        raise NothingToChange(_("Nothing was sent: choose an item."))
    return items[0]


class AddItemForm(ProrationForm):
    """What is added."""

    price = ObjectField(label=gettext_lazy("Price"), refusal=NO_PRICE, required=True)
    quantity = forms.IntegerField(label=gettext_lazy("Quantity"), required=False, min_value=0, max_value=MOST_QUANTITY)
    field_order = ["price", "quantity", *PRORATION_FIELDS]

    def prepare(self) -> None:
        """Prices that it hasn't; where it is billed in the classic way, only of the same interval."""
        super().prepare()
        held = [price_of(item) for item in items_of(self.row)]
        offered = choices.prices(currency_of(self.row)).exclude(pk__in=[price.get("id") for price in held])
        if held and not is_flexible(self.row):
            rhythm = {name: state.look_up(held[0], ("recurring", name)) for name in RHYTHM}
            offered = offered.filter(**{name: value for name, value in rhythm.items() if value})
        offer_prices(self, offered, nothing=_("Choose a price"))

    def clean(self) -> dict[str, Any]:
        """A quantity only where there can be one."""
        cleaned = super().clean()
        if cleaned.get("quantity") is not None and is_metered(price_named(cleaned.get("price"))):
            self.add_error("quantity", NO_QUANTITY)
        return cleaned


@register
class AddSubscriptionItem(ItemOperation):
    """https://docs.stripe.com/billing/subscriptions/multiple-products"""

    name = "add_subscription_item"
    label = gettext_lazy("Add an item")
    short_description = gettext_lazy("Bill one more price with this subscription.")
    form_class = AddItemForm

    def entry(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """A price, without an id of an item."""
        if any(price_of(item).get("id") == cleaned["price"] for item in items_of(row)):
            raise NothingToChange(_("Nothing was sent: the subscription has an item with this price already."))
        quantity = cleaned.get("quantity")
        return {"price": cleaned["price"], **({} if quantity is None else {"quantity": quantity})}

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is added."""
        sent = self.entry(row, cleaned)
        words = item_words({"price": price_named(sent["price"]), "quantity": sent.get("quantity")})
        return [_("Added: %(item)s") % {"item": words}, previews.proration_words(cleaned)]

    def undo(self, push: Push) -> Undo | None:
        """Remove it again."""
        made = _items_in(push.after) - _items_in(push.before)
        if len(made) != 1:
            return None
        return Undo(RemoveSubscriptionItem.name, {"item": made.pop(), **previews.same_proration(push)})


@register
class RemoveSubscriptionItem(ItemOperation):
    """https://docs.stripe.com/api/subscriptions/update, `items.deleted`"""

    name = "remove_subscription_item"
    label = gettext_lazy("Remove an item")
    short_description = gettext_lazy("Stop billing one of the subscription's prices.")
    needs_reason = True

    def why_not(self, row: StripeObject) -> str:
        """The last one stays."""
        if reason := super().why_not(row):
            return reason
        if len(items_of(row)) == 1:
            return _("This is the only item, and a subscription needs one. Cancel the subscription instead.")
        return ""

    def entry(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """The item's id; what was used of a metered price without a meter goes with it."""
        if not cleaned.get("item"):
            raise NothingToChange(_("Nothing was sent: choose an item."))
        price = price_of(chosen(row, cleaned))
        usage = is_metered(price) and not state.look_up(price, ("recurring", "meter"))
        return {"id": cleaned["item"], "deleted": True, **({"clear_usage": True} if usage else {})}

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What is removed."""
        sent = self.entry(row, cleaned)
        usage = [_("Usage of it that isn't invoiced yet is dropped.")] if sent.get("clear_usage") else []
        return [
            _("Removed: %(item)s") % {"item": item_words(chosen(row, cleaned))},
            *usage,
            previews.proration_words(cleaned),
        ]

    def undo(self, push: Push) -> Undo | None:
        """Add it again, as a new item, as long as its price is sold."""
        (sent,) = push.params["items"]
        held = held_before(push, sent["id"])
        if not Price.objects.alive().filter(pk=held["price"], active=True).exists():
            return None
        return Undo(AddSubscriptionItem.name, {**held, **previews.same_proration(push)})
