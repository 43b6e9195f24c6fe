"""What happens to the account's own money: balance transactions, disputes and payouts."""

from django.db import models

from stripe_mirror.kinds import Embedded, Implied, Kind
from stripe_mirror.models.base import StripeObject, deleted_index
from stripe_mirror.models.fields import (
    JsonBooleanField,
    JsonDateTimeField,
    JsonDecimalField,
    JsonForeignKey,
    JsonIntegerField,
    JsonTextField,
)


def _named_by(object: str, *fields: str) -> tuple[Implied, ...]:
    """The newest balance transactions, after an object came to name one in each of these fields."""
    return tuple(
        Implied(by=object, path="/v1/balance_transactions", fields=(field,), unless_held=field, newest=True)
        for field in fields
    )


class BalanceTransaction(StripeObject):
    """https://docs.stripe.com/api/balance_transactions/object (without events: what names it implies it)"""

    kind = Kind(
        object="balance_transaction",
        list_path="/v1/balance_transactions",
        prefixes=("txn_",),
        implied=(
            *_named_by("charge", "balance_transaction"),
            *_named_by("refund", "balance_transaction", "failure_balance_transaction"),
            *_named_by("payout", "balance_transaction", "failure_balance_transaction"),
        ),
    )

    type = JsonTextField(path="type")
    reporting_category = JsonTextField(path="reporting_category")
    # "pending" until `available_on`.
    status = JsonTextField(path="status")
    currency = JsonTextField(path="currency")
    # Minor units of the currency that is paid out, which may differ from the payment's.
    amount = JsonIntegerField(path="amount")
    fee = JsonIntegerField(path="fee")
    net = JsonIntegerField(path="net")
    exchange_rate = JsonDecimalField(path="exchange_rate", max_digits=24, decimal_places=12)
    available_on = JsonDateTimeField(path="available_on")
    description = JsonTextField(path="description")
    # The id of what moved the money: a charge, a refund, a dispute, a payout, …
    source = JsonTextField(path=("source", "source.id"))

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="balance_tx_created"),
            deleted_index("balance_tx_deleted"),
            models.Index(fields=("source", "created", "id"), name="balance_tx_source"),
            models.Index(fields=("type", "created", "id"), name="balance_tx_type"),
            models.Index(fields=("status", "created", "id"), name="balance_tx_status"),
            models.Index(fields=("currency", "created", "id"), name="balance_tx_currency"),
            models.Index(fields=("currency", "amount", "created", "id"), name="balance_tx_amount"),
            models.Index(fields=("available_on", "id"), name="balance_tx_available"),
        )


class Dispute(StripeObject):
    """https://docs.stripe.com/api/disputes/object"""

    kind = Kind(
        object="dispute",
        list_path="/v1/disputes",
        events=(
            "charge.dispute.closed",
            "charge.dispute.created",
            "charge.dispute.funds_reinstated",
            "charge.dispute.funds_withdrawn",
            "charge.dispute.updated",
        ),
        prefixes=("du_", "dp_"),
        dashboard="disputes",
        embeds=(Embedded(object="balance_transaction", path="balance_transactions"),),
    )

    charge = JsonForeignKey("Charge", path="charge", related_name="disputes")
    payment_intent = JsonForeignKey("PaymentIntent", path="payment_intent", related_name="disputes")
    status = JsonTextField(path="status")
    reason = JsonTextField(path="reason")
    currency = JsonTextField(path="currency")
    # Minor units.
    amount = JsonIntegerField(path="amount")
    # Evidence counts only until then.
    due_by = JsonDateTimeField(path="evidence_details.due_by")
    past_due = JsonBooleanField(path="evidence_details.past_due")
    has_evidence = JsonBooleanField(path="evidence_details.has_evidence")
    submission_count = JsonIntegerField(path="evidence_details.submission_count")
    brand = JsonTextField(path="payment_method_details.card.brand")
    network_reason_code = JsonTextField(path="payment_method_details.card.network_reason_code")
    is_charge_refundable = JsonBooleanField(path="is_charge_refundable")

    class Meta(StripeObject.Meta):
        permissions = (
            ("stage_dispute_evidence", "Can stage evidence for disputes in Stripe"),
            ("submit_dispute_evidence", "Can submit evidence for disputes in Stripe"),
            ("accept_dispute", "Can accept disputes in Stripe"),
        )
        indexes = (
            models.Index(fields=("created", "id", "deleted_at"), name="dispute_created"),
            deleted_index("dispute_deleted"),
            # Figures walk what changed lately.
            models.Index(fields=("changed_at", "id"), name="dispute_changed"),
            models.Index(fields=("charge", "created", "id"), name="dispute_charge"),
            models.Index(fields=("payment_intent", "created", "id"), name="dispute_payment_intent"),
            models.Index(fields=("status", "created", "id", "due_by"), name="dispute_status"),
            models.Index(fields=("reason", "created", "id"), name="dispute_reason"),
            models.Index(fields=("currency", "created", "id"), name="dispute_currency"),
            models.Index(fields=("currency", "amount", "created", "id"), name="dispute_amount"),
            models.Index(fields=("due_by", "id"), name="dispute_due_by"),
        )


class Payout(StripeObject):
    """https://docs.stripe.com/api/payouts/object (a paid one can still fail, for about five business days)"""

    kind = Kind(
        object="payout",
        list_path="/v1/payouts",
        events=(
            "payout.canceled",
            "payout.created",
            "payout.failed",
            "payout.paid",
            "payout.reconciliation_completed",
            "payout.updated",
        ),
        prefixes=("po_",),
        dashboard="payouts",
    )

    status = JsonTextField(path="status")
    currency = JsonTextField(path="currency")
    # Minor units; negative takes money from our bank account.
    amount = JsonIntegerField(path="amount")
    arrival_date = JsonDateTimeField(path="arrival_date")
    automatic = JsonBooleanField(path="automatic")
    method = JsonTextField(path="method")
    type = JsonTextField(path="type")
    description = JsonTextField(path="description")
    statement_descriptor = JsonTextField(path="statement_descriptor")
    # The id of a bank account or card of ours.
    destination = JsonTextField(path=("destination", "destination.id"))
    reconciliation_status = JsonTextField(path="reconciliation_status")
    failure_code = JsonTextField(path="failure_code")
    failure_message = JsonTextField(path="failure_message")
    balance_transaction = JsonForeignKey("BalanceTransaction", path="balance_transaction", related_name="+")
    failure_balance_transaction = JsonForeignKey(
        "BalanceTransaction", path="failure_balance_transaction", related_name="+"
    )
    original_payout = JsonForeignKey("Payout", path="original_payout", related_name="+")
    reversed_by = JsonForeignKey("Payout", path="reversed_by", related_name="+")

    class Meta(StripeObject.Meta):
        indexes = (
            models.Index(fields=("status", "created", "id", "reversed_by"), name="payout_status"),
            models.Index(fields=("created", "id", "deleted_at"), name="payout_created"),
            deleted_index("payout_deleted"),
            models.Index(fields=("currency", "created", "id"), name="payout_currency"),
            models.Index(fields=("currency", "amount", "created", "id"), name="payout_amount"),
            models.Index(fields=("automatic", "created", "id"), name="payout_automatic"),
            models.Index(fields=("arrival_date", "id"), name="payout_arrival"),
            # Of the few that were reversed: a whole index SQLite would use to find those that weren't.
            models.Index(
                fields=("original_payout",),
                name="payout_original",
                condition=models.Q(original_payout__isnull=False),
            ),
            models.Index(
                fields=("reversed_by",), name="payout_reversed_by", condition=models.Q(reversed_by__isnull=False)
            ),
        )
