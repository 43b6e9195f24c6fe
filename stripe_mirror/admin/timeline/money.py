"""Money in the timeline: payments, failed attempts, refunds, disputes, credit notes and invoices, one entry each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.invoice_parts import reason_words
from stripe_mirror.admin.status import status_of
from stripe_mirror.admin.timeline.entry import Place
from stripe_mirror.admin.timeline.scope import Scope
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import InvoicePayment

LIMIT = 31
# An invoice that Stripe collects by itself is charged within hours: its payment tells of it.
AT_ONCE = timedelta(days=2)


@dataclass(frozen=True)
class Moved:
    """A row of money with its place; `what` and `detail` are made when it is shown."""

    place: Place
    row: Any
    what: Callable[[Any], SafeString]
    tone: Callable[[Any], str]


@dataclass(frozen=True)
class Source:
    """Where one kind of money comes from, and how it reads."""

    rank: int
    object: str
    rows: Callable[[Scope], QuerySet[Any] | None]
    what: Callable[[Any], SafeString]
    shown: Callable[[Any], bool] = lambda row: True


def read(
    source: Source, scope: Scope, after: Place | None, *, held: list[Any] | None = None
) -> tuple[list[Moved], Place | None]:
    """The newest rows behind a place, and how far back that is where there are more. `held`: the newest, read already,
    as many as `LIMIT` where there are so many."""
    rows = source.rows(scope)
    if rows is None:
        return [], None
    if held is None:
        behind = rows if after is None else rows.filter(after.before(source.rank, "created"))
        held = list(behind.order_by("-created", "-id")[:LIMIT])
    moved = [Moved(Place(row.created, source.rank, row.pk), row, source.what, tone_of) for row in held if row.created]
    oldest = moved[-1].place if moved and len(held) >= LIMIT else None
    return [one for one in moved if source.shown(one.row)], oldest


def tone_of(row: Any) -> str:
    """That of its status; a payment that came in stays good news, whatever was disputed or refunded later."""
    if row.kind.object == "charge" and row.status == "succeeded":
        return "success"
    try:
        status = status_of(row)
    except display.ODD_SHAPE:
        return "neutral"
    return status.tone if status else "neutral"


def charges(scope: Scope) -> QuerySet[Any] | None:
    """With the invoice that each paid."""
    if scope.charges is None:
        return None
    paying = InvoicePayment.objects.filter(payment_intent=OuterRef("payment_intent_id"))
    return scope.charges.annotate(
        for_invoice_id=Subquery(paying.values("invoice_id")[:1]),
        for_invoice=Subquery(paying.values("invoice__number")[:1]),
        for_reason=Subquery(paying.values("invoice__billing_reason")[:1]),
    )


def charged(row: Any) -> SafeString:
    """ "Paid €29.00 with Visa •••• 4242 for invoice ABC-0001", or why not."""
    amount = _linked(row, display.money(row.amount, row.currency))
    card = f"{display.words(row.brand)} •••• {row.last4}" if row.last4 else ""
    if row.status == "failed":
        why = (row.failure_message or display.words(row.failure_code)).rstrip(".")
        head = format_html(_("Payment of {amount} failed"), amount=amount)
        head = format_html("{}{}", head, f": {display.without_secrets(str(why))}" if why else "")
    elif row.status == "succeeded":
        head = format_html(_("Payment of {amount} received"), amount=amount)
    else:
        head = format_html(_("Payment of {amount}: {status}"), amount=amount, status=display.words(row.status))
    if row.for_invoice_id:
        invoice = display.link(row.for_invoice or row.for_invoice_id, _url("invoice", row.for_invoice_id))
        why = display.in_sentence(reason_words(row.for_reason)) if row.for_reason not in (None, "manual") else ""
        head = format_html("{} · {} {}{}", head, _("invoice"), invoice, f", {why}" if why else "")
    elif row.description:
        head = format_html("{} · {}", head, display.without_secrets(row.description))
    return format_html('{} <span class="sm-hint">{}</span>', head, card) if card else head


def refunded(row: Any) -> SafeString:
    """ "Refund of €9.00"; of which payment is said by the link."""
    amount = _linked(row, display.money(row.amount, row.currency))
    ways = {
        "failed": _("Refund of {amount} failed"),
        "pending": _("Refund of {amount} pending"),
        "canceled": _("Refund of {amount} canceled"),
    }
    head = format_html(ways.get(row.status) or _("Refund of {amount}"), amount=amount)
    return format_html("{} · {}", head, display.words(row.reason)) if row.reason else head


def disputed(row: Any) -> SafeString:
    """ "Dispute over €29.00: fraudulent"."""
    head = format_html(_("Dispute over {amount}"), amount=_linked(row, display.money(row.amount, row.currency)))
    return format_html("{}: {}", head, display.in_sentence(display.words(row.reason))) if row.reason else head


def credited(row: Any) -> SafeString:
    """ "Credit note ABC-0001-CN-01 over €9.00"."""
    total = display.money(row.total, row.currency)
    return format_html(_("Credit note {number} over {total}"), number=display.row_link(row), total=total)


def billed(row: Any) -> SafeString:
    """ "Invoice ABC-0001 over €29.00", with what became of it."""
    total = display.money(row.total, row.currency)
    shown = format_html(_("Invoice {number} over {total}"), number=display.row_link(row), total=total)
    status = status_of(row)
    return format_html("{} {}", shown, display.pill(status.text, status.tone)) if status else shown


def tells_by_itself(row: Any) -> bool:
    """Whether no payment tells of it: what Stripe charged at once, or tried to, shows as that payment."""
    if row.collection_method != "charge_automatically" or not row.amount_due:
        return True
    if row.status == "paid":
        return not (row.amount_paid and row.paid_at and row.created and row.paid_at - row.created < AT_ONCE)
    return not row.attempt_count


SOURCES = (
    Source(6, "charge", charges, charged),
    Source(7, "refund", lambda scope: scope.refunds, refunded),
    Source(8, "dispute", lambda scope: scope.disputes, disputed),
    Source(5, "credit_note", lambda scope: scope.credit_notes, credited),
    Source(4, "invoice", lambda scope: scope.invoices, billed, tells_by_itself),
)


def _linked(row: Any, shown: SafeString) -> SafeString:
    return format_html('<a class="sm-link" href="{}">{}</a>', display.object_url(row), shown)


def _url(object_type: str, id: str) -> str:
    return display.admin_url(get_kind(object_type).model, "change", id)
