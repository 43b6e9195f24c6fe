"""Derived columns: what the database makes of Stripe's JSON; pins what we use of Django's internals."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.db import connection, models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.utils import timezone

from stripe_mirror.models import (
    Charge,
    Coupon,
    Customer,
    Invoice,
    InvoicePayment,
    PaymentMethod,
    StripeObject,
    Subscription,
)
from stripe_mirror.models.fields import FromJson, JsonIntegerField, JsonTextField
from stripe_mirror.models.search_build import build

pytestmark = pytest.mark.django_db


def stored(model: type[StripeObject], data: dict[str, Any]) -> Any:
    now = timezone.now()
    model.objects.create(id="x_1", data=data, as_of=now, synced_at=now, changed_at=now)
    return model.objects.get(pk="x_1")


def test_columns_follow_the_object() -> None:
    row = stored(Customer, {"name": "Zoë", "balance": -500, "delinquent": True, "created": 1_700_000_000})
    assert (row.name, row.balance, row.delinquent) == ("Zoë", -500, True)
    assert row.created == datetime.fromtimestamp(1_700_000_000, UTC)
    Customer.objects.filter(pk="x_1").update(data={"name": "Zoe"})
    row.refresh_from_db()
    assert (row.name, row.balance, row.created) == ("Zoe", None, None)


@pytest.mark.parametrize("odd", ["text", 1.5, True, None, [], {}, {"a": 1}, 10**30, -(10**30), "", 1e300, "-"])
@pytest.mark.parametrize("model", [Customer, Coupon, Subscription, Invoice, Charge, PaymentMethod])
def test_an_odd_value_reads_null_or_as_it_is_but_never_fails(model: type[StripeObject], odd: Any) -> None:
    fields = [f for f in model._meta.get_fields() if isinstance(f, FromJson)]
    data: dict[str, Any] = {}
    for field in fields:
        for path in field.paths:
            if "." not in path:
                data[path] = odd
    row = stored(model, data)
    for field in fields:
        value = getattr(row, field.attname)
        if isinstance(field, JsonIntegerField) and field.paths[0] in data:
            assert value == (odd if isinstance(odd, int) and not isinstance(odd, bool) and abs(odd) < 10**18 else None)
        if isinstance(field, JsonTextField) and isinstance(odd, str) and field.paths[0] in data:
            assert value == odd


def test_an_expanded_object_and_its_id_read_alike() -> None:
    row = stored(Charge, {"customer": {"id": "cus_1", "object": "customer"}, "payment_intent": "pi_1"})
    assert (row.customer_id, row.payment_intent_id) == ("cus_1", "pi_1")


def test_s15_old_and_new_shape_give_the_same_period() -> None:
    old = {"current_period_start": 100, "current_period_end": 200}
    new = {"items": {"data": [{"current_period_start": 100, "current_period_end": 200}]}}
    rows = []
    for data in (old, new):
        rows.append(stored(Subscription, data))
        Subscription.objects.all().delete()
    assert rows[0].current_period_end == rows[1].current_period_end == datetime.fromtimestamp(200, UTC)
    assert rows[0].current_period_start == rows[1].current_period_start == datetime.fromtimestamp(100, UTC)


def test_s17_an_invoice_finds_its_subscription_in_either_shape() -> None:
    row = stored(Invoice, {"parent": {"subscription_details": {"subscription": "sub_1"}}})
    assert row.subscription_id == "sub_1"
    Invoice.objects.all().delete()
    assert stored(Invoice, {"subscription": "sub_2"}).subscription_id == "sub_2"


def test_a_missing_parent_reads_none_and_a_present_one_is_joined() -> None:
    charge = stored(Charge, {"customer": "cus_9"})
    assert charge.customer is None
    assert Charge.objects.select_related("customer").get().customer is None
    now = timezone.now()
    Customer.objects.create(id="cus_9", data={"name": "Ada"}, as_of=now, synced_at=now, changed_at=now)
    assert Charge.objects.get().customer.name == "Ada"
    assert list(Customer.objects.get(pk="cus_9").charges.all()) == [charge]
    assert Charge.objects.filter(customer__name="Ada").count() == 1


def test_s19_ids_of_255_characters_are_stored_and_related() -> None:
    long = "cus_" + "x" * 251
    assert stored(Charge, {"customer": long}).customer_id == long
    now = timezone.now()
    Customer.objects.create(id=long, data={}, as_of=now, synced_at=now, changed_at=now)
    assert Charge.objects.get().customer.pk == long


def test_percentages_keep_their_decimals() -> None:
    assert stored(Coupon, {"percent_off": 33.25}).percent_off == Decimal("33.25")


def test_times_beyond_python_read_null() -> None:
    assert stored(Customer, {"created": 10**11 * 9}).created is None


def test_save_and_full_clean_leave_derived_columns_alone() -> None:
    row = stored(Customer, {"name": "Ada"})
    row.data = {"name": "Bob"}
    row.full_clean()
    row.save()
    assert Customer.objects.get().name == "Bob"


def test_objects_survive_dumpdata_and_loaddata() -> None:
    stored(Customer, {"name": "Ada", "balance": 5})
    text = serializers.serialize("json", Customer.objects.all())
    Customer.objects.all().delete()
    for restored in serializers.deserialize("json", text):
        restored.save()
    assert Customer.objects.get().balance == 5


def test_migrations_are_stable() -> None:
    loader = MigrationLoader(None)
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    assert detector.changes(graph=loader.graph).get("stripe_mirror") is None


@pytest.mark.django_db(transaction=True)
def test_s20_a_column_added_to_a_filled_table_is_filled_by_the_database() -> None:
    stored(Customer, {"name": "Ada", "address": {"city": "Kyiv"}})
    field = JsonTextField(path="address.city").clone()
    field.set_attributes_from_name("city_added_later")
    field.model = Customer
    with connection.schema_editor() as editor:
        editor.add_field(Customer, field)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT city_added_later FROM stripe_mirror_customer")
            assert cursor.fetchall() == [("Kyiv",)]
    finally:
        with connection.schema_editor() as editor:
            editor.remove_field(Customer, field)
        # SQLite made the table anew, without the triggers of the search.
        build(connection)
    assert Customer.objects.get().name == "Ada"


def test_every_relation_points_at_text_ids_without_a_constraint() -> None:
    for model in apps.get_app_config("stripe_mirror").get_models():
        for field in model._meta.get_fields():
            if isinstance(field, FromJson) and isinstance(field, models.ForeignKey):
                assert field.db_constraint is False
                assert field.db_parameters(connection)["type"] == "text"


def test_no_side_of_a_join_is_cast_so_that_its_index_carries_it() -> None:
    """From the parent to its children, and back."""
    for rows in (
        Invoice.objects.filter(payments__status="paid"),
        InvoicePayment.objects.filter(invoice__status="paid"),
    ):
        assert "JOIN" in str(rows.query)
        assert "::" not in str(rows.query)


def test_postgresql_compiles_no_queries() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW jit")
            assert cursor.fetchone() == ("off",)
