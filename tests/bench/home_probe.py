"""Runs inside the project's settings: fills the tables that home's figures are made of, and measures. Prints JSON."""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from stripe_mirror.figures import work  # noqa: E402
from stripe_mirror.models import Charge, Invoice, Subscription  # noqa: E402
from tests.bench.scale_probe import NUMBERS, POSTGRESQL  # noqa: E402

# Marks in a template, replaced by the row's number, a second within two years, and one of three customers.
INSERT = """
INSERT INTO {table} (id, account, livemode, data, as_of, synced_at, changed_at, version, nul_replaced)
SELECT {prefix} || numbers.n, 'acct_1', {false}, {json}, {now}, {now}, {now}, 1, {false} FROM ({numbers}) AS numbers"""
NUMBERED = "replace(replace({text}, '@N', '' || numbers.n), '@C', '' || numbers.n / 3)"
JSON = f"replace({NUMBERED}, '\"@AT\"', '' || ({{end}} - {{spread}}))"
YEARS = 2 * 365 * 86_400
CHANGED = 1_000


def subscription() -> dict[str, Any]:
    """A usual one, with what stands in Stripe's object beside what is read here."""
    recurring = {"interval": "month", "interval_count": 1, "meter": None, "usage_type": "licensed"}
    price = {"id": "price_1", "object": "price", "active": True, "currency": "usd", "unit_amount": 2900}
    price |= {"recurring": recurring, "product": "prod_1", "metadata": {}, "unit_amount_decimal": "2900"}
    item = {"id": "si_@N", "object": "subscription_item", "price": price, "quantity": 2, "metadata": {}}
    blank = dict.fromkeys(("application", "cancel_at", "canceled_at", "default_source", "ended_at", "schedule"), None)
    return {
        "object": "subscription",
        "id": "sub_@N",
        "customer": "cus_@C",
        "status": "active",
        "currency": "usd",
        "created": "@AT",
        "start_date": "@AT",
        "discounts": [],
        "collection_method": "charge_automatically",
        "metadata": {},
        "items": {"object": "list", "has_more": False, "data": [item]},
        "pause_collection": None,
        **blank,
        "payment_settings": {"payment_method_options": None, "save_default_payment_method": "off"},
    }


def charge() -> dict[str, Any]:
    """A payment that succeeded."""
    money = {"amount": 5800, "amount_captured": 5800, "amount_refunded": 0, "currency": "usd", "captured": True}
    card = {"type": "card", "card": {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2031}}
    named = {"object": "charge", "id": "ch_@N", "customer": "cus_@C", "status": "succeeded", "created": "@AT"}
    return {**named, **money, "payment_method_details": card, "metadata": {}, "refunded": False, "disputed": False}


def invoice() -> dict[str, Any]:
    """One in open state, of which a company has few."""
    named = {"object": "invoice", "id": "in_@N", "customer": "cus_@C", "status": "paid", "created": "@AT"}
    return {**named, "currency": "usd", "amount_remaining": 0, "attempt_count": 1, "due_date": None, "metadata": {}}


def fill(model: Any, template: dict[str, Any], rows: int) -> None:
    """Rows that differ in their id, their customer and their time, spread over two years."""
    text = JSON.format(text="%s", end="%s", spread=f"(numbers.n * 7919 %% {YEARS})")
    sql = INSERT.format(
        table=model._meta.db_table,
        prefix="%s",
        false="FALSE" if POSTGRESQL else "0",
        json=f"({text})::jsonb" if POSTGRESQL else text,
        now="%s",
        numbers=NUMBERS.format(rows=rows),
    )
    # Long enough ago that no walk looks at them twice.
    changed = timezone.now() - timezone.timedelta(hours=1)
    execute(sql, [template["id"].split("@")[0], json.dumps(template), int(time.time()) - 60, *[changed] * 3])


def execute(sql: str, parameters: list[Any] | None = None) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def compute() -> float:
    """Seconds until nothing is left to do."""
    started = time.perf_counter()
    while work.work(seconds=5):
        pass
    return time.perf_counter() - started


def touch(rows: int) -> None:
    """Some subscriptions get another price, some payments come in."""
    now = timezone.now()
    ids = list(Subscription.objects.order_by("pk").values_list("pk", flat=True)[:rows])
    for row in Subscription.objects.filter(pk__in=ids):
        row.data["items"]["data"][0]["quantity"] += 1
        Subscription.objects.filter(pk=row.pk).update(data=row.data, version=2, changed_at=now)
    charges = list(Charge.objects.order_by("-created").values_list("pk", flat=True)[:rows])
    Charge.objects.filter(pk__in=charges).update(changed_at=now)


@contextmanager
def counting() -> Iterator[list[str]]:
    """The statements of the block."""
    found: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        found.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield found


def milliseconds(what: Callable[[], object]) -> float:
    """The median of some runs, after one that fills the caches."""
    what()
    found = []
    for _ in range(7):
        started = time.perf_counter()
        what()
        found.append((time.perf_counter() - started) * 1000)
    return statistics.median(found)


def main(rows: int) -> dict[str, tuple[float, str]]:
    """Fill, compute, change, compute again, show."""
    fill(Subscription, subscription(), rows)
    fill(Charge, charge(), rows)
    fill(Invoice, invoice(), rows // 2)
    execute("ANALYZE")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    first = compute()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    execute("ANALYZE")
    quiet = compute()
    touch(CHANGED)
    changed = compute()
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.create_superuser("bench"))
    with counting() as queries:
        page = client.get("/admin/?period=12m&currency=usd")
    assert b"chart-mrr" in page.content
    return {
        "first computation": (first, "s"),
        "peak memory over the start": (memory, "MB"),
        "nothing has changed": (quiet * 1000, "ms"),
        f"{CHANGED:,} subscriptions and charges have changed": (changed, "s"),
        "page of 30 days": (milliseconds(lambda: client.get("/admin/?currency=usd")), "ms"),
        "page of 12 months": (milliseconds(lambda: client.get("/admin/?period=12m&currency=usd")), "ms"),
        "queries of the page": (len(queries), ""),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
