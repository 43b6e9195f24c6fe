"""What is owed: subscriptions, their items, and invoices."""

from django.db import models

from stripe_mirror.kinds import Embedded, Kind
from stripe_mirror.models.base import StripeObject
from stripe_mirror.models.fields import (
    JsonBooleanField,
    JsonDateTimeField,
    JsonForeignKey,
    JsonIntegerField,
    JsonTextField,
)


class Subscription(StripeObject):
    """https://docs.stripe.com/api/subscriptions/object

    The period stood on the subscription until 2025 and stands on its items since; the columns take the first item's.
    """

    kind = Kind(
        object="subscription",
        list_path="/v1/subscriptions",
        # Without it Stripe leaves cancelled ones out (S21).
        passes=({"status": "all"},),
        events=(
            "customer.subscription.created",
            "customer.subscription.deleted",
            "customer.subscription.paused",
            "customer.subscription.pending_update_applied",
            "customer.subscription.pending_update_expired",
            "customer.subscription.resumed",
            "customer.subscription.trial_will_end",
            "customer.subscription.updated",
        ),
        prefixes=("sub_",),
        dashboard="subscriptions",
        embeds=(
            Embedded(
                object="subscription_item",
                path="items.data",
                list_path="items",
                parent_column="subscription",
            ),
            Embedded(object="price", path="items.data.price"),
        ),
    )

    customer = JsonForeignKey("Customer", path="customer", related_name="subscriptions")
    status = JsonTextField(path="status")
    collection_method = JsonTextField(path="collection_method")
    currency = JsonTextField(path="currency")
    price = JsonForeignKey("Price", path="items.data.0.price", related_name="subscriptions")
    quantity = JsonIntegerField(path="items.data.0.quantity")
    start_date = JsonDateTimeField(path="start_date")
    current_period_start = JsonDateTimeField(path=("current_period_start", "items.data.0.current_period_start"))
    current_period_end = JsonDateTimeField(path=("current_period_end", "items.data.0.current_period_end"))
    trial_end = JsonDateTimeField(path="trial_end")
    cancel_at_period_end = JsonBooleanField(path="cancel_at_period_end")
    cancel_at = JsonDateTimeField(path="cancel_at")
    # When the cancellation was asked for; `ended_at` is when it took effect.
    canceled_at = JsonDateTimeField(path="canceled_at")
    ended_at = JsonDateTimeField(path="ended_at")
    # `pause_collection` is set while the status stays active; the status `paused` is another thing (S41).
    pause_behavior = JsonTextField(path="pause_collection.behavior")
    pause_resumes_at = JsonDateTimeField(path="pause_collection.resumes_at")
    default_payment_method = JsonForeignKey(
        "PaymentMethod", path="default_payment_method", related_name="subscriptions"
    )
    latest_invoice = JsonForeignKey("Invoice", path="latest_invoice", related_name="+")

    class Meta(StripeObject.Meta):
        permissions = (
            ("cancel_subscription", "Can cancel subscriptions in Stripe"),
            ("keep_subscription", "Can undo a scheduled cancellation in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id"), name="subscription_created"),
            models.Index(fields=("customer", "created", "id"), name="subscription_customer"),
            models.Index(fields=("status", "created", "id"), name="subscription_status"),
            models.Index(fields=("price", "created", "id"), name="subscription_price"),
            models.Index(fields=("currency", "created", "id"), name="subscription_currency"),
            models.Index(
                fields=("cancel_at_period_end", "created", "id"),
                name="subscription_cancelling",
            ),
            models.Index(fields=("current_period_end", "id"), name="subscription_period_end"),
            models.Index(
                fields=("collection_method", "created", "id"),
                name="subscription_collection",
            ),
        )


class SubscriptionItem(StripeObject):
    """https://docs.stripe.com/api/subscription_items/object (comes with its subscription: it has no events)"""

    kind = Kind(
        object="subscription_item",
        list_path="/v1/subscription_items",
        prefixes=("si_",),
        parent="subscription",
    )

    subscription = JsonForeignKey("Subscription", path="subscription", related_name="items")
    price = JsonForeignKey("Price", path="price", related_name="subscription_items")
    product = JsonForeignKey("Product", path="price.product", related_name="subscription_items")
    quantity = JsonIntegerField(path="quantity")
    current_period_start = JsonDateTimeField(path="current_period_start")
    current_period_end = JsonDateTimeField(path="current_period_end")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id"), name="sub_item_created"),
            models.Index(fields=("subscription", "created", "id"), name="sub_item_subscription"),
            models.Index(fields=("price", "created", "id"), name="sub_item_price"),
            models.Index(fields=("product", "created", "id"), name="sub_item_product"),
        )


class Invoice(StripeObject):
    """https://docs.stripe.com/api/invoices/object"""

    kind = Kind(
        object="invoice",
        list_path="/v1/invoices",
        events=(
            "invoice.created",
            "invoice.deleted",
            "invoice.finalization_failed",
            "invoice.finalized",
            "invoice.marked_uncollectible",
            "invoice.overdue",
            "invoice.overpaid",
            "invoice.paid",
            "invoice.payment_action_required",
            "invoice.payment_attempt_required",
            "invoice.payment_failed",
            "invoice.payment_succeeded",
            "invoice.sent",
            "invoice.updated",
            "invoice.voided",
            "invoice.will_be_due",
        ),
        prefixes=("in_",),
        dashboard="invoices",
    )

    number = JsonTextField(path="number")
    customer = JsonForeignKey("Customer", path="customer", related_name="invoices")
    subscription = JsonForeignKey(
        "Subscription",
        path=("subscription", "parent.subscription_details.subscription"),
        related_name="invoices",
    )
    status = JsonTextField(path="status")
    collection_method = JsonTextField(path="collection_method")
    billing_reason = JsonTextField(path="billing_reason")
    currency = JsonTextField(path="currency")
    # Minor units, all of them.
    subtotal = JsonIntegerField(path="subtotal")
    total = JsonIntegerField(path="total")
    amount_due = JsonIntegerField(path="amount_due")
    amount_paid = JsonIntegerField(path="amount_paid")
    amount_remaining = JsonIntegerField(path="amount_remaining")
    customer_name = JsonTextField(path="customer_name")
    customer_email = JsonTextField(path="customer_email")
    period_start = JsonDateTimeField(path="period_start")
    period_end = JsonDateTimeField(path="period_end")
    due_date = JsonDateTimeField(path="due_date")
    finalized_at = JsonDateTimeField(path="status_transitions.finalized_at")
    paid_at = JsonDateTimeField(path="status_transitions.paid_at")
    attempt_count = JsonIntegerField(path="attempt_count")
    next_payment_attempt = JsonDateTimeField(path="next_payment_attempt")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id"), name="invoice_created"),
            models.Index(fields=("customer", "created", "id"), name="invoice_customer"),
            models.Index(fields=("subscription", "created", "id"), name="invoice_subscription"),
            models.Index(fields=("status", "created", "id"), name="invoice_status"),
            models.Index(fields=("currency", "created", "id"), name="invoice_currency"),
            models.Index(fields=("collection_method", "created", "id"), name="invoice_collection"),
            models.Index(fields=("due_date", "id"), name="invoice_due_date"),
            models.Index(fields=("number",), name="invoice_number"),
        )

    def __str__(self) -> str:
        return str(self.data.get("number") or self.id)
