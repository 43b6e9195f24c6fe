"""What items of a subscription cost per period, and less discounts: for the next charge, which is "about" so much.

What they are worth a month is another question, answered by `figures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any


def item_amount(item: Mapping[str, Any]) -> Decimal | None:
    """What an item costs per period, in minor units with their fractions; None without a fixed amount."""
    price = item.get("price")
    if not isinstance(price, Mapping) or not isinstance(price.get("recurring"), Mapping):
        return None
    if price["recurring"].get("usage_type") == "metered":
        return None
    each = price.get("unit_amount_decimal") if price.get("unit_amount") is None else price.get("unit_amount")
    quantity = item.get("quantity")
    try:
        amount = Decimal(str(each))
    except InvalidOperation:
        return None
    if not amount.is_finite():
        return None
    return amount * (quantity if isinstance(quantity, int) and not isinstance(quantity, bool) else 1)


def discounted(amount: Decimal, currency: str, coupons: Iterable[Any]) -> Decimal:
    """Less what coupons take off, in the order given; never below nothing."""
    for coupon in coupons:
        if coupon.percent_off is not None:
            amount -= amount * coupon.percent_off / 100
        elif coupon.amount_off is not None and (coupon.currency or "") == currency:
            amount -= coupon.amount_off
    return max(amount, Decimal(0)) if coupons else amount


def rounded(amount: Decimal) -> int:
    """To whole minor units."""
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))
