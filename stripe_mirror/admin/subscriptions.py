"""Subscriptions, their items and their schedules, as staff see them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, display, subscription_figures, upcoming
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.customer.per_period import item_amount, rounded
from stripe_mirror.admin.detail import Table, table_inside
from stripe_mirror.admin.discounts import discounts_on
from stripe_mirror.admin.invoices import invoices_by, items_by
from stripe_mirror.models import Price, Subscription, SubscriptionItem, SubscriptionSchedule


def period(row: Any) -> Any:
    """First and last day of the current period; of items with different periods, the whole range (S15)."""
    # Until 2025 the period stood on the subscription itself.
    by_items = row.kind.object == "subscription" and not row.data.get("current_period_end")
    held = row.data.get("items") if by_items else None
    items = display.entries_of(held)
    starts = [at for item in items if (at := display.from_unix(item.get("current_period_start")))]
    ends = [at for item in items if (at := display.from_unix(item.get("current_period_end")))]
    start, end = min(starts, default=row.current_period_start), max(ends, default=row.current_period_end)
    return display.days(start, end) if start else ""


def plan(row: Any) -> str:
    """What is subscribed to: "Team · €29.00 / month + 1 more"; the id where its price isn't known here."""
    price, product = row.price, row.price.product if row.price else None
    if price is None:
        return str(row.pk)
    name = f"{display.name_of(product)} · {display.name_of(price)}" if product else display.name_of(price)
    more = len(display.entries_of(row.data.get("items"))) - 1
    return _("%(name)s + %(more)s more") % {"name": name, "more": more} if more > 0 else name


def cancellation(row: Any) -> str:
    """Why it ends, in Stripe's words and the customer's."""
    details = row.data.get("cancellation_details") or {}
    parts = [display.words(details.get(name)) for name in ("reason", "feedback")]
    return ", ".join([*(part for part in parts if part), *([details["comment"]] if details.get("comment") else [])])


def item_sum(item: Any) -> Any:
    """What an item costs per period; a dash for tiers and usage."""
    amount = item_amount(item.data)
    price = item.data.get("price")
    currency = price.get("currency") if isinstance(price, dict) else None
    return display.EMPTY if amount is None else display.money(rounded(amount), currency)


@admin.register(Subscription)
class SubscriptionAdmin(StripeObjectAdmin):
    """Who pays how much how often."""

    list_display = (
        columns.made(
            gettext_lazy("Customer"),
            lambda row: display.plain(display.name_of(row.customer) if row.customer else row.customer_id),
        ),
        columns.STATUS,
        columns.relation("price"),
        columns.number("quantity"),
        columns.day("current_period_end", gettext_lazy("Period ends")),
        columns.CREATED,
    )
    list_select_related = ("customer", "price")
    detail_select_related = ("default_payment_method", "latest_invoice")
    search_parents = {"customer": ("name", "email")}
    search_help_text = gettext_lazy("Customer or id")
    key_facts = (
        columns.relation("customer"),
        columns.relation("price"),
        columns.made(gettext_lazy("Current period"), period),
        columns.relation("latest_invoice"),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.relation("customer"),
                columns.relation("price"),
                columns.number("quantity"),
                columns.made(gettext_lazy("Current period"), period),
                columns.enum("collection_method"),
                columns.relation("default_payment_method", gettext_lazy("Payment method")),
                columns.relation("latest_invoice"),
                columns.moment("start_date", gettext_lazy("Started")),
                columns.moment("trial_end", gettext_lazy("Trial ends")),
            ),
        ),
        FactGroup(
            title=gettext_lazy("Cancellation and pauses"),
            only_set=True,
            facts=(
                columns.made(
                    gettext_lazy("Cancels"), lambda row: _("At the period's end") if row.cancel_at_period_end else ""
                ),
                columns.moment("cancel_at", gettext_lazy("Cancels at")),
                columns.moment("canceled_at", gettext_lazy("Cancellation asked for")),
                columns.moment("ended_at", gettext_lazy("Ended")),
                columns.made(gettext_lazy("Reason"), cancellation),
                columns.enum("pause_behavior", gettext_lazy("Collection while paused")),
                columns.moment("pause_resumes_at", gettext_lazy("Collection resumes")),
            ),
        ),
    )
    related = (
        Related(
            title=gettext_lazy("Items"),
            object="subscription_item",
            lookup="subscription",
            columns=(
                columns.made(gettext_lazy("Product"), lambda row: display.row_link(row.product, row.product_id)),
                columns.relation("price"),
                columns.number("quantity"),
                columns.made(gettext_lazy("Amount"), item_sum, numeric=True),
                columns.made(gettext_lazy("Current period"), period),
            ),
            select=("product", "price"),
        ),
        invoices_by("subscription"),
        Related(
            title=gettext_lazy("Schedules"),
            object="subscription_schedule",
            lookup="subscription",
            columns=(
                columns.linked(gettext_lazy("Schedule"), lambda row: row.pk),
                columns.STATUS,
                columns.enum("end_behavior", gettext_lazy("At the end")),
                columns.CREATED,
            ),
            if_any=True,
        ),
        discounts_on("subscription"),
        items_by("subscription"),
    )

    def get_urls(self) -> list[URLPattern]:
        """With the page on which Stripe says what comes next."""
        page = self.admin_site.admin_view(self.upcoming)
        name = "stripe_mirror_subscription_upcoming"
        return [path("<path:object_id>/upcoming/", page, name=name), *super().get_urls()]

    def upcoming(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What Stripe would bill next."""
        return upcoming.view(request, self, object_id)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {**super().page_context(request, row), "figures": subscription_figures.figures(request, row)}

    def lines(self, row: Any) -> Table | None:
        """What a schedule has planned."""
        id = display.id_of(row.data.get("schedule"))
        schedule = SubscriptionSchedule.objects.filter(pk=id).first() if id else None
        return phases_of(schedule, _("Scheduled phases")) if schedule else None

    def heading(self, row: Any) -> str:
        customer = display.name_of(row.customer) if row.customer else row.customer_id or _("Subscription")
        return f"{display.before_numbers(customer)} – {display.name_of(row.price)}" if row.price else str(customer)


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
    search_help_text = gettext_lazy("Product or id")
    key_facts = (columns.relation("product"), columns.relation("price"), columns.number("quantity"))
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.relation("subscription"),
                columns.relation("product"),
                columns.relation("price"),
                columns.number("quantity"),
                columns.made(gettext_lazy("Current period"), period),
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        return display.name_of(row.product or row)


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


def phases_of(schedule: SubscriptionSchedule, title: str) -> Table:
    """What a schedule makes of its subscription, phase by phase."""
    phases = display.entries_of(schedule.data.get("phases"))
    prices = phase_prices(phases)
    shown = (
        columns.made(gettext_lazy("Phase"), phase_days),
        columns.made(gettext_lazy("Prices"), lambda phase: phase_items(phase, prices)),
        columns.made(gettext_lazy("Discounts"), phase_discounts),
    )
    return table_inside(title, "lines", shown, phases, more=display.object_url(schedule))


@admin.register(SubscriptionSchedule)
class SubscriptionScheduleAdmin(StripeObjectAdmin):
    """What a subscription will become, phase by phase."""

    list_display = (
        columns.made(
            gettext_lazy("Customer"),
            lambda row: display.plain(display.name_of(row.customer) if row.customer else row.customer_id),
        ),
        columns.STATUS,
        columns.relation("subscription"),
        columns.enum("end_behavior", gettext_lazy("At the end")),
        columns.day("current_phase_end", gettext_lazy("Phase ends"), order=True),
        columns.CREATED,
    )
    list_select_related = ("customer", "subscription")
    search_parents = {"customer": ("name", "email")}
    search_help_text = gettext_lazy("Customer, subscription or id")
    key_facts = (
        columns.relation("customer"),
        columns.relation("subscription"),
        columns.moment("current_phase_end", gettext_lazy("Phase ends")),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.relation("customer"),
                columns.relation("subscription"),
                columns.enum("end_behavior", gettext_lazy("At the end")),
                columns.moment("current_phase_start", gettext_lazy("Phase began")),
                columns.moment("current_phase_end", gettext_lazy("Phase ends")),
                columns.CREATED,
            ),
        ),
        FactGroup(
            title=gettext_lazy("End"),
            only_set=True,
            facts=(
                columns.moment("completed_at", gettext_lazy("Completed")),
                columns.moment("released_at", gettext_lazy("Released")),
                columns.moment("canceled_at", gettext_lazy("Canceled")),
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        customer = display.name_of(row.customer) if row.customer else row.customer_id or row.pk
        return _("Schedule of %(customer)s") % {"customer": customer}

    def lines(self, row: Any) -> Table | None:
        return replace(phases_of(row, _("Phases")), more="")
