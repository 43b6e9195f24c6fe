"""Cancelling and keeping: what is allowed when, what is asked, what is sent (S40)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from stripe_mirror.models import Subscription
from stripe_mirror.push.errors import NothingToChange
from stripe_mirror.push.operation import Call, OperationForm, get_operation

CANCEL, KEEP = get_operation("cancel_subscription"), get_operation("keep_subscription")
UNSCHEDULED = {"cancel_at_period_end": False, "cancel_at": None, "schedule": None}


def subscription(status: str = "active", **changes: Any) -> Subscription:
    """A subscription that isn't stored."""
    return Subscription(id="sub_1", data={"object": "subscription", "status": status, **UNSCHEDULED, **changes})


def filled(row: Subscription, **values: Any) -> OperationForm:
    """The cancel form as a browser sends it."""
    return CANCEL.get_form(row, {"reason": "asked", **values})


def planned(row: Subscription, **values: Any) -> Call:
    """The call of a valid form."""
    form = filled(row, **values)
    assert form.is_valid(), form.errors
    return CANCEL.plan(row, form.cleaned_data)


def test_cancel_now_is_a_delete_with_only_what_was_chosen() -> None:
    assert planned(subscription(), when="now") == Call("delete", "/v1/subscriptions/sub_1", {})
    assert planned(subscription(), when="now", prorate="on", comment="bye", feedback="unused").params == {
        "prorate": True,
        "cancellation_details": {"feedback": "unused", "comment": "bye"},
    }


def test_cancel_at_period_end_is_an_update() -> None:
    call = planned(subscription(), when="period_end")
    assert call == Call("post", "/v1/subscriptions/sub_1", {"cancel_at_period_end": True})


def test_cancel_at_a_date_credits_nothing() -> None:
    moment = datetime(2091, 5, 1, 12, tzinfo=UTC)
    params = planned(subscription(), when="date", cancel_at=moment.isoformat()).params
    assert params == {"cancel_at": int(moment.timestamp()), "proration_behavior": "none"}


@pytest.mark.parametrize("minutes", [None, 1, 60 * 24 * 400])
def test_a_missing_or_past_date_is_refused_at_the_field(minutes: int | None) -> None:
    text = "" if minutes is None else (timezone.now() - timedelta(minutes=minutes)).isoformat()
    assert list(filled(subscription(), when="date", cancel_at=text).errors) == ["cancel_at"]


@pytest.mark.parametrize("option", ["invoice_now", "prorate"])
def test_invoicing_and_crediting_go_with_now_only(option: str) -> None:
    assert list(filled(subscription(), when="period_end", **{option: "on"}).errors) == [option]


def test_a_reason_is_asked_for_cancelling_but_not_for_keeping() -> None:
    assert "reason" in CANCEL.get_form(subscription(), {"when": "now"}).errors
    assert KEEP.get_form(subscription(cancel_at_period_end=True), {}).is_valid()


@pytest.mark.parametrize("status", ["unpaid", "paused", "incomplete"])
def test_statuses_without_a_period_to_wait_for_can_only_end_now(status: str) -> None:
    row = subscription(status)
    assert CANCEL.why_not(row) == ""
    assert CANCEL.initial(row)["when"] == "now"
    assert status in filled(row, when="period_end").errors["when"][0]
    assert filled(row, when="now").is_valid()


@pytest.mark.parametrize("status", ["canceled", "incomplete_expired"])
def test_ended_subscriptions_take_nothing(status: str) -> None:
    assert status in CANCEL.why_not(subscription(status))
    assert status in KEEP.why_not(subscription(status, cancel_at=1))


def test_a_subscription_under_a_schedule_is_left_to_its_schedule() -> None:
    assert "sub_sched_1" in CANCEL.why_not(subscription(schedule="sub_sched_1"))


def test_an_unknown_status_is_left_to_stripe() -> None:
    assert CANCEL.why_not(subscription("hibernating")) == ""


def test_a_cancellation_that_is_scheduled_already_sends_nothing() -> None:
    with pytest.raises(NothingToChange):
        planned(subscription(cancel_at_period_end=True), when="period_end")


def test_s40_keeping_clears_whichever_field_is_set() -> None:
    by_flag = subscription(cancel_at_period_end=True, cancel_at=1_900_000_000)
    by_date = subscription(cancel_at=1_900_000_000)
    assert KEEP.plan(by_flag, {}).params == {"cancel_at_period_end": False}
    assert KEEP.plan(by_date, {}).params == {"cancel_at": ""}
    assert "No cancellation" in KEEP.why_not(subscription())


def test_the_summary_says_when_it_ends_and_what_is_credited() -> None:
    row = subscription()
    form = filled(row, when="now", invoice_now="on", feedback="unused")
    assert form.is_valid()
    assert CANCEL.summary(row, form.cleaned_data) == [
        "The subscription ends now.",
        "Outstanding items are invoiced now. Nothing is credited or refunded.",
        "The customer's answer: Unused.",
    ]


def test_s53_sums_take_quantity_and_fractions_and_leave_tiers_out() -> None:
    items = [
        {"quantity": 3, "price": {"unit_amount": 500, "unit_amount_decimal": "500", "currency": "jpy"}},
        {"quantity": 3, "price": {"unit_amount": None, "unit_amount_decimal": "0.5", "currency": "usd"}},
        {"quantity": 1, "price": {"unit_amount": None, "unit_amount_decimal": None, "currency": "usd"}},
        {"price": {"unit_amount": 7, "currency": "usd"}},
    ]
    assert list(CANCEL.sums(subscription(items={"data": items}))) == [(1500, "jpy"), (2, "usd")]
