"""The choices of filters: one query for all columns of a list, however many rows and values there are."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stripe_mirror.admin.filter_values import MOST_CHOICES, distinct_values
from stripe_mirror.models import Customer, TaxId
from tests.admin import rows

pytestmark = pytest.mark.django_db


def test_each_column_has_its_own_values_in_order_from_one_query() -> None:
    # The column "value" must not be taken for the walk's own.
    for n, (type, country) in enumerate([("eu_vat", "DE"), ("gb_vat", "GB"), ("eu_vat", "FR"), ("no_vat", None)]):
        rows.tax_id(f"txi_{n}", type=type, country=country, value=f"{n}")
    with CaptureQueriesContext(connection) as queries:
        found = distinct_values(TaxId, ["type", "country", "type"])
    assert found == {"type": ["eu_vat", "gb_vat", "no_vat"], "country": ["DE", "FR", "GB"]}
    assert len(queries) == 1


def test_nothing_is_asked_where_nothing_is_offered() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert distinct_values(TaxId, []) == {}
    assert len(queries) == 0


def test_an_empty_table_has_no_values() -> None:
    assert distinct_values(Customer, ["currency"]) == {"currency": []}


def test_no_more_values_are_looked_for_than_are_shown() -> None:
    for n in range(MOST_CHOICES + 5):
        rows.customer(f"cus_{n}", currency=f"x{n:02}")
    assert distinct_values(Customer, ["currency"])["currency"] == [f"x{n:02}" for n in range(MOST_CHOICES)]
