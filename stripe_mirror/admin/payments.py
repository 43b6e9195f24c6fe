"""Payments, charges and refunds, as staff see them."""

from typing import Any

from django.contrib import admin

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.checkout import sessions_by
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.models import Charge, PaymentIntent, Refund
from stripe_mirror.money import format_money


def card(row: Any) -> str:
    """The card or account of a charge: "Visa •••• 4242"."""
    if not row.last4:
        return display.words((row.data.get("payment_method_details") or {}).get("type"))
    return f"{display.words(row.brand)} •••• {row.last4}".strip()


def refunds_by(relation: str) -> Related:
    """The refunds that name the row in this relation of theirs."""
    shown = (columns.linked_amount(), columns.STATUS, columns.enum("reason"), columns.moment("created", "Date"))
    return Related(title="Refunds", object="refund", lookup=relation, columns=shown)


def disputes_by(relation: str) -> Related:
    """The disputes that name the row in this relation of theirs."""
    shown = (
        columns.linked_amount(),
        columns.STATUS,
        columns.enum("reason"),
        columns.moment("created", "Date"),
    )
    return Related(title="Disputes", object="dispute", lookup=relation, columns=shown, if_any=True)


def moved_by_it() -> Related:
    """The balance transactions that have the row as their source."""
    shown = (
        columns.linked_amount(),
        columns.enum("type"),
        columns.STATUS,
        columns.amount("fee"),
        columns.amount("net"),
        columns.day("created", "Date"),
    )
    return Related(
        title="Balance transactions", object="balance_transaction", lookup="source", columns=shown, if_any=True
    )


class PaymentAdmin(StripeObjectAdmin):
    """What payments have in common: they are known by their amount."""

    def heading(self, row: Any) -> str:
        return format_money(row.amount, row.currency) or str(row.pk)


def refunded(row: Any) -> Any:
    """What went back, a dash where nothing did."""
    return display.money(row.amount_refunded or None, row.currency)


def of_balance(row: Any, field: str) -> Any:
    """Fee or net of a charge, in the currency that is paid out."""
    moved = row.balance_transaction
    return display.money(getattr(moved, field), moved.currency) if moved else display.EMPTY


def failure(row: Any) -> str:
    """Stripe's sentence about a failed attempt, else its code."""
    error = row.data.get("last_payment_error") or {}
    return str(error.get("message") or row.data.get("failure_message") or error.get("code") or "")


@admin.register(PaymentIntent)
class PaymentIntentAdmin(PaymentAdmin):
    """What customers were asked to pay, and whether they did."""

    list_display = (
        columns.amount("amount"),
        columns.STATUS,
        columns.relation("customer"),
        columns.relation("payment_method"),
        columns.text("description"),
        columns.CREATED,
    )
    list_select_related = ("customer", "payment_method", "latest_charge")
    search_fields = ("description",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = "Customer, description or id"
    key_facts = (
        columns.amount("amount"),
        columns.relation("customer"),
        columns.relation("payment_method"),
        columns.moment("created", "Date"),
    )
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.amount("amount"),
                columns.amount("amount_received", "Received"),
                columns.amount("amount_capturable", "Can be captured"),
                columns.relation("customer"),
                columns.relation("payment_method"),
                columns.relation("latest_charge"),
                columns.text("description"),
                columns.made("Failure", failure),
                columns.text("decline_code"),
                columns.moment("canceled_at", "Canceled"),
            ),
        ),
    )
    related = (
        Related(
            title="Attempts",
            object="charge",
            lookup="payment_intent",
            columns=(
                columns.linked_amount(),
                columns.STATUS,
                columns.made("Card", card),
                columns.moment("created", "Date"),
            ),
        ),
        refunds_by("payment_intent"),
        disputes_by("payment_intent"),
        Related(
            title="Invoices",
            object="invoice_payment",
            lookup="payment_intent",
            columns=(
                columns.relation("invoice"),
                columns.amount("amount_paid", "Paid"),
                columns.STATUS,
                columns.moment("created", "Date"),
            ),
            select=("invoice",),
            if_any=True,
        ),
        sessions_by("payment_intent"),
    )


@admin.register(Charge)
class ChargeAdmin(PaymentAdmin):
    """Single attempts to move money."""

    list_display = (
        columns.amount("amount"),
        columns.STATUS,
        columns.made("Refunded", refunded, numeric=True),
        columns.relation("customer"),
        columns.made("Card", card),
        columns.CREATED,
    )
    list_select_related = ("customer",)
    detail_select_related = ("payment_intent", "payment_method", "balance_transaction")
    search_fields = ("last4",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = "Customer, last 4 digits or id"
    key_facts = (
        columns.amount("amount"),
        columns.amount("amount_refunded", "Refunded"),
        columns.relation("customer"),
        columns.moment("created", "Date"),
    )
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.amount("amount"),
                columns.amount("amount_captured", "Captured"),
                columns.amount("amount_refunded", "Refunded"),
                columns.relation("customer"),
                columns.relation("payment_intent", "Payment"),
                columns.relation("payment_method"),
                columns.made("Card", card),
                columns.text("description"),
                columns.made("Failure", failure),
                columns.flag("disputed"),
                columns.made("Fee", lambda row: of_balance(row, "fee")),
                columns.made("Net", lambda row: of_balance(row, "net")),
                columns.relation("balance_transaction"),
            ),
        ),
    )
    related = (refunds_by("charge"), disputes_by("charge"), moved_by_it())


@admin.register(Refund)
class RefundAdmin(PaymentAdmin):
    """Money that went back, or is on its way."""

    list_display = (
        columns.amount("amount"),
        columns.STATUS,
        columns.relation("charge"),
        columns.relation("payment_intent", "Payment"),
        columns.enum("reason"),
        columns.CREATED,
    )
    list_select_related = ("charge", "payment_intent")
    search_help_text = "Refund, charge or payment id"
    key_facts = (columns.amount("amount"), columns.relation("charge"), columns.moment("created", "Date"))
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.amount("amount"),
                columns.relation("charge"),
                columns.relation("payment_intent", "Payment"),
                columns.enum("reason"),
                columns.enum("failure_reason"),
                columns.relation("balance_transaction"),
            ),
        ),
    )
    detail_select_related = ("balance_transaction",)
    related = (
        moved_by_it(),
        Related(
            title="Credit notes",
            object="credit_note",
            lookup="refund",
            columns=(columns.linked("Credit note", display.name_of), columns.STATUS, columns.amount("total")),
            if_any=True,
        ),
    )
