"""The figures in the head of a customer's page: what answers most questions at a look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from stripe_mirror.admin import display
from stripe_mirror.admin.customer.next_charge import NextCharge, next_charge
from stripe_mirror.admin.customer.records import Records
from stripe_mirror.figures.now import monthly_now
from stripe_mirror.models import Charge, Dispute, Invoice


@dataclass(frozen=True)
class Figure:
    """A number or a fact with its name; `note` says more, `preview` is where Stripe can be asked."""

    label: str
    value: SafeString
    note: SafeString | str = ""
    tone: str = ""
    preview: str = ""


def figures(records: Records) -> list[Figure]:
    """All of them, in the order in which people ask."""
    made = (_owes, _credit, _next, _monthly, _spent, _risk)
    found: list[Figure | None] = [_tried(make, records) for make in made]
    return [figure for figure in found if figure is not None]


def _tried(make: Any, records: Records) -> Figure | None:
    """An object of an odd shape costs its own figure, not the page (S18)."""
    try:
        made: Figure | None = make(records)
    except display.ODD_SHAPE:
        return Figure(make.__name__.strip("_").capitalize(), display.UNREADABLE)
    return made


def per_currency(sums: Mapping[str, int]) -> SafeString:
    """One below the other: currencies are never added up (S53)."""
    shown = [(display.money(amount, code),) for code, amount in sorted(sums.items()) if amount]
    return format_html_join("", "<div>{}</div>", shown) if shown else display.EMPTY


def _owes(records: Records) -> Figure | None:
    if not records.sees("invoice"):
        return None
    sums = records.sums
    debts = {code: amount for code, amount in balances(records.customer).items() if amount > 0}
    owed = {code: sums.owed.get(code, 0) + debts.get(code, 0) for code in {*sums.owed, *debts}}
    note: SafeString | str = ""
    if sums.open_invoices:
        words = ngettext("%(n)s open invoice", "%(n)s open invoices", sums.open_invoices) % {"n": sums.open_invoices}
        note = display.link(words, display.list_url(Invoice, {"customer": records.customer.pk, "status": "open"}))
    elif debts:
        note = _("carried to the next invoice")
    late = bool(records.customer.delinquent)
    return Figure(_("Owes"), per_currency(owed), note, "danger" if late else "warning" if any(owed.values()) else "")


def _credit(records: Records) -> Figure | None:
    credit = {code: -amount for code, amount in balances(records.customer).items() if amount < 0}
    cash = cash_of(records.customer)
    if not credit and not cash:
        return None
    both = {code: credit.get(code, 0) + cash.get(code, 0) for code in {*credit, *cash}}
    note = _("credit balance and cash") if credit and cash else _("cash balance") if cash else _("for later invoices")
    return Figure(_("Credit"), per_currency(both), note, "success")


def balances(customer: Any) -> dict[str, int]:
    """The customer's balance per currency, Stripe's sign: below zero is credit. Older objects have one currency."""
    held = customer.data.get("invoice_credit_balance")
    if isinstance(held, Mapping) and held:
        return {str(code): amount for code, amount in held.items() if isinstance(amount, int)}
    return {customer.currency or "": customer.balance} if customer.balance else {}


def cash_of(customer: Any) -> dict[str, int]:
    """What the customer sent by bank transfer and no invoice took yet."""
    held = customer.data.get("cash_balance")
    available = held.get("available") if isinstance(held, Mapping) else None
    found = available if isinstance(available, Mapping) else {}
    return {str(code): amount for code, amount in found.items() if isinstance(amount, int) and amount}


def _spent(records: Records) -> Figure | None:
    if not records.sees("charge"):
        return None
    sums = records.sums
    words = ngettext("%(n)s payment", "%(n)s payments", sums.payments) % {"n": sums.payments}
    url = display.list_url(Charge, {"customer": records.customer.pk})
    note: SafeString | str = display.link(words, url) if sums.payments else ""
    if sums.refunded:
        back = per_currency_line(sums.refunded)
        note = format_html("{}, {}", note, format_html(_("{amount} refunded"), amount=back))
    return Figure(_("Spent"), per_currency(sums.spent), note)


def per_currency_line(sums: Mapping[str, int]) -> SafeString:
    """Side by side, inside a sentence."""
    return format_html_join(" + ", "{}", [(display.money(amount, code),) for code, amount in sorted(sums.items())])


def _monthly(records: Records) -> Figure | None:
    if not records.sees("subscription"):
        return None
    sums: dict[str, int] = {}
    running = 0
    for row in records.subscriptions:
        amounts = monthly_now(row, reversed(records.all_discounts))
        running += bool(amounts)
        for code, amount in amounts.items():
            sums[code] = sums.get(code, 0) + amount
    words = ngettext("%(n)s subscription", "%(n)s subscriptions", running) % {"n": running}
    return Figure(_("MRR"), per_currency(sums), words if running else "")


def _next(records: Records) -> Figure | None:
    if not records.sees("subscription"):
        return None
    return next_figure(next_charge(records))


def next_figure(coming: NextCharge | None, *, subscription: Any = None) -> Figure:
    """When and how much, with the way to ask Stripe; on the page of a subscription also where nothing is known."""
    ask = preview_url(subscription) if subscription is not None and not subscription.ended_at else ""
    if coming is None:
        return Figure(_("Next charge"), display.EMPTY, _("nothing is going to be charged"), "", ask)
    note = display.day(coming.at) if subscription is not None else _next_note(coming)
    # An invoice that exists has nothing to preview.
    asked = ask or ("" if coming.exact else preview_url(coming.row))
    return Figure(_next_label(coming), _next_value(coming), note, "", asked)


def _next_label(coming: NextCharge) -> str:
    return _("Next charge") if coming.automatic else _("Next invoice")


def _next_value(coming: NextCharge) -> SafeString:
    amount = per_currency_line({code: amount for code, amount in coming.amounts.items() if amount})
    if not amount:
        return display.day(coming.at)
    about = "" if coming.exact else pgettext("before an amount", "about")
    return format_html('<span class="sm-about">{}</span> {}', about, amount) if about else amount


def _next_note(coming: NextCharge) -> SafeString:
    name = display.name_of(coming.row) if coming.exact else display.name_of(coming.row.price or coming.row)
    why = _("another try of") if coming.exact else ""
    more = ngettext(", %(n)s more later", ", %(n)s more later", coming.more) % {"n": coming.more} if coming.more else ""
    link = display.link(name, display.object_url(coming.row))
    return format_html("{} · {} {}{}", display.day(coming.at), why, link, more)


def preview_url(subscription: Any) -> str:
    """Where Stripe is asked."""
    return reverse("admin:stripe_mirror_subscription_upcoming", args=(subscription.pk,))


def _risk(records: Records) -> Figure | None:
    customer, found = records.customer, []
    if records.open_disputes:
        words = ngettext("%(n)s open dispute", "%(n)s open disputes", len(records.open_disputes))
        url = display.object_url(records.open_disputes[0])
        many = len(records.open_disputes) > 1
        shown = words % {"n": len(records.open_disputes)}
        found.append((display.link(shown, display.list_url(Dispute) if many else url), "danger"))
    elif records.sums.disputed and records.sees("charge"):
        words = ngettext("%(n)s payment was disputed", "%(n)s payments were disputed", records.sums.disputed)
        url = display.list_url(Charge, {"customer": customer.pk, "disputed": 1})
        found.append((display.link(words % {"n": records.sums.disputed}, url), "warning"))
    if records.sums.failed and records.sees("charge"):
        words = ngettext("%(n)s failed payment in 90 days", "%(n)s failed payments in 90 days", records.sums.failed) % {
            "n": records.sums.failed
        }
        url = display.list_url(Charge, {"customer": customer.pk, "status": "failed"})
        found.append((display.link(words, url), "warning"))
    if customer.delinquent:
        found.append((display.plain(_("latest invoice unpaid")), "warning"))
    if not found:
        return Figure(_("Risk"), display.plain(_("None seen")), _("no disputes, no failed payments"), "success")
    tone = "danger" if any(tone == "danger" for _words, tone in found) else "warning"
    return Figure(
        _("Risk"),
        format_html_join("", '<div class="sm-figure-line">{}</div>', ((words,) for words, _tone in found)),
        "",
        tone,
    )
