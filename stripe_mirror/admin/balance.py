"""Balance transactions, disputes and payouts, as staff see them: what happens to our own money."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.columns import FactGroup
from stripe_mirror.admin.detail import Table, table_inside
from stripe_mirror.admin.filters import StatusFilter, ValueFilter
from stripe_mirror.admin.payments import PaymentAdmin, moved_by_it
from stripe_mirror.models import BalanceTransaction, Dispute, Payout

SOURCE = columns.made("Source", lambda row: display.link_to_id(row.source))
FEE = (
    columns.made("Fee", lambda part: part.get("description") or display.words(part.get("type"))),
    columns.made("Amount", lambda part: display.money(part.get("amount"), part.get("currency")), numeric=True),
)


@admin.register(BalanceTransaction)
class BalanceTransactionAdmin(PaymentAdmin):
    """Every movement of our balance at Stripe, with its fee."""

    list_display = (
        columns.amount("amount"),
        columns.enum("type"),
        columns.STATUS,
        columns.amount("fee"),
        columns.amount("net"),
        SOURCE,
        columns.bank_day("available_on", "Available", order=True),
        columns.day("created", order=True),
    )
    # The index of `source` is for the pages of what moved the money, not for a drop-down.
    list_filter = (StatusFilter, ("type", ValueFilter), ("currency", ValueFilter))
    search_help_text = "Id of the source (a charge, refund, payout, …) or of the transaction"
    key_facts = (
        columns.amount("net"),
        columns.amount("fee"),
        SOURCE,
        columns.bank_day("available_on", "Available"),
    )
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.amount("amount"),
                columns.amount("fee"),
                columns.amount("net"),
                columns.enum("type"),
                columns.enum("reporting_category"),
                SOURCE,
                columns.text("description"),
                columns.number("exchange_rate"),
                columns.bank_day("available_on", "Available"),
                columns.moment("created", "Date"),
            ),
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By ids only: `source` may name an object of any kind, so it is no relation."""
        term = search_term.strip().replace("\x00", "")
        return queryset.filter(Q(pk=term) | Q(source=term)) if term else queryset, False

    def lines(self, row: Any) -> Table | None:
        return table_inside("Fees", "lines", FEE, display.entries_of(row.data.get("fee_details")))


def evidence(row: Any) -> Any:
    """Which pieces of evidence are there, by name; what they say stands in Stripe's Dashboard."""
    given = [name for name, value in (row.data.get("evidence") or {}).items() if value]
    return format_html_join("", "<div>{}</div>", ((display.words(name),) for name in given))


def payer(row: Any) -> Any:
    """A dispute names no customer: its charge does."""
    return display.row_link(row.charge.customer, row.charge.customer_id) if row.charge else display.EMPTY


@admin.register(Dispute)
class DisputeAdmin(PaymentAdmin):
    """Payments that a customer took back through the bank."""

    list_display = (
        columns.amount("amount"),
        columns.STATUS,
        columns.enum("reason"),
        columns.made("Customer", payer),
        columns.day("due_by", "Answer by", order=True),
        columns.CREATED,
    )
    list_select_related = ("charge", "charge__customer")
    detail_select_related = ("payment_intent",)
    search_help_text = "Dispute, charge or payment id"
    key_facts = (
        columns.made("Customer", payer),
        columns.relation("charge"),
        columns.moment("due_by", "Answer by"),
        columns.moment("created", "Opened"),
    )
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.amount("amount"),
                columns.enum("reason"),
                columns.text("network_reason_code", "Network's code"),
                columns.enum("brand"),
                columns.made("Customer", payer),
                columns.relation("charge"),
                columns.relation("payment_intent", "Payment"),
                columns.flag("is_charge_refundable", "Can still be refunded"),
            ),
        ),
        FactGroup(
            title="Evidence",
            facts=(
                columns.moment("due_by", "Answer by"),
                columns.flag("past_due", "Deadline passed"),
                columns.flag("has_evidence", "Evidence given"),
                columns.number("submission_count", "Times submitted"),
                columns.made("Given", evidence),
            ),
        ),
    )
    related = (moved_by_it(),)


def trace(row: Any) -> Any:
    """What the bank knows the payout by, for asking where it is."""
    found = row.data.get("trace_id") or {}
    return found.get("value") or display.words(found.get("status"))


@admin.register(Payout)
class PayoutAdmin(PaymentAdmin):
    """Money on its way to our bank."""

    list_display = (
        columns.amount("amount"),
        columns.STATUS,
        columns.bank_day("arrival_date", "Arrives", order=True),
        columns.made("Kind", lambda row: "Automatic" if row.automatic else "Manual"),
        columns.enum("method"),
        columns.text("description"),
        columns.CREATED,
    )
    detail_select_related = ("balance_transaction", "failure_balance_transaction", "original_payout", "reversed_by")
    search_fields = ("description", "statement_descriptor")
    search_help_text = "Description, statement descriptor or id"
    key_facts = (
        columns.amount("amount"),
        columns.bank_day("arrival_date", "Arrives"),
        columns.moment("created", "Sent"),
    )
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.amount("amount"),
                columns.bank_day("arrival_date", "Arrives"),
                columns.made("Kind", lambda row: "Automatic" if row.automatic else "Manual"),
                columns.enum("method"),
                columns.enum("type", "To a"),
                columns.made("Destination", lambda row: display.mono(row.destination)),
                columns.made("Bank's trace id", trace),
                columns.text("description"),
                columns.text("statement_descriptor"),
                columns.enum("reconciliation_status", "Reconciliation"),
            ),
        ),
        FactGroup(
            title="Failure and reversal",
            only_set=True,
            facts=(
                columns.enum("failure_code", "Failure"),
                columns.text("failure_message", "In words"),
                columns.relation("failure_balance_transaction", "Money came back as"),
                columns.relation("reversed_by"),
                columns.relation("original_payout", "Reverses"),
            ),
        ),
    )
    related = (moved_by_it(),)
