"""What is sold and for how much: products, prices, coupons with their codes and discounts, and tax rates."""

from decimal import Decimal, InvalidOperation

from django.db import models

from stripe_mirror.kinds import NONE, Implied, Kind, Through
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
        permissions = (
            ("create_product", "Can create products in Stripe"),
            ("edit_product", "Can edit products in Stripe"),
            ("archive_product", "Can archive products in Stripe"),
            ("unarchive_product", "Can take products out of the archive in Stripe"),
        )
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
        permissions = (
            ("create_price", "Can create prices in Stripe"),
            ("edit_price", "Can edit prices in Stripe"),
            ("archive_price", "Can archive prices in Stripe"),
            ("unarchive_price", "Can take prices out of the archive in Stripe"),
            ("replace_price", "Can replace prices in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id"), name="price_created"),
            models.Index(fields=("active", "created", "id"), name="price_active"),
            models.Index(fields=("product", "created", "id"), name="price_product"),
            models.Index(fields=("currency", "created", "id"), name="price_currency"),
        )

    def __str__(self) -> str:
        """ "€29.00 / month", from Stripe's object."""
        amount = self.fine_amount
        if amount is None:
            return str(self.data.get("nickname") or self.id)
        recurring = self.data.get("recurring")
        recurring = recurring if isinstance(recurring, dict) else {}
        every, unit = recurring.get("interval_count") or 1, recurring.get("interval")
        period = "" if not unit else f" / {unit}" if every == 1 else f" every {every} {unit}s"
        currency = self.data.get("currency")
        return format_money(amount, currency if isinstance(currency, str) else None) + period

    @property
    def fine_amount(self) -> Decimal | None:
        """What one unit costs in minor units, with their fractions; None for tiers and where the buyer decides."""
        amount, fine = self.data.get("unit_amount"), self.data.get("unit_amount_decimal")
        try:
            minor = Decimal(str(fine if amount is None else amount))
        except InvalidOperation:
            return None
        return minor if minor.is_finite() else None


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
        permissions = (
            ("create_coupon", "Can create coupons in Stripe"),
            ("edit_coupon", "Can edit coupons in Stripe"),
            ("delete_stripe_coupon", "Can delete coupons in Stripe"),
        )
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


class PromotionCode(StripeObject):
    """https://docs.stripe.com/api/promotion_codes/object: what customers type to get a coupon"""

    kind = Kind(
        object="promotion_code",
        list_path="/v1/promotion_codes",
        events=("promotion_code.created", "promotion_code.updated"),
        prefixes=("promo_",),
    )

    code = JsonTextField(path="code")
    coupon = JsonForeignKey("Coupon", path=("promotion.coupon", "coupon"), related_name="promotion_codes")
    # Only this customer may use it; empty for everyone.
    customer = JsonForeignKey("Customer", path="customer", related_name="promotion_codes")
    active = JsonBooleanField(path="active")
    expires_at = JsonDateTimeField(path="expires_at")
    max_redemptions = JsonIntegerField(path="max_redemptions")
    times_redeemed = JsonIntegerField(path="times_redeemed")
    first_time_transaction = JsonBooleanField(path="restrictions.first_time_transaction")
    # Of the least that an order must come to, in minor units.
    currency = JsonTextField(path="restrictions.minimum_amount_currency")
    minimum_amount = JsonIntegerField(path="restrictions.minimum_amount")

    class Meta(StripeObject.Meta):
        permissions = (
            ("create_promotion_code", "Can create promotion codes in Stripe"),
            ("deactivate_promotion_code", "Can deactivate promotion codes in Stripe"),
            ("reactivate_promotion_code", "Can reactivate promotion codes in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id"), name="promotion_code_created"),
            models.Index(fields=("code",), name="promotion_code_code"),
            models.Index(fields=("coupon", "created", "id"), name="promotion_code_coupon"),
            models.Index(fields=("customer", "created", "id"), name="promotion_code_customer"),
            models.Index(fields=("active", "created", "id"), name="promotion_code_active"),
        )

    def __str__(self) -> str:
        return str(self.data.get("code") or self.id)


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
            models.Index(fields=("created", "id"), name="tax_rate_created"),
            models.Index(fields=("active", "created", "id"), name="tax_rate_active"),
            models.Index(fields=("inclusive", "created", "id"), name="tax_rate_inclusive"),
            models.Index(fields=("country", "created", "id"), name="tax_rate_country"),
        )

    def __str__(self) -> str:
        """ "VAT 19%", from Stripe's object."""
        percentage = self.data.get("percentage")
        rate = f" {percentage:g}%" if isinstance(percentage, int | float) else ""
        return f"{self.data.get('display_name') or self.id}{rate}"


def _expanded_in(object: str, path: str, inside: str = "discounts") -> Implied:
    """One object with its discounts expanded, after it came to name one that we lack."""
    field = inside.partition(".")[0]
    return Implied(by=object, path=path, params={"expand": inside}, inside=inside, fields=(field,), unless_held=inside)


class Discount(StripeObject):
    """https://docs.stripe.com/api/discounts/object: a coupon at work (Stripe has no address and no list for it)"""

    kind = Kind(
        object="discount",
        stem=NONE,
        created_filter=False,
        events=("customer.discount.created", "customer.discount.deleted", "customer.discount.updated"),
        prefixes=("di_",),
        through=(
            Through(
                object="subscription",
                expand="data.discounts data.items.data.discounts",
                path="discounts items.data.discounts",
            ),
            Through(
                object="invoice",
                expand="data.discounts data.lines.data.discounts",
                path="discounts lines.data.discounts",
            ),
            Through(object="invoiceitem", expand="data.discounts", path="discounts"),
        ),
        implied=(
            _expanded_in("subscription", "/v1/subscriptions/{id}"),
            _expanded_in("subscription", "/v1/subscriptions/{id}", "items.data.discounts"),
            _expanded_in("invoice", "/v1/invoices/{id}"),
            _expanded_in("invoice", "/v1/invoices/{id}", "lines.data.discounts"),
            _expanded_in("invoiceitem", "/v1/invoiceitems/{id}"),
        ),
    )

    # It has no `created`; `start` is when it was put to work.
    created = JsonDateTimeField("start", path=("start",))
    end = JsonDateTimeField(path="end")
    # Until 2025 the whole coupon stood here.
    coupon = JsonForeignKey("Coupon", path=("source.coupon", "coupon"), related_name="discounts")
    promotion_code = JsonForeignKey("PromotionCode", path="promotion_code", related_name="discounts")
    customer = JsonForeignKey("Customer", path="customer", related_name="discounts")
    subscription = JsonForeignKey("Subscription", path="subscription", related_name="discounts")
    subscription_item = JsonForeignKey("SubscriptionItem", path="subscription_item", related_name="+")
    invoice = JsonForeignKey("Invoice", path="invoice", related_name="discounts")
    invoice_item = JsonForeignKey("InvoiceItem", path="invoice_item", related_name="+")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id"), name="discount_created"),
            models.Index(fields=("coupon", "created", "id"), name="discount_coupon"),
            models.Index(fields=("promotion_code", "created", "id"), name="discount_promotion_code"),
            models.Index(fields=("customer", "created", "id"), name="discount_customer"),
            models.Index(fields=("subscription", "created", "id"), name="discount_subscription"),
            models.Index(fields=("invoice", "created", "id"), name="discount_invoice"),
            models.Index(fields=("end", "id"), name="discount_end"),
        )
