"""Subscriptions, their items and their schedules, as staff see them."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.utils.html import format_html_join

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.detail import Table, table_inside
from stripe_mirror.admin.discounts import discounts_on
from stripe_mirror.admin.invoices import invoices_by, items_by
from stripe_mirror.models import Price, Subscription, SubscriptionItem, SubscriptionSchedule


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
        invoices_by("subscription"),
        Related(
            title="Schedules",
            object="subscription_schedule",
            lookup="subscription",
            columns=(
                columns.linked("Schedule", lambda row: row.pk),
                columns.STATUS,
                columns.enum("end_behavior", "At the end"),
                columns.CREATED,
            ),
            if_any=True,
        ),
        discounts_on("subscription"),
        items_by("subscription"),
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


def phase_prices(phases: Iterable[dict[str, Any]]) -> dict[str, Price]:
    """The mirrored prices that a schedule's phases name, read at once."""
    ids = {display.id_of(item.get("price")) for phase in phases for item in display.entries_of(phase.get("items"))}
    return Price.objects.in_bulk([id for id in ids if id])


def phase_items(phase: dict[str, Any], prices: dict[str, Price]) -> Any:
    """Each price of a phase with its quantity, one below the other."""
    cells = []
    for item in display.entries_of(phase.get("items")):
        id = display.id_of(item.get("price"))
        cells.append((display.row_link(prices.get(id), id), item.get("quantity") or 1))
    return format_html_join("", "<div>{} × {}</div>", cells)


def phase_days(phase: dict[str, Any]) -> str:
    """First and last day of a phase."""
    start, end = display.from_unix(phase.get("start_date")), display.from_unix(phase.get("end_date"))
    return f"{display.day_text(start)} – {display.day_text(end)}"


def phase_discounts(phase: dict[str, Any]) -> str:
    """The ids of what lowers the price in a phase."""
    named = [part for given in display.entries_of(phase.get("discounts")) for part in given.values()]
    return ", ".join(id for id in map(display.id_of, named) if id)


@admin.register(SubscriptionSchedule)
class SubscriptionScheduleAdmin(StripeObjectAdmin):
    """What a subscription will become, phase by phase."""

    list_display = (
        columns.made(
            "Customer", lambda row: display.plain(display.name_of(row.customer) if row.customer else row.customer_id)
        ),
        columns.STATUS,
        columns.relation("subscription"),
        columns.enum("end_behavior", "At the end"),
        columns.day("current_phase_end", "Phase ends", order=True),
        columns.CREATED,
    )
    list_select_related = ("customer", "subscription")
    search_parents = {"customer": ("name", "email")}
    search_help_text = "Customer, subscription or id"
    key_facts = (
        columns.relation("customer"),
        columns.relation("subscription"),
        columns.moment("current_phase_end", "Phase ends"),
    )
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.relation("customer"),
                columns.relation("subscription"),
                columns.enum("end_behavior", "At the end"),
                columns.moment("current_phase_start", "Phase began"),
                columns.moment("current_phase_end", "Phase ends"),
                columns.CREATED,
            ),
        ),
        FactGroup(
            title="End",
            only_set=True,
            facts=(
                columns.moment("completed_at", "Completed"),
                columns.moment("released_at", "Released"),
                columns.moment("canceled_at", "Canceled"),
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        return f"Schedule of {display.name_of(row.customer) if row.customer else row.customer_id or row.pk}"

    def lines(self, row: Any) -> Table | None:
        phases = display.entries_of(row.data.get("phases"))
        prices = phase_prices(phases)
        shown = (
            columns.made("Phase", phase_days),
            columns.made("Prices", lambda phase: phase_items(phase, prices)),
            columns.made("Discounts", phase_discounts),
        )
        return table_inside("Phases", "lines", shown, phases)
