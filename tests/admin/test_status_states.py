"""Words and filters agree: whatever columns Stripe combines, a row is found by the states that its words name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from stripe_mirror.admin import display
from stripe_mirror.admin.status import KNOWN, STATES, status_of
from stripe_mirror.admin.status_base import OTHER
from stripe_mirror.admin.status_filter import in_state
from stripe_mirror.admin.status_reads import read_along
from stripe_mirror.kinds import get_kind
from stripe_mirror.models import Charge, Coupon, Customer, Invoice, PaymentIntent, PaymentMethod, Subscription
from tests.admin import rows
from tests.admin.row_store import store

pytestmark = pytest.mark.django_db

SOON = int((timezone.now() + timedelta(days=9)).timestamp())
LONG_AGO = rows.SECOND - 900 * rows.DAY
# What became of a payment's charge.
CHARGES: dict[str, dict[str, Any]] = {
    "kept": {},
    "back": {"refunded": True, "amount_refunded": 2900},
    "part": {"amount_refunded": 900},
    "waiting": {"refunded": True, "amount_refunded": 2900},
    "disputed": {"disputed": True, "refunded": True, "amount_refunded": 2900},
}
TODAY = timezone.localdate()
EXPIRIES = (
    (TODAY.month, TODAY.year),
    (TODAY.month, TODAY.year - 1),
    (TODAY.month, TODAY.year + 1),
    (TODAY.month % 12 + 1, TODAY.year + (TODAY.month == 12)),
    ((TODAY.month - 2) % 12 + 1, TODAY.year - (TODAY.month == 1)),
    (1, TODAY.year + 1),
    (12, TODAY.year - 1),
    (None, TODAY.year - 1),
    (0, TODAY.year - 1),
    (12, None),
)
# What decides beside the status: by column, its values.
DECIDING: dict[str, dict[str, tuple[Any, ...]]] = {
    "subscription": {
        "cancel_at": (None, SOON),
        "cancel_at_period_end": (False, True, None),
        "ended_at": (None, LONG_AGO),
        "pause_collection": (None, {"behavior": "void"}),
    },
    "invoice": {"due_date": (None, LONG_AGO, SOON), "attempt_count": (0, 2, None), "pays": (None, "pi_on", "pi_off")},
    "payment_intent": {
        "last_payment_error": (None, {"code": "card_declined"}),
        "charged": (None, "missing", *CHARGES),
    },
    "customer": {"delinquent": (True, False, None)},
    "coupon": {"valid": (True, False, None)},
    "payment_method": {
        "customer": ("cus_1", None),
        "card": (
            None,
            *({"exp_month": month, "exp_year": year} for month, year in EXPIRIES),
        ),
    },
    "setup_intent": {"last_setup_error": (None, {"code": "card_declined"})},
    "charge": {
        "disputed": (False, True, None),
        "refunded": (False, True),
        "amount_refunded": (0, 900, None),
        "captured": (True, False),
        "failure_code": (None, "card_declined"),
        "back": (None, "pending", "failed"),
    },
    "checkout.session": {"payment_status": ("paid", "unpaid", None)},
    "dispute": {"evidence_details": ({}, {"due_by": LONG_AGO}, {"due_by": SOON})},
    "payout": {"reversed_by": (None, "po_Back")},
}


def combined(kind: str) -> Iterator[dict[str, Any]]:
    """All combinations of what decides, under each status of Stripe's and under one that we don't know."""
    deciding = {
        "status": (*KNOWN.get(kind, {}), "zz_new", *STATES[kind].keys() - KNOWN.get(kind, {}).keys(), None)
    } | DECIDING.get(kind, {})
    for values in product(*deciding.values()):
        yield dict(zip(deciding, values, strict=True))


def made(kind: str) -> list[Any]:
    """A row of each combination, with the payment or refund that belongs to it."""
    rows.payment_intent("pi_on", status="processing")
    rows.payment_intent("pi_off", status="requires_payment_method", last_payment_error={"code": "card_declined"})
    model, payloads, beside = get_kind(kind).model, [], []
    for n, fields in enumerate(combined(kind)):
        id = f"made_{n}"
        if intent := fields.pop("pays", None):
            paid = {"type": "payment_intent", "payment_intent": intent}
            beside.append({"object": "invoice_payment", "id": f"inpay_{n}", "invoice": id, "payment": paid})
        if charged := fields.pop("charged", None):
            fields["latest_charge"] = f"ch_{n}"
            beside += _charge_of(id, f"ch_{n}", charged)
        if status := fields.pop("back", None):
            refund = {
                "object": "refund",
                "id": f"re_{n}",
                "charge": id,
                "status": status,
                "amount": 5,
                "currency": "usd",
            }
            beside.append(refund)
        payloads.append({"object": kind, "id": id, "currency": "usd", "amount": 2900, **fields})
    for payload in beside:
        store(payload)
    fixed: dict[str, Any] = {"as_of": rows.NOW, "synced_at": rows.NOW, "changed_at": rows.NOW}
    model.objects.bulk_create([model(id=payload["id"], data=payload, **fixed) for payload in payloads])
    return list(model.objects.all())


def _charge_of(intent: str, id: str, charged: str) -> list[dict[str, Any]]:
    """The charge of a payment, and the refund that is on its way; none where it isn't mirrored yet."""
    if charged == "missing":
        return []
    fields = {"id": id, "payment_intent": intent, "currency": "usd", "amount": 2900, "status": "succeeded"}
    charge = {"object": "charge", **fields, **CHARGES[charged]}
    refund = {**fields, "object": "refund", "id": f"re_{id}", "charge": id, "status": "pending"}
    return [charge, refund] if charged == "waiting" else [charge]


@pytest.mark.parametrize("kind", sorted(STATES))
def test_a_state_finds_exactly_the_rows_whose_words_are_its_own(kind: str) -> None:
    found = made(kind)
    read_along(found)
    said: dict[str, set[str]] = {}
    for row in found:
        status = status_of(row)
        if status is None:
            assert not KNOWN.get(kind, {}), "Stripe's own status is always said"
            continue
        assert status.states, row.data
        assert status.text == "" or status.text[0].isupper()
        assert not any(slip in status.text for slip in ("None", "%(", ": ,", ", ,"))
        labels = [str(STATES[kind][key].label) for key in status.states if key != OTHER]
        assert OTHER in status.states or any(_begins(status.text, label) for label in labels), (status.text, labels)
        for state in status.states:
            said.setdefault(state, set()).add(row.pk)
    model = get_kind(kind).model
    for key in (*STATES[kind], *([OTHER] if KNOWN.get(kind, {}) else [])):
        assert set(model.objects.filter(in_state(model, key)).values_list("pk", flat=True)) == said.get(key, set()), key
        assert said.get(key), f"no row is {key}"


def _begins(text: str, label: str) -> bool:
    return text.startswith((label, "Starts on", "Deadline passed"))


@pytest.mark.parametrize("kind", sorted(kind for kind in STATES if KNOWN.get(kind, {})))
def test_an_address_with_one_of_stripes_values_finds_the_rows_of_just_that_status(boss: Client, kind: str) -> None:
    model = get_kind(kind).model
    for value in KNOWN.get(kind, {}):
        store({"object": kind, "id": f"row_{value}", "status": value})
    for value in KNOWN.get(kind, {}):
        page = boss.get(display.list_url(model) + f"?status={value}")
        changelist: Any = page.context_data["cl"]  # type: ignore[attr-defined]
        assert [row.pk for row in changelist.result_list] == [f"row_{value}"]
        assert changelist.menus[0].chosen, "the page says what is filtered"


def test_lists_filter_by_the_words_that_they_show(boss: Client) -> None:
    rows.subscription("sub_ends", cancel_at=SOON)
    rows.subscription("sub_runs")
    rows.invoice("in_late", status="open", due_date=LONG_AGO)
    rows.invoice("in_open", status="open", due_date=SOON)
    rows.charge("ch_back", refunded=True, amount_refunded=2900)
    rows.charge("ch_waits", refunded=True, amount_refunded=2900)
    rows.refund("re_waits", charge="ch_waits", payment_intent="pi_waits", status="pending", amount=2900)
    for name in ("back", "waits"):
        rows.payment_intent(f"pi_{name}", status="succeeded", latest_charge=f"ch_{name}")
    rows.payment_intent("pi_canceled", status="canceled", latest_charge="ch_back")
    for id, late in (("cus_late", True), ("cus_paid", False)):
        rows.customer(id, delinquent=late)
    for id, valid in (("spent", False), ("open", True)):
        store({"object": "coupon", "id": id, "valid": valid, "percent_off": 5, "duration": "once"})
    for id, owner, year in (("pm_old", "cus_paid", 2020), ("pm_new", "cus_paid", 2099), ("pm_gone", None, 2020)):
        store({"object": "payment_method", "id": id, "customer": owner, "card": {"exp_month": 5, "exp_year": year}})
    for model, key, id, said in (
        (Subscription, "ending", "sub_ends", "Active, ends on"),
        (Invoice, "overdue", "in_late", "Overdue since"),
        (Charge, "refunded", "ch_back", "Refunded"),
        (Charge, "refund_pending", "ch_waits", "Refund pending"),
        (PaymentIntent, "refunded", "pi_back", "Refunded"),
        (PaymentIntent, "refund_pending", "pi_waits", "Refund pending"),
        (Customer, "past_due", "cus_late", "Past due"),
        (Coupon, "invalid", "spent", "No longer valid"),
        (PaymentMethod, "expired", "pm_old", "Expired 05/2020"),
        (PaymentMethod, "detached", "pm_gone", "Detached"),
    ):
        page = boss.get(display.list_url(model) + f"?status={key}")
        assert [row.pk for row in page.context_data["cl"].result_list] == [id]  # type: ignore[attr-defined]
        assert said in page.content.decode()


def test_address_of_before_still_filters_by_the_flag_and_says_so(boss: Client) -> None:
    for id, late in (("cus_late", True), ("cus_paid", False)):
        rows.customer(id, delinquent=late)
    page = boss.get(display.list_url(Customer) + "?delinquent=yes")
    changelist: Any = page.context_data["cl"]  # type: ignore[attr-defined]
    assert [row.pk for row in changelist.result_list] == ["cus_late"]
    assert [chip.label for chip in changelist.chips] == ["Delinquent: Yes"]
    plain = boss.get(display.list_url(Customer))
    assert "delinquent" not in [
        name
        for menu in plain.context_data["cl"].menus  # type: ignore[attr-defined]
        for name in menu.spec.expected_parameters()
    ]


def test_status_that_a_kind_without_one_does_not_know_is_said_to_be_left_out(boss: Client) -> None:
    rows.customer("cus_1")
    page = boss.get(display.list_url(Customer) + "?status=zz_new", follow=True)
    assert "Status: the address names none of its choices." in page.content.decode()


def test_payments_whose_money_went_back_are_listed_by_their_charges_page_by_page(boss: Client) -> None:
    for n in range(60):
        # Several of the same second, and payments made in another order than their charges.
        rows.charge(f"ch_{n:02}", refunded=True, amount_refunded=2900, created=rows.SECOND + n // 7)
        rows.payment_intent(f"pi_{(n * 7) % 60:02}", status="succeeded", latest_charge=f"ch_{n:02}")
    rows.charge("ch_kept")
    rows.payment_intent("pi_kept", status="succeeded", latest_charge="ch_kept")
    url, seen = display.list_url(PaymentIntent) + "?status=refunded", list[str]()
    asked = "1"
    while asked:
        changelist: Any = boss.get(f"{url}&p={asked}").context_data["cl"]  # type: ignore[attr-defined]
        seen += [row.pk for row in changelist.result_list]
        asked = changelist.page.next
    found = {row.pk: row for row in PaymentIntent.objects.select_related("latest_charge")}
    order = sorted(found.keys() - {"pi_kept"}, key=lambda pk: (found[pk].latest_charge.created, pk), reverse=True)
    assert seen == order
