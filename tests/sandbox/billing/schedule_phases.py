"""The phases of a subscription schedule: read from parameters, and as the subscription that they ask for."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import discounts, items
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.billing.periods import add
from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.resource import merged_metadata
from tests.sandbox.store import Row, clone

KEPT_AS_SENT = ("billing_cycle_anchor", "collection_method", "default_payment_method", "description")


def read(sandbox: Any, asked: list[Row], *, start: int, customer: Row) -> list[Row]:
    """The phases that a `phases` parameter describes, one after the other from `start`."""
    phases: list[Row] = []
    currency = customer["currency"]
    for position, entry in enumerate(asked):
        param = f"phases[{position}]"
        currency = items.check(sandbox, entry["items"], currency=currency)
        discounts.check(sandbox, entry.get("discounts", []), customer=customer["id"])
        end = _end(sandbox, entry, start, param)
        phases.append(_phase(sandbox, entry, start=start, end=end, currency=str(currency)))
        start = end
    return phases


def _end(sandbox: Any, entry: Row, start: int, param: str) -> int:
    """The given end, or so long after the start; without either a phase lasts one billing period."""
    if "end_date" in entry and "duration" in entry:
        raise invalid("You may only specify one of these parameters: end_date, duration.", param=f"{param}[end_date]")
    end = entry.get("end_date")
    if end == "now":
        return int(sandbox.now())
    if end is None:
        price = items.price_of(sandbox, entry["items"][0])
        length = entry.get("duration") or (price["recurring"] if price else {})
        end = add(start, length["interval"], length.get("interval_count", 1))
    if end <= start:
        raise invalid("The end of a phase must be after its start.", param=f"{param}[end_date]")
    return int(end)


def _phase(sandbox: Any, entry: Row, *, start: int, end: int, currency: str) -> Row:
    due = entry.get("invoice_settings", {}).get("days_until_due")
    return {
        **_blank(currency),
        **{key: entry.get(key) or None for key in KEPT_AS_SENT},
        "discounts": [_discount(given) for given in entry.get("discounts") or []],
        "end_date": end,
        "invoice_settings": {**_settings(), "days_until_due": due} if due is not None else None,
        "items": [_item(sandbox, given) for given in entry["items"]],
        "metadata": merged_metadata({}, entry.get("metadata", {})),
        "proration_behavior": entry.get("proration_behavior", "create_prorations"),
        "start_date": start,
        "trial_end": end if entry.get("trial") else entry.get("trial_end"),
    }


def _blank(currency: str) -> Row:
    return {
        "add_invoice_items": [],
        "application_fee_percent": None,
        "billing_thresholds": None,
        "currency": currency,
        "default_tax_rates": [],
        "on_behalf_of": None,
        "transfer_data": None,
    }


def _settings() -> Row:
    return dict.fromkeys(("account_tax_ids", "custom_fields", "days_until_due", "description", "footer", "issuer"))


def _discount(given: Row) -> Row:
    return {key: given.get(key) or None for key in ("coupon", "discount", "promotion_code")}


def _item(sandbox: Any, given: Row) -> Row:
    price = items.price_of(sandbox, given)
    assert price is not None
    return {
        "billing_thresholds": None,
        "discounts": [],
        "metadata": merged_metadata({}, given.get("metadata", {})),
        "price": price["id"],
        "quantity": given.get("quantity", 1),
        "tax_rates": [],
    }


def of_subscription(sandbox: Any, subscription: Row) -> Row:
    """One phase that is what the subscription is now, until its period ends."""
    held = life.items_of(sandbox, subscription["id"])
    shown = ("price", "quantity", "metadata")
    entry = {"items": [{key: item[key] for key in shown if key in item} for item in held]}
    entry["discounts"] = [{"discount": discount_id} for discount_id in subscription["discounts"]]
    start = min(item["current_period_start"] for item in held)
    end = max(item["current_period_end"] for item in held)
    row = _phase(sandbox, entry, start=start, end=end, currency=subscription["currency"])
    if subscription["trial_end"] and subscription["trial_end"] > sandbox.now():
        row["trial_end"] = subscription["trial_end"]
    return row


def terms(sandbox: Any, schedule: Row, phase: Row) -> Row:
    """What a phase says about its subscription, as parameters; what it leaves open, the schedule's defaults say."""
    defaults = schedule["default_settings"]
    wished = {key: phase[key] or defaults[key] for key in ("collection_method", "default_payment_method")}
    wished["description"] = phase["description"] or defaults["description"]
    settings = phase["invoice_settings"] or defaults["invoice_settings"]
    if wished["collection_method"] == "send_invoice":
        wished["days_until_due"] = settings["days_until_due"] or 30
    if (phase["trial_end"] or 0) > sandbox.now():
        wished["trial_end"] = phase["trial_end"]
    params = {key: value for key, value in wished.items() if value is not None}
    params |= {"metadata": dict(phase["metadata"]), "proration_behavior": phase["proration_behavior"]}
    given = [{key: value for key, value in entry.items() if value} for entry in phase["discounts"]]
    return params | _usable(sandbox, given, customer=schedule["customer"])


def _usable(sandbox: Any, given: list[Row], *, customer: str) -> Row:
    """The discounts of a phase; a coupon that has expired since then is left out, as nobody is there to be told."""
    try:
        discounts.check(sandbox, given, customer=customer)
    except StripeError:
        return {}
    return {"discounts": clone(given)}


def item_changes(sandbox: Any, subscription: Row, phase: Row) -> list[Row]:
    """How the items of a subscription become those of a phase: swapped in their order, then added or removed."""
    held, wanted = life.items_of(sandbox, subscription["id"]), phase["items"]
    entries = [{key: entry[key] for key in ("metadata", "price", "quantity")} for entry in wanted]
    for item, entry in zip(held, entries, strict=False):
        entry["id"] = item["id"]
    return entries + [{"id": item["id"], "deleted": True} for item in held[len(wanted) :]]
