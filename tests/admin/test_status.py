"""Status in plain words, over all that Stripe combines."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from stripe_mirror.admin.status import status_of
from stripe_mirror.models import PaymentIntent
from tests.admin import rows

pytestmark = pytest.mark.django_db
MAY_3 = int(datetime(2027, 5, 3, 12, tzinfo=UTC).timestamp())


def words(row: Any) -> str:
    status = status_of(row)
    return status.text if status else ""


def test_s40_a_cancellation_by_date_reads_as_ending_while_the_flag_is_false() -> None:
    assert words(rows.subscription(cancel_at=MAY_3, cancel_at_period_end=False)) == "Active, ends on 3 May 2027"


def test_s40_a_cancellation_at_the_periods_end_reads_as_ending() -> None:
    item = rows.item_payload(current_period_end=MAY_3)
    row = rows.subscription(cancel_at_period_end=True, items={"data": [item], "has_more": False})
    assert words(row) == "Active, ends on 3 May 2027"


def test_s41_paused_collection_and_the_status_paused_read_differently() -> None:
    collection = rows.subscription("sub_1", pause_collection={"behavior": "void", "resumes_at": MAY_3})
    assert words(collection) == "Active, collection paused until 3 May 2027 (invoices are voided)"
    assert words(rows.subscription("sub_2", status="paused")) == "Paused"
    assert words(rows.subscription("sub_3", pause_collection={"behavior": "void"})) == (
        "Active, collection paused (invoices are voided)"
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "trialing", "trial_end": MAY_3}, "Trial until 3 May 2027"),
        ({"status": "past_due"}, "Past due"),
        ({"status": "unpaid"}, "Unpaid"),
        ({"status": "incomplete_expired"}, "Incomplete, expired"),
        ({"status": "canceled", "ended_at": MAY_3}, "Canceled on 3 May 2027"),
        ({"status": "trialing", "trial_end": MAY_3, "cancel_at": MAY_3}, "Trial until 3 May 2027, then ends"),
        ({"status": "past_due", "cancel_at": MAY_3}, "Past due, ends on 3 May 2027"),
        ({"pending_update": {"expires_at": MAY_3}}, "Active, a change waits for payment"),
        ({"pause_collection": "soon", "schedule": 7, "pending_update": [1]}, "Active"),
        ({"status": "zz_new"}, "Zz new"),
        ({"status": None}, ""),
    ],
)
def test_a_subscription_in_words(fields: dict[str, Any], expected: str) -> None:
    assert words(rows.subscription(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "paid"}, "Paid"),
        ({"status": "open", "attempt_count": 0}, "Open"),
        ({"status": "open", "attempt_count": 0, "due_date": 4_000_000_000}, "Open, due on 2 Oct 2096"),
        ({"status": "open", "attempt_count": 0, "due_date": 1_700_000_000}, "Overdue since 14 Nov 2023"),
        (
            {"status": "open", "attempt_count": 2, "next_payment_attempt": MAY_3},
            "Payment failed, attempt 2, next on 3 May 2027",
        ),
        ({"status": "open", "attempt_count": 4}, "Payment failed, attempt 4"),
        (
            {
                "status": "open",
                "attempt_count": 0,
                "amount_paid": 900,
                "amount_remaining": 2000,
                "due_date": 4_000_000_000,
            },
            "Open, $9.00 paid, due on 2 Oct 2096",
        ),
        ({"status": "draft", "automatically_finalizes_at": MAY_3}, "Draft, finalizes on 3 May 2027"),
        (
            {"status": "draft", "last_finalization_error": {"code": "tax_id_invalid"}},
            "Draft, could not be finalized: tax id invalid",
        ),
        ({"amount_paid_off_stripe": 2900}, "Paid out of band"),
        ({"paid_out_of_band": True}, "Paid out of band"),
        ({"amount_due": 0, "starting_balance": -5000}, "Paid with credit"),
        ({"pre_payment_credit_notes_amount": 2900}, "Paid, credited in full"),
        ({"post_payment_credit_notes_amount": 2900}, "Paid, credited in full"),
        ({"post_payment_credit_notes_amount": 900}, "Paid, $9.00 credited"),
        ({"total": 0, "amount_due": 0}, "Paid, nothing was due"),
        (
            {"status": "uncollectible", "status_details": {"uncollectible": {"reason": "user_forgiven"}}},
            "Uncollectible: forgiven",
        ),
        ({"status": "zz_new"}, "Zz new"),
    ],
)
def test_an_invoice_in_words(fields: dict[str, Any], expected: str) -> None:
    assert words(rows.invoice(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Succeeded"),
        ({"disputed": True, "refunded": True}, "Disputed"),
        ({"refunded": True, "amount_refunded": 2900}, "Refunded"),
        ({"amount_refunded": 100}, "Partially refunded, $1.00 of $29.00"),
        ({"captured": False}, "Uncaptured"),
        (
            {"captured": False, "payment_method_details": {"card": {"capture_before": MAY_3}}},
            "Uncaptured, expires on 3 May 2027",
        ),
        ({"status": "failed", "failure_code": "card_declined"}, "Failed: card declined"),
    ],
)
def test_a_charge_in_words(fields: dict[str, Any], expected: str) -> None:
    assert words(rows.charge(**fields)) == expected


def test_a_declined_payment_says_why() -> None:
    error = {"code": "card_declined", "decline_code": "insufficient_funds"}
    row = rows.payment_intent(status="requires_payment_method", last_payment_error=error)
    assert words(row) == "Failed: card declined (insufficient funds)"


def test_a_payment_read_with_its_charge_says_what_became_of_the_money() -> None:
    rows.charge("ch_1", amount_refunded=100)
    rows.charge("ch_2", disputed=True)
    for n in (1, 2):
        rows.payment_intent(f"pi_{n}", latest_charge=f"ch_{n}")
    found = PaymentIntent.objects.select_related("latest_charge").order_by("id")
    assert [words(row) for row in found] == ["Partially refunded, $1.00 of $29.00", "Disputed"]
    assert words(rows.payment_intent("pi_3", latest_charge="ch_missing")) == "Succeeded"


def test_s35_a_refund_says_whether_the_money_is_back() -> None:
    assert words(rows.refund("re_1", status="pending")) == "Refund pending"
    assert words(rows.refund("re_2", status="failed", failure_reason="expired_or_canceled_card")) == (
        "Refund failed: card expired or canceled"
    )
    assert words(rows.refund("re_3", status="succeeded")) == "Refunded"


def test_a_card_says_when_it_expires() -> None:
    assert words(rows.payment_method("pm_1")) == "Expires 04/2031"
    card = {"brand": "visa", "last4": "1", "exp_month": 1, "exp_year": 2020}
    assert words(rows.payment_method("pm_2", card=card)) == "Expired 01/2020"
    assert words(rows.payment_method("pm_3", customer=None)) == "Detached"


def test_a_deleted_row_reads_deleted_whatever_it_was() -> None:
    assert words(rows.customer(deleted_at=rows.NOW, delinquent=True)) == "Deleted"
