"""Customers' tax ids and their balance's history, as staff see them."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.payments import PaymentAdmin
from stripe_mirror.models import CustomerBalanceTransaction, TaxId


@admin.register(TaxId)
class TaxIdAdmin(StripeObjectAdmin):
    """VAT numbers and the like."""

    list_display = (
        columns.made(_("Tax ID"), display.name_of),
        columns.made(_("Type"), lambda row: tax_type(row)),
        columns.relation("customer"),
        columns.STATUS,
        columns.text("country"),
        columns.text("verified_name"),
        columns.CREATED,
    )
    list_select_related = ("customer",)
    search_fields = ("value", "verified_name")
    search_parents = {"customer": ("name", "email")}
    search_help_text = _("Number, customer or id")
    key_facts = (columns.relation("customer"), columns.text("country"), columns.moment("created", _("Added")))
    facts = (
        FactGroup(
            title=_("Details"),
            facts=(
                columns.text("value", _("Number")),
                columns.made(_("Type"), lambda row: tax_type(row)),
                columns.text("country"),
                columns.relation("customer"),
                columns.enum("verification_status", _("Check")),
                columns.text("verified_name"),
                columns.text("verified_address"),
            ),
        ),
    )


def tax_type(row: Any) -> str:
    """ "eu_vat" → "EU VAT": the parts are a country's code and the tax's own name."""
    return (row.type or "").replace("_", " ").upper()


def tax_ids() -> Related:
    """A customer's tax ids."""
    shown = (
        columns.linked(_("Tax ID"), display.name_of),
        columns.made(_("Type"), tax_type),
        columns.STATUS,
        columns.text("verified_name"),
        columns.moment("created", _("Added")),
    )
    return Related(title=_("Tax IDs"), object="tax_id", lookup="customer", columns=shown, if_any=True)


@admin.register(CustomerBalanceTransaction)
class CustomerBalanceTransactionAdmin(PaymentAdmin):
    """What made a customer's balance what it is; below zero is credit."""

    list_display = (
        columns.amount("amount"),
        columns.enum("type"),
        columns.relation("customer"),
        columns.text("description"),
        columns.relation("invoice"),
        columns.amount("ending_balance", _("Balance after")),
        columns.CREATED,
    )
    list_select_related = ("customer", "invoice")
    detail_select_related = ("credit_note", "checkout_session")
    search_fields = ("description",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = _("Customer, description, invoice or id")
    key_facts = (
        columns.relation("customer"),
        columns.amount("ending_balance", _("Balance after")),
        columns.moment("created", _("Date")),
    )
    facts = (
        FactGroup(
            title=_("Details"),
            facts=(
                columns.amount("amount"),
                columns.enum("type"),
                columns.relation("customer"),
                columns.text("description"),
                columns.amount("ending_balance", _("Balance after")),
                columns.relation("invoice"),
                columns.relation("credit_note"),
                columns.relation("checkout_session"),
            ),
        ),
    )


def balance_history() -> Related:
    """What moved a customer's balance."""
    shown = (
        columns.linked_amount(),
        columns.enum("type"),
        columns.text("description"),
        columns.amount("ending_balance", _("Balance after")),
        columns.moment("created", _("Date")),
    )
    return Related(
        title=_("Balance history"), object="customer_balance_transaction", lookup="customer", columns=shown, if_any=True
    )
