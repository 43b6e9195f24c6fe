"""When the customer is charged next and about how much, by what is mirrored. Only Stripe's preview knows exactly.

Taxes, prorations, usage and credit may change it: the page says "about", and offers to ask Stripe.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from stripe_mirror.admin import display
from stripe_mirror.admin.customer.per_period import discounted, item_amount, rounded
from stripe_mirror.admin.customer.records import Records

RENEWING = frozenset({"active", "trialing", "past_due"})


@dataclass(frozen=True)
class NextCharge:
    """What comes next: when, about how much per currency, and from what."""

    at: datetime
    amounts: dict[str, int]
    # The subscription that renews, or the invoice that is tried again.
    row: Any
    exact: bool
    automatic: bool
    more: int = 0


class Waiting(Protocol):
    """What comes with the next invoice beside what renews."""

    @property
    def pending_items(self) -> list[Any]:
        """Invoice items without an invoice."""

    def discounts_of(self, subscription: Any) -> list[Any]:
        """Discounts with their coupons."""


def next_charge(records: Records) -> NextCharge | None:
    """The soonest of renewals and of retries of open invoices; None where nothing will be charged."""
    found = [*(_retry(row) for row in records.invoices), *(renewal(row, records) for row in records.subscriptions)]
    coming = sorted((one for one in found if one is not None), key=lambda one: one.at)
    if not coming:
        return None
    first = coming[0]
    return NextCharge(first.at, first.amounts, first.row, first.exact, first.automatic, more=len(coming) - 1)


def _retry(invoice: Any) -> NextCharge | None:
    if invoice.status != "open" or invoice.next_payment_attempt is None:
        return None
    amounts = {invoice.currency or "": invoice.amount_remaining or 0}
    return NextCharge(invoice.next_payment_attempt, amounts, invoice, exact=True, automatic=True)


def renewal(row: Any, records: Waiting) -> NextCharge | None:
    """When a subscription's items renew next; None where they don't."""
    if row.status not in RENEWING or row.data.get("pause_collection"):
        return None
    ends = period_ends(row)
    at = min(ends.values(), default=row.current_period_end)
    if at is None or ends_before(row, at):
        return None
    due = [item for item in display.entries_of(row.data.get("items")) if ends.get(str(item.get("id")), at) == at]
    automatic = row.collection_method == "charge_automatically"
    return NextCharge(at, _amounts(row, due, records), row, exact=False, automatic=automatic)


def ends_before(row: Any, at: datetime) -> bool:
    """Whether it ends by then, so that nothing is charged."""
    return bool(row.cancel_at_period_end) or (row.cancel_at is not None and row.cancel_at <= at)


def period_ends(row: Any) -> dict[str, datetime]:
    """When each item's period ends; empty where they stand on the subscription, as until 2025 (S15)."""
    ends = {
        str(item.get("id")): display.from_unix(item.get("current_period_end"))
        for item in display.entries_of(row.data.get("items"))
    }
    return {id: end for id, end in ends.items() if end is not None}


def _amounts(row: Any, items: list[Any], records: Waiting) -> dict[str, int]:
    """The items that renew then, less discounts, and what waits for the next invoice."""
    sums: dict[str, Decimal] = {}
    for item in items:
        amount = item_amount(item)
        if amount is not None:
            currency = str(item["price"].get("currency"))
            sums[currency] = sums.get(currency, Decimal(0)) + amount
    coupons = [d.coupon for d in records.discounts_of(row) if d.coupon is not None]
    whole = {code: rounded(discounted(amount, code, coupons)) for code, amount in sums.items()}
    for waiting in records.pending_items:
        code = waiting.currency or ""
        if waiting.subscription_id in (None, row.pk) and code in whole:
            whole[code] += waiting.amount or 0
    return whole
