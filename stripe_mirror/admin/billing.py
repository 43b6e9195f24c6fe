"""Subscriptions, their items, and invoices, as staff see them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.detail import Table, may_view
from stripe_mirror.models import Invoice, PaymentIntent, Subscription, SubscriptionItem


def period(row: Any) -> Any:
    """First and last day of the current period."""
    if not row.current_period_start:
        return ""
    return f"{display.day_text(row.current_period_start)} – {display.day_text(row.current_period_end)}"


def cancellation(row: Any) -> str:
    """Why it ends, in Stripe's words and the customer's."""
    details = row.data.get("cancellation_details") or {}
    parts = [display.words(details.get(name)) for name in ("reason", "feedback")]
    return ", ".join([*(part for part in parts if part), *([details["comment"]] if details.get("comment") else [])])


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


@admin.register(Subscription)
class SubscriptionAdmin(StripeObjectAdmin):
    """Who pays how much how often."""

    list_display = (
        columns.made(
            "Customer", lambda row: display.plain(display.name_of(row.customer) if row.customer else row.customer_id)
        ),
        columns.STATUS,
        columns.relation("price"),
        columns.number("quantity"),
        columns.day("current_period_end", "Period ends"),
        columns.CREATED,
    )
    list_select_related = ("customer", "price")
    detail_select_related = ("default_payment_method", "latest_invoice")
    search_parents = {"customer": ("name", "email")}
    search_help_text = "Customer or id"
    key_facts = (
        columns.relation("customer"),
        columns.relation("price"),
        columns.made("Current period", period),
        columns.relation("latest_invoice"),
    )
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.relation("customer"),
                columns.relation("price"),
                columns.number("quantity"),
                columns.made("Current period", period),
                columns.enum("collection_method"),
                columns.relation("default_payment_method", "Payment method"),
                columns.relation("latest_invoice"),
                columns.moment("start_date", "Started"),
                columns.moment("trial_end", "Trial ends"),
            ),
        ),
        FactGroup(
            title="Cancellation and pauses",
            only_set=True,
            facts=(
                columns.made("Cancels", lambda row: "At the period's end" if row.cancel_at_period_end else ""),
                columns.moment("cancel_at", "Cancels at"),
                columns.moment("canceled_at", "Cancellation asked for"),
                columns.moment("ended_at", "Ended"),
                columns.made("Reason", cancellation),
                columns.enum("pause_behavior", "Collection while paused"),
                columns.moment("pause_resumes_at", "Collection resumes"),
            ),
        ),
    )
    related = (
        Related(
            title="Items",
            object="subscription_item",
            lookup="subscription",
            columns=(
                columns.made("Product", lambda row: display.row_link(row.product, row.product_id)),
                columns.relation("price"),
                columns.number("quantity"),
                columns.made("Current period", period),
                columns.made("Item", lambda row: display.row_link(row)),
            ),
            select=("product", "price"),
        ),
        Related(
            title="Invoices",
            object="invoice",
            lookup="subscription",
            columns=(
                columns.made("Invoice", lambda row: display.row_link(row)),
                columns.STATUS,
                columns.amount("total"),
                columns.amount("amount_remaining", "Remaining"),
                columns.moment("created", "Date"),
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        customer = display.name_of(row.customer) if row.customer else row.customer_id or "Subscription"
        return f"{customer} – {display.name_of(row.price)}" if row.price else str(customer)


@admin.register(SubscriptionItem)
class SubscriptionItemAdmin(StripeObjectAdmin):
    """One price of a subscription, with its quantity."""

    list_display = (
        columns.ID,
        columns.relation("subscription"),
        columns.relation("product"),
        columns.relation("price"),
        columns.number("quantity"),
        columns.CREATED,
    )
    list_select_related = ("subscription", "product", "price")
    search_parents = {"product": ("name",)}
    search_help_text = "Product or id"
    key_facts = (columns.relation("product"), columns.relation("price"), columns.number("quantity"))
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.relation("subscription"),
                columns.relation("product"),
                columns.relation("price"),
                columns.number("quantity"),
                columns.made("Current period", period),
            ),
        ),
    )


PAYMENT = (
    columns.linked_amount(),
    columns.STATUS,
    columns.relation("payment_method"),
    columns.moment("created", "Date"),
)


def payment_ids(row: Any) -> list[str]:
    """The payments that an invoice names, in the old shape (`payment_intent`) and in today's (`payments`)."""
    held = row.data.get("payments")
    paid = held.get("data") if isinstance(held, dict) else None
    named = [row.data.get("payment_intent"), *(_payment_intent(entry) for entry in paid or [])]
    ids = [value.get("id") if isinstance(value, dict) else value for value in named]
    return [id for id in dict.fromkeys(ids) if isinstance(id, str)]


def _payment_intent(entry: Any) -> Any:
    payment = entry.get("payment") if isinstance(entry, dict) else None
    return payment.get("payment_intent") if isinstance(payment, dict) else None


def payments_of(row: Any) -> Table:
    """The payments of an invoice that are mirrored."""
    found = PaymentIntent.objects.filter(pk__in=payment_ids(row)).select_related("payment_method", "latest_charge")
    rows = [[(column(payment), column.numeric) for column in PAYMENT] for payment in found]
    headings = [(column.short_description, column.numeric) for column in PAYMENT]
    return Table(
        title="Payments", key="payments", headings=headings, rows=rows, count=str(len(rows)), empty="No payments."
    )


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

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        context = super().page_context(request, row)
        # Stripe sends `payments` on demand only: without it nothing is known, so no table rather than an empty one.
        if payment_ids(row) and may_view(request.user, "payment_intent"):
            context["tables"] = [*context["tables"], payments_of(row)]
        return context

    def lines(self, row: Any) -> Table | None:
        held = row.data.get("lines")
        lines: dict[str, Any] = held if isinstance(held, dict) else {}
        rows = [[(column(line), column.numeric) for column in LINE] for line in lines.get("data") or []]
        headings = [(column.short_description, column.numeric) for column in LINE]
        count = f"{len(rows)}+" if lines.get("has_more") else str(len(rows))
        return Table(title="Lines", key="lines", headings=headings, rows=rows, count=count, empty="No lines.")
