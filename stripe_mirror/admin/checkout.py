"""Setup intents and Checkout sessions, as staff see them: how customers come to pay."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.models import CheckoutSession, SetupIntent
from stripe_mirror.money import format_money


def who(row: Any) -> str:
    """The customer's name; what is known of them where there is none yet."""
    if row.customer:
        return display.name_of(row.customer)
    return str(row.customer_id or getattr(row, "customer_email", "") or row.pk)


def setup_failure(row: Any) -> str:
    """Stripe's sentence about the last failed attempt, else its code."""
    error = row.data.get("last_setup_error") or {}
    return str(error.get("message") or error.get("code") or "")


def sessions_by(relation: str) -> Related:
    """The Checkout sessions that name the row in this relation of theirs."""
    shown = (
        # Not the id: a session's is longer than a table has room for.
        columns.linked(_("Opened"), lambda row: display.when(row.created)),
        columns.STATUS,
        columns.enum("mode"),
        columns.amount("amount_total", _("Total")),
    )
    return Related(title=_("Checkout sessions"), object="checkout.session", lookup=relation, columns=shown, if_any=True)


@admin.register(SetupIntent)
class SetupIntentAdmin(StripeObjectAdmin):
    """Payment methods on their way to be saved for later."""

    list_display = (
        columns.made(_("Customer"), who),
        columns.STATUS,
        columns.relation("payment_method"),
        columns.enum("usage"),
        columns.text("description"),
        columns.CREATED,
    )
    list_select_related = ("customer", "payment_method")
    search_fields = ("description",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = _("Customer, description or id")
    key_facts = (
        columns.relation("customer"),
        columns.relation("payment_method"),
        columns.moment("created", _("Date")),
    )
    facts = (
        FactGroup(
            title=_("Details"),
            facts=(
                columns.relation("customer"),
                columns.relation("payment_method"),
                columns.enum("usage"),
                columns.text("description"),
                columns.made(_("Failure"), setup_failure),
                columns.text("decline_code"),
                columns.enum("cancellation_reason"),
            ),
        ),
    )
    related = (sessions_by("setup_intent"),)

    def heading(self, row: Any) -> str:
        return gettext("Setup for %(who)s") % {"who": who(row)}


@admin.register(CheckoutSession)
class CheckoutSessionAdmin(StripeObjectAdmin):
    """Visits to Stripe's payment page."""

    list_display = (
        columns.made(_("Customer"), who),
        columns.STATUS,
        columns.enum("mode"),
        columns.amount("amount_total", _("Total")),
        columns.text("client_reference_id", _("Reference")),
        columns.CREATED,
    )
    list_select_related = ("customer",)
    detail_select_related = ("payment_intent", "setup_intent", "subscription", "invoice")
    search_fields = ("customer_email",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = _("Customer, email or id")
    key_facts = (
        columns.relation("customer"),
        columns.enum("mode"),
        columns.amount("amount_total", _("Total")),
        columns.moment("created", _("Opened")),
    )
    facts = (
        FactGroup(
            title=_("Details"),
            facts=(
                columns.relation("customer"),
                columns.text("customer_email", _("Email")),
                columns.enum("mode"),
                columns.enum("payment_status", _("Payment")),
                columns.amount("amount_subtotal", _("Subtotal")),
                columns.amount("amount_total", _("Total")),
                columns.text("client_reference_id", _("Reference")),
                columns.moment("expires_at", _("Expires")),
            ),
        ),
        FactGroup(
            title=_("What came of it"),
            only_set=True,
            facts=(
                columns.relation("subscription"),
                columns.relation("invoice"),
                columns.relation("payment_intent", _("Payment")),
                columns.relation("setup_intent"),
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        total = format_money(row.amount_total, row.currency)
        return gettext("Checkout of %(amount)s") % {"amount": total} if total else gettext("Checkout")
