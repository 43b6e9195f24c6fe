"""Columns of the kinds whose objects Stripe shaped differently over the years, or that name things in odd places."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.apps import apps
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.utils import timezone

from stripe_mirror.kinds import all_kinds, kind_of_id
from stripe_mirror.management.autodetector import Autodetector
from stripe_mirror.models import (
    BalanceTransaction,
    CreditNote,
    Discount,
    InvoiceItem,
    InvoiceLineItem,
    InvoicePayment,
    PromotionCode,
    StripeObject,
    SubscriptionSchedule,
    TaxId,
)

pytestmark = pytest.mark.django_db
SECOND = 1_700_000_000
MOMENT = datetime.fromtimestamp(SECOND, UTC)


def column(model: type[StripeObject], name: str, data: dict[str, Any]) -> Any:
    now = timezone.now()
    model.objects.create(id="x_1", data=data, as_of=now, synced_at=now, changed_at=now)
    try:
        return getattr(model.objects.get(pk="x_1"), name)
    finally:
        model.objects.all().delete()


@pytest.mark.parametrize(
    "data",
    [
        {"promotion": {"type": "coupon", "coupon": "SPRING"}},
        {"promotion": {"type": "coupon", "coupon": {"id": "SPRING", "object": "coupon"}}},
        {"coupon": {"id": "SPRING", "object": "coupon"}},
        {"coupon": "SPRING"},
    ],
)
def test_a_promotion_code_finds_its_coupon_in_every_shape(data: dict[str, Any]) -> None:
    assert column(PromotionCode, "coupon_id", data) == "SPRING"


@pytest.mark.parametrize(
    "data",
    [
        {"source": {"type": "coupon", "coupon": "SPRING"}},
        {"source": {"type": "coupon", "coupon": {"id": "SPRING"}}},
        {"coupon": {"id": "SPRING", "object": "coupon", "percent_off": 10}},
    ],
)
def test_a_discount_finds_its_coupon_in_every_shape(data: dict[str, Any]) -> None:
    assert column(Discount, "coupon_id", data) == "SPRING"


def test_times_with_another_name_are_the_times_of_creation() -> None:
    assert column(InvoiceItem, "created", {"date": SECOND}) == MOMENT
    assert column(Discount, "created", {"start": SECOND}) == MOMENT
    assert column(InvoiceLineItem, "created", {"period": {"start": SECOND}}) is None


OLD_LINE = {"subscription": "sub_1", "price": {"id": "price_1"}, "invoice_item": "ii_1", "proration": True}
SUBSCRIPTION_LINE = {
    "parent": {
        "subscription_item_details": {"subscription": "sub_1", "invoice_item": "ii_1", "proration": True},
        "invoice_item_details": None,
    },
    "pricing": {"price_details": {"price": "price_1"}},
}
ITEM_LINE = {
    "parent": {"invoice_item_details": {"subscription": "sub_1", "invoice_item": "ii_1", "proration": True}},
    "pricing": {"price_details": {"price": "price_1"}},
}


@pytest.mark.parametrize("data", [OLD_LINE, SUBSCRIPTION_LINE, ITEM_LINE])
def test_s17_a_line_finds_what_it_bills_in_every_shape(data: dict[str, Any]) -> None:
    for name, expected in (
        ("subscription_id", "sub_1"),
        ("price_id", "price_1"),
        ("invoice_item_id", "ii_1"),
        ("proration", True),
    ):
        assert column(InvoiceLineItem, name, data) == expected


def test_relations_that_stand_in_odd_places() -> None:
    assert column(TaxId, "customer_id", {"owner": {"type": "customer", "customer": "cus_1"}}) == "cus_1"
    assert column(SubscriptionSchedule, "subscription_id", {"released_subscription": "sub_1"}) == "sub_1"
    assert column(CreditNote, "refund_id", {"refunds": [{"refund": {"id": "re_1"}}]}) == "re_1"
    assert column(CreditNote, "refund_id", {"refund": "re_1"}) == "re_1"
    assert column(InvoicePayment, "payment_intent_id", {"payment": {"payment_intent": "pi_1"}}) == "pi_1"
    assert column(BalanceTransaction, "source", {"source": {"id": "ch_1", "object": "charge"}}) == "ch_1"


def test_a_pasted_id_leads_to_its_kind() -> None:
    for id, expected in (
        ("sub_sched_1", "subscription_schedule"),
        ("sub_1", "subscription"),
        ("cs_test_1", "checkout.session"),
        ("dp_1", "dispute"),
        ("il_1", "line_item"),
        ("in_1", "invoice"),
        ("inpay_1", "invoice_payment"),
        ("prod_1", "product"),
        ("promo_1", "promotion_code"),
        ("txn_1", "balance_transaction"),
        ("cbtxn_1", "customer_balance_transaction"),
    ):
        kind = kind_of_id(id)
        assert kind is not None
        assert kind.object == expected


def test_every_kind_can_be_seen_in_some_list() -> None:
    for kind in all_kinds():
        assert kind.list_path or kind.through or kind.nested, kind.object
        for other in (
            *(t.object for t in kind.through),
            *(i.by for i in kind.implied),
            *(e.object for e in kind.embeds),
        ):
            assert any(other == known.object for known in all_kinds()), other


@pytest.mark.parametrize("name", ["balance_transaction", "status", "amount"])
def test_a_column_or_relation_added_to_a_table_makes_a_migration_by_itself(name: str) -> None:
    before = MigrationLoader(None).project_state()
    del before.models["stripe_mirror", "charge"].fields[name]
    after = ProjectState.from_apps(apps)
    changes = Autodetector(before, after).changes(graph=MigrationLoader(None).graph)
    made = [operation for migration in changes["stripe_mirror"] for operation in migration.operations]
    assert name in [getattr(operation, "name", "") for operation in made]
