"""Changing subscriptions on request: create, edit, pause collection, schedule and undo an end."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import blanks, collection, discounts, items, lines, pending_updates, prorations, terms
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.billing.ends import schedule_end
from tests.sandbox.billing.periods import DAY
from tests.sandbox.errors import StripeError, invalid, missing
from tests.sandbox.rehearsal import rehearsal
from tests.sandbox.resource import merge
from tests.sandbox.store import Row, clone

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
    "default_tax_rates",
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
    row = draft(sandbox, customer, params, paying=True)
    life.first_invoice(sandbox, row, behavior=params.get("payment_behavior", "allow_incomplete"))
    life.schedule(sandbox, row)
    return row


def draft(sandbox: Any, customer: Row, params: Row, *, paying: bool) -> Row:
    """A new subscription that nothing was billed for yet; `paying` customers need something to pay with."""
    row = blank(sandbox, customer, terms.check_creation(sandbox, customer, params))
    terms.check_terms(row, params)
    terms.check_method(sandbox, row, params)
    if paying:
        terms.check_first_payment(sandbox, customer, params)
    merge(row, params, skip=HANDLED)
    _start(sandbox, row, params)
    sandbox.insert(row)
    for entry in params["items"]:
        items.add(sandbox, row, entry, start=row["trial_start"] or sandbox.now())
    asked = params.get("discounts", [])
    row["discounts"] = discounts.resolve(sandbox, asked, customer=customer["id"], subscription=row["id"])
    schedule_end(sandbox, row, {**params, "proration_behavior": "none"})  # the first invoice is for the short period
    sandbox.table("subscription").secret(row["id"])["proration_behavior"] = params.get("proration_behavior")
    return row


def _start(sandbox: Any, row: Row, params: Row) -> None:
    now = sandbox.now()
    if params.get("default_payment_method"):
        row["default_payment_method"] = params["default_payment_method"]
    if params.get("billing_mode", {}).get("type") == "classic":
        row["billing_mode"] = {"flexible": None, "type": "classic"}
    row["default_tax_rates"] = list(params.get("default_tax_rates") or [])
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


def update(sandbox: Any, subscription_id: str, params: Row) -> Row:
    """Edit a subscription."""
    row: Row = sandbox.fetch("subscription", subscription_id)
    terms.check_update(sandbox, row, params)
    if params.get("trial_end") == "now" and row["status"] == "trialing" and life.ends_trial_unpaid(sandbox, row):
        return row
    behavior = params.get("payment_behavior", "allow_incomplete")
    if behavior == "pending_if_incomplete":
        pending_updates.check(params)
    if behavior in ("error_if_incomplete", "pending_if_incomplete"):
        double = rehearsal(sandbox)
        declined = apply(double, double.table("subscription").rows[subscription_id], params)
        if declined is not None and behavior == "error_if_incomplete":
            raise _as_told(declined)
        if declined is not None:
            pending_updates.hold(sandbox, row, params, write)
            return row
    apply(sandbox, row, params)
    return row


def _as_told(declined: StripeError) -> StripeError:
    """The decline of an attempt that leaves nothing behind."""
    kept = {key: declined.extra[key] for key in ("type", "decline_code", "advice_code") if key in declined.extra}
    return StripeError(402, declined.message, code=declined.code, **{"type": "card_error", **kept})


def apply(sandbox: Any, row: Row, params: Row) -> StripeError | None:
    """Change a subscription as parameters that were checked say, and collect what is due for it; a decline is
    returned."""
    with sandbox.edit("subscription", row["id"], event="customer.subscription.updated"):
        if row["pending_update"]:
            pending_updates.discard(sandbox, row)
        invoice = write(sandbox, row, params)
    declined = None
    if invoice is not None and params.get("payment_behavior") == "default_incomplete":
        collection.finalize_and_wait(sandbox, invoice)
    elif invoice is not None and invoice["status"] == "draft":
        declined = collection.finalize_and_collect(sandbox, invoice)
    life.schedule(sandbox, row)
    return declined


def write(sandbox: Any, row: Row, params: Row) -> Row | None:
    """The change alone; the draft of what is due for it at once, if anything is."""
    merge(row, params, skip=HANDLED)
    if row["collection_method"] == "charge_automatically":
        row["days_until_due"] = None
    if "default_payment_method" in params:
        row["default_payment_method"] = params["default_payment_method"] or None
    if "pause_collection" in params:
        pause = params["pause_collection"]
        row["pause_collection"] = {"resumes_at": None, **pause} if pause else None
    before = _pending_prorations(sandbox, row)
    schedule_end(sandbox, row, params)
    if "discounts" in params:
        discounts.replace(sandbox, row, params["discounts"], customer=row["customer"], subscription=row["id"])
    if "default_tax_rates" in params:
        row["default_tax_rates"] = list(params["default_tax_rates"] or [])
    return _change_billing(sandbox, row, params, before)


def _pending_prorations(sandbox: Any, row: Row) -> set[str]:
    pending = lines.pending_items(sandbox, row["customer"], row["currency"], row["id"])
    return {item["id"] for item in pending if item["proration"]}


def _change_billing(sandbox: Any, row: Row, params: Row, before: set[str]) -> Row | None:
    """Items, trial and anchor; the draft of what is to be collected at once."""
    wish = params.get("proration_behavior", "create_prorations")
    at, prorate = params.get("proration_date", sandbox.now()), wish != "none"
    entries, trial_end = params.get("items", []), params.get("trial_end")
    restart = params.get("billing_cycle_anchor") == "now" or items.restarts(sandbox, row, entries)
    trial_starts = isinstance(trial_end, int)
    trial_stops = trial_end == "now" and row["status"] == "trialing"
    afresh = restart or trial_starts or trial_stops
    if afresh and prorate:  # each item's time so far is settled, and a new period begins
        _credit_all(sandbox, row, at)
    items.patch(sandbox, row, entries, prorate=prorate and not afresh, at=sandbox.now() if afresh else at)
    if trial_starts:
        return _extend_trial(sandbox, row, int(trial_end))
    if trial_stops:
        row.update(status="active", trial_end=sandbox.now())
    if afresh:
        row["billing_cycle_anchor"] = sandbox.now()
        _set_all_periods(sandbox, row)
        return _bill(sandbox, row, life.items_of(sandbox, row["id"]))
    if wish == "always_invoice" and _pending_prorations(sandbox, row) - before:
        return _bill(sandbox, row, [])
    return None


def _extend_trial(sandbox: Any, row: Row, end: int) -> Row | None:
    """A trial from now on; where time was paid for, the free time is shown on an invoice with what is credited."""
    was_paid_for = row["status"] != "trialing"
    _trial(sandbox, row, end)
    _set_all_periods(sandbox, row)
    return _bill(sandbox, row, life.items_of(sandbox, row["id"])) if was_paid_for else None


def _credit_all(sandbox: Any, row: Row, at: int) -> None:
    for item in life.items_of(sandbox, row["id"]):
        prorations.unused(sandbox, row, item, at)


def _set_all_periods(sandbox: Any, row: Row) -> None:
    for item in life.items_of(sandbox, row["id"]):
        life.set_periods(sandbox, row, item, start=sandbox.now())


def _bill(sandbox: Any, row: Row, billed: list[Row]) -> Row:
    invoice = life.make_invoice(sandbox, row, billed, reason="subscription_update", at_once=True)
    row["latest_invoice"] = invoice["id"]
    return invoice


def migrate(sandbox: Any, subscription_id: str, mode: Row) -> Row:
    """Bill flexibly from now on."""
    row: Row = sandbox.fetch("subscription", subscription_id)
    if row["status"] in life.OVER:
        raise missing("subscription", subscription_id)
    if row["billing_mode"]["type"] == "flexible":
        raise invalid("This subscription's `billing_mode` is already `flexible`.", param="billing_mode[type]")
    discounts_are = mode.get("flexible", {}).get("proration_discounts", "included")
    with sandbox.edit("subscription", subscription_id, event="customer.subscription.updated"):
        row["billing_mode"] = {
            "flexible": {"proration_discounts": discounts_are},
            "type": "flexible",
            "updated_at": sandbox.now(),
        }
    return row
