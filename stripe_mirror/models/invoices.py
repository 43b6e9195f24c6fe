"""What is owed: invoices, what stands on them and what pays them."""

from django.db import models

from stripe_mirror.kinds import NONE, Embedded, Implied, Kind, Nested
from stripe_mirror.models.base import StripeObject, deleted_index
from stripe_mirror.models.fields import (
    JsonBooleanField,
    JsonDateTimeField,
    JsonForeignKey,
    JsonIntegerField,
    JsonTextField,
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
        embeds=(Embedded(object="line_item", path="lines.data", list_path="lines", parent_column="invoice"),),
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
        permissions = (
            ("create_invoice", "Can create invoices in Stripe"),
            ("edit_invoice", "Can edit draft invoices in Stripe"),
            ("finalize_invoice", "Can finalize invoices in Stripe"),
            ("send_invoice", "Can send invoices in Stripe"),
            ("pay_invoice", "Can collect invoices in Stripe"),
            ("mark_invoice_paid", "Can mark invoices as paid outside Stripe"),
            ("void_invoice", "Can void invoices in Stripe"),
            ("mark_invoice_uncollectible", "Can mark invoices as uncollectible in Stripe"),
            ("delete_draft_invoice", "Can delete draft invoices in Stripe"),
            ("create_credit_note", "Can issue credit notes in Stripe"),
            ("view_invoice_links", "Can open invoices' hosted pages and PDF files, which need no login"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="invoice_created"),
            deleted_index("invoice_deleted"),
            models.Index(fields=("customer", "created", "id"), name="invoice_customer"),
            models.Index(fields=("subscription", "created", "id"), name="invoice_subscription"),
            # With what tells overdue and failed ones from the other open ones.
            models.Index(fields=("status", "created", "id", "due_date", "attempt_count"), name="invoice_status"),
            models.Index(fields=("currency", "created", "id"), name="invoice_currency"),
            models.Index(fields=("currency", "total", "created", "id"), name="invoice_amount"),
            models.Index(fields=("collection_method", "created", "id"), name="invoice_collection"),
            models.Index(fields=("due_date", "id"), name="invoice_due_date"),
            models.Index(fields=("paid_at", "id"), name="invoice_paid_at"),
            models.Index(fields=("number",), name="invoice_number"),
        )

    def __str__(self) -> str:
        return str(self.data.get("number") or self.id)


class InvoiceItem(StripeObject):
    """https://docs.stripe.com/api/invoiceitems/object (a change of it has no event: the invoice's lines show it)"""

    kind = Kind(
        object="invoiceitem",
        list_path="/v1/invoiceitems",
        events=("invoiceitem.created", "invoiceitem.deleted"),
        prefixes=("ii_",),
        implied=(
            Implied(
                by="invoice",
                path="/v1/invoiceitems",
                params={"invoice": "{id}"},
                fields=("lines",),
                where={"lines.data.parent.invoice_item_details.invoice_item": ()},
            ),
        ),
    )

    # Stripe's name for it is `date`.
    created = JsonDateTimeField(path=("created", "date"))
    customer = JsonForeignKey("Customer", path="customer", related_name="invoice_items")
    # Empty while it waits for the next invoice.
    invoice = JsonForeignKey("Invoice", path="invoice", related_name="invoice_items")
    subscription = JsonForeignKey(
        "Subscription",
        path=("subscription", "parent.subscription_details.subscription"),
        related_name="invoice_items",
    )
    price = JsonForeignKey("Price", path=("price", "pricing.price_details.price"), related_name="invoice_items")
    description = JsonTextField(path="description")
    currency = JsonTextField(path="currency")
    # Minor units; negative is a credit.
    amount = JsonIntegerField(path="amount")
    quantity = JsonIntegerField(path="quantity")
    proration = JsonBooleanField(path="proration")
    period_start = JsonDateTimeField(path="period.start")
    period_end = JsonDateTimeField(path="period.end")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="invoice_item_created"),
            deleted_index("invoice_item_deleted"),
            models.Index(fields=("customer", "created", "id"), name="invoice_item_customer"),
            models.Index(fields=("invoice", "created", "id"), name="invoice_item_invoice"),
            models.Index(fields=("subscription", "created", "id"), name="invoice_item_subscription"),
            models.Index(fields=("price", "created", "id"), name="invoice_item_price"),
            models.Index(fields=("currency", "created", "id"), name="invoice_item_currency"),
            models.Index(fields=("currency", "amount", "created", "id"), name="invoice_item_amount"),
            models.Index(fields=("proration", "created", "id"), name="invoice_item_proration"),
        )

    def __str__(self) -> str:
        return str(self.data.get("description") or self.id)


class InvoiceLineItem(StripeObject):
    """https://docs.stripe.com/api/invoice-line-item/object (comes with its invoice; without `created`)"""

    kind = Kind(
        object="line_item",
        stem=NONE,
        created_filter=False,
        prefixes=("il_",),
        parent="invoice",
        nested=Nested(object="invoice", path="/v1/invoices/{parent}/lines", parent_column="invoice"),
    )

    invoice = JsonForeignKey("Invoice", path="invoice", related_name="lines")
    subscription = JsonForeignKey(
        "Subscription",
        path=(
            "subscription",
            "parent.subscription_item_details.subscription",
            "parent.invoice_item_details.subscription",
        ),
        related_name="invoice_lines",
    )
    invoice_item = JsonForeignKey(
        "InvoiceItem",
        path=(
            "invoice_item",
            "parent.invoice_item_details.invoice_item",
            "parent.subscription_item_details.invoice_item",
        ),
        related_name="invoice_lines",
    )
    price = JsonForeignKey("Price", path=("price", "pricing.price_details.price"), related_name="invoice_lines")
    description = JsonTextField(path="description")
    currency = JsonTextField(path="currency")
    # Minor units; negative is a credit.
    amount = JsonIntegerField(path="amount")
    quantity = JsonIntegerField(path="quantity")
    proration = JsonBooleanField(
        path=("proration", "parent.subscription_item_details.proration", "parent.invoice_item_details.proration")
    )
    period_start = JsonDateTimeField(path="period.start")
    period_end = JsonDateTimeField(path="period.end")

    class Meta(StripeObject.Meta):
        verbose_name = "invoice line"
        ordering = ("-period_start", "-id")
        indexes = (
            models.Index(fields=("period_start", "id", "deleted_at"), name="invoice_line_period"),
            deleted_index("invoice_line_deleted", "period_start"),
            models.Index(fields=("invoice", "id"), name="invoice_line_invoice"),
            models.Index(fields=("subscription", "period_start", "id"), name="invoice_line_subscription"),
            models.Index(fields=("invoice_item", "id"), name="invoice_line_item"),
            models.Index(fields=("price", "period_start", "id"), name="invoice_line_price"),
            models.Index(fields=("currency", "period_start", "id"), name="invoice_line_currency"),
            models.Index(fields=("currency", "amount", "period_start", "id"), name="invoice_line_amount"),
            models.Index(fields=("proration", "period_start", "id"), name="invoice_line_proration"),
        )

    def __str__(self) -> str:
        return str(self.data.get("description") or self.id)


class InvoicePayment(StripeObject):
    """https://docs.stripe.com/api/invoice-payment/object: how an invoice finds its payments, since 2025"""

    kind = Kind(
        object="invoice_payment",
        list_path="/v1/invoice_payments",
        events=("invoice_payment.paid",),
        prefixes=("inpay_",),
        # It is opened and cancelled without an event of its own.
        implied=(
            Implied(by="invoice", path="/v1/invoice_payments", fields=("status",), newest=True),
            Implied(
                by="invoice",
                path="/v1/invoice_payments",
                params={"invoice": "{id}"},
                fields=("status",),
                where={"status": ("void", "uncollectible")},
            ),
        ),
    )

    invoice = JsonForeignKey("Invoice", path="invoice", related_name="payments")
    payment_intent = JsonForeignKey("PaymentIntent", path="payment.payment_intent", related_name="invoice_payments")
    # Only where the payment has no payment intent.
    charge = JsonForeignKey("Charge", path="payment.charge", related_name="invoice_payments")
    status = JsonTextField(path="status")
    currency = JsonTextField(path="currency")
    # Minor units.
    amount_requested = JsonIntegerField(path="amount_requested")
    amount_paid = JsonIntegerField(path="amount_paid")
    is_default = JsonBooleanField(path="is_default")
    paid_at = JsonDateTimeField(path="status_transitions.paid_at")
    canceled_at = JsonDateTimeField(path="status_transitions.canceled_at")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="invoice_payment_created"),
            deleted_index("invoice_payment_deleted"),
            models.Index(fields=("invoice", "created", "id"), name="invoice_payment_invoice"),
            models.Index(fields=("payment_intent", "created", "id"), name="invoice_payment_intent"),
            models.Index(fields=("charge", "created", "id"), name="invoice_payment_charge"),
            models.Index(fields=("status", "created", "id"), name="invoice_payment_status"),
            models.Index(fields=("currency", "created", "id"), name="invoice_payment_currency"),
            models.Index(fields=("currency", "amount_paid", "created", "id"), name="invoice_payment_amount"),
        )
