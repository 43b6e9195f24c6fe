"""The dry run of a job: counts, sums and consequences over many rows; nothing is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from stripe_mirror.kinds import get_kind
from stripe_mirror.push import jobs_preview
from stripe_mirror.push.jobs_preview import Preview, ask_about_sample, preview
from stripe_mirror.push.operation import Operation, all_operations, get_operation
from tests.push import examples
from tests.push.billing import halfway, sold
from tests.sandbox.testing import RunningSandbox

BULK = [operation for operation in all_operations() if operation.bulk]
PLAIN: dict[str, dict[str, Any]] = {
    "customer": {"object": "customer", "name": "Jane", "currency": "eur", "balance": 0},
    "subscription": examples.SUBSCRIPTION,
    "invoice": examples.INVOICE,
    "charge": examples.CHARGE,
    "payment_intent": examples.HELD,
    "dispute": examples.DISPUTE,
    "price": {**examples.PRICE, "object": "price", "active": True},
    "product": {"object": "product", "name": "Basic", "active": True},
    "payment_method": {"object": "payment_method", "customer": "cus_1", "type": "card"},
    "subscription_schedule": examples.SCHEDULE,
    "coupon": examples.COUPON,
    "promotion_code": examples.PROMOTION_CODE,
    "tax_rate": examples.TAX_RATE,
    "tax_id": {"object": "tax_id", "type": "eu_vat", "value": "IE1234567X", "customer": "cus_1"},
}
# What the forms leave to the person.
TYPED = {"adjust_customer_balance": {"direction": "credit", "amount": "2.50", "currency": "eur"}}


def stored(operation: Operation, count: int, *, first: int = 0, **more: Any) -> QuerySet[Any]:
    """So many rows that the operation is good for."""
    kind = get_kind(operation.object_type)
    like = {**PLAIN.get(operation.object_type, {}), **examples.BY_OPERATION.get(operation.name, {}), **more}
    now, ids = timezone.now(), [f"{operation.object_type}_{n:05}" for n in range(first, first + count)]
    made = [
        kind.model(
            id=id, data={**like, "object": operation.object_type, "id": id}, as_of=now, synced_at=now, changed_at=now
        )
        for id in ids
    ]
    kind.model._default_manager.bulk_create(made)
    return kind.model._default_manager.filter(pk__in=ids).order_by("pk")


def cleaned(operation: Operation, **values: Any) -> dict[str, Any] | None:
    """The form of a person who leaves all as it opens, but for what is typed; None where that isn't complete."""
    row = operation.new_row()
    form = operation.get_form(
        row, {**operation.initial(row), **TYPED.get(operation.name, {}), **values, "reason": "asked"}
    )
    return form.cleaned_data if form.is_valid() else None


def shown(name: str, count: int = 3, **values: Any) -> Preview:
    operation = get_operation(name)
    return preview(operation, stored(operation, count), cleaned=cleaned(operation, **values))


@pytest.mark.parametrize("operation", BULK, ids=lambda operation: operation.name)
def test_a_preview_of_many_tells_of_every_operation_and_sends_nothing(
    operation: Operation, stripe: RunningSandbox
) -> None:
    rows, form = stored(operation, 2), cleaned(operation)
    seen = preview(operation, rows, cleaned=form)
    assert seen.total == 2
    if form is not None and seen.allowed:
        assert seen.told == 2
        assert seen.summary, "nothing says what will happen"
    if form is not None and operation.final_warning and seen.allowed and not seen.unpreviewed:
        assert seen.final or seen.follows, "nothing says what is final"
    assert stripe.requests() == []


def test_s53_money_is_added_up_per_currency(stripe: RunningSandbox) -> None:
    refund = get_operation("refund_charge")
    stored(refund, 3)
    stored(refund, 2, first=3, currency="jpy", amount=500, amount_captured=500)
    seen = preview(refund, get_kind("charge").model._default_manager.all(), cleaned=cleaned(refund))
    assert {(one.currency, one.amount) for one in seen.amounts if one.amount} >= {("eur", 8700), ("jpy", 1000)}
    assert seen.sums == {"eur": 8700, "jpy": 1000}


def test_sentences_that_hold_for_some_rows_are_counted(stripe: RunningSandbox) -> None:
    seen = shown("cancel_subscription", when="now", invoice_now=True)
    assert seen.summary["The subscription ends now."] == 3
    assert seen.final[get_operation("cancel_subscription").final_warning] == 3


def test_consequences_of_the_first_rows_do_where_they_take_long(
    stripe: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_preview, "EFFECTS_SECONDS", 0.0)
    seen = shown("refund_charge")
    assert (seen.allowed, seen.told, seen.amounts) == (3, 0, [])
    assert seen.sums == {"eur": 8700}, "sums are of all rows"


@pytest.mark.parametrize(("name", "value"), [("MOST_ROWS", 2), ("JUDGING_SECONDS", -1.0)])
def test_more_rows_than_can_be_judged_are_said_to_be_too_many(
    name: str, value: float, stripe: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_preview, name, value)
    seen = shown("cancel_subscription")
    assert seen.too_many
    assert seen.total < 3


def test_ten_thousand_rows_are_judged_with_a_handful_of_queries_and_named_up_to_a_hundred(
    stripe: RunningSandbox, django_assert_max_num_queries: Any
) -> None:
    operation = get_operation("cancel_subscription")
    rows = stored(operation, 10_000, status="canceled")
    rows = type(rows)(rows.model).all()
    with django_assert_max_num_queries(5):
        seen = preview(operation, rows, cleaned=cleaned(operation))
    assert (seen.total, seen.excluded_count, len(seen.excluded)) == (10_000, 10_000, jobs_preview.NAMED)


def test_the_digest_tells_another_set_and_other_amounts(stripe: RunningSandbox) -> None:
    operation = get_operation("cancel_subscription")
    rows, form = stored(operation, 3), cleaned(operation)
    first = preview(operation, rows, cleaned=form)
    assert preview(operation, rows.reverse(), cleaned=form).digest() == first.digest(), "the order doesn't matter"
    # As many as before, but another one of them.
    other = preview(operation, rows[:2], cleaned=form)
    assert other.digest() != preview(operation, rows[1:], cleaned=form).digest()
    row = rows[0]
    item = {**examples.ITEM, "quantity": 2}
    row.data = {**row.data, "items": {"object": "list", "data": [item], "has_more": False}}
    row.save(update_fields=["data"])
    assert preview(operation, rows, cleaned=form).digest() != first.digest()


def test_what_only_stripe_can_preview_is_shown_of_one_row(mirrored: Callable[..., Any], stripe: RunningSandbox) -> None:
    gold = sold(stripe, mirrored, "Gold")
    rows = [halfway(stripe, mirrored, gold, billing_mode={"type": "flexible"}) for _ in range(2)]
    operation = get_operation("pause_subscription")
    form = cleaned(operation, invoicing_behavior="invoice", unused_time_from="now")
    seen = preview(operation, type(rows[0]).objects.filter(pk__in=[r.pk for r in rows]), cleaned=form)
    assert (seen.allowed, seen.unpreviewed) == (2, 2)
    assert stripe.requests() == []
    sample = ask_about_sample(operation, seen)
    assert sample is not None
    assert sample.asked, sample.failure
    assert len(stripe.requests()) == 1
