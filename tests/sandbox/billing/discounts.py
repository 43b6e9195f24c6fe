"""Discounts on subscriptions and invoices: made from coupons, used up, taken off what is billed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.billing.money import rounded
from tests.sandbox.billing.periods import add
from tests.sandbox.errors import invalid, missing
from tests.sandbox.expand import render
from tests.sandbox.store import Row, clone

UNSURE = (
    "This promotion code cannot be redeemed on a subscription update because it uses the `minimum_amount` restriction "
    "and the amount may change."
)


def resolve(sandbox: Any, asked: Any, *, customer: str, **owner: Any) -> list[str]:
    """The discount ids for a `discounts` parameter: kept ones by id, new ones made from coupons or promotion codes."""
    ids: list[str] = []
    for position, entry in enumerate(asked or []):
        if entry.get("discount"):
            ids.append(entry["discount"])
        else:
            coupon, code = _source(sandbox, entry, f"discounts[{position}]", customer=customer)
            ids.append(_make(sandbox, coupon, code, customer=customer, **owner)["id"])
    return ids


def check(
    sandbox: Any, asked: Any, *, customer: str, within: str = "discounts", subscription: Row | None = None
) -> None:
    """Refuse a `discounts` parameter that names what does not exist, before anything is changed; of a `subscription`
    that runs already, also what it can't have."""
    for position, entry in enumerate(asked or []):
        code = sandbox.table("promotion_code").rows.get(entry.get("promotion_code"))
        if subscription is not None and code is not None and code["restrictions"]["minimum_amount"]:
            raise invalid(UNSURE, param=f"{within}[{position}][promotion_code]")
        if entry.get("discount"):
            sandbox.refer("discount", entry["discount"], f"{within}[{position}][discount]")
            _check_kept(sandbox, entry["discount"], subscription, f"{within}[{position}][discount]")
        else:
            _source(sandbox, entry, f"{within}[{position}]", customer=customer)


def _check_kept(sandbox: Any, discount_id: str, subscription: Row | None, param: str) -> None:
    """A subscription keeps what it has, or takes its customer's."""
    if subscription is None:
        return
    customer = sandbox.table("customer").rows[subscription["customer"]]
    if discount_id not in (*subscription["discounts"], (customer["discount"] or {}).get("id")):
        raise invalid(
            f"The discount {discount_id} is not the current discount on the subscription's customer {customer['id']}. "
            "Discounts can only be applied to a subscription when they are the current customer discount or already "
            "exist on the subscription.",
            param=param,
        )


def _source(sandbox: Any, entry: Row, param: str, *, customer: str) -> tuple[Row, Row | None]:
    if entry.get("promotion_code"):
        code = _usable_code(sandbox, entry["promotion_code"], f"{param}[promotion_code]", customer=customer)
        return sandbox.table("coupon").rows[code["promotion"]["coupon"]], code
    if entry.get("coupon"):
        return _valid_coupon(sandbox, entry["coupon"], f"{param}[coupon]"), None
    raise invalid("Specify a coupon, a promotion code or a discount.", param=param)


def _valid_coupon(sandbox: Any, coupon_id: str, param: str) -> Row:
    coupon: Row = sandbox.refer("coupon", coupon_id, param)
    if not render(sandbox, coupon)["valid"]:
        raise invalid(f"Coupon expired: {coupon_id}", code="coupon_expired", param=param)
    return coupon


def _usable_code(sandbox: Any, code_id: str, param: str, *, customer: str) -> Row:
    code: Row = sandbox.refer("promotion_code", code_id, param)
    if not render(sandbox, code)["active"]:
        raise invalid("This promotion code is not active.", code="promotion_code_inactive", param=param)
    if code["customer"] not in (None, customer):
        raise invalid("This promotion code is for another customer.", param=param)
    paid_before = any(row["status"] == "paid" for row in sandbox.table("invoice").where("customer", customer))
    if code["restrictions"]["first_time_transaction"] and paid_before:
        message = "This promotion code cannot be redeemed because the associated customer has prior transactions."
        raise invalid(message, code="promotion_code_customer_not_first_time", param=param)
    return code


def _make(
    sandbox: Any, coupon: Row, code: Row | None, *, customer: str, subscription: str | None = None, **owner: Any
) -> Row:
    row: Row = {
        "id": sandbox.new_id("di_", 24),
        "object": "discount",
        "checkout_session": None,
        "customer": customer,
        "customer_account": None,
        "invoice": owner.get("invoice"),
        "invoice_item": owner.get("invoice_item"),
        "promotion_code": code["id"] if code else None,
        "subscription": subscription,
        "subscription_item": owner.get("subscription_item"),
        **_terms(sandbox, coupon),
    }
    sandbox.insert(row)
    _redeem(sandbox, row, coupon, code)
    if subscription:  # an invoice's own discounts come and go without events
        sandbox.tell("customer.discount.created", row)
    return row


def _terms(sandbox: Any, coupon: Row) -> Row:
    now = sandbox.now()
    end = add(now, "month", coupon["duration_in_months"]) if coupon["duration"] == "repeating" else None
    return {"end": end, "source": {"coupon": coupon["id"], "type": "coupon"}, "start": now}


def _redeem(sandbox: Any, row: Row, coupon: Row, code: Row | None = None) -> None:
    """Keep the coupon's terms, which outlive it, and count its use."""
    products = sandbox.table("coupon").private.get(coupon["id"], {}).get("products")
    terms = {key: coupon[key] for key in ("percent_off", "amount_off", "currency", "duration")}
    others = sandbox.table("coupon").private.get(coupon["id"], {}).get("currency_options", {})
    terms["amounts_off"] = {currency: option["amount_off"] for currency, option in others.items()}
    sandbox.table("discount").secret(row["id"]).update(terms, products=products, used=False)
    if code is not None:
        with sandbox.edit("promotion_code", code["id"], event="promotion_code.updated"):
            code["times_redeemed"] += 1
    with sandbox.edit("coupon", coupon["id"], event="coupon.updated"):
        coupon["times_redeemed"] += 1


def drop(sandbox: Any, discount_id: str) -> None:
    """End a discount; it stays known for the invoices that show it."""
    row = sandbox.table("discount").rows.get(discount_id)
    if row is not None:
        unheard = row["invoice"] or row["invoice_item"]
        sandbox.remove("discount", discount_id, event=None if unheard else "customer.discount.deleted")


def replace(sandbox: Any, row: Row, asked: Any, **owner: Any) -> None:
    """Have the discounts that a `discounts` parameter asks for and no others."""
    before = row["discounts"]
    row["discounts"] = resolve(sandbox, asked, **owner)
    mine = {name: value for name, value in owner.items() if name != "customer"}
    drop_own(sandbox, [held for held in before if held not in row["discounts"]], **mine)


def drop_own(sandbox: Any, discount_ids: list[str], **owner: Any) -> None:
    """End those of the discounts that are the owner's, and not another object's that it only shows."""
    for discount_id in discount_ids:
        discount = sandbox.table("discount").rows.get(discount_id, {})
        if all(discount.get(name) == value for name, value in owner.items()):
            drop(sandbox, discount_id)


def ended(sandbox: Any, discount_id: str) -> Row:
    """What a request that takes a discount off answers: the discount, marked as deleted."""
    gone: Row = sandbox.table("discount").gone[discount_id]
    return {**{key: value for key, value in gone.items() if key != "end"}, "deleted": True}


def give_to_customer(sandbox: Any, customer_id: str, coupon_id: str) -> Row:
    """Put a coupon on a customer, or another one in its place. No request can do so any more: such discounts come from
    integrations of before 2025-03-31."""
    coupon = _valid_coupon(sandbox, coupon_id, "coupon")
    customer = sandbox.table("customer").rows[customer_id]
    with sandbox.edit("customer", customer_id, event="customer.updated"):
        if customer["discount"] is None:
            row = _make(sandbox, coupon, None, customer=customer_id)
            sandbox.tell("customer.discount.created", row)
        else:
            row = sandbox.table("discount").rows[customer["discount"]["id"]]
            _redeem(sandbox, row, coupon)
            with sandbox.edit("discount", row["id"], event="customer.discount.updated"):
                row.update(_terms(sandbox, coupon), promotion_code=None)
        customer["discount"] = clone(row)
    return row


def take_from_customer(sandbox: Any, customer: Row) -> Row:
    """Take the coupon off a customer."""
    discount_id = customer["discount"]["id"]
    with sandbox.edit("customer", customer["id"], event="customer.updated"):
        customer["discount"] = None
        drop(sandbox, discount_id)
    return ended(sandbox, discount_id)


def take_from_subscription(sandbox: Any, subscription_id: str) -> Row:
    """Take the latest discount off a subscription."""
    row = sandbox.fetch("subscription", subscription_id)
    if not row["discounts"]:
        raise missing("discount", subscription_id)
    with sandbox.edit("subscription", subscription_id, event="customer.subscription.updated"):
        discount_id = row["discounts"].pop()
        drop(sandbox, discount_id)
    return ended(sandbox, discount_id)


def for_invoice(sandbox: Any, subscription: Row) -> list[str]:
    """What a new invoice of a subscription is reduced by: its own discounts, else its customer's."""
    customer = sandbox.table("customer").rows[subscription["customer"]]
    of_customer = [customer["discount"]["id"]] if customer["discount"] else []
    return still_valid(sandbox, subscription["discounts"] or of_customer)


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
    """Write each line's `discount_amounts`: first what is taken off by its own discounts, then by the invoice's."""
    left = {line["id"]: line["amount"] for line in lines}
    for line in lines:
        line["discount_amounts"] = []
        for discount_id in line["discounts"]:
            _take(sandbox, discount_id, [line], left, currency)
    for discount_id in discount_ids:
        _take(sandbox, discount_id, lines, left, currency)


def _take(sandbox: Any, discount_id: str, lines: list[Row], left: dict[str, int], currency: str) -> None:
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
    whole = terms["amount_off"] if terms["currency"] == currency else terms.get("amounts_off", {}).get(currency)
    if whole is None or not lines:
        return []
    total = sum(left[line["id"]] for line in lines)
    rest = off = min(whole, total)
    split = []
    for line in lines[:-1]:
        part = rounded(Decimal(off * left[line["id"]]) / total, currency)
        split.append((line, part))
        rest -= part
    return [*split, (lines[-1], rest)]
