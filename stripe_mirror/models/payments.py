"""What was paid, and how: payment intents, charges, refunds, setup intents and Checkout sessions."""

from django.db import models

from stripe_mirror.kinds import Kind
from stripe_mirror.models.base import StripeObject, deleted_index
from stripe_mirror.models.fields import (
    JsonBooleanField,
    JsonDateTimeField,
    JsonForeignKey,
    JsonIntegerField,
    JsonTextField,
)


class PaymentIntent(StripeObject):
    """https://docs.stripe.com/api/payment_intents/object"""

    kind = Kind(
        object="payment_intent",
        list_path="/v1/payment_intents",
        events=(
            "payment_intent.amount_capturable_updated",
            "payment_intent.canceled",
            "payment_intent.created",
            "payment_intent.partially_funded",
            "payment_intent.payment_failed",
            "payment_intent.processing",
            "payment_intent.requires_action",
            "payment_intent.succeeded",
        ),
        prefixes=("pi_",),
        dashboard="payments",
    )

    customer = JsonForeignKey("Customer", path="customer", related_name="payment_intents")
    status = JsonTextField(path="status")
    currency = JsonTextField(path="currency")
    # Minor units.
    amount = JsonIntegerField(path="amount")
    amount_received = JsonIntegerField(path="amount_received")
    amount_capturable = JsonIntegerField(path="amount_capturable")
    payment_method = JsonForeignKey("PaymentMethod", path="payment_method", related_name="payment_intents")
    latest_charge = JsonForeignKey("Charge", path="latest_charge", related_name="+")
    description = JsonTextField(path="description")
    error_code = JsonTextField(path="last_payment_error.code")
    decline_code = JsonTextField(path="last_payment_error.decline_code")
    canceled_at = JsonDateTimeField(path="canceled_at")

    class Meta(StripeObject.Meta):
        # As the Dashboard calls it.
        verbose_name = "payment"
        permissions = (
            ("capture_payment", "Can capture payments in Stripe"),
            ("cancel_payment", "Can cancel payments in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="payment_intent_created"),
            deleted_index("payment_intent_deleted"),
            models.Index(fields=("customer", "created", "id"), name="payment_intent_customer"),
            # With what tells failed ones from those that nobody tried to pay.
            models.Index(fields=("status", "created", "id", "error_code"), name="payment_intent_status"),
            # With what tells payments from canceled ones, where they are found by their charges.
            models.Index(fields=("latest_charge", "status"), name="payment_intent_latest_charge"),
            models.Index(fields=("payment_method",), name="payment_intent_method"),
            models.Index(fields=("currency", "created", "id"), name="payment_intent_currency"),
            models.Index(fields=("currency", "amount", "created", "id"), name="payment_intent_amount"),
        )


class Charge(StripeObject):
    """https://docs.stripe.com/api/charges/object"""

    kind = Kind(
        object="charge",
        list_path="/v1/charges",
        events=(
            "charge.captured",
            "charge.expired",
            "charge.failed",
            "charge.pending",
            "charge.refunded",
            "charge.succeeded",
            "charge.updated",
        ),
        prefixes=("ch_", "py_"),
        dashboard="payments",
    )

    customer = JsonForeignKey("Customer", path="customer", related_name="charges")
    payment_intent = JsonForeignKey("PaymentIntent", path="payment_intent", related_name="charges")
    status = JsonTextField(path="status")
    currency = JsonTextField(path="currency")
    # Minor units.
    amount = JsonIntegerField(path="amount")
    amount_captured = JsonIntegerField(path="amount_captured")
    amount_refunded = JsonIntegerField(path="amount_refunded")
    captured = JsonBooleanField(path="captured")
    refunded = JsonBooleanField(path="refunded")
    disputed = JsonBooleanField(path="disputed")
    failure_code = JsonTextField(path="failure_code")
    failure_message = JsonTextField(path="failure_message")
    payment_method = JsonForeignKey("PaymentMethod", path="payment_method", related_name="charges")
    brand = JsonTextField(path="payment_method_details.card.brand")
    last4 = JsonTextField(
        "last 4",
        path=(
            "payment_method_details.card.last4",
            "payment_method_details.sepa_debit.last4",
        ),
    )
    description = JsonTextField(path="description")
    # What it did to the account's balance, with the fee; captured later, it comes later.
    balance_transaction = JsonForeignKey("BalanceTransaction", path="balance_transaction", related_name="+")

    class Meta(StripeObject.Meta):
        permissions = (("refund_charge", "Can refund payments in Stripe"),)
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="charge_created"),
            deleted_index("charge_deleted"),
            # Figures walk what changed lately.
            models.Index(fields=("changed_at", "id"), name="charge_changed"),
            models.Index(fields=("customer", "created", "id"), name="charge_customer"),
            models.Index(fields=("payment_intent", "created", "id"), name="charge_payment_intent"),
            # With what tells those of which nothing went back from the other succeeded ones.
            models.Index(
                fields=(
                    "status",
                    "created",
                    "id",
                    "captured",
                    "failure_code",
                    "refunded",
                    "amount_refunded",
                    "disputed",
                ),
                name="charge_status",
            ),
            models.Index(fields=("payment_method", "created", "id"), name="charge_payment_method"),
            models.Index(fields=("balance_transaction",), name="charge_balance_transaction"),
            models.Index(fields=("currency", "created", "id"), name="charge_currency"),
            models.Index(fields=("currency", "amount", "created", "id"), name="charge_amount"),
            models.Index(fields=("refunded", "created", "id"), name="charge_refunded"),
            models.Index(fields=("disputed", "created", "id"), name="charge_disputed"),
            models.Index(fields=("last4", "created", "id"), name="charge_last4"),
            # With what else makes a charge uncaptured: PostgreSQL, which takes captures for as rare among those that
            # succeeded as among all, would else rather read all of these.
            models.Index(
                fields=("created", "id", "status", "refunded", "amount_refunded", "disputed"),
                name="charge_uncaptured",
                condition=models.Q(captured=False, failure_code__isnull=True),
            ),
            # By `disputed` alone: SQLite can't seek a true value, which Django writes without "= 1".
            models.Index(fields=("created", "id"), name="charge_is_disputed", condition=models.Q(disputed=True)),
            models.Index(
                fields=("created", "id", "disputed"), name="charge_is_refunded", condition=models.Q(refunded=True)
            ),
            models.Index(
                fields=("created", "id", "refunded", "disputed"),
                name="charge_refunded_in_part",
                condition=models.Q(amount_refunded__gt=0),
            ),
        )


class Refund(StripeObject):
    """https://docs.stripe.com/api/refunds/object"""

    kind = Kind(
        object="refund",
        list_path="/v1/refunds",
        events=(
            "charge.refund.updated",
            "refund.created",
            "refund.failed",
            "refund.updated",
        ),
        prefixes=("re_", "pyr_"),
    )

    charge = JsonForeignKey("Charge", path="charge", related_name="refunds")
    payment_intent = JsonForeignKey("PaymentIntent", path="payment_intent", related_name="refunds")
    customer = JsonForeignKey("Customer", path="customer", related_name="refunds")
    status = JsonTextField(path="status")
    currency = JsonTextField(path="currency")
    # Minor units.
    amount = JsonIntegerField(path="amount")
    reason = JsonTextField(path="reason")
    failure_reason = JsonTextField(path="failure_reason")
    balance_transaction = JsonForeignKey("BalanceTransaction", path="balance_transaction", related_name="+")

    class Meta(StripeObject.Meta):
        permissions = (("cancel_refund", "Can cancel refunds in Stripe"),)
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="refund_created"),
            deleted_index("refund_deleted"),
            # Figures walk what changed lately.
            models.Index(fields=("changed_at", "id"), name="refund_changed"),
            models.Index(fields=("charge", "created", "id"), name="refund_charge"),
            models.Index(fields=("balance_transaction",), name="refund_balance_transaction"),
            models.Index(fields=("payment_intent", "created", "id"), name="refund_payment_intent"),
            models.Index(fields=("customer", "created", "id"), name="refund_customer"),
            models.Index(fields=("status", "created", "id"), name="refund_status"),
            models.Index(fields=("currency", "created", "id"), name="refund_currency"),
            models.Index(fields=("currency", "amount", "created", "id"), name="refund_amount"),
        )


class SetupIntent(StripeObject):
    """https://docs.stripe.com/api/setup_intents/object"""

    kind = Kind(
        object="setup_intent",
        list_path="/v1/setup_intents",
        events=(
            "setup_intent.canceled",
            "setup_intent.created",
            "setup_intent.requires_action",
            "setup_intent.setup_failed",
            "setup_intent.succeeded",
        ),
        prefixes=("seti_",),
        dashboard="setup_intents",
    )

    customer = JsonForeignKey("Customer", path="customer", related_name="setup_intents")
    payment_method = JsonForeignKey("PaymentMethod", path="payment_method", related_name="setup_intents")
    status = JsonTextField(path="status")
    # Whether later payments happen with the customer present ("on_session") or without ("off_session").
    usage = JsonTextField(path="usage")
    description = JsonTextField(path="description")
    error_code = JsonTextField(path="last_setup_error.code")
    decline_code = JsonTextField(path="last_setup_error.decline_code")
    cancellation_reason = JsonTextField(path="cancellation_reason")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="setup_intent_created"),
            deleted_index("setup_intent_deleted"),
            models.Index(fields=("customer", "created", "id"), name="setup_intent_customer"),
            models.Index(fields=("payment_method", "created", "id"), name="setup_intent_method"),
            models.Index(fields=("status", "created", "id", "error_code"), name="setup_intent_status"),
            models.Index(fields=("usage", "created", "id"), name="setup_intent_usage"),
        )


class CheckoutSession(StripeObject):
    """https://docs.stripe.com/api/checkout/sessions/object (Stripe sends no event when one is created)"""

    kind = Kind(
        object="checkout.session",
        list_path="/v1/checkout/sessions",
        events=(
            "checkout.session.async_payment_failed",
            "checkout.session.async_payment_succeeded",
            "checkout.session.completed",
            "checkout.session.expired",
        ),
        prefixes=("cs_",),
        dashboard="checkout/sessions",
    )

    customer = JsonForeignKey("Customer", path="customer", related_name="checkout_sessions")
    status = JsonTextField(path="status")
    payment_status = JsonTextField(path="payment_status")
    # "payment", "subscription" or "setup".
    mode = JsonTextField(path="mode")
    currency = JsonTextField(path="currency")
    # Minor units; empty in setup mode.
    amount_subtotal = JsonIntegerField(path="amount_subtotal")
    amount_total = JsonIntegerField(path="amount_total")
    # What the customer typed, else what the session was opened with.
    customer_email = JsonTextField(path=("customer_details.email", "customer_email"))
    client_reference_id = JsonTextField(path="client_reference_id")
    payment_intent = JsonForeignKey("PaymentIntent", path="payment_intent", related_name="checkout_sessions")
    setup_intent = JsonForeignKey("SetupIntent", path="setup_intent", related_name="checkout_sessions")
    subscription = JsonForeignKey("Subscription", path="subscription", related_name="checkout_sessions")
    invoice = JsonForeignKey("Invoice", path="invoice", related_name="checkout_sessions")
    expires_at = JsonDateTimeField(path="expires_at")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="checkout_created"),
            deleted_index("checkout_deleted"),
            models.Index(fields=("customer", "created", "id"), name="checkout_customer"),
            models.Index(fields=("payment_intent", "created", "id"), name="checkout_payment_intent"),
            models.Index(fields=("setup_intent", "created", "id"), name="checkout_setup_intent"),
            models.Index(fields=("subscription", "created", "id"), name="checkout_subscription"),
            models.Index(fields=("invoice", "created", "id"), name="checkout_invoice"),
            models.Index(fields=("status", "created", "id", "payment_status"), name="checkout_status"),
            models.Index(fields=("payment_status", "created", "id"), name="checkout_payment_status"),
            models.Index(fields=("mode", "created", "id"), name="checkout_mode"),
            models.Index(fields=("currency", "created", "id"), name="checkout_currency"),
            models.Index(fields=("currency", "amount_total", "created", "id"), name="checkout_session_amount"),
            models.Index(fields=("customer_email",), name="checkout_email"),
        )
