"""Compares customers inside the project's settings, as a process of its own, and prints what it took as JSON."""

from __future__ import annotations

import json
import resource
import time
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402

from stripe_mirror.kinds import get_kind  # noqa: E402
from stripe_mirror.models import Customer  # noqa: E402
from stripe_mirror.pull.reconcile_rounds import reconcile_now  # noqa: E402

TABLE = f'"{Customer._meta.db_table}"'
WRITES = ("INSERT", "UPDATE", "DELETE")


def megabytes() -> float:
    """The peak so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """One round over the kind."""
    written = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal written
        result = execute(sql, params, many, context)
        if sql.lstrip().upper().startswith(WRITES) and TABLE in sql.split("WHERE")[0]:
            written += context["cursor"].rowcount
        return result

    Customer.objects.order_by("pk").first()
    start, began = megabytes(), time.perf_counter()
    with connection.execute_wrapper(count):
        result = reconcile_now(get_kind("customer"))
    found = {
        "seconds": time.perf_counter() - began,
        "compared": result.compared,
        "requests": result.requests,
        "differences": len(result.differences),
        "failure": result.failure,
        "megabytes": megabytes() - start,
        "written": written,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
