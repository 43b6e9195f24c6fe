"""States of what is billed, disputed and paid out, in plain words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from stripe_mirror.admin.status import KNOWN, Status, status_of
from stripe_mirror.kinds import get_kind
from tests.admin import rows

pytestmark = pytest.mark.django_db
MAY_3 = int(datetime(2037, 5, 3, 12, tzinfo=UTC).timestamp())
LONG_AGO = int(datetime(2023, 11, 14, 12, tzinfo=UTC).timestamp())


def words(row: Any) -> str:
    status = status_of(row)
    return status.text if status else ""


@pytest.mark.parametrize(
    ("status", "due_by", "expected"),
    [
        ("needs_response", MAY_3, "Needs response by 3 May 2037"),
        ("needs_response", LONG_AGO, "Deadline passed on 14 Nov 2023"),
        ("needs_response", None, "Needs response"),
        ("warning_needs_response", MAY_3, "Inquiry needs response by 3 May 2037"),
        ("warning_needs_response", LONG_AGO, "Inquiry needs response, deadline passed on 14 Nov 2023"),
        ("warning_under_review", MAY_3, "Inquiry under review"),
        ("warning_closed", None, "Inquiry closed"),
        ("under_review", MAY_3, "Under review"),
        ("won", None, "Won"),
        ("appeal_needs_response", MAY_3, "Appeal needs response by 3 May 2037"),
    ],
)
def test_a_dispute_says_until_when_to_answer(status: str, due_by: int | None, expected: str) -> None:
    assert words(rows.dispute(status=status, evidence_details={"due_by": due_by})) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "pending"}, "Pending, arrives 4 May 2037"),
        ({"status": "in_transit"}, "In transit, arrives 4 May 2037"),
        ({"status": "in_transit", "arrival_date": None}, "In transit"),
        ({"status": "paid"}, "Paid"),
        ({"status": "paid", "reversed_by": "po_2"}, "Reversed"),
        ({"status": "failed", "failure_code": "account_closed"}, "Failed: account closed"),
        ({"status": "zz_new"}, "Zz new"),
    ],
)
def test_a_payout_says_when_it_arrives_or_why_not(fields: dict[str, Any], expected: str) -> None:
    arrival = int(datetime(2037, 5, 4, tzinfo=UTC).timestamp())
    assert words(rows.payout(**({"arrival_date": arrival} | fields))) == expected


def test_s54_a_bank_day_is_the_same_day_in_every_zone() -> None:
    midnight = int(datetime(2037, 5, 4, tzinfo=UTC).timestamp())
    payout = rows.payout(status="in_transit", arrival_date=midnight)
    moved = rows.balance_transaction(status="pending", available_on=midnight)
    for zone in ("America/Los_Angeles", "Pacific/Auckland"):
        with timezone.override(zone):
            assert words(payout) == "In transit, arrives 4 May 2037"
            assert words(moved) == "Pending until 4 May 2037"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Active"),
        ({"expires_at": MAY_3}, "Active until 3 May 2037"),
        ({"expires_at": LONG_AGO}, "Expired on 14 Nov 2023"),
        ({"active": False, "expires_at": LONG_AGO}, "Expired on 14 Nov 2023"),
        ({"active": False, "max_redemptions": 3, "times_redeemed": 3}, "Used up"),
        ({"active": False}, "Inactive"),
    ],
)
def test_a_promotion_code_says_why_it_no_longer_works(fields: dict[str, Any], expected: str) -> None:
    assert words(rows.promotion_code(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (
            {"status": "active", "current_phase": {"start_date": 1, "end_date": MAY_3}},
            "Active, phase ends on 3 May 2037",
        ),
        ({"status": "active", "current_phase": None}, "Active"),
        ({"status": "not_started", "phases": [{"start_date": MAY_3}]}, "Starts on 3 May 2037"),
        ({"status": "released", "released_at": MAY_3}, "Released on 3 May 2037"),
        ({"status": "completed", "completed_at": MAY_3}, "Completed on 3 May 2037"),
        ({"status": "canceled", "canceled_at": MAY_3}, "Canceled on 3 May 2037"),
        ({"status": "zz_new"}, "Zz new"),
    ],
)
def test_a_schedule_says_what_comes_next(fields: dict[str, Any], expected: str) -> None:
    assert words(rows.subscription_schedule(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"status": "complete", "payment_status": "paid"}, Status("Complete, paid", "success")),
        ({"status": "complete", "payment_status": "unpaid"}, Status("Complete, payment pending", "warning")),
        ({"status": "complete", "payment_status": "no_payment_required"}, Status("Complete", "success")),
        ({"status": "open", "expires_at": MAY_3}, Status("Open until 3 May 2037", "info")),
        ({"status": "expired"}, Status("Expired")),
    ],
)
def test_a_complete_checkout_is_not_always_paid(fields: dict[str, Any], expected: Status) -> None:
    assert status_of(rows.checkout_session(**fields)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "Succeeded"),
        (
            {
                "status": "requires_payment_method",
                "last_setup_error": {"code": "card_declined", "decline_code": "stolen_card"},
            },
            "Failed: card declined (card stolen)",
        ),
        ({"status": "requires_payment_method"}, "Incomplete"),
        ({"status": "requires_action"}, "Needs authentication"),
        ({"status": "canceled", "cancellation_reason": "abandoned"}, "Canceled: abandoned"),
    ],
)
def test_a_setup_that_failed_says_why(fields: dict[str, Any], expected: str) -> None:
    assert words(rows.setup_intent(**fields)) == expected


def test_the_rest_in_words() -> None:
    soon = int((timezone.now() + timedelta(days=9)).timestamp())
    assert words(rows.credit_note("cn_1", status="void", voided_at=MAY_3)) == "Void since 3 May 2037"
    assert words(rows.credit_note("cn_2")) == "Issued"
    assert words(rows.invoice_payment("inpay_1", status="canceled")) == "Canceled"
    assert words(rows.invoice_item("ii_1", invoice=None)) == "Pending"
    assert words(rows.invoice_item("ii_2")) == "Invoiced"
    assert words(rows.discount("di_1", end=LONG_AGO)) == "Ended on 14 Nov 2023"
    assert words(rows.discount("di_2", end=soon)).startswith("Until ")
    assert words(rows.discount("di_3", end=None)) == ""
    assert words(rows.balance_transaction("txn_1")) == "Available"
    assert words(rows.tax_id("txi_1", verification={"status": "unverified"})) == "Unverified"
    assert words(rows.tax_rate("txr_1", active=False)) == "Archived"


@pytest.mark.parametrize("object_type", sorted(KNOWN))
def test_every_known_status_has_words_with_and_without_dates(object_type: str) -> None:
    row = rows.one_of_each()[object_type]
    bare = rows.store({"object": object_type, "id": "bare_1"})
    assert row.kind == get_kind(object_type)
    for each in (row, bare):
        for status in (*KNOWN[object_type], "zz_new"):
            each.status = status
            assert words(each)[0].isupper()
            assert "None" not in words(each)
