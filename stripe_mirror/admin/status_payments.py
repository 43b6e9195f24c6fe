"""Status in words of how money comes in and goes back: payments, charges, refunds, setups and Checkout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin.display import day_text, from_unix
from stripe_mirror.admin.status_balance import charge_dispute_words
from stripe_mirror.admin.status_base import OTHER, State, Status, held, state_of, states_of, unknown
from stripe_mirror.admin.status_reads import all_read, read_by, refund_on_its_way
from stripe_mirror.admin.status_reasons import reason
from stripe_mirror.models import Refund
from stripe_mirror.models.fields import Common
from stripe_mirror.money import format_money

FAILED, INCOMPLETE = "failed", "incomplete"
ON_ITS_WAY = ("pending", "requires_action")


def _attempt_failed() -> Q:
    return Q(status="requires_payment_method", error_code__isnull=False)


def _no_attempt() -> Q:
    return Q(status="requires_payment_method", error_code__isnull=True)


# What payments and setups share.
_ATTEMPTS = (
    State(FAILED, gettext_lazy("Failed"), "danger", _attempt_failed),
    State(INCOMPLETE, gettext_lazy("Incomplete"), "warning", _no_attempt),
    State("requires_payment_method", gettext_lazy("Needs a payment method"), "warning", offered=False),
    State("requires_confirmation", gettext_lazy("Needs confirmation"), "warning"),
    State("requires_action", gettext_lazy("Needs authentication"), "warning"),
    State("processing", gettext_lazy("Processing"), "info"),
)
SETUP_INTENT = states_of(
    State("succeeded", gettext_lazy("Succeeded"), "success"),
    *_ATTEMPTS,
    State("canceled", gettext_lazy("Canceled")),
)


# Conditions on a charge, which `at` leads to: "" in charges, "latest_charge__" in payments.
def _on(at: str, **conditions: Any) -> Q:
    return Q(**{f"{at}{name}": value for name, value in conditions.items()})


def _waiting() -> QuerySet[Refund]:
    """Refunds that are on their way (S35)."""
    return Refund.objects.filter(refund_on_its_way(), charge__isnull=False)


def _refund_is_pending(at: str) -> Q:
    # The few refunds are read once: a correlated condition would ask for the refunds of each charge.
    return _on(at, pk__in=_waiting().values("charge_id"))


def _no_refund_is_pending(at: str) -> Q:
    # Of each charge that the other conditions find: PostgreSQL thinks "not in" of a list dear for each row anew.
    return ~Q(Exists(_waiting().filter(charge_id=OuterRef(f"{at}id"))))


def _undisputed(at: str) -> Q:
    # By the condition of an index: `disputed = false` would be another one.
    return ~_on(at, disputed=True)


def _refund_pending(at: str = "") -> Q:
    return _undisputed(at) & _refund_is_pending(at)


def _refunded(at: str = "") -> Q:
    return _on(at, refunded=True) & _undisputed(at) & _no_refund_is_pending(at)


def _partially_refunded(at: str = "") -> Q:
    return _on(at, amount_refunded__gt=0) & ~_on(at, refunded=True) & _undisputed(at) & _no_refund_is_pending(at)


def _disputed(at: str = "") -> Q:
    return _on(at, disputed=True)


def _uncaptured() -> Q:
    return Q(_succeeded(), captured=False, failure_code__isnull=True) & _nothing_back()


def _collected() -> Q:
    return Q(status="succeeded") & ~Q(captured=False, failure_code__isnull=True) & _nothing_back()


def _nothing_back() -> Q:
    sent = Q(refunded=True) | Q(amount_refunded__gt=0)
    return ~sent & _undisputed("") & _no_refund_is_pending("")


def _succeeded() -> Q:
    """Said so that SQLite doesn't walk all of them by the index on status, where few are sought by another."""
    return Q(Exact(Common("status"), "succeeded"))


COLLECTED, REFUND_PENDING, DISPUTED = "collected", "refund_pending", "disputed"
REFUNDED, PARTIALLY_REFUNDED, UNCAPTURED = "refunded", "partially_refunded", "uncaptured"
CHARGE = states_of(
    State(COLLECTED, gettext_lazy("Succeeded"), "success", _collected),
    State(REFUNDED, gettext_lazy("Refunded"), "neutral", _refunded, dear=True),
    State(PARTIALLY_REFUNDED, gettext_lazy("Partially refunded"), "info", _partially_refunded, dear=True),
    State(REFUND_PENDING, gettext_lazy("Refund pending"), "info", _refund_pending, dear=True),
    State(DISPUTED, gettext_lazy("Disputed"), "danger", _disputed),
    State(UNCAPTURED, gettext_lazy("Uncaptured"), "info", _uncaptured, dear=True),
    State("pending", gettext_lazy("Pending"), "info"),
    State("failed", gettext_lazy("Failed"), "danger"),
    State("succeeded", gettext_lazy("Succeeded, whatever became of it"), "success", offered=False),
)


_BACK = {
    REFUNDED: _refunded,
    PARTIALLY_REFUNDED: _partially_refunded,
    REFUND_PENDING: _refund_pending,
    DISPUTED: _disputed,
}
# As the index of such charges has them.
_BY_CHARGE = ("-latest_charge__created", "-pk")
_CHARGED = gettext_lazy("date of the charge")


def _of_payments(key: str, condition: Callable[[str], Q]) -> State:
    """A state of charges as one of their payments: the few of which money went back are found by the charges."""
    of_charges = CHARGE[key]

    def where() -> Q:
        return Q(_succeeded(), condition("latest_charge__"))

    return State(key, of_charges.label, of_charges.tone, where, orders_by=_BY_CHARGE, order_words=_CHARGED)


PAYMENT_INTENT = states_of(
    State("succeeded", gettext_lazy("Succeeded"), "success"),
    *(_of_payments(key, condition) for key, condition in _BACK.items()),
    *_ATTEMPTS,
    State("requires_capture", gettext_lazy("Uncaptured"), "info"),
    State("canceled", gettext_lazy("Canceled")),
)
REFUND = states_of(
    State("succeeded", gettext_lazy("Refunded"), "success"),
    State("pending", gettext_lazy("Refund pending"), "info"),
    State("requires_action", gettext_lazy("Refund needs the customer"), "warning"),
    State("failed", gettext_lazy("Refund failed"), "danger"),
    State("canceled", gettext_lazy("Refund canceled")),
)


def _is_complete_unpaid() -> Q:
    return Q(status="complete", payment_status="unpaid")


PAYMENT_PENDING = "payment_pending"
CHECKOUT_SESSION = states_of(
    State("open", gettext_lazy("Open"), "info"),
    State("complete", gettext_lazy("Complete"), "success"),
    State(PAYMENT_PENDING, gettext_lazy("Complete, payment pending"), "warning", _is_complete_unpaid),
    State("expired", gettext_lazy("Expired")),
)


def payment_intent_status(row: Any) -> Status:
    """A payment that was declined says why; one that went through, what became of the money since.

    That is known by the charge, where the row was read together with it.
    """
    state = state_of(PAYMENT_INTENT, row)
    if state is None:
        return unknown(row)
    charge = read_by(row, "latest_charge")
    if row.status == "succeeded" and charge is not None:
        return _paid(row, charge, state)
    if row.status == "requires_capture":
        return state.says("", _expires(charge))
    return _attempt(row, PAYMENT_INTENT)


def _paid(row: Any, charge: Any, state: State) -> Status:
    """The charge's words, found by the payment's state, too."""
    since = _money_back(charge, row, (state.key,))
    if since:
        return since
    failed = _failed_refund(_refunds(charge, row))
    return state.says("", failed, tone="warning" if failed else "")


def _attempt(row: Any, states: dict[str, State]) -> Status:
    """What payments and setups share: a payment method that failed or is missing."""
    state = states[row.status]
    if row.status == "requires_payment_method":
        found = states[INCOMPLETE] if row.error_code is None else states[FAILED]
        return found.says(cause=reason(row.error_code, row.decline_code), also=(row.status,))
    why = held(row, "cancellation_reason") if row.status == "canceled" else None
    return state.says(cause=reason(why) if isinstance(why, str) else "")


def charge_status(row: Any) -> Status:
    """What became of the money, before what became of the attempt."""
    state = state_of(CHARGE, row)
    own = (state.key if state else OTHER,)
    if since := _money_back(row, row, own):
        return since
    if state is None:
        return unknown(row)
    if row.status != "succeeded":
        return state.says(cause=reason(row.failure_code) if row.status == "failed" else "")
    failed = _failed_refund(_refunds(row, row))
    return CHARGE[_kept(row)].says("", failed or _expires(row), tone="warning" if failed else "", also=own)


def _kept(charge: Any) -> str:
    """The state of a charge of which nothing went back."""
    return UNCAPTURED if charge.captured is False and charge.failure_code is None else COLLECTED


def _money_back(charge: Any, read: Any, also: tuple[str, ...]) -> Status | None:
    """A dispute or refunds of a charge; `read` is the row that they were read with.

    Stripe counts a refund as soon as it is asked for; here it counts once it isn't on its way any more (S35).
    """
    if charge.disputed:
        head, cause, tone = charge_dispute_words(all_read(read, "disputes"))
        return CHARGE[DISPUTED].says(head, cause=cause, tone=tone, also=also)
    refunds = _refunds(charge, read)
    waiting = [refund.amount or 0 for refund in refunds if refund.status in ON_ITS_WAY]
    if waiting:
        return CHARGE[REFUND_PENDING].says(cause=format_money(sum(waiting), charge.currency), also=also)
    if charge.refunded:
        return CHARGE[REFUNDED].says(also=also)
    if (charge.amount_refunded or 0) <= 0:
        return None
    failed = _failed_refund(refunds)
    amounts = {"part": format_money(charge.amount_refunded, charge.currency), "whole": _whole(charge)}
    part = _("%(part)s of %(whole)s") % amounts
    return CHARGE[PARTIALLY_REFUNDED].says("", part, failed, tone="warning" if failed else "", also=also)


def _refunds(charge: Any, read: Any) -> list[Any]:
    """Newest first; asked for where money went back and they weren't read with the row."""
    found = all_read(read, "refunds")
    if found is None and charge.amount_refunded:
        found = list(Refund.objects.filter(charge=charge.pk).defer("data"))
    return [refund for refund in found or () if refund.charge_id in (None, charge.pk)]


def _failed_refund(refunds: list[Any]) -> str:
    """The newest refund, where it failed: whoever asked for it thinks that the money is back."""
    if not refunds or refunds[0].status != "failed":
        return ""
    return _("refund of %(amount)s failed") % {"amount": format_money(refunds[0].amount, refunds[0].currency)}


def _whole(charge: Any) -> str:
    captured = charge.amount_captured
    return format_money(captured if captured is not None else charge.amount, charge.currency)


def _expires(charge: Any) -> str:
    """Until when money that is only held can be captured, where the charge was read as a whole."""
    before = held(charge, "payment_method_details", "card", "capture_before") if charge is not None else None
    day = day_text(from_unix(before))
    return _("expires on %(day)s") % {"day": day} if day else ""


def refund_status(row: Any) -> Status:
    """ "Refund pending" rather than "Pending": the words also stand beside payments."""
    state = state_of(REFUND, row)
    if state is None:
        return unknown(row)
    why = {"failed": row.failure_reason, "pending": held(row, "pending_reason")}.get(row.status)
    # That it is processed is what one expects.
    return state.says(cause=reason(why) if isinstance(why, str) and why != "processing" else "")


def setup_intent_status(row: Any) -> Status:
    """One that failed or was given up says why."""
    return _attempt(row, SETUP_INTENT) if state_of(SETUP_INTENT, row) else unknown(row)


def checkout_session_status(row: Any) -> Status:
    """A complete session is not always paid: some methods take days."""
    state = state_of(CHECKOUT_SESSION, row)
    if state is None:
        return unknown(row)
    if row.status == "complete" and row.payment_status == "unpaid":
        return CHECKOUT_SESSION[PAYMENT_PENDING].says(also=("complete",))
    if row.status == "complete" and row.payment_status == "paid":
        return state.says("", _("paid"))
    if row.status == "open" and row.expires_at:
        return state.says(_("Open until %(day)s") % {"day": day_text(row.expires_at)})
    return state.says()
