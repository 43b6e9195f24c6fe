"""Credit notes and their lines, as staff see them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.detail import Table, table_inside
from stripe_mirror.admin.filters import DeletedFilter
from stripe_mirror.models import CreditNote, CreditNoteLineItem


def credit_notes_by(relation: str) -> Related:
    """The credit notes that name the row in this relation of theirs."""
    shown = (
        columns.linked(gettext_lazy("Credit note"), display.name_of),
        columns.STATUS,
        columns.enum("reason"),
        columns.amount("total"),
        columns.moment("created", gettext_lazy("Date")),
    )
    return Related(
        title=gettext_lazy("Credit notes"), object="credit_note", lookup=relation, columns=shown, if_any=True
    )


def refunds_of(row: Any) -> Any:
    """The refunds that a credit note made."""
    ids = [display.id_of(part.get("refund")) for part in display.entries_of(row.data.get("refunds"))]
    links = [display.link_to_id(id) for id in ids if id] or [display.row_link(row.refund, row.refund_id)]
    return format_html_join(", ", "{}", ((one,) for one in links))


@admin.register(CreditNote)
class CreditNoteAdmin(StripeObjectAdmin):
    """What is taken off an invoice after it was sent."""

    list_display = (
        columns.made(gettext_lazy("Number"), lambda row: display.plain(display.name_of(row))),
        columns.relation("customer"),
        columns.STATUS,
        columns.amount("total"),
        columns.relation("invoice"),
        columns.enum("reason"),
        columns.CREATED,
    )
    list_select_related = ("customer", "invoice")
    detail_select_related = ("refund", "customer_balance_transaction")
    search_fields = ("number",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = gettext_lazy("Number, customer, invoice or id")
    key_facts = (
        columns.relation("customer"),
        columns.amount("total"),
        columns.relation("invoice"),
        columns.moment("created", gettext_lazy("Date")),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.relation("customer"),
                columns.relation("invoice"),
                columns.enum("reason"),
                columns.text("memo"),
                columns.enum("type"),
                columns.made(gettext_lazy("Refunds"), refunds_of),
                columns.relation("customer_balance_transaction", gettext_lazy("Customer balance")),
                columns.moment("effective_at", gettext_lazy("Takes effect")),
                columns.moment("voided_at", gettext_lazy("Voided")),
            ),
        ),
        FactGroup(
            title=gettext_lazy("Amounts"),
            facts=(
                columns.amount("subtotal"),
                columns.amount("total"),
                columns.amount("pre_payment_amount", gettext_lazy("Taken off the open invoice")),
                columns.amount("post_payment_amount", gettext_lazy("Given back after payment")),
            ),
        ),
    )

    def lines(self, row: Any) -> Table | None:
        """All of them: what Stripe cut off inside the credit note stands in rows of its own."""
        entries = display.entries_of(row.data.get("lines"))
        cut = display.has_more(row.data.get("lines"))
        if cut:
            held = list(row.lines.filter(deleted_at=None).values_list("data", flat=True))
            # Until the worker has read the rest, what the credit note shows.
            entries, cut = (held, False) if len(held) > len(entries) else (entries, True)
        if not entries:
            return None
        shown = (
            columns.made(gettext_lazy("Description"), lambda line: line.get("description")),
            columns.made(gettext_lazy("Quantity"), lambda line: line.get("quantity"), numeric=True),
            # A credit note's line has no currency of its own.
            columns.made(
                gettext_lazy("Amount"), lambda line: display.money(line.get("amount"), row.currency), numeric=True
            ),
        )
        every = display.list_url(CreditNoteLineItem, {"credit_note": row.pk})
        return table_inside(_("Lines"), "lines", shown, entries, more=every, cut=cut)


@admin.register(CreditNoteLineItem)
class CreditNoteLineItemAdmin(StripeObjectAdmin):
    """The lines of all credit notes: what was taken off for what."""

    list_display = (
        columns.NAME,
        columns.relation("credit_note"),
        columns.relation("invoice_line_item", gettext_lazy("Invoice line")),
        columns.number("quantity"),
        columns.amount("amount"),
        columns.amount("discount_amount", gettext_lazy("Discount")),
    )
    list_select_related = ("credit_note", "invoice_line_item")
    search_parents = {"credit_note": ("number",)}
    search_help_text = gettext_lazy("Credit note number, credit note, invoice line or line id")
    key_facts = (columns.amount("amount"), columns.relation("credit_note"))
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.text("description"),
                columns.enum("type"),
                columns.number("quantity"),
                columns.amount("unit_amount", gettext_lazy("Each")),
                columns.amount("amount"),
                columns.amount("discount_amount", gettext_lazy("Discount")),
                columns.relation("credit_note"),
                columns.relation("invoice_line_item", gettext_lazy("Invoice line")),
            ),
        ),
    )

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Not by time: a line has none of its own."""
        return [DeletedFilter]
