"""Invoices, what stands on them and what pays them, as staff see them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, display, invoice_fix, invoice_parts
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.checkout import sessions_by
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.credit_notes import credit_notes_by
from stripe_mirror.admin.detail import Table, table_inside
from stripe_mirror.admin.filters import (
    DeletedFilter,
    FlagFilter,
    PendingFilter,
    PeriodFilter,
    ValueFilter,
    range_filters,
    relation_filters,
)
from stripe_mirror.admin.invoice_parts import totals
from stripe_mirror.admin.payments import attempts_by
from stripe_mirror.models import Invoice, InvoiceItem, InvoiceLineItem, InvoicePayment
from stripe_mirror.money import format_money


def days(row: Any) -> str:
    """First and last day of what a row is billed for."""
    return display.days(row.period_start, row.period_end) if row.period_start else ""


def line_period(line: dict[str, Any]) -> str:
    """The days that an invoice's line is for."""
    span = line.get("period") or {}
    start, end = display.from_unix(span.get("start")), display.from_unix(span.get("end"))
    return f"{display.day_text(start)} – {display.day_text(end)}" if start and end else ""


# The columns of an invoice's lines, which stand inside the invoice.
LINE = (
    columns.made(gettext_lazy("Description"), lambda line: line.get("description")),
    columns.made(gettext_lazy("Period"), line_period),
    columns.made(gettext_lazy("Quantity"), lambda line: line.get("quantity"), numeric=True),
    columns.made(
        gettext_lazy("Amount"), lambda line: display.money(line.get("amount"), line.get("currency")), numeric=True
    ),
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
        columns.made(gettext_lazy("Invoice"), lambda row: display.row_link(row)),
        columns.STATUS,
        columns.amount("total"),
        columns.amount("amount_remaining", gettext_lazy("Remaining")),
        columns.day("created", gettext_lazy("Date")),
    )
    return Related(title=gettext_lazy("Invoices"), object="invoice", lookup=relation, columns=shown)


def items_by(relation: str) -> Related:
    """The invoice items that name the row in this relation of theirs."""
    shown = (
        columns.linked(gettext_lazy("Invoice item"), display.name_of),
        columns.STATUS,
        columns.amount("amount"),
        columns.moment("created", gettext_lazy("Date")),
    )
    return Related(
        title=gettext_lazy("Invoice items"), object="invoiceitem", lookup=relation, columns=shown, if_any=True
    )


@admin.register(Invoice)
class InvoiceAdmin(StripeObjectAdmin):
    """What was asked for, and what is still owed."""

    list_display = (
        columns.made(gettext_lazy("Number"), lambda row: display.plain(row.number or _("Draft"))),
        columns.relation("customer"),
        columns.STATUS,
        columns.amount("total"),
        columns.amount("amount_remaining", gettext_lazy("Remaining")),
        columns.day("due_date", gettext_lazy("Due")),
        columns.day("created", order=True),
    )
    list_select_related = ("customer",)
    detail_select_related = ("subscription",)
    search_fields = ("number", "customer_email", "customer_name")
    search_parents = {"customer": ("name", "email")}
    search_help_text = gettext_lazy("Number, customer or id")
    key_facts = (
        columns.relation("customer"),
        columns.amount("total"),
        columns.amount("amount_remaining", gettext_lazy("Remaining")),
        columns.moment("due_date", gettext_lazy("Due")),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.relation("customer"),
                columns.relation("subscription"),
                columns.made(gettext_lazy("Reason"), lambda row: invoice_parts.reason_words(row.billing_reason)),
                columns.enum("collection_method"),
                columns.moment("finalized_at", gettext_lazy("Finalized")),
                columns.moment("due_date", gettext_lazy("Due")),
                columns.moment("paid_at", gettext_lazy("Paid")),
                columns.number("attempt_count", gettext_lazy("Payment attempts")),
                columns.moment("next_payment_attempt"),
            ),
        ),
    )

    related = (
        Related(
            title=gettext_lazy("Payments"),
            object="invoice_payment",
            lookup="invoice",
            columns=(
                columns.linked(
                    gettext_lazy("Amount"), lambda row: display.money(paid_or_asked(row), row.currency), numeric=True
                ),
                columns.STATUS,
                columns.made(gettext_lazy("Payment"), payment),
                columns.moment("paid_at", gettext_lazy("Paid")),
            ),
            select=("payment_intent", "charge"),
        ),
        attempts_by("payment_intent__invoice_payments__invoice", if_any=True),
        credit_notes_by("invoice"),
        Related(
            title=gettext_lazy("Customer balance"),
            object="customer_balance_transaction",
            lookup="invoice",
            columns=(
                columns.linked_amount(),
                columns.enum("type"),
                columns.amount("ending_balance", gettext_lazy("Balance after")),
                columns.moment("created", gettext_lazy("Date")),
            ),
            if_any=True,
        ),
        sessions_by("invoice"),
    )

    def get_urls(self) -> list[URLPattern]:
        """With the page that leads to what puts an invoice right, and the way to its pages at Stripe."""
        wrap = self.admin_site.admin_view
        return [
            path("<path:object_id>/fix/", wrap(self.fix), name="stripe_mirror_invoice_fix"),
            path("<path:object_id>/open/<slug:page>/", wrap(self.open_link), name="stripe_mirror_invoice_open"),
            *super().get_urls(),
        ]

    def open_link(self, request: HttpRequest, object_id: str, page: str) -> HttpResponse:
        """Its hosted page or PDF at Stripe."""
        return invoice_parts.open_link(request, self, object_id, page)

    def fix(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What to do where it is wrong."""
        return invoice_fix.view(request, self, object_id)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        context = super().page_context(request, row)
        guide = invoice_fix.guide(row) if context["buttons"] or context["off"] else None
        return {**context, "guide": guide, "totals": totals(row), "links": invoice_parts.links(request, row)}

    def lines(self, row: Any) -> Table | None:
        held = row.data.get("lines")
        every = display.list_url(InvoiceLineItem, {"invoice": row.pk})
        return table_inside(_("Lines"), "lines", LINE, display.entries_of(held), more=every, cut=display.has_more(held))


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
    search_help_text = gettext_lazy("Description, customer, invoice or id")
    key_facts = (columns.amount("amount"), columns.relation("customer"), columns.relation("invoice"))
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.text("description"),
                columns.amount("amount"),
                columns.number("quantity"),
                columns.relation("customer"),
                columns.relation("invoice"),
                columns.relation("subscription"),
                columns.relation("price"),
                columns.flag("proration"),
                columns.made(gettext_lazy("Period"), days),
                columns.moment("created", gettext_lazy("Date")),
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
        columns.day("period_start", gettext_lazy("Period from"), order=True),
        columns.day("period_end", gettext_lazy("Period to")),
    )
    list_select_related = ("invoice", "price")
    detail_select_related = ("subscription", "invoice_item")
    search_parents = {"invoice": ("number",)}
    search_help_text = gettext_lazy("Invoice number, invoice, subscription or line id")
    key_facts = (columns.amount("amount"), columns.relation("invoice"), columns.made(gettext_lazy("Period"), days))
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.text("description"),
                columns.amount("amount"),
                columns.number("quantity"),
                columns.relation("price"),
                columns.relation("invoice"),
                columns.relation("subscription"),
                columns.relation("invoice_item"),
                columns.flag("proration"),
                columns.made(gettext_lazy("Period"), days),
            ),
        ),
    )

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """By period: a line has no time of its own."""
        own = [("proration", FlagFilter), ("currency", ValueFilter), PeriodFilter]
        return [*own, *range_filters(self.model), *relation_filters(self.model), DeletedFilter]


@admin.register(InvoicePayment)
class InvoicePaymentAdmin(StripeObjectAdmin):
    """Which payment paid which invoice."""

    list_display = (
        columns.made(gettext_lazy("Amount"), lambda row: display.money(paid_or_asked(row), row.currency), numeric=True),
        columns.STATUS,
        columns.relation("invoice"),
        columns.made(gettext_lazy("Payment"), payment),
        columns.flag("is_default", gettext_lazy("Default")),
        columns.CREATED,
    )
    list_select_related = ("invoice", "payment_intent", "charge")
    search_parents = {"invoice": ("number",)}
    search_help_text = gettext_lazy("Invoice number, invoice, payment or id")
    key_facts = (
        columns.relation("invoice"),
        columns.made(gettext_lazy("Payment"), payment),
        columns.moment("paid_at", gettext_lazy("Paid")),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.amount("amount_requested", gettext_lazy("Asked for")),
                columns.amount("amount_paid"),
                columns.relation("invoice"),
                columns.made(gettext_lazy("Payment"), payment),
                columns.flag("is_default", gettext_lazy("Default")),
                columns.moment("paid_at", gettext_lazy("Paid")),
                columns.moment("canceled_at", gettext_lazy("Canceled")),
                columns.CREATED,
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        return format_money(paid_or_asked(row), row.currency) or str(row.pk)
