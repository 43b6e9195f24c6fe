"""Previews of invoices: the change is rehearsed by the code that would make it, then the first invoice is shown that
would come of it, at once or when time has passed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.sandbox.billing import cancellations, changes, discounts, invoiceitems, invoices, lines, pauses, terms
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.rehearsal import rehearsal
from tests.sandbox.store import Row

MOST_STEPS = 24
KEPT = 20
NO_CHANGE = ("cancel_now", "pause", "resume_at", "start_date", "billing_mode")
DETAILS = "subscription_details"


def preview(sandbox: Any, params: Row, stranger: Callable[[Any], Row]) -> tuple[Any, Row]:
    """The double that holds an invoice which does not exist yet, and that invoice. `stranger` makes the customer where
    only details of one are given."""
    details = params.get(DETAILS, {})
    _check(params, details)
    double = rehearsal(sandbox)
    if not {"customer", "schedule", "subscription"} & set(params):
        asked = {**params, "customer": double.insert(stranger(double))["id"]}
    else:
        asked = params
    _check_discounts(double, asked)
    try:
        invoice = _of_subscription(double, asked, details)
    except StripeError as error:
        raise _as_asked(error, details) from None
    if invoice is None:
        raise _nothing(double, params)
    _finish(double, invoice, params)
    sandbox.previews[invoice["id"]] = double
    while len(sandbox.previews) > KEPT:
        sandbox.previews.pop(next(iter(sandbox.previews)))
    return double, invoice


def _check(params: Row, details: Row) -> None:
    if not {"customer", "customer_details", "schedule", "subscription"} & set(params):
        message = "You must provide one of: customer, customer_details, schedule, subscription."
        raise invalid(message, code="parameter_missing", param="customer")
    if "schedule" in params and {"subscription", DETAILS} & set(params):
        raise invalid("You may only specify one of these parameters: schedule, subscription.", param="schedule")
    if "proration_date" in details and "subscription" not in params:
        message = "You can only preview a `proration_date` of an existing subscription."
        raise invalid(message, param=f"{DETAILS}[proration_date]")
    if "proration_date" in details and details.get("proration_behavior") == "none":
        message = "You cannot set `proration_date` if `proration_behavior` is `none`."
        raise invalid(message, param=f"{DETAILS}[proration_date]")


def _check_discounts(double: Any, params: Row) -> None:
    """Before time passes for the preview, which may end discounts that there are now."""
    subscription = _named(double, params)
    customer = subscription["customer"] if subscription else params.get("customer", "")
    discounts.check(double, params.get("discounts"), customer=customer)


def _as_asked(error: StripeError, details: Row) -> StripeError:
    """A refusal that names the parameter as the preview calls it."""
    head, bracket, rest = (error.param or "").partition("[")
    if head in details:
        error.param = f"{DETAILS}[{head}]{bracket}{rest}"
    return error


def _nothing(double: Any, params: Row) -> StripeError:
    subscription = double.table("subscription").rows.get(params.get("subscription"))
    customer = params.get("customer") or (subscription or {}).get("customer", "")
    return StripeError(404, f"No upcoming invoices for customer: {customer}", code="invoice_upcoming_none")


def _of_subscription(double: Any, params: Row, details: Row) -> Row | None:
    subscription = _named(double, params)
    customer = _customer(double, params, subscription)
    for position, entry in enumerate(params.get("invoice_items", [])):
        _add_item(double, customer, entry, f"invoice_items[{position}]")
    recurring = params.get("preview_mode") == "recurring"
    if subscription is not None:
        return _changed(double, subscription, details, recurring=recurring)
    if details.get("items"):
        made = changes.draft(double, customer, _creation(double, details), paying=False)
        return _recurring(double, made) if recurring else life.draft_first_invoice(double, made)
    return _soonest(double, customer, params)


def _named(double: Any, params: Row) -> Row | None:
    subscription_id = params.get("subscription")
    if "schedule" in params:
        subscription_id = double.refer("subscription_schedule", params["schedule"], "schedule")["subscription"]
        if subscription_id is None:
            raise StripeError(404, "This schedule has no subscription yet.", code="invoice_upcoming_none")
    if subscription_id is None:
        return None
    row: Row = double.refer("subscription", subscription_id, "subscription")
    if params.get("customer", row["customer"]) != row["customer"]:
        raise invalid(f"Subscription {row['id']} does not belong to that customer.", param="subscription")
    return row


def _customer(double: Any, params: Row, subscription: Row | None) -> Row:
    """The customer, changed as the preview imagines; or one that is only imagined."""
    customer_id = subscription["customer"] if subscription else params.get("customer")
    row: Row = double.refer("customer", customer_id, "customer")
    imagined = params.get("customer_details", {})
    row.update({name: imagined[name] or None for name in ("address", "shipping") if name in imagined})
    if "tax_exempt" in imagined:
        row["tax_exempt"] = imagined["tax_exempt"] or "none"
    return row


def _add_item(double: Any, customer: Row, entry: Row, param: str) -> None:
    given = {**entry, "pricing": {"price": entry["price"]}} if "price" in entry else entry
    if "invoiceitem" in entry:
        held = double.refer("invoiceitem", entry["invoiceitem"], f"{param}[invoiceitem]")
        invoiceitems.change(double, held, given)
        return
    invoiceitems.check(double, given, customer["id"], param)
    invoiceitems.make(double, customer, given)


def _creation(double: Any, details: Row) -> Row:
    params = {key: value for key, value in details.items() if key not in NO_CHANGE}
    if params.get("billing_cycle_anchor") in ("now", "unchanged"):
        del params["billing_cycle_anchor"]
    if details.get("start_date", 0) > double.now():
        params["trial_end"] = details["start_date"]
    return params


def _changed(double: Any, subscription: Row, details: Row, *, recurring: bool) -> Row | None:
    if subscription["status"] in life.OVER:
        return None
    if details.get("cancel_now"):
        prorate, at = details.get("proration_behavior") != "none", details.get("proration_date")
        return cancellations.settle(double, subscription, prorate=prorate, invoice_now=True, at=at)
    if "pause" in details:
        pauses.check_pause(subscription)
        return pauses.settle(double, subscription, details["pause"])
    if "resume_at" in details:
        pauses.check_resume(double, subscription, details)
        return pauses.restart(double, subscription, details)
    change = {key: value for key, value in details.items() if key not in NO_CHANGE}
    if change:
        terms.check_update(double, subscription, change)
        invoice = changes.write(double, subscription, change)
        if invoice is not None and not recurring:
            return invoice
    return _recurring(double, subscription) if recurring else _next(double, subscription)


def _next(double: Any, subscription: Row) -> Row | None:
    """The first invoice that comes by itself, if one does."""
    held, table = subscription["latest_invoice"], double.table("invoice").rows
    for _ in range(MOST_STEPS):
        if subscription["status"] in (*life.OVER, "incomplete", "paused"):
            return None
        with double.clock.held_at(_moment(double, subscription)):
            life.due(double, subscription["id"])
        if subscription["latest_invoice"] != held:
            invoice: Row = table[subscription["latest_invoice"]]
            return invoice
    return None


def _moment(double: Any, subscription: Row) -> int:
    """When something about a subscription happens next."""
    times = [item["current_period_end"] for item in life.items_of(double, subscription["id"])]
    times += [subscription["cancel_at"]] if subscription["cancel_at"] else []
    schedule = double.table("subscription_schedule").rows.get(subscription["schedule"])
    times += [schedule["current_phase"]["end_date"]] if schedule and schedule["current_phase"] else []
    return max(min(times), int(double.now()))


def _recurring(double: Any, subscription: Row) -> Row:
    """What the subscription costs each period: no trial, nothing that is billed once."""
    items = life.items_of(double, subscription["id"])
    subscription.update(trial_end=None, cancel_at=None)
    start = min(item["current_period_end"] for item in items)
    with double.clock.held_at(max(start, double.now())):
        for item in items:
            life.set_periods(double, subscription, item, start=start)
        return life.make_invoice(double, subscription, items, reason="subscription_cycle", sweep=False)


def _soonest(double: Any, customer: Row, params: Row) -> Row | None:
    """The next invoice of any of a customer's subscriptions; without any, one of what is pending."""
    running = [
        row
        for row in double.table("subscription").where("customer", customer["id"])
        if row["status"] not in (*life.OVER, "incomplete", "paused")
    ]
    for row in sorted(running, key=lambda row: _moment(double, row)):
        if (invoice := _next(double, row)) is not None:
            return invoice
    currency = params.get("currency") or customer["currency"] or "usd"
    if not lines.pending_items(double, customer["id"], currency):
        return None
    invoice = invoices.make(double, customer, currency=currency, billing_reason="manual")
    lines.add_pending_items(double, invoice)
    lines.retotal(double, invoice)
    return invoice


def _finish(double: Any, invoice: Row, params: Row) -> None:
    """The invoice as a preview shows it."""
    if "discounts" in params:
        known = double.table("discount").rows
        asked = [
            entry for entry in params["discounts"] or [] if not entry.get("discount") or entry["discount"] in known
        ]
        owner = {"customer": invoice["customer"], "invoice": invoice["id"]}
        invoice["discounts"] = discounts.still_valid(double, discounts.resolve(double, asked, **owner))
        lines.retotal(double, invoice)
    if "customer" not in params and "subscription" not in params and "schedule" not in params:
        invoice["customer"] = None
    used = invoice["total"] - invoice["amount_due"]
    invoice.update(billing_reason="upcoming", ending_balance=invoice["starting_balance"] + used)
    if invoice["auto_advance"] and invoice["collection_method"] == "charge_automatically":
        invoice["next_payment_attempt"] = invoice["automatically_finalizes_at"] or invoice["created"]
