"""Customers and their payment methods, as staff see them."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from stripe_mirror.admin import columns, display, duplicates
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.checkout import sessions_by
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.credit_notes import credit_notes_by
from stripe_mirror.admin.customer_tax import balance_history, tax_ids
from stripe_mirror.admin.discounts import discounts_on
from stripe_mirror.admin.invoices import invoices_by, items_by
from stripe_mirror.admin.payments import disputes_by
from stripe_mirror.models import Customer, PaymentMethod
from stripe_mirror.push.customer_forms import TAX_STATUS


def address(value: Any) -> str:
    """An address on one line."""
    if not isinstance(value, dict):
        return ""
    town = " ".join(str(value[k]) for k in ("postal_code", "city") if value.get(k))
    parts = [value.get("line1"), value.get("line2"), town, value.get("state"), value.get("country")]
    return ", ".join(str(part) for part in parts if part)


def shipping(row: Any) -> str:
    """Name and address of the shipping details."""
    details = row.data.get("shipping") or {}
    return ", ".join(part for part in (str(details.get("name") or ""), address(details.get("address"))) if part)


def balance(row: Any) -> Any:
    """Stripe's sign is the debtor's: below zero the customer has credit."""
    if not row.balance:
        return display.EMPTY
    word = "credit" if row.balance < 0 else "owes"
    return format_html('<span class="sm-hint">{}</span> {}', word, display.money(abs(row.balance), row.currency))


def user_link(row: Any) -> Any:
    """The Django user who is this customer."""
    linked = getattr(row, "user_link", None)
    return display.link(linked.user.get_username(), display.object_url(linked.user)) if linked else ""


def expiry(row: Any) -> str:
    """Month and year of a card's expiry."""
    return f"{row.exp_month:02}/{row.exp_year}" if row.exp_month and row.exp_year else ""


BALANCE = columns.made("Balance", balance, numeric=True)
DEFAULT_METHOD = columns.relation("default_payment_method", "Payment method")


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
    search_help_text = "Name, email, phone or id"
    key_facts = (
        columns.text("email"),
        columns.made("Balance", balance),
        columns.relation("default_payment_method", "Payment method"),
        columns.moment("created", "Customer since"),
    )
    facts = (
        FactGroup(
            title="Contact",
            facts=(
                columns.text("name"),
                columns.text("email"),
                columns.text("phone"),
                columns.text("description"),
                columns.made("Address", lambda row: address(row.data.get("address"))),
                columns.made("Shipping", shipping),
                columns.made("Languages", lambda row: ", ".join(row.data.get("preferred_locales") or [])),
                columns.made("User here", user_link),
            ),
        ),
        FactGroup(
            title="Billing",
            facts=(
                columns.made("Balance", balance),
                columns.made("Currency", lambda row: (row.currency or "").upper()),
                columns.relation("default_payment_method", "Payment method"),
                columns.enum("tax_exempt", "Tax status", named=TAX_STATUS),
                columns.flag("delinquent", "Latest invoice unpaid"),
                columns.made("Invoice prefix", lambda row: row.data.get("invoice_prefix")),
            ),
        ),
    )
    related = (
        Related(
            title="Subscriptions",
            object="subscription",
            lookup="customer",
            columns=(
                columns.linked("Subscription", lambda row: display.name_of(row.price) if row.price else row.pk),
                columns.STATUS,
                columns.number("quantity"),
                columns.day("current_period_end", "Period ends"),
                columns.CREATED,
            ),
            select=("price",),
        ),
        Related(
            title="Payments",
            object="payment_intent",
            lookup="customer",
            columns=(
                columns.linked_amount(),
                columns.STATUS,
                columns.relation("payment_method"),
                columns.text("description"),
                columns.moment("created", "Date"),
            ),
            select=("payment_method", "latest_charge"),
        ),
        invoices_by("customer"),
        Related(
            title="Payment methods",
            object="payment_method",
            lookup="customer",
            columns=(
                columns.made("Payment method", lambda row: display.row_link(row)),
                columns.enum("type"),
                columns.STATUS,
                columns.moment("created", "Added"),
            ),
        ),
        credit_notes_by("customer"),
        disputes_by("charge__customer"),
        balance_history(),
        tax_ids(),
        items_by("customer"),
        sessions_by("customer"),
        discounts_on("customer"),
    )

    def get_urls(self) -> list[URLPattern]:
        """With the page of possible duplicates."""
        page = self.admin_site.admin_view(self.duplicates)
        return [path("duplicates/", page, name="stripe_mirror_customer_duplicates"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        page = reverse("admin:stripe_mirror_customer_duplicates")
        return super().changelist_view(request, {"tools": [("Duplicates", page)], **(extra_context or {})})

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
    search_help_text = "Last 4 digits, customer or id"
    key_facts = (columns.relation("customer"), columns.moment("created", "Added"))
    facts = (
        FactGroup(
            title="Details",
            facts=(
                columns.enum("type"),
                columns.enum("brand"),
                columns.text("last4", "Last 4"),
                columns.made("Expires", expiry),
                columns.text("fingerprint"),
                columns.relation("customer"),
                columns.made(
                    "Billing address", lambda row: address((row.data.get("billing_details") or {}).get("address"))
                ),
            ),
        ),
    )
    related = (
        Related(
            title="Payments",
            object="charge",
            lookup="payment_method",
            columns=(
                columns.linked_amount(),
                columns.STATUS,
                columns.text("description"),
                columns.moment("created", "Date"),
            ),
        ),
    )
