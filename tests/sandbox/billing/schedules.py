"""Subscription schedules: started, moved from phase to phase as time passes, changed, canceled, released."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import cancellations, changes, schedule_phases
from tests.sandbox.billing import subscriptions as life
from tests.sandbox.billing.periods import DAY
from tests.sandbox.billing.schedule_ends import RUNNING, finish
from tests.sandbox.billing.timers import action
from tests.sandbox.errors import StripeError, invalid
from tests.sandbox.resource import merge, merged_metadata
from tests.sandbox.store import Row

WARNING = 7 * DAY
WITH_SUBSCRIPTION = {"from_subscription", "metadata", "expand"}


def create(sandbox: Any, params: Row) -> Row:
    """A schedule that takes over a subscription, or makes one when its first phase starts."""
    if "from_subscription" in params:
        return _take_over(sandbox, params)
    if not params.get("customer") or not params.get("phases"):
        name = "phases" if params.get("customer") else "customer"
        raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)
    customer = sandbox.refer("customer", params["customer"], "customer")
    start = params.get("start_date", "now")
    start = sandbox.now() if start == "now" else start
    row = _blank(sandbox, customer)
    row["end_behavior"] = params.get("end_behavior", "release")
    row["metadata"] = merged_metadata({}, params.get("metadata") or {})
    merge(row["default_settings"], params.get("default_settings", {}))
    row["phases"] = schedule_phases.read(sandbox, params["phases"], start=start, customer=customer)
    if start <= sandbox.now():
        _begin(sandbox, row)
    sandbox.insert(row, event="subscription_schedule.created")
    _plan(sandbox, row)
    return row


def _blank(sandbox: Any, customer: Row) -> Row:
    return {
        "id": sandbox.new_id("sub_sched_", 24),
        "object": "subscription_schedule",
        "application": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "canceled_at": None,
        "completed_at": None,
        "created": sandbox.now(),
        "current_phase": None,
        "customer": customer["id"],
        "customer_account": None,
        "default_settings": {
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {
                "account_tax_ids": None,
                "custom_fields": None,
                "days_until_due": None,
                "description": None,
                "footer": None,
                "issuer": {"type": "self"},
            },
            "on_behalf_of": None,
            "transfer_data": None,
        },
        "end_behavior": "release",
        "livemode": sandbox.livemode,
        "metadata": {},
        "phases": [],
        "released_at": None,
        "released_subscription": None,
        "status": "not_started",
        "subscription": None,
        "test_clock": customer["test_clock"],
    }


def _take_over(sandbox: Any, params: Row) -> Row:
    if strange := sorted(set(params) - WITH_SUBSCRIPTION):
        raise invalid(f"You cannot set `{strange[0]}` if `from_subscription` is set.", param=strange[0])
    subscription = sandbox.refer("subscription", params["from_subscription"], "from_subscription")
    if subscription["status"] in (*life.OVER, "incomplete"):
        message = f"You cannot schedule a subscription that is {subscription['status']}."
        raise invalid(message, param="from_subscription")
    if subscription["schedule"]:
        message = f"This subscription is already attached to a schedule: `{subscription['schedule']}`."
        raise invalid(message, param="from_subscription")
    row = _blank(sandbox, sandbox.table("customer").rows[subscription["customer"]])
    phase = schedule_phases.of_subscription(sandbox, subscription)
    row["metadata"] = merged_metadata({}, params.get("metadata") or {})
    for name in ("collection_method", "default_payment_method", "description"):
        row["default_settings"][name] = subscription[name]
    row["default_settings"]["invoice_settings"]["days_until_due"] = subscription["days_until_due"]
    row.update(phases=[phase], status="active", subscription=subscription["id"], current_phase=_span(phase))
    with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
        subscription["schedule"] = row["id"]
    sandbox.insert(row, event="subscription_schedule.created")
    _plan(sandbox, row)
    return row


def _span(phase: Row) -> Row:
    return {"end_date": phase["end_date"], "start_date": phase["start_date"]}


def _begin(sandbox: Any, row: Row) -> None:
    """Make the subscription of the first phase."""
    phase = row["phases"][0]
    params = schedule_phases.terms(sandbox, row, phase)
    entries = [{key: entry[key] for key in ("metadata", "price", "quantity")} for entry in phase["items"]]
    made = changes.create(sandbox, {"customer": row["customer"], "items": entries, "schedule": row["id"], **params})
    row.update(status="active", subscription=made["id"], current_phase=_span(phase))
    _announce_end(sandbox, row)


def _announce_end(sandbox: Any, row: Row) -> None:
    """The subscription shows when its schedule will cancel it."""
    subscription = sandbox.table("subscription").rows[row["subscription"]]
    end = row["phases"][-1]["end_date"] if row["end_behavior"] == "cancel" else None
    private = sandbox.table("subscription_schedule").secret(row["id"])
    if end is None and private.get("cancel_at") is None:
        return
    if subscription["cancel_at"] != end:
        with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
            subscription.update(cancel_at=end, canceled_at=sandbox.now() if end else None)
    private["cancel_at"] = end
    life.schedule(sandbox, subscription)


def _plan(sandbox: Any, row: Row) -> None:
    """Wake up at each phase's start and end, and a week before the last one ends."""
    for phase in row["phases"]:
        for moment in (phase["start_date"], phase["end_date"]):
            if moment > sandbox.now():
                sandbox.timers.at(moment, "schedule_due", row["id"])
    warning = row["phases"][-1]["end_date"] - WARNING
    sandbox.timers.at(max(warning, sandbox.now()), "schedule_expiring", row["id"])


@action("schedule_due")
def due(sandbox: Any, schedule_id: str) -> None:
    """Start, or go on to the phase of the present, or end."""
    row = sandbox.table("subscription_schedule").rows.get(schedule_id)
    if row is None:
        return
    if row["status"] == "not_started" and row["phases"][0]["start_date"] <= sandbox.now():
        _start_late(sandbox, row)
    while row["status"] == "active" and row["current_phase"]["end_date"] <= sandbox.now():
        _go_on(sandbox, row)


def _start_late(sandbox: Any, row: Row) -> None:
    try:
        with sandbox.edit("subscription_schedule", row["id"], event="subscription_schedule.updated"):
            _begin(sandbox, row)
    except StripeError:  # no card, or a price that is not sold any more: there will be no subscription
        finish(sandbox, row, "canceled", told_as="aborted")


def _go_on(sandbox: Any, row: Row) -> None:
    following = [phase for phase in row["phases"] if phase["start_date"] >= row["current_phase"]["end_date"]]
    if following:
        _apply(sandbox, row, following[0])
        with sandbox.edit("subscription_schedule", row["id"], event="subscription_schedule.updated"):
            row["current_phase"] = _span(following[0])
    elif row["end_behavior"] == "cancel":
        finish(sandbox, row, "completed")
        life.end(sandbox, row["subscription"], reason=None)
    else:
        release(sandbox, row)


def _apply(sandbox: Any, row: Row, phase: Row, *, proration_behavior: str | None = None) -> None:
    subscription = sandbox.table("subscription").rows[row["subscription"]]
    params = schedule_phases.terms(sandbox, row, phase)
    params["items"] = schedule_phases.item_changes(sandbox, subscription, phase)
    if proration_behavior is not None:
        params["proration_behavior"] = proration_behavior
    changes.apply(sandbox, subscription, params)


@action("schedule_expiring")
def _expiring(sandbox: Any, schedule_id: str) -> None:
    row = sandbox.table("subscription_schedule").rows.get(schedule_id)
    if row is None or row["status"] not in RUNNING:
        return
    end, private = row["phases"][-1]["end_date"], sandbox.table("subscription_schedule").secret(schedule_id)
    if 0 < end - sandbox.now() <= WARNING and private.get("told_of") != end:
        private["told_of"] = end
        sandbox.tell("subscription_schedule.expiring", row)


def update(sandbox: Any, row: Row, params: Row) -> Row:
    """Change what is to come, and the current phase at once."""
    _check_running(row, "update")
    phases = _new_phases(sandbox, row, params)
    current = next((phase for phase in phases if phase["end_date"] > sandbox.now()), None)
    if row["status"] == "active" and (current is None or current["start_date"] > sandbox.now()):
        raise invalid("The current phase must be among the phases.", param="phases")
    before = next((phase for phase in row["phases"] if _is_current(row, phase)), None)
    with sandbox.edit("subscription_schedule", row["id"], event="subscription_schedule.updated"):
        merge(row["default_settings"], params.get("default_settings", {}))
        merge(row, {key: params[key] for key in ("end_behavior", "metadata") if key in params})
        row["phases"] = phases
        if row["status"] == "active" and current is not None:
            if _differs(before, current) or "default_settings" in params:
                wish = params.get("proration_behavior", "create_prorations")
                _apply(sandbox, row, current, proration_behavior=wish)
            row["current_phase"] = _span(current)
            _announce_end(sandbox, row)
    _plan(sandbox, row)
    return row


def _check_running(row: Row, verb: str) -> None:
    if row["status"] not in RUNNING:
        raise invalid(
            f"You cannot {verb} a subscription schedule that is currently in the `{row['status']}` status. It must be "
            "either in `not_started` or `active` status."
        )


def _new_phases(sandbox: Any, row: Row, params: Row) -> list[Row]:
    phases: list[Row] = row["phases"]
    if "phases" not in params:
        return phases
    if not params["phases"]:
        raise invalid("A schedule must have at least one phase.", param="phases")
    start = (row["current_phase"] or phases[0])["start_date"]
    given = params["phases"][0].get("start_date", start)
    start = sandbox.now() if given == "now" else given
    customer = sandbox.table("customer").rows[row["customer"]]
    return schedule_phases.read(sandbox, params["phases"], start=start, customer=customer)


def _is_current(row: Row, phase: Row) -> bool:
    return bool(row["current_phase"] and phase["start_date"] == row["current_phase"]["start_date"])


def _differs(before: Row | None, after: Row) -> bool:
    ends = ("end_date", "start_date")
    kept = [{key: value for key, value in (phase or {}).items() if key not in ends} for phase in (before, after)]
    return kept[0] != kept[1]


def cancel(sandbox: Any, row: Row, *, invoice_now: bool, prorate: bool) -> Row:
    """Cancel, and the subscription with it."""
    _check_running(row, "cancel")
    subscription = sandbox.table("subscription").rows.get(row["subscription"])
    finish(sandbox, row, "canceled")
    if subscription is not None and subscription["status"] not in life.OVER:
        cancellations.cancel(sandbox, subscription["id"], {"invoice_now": invoice_now, "prorate": prorate})
    return row


def release(sandbox: Any, row: Row, *, preserve_cancel_date: bool = False) -> Row:
    """Leave the subscription to itself; the end that the schedule had set for it goes, unless it is to stay."""
    _check_running(row, "release")
    subscription = sandbox.table("subscription").rows.get(row["subscription"])
    finish(sandbox, row, "released")
    if subscription is not None:
        with sandbox.edit("subscription", subscription["id"], event="customer.subscription.updated"):
            subscription["schedule"] = None
            private = sandbox.table("subscription_schedule").secret(row["id"])
            if private.get("cancel_at") == subscription["cancel_at"] and not preserve_cancel_date:
                subscription.update(cancel_at=None, canceled_at=None)
    return row


def customer_deleted(sandbox: Any, customer_id: str) -> None:
    """What has not started never will."""
    for row in list(sandbox.table("subscription_schedule").where("customer", customer_id)):
        if row["status"] == "not_started":
            finish(sandbox, row, "canceled")
