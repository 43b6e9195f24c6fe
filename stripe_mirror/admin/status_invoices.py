"""Status in words of invoices, what stands on them, what pays them and what is taken off them."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin.display import day_text, from_unix
from stripe_mirror.admin.status_base import State, Status, held, held_amount, state_of, states_of, unknown
from stripe_mirror.admin.status_reads import attempts_of, find_attempts
from stripe_mirror.admin.status_reasons import reason
from stripe_mirror.models import InvoicePayment
from stripe_mirror.money import format_money

OVERDUE, PAYMENT_FAILED = "overdue", "payment_failed"


def _is_overdue() -> Q:
    return Q(status="open", due_date__lt=timezone.now())


def _has_failed() -> Q:
    """An attempt was made and isn't under way any more."""
    # The few payments under way are read once, rather than those of each invoice.
    processing = InvoicePayment.objects.filter(payment_intent__status="processing", invoice__isnull=False)
    return Q(status="open", attempt_count__gt=0) & ~Q(pk__in=processing.values("invoice_id"))


INVOICE = states_of(
    State("draft", gettext_lazy("Draft")),
    State("open", gettext_lazy("Open"), "info"),
    State(OVERDUE, gettext_lazy("Overdue"), "danger", _is_overdue),
    State(PAYMENT_FAILED, gettext_lazy("Payment failed"), "warning", _has_failed),
    State("paid", gettext_lazy("Paid"), "success"),
    State("uncollectible", gettext_lazy("Uncollectible"), "danger"),
    State("void", gettext_lazy("Void")),
)
INVOICE_PAYMENT = states_of(
    State("open", gettext_lazy("Open"), "info"),
    State("paid", gettext_lazy("Paid"), "success"),
    State("canceled", gettext_lazy("Canceled")),
)
CREDIT_NOTE = states_of(
    State("issued", gettext_lazy("Issued"), "success"),
    State("void", gettext_lazy("Void")),
)


def invoice_status(row: Any) -> Status:
    """What it waits for while it is open, and how it was settled after."""
    state = state_of(INVOICE, row)
    if state is None:
        return unknown(row)
    if row.status == "open":
        return _open(row)
    if row.status == "draft":
        return _draft(row, state)
    if row.status == "uncollectible":
        why = held(row, "status_details", "uncollectible", "reason")
        return state.says("", _part_paid(row), cause=reason(why) if isinstance(why, str) else "")
    return _paid(row, state) if row.status == "paid" else state.says()


def _draft(row: Any, state: State) -> Status:
    error = held(row, "last_finalization_error", "code")
    if isinstance(error, str):
        return state.says("", _("could not be finalized: %(reason)s") % {"reason": reason(error)}, tone="warning")
    finalizes = day_text(from_unix(held(row, "automatically_finalizes_at")))
    return state.says("", _("finalizes on %(day)s") % {"day": finalizes} if finalizes else "")


def _open(row: Any) -> Status:
    tried = (row.attempt_count or 0) > 0
    processing = tried and is_processing(row)
    failed = tried and not processing
    overdue = row.due_date is not None and row.due_date < timezone.now()
    also = ("open", *([PAYMENT_FAILED] if failed else []))
    then = (*(tries_of(row) if failed else ()), _("payment processing") if processing else "", _part_paid(row))
    if overdue:
        head = _("Overdue since %(day)s") % {"day": day_text(row.due_date)}
        return INVOICE[OVERDUE].says(head, *then, cause=failure_of(row) if failed else "", also=also)
    due = _("due on %(day)s") % {"day": day_text(row.due_date)} if row.due_date else ""
    if failed:
        return INVOICE[PAYMENT_FAILED].says("", *then, due, cause=failure_of(row), also=also)
    return INVOICE["open"].says("", *then, due)


def tries_of(invoice: Any) -> list[str]:
    """Which attempt to collect it was, and when the next one is."""
    count, following = invoice.attempt_count or 0, invoice.next_payment_attempt
    said = [_("attempt %(number)d") % {"number": count}] if count > 0 else []
    if following and invoice.status == "open":
        said.append(_("next on %(day)s") % {"day": day_text(following)})
    return said


def _part_paid(row: Any) -> str:
    if not row.amount_paid or not row.amount_remaining or row.amount_paid < 0:
        return ""
    return _("%(amount)s paid") % {"amount": format_money(row.amount_paid, row.currency)}


def _paid(row: Any, state: State) -> Status:
    """With what, where it was not simply paid; and what was credited since."""
    credited = held_amount(row, "post_payment_credit_notes_amount")
    before = held_amount(row, "pre_payment_credit_notes_amount")
    total = row.total or 0
    if held_amount(row, "amount_paid_off_stripe") > 0 or held(row, "paid_out_of_band") is True:
        head = _("Paid out of band")
    elif total > 0 and before >= total:
        head, credited = _("Paid, credited in full"), 0
    elif total > 0 and row.amount_due == 0 and held_amount(row, "starting_balance") < 0:
        head = _("Paid with credit")
    else:
        head = _("Paid, nothing was due") if row.total == 0 else ""
    if credited <= 0:
        return state.says(head)
    if total > 0 and credited >= total:
        return state.says(head, _("credited in full"), tone="neutral")
    return state.says(head, _("%(amount)s credited") % {"amount": format_money(credited, row.currency)})


def is_processing(invoice: Any) -> bool:
    """Whether an attempt is under way, as with bank debits; asked for where that wasn't read with the row."""
    attempts = attempts_of(invoice)
    found = find_attempts([invoice.pk]).get(invoice.pk, []) if attempts is None else attempts
    return any(attempt.status == "processing" for attempt in found)


def failure_of(invoice: Any) -> str:
    """Why the newest attempt to pay it failed; "" where that wasn't read."""
    attempts = attempts_of(invoice)
    if not attempts:
        return ""
    if attempts[0].status == "requires_action":
        return _("payment needs authentication")
    return reason(attempts[0].error_code, attempts[0].decline_code)


def invoice_item_status(row: Any) -> Status:
    """Whether it stands on an invoice already."""
    return Status(_("Invoiced")) if row.invoice_id else Status(_("Pending"), "info")


def invoice_payment_status(row: Any) -> Status:
    """As Stripe says it."""
    state = state_of(INVOICE_PAYMENT, row)
    return state.says() if state else unknown(row)


def credit_note_status(row: Any) -> Status:
    """A void one says since when."""
    state = state_of(CREDIT_NOTE, row)
    if state is None:
        return unknown(row)
    since = row.voided_at if row.status == "void" else None
    return state.says(_("Void since %(day)s") % {"day": day_text(since)} if since else "")
