"""Runs inside the project's settings, as a process of its own: `python -m tests.bench.probe WHAT …` prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from stripe_mirror.inbox.processing import OPEN, drain  # noqa: E402
from stripe_mirror.kinds import get_kind  # noqa: E402
from stripe_mirror.models import Customer, InboxEvent, SyncRun  # noqa: E402

BATCH = 2_000


def fill(count: str) -> dict[str, Any]:
    """So many customers, and the session of somebody who may export them."""
    now = timezone.now()
    for start in range(0, int(count), BATCH):
        rows = [
            Customer(id=f"cus_{n:014}", data=customer(n), as_of=now, synced_at=now, changed_at=now)
            for n in range(start, min(start + BATCH, int(count)))
        ]
        Customer.objects.bulk_create(rows)
    client = Client()
    client.force_login(User.objects.create_superuser("bench"))
    return {"cookie": f"sessionid={client.cookies['sessionid'].value}"}


def customer(number: int) -> dict[str, Any]:
    """A customer of usual size."""
    address = {"city": "Berlin", "country": "DE", "line1": f"Street {number}", "line2": None, "postal_code": "10115"}
    return {
        "id": f"cus_{number:014}",
        "object": "customer",
        "address": address,
        "balance": -number % 5000,
        "created": 1_700_000_000 + number,
        "currency": "eur",
        "delinquent": number % 20 == 0,
        "description": f"Customer number {number} of the company",
        "email": f"customer{number}@example.com",
        "invoice_settings": {"custom_fields": None, "default_payment_method": f"pm_{number:014}", "footer": None},
        "livemode": False,
        "metadata": {"crm_id": f"crm-{number}", "segment": "mid-market"},
        "name": f"Customer Number {number}",
        "phone": f"+49 30 {number:07}",
        "preferred_locales": ["de"],
        "shipping": {"address": address, "name": f"Customer Number {number}", "phone": None},
        "tax_exempt": "none",
    }


def states() -> dict[str, int]:
    """How many events ended how."""
    return Counter(InboxEvent.objects.values_list("state", flat=True))


def settle() -> dict[str, Any]:
    """What the worker would do with open events, until none is left."""
    deadline = time.monotonic() + 120
    while InboxEvent.objects.filter(state__in=OPEN).exists() and time.monotonic() < deadline:
        if not drain():
            time.sleep(0.2)
    return {"open": InboxEvent.objects.filter(state__in=OPEN).count()}


def mirrored(*kinds: str) -> dict[str, Any]:
    """What the mirror holds of these kinds, by id."""
    models: list[Any] = [get_kind(kind).model for kind in kinds]
    return {id: data for model in models for id, data in model.objects.values_list("id", "data")}


def sync(*kinds: str) -> dict[str, Any]:
    """How long `stripe_sync` takes for these kinds, from its first page to its last row."""
    before = SyncRun.objects.count()
    started = time.perf_counter()
    call_command("stripe_sync", *kinds, stdout=sys.stderr)
    seconds = time.perf_counter() - started
    runs = SyncRun.objects.order_by("id")[before:]
    return {"seconds": seconds, "seen": sum(run.seen for run in runs), "changed": sum(run.changed for run in runs)}


WHAT: dict[str, Callable[..., dict[str, Any]]] = {
    found.__name__: found for found in (fill, states, settle, mirrored, sync)
}

if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    print(json.dumps(WHAT[what](*arguments)))
