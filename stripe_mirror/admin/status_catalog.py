"""Status in words of customers and of what belongs to them or makes things cheaper, none of which has a status."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin.display import day_text, words
from stripe_mirror.admin.status_base import State, Status, states_of
from stripe_mirror.models.fields import is_flag

VERIFICATION = {"pending": "info", "verified": "success", "unverified": "warning", "unavailable": "neutral"}


PAST_DUE, VALID, INVALID = "past_due", "valid", "invalid"
DETACHED, EXPIRED, EXPIRES = "detached", "expired", "expires"
CUSTOMER = states_of(
    State(PAST_DUE, gettext_lazy("Past due"), "warning", lambda: is_flag("delinquent", True)),
)
COUPON = states_of(
    State(VALID, gettext_lazy("Valid"), "success", lambda: is_flag("valid", True)),
    State(INVALID, gettext_lazy("No longer valid"), "neutral", lambda: is_flag("valid", False)),
)


def _expires_some_day() -> Q:
    return Q(customer__isnull=False, exp_year__gt=0, exp_month__gt=0)


def _has_expired() -> Q:
    today = timezone.localdate()
    # The first part is where the index on the expiry ends.
    past = Q(exp_year__lte=today.year) & (Q(exp_year__lt=today.year) | Q(exp_month__lt=today.month))
    return _expires_some_day() & past


def _expires() -> Q:
    today = timezone.localdate()
    ahead = Q(exp_year__gte=today.year) & (Q(exp_year__gt=today.year) | Q(exp_month__gte=today.month))
    return _expires_some_day() & ahead


_EXPIRY = gettext_lazy("expiry")
PAYMENT_METHOD = states_of(
    State(
        EXPIRED,
        gettext_lazy("Expired"),
        "danger",
        _has_expired,
        orders_by=("-exp_year", "-exp_month", "-pk"),
        order_words=_EXPIRY,
    ),
    State(
        EXPIRES,
        gettext_lazy("Expires"),
        "neutral",
        _expires,
        orders_by=("exp_year", "exp_month", "pk"),
        order_words=_EXPIRY,
    ),
    State(DETACHED, gettext_lazy("Detached"), "neutral", lambda: Q(customer__isnull=True)),
)


def customer_status(row: Any) -> Status | None:
    """Stripe's flag for an unpaid latest invoice."""
    return CUSTOMER[PAST_DUE].says() if row.delinquent else None


def payment_method_status(row: Any) -> Status | None:
    """Expiry of cards; a method without a customer can't be charged again."""
    if row.customer_id is None:
        return PAYMENT_METHOD[DETACHED].says()
    if (row.exp_year or 0) <= 0 or (row.exp_month or 0) <= 0:
        return None
    today, expiry = timezone.localdate(), (row.exp_year, row.exp_month)
    month = f"{row.exp_month:02}/{row.exp_year}"
    if expiry < (today.year, today.month):
        return PAYMENT_METHOD[EXPIRED].says(_("Expired %(month)s") % {"month": month})
    tone = "warning" if expiry == (today.year, today.month) else ""
    return PAYMENT_METHOD[EXPIRES].says(_("Expires %(month)s") % {"month": month}, tone=tone)


def coupon_status(row: Any) -> Status | None:
    """Whether it can still be redeemed; nothing to say where Stripe doesn't."""
    return None if row.valid is None else COUPON[VALID if row.valid else INVALID].says()


def promotion_code_status(row: Any) -> Status:
    """Whether customers can still use it, and why not."""
    if row.expires_at and row.expires_at <= timezone.now():
        return Status(_("Expired on %(day)s") % {"day": day_text(row.expires_at)})
    if row.max_redemptions and (row.times_redeemed or 0) >= row.max_redemptions:
        return Status(_("Used up"))
    if not row.active:
        return Status(_("Inactive"))
    until = _("Active until %(day)s") % {"day": day_text(row.expires_at)} if row.expires_at else _("Active")
    return Status(until, "success")


def discount_status(row: Any) -> Status | None:
    """Until when it lowers what is billed; nothing to say where Stripe names no end."""
    if not row.end:
        return None
    if row.end <= timezone.now():
        return Status(_("Ended on %(day)s") % {"day": day_text(row.end)})
    return Status(_("Until %(day)s") % {"day": day_text(row.end)}, "success")


def tax_id_status(row: Any) -> Status | None:
    """Stripe's check with the authorities; not every country has one."""
    value = row.verification_status
    if not value:
        return None
    named = {
        "pending": _("Pending"),
        "verified": _("Verified"),
        "unverified": _("Unverified"),
        "unavailable": _("Unavailable"),
    }
    return Status(named.get(value) or words(value), VERIFICATION.get(value, "neutral"))


def default_status(row: Any) -> Status | None:
    """Of a kind without words of its own: Stripe's status, or whether it is active."""
    if getattr(row, "status", None):
        return Status(words(row.status))
    if hasattr(row, "active"):
        return Status(_("Active"), "success") if row.active else Status(_("Archived"))
    return None
