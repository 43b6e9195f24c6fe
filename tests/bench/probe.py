"""Runs inside the project's settings, as a process of its own: `python -m tests.bench.probe WHAT …` prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import django

django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db.models import Max  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from stripe_mirror.inbox.processing import OPEN, drain  # noqa: E402
from stripe_mirror.kinds import get_kind  # noqa: E402
from stripe_mirror.models import Customer, InboxEvent, Push, SyncRun  # noqa: E402
from stripe_mirror.pull.account import check_account  # noqa: E402
from stripe_mirror.pull.backfill_parts import Page, store  # noqa: E402
from stripe_mirror.pull.fetch import fetch_now  # noqa: E402
from stripe_mirror.pull.windows import Position  # noqa: E402
from stripe_mirror.push.operation import get_operation  # noqa: E402
from stripe_mirror.push.submit import submit  # noqa: E402
from stripe_mirror.stripe_api import client as stripe_client  # noqa: E402
from stripe_mirror.stripe_api import read  # noqa: E402
from tests.bench.figures import percentile  # noqa: E402

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


def session() -> dict[str, str]:
    """The session of a superuser."""
    client = Client()
    client.force_login(User.objects.filter(username="bench").first() or User.objects.create_superuser("bench"))
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


def lag() -> dict[str, float]:
    """How many events were applied, without our help, and how long after they were stored."""
    deadline = time.monotonic() + 30
    while InboxEvent.objects.filter(state=InboxEvent.State.RECEIVED).exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    times = InboxEvent.objects.filter(state=InboxEvent.State.APPLIED).values_list("received_at", "processed_at")
    seconds = [(processed - received).total_seconds() for received, processed in times if processed]
    return {"applied": len(seconds), "p50": percentile(seconds, 50), "p99": percentile(seconds, 99)}


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


def sync(*arguments: str) -> dict[str, Any]:
    """How long `stripe_sync` takes from its first page to its last row, and how much memory it needs at its peak."""
    last = SyncRun.objects.aggregate(last=Max("pk"))["last"] or 0
    started = time.perf_counter()
    call_command("stripe_sync", *arguments, stdout=sys.stderr)
    seconds = time.perf_counter() - started
    runs = SyncRun.objects.filter(pk__gt=last)
    status = Path("/proc/self/status").read_text().splitlines()
    return {
        "seconds": seconds,
        "seen": sum(run.seen for run in runs),
        "changed": sum(run.changed for run in runs),
        "megabytes": next(int(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM")),
    }


def store_only(count: str, *kinds: str) -> dict[str, Any]:
    """The floor of a backfill: how long the same statements take for so many objects of each kind, fed from memory."""
    check_account()
    seconds = 0.0
    for kind in map(get_kind, kinds):
        pages = list(islice(read.list_pages(kind.list_path), int(count) // 100))
        now = timezone.now()
        started = time.perf_counter()
        for answer in pages:
            store(kind, "", Page(answer, [], now, Position()))
        seconds += time.perf_counter() - started
    return {"seconds": seconds, "seen": int(count) * len(kinds)}


def push(name: str, *ids: str) -> dict[str, Any]:
    """How long pushes take on our side, and how many calls to Stripe they make; a first one warms everything up."""
    operation, waits = get_operation(name), []
    send = stripe_client._Adapter.send

    def timed(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return send(*arguments, **options)
        finally:
            waits.append(time.perf_counter() - started)

    stripe_client._Adapter.send = timed  # type: ignore[method-assign]
    kind = get_kind(operation.object_type)
    user = User.objects.create_superuser("bench")
    for id in ids:
        fetch_now(kind, id)
    ours, calls = [], 0
    for number, row in enumerate(kind.model._default_manager.filter(pk__in=ids)):
        opened = operation.initial(row)
        form = operation.get_form(
            row, {**opened, "reason": "bench", **({"phone": str(number)} if "phone" in opened else {})}
        )
        assert form.is_valid(), form.errors
        waits.clear()
        started = time.perf_counter()
        done = submit(
            operation, row, user=user, push_id=uuid4(), cleaned=form.cleaned_data, opened=opened, reason="bench"
        )
        seconds = time.perf_counter() - started
        assert done.state == Push.State.DONE, done.message
        if number:
            ours.append(seconds - sum(waits))
        calls += len(waits)
    return {"ours": ours, "calls": calls}


WHAT: dict[str, Callable[..., dict[str, Any]]] = {
    found.__name__: found for found in (fill, session, states, lag, settle, mirrored, sync, store_only, push)
}

if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    print(json.dumps(WHAT[what](*arguments)))
