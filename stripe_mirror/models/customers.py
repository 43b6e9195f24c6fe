"""Customers, their payment methods, tax ids and balances; and which Django user is which customer."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from stripe_mirror.kinds import Embedded, Implied, Kind, Nested, Through
from stripe_mirror.models.base import StripeObject, deleted_index
from stripe_mirror.models.fields import (
    JsonBooleanField,
    JsonForeignKey,
    JsonIntegerField,
    JsonTextField,
)


class Customer(StripeObject):
    """https://docs.stripe.com/api/customers/object"""

    kind = Kind(
        object="customer",
        list_path="/v1/customers",
        events=("customer.created", "customer.updated", "customer.deleted"),
        prefixes=("cus_",),
        dashboard="customers",
        embeds=(Embedded(object="discount", path="discount"),),
        by_test_clock="test_clock",
        listed_when_deleted=True,
    )

    name = JsonTextField(path="name")
    email = JsonTextField(path="email")
    phone = JsonTextField(path="phone")
    description = JsonTextField(path="description")
    country = JsonTextField(path="address.country")
    currency = JsonTextField(path="currency")
    # Minor units of `currency`; negative is a credit to the customer.
    balance = JsonIntegerField(path="balance")
    delinquent = JsonBooleanField(path="delinquent")
    tax_exempt = JsonTextField(path="tax_exempt")
    default_payment_method = JsonForeignKey(
        "PaymentMethod",
        path="invoice_settings.default_payment_method",
        related_name="default_for_customers",
    )

    class Meta(StripeObject.Meta):
        permissions = (
            (
                "create_customer",
                "Can create customers in Stripe and link users to them",
            ),
            ("edit_customer", "Can edit customers in Stripe"),
            ("delete_stripe_customer", "Can delete customers in Stripe"),
            ("adjust_customer_balance", "Can adjust customers' credit balances in Stripe"),
            ("add_tax_id", "Can add tax ids to customers in Stripe"),
            ("remove_customer_discount", "Can remove customers' discounts in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="customer_created"),
            deleted_index("customer_deleted"),
            models.Index(fields=("email",), name="customer_email"),
            # For `duplicates`: whatever the case.
            models.Index(Lower("email"), name="customer_email_lower"),
            models.Index(fields=("name",), name="customer_name"),
            models.Index(fields=("country", "created", "id"), name="customer_country"),
            models.Index(fields=("currency", "created", "id"), name="customer_currency"),
            models.Index(fields=("delinquent", "created", "id"), name="customer_delinquent"),
            models.Index(fields=("default_payment_method",), name="customer_default_method"),
        )

    def __str__(self) -> str:
        return str(self.data.get("name") or self.data.get("email") or self.id)


class PaymentMethod(StripeObject):
    """https://docs.stripe.com/api/payment_methods/object"""

    kind = Kind(
        object="payment_method",
        list_path="/v1/payment_methods",
        created_filter=False,
        events=(
            "payment_method.attached",
            "payment_method.automatically_updated",
            "payment_method.detached",
            "payment_method.updated",
        ),
        prefixes=("pm_", "card_", "src_", "ba_"),
    )

    customer = JsonForeignKey("Customer", path="customer", related_name="payment_methods")
    type = JsonTextField(path="type")
    brand = JsonTextField(path="card.brand")
    last4 = JsonTextField(
        "last 4",
        path=(
            "card.last4",
            "sepa_debit.last4",
            "us_bank_account.last4",
            "bacs_debit.last4",
        ),
    )
    exp_month = JsonIntegerField(path="card.exp_month")
    exp_year = JsonIntegerField(path="card.exp_year")
    fingerprint = JsonTextField(
        path=(
            "card.fingerprint",
            "sepa_debit.fingerprint",
            "us_bank_account.fingerprint",
        )
    )

    class Meta(StripeObject.Meta):
        permissions = (
            ("set_default_payment_method", "Can set customers' default payment methods in Stripe"),
            ("detach_payment_method", "Can detach payment methods in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="payment_method_created"),
            deleted_index("payment_method_deleted"),
            models.Index(fields=("customer", "created", "id"), name="payment_method_customer"),
            models.Index(fields=("type", "created", "id"), name="payment_method_type"),
            models.Index(fields=("last4", "created", "id"), name="payment_method_last4"),
            models.Index(fields=("fingerprint", "customer"), name="payment_method_fingerprint"),
            # What `admin.status` calls detached, expired, and to expire.
            models.Index(
                fields=("created", "id"), name="payment_method_detached", condition=models.Q(customer__isnull=True)
            ),
            models.Index(
                fields=("exp_year", "exp_month", "id"),
                name="payment_method_expiry",
                condition=models.Q(customer__isnull=False),
            ),
        )

    def __str__(self) -> str:
        """The brand and last digits where it is a card: "Visa •••• 4242"."""
        details = self.data.get(str(self.data.get("type"))) or {}
        if not isinstance(details, dict) or not details.get("last4"):
            return str(self.id)
        brand = str(details.get("brand") or self.data["type"]).replace("_", " ")
        return f"{brand.capitalize().replace('Sepa', 'SEPA')} •••• {details['last4']}"


class CustomerLink(models.Model):
    """A Django user is a Stripe customer. The link stays when the customer is deleted in Stripe."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="stripe_customer_link",
    )
    customer = models.OneToOneField(
        Customer,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="user_link",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        verbose_name = "customer link"
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        return f"{self.user_id} is {self.customer_id}"


class TaxId(StripeObject):
    """https://docs.stripe.com/api/tax_ids/object"""

    kind = Kind(
        object="tax_id",
        stem="/v1/tax_ids",
        created_filter=False,
        events=("customer.tax_id.created", "customer.tax_id.deleted", "customer.tax_id.updated"),
        prefixes=("txi_",),
        # The list over all shows only the account's own ones.
        through=(Through(object="customer", expand="data.tax_ids", path="tax_ids.data"),),
    )

    customer = JsonForeignKey("Customer", path=("customer", "owner.customer"), related_name="tax_ids")
    type = JsonTextField(path="type")
    value = JsonTextField(path="value")
    country = JsonTextField(path="country")
    verification_status = JsonTextField(path="verification.status")
    verified_name = JsonTextField(path="verification.verified_name")
    verified_address = JsonTextField(path="verification.verified_address")

    class Meta(StripeObject.Meta):
        permissions = (("remove_tax_id", "Can remove tax ids from customers in Stripe"),)
        verbose_name = "tax ID"
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="tax_id_created"),
            deleted_index("tax_id_deleted"),
            models.Index(fields=("customer", "created", "id"), name="tax_id_customer"),
            models.Index(fields=("type", "created", "id"), name="tax_id_type"),
            models.Index(fields=("country", "created", "id"), name="tax_id_country"),
            models.Index(fields=("verification_status", "created", "id"), name="tax_id_verification"),
            models.Index(fields=("value",), name="tax_id_value"),
        )

    def __str__(self) -> str:
        return str(self.data.get("value") or self.id)


class CustomerBalanceTransaction(StripeObject):
    """https://docs.stripe.com/api/customer_balance_transactions/object (the customer's `balance` implies it)"""

    kind = Kind(
        object="customer_balance_transaction",
        created_filter=False,
        prefixes=("cbtxn_",),
        nested=Nested(object="customer", path="/v1/customers/{parent}/balance_transactions", parent_column="customer"),
        implied=(
            Implied(by="customer", path="/v1/customers/{id}/balance_transactions", fields=("balance",), newest=True),
        ),
    )

    customer = JsonForeignKey("Customer", path="customer", related_name="balance_transactions")
    type = JsonTextField(path="type")
    currency = JsonTextField(path="currency")
    # Minor units; negative is a credit to the customer.
    amount = JsonIntegerField(path="amount")
    ending_balance = JsonIntegerField(path="ending_balance")
    description = JsonTextField(path="description")
    invoice = JsonForeignKey("Invoice", path="invoice", related_name="balance_transactions")
    credit_note = JsonForeignKey("CreditNote", path="credit_note", related_name="balance_transactions")
    checkout_session = JsonForeignKey("CheckoutSession", path="checkout_session", related_name="+")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="customer_balance_created"),
            deleted_index("customer_balance_deleted"),
            models.Index(fields=("customer", "created", "id"), name="customer_balance_customer"),
            models.Index(fields=("invoice", "created", "id"), name="customer_balance_invoice"),
            models.Index(fields=("credit_note", "created", "id"), name="customer_balance_credit_note"),
            models.Index(fields=("type", "created", "id"), name="customer_balance_type"),
            models.Index(fields=("currency", "created", "id"), name="customer_balance_currency"),
            models.Index(fields=("currency", "amount", "created", "id"), name="customer_balance_amount"),
        )
