"""Customers and their payment methods, as staff see them."""

from dataclasses import replace
from functools import partial
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, detail, display, duplicates
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.credit_notes import credit_notes_by
from stripe_mirror.admin.customer.figures import figures
from stripe_mirror.admin.customer.records import Records
from stripe_mirror.admin.customer_tax import balance_history, tax_ids
from stripe_mirror.admin.discounts import discounts_on
from stripe_mirror.admin.exports import customer_page
from stripe_mirror.admin.invoices import invoices_by, items_by
from stripe_mirror.admin.payments import disputes_by
from stripe_mirror.admin.row_menu import menu_of
from stripe_mirror.admin.subscriptions import period, plan
from stripe_mirror.admin.timeline.merge import BEFORE, TOPIC
from stripe_mirror.admin.timeline.scope import Scope, of_customer
from stripe_mirror.models import (
    Charge,
    CheckoutSession,
    Customer,
    PaymentMethod,
    PromotionCode,
    SetupIntent,
    SubscriptionSchedule,
)
from stripe_mirror.push.customer_forms import TAX_STATUS


def address(value: Any) -> str:
    """An address on one line."""
    if not isinstance(value, dict):
        return ""
    town = " ".join(str(value[k]) for k in ("postal_code", "city") if value.get(k))
    parts = [value.get("line1"), value.get("line2"), town, value.get("state"), value.get("country")]
    return ", ".join(display.before_numbers(str(part)) for part in parts if part)


def shipping(row: Any) -> str:
    """Name and address of the shipping details."""
    details = row.data.get("shipping") or {}
    return ", ".join(part for part in (str(details.get("name") or ""), address(details.get("address"))) if part)


def balance(row: Any) -> Any:
    """Stripe's sign is the debtor's: below zero the customer has credit."""
    if not row.balance:
        return display.EMPTY
    word = _("credit") if row.balance < 0 else _("owes")
    return format_html('<span class="sm-hint">{}</span> {}', word, display.money(abs(row.balance), row.currency))


def user_link(row: Any) -> Any:
    """The Django user who is this customer."""
    linked = getattr(row, "user_link", None)
    return display.link(linked.user.get_username(), display.object_url(linked.user)) if linked else ""


def expiry(row: Any) -> str:
    """Month and year of a card's expiry."""
    return f"{row.exp_month:02}/{row.exp_year}" if row.exp_month and row.exp_year else ""


def mode(row: Any) -> Any:
    """Whether real money moves."""
    return display.pill(_("Live"), "success") if row.livemode else display.pill(_("Test"), "warning")


def more_lists(request: HttpRequest, row: Any) -> list[tuple[str, str]]:
    """Lists of what the page has no table for, filtered by the customer; for who may see them."""
    models = (Charge, SubscriptionSchedule, CheckoutSession, SetupIntent, PromotionCode)
    seen = [model for model in models if detail.may_view(request.user, model.kind.object)]
    return [
        (display.words(model._meta.verbose_name_plural), display.list_url(model, {"customer": row.pk}))
        for model in seen
    ]


def everything(row: Any) -> dict[str, str]:
    """The way to the export of everything about the customer, in the menu of operations."""
    url = display.admin_url(row, "everything", row.pk)
    return {"url": url, "label": _("Export everything"), "title": _("Everything about this customer as a zip")}


# So many rows of each kind, and so many entries of the timeline, are seen at a look.
SHOWN = 5
LATEST = 6
BALANCE = columns.made(gettext_lazy("Balance"), balance, numeric=True)
DEFAULT_METHOD = columns.relation("default_payment_method", gettext_lazy("Payment method"))


@admin.register(Customer)
class CustomerAdmin(StripeObjectAdmin):
    """Who pays."""

    form_operation = "edit_customer"
    list_display = (
        columns.NAME,
        columns.text("email"),
        columns.STATUS,
        columns.text("country"),
        BALANCE,
        DEFAULT_METHOD,
        columns.CREATED,
    )
    list_select_related = ("default_payment_method",)
    detail_select_related = ("user_link__user",)
    search_fields = ("name", "email", "phone")
    search_help_text = gettext_lazy("Name, email, phone or id")
    key_facts = (
        columns.text("email"),
        columns.relation("default_payment_method", gettext_lazy("Payment method")),
        columns.made(gettext_lazy("User here"), user_link),
        columns.moment("created", gettext_lazy("Customer since")),
        columns.made(gettext_lazy("Mode"), mode),
        columns.moment("synced_at", gettext_lazy("As of")),
    )
    facts = (
        FactGroup(
            title=gettext_lazy("Contact"),
            facts=(
                columns.text("name"),
                columns.text("email"),
                columns.text("phone"),
                columns.text("description"),
                columns.made(gettext_lazy("Address"), lambda row: address(row.data.get("address"))),
                columns.made(gettext_lazy("Shipping"), shipping),
                columns.made(gettext_lazy("Languages"), lambda row: ", ".join(row.data.get("preferred_locales") or [])),
            ),
        ),
        FactGroup(
            title=gettext_lazy("Billing and tax"),
            facts=(
                columns.made(gettext_lazy("Balance"), balance),
                columns.made(gettext_lazy("Currency"), lambda row: (row.currency or "").upper()),
                columns.relation("default_payment_method", gettext_lazy("Payment method")),
                columns.enum("tax_exempt", gettext_lazy("Tax status"), named=TAX_STATUS),
                columns.flag("delinquent", gettext_lazy("Latest invoice unpaid")),
                columns.made(gettext_lazy("Invoice prefix"), lambda row: row.data.get("invoice_prefix")),
            ),
        ),
    )
    related = (
        Related(
            title=gettext_lazy("Subscriptions"),
            object="subscription",
            lookup="customer",
            columns=(
                columns.linked(gettext_lazy("Subscription"), plan),
                columns.STATUS,
                columns.number("quantity"),
                columns.made(gettext_lazy("Current period"), period),
            ),
            select=("price", "price__product"),
            shown=SHOWN,
        ),
        replace(invoices_by("customer"), shown=SHOWN),
        Related(
            title=gettext_lazy("Payments"),
            object="payment_intent",
            lookup="customer",
            columns=(
                columns.linked_amount(),
                columns.STATUS,
                columns.relation("payment_method"),
                columns.text("description"),
                columns.day("created", gettext_lazy("Date")),
            ),
            select=("payment_method", "latest_charge"),
            shown=SHOWN,
        ),
        Related(
            title=gettext_lazy("Payment methods"),
            object="payment_method",
            lookup="customer",
            columns=(
                columns.made(gettext_lazy("Payment method"), lambda row: display.row_link(row)),
                columns.enum("type"),
                columns.STATUS,
                columns.moment("created", gettext_lazy("Added")),
            ),
            shown=SHOWN,
        ),
        replace(disputes_by("charge__customer"), shown=SHOWN),
        replace(credit_notes_by("customer"), shown=SHOWN),
        replace(items_by("customer"), title=gettext_lazy("Waiting for the next invoice"), shown=SHOWN),
        replace(balance_history(), title=gettext_lazy("Credit balance"), if_any=False, shown=SHOWN),
        replace(discounts_on("customer"), shown=SHOWN),
        replace(tax_ids(), if_any=False, shown=SHOWN),
    )

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """With the figures in the head, and the newest of the timeline beside the tables."""
        row.records = Records(request, row)
        context = super().page_context(request, row)
        first = not (request.GET.get(BEFORE) or request.GET.get(TOPIC))
        return {
            **context,
            "figures": figures(row.records),
            "latest": context["timeline"].entries[:LATEST] if first else [],
            "more_lists": more_lists(request, row),
            "more": [everything(row)] if self.has_export_permission(request) else [],
        }

    def tables(self, request: HttpRequest, row: Any) -> list[detail.Table]:
        """From what the head's figures are made of, where they need the same rows."""
        if request.GET.get(BEFORE):
            # Who goes back in time has seen the rest.
            return []
        records: Records = row.records
        loaded = {
            "Subscriptions": records.subscriptions,
            "Invoices": records.invoices,
            "Payments": records.payments,
            "Disputes": records.disputes,
            "Credit notes": records.credit_notes,
            "Waiting for the next invoice": records.pending_items,
            "Discounts": records.all_discounts,
        }
        menu = partial(menu_of, request)
        return detail.related_tables(request, row, self.related, loaded=loaded, menu=menu)

    def scope(self, row: Any) -> Scope:
        """With the names of what the page shows."""
        records: Records = row.records
        names = {one.pk: plan(one) for one in records.subscriptions}
        names |= {one.pk: display.name_of(one) for one in records.invoices}
        scope = of_customer(row, [one.pk for one in records.subscriptions])
        scope.held = {"invoice": records.invoices, "credit_note": records.credit_notes, "dispute": records.disputes}
        scope.names = {id: str(name) for id, name in names.items()}
        return scope

    def get_urls(self) -> list[URLPattern]:
        """With the page of possible duplicates, and that of everything about one customer."""
        page = self.admin_site.admin_view(self.duplicates)
        everything = self.admin_site.admin_view(partial(customer_page.view, model_admin=self))
        return [
            path("duplicates/", page, name="stripe_mirror_customer_duplicates"),
            path("<path:object_id>/everything/", everything, name="stripe_mirror_customer_everything"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        page = reverse("admin:stripe_mirror_customer_duplicates")
        return super().changelist_view(request, {"tools": [(_("Duplicates"), page)], **(extra_context or {})})

    def duplicates(self, request: HttpRequest) -> HttpResponse:
        """Customers that are probably one, side by side."""
        return duplicates.view(request, self.admin_site, more=(BALANCE, DEFAULT_METHOD))


@admin.register(PaymentMethod)
class PaymentMethodAdmin(StripeObjectAdmin):
    """Cards and accounts that customers pay with."""

    list_display = (
        columns.NAME,
        columns.enum("type"),
        columns.relation("customer"),
        columns.STATUS,
        columns.CREATED,
    )
    list_select_related = ("customer",)
    search_fields = ("last4",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = gettext_lazy("Last 4 digits, customer or id")
    key_facts = (columns.relation("customer"), columns.moment("created", gettext_lazy("Added")))
    facts = (
        FactGroup(
            title=gettext_lazy("Details"),
            facts=(
                columns.enum("type"),
                columns.enum("brand"),
                columns.text("last4", gettext_lazy("Last 4")),
                columns.made(gettext_lazy("Expires"), expiry),
                columns.text("fingerprint"),
                columns.relation("customer"),
                columns.made(
                    gettext_lazy("Billing address"),
                    lambda row: address((row.data.get("billing_details") or {}).get("address")),
                ),
            ),
        ),
    )
    related = (
        Related(
            title=gettext_lazy("Payments"),
            object="charge",
            lookup="payment_method",
            columns=(
                columns.linked_amount(),
                columns.STATUS,
                columns.text("description"),
                columns.moment("created", gettext_lazy("Date")),
            ),
        ),
    )
