"""What a mirrored subscription says of itself: its status, its items, what it charges, and what forbids changing it.

Pure readings that never fail on an odd shape, shared by the operations of this family.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stripe_mirror.models import Invoice, Price, StripeObject, SubscriptionItem
from stripe_mirror.money import format_money, totals
from stripe_mirror.push import state
from stripe_mirror.push.errors import ODD_SHAPE_WORDS

ENDED = frozenset({"canceled", "incomplete_expired"})
AUTOMATIC, BY_INVOICE = "charge_automatically", "send_invoice"


def status_of(row: StripeObject) -> str:
    """Its status; "" where it has none that a status could be."""
    return state.text(row.data.get("status"))


def why_not_changeable(row: StripeObject) -> str:
    """What forbids any change of a subscription."""
    status = row.data.get("status")
    if not isinstance(status, str):
        return str(ODD_SHAPE_WORDS)
    if row.deleted_at or status in ENDED:
        return _("This subscription has ended (it is %(status)s). Stripe can't change it any more.") % {
            "status": status
        }
    if schedule := state.look_up(row.data, ("schedule",)):
        return _("This subscription follows the schedule %(schedule)s. Release that first, or change it in Stripe.") % {
            "schedule": schedule
        }
    return ""


def why_not_billable(row: StripeObject) -> str:
    """What forbids a change of what is billed, or how."""
    if reason := why_not_changeable(row):
        return reason
    if status_of(row) == "incomplete":
        return _("Its first invoice isn't paid yet (it is incomplete). Until then Stripe refuses this change.")
    return ""


def is_paused(row: StripeObject) -> bool:
    """Whether all of it is paused, not only its collection (S41)."""
    return status_of(row) == "paused"


def collects(row: StripeObject) -> str:
    """How its invoices are paid: `charge_automatically` or `send_invoice`."""
    return state.text(row.data.get("collection_method"))


def is_flexible(row: StripeObject) -> bool:
    """Whether it is billed in the newer way, which can be paused; older objects name no mode."""
    return bool(state.look_up(row.data, ("billing_mode", "type")) == "flexible")


def currency_of(row: StripeObject) -> str:
    """Its currency, as Stripe writes it."""
    return state.text(row.data.get("currency"))


def items_of(row: StripeObject) -> list[dict[str, Any]]:
    """Its items, oldest first; those that Stripe's list cut off come from their own rows."""
    held = row.data.get("items")
    held = held if isinstance(held, Mapping) else {}
    shown = held.get("data")
    items = [item for item in shown if isinstance(item, dict)] if isinstance(shown, list) else []
    if held.get("has_more"):
        known = [str(item.get("id")) for item in items]
        others = SubscriptionItem.objects.alive().filter(subscription=row.pk).exclude(pk__in=known)
        items += [other.data for other in others.order_by("created", "pk")]
    return items


def item_named(row: StripeObject, item_id: str) -> dict[str, Any]:
    """One of its items; {} where it has no such."""
    return next((item for item in items_of(row) if item.get("id") == item_id), {})


def price_of(item: Mapping[str, Any]) -> dict[str, Any]:
    """An item's price, which Stripe gives whole."""
    price = item.get("price")
    return price if isinstance(price, dict) else {}


def is_metered(price: Mapping[str, Any]) -> bool:
    """Whether it charges for usage, so that there is no quantity to set."""
    return bool(state.look_up(price, ("recurring", "usage_type")) == "metered")


def price_words(price: Mapping[str, Any]) -> str:
    """A price by its product and amount: "Gold · €29.00 / month"."""
    known = Price(id=str(price.get("id") or ""), data=dict(price))
    row = Price.objects.filter(pk=known.pk).select_related("product").first()
    product = row.product if row else None
    return f"{product} · {known}" if product else str(known)


def item_words(item: Mapping[str, Any]) -> str:
    """An item by its price and quantity: "Gold · €29.00 / month × 3"."""
    quantity = item.get("quantity")
    words = price_words(price_of(item))
    return f"{words} × {quantity}" if quantity not in (None, 1) else words


def period_end(row: StripeObject) -> int | None:
    """When the earliest period of its items ends, in Unix seconds; on the subscription itself until 2025."""
    ends = [item.get("current_period_end") for item in items_of(row)] + [row.data.get("current_period_end")]
    return min((end for end in ends if isinstance(end, int)), default=None)


def charges_per_period(row: StripeObject) -> list[tuple[int, str]]:
    """What each item charges per its period, in minor units; tiers and metered prices have no fixed amount."""
    items = (row.data.get("items") or {}).get("data") or []
    charges = []
    for item in items:
        price = item.get("price") or {}
        each = price.get("unit_amount_decimal") or price.get("unit_amount")
        if each is not None and item.get("quantity") is not None:
            whole = (Decimal(str(each)) * item["quantity"]).quantize(Decimal(1), ROUND_HALF_UP)
            charges.append((int(whole), str(price["currency"])))
    return charges


def invoices_in_words(row: StripeObject, status: str) -> str:
    """Its invoices of this status, with what is left to pay of them: "2 invoices (€58.00)"; "" where there are none."""
    held = Invoice.objects.alive().filter(subscription=row.pk, status=status) if row.pk else Invoice.objects.none()
    amounts = list(held.values_list("amount_remaining", "currency"))
    if not amounts:
        return ""
    sums = totals((amount or 0, currency or "") for amount, currency in amounts)
    words = ngettext("%(number)s invoice (%(amounts)s)", "%(number)s invoices (%(amounts)s)", len(amounts))
    return words % {"number": len(amounts), "amounts": ", ".join(format_money(a, c) for c, a in sums.items())}
