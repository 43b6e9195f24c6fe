"""What became of every row of a job, as CSV that is written while it is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone

from stripe_mirror.admin.display import without_secrets
from stripe_mirror.admin.exports.streaming import csv_bytes, streamed
from stripe_mirror.admin.history import is_money
from stripe_mirror.admin.raw import masked
from stripe_mirror.kinds import kind_of
from stripe_mirror.models import Job, Push
from stripe_mirror.money import to_major

CHUNK = 500
HEADER = (
    "Row",
    "Kind",
    "ID",
    "Outcome",
    "Message",
    "Stripe's request",
    "Refused because (code)",
    "Sent",
    "Finished",
    "Currency",
    "Amounts before",
    "Amounts after",
    "Before",
    "After",
)


def answer(job: Job) -> HttpResponseBase:
    """All rows in their order; what was touched before and after."""
    return streamed(csv_bytes(HEADER, rows(job)), f"job-{job.operation}-{timezone.localdate():%Y-%m-%d}.csv")


def rows(job: Job) -> Iterator[tuple[object, ...]]:
    """A line per row of the job."""
    found = job.pushes.order_by("position").iterator(chunk_size=CHUNK)
    while batch := list(islice(found, CHUNK)):
        currencies = _currencies(batch)
        for push in batch:
            yield _line(push, currencies.get(push.object_id) or "")


def _currencies(batch: list[Push]) -> dict[str, str]:
    kind = kind_of(batch[0].object_type)
    if kind is None or not any(field.name == "currency" for field in kind.model._meta.fields):
        return {}
    rows = kind.model._default_manager.filter(pk__in=[push.object_id for push in batch])
    return dict(rows.values_list("pk", "currency"))


def _line(push: Push, currency: str) -> tuple[object, ...]:
    return (
        push.position,
        push.object_type,
        push.object_id,
        push.get_state_display(),
        without_secrets(push.message),
        push.request_id,
        push.error_code,
        _moment(push.first_sent_at),
        _moment(push.finished_at),
        currency.upper(),
        _amounts(push.before, currency),
        _amounts(push.after, currency),
        _json(push.before),
        _json(push.after),
    )


def _moment(moment: Any) -> str:
    return moment.astimezone(timezone.get_default_timezone()).isoformat() if moment else ""


def _amounts(fields: Mapping[str, Any], currency: str) -> str:
    """The touched fields that are money, in the major unit: "amount_refunded 5.00"."""
    if not currency:
        return ""
    found = [(name, value) for name, value in sorted(fields.items()) if is_money(name) and type(value) is int]
    return ", ".join(f"{name} {to_major(value, currency)}" for name, value in found)


def _json(fields: Mapping[str, Any]) -> str:
    shown = {name: masked(value, key=name) for name, value in fields.items()}
    return without_secrets(json.dumps(shown, ensure_ascii=False, sort_keys=True)) if shown else ""
