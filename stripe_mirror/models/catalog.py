"""What is sold and for how much: products, prices and tax rates."""

from decimal import Decimal, InvalidOperation

from django.db import models
from django.utils.translation import gettext_lazy

from stripe_mirror.kinds import Kind
from stripe_mirror.models.base import StripeObject, deleted_index
from stripe_mirror.models.fields import (
    JsonBooleanField,
    JsonDecimalField,
    JsonForeignKey,
    JsonIntegerField,
    JsonTextField,
)
from stripe_mirror.money import format_money


class Product(StripeObject):
    """https://docs.stripe.com/api/products/object"""

    kind = Kind(
        object="product",
        list_path="/v1/products",
        events=("product.created", "product.updated", "product.deleted"),
        prefixes=("prod_",),
        dashboard="products",
    )

    name = JsonTextField(path="name")
    description = JsonTextField(path="description")
    active = JsonBooleanField(path="active")
    default_price = JsonForeignKey("Price", path="default_price", related_name="default_for_products")

    class Meta(StripeObject.Meta):
        permissions = (
            ("create_product", "Can create products in Stripe"),
            ("edit_product", "Can edit products in Stripe"),
            ("archive_product", "Can archive products in Stripe"),
            ("unarchive_product", "Can take products out of the archive in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="product_created"),
            deleted_index("product_deleted"),
            models.Index(fields=("active", "created", "id"), name="product_active"),
        )

    def __str__(self) -> str:
        return str(self.data.get("name") or self.id)


# Stripe's intervals, as a price names them: each one, and several.
EACH = {
    "day": gettext_lazy("%(amount)s / day"),
    "week": gettext_lazy("%(amount)s / week"),
    "month": gettext_lazy("%(amount)s / month"),
    "year": gettext_lazy("%(amount)s / year"),
}
EVERY = {
    "day": gettext_lazy("%(amount)s every %(count)s days"),
    "week": gettext_lazy("%(amount)s every %(count)s weeks"),
    "month": gettext_lazy("%(amount)s every %(count)s months"),
    "year": gettext_lazy("%(amount)s every %(count)s years"),
}


def per_interval(amount: str, unit: str, count: object) -> str:
    """ "€29.00 / month", "€29.00 every 3 months"; an interval that isn't known as Stripe names it."""
    said = (EACH if count == 1 else EVERY).get(unit)
    if said is None:
        return f"{amount} / {unit}" if count == 1 else f"{amount} / {count} {unit}"
    return str(said % {"amount": amount, "count": count})


class Price(StripeObject):
    """https://docs.stripe.com/api/prices/object"""

    kind = Kind(
        object="price",
        list_path="/v1/prices",
        # A list without `active` may leave archived prices out.
        passes=({"active": "true"}, {"active": "false"}),
        events=("price.created", "price.updated", "price.deleted"),
        prefixes=("price_",),
        dashboard="prices",
    )

    product = JsonForeignKey("Product", path="product", related_name="prices")
    active = JsonBooleanField(path="active")
    currency = JsonTextField(path="currency")
    # Minor units; empty for tiers and for fractions of a minor unit.
    unit_amount = JsonIntegerField(path="unit_amount")
    type = JsonTextField(path="type")
    interval = JsonTextField(path="recurring.interval")
    interval_count = JsonIntegerField(path="recurring.interval_count")
    nickname = JsonTextField(path="nickname")
    lookup_key = JsonTextField(path="lookup_key")

    class Meta(StripeObject.Meta):
        permissions = (
            ("create_price", "Can create prices in Stripe"),
            ("edit_price", "Can edit prices in Stripe"),
            ("archive_price", "Can archive prices in Stripe"),
            ("unarchive_price", "Can take prices out of the archive in Stripe"),
            ("replace_price", "Can replace prices in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="price_created"),
            deleted_index("price_deleted"),
            models.Index(fields=("active", "created", "id"), name="price_active"),
            models.Index(fields=("product", "created", "id"), name="price_product"),
            models.Index(fields=("currency", "created", "id"), name="price_currency"),
            models.Index(fields=("currency", "unit_amount", "created", "id"), name="price_amount"),
        )

    def __str__(self) -> str:
        """ "€29.00 / month", from Stripe's object."""
        amount = self.fine_amount
        if amount is None:
            return str(self.data.get("nickname") or self.id)
        recurring = self.data.get("recurring")
        recurring = recurring if isinstance(recurring, dict) else {}
        every, unit = recurring.get("interval_count") or 1, recurring.get("interval")
        currency = self.data.get("currency")
        said = format_money(amount, currency if isinstance(currency, str) else None)
        return said if not unit else per_interval(said, str(unit), every)

    @property
    def fine_amount(self) -> Decimal | None:
        """What one unit costs in minor units, with their fractions; None for tiers and where the buyer decides."""
        amount, fine = self.data.get("unit_amount"), self.data.get("unit_amount_decimal")
        try:
            minor = Decimal(str(fine if amount is None else amount))
        except InvalidOperation:
            return None
        return minor if minor.is_finite() else None


class TaxRate(StripeObject):
    """https://docs.stripe.com/api/tax_rates/object"""

    kind = Kind(
        object="tax_rate",
        list_path="/v1/tax_rates",
        events=("tax_rate.created", "tax_rate.updated"),
        prefixes=("txr_",),
        dashboard="tax-rates",
    )

    display_name = JsonTextField(path="display_name")
    description = JsonTextField(path="description")
    percentage = JsonDecimalField(path="percentage", max_digits=24, decimal_places=12)
    # Whether prices contain it.
    inclusive = JsonBooleanField(path="inclusive")
    active = JsonBooleanField(path="active")
    country = JsonTextField(path="country")
    state = JsonTextField(path="state")
    jurisdiction = JsonTextField(path="jurisdiction")
    tax_type = JsonTextField(path="tax_type")

    class Meta(StripeObject.Meta):
        permissions = (
            ("create_tax_rate", "Can create tax rates in Stripe"),
            ("edit_tax_rate", "Can edit tax rates in Stripe"),
            ("archive_tax_rate", "Can archive tax rates in Stripe"),
            ("unarchive_tax_rate", "Can take tax rates out of the archive in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="tax_rate_created"),
            deleted_index("tax_rate_deleted"),
            models.Index(fields=("active", "created", "id"), name="tax_rate_active"),
            models.Index(fields=("inclusive", "created", "id"), name="tax_rate_inclusive"),
            models.Index(fields=("country", "created", "id"), name="tax_rate_country"),
        )

    def __str__(self) -> str:
        """ "VAT 19%", from Stripe's object."""
        percentage = self.data.get("percentage")
        rate = f" {percentage:g}%" if isinstance(percentage, int | float) else ""
        return f"{self.data.get('display_name') or self.id}{rate}"
