"""What is taken off an invoice after it was sent: credit notes and their lines."""

from django.db import models

from stripe_mirror.kinds import NONE, Embedded, Kind, Nested
from stripe_mirror.models.base import StripeObject, deleted_index
from stripe_mirror.models.fields import (
    GivenForeignKey,
    JsonDateTimeField,
    JsonForeignKey,
    JsonIntegerField,
    JsonTextField,
)


class CreditNote(StripeObject):
    """https://docs.stripe.com/api/credit_notes/object"""

    kind = Kind(
        object="credit_note",
        list_path="/v1/credit_notes",
        events=("credit_note.created", "credit_note.updated", "credit_note.voided"),
        prefixes=("cn_",),
        embeds=(
            Embedded(
                object="credit_note_line_item",
                path="lines.data",
                list_path="lines",
                parent_column="credit_note",
                given={"credit_note": "id", "currency": "currency"},
                position_column="position",
            ),
        ),
    )

    number = JsonTextField(path="number")
    customer = JsonForeignKey("Customer", path="customer", related_name="credit_notes")
    invoice = JsonForeignKey("Invoice", path="invoice", related_name="credit_notes")
    status = JsonTextField(path="status")
    type = JsonTextField(path="type")
    reason = JsonTextField(path="reason")
    currency = JsonTextField(path="currency")
    # Minor units, all of them.
    subtotal = JsonIntegerField(path="subtotal")
    total = JsonIntegerField(path="total")
    amount = JsonIntegerField(path="amount")
    # What lowers the open invoice, and what is given back after it was paid.
    pre_payment_amount = JsonIntegerField(path="pre_payment_amount")
    post_payment_amount = JsonIntegerField(path="post_payment_amount")
    memo = JsonTextField(path="memo")
    effective_at = JsonDateTimeField(path="effective_at")
    voided_at = JsonDateTimeField(path="voided_at")
    refund = JsonForeignKey("Refund", path=("refund", "refunds.0.refund"), related_name="credit_notes")
    customer_balance_transaction = JsonForeignKey(
        "CustomerBalanceTransaction", path="customer_balance_transaction", related_name="+"
    )

    class Meta(StripeObject.Meta):
        permissions = (("void_credit_note", "Can void credit notes in Stripe"),)
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="credit_note_created"),
            deleted_index("credit_note_deleted"),
            models.Index(fields=("customer", "created", "id"), name="credit_note_customer"),
            models.Index(fields=("invoice", "created", "id"), name="credit_note_invoice"),
            models.Index(fields=("refund", "created", "id"), name="credit_note_refund"),
            models.Index(fields=("status", "created", "id"), name="credit_note_status"),
            models.Index(fields=("reason", "created", "id"), name="credit_note_reason"),
            models.Index(fields=("currency", "created", "id"), name="credit_note_currency"),
            models.Index(fields=("currency", "total", "created", "id"), name="credit_note_amount"),
            models.Index(fields=("number",), name="credit_note_number"),
        )

    def __str__(self) -> str:
        return str(self.data.get("number") or self.id)


class CreditNoteLineItem(StripeObject):
    """https://docs.stripe.com/api/credit_notes/line_item (comes with its credit note, and doesn't name it)"""

    kind = Kind(
        object="credit_note_line_item",
        stem=NONE,
        created_filter=False,
        prefixes=("cnli_",),
        parent="credit_note",
        nested=Nested(object="credit_note", path="/v1/credit_notes/{parent}/lines", parent_column="credit_note"),
    )

    credit_note = GivenForeignKey("CreditNote", related_name="lines")
    # The credit note's.
    currency = models.TextField(null=True, editable=False)
    # Its place on the credit note, from 0.
    position = models.IntegerField(null=True, editable=False)
    invoice_line_item = JsonForeignKey("InvoiceLineItem", path="invoice_line_item", related_name="credit_note_lines")
    type = JsonTextField(path="type")
    description = JsonTextField(path="description")
    quantity = JsonIntegerField(path="quantity")
    # Minor units, before discounts and taxes that come on top.
    amount = JsonIntegerField(path="amount")
    discount_amount = JsonIntegerField(path="discount_amount")
    unit_amount = JsonIntegerField(path="unit_amount")

    class Meta(StripeObject.Meta):
        verbose_name = "credit note line"
        # By the id itself: the relation would be ordered as credit notes are, by a join.
        ordering = ("credit_note_id", "position")
        indexes = (
            models.Index(fields=("credit_note", "position", "id"), name="credit_note_line_note"),
            models.Index(
                fields=("invoice_line_item", "credit_note", "position", "id"), name="credit_note_line_invoice"
            ),
        )

    def __str__(self) -> str:
        return str(self.data.get("description") or self.id)
