"""Discounts on subscriptions and invoices: made from coupons, used up, taken off what is billed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.billing.money import rounded
from tests.sandbox.billing.periods import add
from tests.sandbox.errors import invalid
from tests.sandbox.expand import render
from tests.sandbox.store import Row


def resolve(sandbox: Any, asked: Any, *, customer: str, **owner: Any) -> list[str]:
    """The discount ids for a `discounts` parameter: kept ones by id, new ones made from coupons."""
    ids: list[str] = []
    for position, entry in enumerate(asked or []):
        if entry.get("discount"):
            sandbox.refer("discount", entry["discount"], f"discounts[{position}][discount]")
            ids.append(entry["discount"])
        elif entry.get("coupon"):
            ids.append(_make(sandbox, entry["coupon"], f"discounts[{position}][coupon]", customer=customer, **owner))
        else:
            raise invalid("Specify a coupon or a discount.", param=f"discounts[{position}]")
    return ids


def check(sandbox: Any, asked: Any) -> None:
    """Refuse a `discounts` parameter that names what does not exist, before anything is changed."""
    for position, entry in enumerate(asked or []):
        if entry.get("discount"):
            sandbox.refer("discount", entry["discount"], f"discounts[{position}][discount]")
        elif entry.get("coupon"):
            _valid_coupon(sandbox, entry["coupon"], f"discounts[{position}][coupon]")


def _valid_coupon(sandbox: Any, coupon_id: str, param: str) -> Row:
    coupon: Row = sandbox.refer("coupon", coupon_id, param)
    if not render(sandbox, coupon)["valid"]:
        raise invalid(f"Coupon expired: {coupon_id}", code="coupon_expired", param=param)
    return coupon


def _make(
    sandbox: Any, coupon_id: str, param: str, *, customer: str, subscription: str | None = None, **owner: Any
) -> str:
    coupon = _valid_coupon(sandbox, coupon_id, param)
    now = sandbox.now()
    months = coupon["duration_in_months"]
    row: Row = {
        "id": sandbox.new_id("di_", 24),
        "object": "discount",
        "checkout_session": None,
        "customer": customer,
        "customer_account": None,
        "end": add(now, "month", months) if coupon["duration"] == "repeating" else None,
        "invoice": owner.get("invoice"),
        "invoice_item": None,
        "promotion_code": None,
        "source": {"coupon": coupon_id, "type": "coupon"},
        "start": now,
        "subscription": subscription,
        "subscription_item": None,
    }
    products = sandbox.table("coupon").private.get(coupon_id, {}).get("products")
    terms = {key: coupon[key] for key in ("percent_off", "amount_off", "currency", "duration")}
    sandbox.insert(row)
    sandbox.table("discount").secret(row["id"]).update(terms, products=products)
    with sandbox.edit("coupon", coupon_id, event="coupon.updated"):
        coupon["times_redeemed"] += 1
    if subscription:
        sandbox.tell("customer.discount.created", row)
    return str(row["id"])


def drop(sandbox: Any, discount_id: str) -> None:
    """End a discount; it stays known for the invoices that show it."""
    if discount_id in sandbox.table("discount").rows:
        sandbox.remove("discount", discount_id, event="customer.discount.deleted")


def still_valid(sandbox: Any, discount_ids: list[str]) -> list[str]:
    """The discounts that a new invoice gets: not past their end, and a `once` only once."""
    valid = []
    for discount_id in discount_ids:
        row = sandbox.table("discount").rows.get(discount_id)
        if row is None:
            continue
        terms = sandbox.table("discount").private[discount_id]
        used = terms["duration"] == "once" and terms.get("used")
        if not used and (row["end"] is None or row["end"] > sandbox.now()):
            valid.append(discount_id)
    return valid


def amounts(sandbox: Any, lines: list[Row], discount_ids: list[str], currency: str) -> None:
    """Write each line's `discount_amounts`."""
    left = {line["id"]: line["amount"] for line in lines}
    for line in lines:
        line["discount_amounts"] = []
    for discount_id in discount_ids:
        terms = sandbox.table("discount").private[discount_id]
        eligible = [
            line for line in lines if line["discountable"] and left[line["id"]] > 0 and _covers(sandbox, terms, line)
        ]
        for line, amount in _split(terms, eligible, left, currency):
            line["discount_amounts"].append({"amount": amount, "discount": discount_id})
            left[line["id"]] -= amount


def _covers(sandbox: Any, terms: Row, line: Row) -> bool:
    if terms["products"] is None:
        return True
    pricing = line["pricing"]
    return bool(pricing and pricing["price_details"]["product"] in terms["products"])


def _split(terms: Row, lines: list[Row], left: dict[str, int], currency: str) -> list[tuple[Row, int]]:
    if terms["percent_off"] is not None:
        share = Decimal(str(terms["percent_off"])) / 100
        return [(line, rounded(left[line["id"]] * share, currency)) for line in lines]
    if terms["currency"] != currency or not lines:
        return []
    total = sum(left[line["id"]] for line in lines)
    rest = off = min(terms["amount_off"], total)
    split = []
    for line in lines[:-1]:
        part = rounded(Decimal(off * left[line["id"]]) / total, currency)
        split.append((line, part))
        rest -= part
    return [*split, (lines[-1], rest)]
