"""What is taken off a price: coupons, the codes that customers type to get one, and discounts: coupons at work."""

from django.db import models

from stripe_mirror.kinds import NONE, Implied, Kind, Through
from stripe_mirror.models.base import StripeObject, deleted_index
from stripe_mirror.models.fields import (
    JsonBooleanField,
    JsonDateTimeField,
    JsonDecimalField,
    JsonForeignKey,
    JsonIntegerField,
    JsonTextField,
)
from stripe_mirror.money import format_money


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
            models.Index(fields=("created", "id", "deleted_at"), name="coupon_created"),
            deleted_index("coupon_deleted"),
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
            models.Index(fields=("created", "id", "deleted_at"), name="promotion_code_created"),
            deleted_index("promotion_code_deleted"),
            models.Index(fields=("code",), name="promotion_code_code"),
            models.Index(fields=("coupon", "created", "id"), name="promotion_code_coupon"),
            models.Index(fields=("customer", "created", "id"), name="promotion_code_customer"),
            models.Index(fields=("active", "created", "id"), name="promotion_code_active"),
        )

    def __str__(self) -> str:
        return str(self.data.get("code") or self.id)


def _expanded_in(object: str, path: str, inside: str = "discounts", *, ends_untold: bool = False) -> Implied:
    """One object with its discounts expanded, after it came to name one that we lack."""
    return Implied(
        by=object,
        path=path,
        params={"expand": inside},
        inside=inside,
        fields=(inside.partition(".")[0],),
        unless_held=inside,
        ends_untold=ends_untold,
    )


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
            # Only of those on customers and subscriptions an event tells that they ended.
            _expanded_in("invoice", "/v1/invoices/{id}", ends_untold=True),
            _expanded_in("invoice", "/v1/invoices/{id}", "lines.data.discounts", ends_untold=True),
            _expanded_in("invoiceitem", "/v1/invoiceitems/{id}", ends_untold=True),
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
            models.Index(fields=("created", "id", "deleted_at"), name="discount_created"),
            deleted_index("discount_deleted"),
            # Figures walk what changed lately.
            models.Index(fields=("changed_at", "id"), name="discount_changed"),
            models.Index(fields=("coupon", "created", "id"), name="discount_coupon"),
            models.Index(fields=("promotion_code", "created", "id"), name="discount_promotion_code"),
            models.Index(fields=("customer", "created", "id"), name="discount_customer"),
            models.Index(fields=("subscription", "created", "id"), name="discount_subscription"),
            models.Index(fields=("invoice", "created", "id"), name="discount_invoice"),
            models.Index(fields=("end", "id"), name="discount_end"),
        )
