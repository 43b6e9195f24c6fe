"""What staff can do to products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from stripe_mirror.models import Price, Push, StripeObject
from stripe_mirror.push.customer_forms import text
from stripe_mirror.push.editing import EditForm, EditOperation, LinesField, SwitchActive
from stripe_mirror.push.effects import Effects, Undo
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.operation import register
from stripe_mirror.push.price_forms import TermsForm, terms_params, terms_shown
from stripe_mirror.push.prices import running_on, terms_lines

# Stripe refuses them in what banks print.
NOT_ON_STATEMENTS = "<>\\\"'"
PRICE = "default_price_data"


class ProductForm(EditForm):
    """What a product's edit and creation have in common."""

    keeps = ("name", "default_price")

    name = forms.CharField(label="Name", max_length=5000, help_text="Customers see it, also on invoices.")
    description = text("Description", 40_000, widget=forms.Textarea(attrs={"rows": 2}))
    images = LinesField(label="Images", most=8, help_text="Addresses (URLs), one per line.")
    marketing_features = LinesField(
        label="Features", most=15, longest=80, key="name", help_text="For pricing tables, one per line."
    )
    statement_descriptor = text("Statement descriptor", 22, help_text="On the bank statements of those who pay.")
    unit_label = text("Unit label", 12, help_text="What is counted: “seat”, “GB”.")
    tax_code = text("Tax code", help_text="Stripe's, as in txcd_10000000.")
    url = forms.URLField(label="Website", required=False, max_length=5000, assume_scheme="https")
    metadata = MetadataField(label="Metadata", required=False)

    def clean_statement_descriptor(self) -> str:
        """Stripe's rule for what banks print."""
        descriptor = str(self.cleaned_data["statement_descriptor"])
        if set(descriptor) & set(NOT_ON_STATEMENTS):
            raise forms.ValidationError("Banks print none of these: < > \\ \" '")
        return descriptor


class EditProductForm(ProductForm):
    """With the price that it is sold at unless another one is named."""

    default_price = forms.ChoiceField(label="Default price", required=False)

    def prepare(self) -> None:
        """Offer its own prices that aren't archived."""
        super().prepare()
        own = Price.objects.alive().filter(product=self.row.pk, active=True)[:100] if self.row.pk else ()
        nothing = [] if self.initial.get("default_price") else [("", "None")]
        self.choice_field("default_price").choices = [*nothing, *((price.pk, str(price)) for price in own)]
        self.keep_choice("default_price")


class CreateProductForm(ProductForm, TermsForm):
    """With a first price, if its amount is written."""

    field_order = tuple(ProductForm.base_fields)

    def prepare(self) -> None:
        """A product may have no price yet."""
        super().prepare()
        amount = self.fields["unit_amount"]
        amount.required, amount.label = False, "Price"
        amount.help_text = "It becomes the default price. Leave it empty for a product without a price."


@register
class CreateProduct(EditOperation):
    """https://docs.stripe.com/api/products/create"""

    name = "create_product"
    label = "Create product"
    short_description = "Something new to sell, with its first price if you like."
    object_type = "product"
    form_class = CreateProductForm
    creates = True
    decisions = TermsForm.TERMS

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
        return super().summary(row, cleaned) + (terms_lines(price) if price else ["It has no price yet."])

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
    label = "Edit product"
    short_description = "Change the product's details in Stripe. Only what you change is sent."
    object_type = "product"
    form_class = EditProductForm

    def in_words(self, name: str, value: Any) -> Any:
        """A price by its amount."""
        price = Price.objects.filter(pk=value).first() if name == "default_price" and value else None
        return str(price) if price else super().in_words(name, value)

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What customers see of it, and what stays."""
        differing, follows = self.differing(row, cleaned), []
        if differing.keys() & {"name", "description", "unit_label"}:
            follows.append("Invoices from now on show the new texts; finalized ones keep the old.")
        if "default_price" in differing:
            follows.append("Running subscriptions keep their prices.")
        if "tax_code" in differing:
            follows.append("Where Stripe calculates the tax, it does so by the new code from now on.")
        return Effects(follows=tuple(follows))


@register
class ArchiveProduct(SwitchActive):
    """https://docs.stripe.com/api/products/update#update_product-active"""

    name = "archive_product"
    label = "Archive product"
    short_description = "Nobody can buy it any more. Its prices and running subscriptions stay."
    object_type = "product"
    active = False
    inverse = "unarchive_product"

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """Who keeps it, and what stops selling."""
        keep = running_on(product=row.pk)
        follows = [f"Goes on, charged as before: {keep}." if keep else "No running subscription has it."]
        return Effects(follows=(*follows, "Payment links that sell it are deactivated."))


@register
class UnarchiveProduct(SwitchActive):
    """https://docs.stripe.com/api/products/update#update_product-active"""

    name = "unarchive_product"
    label = "Unarchive product"
    short_description = "It can be bought again, at those of its prices that aren't archived."
    object_type = "product"
    active = True
    inverse = "archive_product"

    def effects(self, row: StripeObject, cleaned: Mapping[str, Any], preview: Mapping[str, Any] | None) -> Effects:
        """What doesn't come back by itself."""
        return Effects(follows=("Payment links that were deactivated have to be activated one by one.",))
