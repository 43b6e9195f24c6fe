"""Views that everybody has: declared here, by kind; saved ones stand beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class ReadyView:
    """A view in code: its key in addresses, its name and the list's address behind the question mark."""

    key: str
    name: Any
    query: str
    columns: tuple[str, ...] = ()
    shared: bool = True
    owner_id: int | None = None


READY: dict[str, tuple[ReadyView, ...]] = {
    "customer": (ReadyView("past_due", _("Past due"), "status=past_due"),),
    "subscription": (
        ReadyView("past_due", _("Past due"), "status=past_due"),
        ReadyView("trial_ends", _("Trial ends soon"), "status=trialing&trial_end_in=next_7_days"),
        ReadyView("ending", _("Ending"), "cancel_at_period_end=yes&deleted=no"),
        ReadyView("canceled", _("Canceled this month"), "ended_at_in=this_month"),
    ),
    "invoice": (
        ReadyView("open", _("Open"), "status=open"),
        ReadyView("overdue", _("Overdue"), "due_date_in=past&status=open"),
        ReadyView("draft", _("Drafts"), "status=draft"),
        ReadyView("paid", _("Paid this month"), "paid_at_in=this_month"),
    ),
    "payment_intent": (
        ReadyView("failed", _("Failed"), "status=requires_payment_method"),
        ReadyView("uncaptured", _("Uncaptured"), "status=requires_capture"),
    ),
    "charge": (
        ReadyView("failed", _("Failed"), "status=failed"),
        ReadyView("disputed", _("Disputed"), "disputed=yes"),
    ),
    "refund": (
        ReadyView("failed", _("Failed"), "status=failed"),
        ReadyView("pending", _("Pending"), "status=pending"),
    ),
    "dispute": (
        ReadyView("response", _("Needs response"), "status=needs_response"),
        ReadyView("due", _("Due in 7 days"), "due_by_in=next_7_days"),
    ),
    "payout": (
        ReadyView("failed", _("Failed"), "status=failed"),
        ReadyView("arriving", _("Arriving"), "arrival_date_in=next_7_days"),
    ),
    "checkout.session": (ReadyView("expired", _("Expired"), "status=expired"),),
    "product": (ReadyView("active", _("Active"), "active=yes"),),
    "price": (ReadyView("active", _("Active"), "active=yes"),),
    "coupon": (ReadyView("valid", _("Valid"), "status=valid"),),
    "promotion_code": (ReadyView("active", _("Active"), "active=yes"),),
}
