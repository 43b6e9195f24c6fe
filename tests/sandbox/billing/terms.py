"""What a request may ask of a subscription: refused here, before anything is changed."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cards, collection, discounts, items, taxes
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.billing.money import cost
from tests.sandbox.billing.periods import DAY
from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.store import Row

CANCELED_ALLOWS = {"metadata", "cancellation_details", "expand"}
OUTSIDE = "Cannot specify proration date outside of current subscription period or current phase."
FUTURE = "Invalid timestamp: must be an integer Unix timestamp in the future."
LAST_ITEM = (
    "A subscription must have at least one active plan. To cancel a subscription, please use the cancel API endpoint."
)
NEEDS_ACTION = (
    "Payment for this subscription requires additional user action before it can be completed successfully. Payment "
    "can be completed using the PaymentIntent associated with `subscription.latest_invoice`."
)
MOST = 500
INCOMPLETE_ALLOWS = {"metadata", "description", "default_payment_method", "default_source", "expand"}


def check_creation(sandbox: Any, customer: Row, params: Row) -> str:
    """Refuse a new subscription that can't be; the currency of one that can."""
    if not params.get("items"):
        raise invalid("Missing required param: items.", code="parameter_missing", param="items")
    if params.get("payment_behavior") == "pending_if_incomplete":
        message = "Setting `payment_behavior` to `pending_if_incomplete` has no effect when creating a subscription."
        raise invalid(message, param="payment_behavior")
    if params.get("trial_end") and params.get("trial_period_days"):
        message = "You may only specify one of these parameters: trial_end, trial_period_days."
        raise invalid(message, param="trial_period_days")
    check_times(sandbox, params)
    _check_twice(params["items"])
    _check_room(sandbox, customer)
    currency = items.check(sandbox, params["items"], currency=customer["currency"])
    discounts.check(sandbox, params.get("discounts", []), customer=customer["id"])
    _check_items(sandbox, params, customer["id"])
    return str(currency)


def _check_twice(entries: list[Row]) -> None:
    seen: set[str] = set()
    for price in [entry["price"] for entry in entries if "price" in entry]:
        if price in seen:
            message = f"Cannot create a Subscription with multiple Subscription Items with the same Price: {price}"
            raise invalid(message, param="plan")
        seen.add(price)


def _check_room(sandbox: Any, customer: Row) -> None:
    held = sandbox.table("subscription").where("customer", customer["id"])
    if len(held) >= MOST and sum(row["status"] not in life.OVER for row in held) >= MOST:
        raise invalid(f"Customer {customer['id']} has the most subscriptions that there can be ({MOST}).")


def check_update(sandbox: Any, row: Row, params: Row) -> None:
    """Refuse a change that can't be."""
    _check_editable(row, params)
    check_terms(row, params)
    check_method(sandbox, row, params)
    items.check(sandbox, params.get("items", []), currency=row["currency"], subscription=row["id"])
    discounts.check(sandbox, params.get("discounts", []), customer=row["customer"], subscription=row)
    _check_items(sandbox, params, row["customer"])
    _check_kept_items(sandbox, row, params)
    check_times(sandbox, params)
    if "trial_end" in params and row["status"] == "paused":
        raise invalid("You cannot update the trial of a paused subscription.", param="trial_end")
    _check_trial_stop(sandbox, row, params)
    check_proration_date(sandbox, row, params)


def _check_items(sandbox: Any, params: Row, customer: str) -> None:
    taxes.check(sandbox, params.get("default_tax_rates"), "default_tax_rates")
    for position, entry in enumerate(params.get("items", [])):
        param = f"items[{position}]"
        taxes.check(sandbox, entry.get("tax_rates"), f"{param}[tax_rates]")
        discounts.check(sandbox, entry.get("discounts", []), customer=customer, within=f"{param}[discounts]")


def check_terms(row: Row, params: Row) -> None:
    collection_method = params.get("collection_method", row["collection_method"])
    if "days_until_due" in params and collection_method != "send_invoice":
        raise invalid(
            "You can only set `days_until_due` if the subscription's `collection_method` is `send_invoice`.",
            param="days_until_due",
        )
    if collection_method == "send_invoice" and "days_until_due" not in params and row["days_until_due"] is None:
        raise invalid(
            "Must specify `days_until_due` when `collection_method` is `send_invoice`.",
            code="parameter_missing",
            param="days_until_due",
        )
    if params.get("cancel_at_period_end") and params.get("cancel_at"):
        raise invalid("You can only set one of `cancel_at` and `cancel_at_period_end`.", param="cancel_at")


def check_method(sandbox: Any, row: Row, params: Row) -> None:
    """A default payment method must be the customer's."""
    if params.get("default_payment_method"):
        cards.owned(sandbox, params["default_payment_method"], row["customer"], "default_payment_method")


def check_first_payment(sandbox: Any, customer: Row, params: Row) -> None:
    """Without a usable payment method a subscription that is charged at once is not even created."""
    behavior = params.get("payment_behavior", "allow_incomplete")
    later = {"trial_end", "trial_period_days"} & set(params) or params.get("collection_method") == "send_invoice"
    if later or behavior == "default_incomplete" or not any(_price_is_positive(sandbox, e) for e in params["items"]):
        return
    method_id = params.get("default_payment_method") or customer["invoice_settings"]["default_payment_method"]
    method = sandbox.table("payment_method").rows.get(method_id)
    if method is None:
        raise invalid(collection.NO_METHOD, code="resource_missing")
    known = cards.behaviour(sandbox, method)
    if behavior == "error_if_incomplete" and (reason := known.get("charge")):
        raise cards.declined(reason)
    if behavior == "error_if_incomplete" and known.get("action"):
        raise StripeError(402, NEEDS_ACTION, code="subscription_payment_intent_requires_action", type="card_error")


def _price_is_positive(sandbox: Any, entry: Row) -> bool:
    if "price_data" in entry:
        return bool(entry["price_data"].get("unit_amount", 1))
    return cost(sandbox, sandbox.table("price").rows[entry["price"]], entry.get("quantity", 1)) > 0


def _check_editable(row: Row, params: Row) -> None:
    if row["schedule"] and {"cancel_at", "cancel_at_period_end"} & set(params):
        raise invalid(
            f"The subscription is managed by the subscription schedule `{row['schedule']}`, and updating any "
            "cancelation behavior directly is not allowed. Please update the schedule instead."
        )
    if row["status"] in life.OVER and set(params) - CANCELED_ALLOWS:
        raise invalid(
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="invalid_canceled_subscription_fields",
        )
    if row["status"] == "incomplete" and (refused := sorted(set(params) - INCOMPLETE_ALLOWS)):
        raise invalid(
            f"This subscription is incomplete: `{refused[0]}` can't be updated until its first invoice is paid.",
            param=refused[0],
        )


def _check_kept_items(sandbox: Any, row: Row, params: Row) -> None:
    """At least one item stays, and no price is there twice."""
    entries = params.get("items", [])
    prices = {item["id"]: item["price"] for item in life.items_of(sandbox, row["id"])}
    for entry in entries:
        if entry.get("deleted"):
            prices.pop(entry.get("id"), None)
        elif "id" in entry and "price" in entry:
            prices[entry["id"]] = entry["price"]
    added = [entry["price"] for entry in entries if "id" not in entry and "price" in entry]
    kept = [*prices.values(), *added]
    if twice := next((price for price in kept if kept.count(price) > 1), None):
        raise invalid(f"Cannot add multiple subscription items with the same plan: {twice}", param="price")
    if entries and not kept and not any("price_data" in entry for entry in entries):
        raise invalid(LAST_ITEM, param="items")


def check_times(sandbox: Any, params: Row) -> None:
    """Times that a request names are to come, and not too far away."""
    now = sandbox.now()
    for name in ("cancel_at", "trial_end"):
        if isinstance(params.get(name), int) and params[name] <= now:
            raise invalid(FUTURE, param=name)
    if isinstance(params.get("trial_end"), int) and params["trial_end"] > now + 2 * 366 * DAY:
        raise invalid("Invalid timestamp: can be no more than two years in the future.", param="trial_end")
    if params.get("pause_collection") and (params["pause_collection"].get("resumes_at") or now + 1) <= now:
        raise invalid(FUTURE, param="pause_collection[resumes_at]")


def _check_trial_stop(sandbox: Any, row: Row, params: Row) -> None:
    """A trial that is ended now is paid for now: without anything to pay with it can't be."""
    if params.get("trial_end") != "now" or row["status"] != "trialing":
        return
    automatic = row["collection_method"] == "charge_automatically"
    wish = row["trial_settings"]["end_behavior"]["missing_payment_method"]
    if automatic and wish == "create_invoice" and collection.method_of(sandbox, row) is None:
        raise invalid(collection.NO_METHOD, code="resource_missing")


def check_proration_date(sandbox: Any, row: Row, params: Row) -> None:
    """Prorations can only be as of a time inside the current period."""
    held = life.items_of(sandbox, row["id"])
    if "proration_date" not in params or not held:
        return
    starts, ends = [item["current_period_start"] for item in held], [item["current_period_end"] for item in held]
    if not min(starts) <= params["proration_date"] <= max(ends):
        raise invalid(OUTSIDE, param="proration_date")
