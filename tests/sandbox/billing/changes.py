"""Changing subscriptions on request: create, edit, pause collection, schedule and undo an end."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import blanks, cards, collection, discounts, items, prorations
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.billing.money import cost
from tests.sandbox.billing.periods import DAY
from tests.sandbox.errors import invalid
from tests.sandbox.resource import merge
from tests.sandbox.store import Row, clone

CANCELED_ALLOWS = {"metadata", "cancellation_details", "expand"}
INCOMPLETE_ALLOWS = {"metadata", "description", "default_payment_method", "default_source", "expand"}
HANDLED = (
    "items",
    "discounts",
    "cancel_at",
    "cancel_at_period_end",
    "trial_end",
    "trial_from_plan",
    "trial_period_days",
    "billing_cycle_anchor",
    "backdate_start_date",
    "pause_collection",
    "proration_behavior",
    "proration_date",
    "payment_behavior",
    "off_session",
    "default_payment_method",
    "customer",
    "currency",
    "billing_mode",
)


def blank(sandbox: Any, customer: Row, currency: str) -> Row:
    """A subscription that has just started, without items."""
    now = sandbox.now()
    return {
        **clone(blanks.SUBSCRIPTION),
        "id": sandbox.new_id("sub_", 24),
        "billing_cycle_anchor": now,
        "created": now,
        "currency": currency,
        "customer": customer["id"],
        "livemode": sandbox.livemode,
        "start_date": now,
        "test_clock": customer["test_clock"],
    }


def create(sandbox: Any, params: Row) -> Row:
    """A new subscription with its first invoice."""
    if not params.get("customer"):
        raise invalid("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = sandbox.refer("customer", params["customer"], "customer")
    if not params.get("items"):
        raise invalid("Missing required param: items.", code="parameter_missing", param="items")
    currency = items.check(sandbox, params["items"], currency=customer["currency"])
    discounts.check(sandbox, params.get("discounts", []), customer=customer["id"])
    row = blank(sandbox, customer, str(currency))
    _check_terms(row, params)
    _check_method(sandbox, row, params)
    _check_first_payment(sandbox, customer, params)
    merge(row, params, skip=HANDLED)
    _start(sandbox, row, params)
    sandbox.insert(row)
    for entry in params["items"]:
        items.add(sandbox, row, entry, start=row["trial_start"] or sandbox.now())
    asked = params.get("discounts", [])
    row["discounts"] = discounts.resolve(sandbox, asked, customer=customer["id"], subscription=row["id"])
    _schedule_end(sandbox, row, params)
    sandbox.table("subscription").secret(row["id"])["proration_behavior"] = params.get("proration_behavior")
    life.first_invoice(sandbox, row, behavior=params.get("payment_behavior", "allow_incomplete"))
    life.schedule(sandbox, row)
    return row


def _start(sandbox: Any, row: Row, params: Row) -> None:
    now = sandbox.now()
    if params.get("default_payment_method"):
        row["default_payment_method"] = params["default_payment_method"]
    if params.get("billing_mode", {}).get("type") == "classic":
        row["billing_mode"] = {"flexible": None, "type": "classic"}
    row["start_date"] = params.get("backdate_start_date", now)
    trial = params.get("trial_end") or (
        now + params["trial_period_days"] * DAY if params.get("trial_period_days") else None
    )
    if trial and trial != "now":
        _trial(sandbox, row, trial)
    elif "billing_cycle_anchor" in params:
        row["billing_cycle_anchor"] = params["billing_cycle_anchor"]


def _trial(sandbox: Any, row: Row, end: int) -> None:
    row.update(status="trialing", trial_start=sandbox.now(), trial_end=end, billing_cycle_anchor=end)
    warning = max(sandbox.now(), end - life.TRIAL_WARNING)
    sandbox.timers.at(warning, "trial_will_end", row["id"])


def _check_terms(row: Row, params: Row) -> None:
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


def _check_method(sandbox: Any, row: Row, params: Row) -> None:
    method_id = params.get("default_payment_method")
    if not method_id:
        return
    method = sandbox.refer("payment_method", method_id, "default_payment_method")
    if method["customer"] != row["customer"]:
        raise invalid(
            f"The customer does not have a payment method with the ID {method_id}. The payment method must be attached "
            "to the customer.",
            code="resource_missing",
            param="default_payment_method",
        )


def _check_first_payment(sandbox: Any, customer: Row, params: Row) -> None:
    """Without a usable payment method a subscription that is charged at once is not even created."""
    behavior = params.get("payment_behavior", "allow_incomplete")
    later = {"trial_end", "trial_period_days"} & set(params) or params.get("collection_method") == "send_invoice"
    if later or behavior == "default_incomplete" or not any(_price_is_positive(sandbox, e) for e in params["items"]):
        return
    method_id = params.get("default_payment_method") or customer["invoice_settings"]["default_payment_method"]
    method = sandbox.table("payment_method").rows.get(method_id)
    if method is None:
        raise invalid(collection.NO_METHOD, code="resource_missing")
    if behavior == "error_if_incomplete" and (reason := cards.behaviour(sandbox, method).get("charge")):
        raise cards.declined(reason)


def _price_is_positive(sandbox: Any, entry: Row) -> bool:
    if "price_data" in entry:
        return bool(entry["price_data"].get("unit_amount", 1))
    return cost(sandbox, sandbox.table("price").rows[entry["price"]], entry.get("quantity", 1)) > 0


def update(sandbox: Any, subscription_id: str, params: Row) -> Row:
    """Edit a subscription."""
    row: Row = sandbox.fetch("subscription", subscription_id)
    _check_editable(row, params)
    _check_terms(row, params)
    _check_method(sandbox, row, params)
    items.check(sandbox, params.get("items", []), currency=row["currency"], subscription=subscription_id)
    discounts.check(sandbox, params.get("discounts", []), customer=row["customer"])
    _check_times(sandbox, row, params)
    apply(sandbox, row, params)
    return row


def apply(sandbox: Any, row: Row, params: Row) -> None:
    """Change a subscription as parameters that were checked say, and bill what is due for it."""
    with sandbox.edit("subscription", row["id"], event="customer.subscription.updated"):
        merge(row, params, skip=HANDLED)
        if row["collection_method"] == "charge_automatically":
            row["days_until_due"] = None
        if "default_payment_method" in params:
            row["default_payment_method"] = params["default_payment_method"] or None
        if "pause_collection" in params:
            pause = params["pause_collection"]
            row["pause_collection"] = {"resumes_at": None, **pause} if pause else None
        _schedule_end(sandbox, row, params)
        _replace_discounts(sandbox, row, params)
        billed = _change_billing(sandbox, row, params)
    if billed:
        invoice = sandbox.table("invoice").rows[row["latest_invoice"]]
        if invoice["status"] == "draft":
            collection.finalize_and_collect(sandbox, invoice)
    life.schedule(sandbox, row)


def _check_editable(row: Row, params: Row) -> None:
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


def _check_times(sandbox: Any, row: Row, params: Row) -> None:
    now = sandbox.now()
    for name in ("cancel_at", "trial_end"):
        if isinstance(params.get(name), int) and params[name] <= now:
            raise invalid(f"Invalid timestamp: {name} must be in the future.", param=name)
    if isinstance(params.get("trial_end"), int) and params["trial_end"] > now + 2 * 366 * DAY:
        raise invalid("Invalid timestamp: trial_end can be at most two years from now.", param="trial_end")
    if "trial_end" in params and row["status"] == "paused":
        raise invalid("You cannot update the trial of a paused subscription.", param="trial_end")
    if params.get("pause_collection") and (params["pause_collection"].get("resumes_at") or now + 1) <= now:
        raise invalid("Invalid timestamp: resumes_at must be in the future.", param="pause_collection[resumes_at]")


def _schedule_end(sandbox: Any, row: Row, params: Row) -> None:
    """`cancel_at_period_end` and `cancel_at`: set, moved, undone."""
    if "cancel_at_period_end" not in params and "cancel_at" not in params:
        return
    at_period_end = bool(params.get("cancel_at_period_end", False))
    ends = [item["current_period_end"] for item in life.items_of(sandbox, row["id"])]
    wish = params.get("cancel_at") or None
    if at_period_end or wish == "min_period_end":
        wish = min(ends)
    elif wish in ("max_period_end", "max_billed_until"):
        wish = max(ends)
    if wish is None:
        row.update(cancel_at=None, cancel_at_period_end=False, canceled_at=None)
        row["cancellation_details"]["reason"] = None
        return
    row.update(cancel_at=wish, cancel_at_period_end=at_period_end, canceled_at=sandbox.now())
    row["cancellation_details"]["reason"] = "cancellation_requested"


def _replace_discounts(sandbox: Any, row: Row, params: Row) -> None:
    if "discounts" not in params:
        return
    before = row["discounts"]
    asked = params["discounts"]
    row["discounts"] = discounts.resolve(sandbox, asked, customer=row["customer"], subscription=row["id"])
    for discount_id in [held for held in before if held not in row["discounts"]]:
        discounts.drop(sandbox, discount_id)


def _change_billing(sandbox: Any, row: Row, params: Row) -> bool:
    """Items, trial and anchor; true when an invoice was made that is to be collected at once."""
    now = sandbox.now()
    wish = params.get("proration_behavior", "create_prorations")
    at = params.get("proration_date", now)
    entries = params.get("items", [])
    restart = items.patch(sandbox, row, entries, prorate=wish != "none", at=at) if entries else False
    if params.get("trial_end") == "now" and row["status"] == "trialing":
        row.update(status="active", trial_end=now)
        restart = True
    elif isinstance(params.get("trial_end"), int):
        _trial(sandbox, row, params["trial_end"])
        _set_all_periods(sandbox, row)
        return False
    if params.get("billing_cycle_anchor") == "now" or restart:
        if params.get("billing_cycle_anchor") == "now" and wish != "none" and not entries:
            for item in life.items_of(sandbox, row["id"]):
                prorations.unused(sandbox, row, item, at)
        row["billing_cycle_anchor"] = now
        _set_all_periods(sandbox, row)
        return _bill(sandbox, row, life.items_of(sandbox, row["id"]))
    return _bill(sandbox, row, []) if entries and wish == "always_invoice" else False


def _set_all_periods(sandbox: Any, row: Row) -> None:
    for item in life.items_of(sandbox, row["id"]):
        life.set_periods(sandbox, row, item, start=sandbox.now())


def _bill(sandbox: Any, row: Row, billed: list[Row]) -> bool:
    invoice = life.make_invoice(sandbox, row, billed, reason="subscription_update", at_once=True)
    row["latest_invoice"] = invoice["id"]
    return True
