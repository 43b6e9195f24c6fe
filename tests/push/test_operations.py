"""What every operation promises, walked over the registry: later operations are held to it, too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission

from stripe_mirror.kinds import get_kind
from stripe_mirror.models import StripeObject
from stripe_mirror.push.operation import (
    Operation,
    OperationForm,
    all_operations,
    get_operation,
    may,
    operations_for,
    register,
)
from tests.push.examples import (
    BY_OPERATION,
    CHARGE,
    COUPON,
    DISPUTE,
    HELD,
    INVOICE,
    PRICE,
    PROMOTION_CODE,
    SCHEDULE,
    TAX_RATE,
)

OPERATIONS = all_operations()
NAMES = [operation.name for operation in OPERATIONS]
EXAMPLES: dict[str, dict[str, Any]] = {
    "charge": CHARGE,
    "coupon": COUPON,
    "promotion_code": PROMOTION_CODE,
    "tax_rate": TAX_RATE,
    "subscription_schedule": SCHEDULE,
    "credit_note": {"object": "credit_note", "status": "issued", "amount": 500, "currency": "eur"},
    "dispute": DISPUTE,
    "invoice": INVOICE,
    "payment_intent": HELD,
    "price": {**PRICE, "active": True, "product": "prod_1"},
    "product": {"object": "product", "name": "Basic", "active": True},
    "customer": {
        "object": "customer",
        "email": "a@example.com",
        "metadata": {"k": "v"},
        "discount": {"object": "discount", "id": "di_1"},
    },
    "payment_method": {"object": "payment_method", "type": "card", "customer": "cus_1"},
    "subscription": {"object": "subscription", "status": "active", "cancel_at_period_end": True},
    "tax_id": {"object": "tax_id", "type": "eu_vat", "value": "DE123456789", "customer": "cus_1"},
}
each = pytest.mark.parametrize("operation", OPERATIONS, ids=NAMES)


def example(operation: Operation) -> StripeObject:
    """A row to do it to."""
    if operation.creates:
        return operation.new_row()
    data = BY_OPERATION.get(operation.name) or EXAMPLES[operation.object_type]
    return get_kind(operation.object_type).model(id="x_1", data=data)


def test_the_operations_of_this_release_are_registered() -> None:
    assert {"edit_customer", "create_customer", "cancel_subscription", "keep_subscription"} <= set(NAMES)
    assert [get_operation(name) for name in NAMES] == list(OPERATIONS)


@each
@pytest.mark.django_db
def test_its_permission_exists(operation: Operation) -> None:
    assert Permission.objects.filter(codename=operation.permission).count() == 1
    assert not may(AnonymousUser(), operation)


@each
def test_it_says_what_it_is(operation: Operation) -> None:
    assert operation.label
    assert operation.short_description.endswith(".")
    assert not operation.danger or operation.final_warning


@each
@pytest.mark.django_db
def test_its_form_opens_with_values_that_travel_as_json(operation: Operation) -> None:
    row = example(operation)
    shown = operation.initial(row)
    assert json.loads(json.dumps(shown)) == shown
    assert set(shown) <= set(operation.get_form(row).fields)


@each
@pytest.mark.django_db
def test_its_form_asks_for_a_reason_last(operation: Operation) -> None:
    fields = operation.get_form(example(operation)).fields
    assert list(fields)[-1] == "reason"
    assert fields["reason"].required == operation.needs_reason


@each
@pytest.mark.django_db
def test_a_tombstone_is_refused_with_a_sentence(operation: Operation) -> None:
    if operation.creates:
        assert operation.why_not(operation.new_row()) == ""
        return
    row = example(operation)
    assert operation.why_not(row) == ""
    row.deleted_at = row.synced_at = "2026-01-01T00:00:00Z"
    assert operation.why_not(row).endswith(".")


def test_operations_are_offered_by_kind() -> None:
    offered = operations_for("subscription")
    assert {"cancel_subscription", "keep_subscription"} <= {operation.name for operation in offered}
    assert {operation.object_type for operation in offered} == {"subscription"}
    assert operations_for("line_item") == ()


def test_two_operations_of_one_name_are_refused() -> None:
    class Again(type(get_operation("keep_subscription"))):  # type: ignore[misc]
        pass

    with pytest.raises(ValueError, match="two operations"):
        register(Again)


def test_the_base_form_knows_no_kind() -> None:
    assert set(OperationForm.base_fields) == {"reason"}
