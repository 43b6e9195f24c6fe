"""What staff can do to products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.models import Price, Push, StripeObject
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.editing import EditForm, EditOperation, LinesField, SwitchActive
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.importable import Importable
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.operation import register
from stripe_mirror.push.price_forms import TERMS_COLUMNS, TermsForm, terms_params, terms_shown
from stripe_mirror.push.prices import running_on, terms_lines

# Stripe refuses them in what banks print.
NOT_ON_STATEMENTS = "<>\\\"'"
PRICE = "default_price_data"


class ProductForm(EditForm):
    """What a product's edit and creation have in common."""

    keeps = ("name", "default_price")

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=5000, help_text=gettext_lazy("Customers see it, also on invoices.")
    )
    description = text(gettext_lazy("Description"), 40_000, widget=forms.Textarea(attrs={"rows": 2}))
    images = LinesField(label=gettext_lazy("Images"), most=8, help_text=gettext_lazy("Addresses (URLs), one per line."))
    marketing_features = LinesField(
        label=gettext_lazy("Features"),
        most=15,
        longest=80,
        key="name",
        help_text=gettext_lazy("For pricing tables, one per line."),
    )
    statement_descriptor = text(
        gettext_lazy("Statement descriptor"), 22, help_text=gettext_lazy("On the bank statements of those who pay.")
    )
    unit_label = text(gettext_lazy("Unit label"), 12, help_text=gettext_lazy("What is counted: “seat”, “GB”."))
    tax_code = text(gettext_lazy("Tax code"), help_text=gettext_lazy("Stripe's, as in txcd_10000000."))
    url = forms.URLField(label=gettext_lazy("Website"), required=False, max_length=5000, assume_scheme="https")
    metadata = MetadataField(label=gettext_lazy("Metadata"), required=False)

    def clean_statement_descriptor(self) -> str:
        """Stripe's rule for what banks print."""
        descriptor = str(self.cleaned_data["statement_descriptor"])
        if set(descriptor) & set(NOT_ON_STATEMENTS):
            raise forms.ValidationError(_("Banks print none of these: < > \\ \" '"))
        return descriptor


class EditProductForm(ProductForm):
    """With the price that it is sold at unless another one is named."""

    default_price = forms.ChoiceField(label=gettext_lazy("Default price"), required=False)

    def prepare(self) -> None:
        """Offer its own prices that aren't archived."""
        super().prepare()
        own = Price.objects.alive().filter(product=self.row.pk, active=True)[:100] if self.row.pk else ()
        nothing = [] if self.initial.get("default_price") else [("", _("None"))]
        self.choice_field("default_price").choices = [*nothing, *((price.pk, str(price)) for price in own)]
        self.keep_choice("default_price")


class CreateProductForm(ProductForm, TermsForm):
    """With a first price, if its amount is written."""

    field_order = tuple(ProductForm.base_fields)

    def prepare(self) -> None:
        """A product may have no price yet."""
        super().prepare()
        amount = self.fields["unit_amount"]
        amount.required, amount.label = False, _("Price")
        amount.help_text = _("It becomes the default price. Leave it empty for a product without a price.")


@register
class CreateProduct(EditOperation):
    """https://docs.stripe.com/api/products/create"""

    name = "create_product"
    label = gettext_lazy("Create product")
    short_description = gettext_lazy("Something new to sell, with its first price if you like.")
    object_type = "product"
    form_class = CreateProductForm
    creates = True
    decisions = TermsForm.TERMS
    importable = Importable(columns=TERMS_COLUMNS, by_row=None)

    def initial(self, row: StripeObject) -> dict[str, Any]:
        """Nothing, and the usual terms."""
        return {**super().initial(row), **terms_shown()}

    def params(self, row: StripeObject, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        """What is filled in, and the price if it has an amount."""
        params = super().params(row, cleaned)
        return {**params, PRICE: terms_params(cleaned)} if cleaned.get("unit_amount") else params

    def summary(self, row: StripeObject, cleaned: Mapping[str, Any]) -> list[str]:
        """What it will be and cost."""
        price = self.params(row, cleaned).get(PRICE)
        return super().summary(row, cleaned) + (terms_lines(price) if price else [_("It has no price yet.")])

    def field_for_param(self, param: str) -> str:
        """Both amounts are one field."""
        return super().field_for_param(param.replace("unit_amount_decimal", "unit_amount"))

    def undo(self, push: Push) -> Undo:
        """What was made can be archived; Stripe deletes only products without a price."""
        return Undo("archive_product")


@register
class EditProduct(EditOperation):
    """https://docs.stripe.com/api/products/update"""

    name = "edit_product"
    label = gettext_lazy("Edit product")
    at_hand = True
    short_description = gettext_lazy("Change the product's details in Stripe. Only what you change is sent.")
    object_type = "product"
    form_class = EditProductForm
    importable = Importable(by_row=("default_price",))

    def in_words(self, name: str, value: Any) -> Any:
        """A price by its amount."""
        price = Price.objects.filter(pk=value).first() if name == "default_price" and value else None
        return str(price) if price else super().in_words(name, value)

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What customers see of it, and what stays."""
        differing, follows = self.differing(row, cleaned), []
        if differing.keys() & {"name", "description", "unit_label"}:
            follows.append(_("Invoices from now on show the new texts; finalized ones keep the old."))
        if "default_price" in differing:
            follows.append(_("Running subscriptions keep their prices."))
        if "tax_code" in differing:
            follows.append(_("Where Stripe calculates the tax, it does so by the new code from now on."))
        return Effects(follows=tuple(follows))


@register
class ArchiveProduct(SwitchActive):
    """https://docs.stripe.com/api/products/update#update_product-active"""

    name = "archive_product"
    label = gettext_lazy("Archive product")
    short_description = gettext_lazy("Nobody can buy it any more. Its prices and running subscriptions stay.")
    object_type = "product"
    active = False
    inverse = "unarchive_product"

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Who keeps it, and what stops selling."""
        keep = running_on(product=row.pk)
        follows = [
            _("Goes on, charged as before: %(keep)s.") % {"keep": keep}
            if keep
            else _("No running subscription has it.")
        ]
        return Effects(follows=(*follows, _("Payment links that sell it are deactivated.")))


@register
class UnarchiveProduct(SwitchActive):
    """https://docs.stripe.com/api/products/update#update_product-active"""

    name = "unarchive_product"
    label = gettext_lazy("Unarchive product")
    short_description = gettext_lazy("It can be bought again, at those of its prices that aren't archived.")
    object_type = "product"
    active = True
    inverse = "archive_product"

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What doesn't come back by itself."""
        return Effects(follows=(_("Payment links that were deactivated have to be activated one by one."),))
