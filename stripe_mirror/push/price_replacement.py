"""Replacing a price: a new one on the same terms, the product's default if the old one was, and the old one archived.

Three requests, each a push of its own; running subscriptions keep the old price.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Price, Product, Push, StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.editing import why_not_deleted
from stripe_mirror.push.effects import Effects, Step, Undo
from stripe_mirror.push.errors import ODD_SHAPE_WORDS, NotAllowed, NothingToChange
from stripe_mirror.push.operation import Call, Operation, OperationForm, register
from stripe_mirror.push.price_forms import ReplacePriceForm, as_parameter
from stripe_mirror.push.prices import PRICES, ArchivePrice, MakesPrice, is_default, made_by, product_of, running_on


def amount_of(row: StripeObject) -> dict[str, Any]:
    """What a price costs as a parameter; empty where it has no single amount."""
    minor = row.fine_amount if isinstance(row, Price) else None
    return {} if minor is None else as_parameter(minor)


def kept_terms(price: StripeObject) -> dict[str, Any]:
    """All that a price has beside its amount, as the parameters of another one."""
    data = price.data
    kept = {name: data[name] for name in ("nickname", "metadata", "transform_quantity") if data.get(name)}
    if recurring := data.get("recurring"):
        kept["recurring"] = {name: recurring[name] for name in ("interval", "interval_count")}
        if recurring.get("usage_type") == "metered":
            kept["recurring"] |= {"usage_type": "metered", "meter": recurring["meter"]}
    if data.get("tax_behavior") in ("inclusive", "exclusive"):
        kept["tax_behavior"] = data["tax_behavior"]
    if key := data.get("lookup_key"):
        kept |= {"lookup_key": key, "transfer_lookup_key": True}
    return {"product": product_of(price), "currency": data["currency"], **kept}


@register
class ReplacePrice(MakesPrice):
    """https://docs.stripe.com/products-prices/manage-prices: an amount never changes, so a new price takes over."""

    name = "replace_price"
    label = gettext_lazy("Replace price")
    short_description = gettext_lazy(
        "Another amount on the same terms, from now on. Running subscriptions keep the old price."
    )
    object_type = "price"
    form_class = ReplacePriceForm
    decisions = ("unit_amount", "fractions")
    final_warning = gettext_lazy("The new price can be archived later, but not deleted.")

    def why_not(self, row: StripeObject) -> str:
        """Only a price with one fixed amount, and only while it is sold."""
        if reason := why_not_deleted(row):
            return reason
        if row.data.get("active") is False:
            return _("This price is archived. Create a new one on its product.")
        if row.data.get("billing_scheme") == "tiered" or row.data.get("custom_unit_amount"):
            return _("This price has no single amount: it has tiers, or the buyer decides. Replace it in Stripe.")
        known = product_of(row) and isinstance(row.data.get("currency"), str) and amount_of(row)
        return "" if known else str(ODD_SHAPE_WORDS)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """The new price. Raises NothingToChange where the amount is the same."""
        if amount_of(row) == cleaned["unit_amount"]:
            raise NothingToChange(_("Nothing was sent: this price is %(row)s already.") % {"row": row})
        return Call("post", PRICES, {**kept_terms(row), **cleaned["unit_amount"]})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """Old and new amount, and the steps after it."""
        params = self.plan(row, cleaned).params
        lines = [
            _("Price: %(row)s → %(price)s") % {"row": row, "price": Price(data=dict(params))},
            _("How often it is charged, tax, nickname and metadata stay the same."),
        ]
        if is_default(row):
            lines.append(_("Then the new price becomes the default price of its product."))
        return [*lines, _("Then the old price is archived.")]

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Who goes on paying the old price, and what moves to the new one."""
        keep, key = running_on(price=row.pk), row.data.get("lookup_key")
        follows = [
            _("Keeps the old price: %(keep)s.") % {"keep": keep}
            if keep
            else _("No running subscription has the old price."),
            *([_("The lookup key “%(key)s” moves to the new price.") % {"key": key}] if key else []),
            _("Payment links that sell the old price are deactivated."),
            _("Amounts that the old price has in further currencies are not copied."),
        ]
        return Effects(follows=tuple(follows), final=self.final_warning)

    def step_after(self, push: Push, answer: Mapping[str, Any]) -> Step | None:
        """The old price can be archived only once it isn't the default."""
        made, product = made_by(push, answer), str(push.params["product"])
        if not made:
            return None
        if Product.objects.filter(pk=product, default_price=push.object_id).exists():
            return Step(MakeDefault.name, "product", product, {"price": made, "instead_of": push.object_id})
        return Step(ArchiveReplaced.name, "price", push.object_id)

    def undo(self, push: Push) -> Undo | None:
        """Replaced once more, by a price of the old amount."""
        made, old = made_by(push), Price.objects.filter(pk=push.object_id).first()
        amount = amount_of(old) if old else {}
        if not made or not amount:
            return None
        values = {"unit_amount": amount, "fractions": "unit_amount_decimal" in amount}
        return Undo(self.name, values, object_type="price", object_id=made)


class MakeDefaultForm(OperationForm):
    """Filled in by the replacement alone."""

    price = forms.CharField()
    instead_of = forms.CharField()


@register
class MakeDefault(Operation):
    """The second step: https://docs.stripe.com/api/products/update#update_product-default_price"""

    name = "make_replacement_default"
    permission = ReplacePrice.name
    label = gettext_lazy("Make the new price the default")
    short_description = gettext_lazy("The step between a new price and the archiving of the one that it replaces.")
    object_type = "product"
    form_class = MakeDefaultForm
    offered = False

    def why_not(self, row: StripeObject) -> str:
        """Only of a product that exists."""
        return why_not_deleted(row)

    def plan(self, row: StripeObject, cleaned: Mapping[str, Any]) -> Call:
        """One field. Raises NotAllowed where somebody chose another default meanwhile."""
        default = state.look_up(row.data, ("default_price",))
        # Somebody made the new one the default meanwhile: saying it again lets the old one be archived.
        if default not in (cleaned["price"], cleaned["instead_of"]):
            raise NotAllowed(
                _("Nothing was sent: the product's default price is %(default)s by now.")
                % {"default": default or _("none")}
            )
        return Call("post", row.kind.path(row.pk), {"default_price": cleaned["price"]})

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """One line."""
        return [
            _("%(default_price)s becomes the default price of %(row)s.")
            % {"default_price": self.plan(row, cleaned).params["default_price"], "row": row}
        ]

    def step_after(self, push: Push, answer: Mapping[str, Any]) -> Step | None:
        """Archive what was the default."""
        return Step(ArchiveReplaced.name, "price", str(push.form["instead_of"]))


@register
class ArchiveReplaced(ArchivePrice):
    """The last step."""

    name = "archive_replaced_price"
    permission = ReplacePrice.name
    label = gettext_lazy("Archive the replaced price")
    offered = False
    bulk = False
