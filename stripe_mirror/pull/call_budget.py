"""The ledger of calls to Stripe that all processes share: one row, by the database's clock where it has one."""

from __future__ import annotations

import time

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest

from stripe_mirror.models import CallBudget

ROW = 1


class SharedLedger:
    """See `stripe_api.budget.Ledger`."""

    def take(self, calls: int, per_second: float, *, sync: bool, sync_per_second: float) -> float:
        """Move the row's times by what is taken; a backfill waits for its own share, too."""
        with transaction.atomic():
            row, now = _locked(), _now()
            begin = max(row.given_until, now)
            start = max(begin, row.paused_until)
            row.given_until = begin + calls / per_second
            if sync:
                start = max(start, row.sync_given_until)
                row.sync_given_until = max(row.sync_given_until, now) + calls / sync_per_second
            row.save(update_fields=["given_until", "sync_given_until"])
        return start - now

    def pause(self, seconds: float) -> None:
        """Longer, never shorter."""
        row = CallBudget.objects.filter(pk=ROW)
        if not row.update(paused_until=Greatest(F("paused_until"), _now() + seconds)):
            CallBudget.objects.update_or_create(pk=ROW, defaults={"paused_until": _now() + seconds})

    def paused_for(self) -> float:
        """Zero where nobody was refused lately."""
        until = CallBudget.objects.filter(pk=ROW).values_list("paused_until", flat=True).first()
        return max(0.0, until - _now()) if until else 0.0


def _locked() -> CallBudget:
    row = CallBudget.objects.select_for_update().filter(pk=ROW).first()
    if row is None:
        CallBudget.objects.bulk_create([CallBudget(pk=ROW)], ignore_conflicts=True)
        row = CallBudget.objects.select_for_update().get(pk=ROW)
    return row


def _now() -> float:
    """One clock for all: PostgreSQL's, or the machine's, which all processes of a SQLite file share."""
    if connection.vendor != "postgresql":
        return time.time()
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::double precision")
        return float(cursor.fetchone()[0])
