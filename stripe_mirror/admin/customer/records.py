"""What the customer's page reads, once for all of its parts: the newest children, and sums over all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, IntegerField, Q, QuerySet, Sum, Value
from django.http import HttpRequest
from django.utils import timezone

from stripe_mirror.admin.detail import may_view
from stripe_mirror.admin.status_reads import give_disputes
from stripe_mirror.admin.timeline.money import LIMIT
from stripe_mirror.models import (
    Charge,
    CreditNote,
    Customer,
    Discount,
    Dispute,
    Invoice,
    InvoiceItem,
    PaymentIntent,
    Subscription,
)

# As many children as any part of the page looks at; the timeline looks furthest.
NEWEST = LIMIT
FAILED_WITHIN = timedelta(days=90)
OPEN_DISPUTES = ("warning_needs_response", "warning_under_review", "needs_response", "under_review")


@dataclass
class Sums:
    """Over all of the customer's invoices and charges, in minor units per currency (S53)."""

    owed: dict[str, int] = field(default_factory=dict)
    open_invoices: int = 0
    spent: dict[str, int] = field(default_factory=dict)
    refunded: dict[str, int] = field(default_factory=dict)
    payments: int = 0
    failed: int = 0
    disputed: int = 0


@dataclass
class Records:
    """The rows that this person may see; each kind is read when a part of the page first asks for it."""

    request: HttpRequest
    customer: Customer

    @cached_property
    def sums(self) -> Sums:
        """Of everything, not of the newest only: one query."""
        return sums_of(self.customer.pk)

    @cached_property
    def subscriptions(self) -> list[Any]:
        """With their first price."""
        return self._newest(Subscription, "price", "price__product")

    @cached_property
    def invoices(self) -> list[Any]:
        """The newest."""
        return self._newest(Invoice)

    @cached_property
    def payments(self) -> list[Any]:
        """With the disputes about them, where all of those are known: a dispute comes after its payment."""
        found = self._newest(PaymentIntent, "payment_method", "latest_charge")
        if self.sees("dispute"):
            cut = len(self.disputes) >= NEWEST
            since = min(dispute.created for dispute in self.disputes) if cut else None
            give_disputes([row for row in found if since is None or row.created > since], self.disputes)
        return found

    @cached_property
    def pending_items(self) -> list[Any]:
        """What waits for the next invoice."""
        return self._newest(InvoiceItem, invoice=None)

    @cached_property
    def all_discounts(self) -> list[Any]:
        """Also those that have ended."""
        return self._newest(Discount, "coupon")

    @property
    def discounts(self) -> list[Any]:
        """Coupons at work."""
        now = timezone.now()
        return [row for row in self.all_discounts if row.end is None or row.end > now]

    @cached_property
    def credit_notes(self) -> list[Any]:
        """The newest."""
        return self._newest(CreditNote)

    @cached_property
    def disputes(self) -> list[Any]:
        """Of the customer's charges: a dispute names no customer."""
        if not self.sees("dispute"):
            return []
        return list(Dispute.objects.filter(charge__customer=self.customer.pk)[:NEWEST])

    @property
    def open_disputes(self) -> list[Any]:
        """Those that aren't decided."""
        return [row for row in self.disputes if row.status in OPEN_DISPUTES]

    def discounts_of(self, subscription: Any) -> list[Any]:
        """Those of the subscription; else the customer's own."""
        own = [d for d in self.discounts if d.subscription_id == subscription.pk]
        general = (d for d in self.discounts if not (d.subscription_id or d.invoice_id or d.invoice_item_id))
        return own or list(general)

    def sees(self, object_type: str) -> bool:
        """Whether this person may see such objects."""
        return may_view(self.request.user, object_type)

    def _newest(self, model: Any, *select: str, **where: Any) -> list[Any]:
        if not self.sees(model.kind.object):
            return []
        newest = model.objects.filter(customer=self.customer.pk, deleted_at=None, **where).values("pk")[:NEWEST]
        # Which they are is found first: SQLite may sort, and then not whole rows.
        rows: QuerySet[Any] = model.objects.filter(pk__in=newest)
        return list(rows.select_related(*select) if select else rows)


def sums_of(customer_id: str) -> Sums:
    """Owed by open invoices, and paid by charges; a row per currency of each."""
    since = timezone.now() - FAILED_WITHIN
    none = Value(0, output_field=IntegerField())
    owed = (
        Invoice.objects.filter(customer=customer_id, status="open", deleted_at=None)
        .order_by()
        .values("currency")
        .annotate(what=Value("owed"), whole=Sum("amount_remaining"), back=Sum(none), n=Count("id"), f=none, d=none)
    )
    failed, paid = Q(status="failed", created__gte=since), Q(status="succeeded")
    spent = (
        Charge.objects.filter(customer=customer_id)
        .order_by()
        .values("currency")
        .annotate(
            what=Value("spent"),
            whole=Sum("amount_captured", filter=paid),
            back=Sum("amount_refunded", filter=paid),
            n=Count("id", filter=paid),
            f=Count("id", filter=failed),
            d=Count("id", filter=Q(disputed=True)),
        )
    )
    return _summed(owed.union(spent, all=True))


def _summed(rows: Iterable[dict[str, Any]]) -> Sums:
    sums, seen = Sums(), dict.fromkeys(("n", "f", "d"), 0)
    for row in rows:
        code, whole, back = row["currency"] or "", row["whole"] or 0, row["back"] or 0
        if row["what"] == "owed":
            sums.owed[code] = whole
            sums.open_invoices += row["n"]
            continue
        if row["n"]:
            sums.spent[code] = whole - back
            sums.refunded[code] = back
        for name in seen:
            seen[name] += row[name]
    sums.payments, sums.failed, sums.disputed = seen["n"], seen["f"], seen["d"]
    sums.refunded = {code: amount for code, amount in sums.refunded.items() if amount}
    return sums
