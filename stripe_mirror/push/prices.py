"""What staff can do to prices. Stripe never changes an amount: another amount is another price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.models import Price, Product, Push, StripeObject, SubscriptionItem
from stripe_mirror.push import state
from stripe_mirror.push.editing import EditOperation, SwitchActive, counted, why_not_deleted
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.importable import Importable
from stripe_mirror.push.operation import Call, Operation, register
from stripe_mirror.push.price_forms import (
    TAX_BEHAVIOR,
    TERMS_COLUMNS,
    CreatePriceForm,
    EditPriceForm,
    TermsForm,
    holder_of,
    terms_params,
    terms_shown,
)

# Subscriptions beyond that are only said to be more.
MOST = 10_000
ENDED = ("canceled", "incomplete_expired")
PRICES = "/v1/prices"


def running_on(**what: str) -> str:
    """ "3 subscriptions" that go on, on a price or a product, as far as the mirror knows; "" for none."""
    items = SubscriptionItem.objects.alive().filter(**what).exclude(subscription__status__in=ENDED)
    number = items.values("subscription").distinct()[: MOST + 1].count()
    words = ngettext("%(number)s subscription", "%(number)s subscriptions", number)
    return words % {"number": counted(number, most=MOST)} if number else ""


def product_of(row: StripeObject) -> str:
    """The id of a price's product."""
    return state.text(state.look_up(row.data, ("product",)))


def is_default(row: StripeObject) -> bool:
    """Whether it is the default price of its product, as far as the mirror knows."""
    return Product.objects.filter(pk=product_of(row), default_price=row.pk).exists()


def terms_lines(params: Mapping[str, Any]) -> list[str]:
    """A new price in words."""
    lines = [_("Price: %(price)s") % {"price": Price(data=dict(params))}]
    if behavior := params.get("tax_behavior"):
        lines.append(f"{dict(TAX_BEHAVIOR).get(behavior, behavior)}.")
    return lines


class MakesPrice(Operation):
    """Posts a new price, starting from another object; both are told apart by their ids in `before` and `after`."""

    adds = True

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """With the id: afterwards it is the new price's."""
        return {"id": row.pk, **state.touched(row.data, call.params)} if row.kind.object == "price" else {}

    def is_done(self, row: StripeObject, call: Call) -> bool:
        """No other object than the new price tells."""
        return False

    def field_for_param(self, param: str) -> str:
        """Both amounts are one field."""
        return super().field_for_param(param.replace("unit_amount_decimal", "unit_amount"))


def made_by(push: Push, answer: Mapping[str, Any] | None = None) -> str:
    """The id of the price that a push made: from the answer, or from what came under its key; "" if not known."""
    for known in ((answer or {}).get("id"), push.after.get("id")):
        if isinstance(known, str) and (answer or {}).get("object", "price") == "price" and known != push.object_id:
            return known
    change = push.changes.filter(object_type="price").exclude(object_id=push.object_id).order_by("id").first()
    return change.object_id if change else ""


@register
class CreatePrice(MakesPrice):
    """https://docs.stripe.com/api/prices/create"""

    name = "create_price"
    label = gettext_lazy("Create price")
    at_hand = True
    short_description = gettext_lazy("Another price for this product: a currency, an amount, once or again and again.")
    object_type = "product"
    form_class = CreatePriceForm
    decisions = (*TermsForm.TERMS, "nickname", "lookup_key", "transfer_lookup_key", "metadata")
    importable = Importable(columns=TERMS_COLUMNS, key="product", by_row=None)
    final_warning = gettext_lazy("A price can be archived, but not deleted, and its amount can't be changed.")

    def why_not(self, row: StripeObject) -> str:
        """A deleted product has no prices."""
        return why_not_deleted(row)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """Monthly, in the product's currency."""
        return terms_shown(row.pk)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One creation with what is filled in."""
        more = {name: cleaned[name] for name in ("nickname", "lookup_key", "metadata") if cleaned.get(name)}
        if "lookup_key" in more and cleaned.get("transfer_lookup_key"):
            more["transfer_lookup_key"] = True
        return Call("post", PRICES, {"product": row.pk, **terms_params(cleaned), **more})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """The terms, and by what it is found."""
        params = self.plan(row, cleaned).params
        named = [
            (label, params.get(name)) for label, name in ((_("Nickname"), "nickname"), (_("Lookup key"), "lookup_key"))
        ]
        lines = [f"{label}: {value}" for label, value in named if value]
        lines += [
            _("Metadata “%(key)s”: %(value)s") % {"key": key, "value": value}
            for key, value in params.get("metadata", {}).items()
        ]
        return terms_lines(params) + lines

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Nobody pays it yet."""
        follows = [_("It can be sold at once. Running subscriptions and the product's default price stay as they are.")]
        if row.data.get("active") is False:
            follows = [_("The product is archived: the price can't be sold until the product is unarchived.")]
        return Effects(follows=(*follows, *losers(self.plan(row, cleaned), row)), final=self.final_warning)

    def undo(self, push: Push) -> Undo | None:
        """Archive what was made; a key that was taken from another price does not go back."""
        made = made_by(push)
        taken = push.params.get("transfer_lookup_key")
        return Undo("archive_price", object_type="price", object_id=made) if made and not taken else None


def losers(call: Call, row: StripeObject) -> list[str]:
    """A sentence where another price loses its lookup key."""
    held = holder_of(call.params["lookup_key"], row.pk) if call.params.get("transfer_lookup_key") else None
    return [_("The price %(pk)s (%(held)s) loses the lookup key.") % {"pk": held.pk, "held": held}] if held else []


@register
class EditPrice(EditOperation):
    """https://docs.stripe.com/api/prices/update"""

    name = "edit_price"
    label = gettext_lazy("Edit price")
    at_hand = True
    short_description = gettext_lazy("Nickname, lookup key and metadata. For another amount, replace the price.")
    object_type = "price"
    form_class = EditPriceForm
    decisions = ("transfer_lookup_key",)
    not_state = ("transfer_lookup_key",)
    importable = Importable()

    def params(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """A key that another price has is taken only where that was decided."""
        params = super().params(row, cleaned)
        taken = params.get("lookup_key") and cleaned.get("transfer_lookup_key")
        return {**params, "transfer_lookup_key": True} if taken else params

    def before(self, row: StripeObject, call: Call) -> dict[str, Any]:
        """Without the parameter that is no field."""
        return state.touched(row.data, {k: v for k, v in call.params.items() if k not in self.not_state})

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Who loses the key."""
        call = self.plan(row, cleaned)
        final = _("The other price gets its lookup key back only by an edit of its own.") if losers(call, row) else ""
        return Effects(follows=tuple(losers(call, row)), final=final)

    def undo(self, push: Push) -> Undo | None:
        """Not where a key was taken: this edit alone could not give it back."""
        return None if push.params.get("transfer_lookup_key") else super().undo(push)


@register
class ArchivePrice(SwitchActive):
    """https://docs.stripe.com/api/prices/update#update_price-active"""

    name = "archive_price"
    label = gettext_lazy("Archive price")
    short_description = gettext_lazy("Nobody can buy at this price any more. Running subscriptions keep it.")
    object_type = "price"
    active = False
    inverse = "unarchive_price"

    def why_not_at_a_glance(self, row: StripeObject) -> str:
        """Whether it is archived; which one is the default stands in the product."""
        return "" if row.data.get("active") is True and not row.deleted_at else _("This price is archived already.")

    def why_not_switched(self, row: StripeObject) -> str:
        """Stripe refuses it for a default price."""
        if not is_default(row):
            return ""
        return _(
            "This is the default price of its product, and Stripe archives no such price. Make "
            "another price the default first, or replace this one."
        )

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Who keeps it, and what stops selling."""
        keep = running_on(price=row.pk)
        follows = [
            _("Goes on at this price: %(keep)s.") % {"keep": keep} if keep else _("No running subscription has it.")
        ]
        return Effects(follows=(*follows, _("Payment links that sell it are deactivated.")))


@register
class UnarchivePrice(SwitchActive):
    """https://docs.stripe.com/api/prices/update#update_price-active"""

    name = "unarchive_price"
    label = gettext_lazy("Unarchive price")
    short_description = gettext_lazy("It can be bought again.")
    object_type = "price"
    active = True
    inverse = "archive_price"

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """An archived product isn't sold at any price."""
        archived = Product.objects.filter(pk=product_of(row), active=False).exists()
        return Effects(
            follows=(_("Its product is archived: it can't be sold until the product is unarchived, too."),)
            if archived
            else (_("Payment links that were deactivated have to be activated one by one."),)
        )
