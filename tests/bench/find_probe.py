"""Runs inside the project's settings: fills customers and payments in the database and looks for them. Prints JSON.

`python -m tests.bench.find_probe 0` measures a database that is filled already.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from stripe_mirror.admin.find.results import find  # noqa: E402
from stripe_mirror.admin.paging import CappedPaginator, page_of  # noqa: E402
from stripe_mirror.admin.search import Sought  # noqa: E402
from stripe_mirror.kinds import get_kind  # noqa: E402
from stripe_mirror.models import search_sql as sql  # noqa: E402
from stripe_mirror.models.search import SEARCHED, searched  # noqa: E402
from stripe_mirror.models.search_build import build  # noqa: E402
from tests.bench.scale_probe import NUMBERS, OBJECT, POSTGRESQL, execute  # noqa: E402

TIMES = 7
FIRST = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Radia", "Leslie", "Frances", "Niklaus"]
LAST = ["Lovelace", "Hopper", "Turing", "Dijkstra", "Liskov", "Knuth", "Perlman", "Lamport", "Allen", "Wirth"]
WRITTEN = 5_000


def main(rows: int) -> dict[str, dict[str, tuple[float, str]]]:
    """Fill and ask."""
    writes = {}
    if rows:
        fill("customer", rows)
        fill("charge", rows)
        fill("payment_intent", rows)
        execute("ANALYZE")
        writes = {"write": cost_of_writing(rows)}
    boss = User.objects.filter(is_superuser=True).first() or User.objects.create_superuser("bench")
    box = {name: timed(lambda query=query: find(boss, query)) for name, query in queries().items()}
    lists = {
        f"{kind}, {name}": timed(lambda kind=kind, query=query: listed(kind, query))
        for kind in ("customer", "payment_intent", "invoice")
        for name, query in queries().items()
        if "amount" not in name and "card" not in name
    }
    return {"box": box, "list": lists, **writes}


def queries() -> dict[str, str]:
    """One of each kind, about objects in the middle of what is there."""
    customers = get_kind("customer").model.objects
    row = customers.exclude(email=None).order_by("pk")[customers.values("pk")[:4_000].count() // 2]
    email, name = str(row.email), str(row.name or "ada")
    value = next((str(v) for v in row.metadata.values()), "none")
    return {
        "id": row.pk,
        "email": email,
        "part of an email": email[2 : email.index("@") + 3],
        "part of every email": email[email.index("@") + 1 :],
        "name": name,
        "part of a name": name[1:8],
        "two letters": name[:2],
        "phone": str(row.phone or "+49 30 1234"),
        "value of the metadata": value,
        "nothing": "qxzqxz",
        "card": "4242",
        "amount": "49.90",
        "amount and day": "49.90 yesterday",
    }


def listed(kind: str, query: str) -> None:
    """What a list page asks: its count and its first rows."""
    model: Any = get_kind(kind).model
    parents = {} if kind == "customer" else {"customer": ("name", "email")}
    declared = searched(model)
    found = Sought(model.kind, declared.columns if declared else (), parents).rows(model.objects.all(), query)
    paginator = CappedPaginator(found, 25)
    assert paginator.count >= 0
    page_of(paginator, "")


def fill(object_type: str, rows: int, *, start: int = 0) -> float:
    """Objects that differ in what is searched; the seconds it took."""
    now = timezone.now()
    text = "jsonb_build_object({})" if POSTGRESQL else "json_object({})"
    n = f"(numbers.n + {start})"
    at = int((now - timedelta(days=1)).timestamp())
    names = {
        part: "CASE " + " ".join(f"WHEN {n} % {k} = {i} THEN '{w}'" for i, w in enumerate(words)) + " END"
        for part, words, k in (("first", FIRST, 10), ("last", LAST, 10))
    }
    names["last"] = names["last"].replace(f"{n} % 10", f"({n} / 10) % 10")
    fields = {
        "customer": {
            "name": f"{names['first']} || ' ' || {names['last']} || ' ' || {n}",
            "email": f"'person' || {n} || '@example.com'",
            "phone": f"'+49 30 ' || (1000000 + {n})",
            "metadata": text.format(f"'crm', 'C-' || {n}"),
            "created": f"{at} - {n} % 9999999",
        },
        "charge": {
            "customer": f"'cus_' || {n}",
            "amount": f"490 + {n} % 9000",
            "currency": "'usd'",
            "payment_method_details": text.format("'card', " + text.format(f"'last4', substr('000' || {n} % 9999, -4)"))
            if not POSTGRESQL
            else text.format("'card', " + text.format(f"'last4', right('000' || {n} % 9999, 4)")),
            "created": f"{at} - {n} % 9999999",
        },
        "payment_intent": {
            "customer": f"'cus_' || {n}",
            "amount": f"490 + {n} % 9000",
            "currency": "'usd'",
            "created": f"{at} - {n} % 9999999",
        },
    }[object_type]
    prefix = get_kind(object_type).prefixes[0]
    pairs = ", ".join(
        [f"'id', '{prefix}' || {n}", f"'object', '{object_type}'", *(f"'{k}', {v}" for k, v in fields.items())]
    )
    statement = OBJECT.format(
        table=get_kind(object_type).model._meta.db_table,
        prefix=f"'{prefix}{start or ''}'",
        false="FALSE" if POSTGRESQL else "0",
        json=text.format(pairs),
        now="%s",
        numbers=NUMBERS.format(rows=rows),
    )
    began = time.perf_counter()
    execute(statement.replace(" % ", " %% "), [now, now, now])
    return time.perf_counter() - began


def cost_of_writing(rows: int) -> dict[str, tuple[float, str]]:
    """New customers, and updates that change no searched text, with the indexes and without."""
    found = {"new customers, with the indexes": (WRITTEN / fill("customer", WRITTEN, start=10**8), "rows/s")}
    found["updates, with the indexes"] = (WRITTEN / touched(), "rows/s")
    without_indexes()
    found["new customers, without"] = (WRITTEN / fill("customer", WRITTEN, start=2 * 10**8), "rows/s")
    found["updates, without"] = (WRITTEN / touched(), "rows/s")
    began = time.perf_counter()
    build(connection)
    found["building the indexes"] = (time.perf_counter() - began, "s")
    execute("ANALYZE")
    return found


def touched() -> float:
    """The seconds of updates of `data` that leave names alone."""
    table = get_kind("customer").model._meta.db_table
    changed = "data || '{\"balance\": 5}'" if POSTGRESQL else "json_set(data, '$.balance', 5)"
    began = time.perf_counter()
    execute(f"UPDATE {table} SET data = {changed} WHERE id IN (SELECT id FROM {table} ORDER BY id LIMIT {WRITTEN})")
    return time.perf_counter() - began


def without_indexes() -> None:
    with transaction.atomic():
        for one in SEARCHED:
            names = [f"INDEX {sql.quoted(index.name)}" for index in sql.pg_indexes(one)]
            if not POSTGRESQL:
                names = [f"INDEX {sql.quoted(name)}" for name in sql.lite_beginnings(one)]
                names += [f"TRIGGER {sql.quoted(name)}" for name in sql.lite_triggers(one)] if one.by_part else []
            for name in names:
                execute(f"DROP {name}")


def timed(what: Callable[[], object]) -> tuple[float, str]:
    """The median, after a first time that warms up."""
    seconds = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        what()
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:]) * 1000, "ms"


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]))))
