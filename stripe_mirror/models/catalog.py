"""What is sold: products, prices and coupons."""

from django.db import models

from stripe_mirror.kinds import Kind
from stripe_mirror.models.base import StripeObject
from stripe_mirror.models.fields import (
    JsonBooleanField,
    JsonDateTimeField,
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
        indexes = (
            models.Index(fields=("created", "id"), name="product_created"),
            models.Index(fields=("active", "created", "id"), name="product_active"),
        )

    def __str__(self) -> str:
        return str(self.data.get("name") or self.id)


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
        indexes = (
            models.Index(fields=("created", "id"), name="price_created"),
            models.Index(fields=("active", "created", "id"), name="price_active"),
            models.Index(fields=("product", "created", "id"), name="price_product"),
            models.Index(fields=("currency", "created", "id"), name="price_currency"),
        )

    def __str__(self) -> str:
        """ "€29.00 / month", from Stripe's object."""
        amount = self.data.get("unit_amount")
        if amount is None:
            return str(self.data.get("nickname") or self.id)
        recurring = self.data.get("recurring") or {}
        every = int(recurring.get("interval_count") or 1)
        unit = recurring.get("interval")
        period = "" if not unit else f" / {unit}" if every == 1 else f" every {every} {unit}s"
        return format_money(amount, self.data.get("currency")) + period


class Coupon(StripeObject):
    """https://docs.stripe.com/api/coupons/object"""

    kind = Kind(
        object="coupon",
        list_path="/v1/coupons",
        events=("coupon.created", "coupon.updated", "coupon.deleted"),
        dashboard="coupons",
    )

    name = JsonTextField(path="name")
    percent_off = JsonDecimalField(path="percent_off", max_digits=24, decimal_places=12)
    # Minor units of `currency`.
    amount_off = JsonIntegerField(path="amount_off")
    currency = JsonTextField(path="currency")
    duration = JsonTextField(path="duration")
    duration_in_months = JsonIntegerField(path="duration_in_months")
    redeem_by = JsonDateTimeField(path="redeem_by")
    max_redemptions = JsonIntegerField(path="max_redemptions")
    times_redeemed = JsonIntegerField(path="times_redeemed")
    valid = JsonBooleanField(path="valid")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id"), name="coupon_created"),
            models.Index(fields=("valid", "created", "id"), name="coupon_valid"),
        )

    def __str__(self) -> str:
        return str(self.data.get("name") or self.id)

    @property
    def terms(self) -> str:
        """What it gives: "$50.00 off" or "25% off" (S52)."""
        if self.data.get("amount_off") is not None:
            return f"{format_money(self.data['amount_off'], self.data.get('currency'))} off"
        percent = self.data.get("percent_off")
        return f"{percent:g}% off" if isinstance(percent, int | float) else ""
