"""What filters offer is carried by an index on both databases: a page is a walk along it, without a sort.

Tables of tests are small, so PostgreSQL is kept from reading them whole and from sorting what it has read; how it
decides at a million rows is the bench's question.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stripe_mirror.admin import display
from stripe_mirror.admin.page_keys import Order
from stripe_mirror.models import Charge, Coupon, Customer, PaymentIntent, PaymentMethod, PromotionCode, Subscription
from tests.admin import rows

pytestmark = pytest.mark.django_db

ROWS = 400
FILTERS = (
    (Customer, "delinquent=yes", "customer_delinquent"),
    (Customer, "status=past_due", "customer_delinquent"),
    (Subscription, "cancel_at_period_end=yes", "subscription_cancelling"),
    (Coupon, "status=valid", "coupon_valid"),
    (Coupon, "status=invalid", "coupon_valid"),
    (PaymentMethod, "status=expired", "payment_method_expiry"),
    (PaymentMethod, "status=expires", "payment_method_expiry"),
    (PaymentMethod, "status=detached", "payment_method_detached|payment_method_customer"),
    (PaymentIntent, "status=refunded", "charge_is_refunded|charge_refunded "),
    (PaymentIntent, "status=partially_refunded", "charge_refunded_in_part"),
    (PaymentIntent, "status=disputed", "charge_is_disputed|charge_disputed"),
)
# Of each kind few rows are what is sought: what Stripe says of the row of a number.
SAID: dict[Any, Callable[[int], dict[str, Any]]] = {
    Customer: lambda n: {"delinquent": n % 50 == 0},
    Subscription: lambda n: {"status": "active", "cancel_at_period_end": n % 50 == 0},
    Coupon: lambda n: {"valid": {0: True, 1: False}.get(n % 50)},
    PaymentMethod: lambda n: {
        "customer": f"cus_{n}" if n % 50 else None,
        "card": {"exp_month": 1 + n % 12, "exp_year": 2020 if n % 25 == 1 else 2099},
    },
    Charge: lambda n: {
        "status": "succeeded",
        "refunded": n % 50 == 0,
        "amount_refunded": 5 if n % 50 == 1 else 0,
        "disputed": n % 50 == 2,
    },
    PaymentIntent: lambda n: {"status": "succeeded", "latest_charge": f"charge_{n}"},
    PromotionCode: lambda n: {"code": f"CODE{n}", "customer": None},
}


def filled(model: Any, *, count: int = ROWS) -> None:
    """Rows of the model, and the charges of payments; the database has counted them."""
    fixed: dict[str, Any] = {"as_of": rows.NOW, "synced_at": rows.NOW, "changed_at": rows.NOW}
    for each in (model, Charge) if model is PaymentIntent else (model,):
        name = each._meta.model_name
        data = ({"created": rows.SECOND + n, **SAID[each](n)} for n in range(count))
        each.objects.bulk_create([each(id=f"{name}_{n}", data=said, **fixed) for n, said in enumerate(data)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


@pytest.mark.parametrize(("model", "query", "index"), FILTERS)
def test_filter_is_a_walk_along_its_index(boss: Client, model: Any, query: str, index: str) -> None:
    filled(model)
    page = boss.get(f"{display.list_url(model)}?{query}&view=all")
    queryset = page.context_data["cl"].queryset  # type: ignore[attr-defined]
    order = Order.of(queryset)
    assert order is not None
    forbid("seqscan", "bitmapscan", "sort", "hashjoin", "mergejoin")
    plan = order.keys(queryset)[:26].explain()
    assert any(name in plan for name in index.split("|")), plan
    assert list(sorts(plan)) == [], plan


def test_what_belongs_to_an_id_is_looked_up_also_where_nearly_nothing_belongs_to_anybody(boss: Client) -> None:
    """SQLite's statistics say how often a value occurs on average, and take NULL for one."""
    filled(PromotionCode, count=3_000)
    with CaptureQueriesContext(connection) as asked:
        boss.get(f"{display.list_url(PromotionCode)}?q=cus_Nobody")
    (statement,) = (one["sql"] for one in asked if "UNION ALL" in one["sql"] and '"customer_id" =' in one["sql"])
    forbid("seqscan")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{statement}")
        plan = str(cursor.fetchall())
    assert "promotion_code_customer" in plan


def forbid(*ways: str) -> None:
    """To PostgreSQL, whose planner reads so small a table whole."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            for way in ways:
                cursor.execute(f"SET LOCAL enable_{way} = off")


def sorts(plan: str) -> Iterator[str]:
    """Lines that sort all rows; those of the same second may be put in order among themselves."""
    for line in plan.splitlines():
        if "TEMP B-TREE FOR ORDER BY" in line or re.search(r"(?<!Incremental )Sort  \(", line):
            yield line
