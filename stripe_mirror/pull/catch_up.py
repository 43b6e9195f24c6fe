"""The second path of events, always on: lists what happened since the last look and hands it to the inbox.

Stripe keeps events for 30 days, and shows in its list also those whose delivery failed or that we answered and lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from stripe_mirror.models import MirroredAccount, SyncRun
from stripe_mirror.pull.account import mirrored_account
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import StripeFailure

KEPT_BY_STRIPE = timedelta(days=30)
# An event may become visible a little later than others of its second.
OVERLAP = timedelta(minutes=5)
# Where nothing was ever listed or backfilled.
FIRST_LOOK = timedelta(days=1)

# Stores the events it lacks; how many those were.
Store = Callable[[list[dict[str, Any]]], int]


@dataclass(frozen=True)
class CaughtUp:
    """What a catch-up found."""

    since: datetime
    seen: int = 0
    stored: int = 0
    # Events between these two are gone from Stripe's list: only a backfill helps.
    gap: tuple[datetime, datetime] | None = None
    failure: str = ""


def catch_up(store: Store) -> CaughtUp:
    """List the events since the last look into the inbox. A failure of Stripe's is recorded, not raised."""
    try:
        account = mirrored_account()
    except StripeFailure as failure:
        return _recorded(CaughtUp(timezone.now(), failure=str(failure)))
    wanted = _since(account)
    oldest = timezone.now() - KEPT_BY_STRIPE
    since = max(wanted, oldest)
    gap = (wanted, oldest) if wanted < oldest else None
    try:
        seen, stored, newest = _list(since, store)
    except StripeFailure as failure:
        return _recorded(CaughtUp(since, gap=gap, failure=str(failure)))
    # Only after the whole list: the newest come first, so an interrupted one has a hole at its old end.
    account.events_seen_until = max(filter(None, (newest, account.events_seen_until or since)))
    account.save(update_fields=["events_seen_until", "updated_at"])
    return _recorded(CaughtUp(since, seen, stored, gap))


def _list(since: datetime, store: Store) -> tuple[int, int, datetime | None]:
    seen, stored, newest = 0, 0, None
    for answer in read.list_pages("/v1/events", {"created": {"gte": int(since.timestamp())}}):
        events = answer.body["data"]
        # Up to the second before the list was made everything is listed, even where nothing happened.
        newest = newest or answer.as_of
        seen += len(events)
        stored += store(events)
    return seen, stored, newest


def _since(account: MirroredAccount) -> datetime:
    if account.events_seen_until:
        return account.events_seen_until - OVERLAP
    backfills = SyncRun.objects.filter(command=SyncRun.Command.BACKFILL, state=SyncRun.State.DONE)
    last = backfills.order_by("-started_at").values_list("started_at", flat=True).first()
    return (last - OVERLAP) if last else timezone.now() - FIRST_LOOK


def _recorded(result: CaughtUp) -> CaughtUp:
    """Runs that found nothing leave no row: there is one every two minutes."""
    if result.stored or result.gap or result.failure:
        SyncRun.objects.create(
            command=SyncRun.Command.CATCH_UP,
            state=SyncRun.State.FAILED if result.failure else SyncRun.State.DONE,
            finished_at=timezone.now(),
            seen=result.seen,
            changed=result.stored,
            message=result.failure or gap_sentence(result),
        )
    return result


def gap_sentence(result: CaughtUp) -> str:
    """What can't be replayed, and what to do about it; empty where nothing is missing."""
    if result.gap is None:
        return ""
    start, end = (moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") for moment in result.gap)
    return (
        f"Stripe keeps events for 30 days: those from {start} to {end} can't be replayed. "
        "Run `manage.py stripe_sync` to bring every object up to date."
    )
