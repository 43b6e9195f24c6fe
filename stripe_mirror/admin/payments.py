"""Payments, charges and refunds, as staff see them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import StripeObjectAdmin
from stripe_mirror.admin.checkout import sessions_by
from stripe_mirror.admin.columns import FactGroup, Related
from stripe_mirror.admin.customer.figures import Figure
from stripe_mirror.models import Charge, PaymentIntent, Refund
from stripe_mirror.money import format_money


def card(row: Any) -> str:
    """The card or account of a charge: "Visa •••• 4242"."""
    if not row.last4:
        return display.words((row.data.get("payment_method_details") or {}).get("type"))
    return f"{display.words(row.brand)} •••• {row.last4}".strip()


def refunds_by(relation: str) -> Related:
    """The refunds that name the row in this relation of theirs."""
    shown = (columns.linked_amount(), columns.STATUS, columns.enum("reason"), columns.moment("created", _("Date")))
    return Related(title=_("Refunds"), object="refund", lookup=relation, columns=shown)


def attempts_by(relation: str, *, if_any: bool = False) -> Related:
    """The charges that name the row in this relation of theirs: each try to take the money, and why it failed."""
    shown = (
        columns.linked_amount(),
        columns.STATUS,
        columns.made(_("Card"), card),
        columns.text("failure_message", _("Why it failed")),
        columns.moment("created", _("Date")),
    )
    return Related(title=_("Attempts"), object="charge", lookup=relation, columns=shown, if_any=if_any)


def disputes_by(relation: str) -> Related:
    """The disputes that name the row in this relation of theirs."""
    shown = (
        columns.linked_amount(),
        columns.STATUS,
        columns.enum("reason"),
        columns.moment("created", _("Date")),
    )
    return Related(title=_("Disputes"), object="dispute", lookup=relation, columns=shown, if_any=True)


def moved_by_it() -> Related:
    """The balance transactions that have the row as their source."""
    shown = (
        columns.linked_amount(),
        columns.enum("type"),
        columns.STATUS,
        columns.amount("fee"),
        columns.amount("net"),
        columns.day("created", _("Date")),
    )
    return Related(
        title=_("Balance transactions"), object="balance_transaction", lookup="source", columns=shown, if_any=True
    )


class PaymentAdmin(StripeObjectAdmin):
    """What payments have in common: they are known by their amount."""

    def heading(self, row: Any) -> str:
        return format_money(row.amount, row.currency) or str(row.pk)


def refunded(row: Any) -> Any:
    """What went back, a dash where nothing did."""
    return display.money(row.amount_refunded or None, row.currency)


def of_balance(row: Any, field: str) -> Any:
    """Fee or net of a charge, in the currency that is paid out."""
    moved = row.balance_transaction
    return display.money(getattr(moved, field), moved.currency) if moved else display.EMPTY


def available(row: Any) -> Any:
    """From when the money can be paid out; Stripe doesn't say with which payout it was."""
    moved = row.balance_transaction
    return display.bank_day(moved.available_on) if moved else display.EMPTY


def risk(row: Any) -> Any:
    """Stripe's judgement of the payment, with its score where the account has one."""
    outcome = row.data.get("outcome") or {}
    level, score = outcome.get("risk_level"), outcome.get("risk_score")
    if not level:
        return display.EMPTY
    tone = {"normal": "success", "elevated": "warning", "highest": "danger"}.get(str(level), "neutral")
    return display.pill(f"{display.words(level)} ({score})" if score is not None else display.words(level), tone)


def judged(row: Any) -> str:
    """Stripe's sentence for the seller: "The bank returned the decline code `insufficient_funds`."."""
    return str((row.data.get("outcome") or {}).get("seller_message") or "")


def of_latest(show: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same of a payment's newest attempt."""
    return lambda row: show(row.latest_charge) if row.latest_charge else display.EMPTY


def figures(row: Any, charge: Any) -> list[Figure]:
    """What came in, what went back, what Stripe kept, and what is left."""
    found = [Figure(gettext("Amount"), display.money(row.amount, row.currency))]
    if charge is None:
        return found
    if charge.amount_refunded:
        found.append(
            Figure(gettext("Refunded"), display.money(charge.amount_refunded, charge.currency), tone="warning")
        )
    if charge.balance_transaction is not None:
        found += [Figure(gettext("Fee"), of_balance(charge, "fee")), Figure(gettext("Net"), of_balance(charge, "net"))]
    return found


def with_figures(context: dict[str, Any], found: list[Figure]) -> dict[str, Any]:
    """The page with its figures; a fact that is one of them isn't said twice."""
    labels = {figure.label for figure in found}
    facts = [f for f in context["key_facts"] if f.label not in labels]
    # An amount alone stands in the title.
    return {**context, "figures": found if len(found) > 1 else [], "key_facts": facts}


def failure(row: Any) -> str:
    """Stripe's sentence about a failed attempt, else its code."""
    error = row.data.get("last_payment_error") or {}
    return str(error.get("message") or row.data.get("failure_message") or error.get("code") or "")


@admin.register(PaymentIntent)
class PaymentIntentAdmin(PaymentAdmin):
    """What customers were asked to pay, and whether they did."""

    list_display = (
        columns.amount("amount"),
        columns.STATUS,
        columns.relation("customer"),
        columns.relation("payment_method"),
        columns.text("description"),
        columns.CREATED,
    )
    list_select_related = ("customer", "payment_method", "latest_charge")
    detail_select_related = ("latest_charge__balance_transaction",)
    search_fields = ("description",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = _("Customer, description or id")
    key_facts = (
        columns.amount("amount"),
        columns.relation("customer"),
        columns.relation("payment_method"),
        columns.moment("created", _("Date")),
    )
    facts = (
        FactGroup(
            title=_("Details"),
            only_set=True,
            facts=(
                columns.amount("amount"),
                columns.amount("amount_received", _("Received")),
                columns.amount("amount_capturable", _("Can be captured")),
                columns.relation("customer"),
                columns.relation("payment_method"),
                columns.relation("latest_charge"),
                columns.text("description"),
                columns.made(_("Failure"), failure),
                columns.text("decline_code"),
                columns.moment("canceled_at", _("Canceled")),
                columns.made(_("Risk"), of_latest(risk)),
                columns.made(_("Available for payout"), of_latest(available)),
            ),
        ),
    )
    related = (
        attempts_by("payment_intent"),
        refunds_by("payment_intent"),
        disputes_by("payment_intent"),
        Related(
            title=_("Invoices"),
            object="invoice_payment",
            lookup="payment_intent",
            columns=(
                columns.relation("invoice"),
                columns.amount("amount_paid", _("Paid")),
                columns.STATUS,
                columns.moment("created", _("Date")),
            ),
            select=("invoice",),
            if_any=True,
        ),
        sessions_by("payment_intent"),
    )

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return with_figures(super().page_context(request, row), figures(row, row.latest_charge))


@admin.register(Charge)
class ChargeAdmin(PaymentAdmin):
    """Single attempts to move money."""

    list_display = (
        columns.amount("amount"),
        columns.STATUS,
        columns.made(_("Refunded"), refunded, numeric=True),
        columns.relation("customer"),
        columns.made(_("Card"), card),
        columns.CREATED,
    )
    list_select_related = ("customer",)
    detail_select_related = ("payment_intent", "payment_method", "balance_transaction")
    search_fields = ("last4",)
    search_parents = {"customer": ("name", "email")}
    search_help_text = _("Customer, last 4 digits or id")
    key_facts = (
        columns.amount("amount"),
        columns.amount("amount_refunded", _("Refunded")),
        columns.relation("customer"),
        columns.moment("created", _("Date")),
    )
    facts = (
        FactGroup(
            title=_("Details"),
            only_set=True,
            facts=(
                columns.amount("amount"),
                columns.amount("amount_captured", _("Captured")),
                columns.amount("amount_refunded", _("Refunded")),
                columns.relation("customer"),
                columns.relation("payment_intent", _("Payment")),
                columns.relation("payment_method"),
                columns.made(_("Card"), card),
                columns.text("description"),
                columns.made(_("Failure"), failure),
                columns.flag("disputed"),
                columns.made(_("Fee"), lambda row: of_balance(row, "fee")),
                columns.made(_("Net"), lambda row: of_balance(row, "net")),
                columns.relation("balance_transaction"),
                columns.made(_("Available for payout"), available),
                columns.made(_("Risk"), risk),
                columns.made(_("Stripe says"), judged),
                columns.text("failure_code", _("Decline code")),
            ),
        ),
    )
    related = (refunds_by("charge"), disputes_by("charge"), moved_by_it())

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return with_figures(super().page_context(request, row), figures(row, row))


@admin.register(Refund)
class RefundAdmin(PaymentAdmin):
    """Money that went back, or is on its way."""

    list_display = (
        columns.amount("amount"),
        columns.STATUS,
        columns.relation("charge"),
        columns.relation("payment_intent", _("Payment")),
        columns.enum("reason"),
        columns.CREATED,
    )
    list_select_related = ("charge", "payment_intent")
    search_help_text = _("Refund, charge or payment id")
    key_facts = (columns.amount("amount"), columns.relation("charge"), columns.moment("created", _("Date")))
    facts = (
        FactGroup(
            title=_("Details"),
            only_set=True,
            facts=(
                columns.amount("amount"),
                columns.relation("charge"),
                columns.relation("payment_intent", _("Payment")),
                columns.enum("reason"),
                columns.enum("failure_reason"),
                columns.relation("balance_transaction"),
            ),
        ),
    )
    detail_select_related = ("balance_transaction",)
    related = (
        moved_by_it(),
        Related(
            title=_("Credit notes"),
            object="credit_note",
            lookup="refund",
            columns=(columns.linked(_("Credit note"), display.name_of), columns.STATUS, columns.amount("total")),
            if_any=True,
        ),
    )
