"""What renews by itself: subscriptions, their items, and the schedules that change them."""

from django.db import models

from stripe_mirror.kinds import Embedded, Kind
from stripe_mirror.models.base import StripeObject, deleted_index
from stripe_mirror.models.fields import (
    JsonBooleanField,
    JsonDateTimeField,
    JsonForeignKey,
    JsonIntegerField,
    JsonTextField,
    Missing,
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
        by_test_clock="test_clock",
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
            ("create_subscription", "Can create subscriptions in Stripe"),
            ("pause_collection", "Can pause the collection of subscriptions in Stripe"),
            ("unpause_collection", "Can take up the collection of subscriptions in Stripe again"),
            ("pause_subscription", "Can pause subscriptions in Stripe"),
            ("resume_subscription", "Can resume subscriptions in Stripe"),
            ("change_subscription_plan", "Can change prices and quantities of subscriptions in Stripe"),
            ("add_subscription_item", "Can add items to subscriptions in Stripe"),
            ("remove_subscription_item", "Can remove items from subscriptions in Stripe"),
            ("change_trial", "Can extend and end trials in Stripe"),
            ("apply_discount", "Can apply discounts to subscriptions in Stripe"),
            ("remove_discount", "Can remove discounts from subscriptions in Stripe"),
            ("switch_collection_method", "Can change how subscriptions are collected in Stripe"),
            ("change_subscription_payment_method", "Can change the payment methods of subscriptions in Stripe"),
            ("reset_billing_anchor", "Can reset the billing dates of subscriptions in Stripe"),
            ("create_schedule", "Can put subscriptions under a schedule in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="subscription_created"),
            deleted_index("subscription_deleted"),
            # Figures walk what changed lately.
            models.Index(fields=("changed_at", "id"), name="subscription_changed"),
            models.Index(fields=("customer", "created", "id"), name="subscription_customer"),
            models.Index(fields=("status", "created", "id"), name="subscription_status"),
            # Those that `admin.status` says are ending, and those whose collection is paused.
            models.Index(
                fields=("created", "id", "status"),
                name="subscription_ending",
                condition=models.Q(
                    models.Q(cancel_at__isnull=False) | models.Q(cancel_at_period_end=True), Missing("ended_at")
                ),
            ),
            models.Index(
                fields=("created", "id", "status"),
                name="subscription_uncollected",
                condition=models.Q(Missing("ended_at"), pause_behavior__isnull=False),
            ),
            models.Index(fields=("price", "created", "id"), name="subscription_price"),
            models.Index(fields=("default_payment_method",), name="subscription_default_method"),
            models.Index(fields=("latest_invoice",), name="subscription_latest_invoice"),
            models.Index(fields=("currency", "created", "id"), name="subscription_currency"),
            models.Index(
                fields=("cancel_at_period_end", "created", "id"),
                name="subscription_cancelling",
            ),
            models.Index(fields=("current_period_end", "id"), name="subscription_period_end"),
            models.Index(fields=("trial_end", "id"), name="subscription_trial_end"),
            models.Index(fields=("ended_at", "id"), name="subscription_ended_at"),
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
            models.Index(fields=("created", "id", "deleted_at"), name="sub_item_created"),
            deleted_index("sub_item_deleted"),
            models.Index(fields=("subscription", "created", "id"), name="sub_item_subscription"),
            models.Index(fields=("price", "created", "id"), name="sub_item_price"),
            models.Index(fields=("product", "created", "id"), name="sub_item_product"),
        )


class SubscriptionSchedule(StripeObject):
    """https://docs.stripe.com/api/subscription_schedules/object"""

    kind = Kind(
        object="subscription_schedule",
        list_path="/v1/subscription_schedules",
        events=(
            "subscription_schedule.aborted",
            "subscription_schedule.canceled",
            "subscription_schedule.completed",
            "subscription_schedule.created",
            "subscription_schedule.expiring",
            "subscription_schedule.released",
            "subscription_schedule.updated",
        ),
        prefixes=("sub_sched_",),
        dashboard="subscription_schedules",
        by_test_clock="customer",
    )

    customer = JsonForeignKey("Customer", path="customer", related_name="subscription_schedules")
    # A released schedule names the subscription that it let go elsewhere.
    subscription = JsonForeignKey(
        "Subscription", path=("subscription", "released_subscription"), related_name="schedules"
    )
    status = JsonTextField(path="status")
    # What happens after the last phase: "release", "cancel", …
    end_behavior = JsonTextField(path="end_behavior")
    # The dates of the phase that runs now; empty before the first and after the last one.
    current_phase_start = JsonDateTimeField(path="current_phase.start_date")
    current_phase_end = JsonDateTimeField(path="current_phase.end_date")
    # When the first phase begins, for schedules that haven't started.
    starts = JsonDateTimeField(path="phases.0.start_date")
    canceled_at = JsonDateTimeField(path="canceled_at")
    completed_at = JsonDateTimeField(path="completed_at")
    released_at = JsonDateTimeField(path="released_at")

    class Meta(StripeObject.Meta):
        permissions = (
            ("release_schedule", "Can release subscription schedules in Stripe"),
            ("cancel_schedule", "Can cancel subscription schedules in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="schedule_created"),
            deleted_index("schedule_deleted"),
            models.Index(fields=("customer", "created", "id"), name="schedule_customer"),
            models.Index(fields=("subscription", "created", "id"), name="schedule_subscription"),
            models.Index(fields=("status", "created", "id"), name="schedule_status"),
            models.Index(fields=("end_behavior", "created", "id"), name="schedule_end_behavior"),
            models.Index(fields=("current_phase_end", "id"), name="schedule_phase_end"),
        )
