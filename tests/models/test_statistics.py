"""The planner's knowledge of the tables."""

import pytest
from django.db import connection

from stripe_mirror.tasks import keep_tables
from tests.admin import rows


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL looks by itself")
def test_the_daily_upkeep_lets_sqlite_measure_its_indexes(db: None) -> None:
    rows.customer()
    keep_tables.func()
    with connection.cursor() as cursor:
        cursor.execute("SELECT idx FROM sqlite_stat1 WHERE tbl = 'stripe_mirror_customer'")
        assert "customer_created" in {name for (name,) in cursor.fetchall()}
