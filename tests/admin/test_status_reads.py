"""Words that need other rows: read for a page at once, and right also where they weren't."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from stripe_mirror.admin import display
from stripe_mirror.admin.status import status_of
from stripe_mirror.admin.status_reads import read_along
from stripe_mirror.models import Change, Charge, Invoice, PaymentIntent, Subscription
from tests.admin import rows

pytestmark = pytest.mark.django_db
MAY_3 = int(datetime(2027, 5, 3, 12, tzinfo=UTC).timestamp())
MAY_9 = MAY_3 + 6 * rows.DAY
DECLINED = {"code": "card_declined", "decline_code": "insufficient_funds"}


def words(row: Any) -> str:
    read_along([row])
    status = status_of(row)
    return status.text if status else ""


def unpaid_invoice(id: str, *, error: dict[str, str] | None = None, status: str = "requires_payment_method") -> None:
    """An open invoice of 3 May, tried twice, and how it was tried."""
    rows.invoice(
        id,
        status="open",
        attempt_count=2,
        next_payment_attempt=MAY_9,
        status_transitions={"finalized_at": MAY_3},
        amount_paid=0,
        amount_remaining=2900,
    )
    rows.payment_intent(f"pi_{id}", status=status, last_payment_error=error, latest_charge=None)
    rows.invoice_payment(f"inpay_{id}", invoice=id, payment={"payment_intent": f"pi_{id}"}, status="open")


def test_a_past_due_subscription_says_since_when_why_and_what_comes_next() -> None:
    unpaid_invoice("in_1", error=DECLINED)
    assert words(rows.subscription("sub_1", status="past_due", latest_invoice="in_1")) == (
        "Past due since 3 May 2027: card declined (insufficient funds), attempt 2, next on 9 May 2027"
    )
    assert words(rows.subscription("sub_2", status="unpaid", latest_invoice="in_1", cancel_at=MAY_9)) == (
        "Unpaid since 3 May 2027: card declined (insufficient funds), attempt 2, next on 9 May 2027, ends on 9 May 2027"
    )
    unpaid_invoice("in_2", status="requires_action")
    assert words(rows.subscription("sub_3", status="incomplete", latest_invoice="in_2")) == (
        "Incomplete: payment needs authentication"
    )
    rows.invoice("in_paid")
    for n, latest in enumerate(("in_paid", "in_missing", None)):
        assert words(rows.subscription(f"sub_other_{n}", status="past_due", latest_invoice=latest)) == "Past due"


def test_an_open_invoice_says_why_its_payment_failed() -> None:
    unpaid_invoice("in_1", error=DECLINED)
    assert words(Invoice.objects.get(pk="in_1")) == (
        "Payment failed: card declined (insufficient funds), attempt 2, next on 9 May 2027"
    )
    unpaid_invoice("in_2", status="processing")
    assert words(Invoice.objects.get(pk="in_2")) == "Open, payment processing"


def test_a_scheduled_price_is_named_with_its_day() -> None:
    rows.price("price_Pro", unit_amount=9900)
    phases = [
        {"start_date": rows.SECOND, "end_date": MAY_3, "items": [{"price": "price_Tea"}]},
        {"start_date": MAY_3, "end_date": None, "items": [{"price": "price_Pro"}, {"price": "price_Two"}]},
    ]
    current = {"start_date": rows.SECOND, "end_date": MAY_3}
    rows.subscription_schedule("sub_sched_1", subscription="sub_1", phases=phases, current_phase=current)
    row = rows.subscription("sub_1", schedule="sub_sched_1")
    assert words(row) == "Active, changes to $99.00 / month and 1 more on 3 May 2027"
    pending = {"expires_at": MAY_9, "subscription_items": [{"price": {"id": "price_Pro"}}]}
    assert words(rows.subscription("sub_2", pending_update=pending)) == "Active, changes to $99.00 / month once paid"
    odd = {"phases": "none", "current_phase": {"end_date": [1]}}
    rows.subscription_schedule("sub_sched_2", subscription="sub_3", **odd)
    assert words(rows.subscription("sub_3", schedule="sub_sched_2")) == "Active"


def test_s35_a_payment_whose_refund_is_pending_or_failed_is_not_shown_as_refunded() -> None:
    charge = rows.charge(refunded=True, amount_refunded=2900)
    payment = rows.payment_intent()
    assert words(charge) == words(payment) == "Refunded"
    refund = rows.refund("re_1", status="pending", amount=2900)
    for row in (Charge.objects.get(), PaymentIntent.objects.get()):
        assert words(row) == "Refund pending: $29.00"
    unprepared = status_of(Charge.objects.get())
    assert unprepared is not None
    assert unprepared.text == "Refund pending: $29.00", "also where nothing was read along"
    # Stripe takes a failed refund off the charge again.
    refund.delete()
    rows.refund("re_1", status="failed", amount=2900)
    charge.delete()
    rows.charge(refunded=False, amount_refunded=0)
    for row in (Charge.objects.get(), PaymentIntent.objects.get()):
        assert words(row) == "Succeeded, refund of $29.00 failed"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("needs_response", "Disputed: needs response by 3 May 2037"),
        ("under_review", "Disputed: under review"),
        ("won", "Dispute won"),
        ("lost", "Dispute lost"),
        ("warning_closed", "Inquiry closed"),
        ("zz_new", "Disputed: zz new"),
        (None, "Disputed"),
    ],
)
def test_a_disputed_payment_says_how_the_dispute_stands(status: str | None, expected: str) -> None:
    rows.charge(disputed=True)
    due_by = int(datetime(2037, 5, 3, 12, tzinfo=UTC).timestamp())
    if status:
        rows.dispute("du_1", status=status, evidence_details={"due_by": due_by})
    assert words(Charge.objects.get()) == words(rows.payment_intent()) == expected


def test_lists_read_along_in_a_fixed_number_of_queries(boss: Client) -> None:
    counted: dict[Any, list[int]] = {}
    for first, end in ((0, 3), (3, 25)):
        for n in range(first, end):
            unpaid_invoice(f"in_{n}", error=DECLINED)
            rows.subscription(f"sub_{n}", status="past_due", latest_invoice=f"in_{n}", schedule=f"sub_sched_{n}")
            rows.subscription_schedule(f"sub_sched_{n}", subscription=f"sub_{n}")
            rows.charge(f"ch_{n}", amount_refunded=100, disputed=n % 2 == 0)
            rows.refund(f"re_{n}", charge=f"ch_{n}", payment_intent=f"pi_{n}")
            rows.dispute(f"du_{n}", charge=f"ch_{n}", payment_intent=f"pi_{n}")
            rows.payment_intent(f"pi_{n}", latest_charge=f"ch_{n}", created=rows.SECOND + 1)
        for model in (Subscription, Invoice, Charge, PaymentIntent):
            boss.get(display.list_url(model))
            with CaptureQueriesContext(connection) as queries:
                html = boss.get(display.list_url(model)).content.decode()
            counted.setdefault(model, []).append(len(queries))
            assert "card declined" in html or "Partially refunded" in html
            assert not any("SELECT COUNT" in q["sql"] and "LIMIT" not in q["sql"] for q in queries)
    for model, (few, many) in counted.items():
        # A list of one page isn't counted.
        assert few <= many <= few + 1, model
        assert many <= 12, model


def test_open_lists_follow_what_their_words_are_made_of(boss: Client) -> None:
    """A refund that fails or a second attempt changes no row of the list itself."""
    unpaid_invoice("in_1", error=DECLINED)
    rows.subscription("sub_1", status="past_due", latest_invoice="in_1")
    rows.charge("ch_1")
    rows.payment_intent("pi_1", latest_charge="ch_1")
    rows.refund("re_1", charge="ch_1", payment_intent="pi_1")
    fixed = {"action": "updated", "version": 2, "happened_at": timezone.now(), "recorded_at": timezone.now()}
    Change.objects.create(object_type="refund", object_id="re_1", source="api", **fixed)
    Change.objects.create(object_type="invoice", object_id="in_1", source="api", **fixed)
    for model, id in ((Charge, "ch_1"), (PaymentIntent, "pi_1"), (Subscription, "sub_1")):
        answer = boss.get(f"{display.list_url(model)}live/", {"since": 0}).json()
        assert answer["changed"] == [id]
