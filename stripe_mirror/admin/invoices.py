"""Invoices, what stands on them and what pays them, as staff see them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path

from stripe_mirror.admin import columns, display, invoice_fix
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.checkout import sessions_by
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.credit_notes import credit_notes_by
from stripe_mirror.admin.detail import Table, table_inside
from stripe_mirror.admin.filters import DeletedFilter, FlagFilter, PendingFilter, PeriodFilter, ValueFilter
from stripe_mirror.models import Invoice, InvoiceItem, InvoiceLineItem, InvoicePayment
from stripe_mirror.money import format_money


def days(row: Any) -> str:
    """First and last day of what a row is billed for."""
    return f"{display.day_text(row.period_start)} – {display.day_text(row.period_end)}" if row.period_start else ""


def line_period(line: dict[str, Any]) -> str:
    """The days that an invoice's line is for."""
    span = line.get("period") or {}
    start, end = display.from_unix(span.get("start")), display.from_unix(span.get("end"))
    return f"{display.day_text(start)} – {display.day_text(end)}" if start and end else ""


# The columns of an invoice's lines, which stand inside the invoice.
LINE = (
    columns.made("Description", lambda line: line.get("description")),
    columns.made("Period", line_period),
    columns.made("Quantity", lambda line: line.get("quantity"), numeric=True),
    columns.made("Amount", lambda line: display.money(line.get("amount"), line.get("currency")), numeric=True),
)


def paid_or_asked(row: Any) -> int | None:
    """What an invoice payment brought; what it is to bring, until then."""
    amount: int | None = row.amount_paid if row.amount_paid is not None else row.amount_requested
    return amount


def payment(row: Any) -> Any:
    """What an invoice was paid with: a payment, a charge, or money that Stripe only has a record of."""
    if row.payment_intent_id:
        return display.row_link(row.payment_intent, row.payment_intent_id)
    if row.charge_id:
        return display.row_link(row.charge, row.charge_id)
    named = row.data.get("payment") or {}
    return display.mono(display.id_of(named.get("payment_record")))


def invoices_by(relation: str) -> Related:
    """The invoices that name the row in this relation of theirs."""
    shown = (
        columns.made("Invoice", lambda row: display.row_link(row)),
        columns.STATUS,
        columns.amount("total"),
        columns.amount("amount_remaining", "Remaining"),
        columns.moment("created", "Date"),
    )
    return Related(title="Invoices", object="invoice", lookup=relation, columns=shown)


def items_by(relation: str) -> Related:
    """The invoice items that name the row in this relation of theirs."""
    shown = (
        columns.linked("Invoice item", display.name_of),
        columns.STATUS,
        columns.amount("amount"),
        columns.moment("created", "Date"),
    )
    return Related(title="Invoice items", object="invoiceitem", lookup=relation, columns=shown, if_any=True)


@admin.register(Invoice)
class InvoiceAdmin(StripeObjectAdmin):
    """What was asked for, and what is still owed."""

    list_display = (
        columns.made("Number", lambda row: display.plain(row.number or "Draft")),
        columns.relation("customer"),
        columns.STATUS,
        columns.amount("total"),
        columns.amount("amount_remaining", "Remaining"),
        columns.day("due_date", "Due"),
        columns.day("created", order=True),
    )
    list_select_related = ("customer",)
    detail_select_related = ("subscription",)
    search_fields = ("number", "customer_email", "customer_name")
    search_parents = {"customer": ("name", "email")}
    search_help_text = "Number, customer or id"
    key_facts = (
        columns.relation("customer"),
        columns.amount("total"),
        columns.amount("amount_remaining", "Remaining"),
        columns.moment("due_date", "Due"),
    )
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.relation("customer"),
                columns.relation("subscription"),
                columns.enum("billing_reason"),
                columns.enum("collection_method"),
                columns.moment("finalized_at", "Finalized"),
                columns.moment("due_date", "Due"),
                columns.moment("paid_at", "Paid"),
                columns.number("attempt_count", "Payment attempts"),
                columns.moment("next_payment_attempt"),
            ),
        ),
        FactGroup(
            title="Amounts",
            facts=(
                columns.amount("subtotal"),
                columns.amount("total"),
                columns.amount("amount_due", "Due"),
                columns.amount("amount_paid", "Paid"),
                columns.amount("amount_remaining", "Remaining"),
            ),
        ),
    )

    related = (
        Related(
            title="Payments",
            object="invoice_payment",
            lookup="invoice",
            columns=(
                columns.linked("Amount", lambda row: display.money(paid_or_asked(row), row.currency)),
                columns.STATUS,
                columns.made("Payment", payment),
                columns.moment("paid_at", "Paid"),
                columns.moment("created", "Date"),
            ),
            select=("payment_intent", "charge"),
        ),
        credit_notes_by("invoice"),
        Related(
            title="Customer balance",
            object="customer_balance_transaction",
            lookup="invoice",
            columns=(
                columns.linked_amount(),
                columns.enum("type"),
                columns.amount("ending_balance", "Balance after"),
                columns.moment("created", "Date"),
            ),
            if_any=True,
        ),
        sessions_by("invoice"),
    )

    def get_urls(self) -> list[URLPattern]:
        """With the page that leads to what puts an invoice right."""
        wrap = self.admin_site.admin_view
        return [path("<path:object_id>/fix/", wrap(self.fix), name="stripe_mirror_invoice_fix"), *super().get_urls()]

    def fix(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What to do where it is wrong."""
        return invoice_fix.view(request, self, object_id)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        context = super().page_context(request, row)
        return {**context, "guide": invoice_fix.guide(row) if context["buttons"] or context["off"] else None}

    def lines(self, row: Any) -> Table | None:
        held = row.data.get("lines")
        every = display.list_url(InvoiceLineItem, {"invoice": row.pk})
        return table_inside("Lines", "lines", LINE, display.entries_of(held), more=every, cut=display.has_more(held))


@admin.register(InvoiceItem)
class InvoiceItemAdmin(StripeObjectAdmin):
    """Single charges and credits on their way to an invoice."""

    list_display = (
        columns.NAME,
        columns.relation("customer"),
        columns.STATUS,
        columns.amount("amount"),
        columns.relation("invoice"),
        columns.CREATED,
    )
    list_select_related = ("customer", "invoice")
    list_filter = (PendingFilter, ("proration", FlagFilter), ("currency", ValueFilter))
    detail_select_related = ("subscription", "price")
    search_fields = ("description",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = "Description, customer, invoice or id"
    key_facts = (columns.amount("amount"), columns.relation("customer"), columns.relation("invoice"))
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.text("description"),
                columns.amount("amount"),
                columns.number("quantity"),
                columns.relation("customer"),
                columns.relation("invoice"),
                columns.relation("subscription"),
                columns.relation("price"),
                columns.flag("proration"),
                columns.made("Period", days),
                columns.moment("created", "Date"),
            ),
        ),
    )


@admin.register(InvoiceLineItem)
class InvoiceLineItemAdmin(StripeObjectAdmin):
    """The lines of all invoices: what was billed for which days."""

    list_display = (
        columns.NAME,
        columns.relation("invoice"),
        columns.relation("price"),
        columns.number("quantity"),
        columns.amount("amount"),
        columns.day("period_start", "Period from", order=True),
        columns.day("period_end", "Period to"),
    )
    list_select_related = ("invoice", "price")
    detail_select_related = ("subscription", "invoice_item")
    search_parents = {"invoice": ("number",)}
    search_help_text = "Invoice number, invoice, subscription or line id"
    key_facts = (columns.amount("amount"), columns.relation("invoice"), columns.made("Period", days))
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.text("description"),
                columns.amount("amount"),
                columns.number("quantity"),
                columns.relation("price"),
                columns.relation("invoice"),
                columns.relation("subscription"),
                columns.relation("invoice_item"),
                columns.flag("proration"),
                columns.made("Period", days),
            ),
        ),
    )

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """By period: a line has no time of its own."""
        return [("proration", FlagFilter), ("currency", ValueFilter), PeriodFilter, DeletedFilter]


@admin.register(InvoicePayment)
class InvoicePaymentAdmin(StripeObjectAdmin):
    """Which payment paid which invoice."""

    list_display = (
        columns.made("Amount", lambda row: display.money(paid_or_asked(row), row.currency), numeric=True),
        columns.STATUS,
        columns.relation("invoice"),
        columns.made("Payment", payment),
        columns.flag("is_default", "Default"),
        columns.CREATED,
    )
    list_select_related = ("invoice", "payment_intent", "charge")
    search_parents = {"invoice": ("number",)}
    search_help_text = "Invoice number, invoice, payment or id"
    key_facts = (
        columns.relation("invoice"),
        columns.made("Payment", payment),
        columns.moment("paid_at", "Paid"),
    )
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.amount("amount_requested", "Asked for"),
                columns.amount("amount_paid"),
                columns.relation("invoice"),
                columns.made("Payment", payment),
                columns.flag("is_default", "Default"),
                columns.moment("paid_at", "Paid"),
                columns.moment("canceled_at", "Canceled"),
                columns.CREATED,
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        return format_money(paid_or_asked(row), row.currency) or str(row.pk)
