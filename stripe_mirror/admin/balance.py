"""Balance transactions, disputes and payouts, as staff see them: what happens to our own money."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.columns import FactGroup
from stripe_mirror.admin.detail import Table, table_inside
from stripe_mirror.admin.dispute_advice import Advice, advice
from stripe_mirror.admin.filters import ValueFilter
from stripe_mirror.admin.payments import PaymentAdmin, moved_by_it
from stripe_mirror.admin.status_filter import StatusFilter
from stripe_mirror.models import BalanceTransaction, Dispute, Payout

SOURCE = columns.made(gettext_lazy("Source"), lambda row: display.link_to_id(row.source))
FEE = (
    columns.made(gettext_lazy("Fee"), lambda part: part.get("description") or display.words(part.get("type"))),
    columns.made(
        gettext_lazy("Amount"), lambda part: display.money(part.get("amount"), part.get("currency")), numeric=True
    ),
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
        columns.bank_day("available_on", gettext_lazy("Available"), order=True),
        columns.day("created", order=True),
    )
    # The index of `source` is for the pages of what moved the money, not for a drop-down.
    list_filter = (StatusFilter, ("type", ValueFilter), ("currency", ValueFilter))
    search_help_text = gettext_lazy("Id of the source (a charge, refund, payout, …) or of the transaction")
    key_facts = (
        columns.amount("net"),
        columns.amount("fee"),
        SOURCE,
        columns.bank_day("available_on", gettext_lazy("Available")),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.amount("amount"),
                columns.amount("fee"),
                columns.amount("net"),
                columns.enum("type"),
                columns.enum("reporting_category"),
                SOURCE,
                columns.text("description"),
                columns.number("exchange_rate"),
                columns.bank_day("available_on", gettext_lazy("Available")),
                columns.moment("created", gettext_lazy("Date")),
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
        return table_inside(_("Fees"), "lines", FEE, display.entries_of(row.data.get("fee_details")))


def evidence(row: Any) -> Any:
    """Which pieces of evidence are there, by name; what they say stands in Stripe's Dashboard."""
    given = [name for name, value in (row.data.get("evidence") or {}).items() if value]
    named = ((display.words(name),) for name in given)
    return format_html_join("", "<div>{}</div>", named) if given else display.EMPTY


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
        columns.made(gettext_lazy("Customer"), payer),
        columns.day("due_by", gettext_lazy("Answer by"), order=True),
        columns.CREATED,
    )
    list_select_related = ("charge", "charge__customer")
    detail_select_related = ("payment_intent",)
    search_help_text = gettext_lazy("Dispute, charge or payment id")
    key_facts = (
        columns.made(gettext_lazy("Customer"), payer),
        columns.relation("charge"),
        columns.moment("due_by", gettext_lazy("Answer by")),
        columns.moment("created", gettext_lazy("Opened")),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.amount("amount"),
                columns.enum("reason"),
                columns.text("network_reason_code", gettext_lazy("Network's code")),
                columns.enum("brand"),
                columns.made(gettext_lazy("Customer"), payer),
                columns.relation("charge"),
                columns.relation("payment_intent", gettext_lazy("Payment")),
                columns.flag("is_charge_refundable", gettext_lazy("Can still be refunded")),
            ),
        ),
        FactGroup(
            title=gettext_lazy("Evidence"),
            facts=(
                columns.moment("due_by", gettext_lazy("Answer by")),
                columns.flag("past_due", gettext_lazy("Deadline passed")),
                columns.flag("has_evidence", gettext_lazy("Evidence given")),
                columns.number("submission_count", gettext_lazy("Times submitted")),
                columns.made(gettext_lazy("Given"), evidence),
            ),
        ),
    )
    related = (moved_by_it(),)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """With what to do about it, and until when."""
        return {**super().page_context(request, row), "advice": _advice(row)}


def _advice(row: Any) -> Advice | None:
    try:
        return advice(row)
    except display.ODD_SHAPE:
        return None


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
        columns.bank_day("arrival_date", gettext_lazy("Arrives"), order=True),
        columns.made(gettext_lazy("Kind"), lambda row: _("Automatic") if row.automatic else _("Manual")),
        columns.enum("method"),
        columns.text("description"),
        columns.CREATED,
    )
    detail_select_related = ("balance_transaction", "failure_balance_transaction", "original_payout", "reversed_by")
    search_fields = ("description", "statement_descriptor")
    search_help_text = gettext_lazy("Description, statement descriptor or id")
    key_facts = (
        columns.amount("amount"),
        columns.bank_day("arrival_date", gettext_lazy("Arrives")),
        columns.moment("created", gettext_lazy("Sent")),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.amount("amount"),
                columns.bank_day("arrival_date", gettext_lazy("Arrives")),
                columns.made(gettext_lazy("Kind"), lambda row: _("Automatic") if row.automatic else _("Manual")),
                columns.enum("method"),
                columns.enum("type", gettext_lazy("To a")),
                columns.made(gettext_lazy("Destination"), lambda row: display.mono(row.destination)),
                columns.made(gettext_lazy("Bank's trace id"), trace),
                columns.text("description"),
                columns.text("statement_descriptor"),
                columns.enum("reconciliation_status", gettext_lazy("Reconciliation")),
            ),
        ),
        FactGroup(
            title=gettext_lazy("Failure and reversal"),
            only_set=True,
            facts=(
                columns.enum("failure_code", gettext_lazy("Failure")),
                columns.text("failure_message", gettext_lazy("In words")),
                columns.relation("failure_balance_transaction", gettext_lazy("Money came back as")),
                columns.relation("reversed_by"),
                columns.relation("original_payout", gettext_lazy("Reverses")),
            ),
        ),
    )
    related = (moved_by_it(),)
