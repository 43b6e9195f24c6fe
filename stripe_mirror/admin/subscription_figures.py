"""The figures in the head of a subscription's page, and what a schedule has planned for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.customer.figures import Figure, next_figure, per_currency
from stripe_mirror.admin.customer.next_charge import renewal
from stripe_mirror.admin.detail import may_view
from stripe_mirror.figures.now import monthly_now
from stripe_mirror.models import Discount, InvoiceItem

NEWEST = 25


@dataclass
class OwnRecords:
    """What comes with a subscription's next invoice."""

    discounts: list[Any] = field(default_factory=list)
    pending_items: list[Any] = field(default_factory=list)

    def discounts_of(self, subscription: Any) -> list[Any]:
        """Its own."""
        return self.discounts


def own_records(request: HttpRequest, row: Any) -> OwnRecords:
    """Of what this person may see."""
    found = OwnRecords()
    if may_view(request.user, "discount"):
        rows = Discount.objects.filter(subscription=row.pk, deleted_at=None).select_related("coupon")
        found.discounts = list(rows[:NEWEST])
    if may_view(request.user, "invoiceitem") and row.customer_id:
        waiting = InvoiceItem.objects.filter(customer=row.customer_id, invoice=None, deleted_at=None)
        found.pending_items = list(waiting[:NEWEST])
    return found


def figures(request: HttpRequest, row: Any) -> list[Figure]:
    """What it brings a month, when it is charged next, and what lowers that."""
    records = own_records(request, row)
    try:
        return [*_figures(row, records)]
    except display.ODD_SHAPE:
        return [Figure(_("Next charge"), display.UNREADABLE)]


def _figures(row: Any, records: OwnRecords) -> list[Figure]:
    found = [
        next_figure(renewal(row, records), subscription=row),
        Figure(_("MRR"), per_currency(monthly_now(row, records.discounts))),
    ]
    terms = [discount.coupon.terms for discount in records.discounts if discount.coupon]
    if terms:
        found.append(Figure(_("Discount"), display.plain(", ".join(filter(None, terms))), tone="success"))
    waiting = [item for item in records.pending_items if item.subscription_id in (None, row.pk)]
    if waiting:
        sums: dict[str, int] = {}
        for item in waiting:
            sums[item.currency or ""] = sums.get(item.currency or "", 0) + (item.amount or 0)
        found.append(Figure(_("Waiting for the next invoice"), format_html("{}", per_currency(sums))))
    return found
