"""The second path of events, always on: lists what happened since the last look and hands it to the inbox.

Stripe keeps events for 30 days, and shows in its list also those whose delivery failed or that we answered and lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import Max, Min
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.models import EventGap, InboxEvent, MirroredAccount, SyncRun
from stripe_mirror.pull.account import OtherAccount, mirrored_account
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import StripeFailure

EVENTS = "/v1/events"
KEPT_BY_STRIPE = timedelta(days=30)
# An event may become visible a little later than others of its second.
OVERLAP = timedelta(minutes=5)
# Where nothing was ever listed or backfilled.
FIRST_LOOK = timedelta(days=1)
# Stripe tries so long to deliver an event. What is older was seen by a look at everything, or is in a gap.
TRIED_BY_STRIPE = timedelta(days=3)
# Another endpoint of the account may be down for days: no more than this is read for its sake.
MOST_PAGES = 10

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
    except OtherAccount as other:
        # Known without a call, and a finding of the Health page: a record every few minutes would say nothing new.
        return CaughtUp(timezone.now(), failure=str(other))
    except StripeFailure as failure:
        return _recorded(CaughtUp(timezone.now(), failure=str(failure)))
    wanted = _since(account)
    oldest = timezone.now() - KEPT_BY_STRIPE
    since = max(wanted, oldest)
    gap = _gap(wanted, oldest) if wanted < oldest else None
    try:
        seen, stored, newest = _list(since, store)
    except StripeFailure as failure:
        return _recorded(CaughtUp(since, gap=gap, failure=str(failure)))
    # Only after the whole list: the newest come first, so an interrupted one has a hole at its old end.
    account.events_seen_until = max(filter(None, (newest, account.events_seen_until or since)))
    account.save(update_fields=["events_seen_until", "updated_at"])
    return _recorded(CaughtUp(since, seen, stored, gap))


def catch_up_undelivered(store: Store) -> CaughtUp:
    """List what Stripe takes for undelivered, whenever it was created: a second net under the first.

    It sees failures of any endpoint of the account, not only of ours, so it is bounded.
    """
    since = timezone.now() - TRIED_BY_STRIPE
    try:
        mirrored_account()
        pages = read.list_pages(EVENTS, {"created": {"gte": int(since.timestamp())}, "delivery_success": False})
        seen = stored = 0
        for answer in islice(pages, MOST_PAGES):
            seen += len(answer.body["data"])
            stored += store(answer.body["data"])
    except OtherAccount as other:
        return CaughtUp(since, failure=str(other))
    except StripeFailure as failure:
        return _recorded(CaughtUp(since, failure=str(failure)))
    return _recorded(CaughtUp(since, seen, stored))


def _gap(wanted: datetime, oldest: datetime) -> tuple[datetime, datetime]:
    """Remember what can't be replayed; a repeat after a failure is the same gap, by now a little longer."""
    EventGap.objects.update_or_create(
        starts_at=wanted, defaults={"ends_at": oldest}, create_defaults={"ends_at": oldest, "found_at": timezone.now()}
    )
    return wanted, oldest


def _list(since: datetime, store: Store) -> tuple[int, int, datetime | None]:
    seen, stored, newest = 0, 0, None
    for answer in read.list_pages(EVENTS, {"created": {"gte": int(since.timestamp())}}):
        events = answer.body["data"]
        # Up to the second before the list was made everything is listed, even where nothing happened.
        newest = newest or answer.as_of
        seen += len(events)
        stored += store(events)
    return seen, stored, newest


def _since(account: MirroredAccount) -> datetime:
    """Where the last look ended; the first one begins where anything was ever known: a kind's sync, or an event."""
    if account.events_seen_until:
        return account.events_seen_until - OVERLAP
    backfills = SyncRun.objects.filter(command=SyncRun.Command.BACKFILL, state=SyncRun.State.DONE)
    lasts = backfills.order_by().values("object_type").annotate(last=Max("started_at")).values_list("last", flat=True)
    known = [*lasts, InboxEvent.objects.aggregate(first=Min("created"))["first"]]
    return min((moment for moment in known if moment), default=timezone.now() - FIRST_LOOK) - OVERLAP


def _recorded(result: CaughtUp) -> CaughtUp:
    """Write down what is news: a run that found something, a failure once, and the first run after one."""
    last = SyncRun.objects.filter(command=SyncRun.Command.CATCH_UP).order_by("-started_at", "-id").first()
    failed = last is not None and last.state == SyncRun.State.FAILED
    message = result.failure or gap_sentence(result)
    if last and failed and result.failure and last.message == message:
        last.finished_at = timezone.now()
        last.save(update_fields=["finished_at"])
    elif result.stored or result.gap or result.failure or failed:
        SyncRun.objects.create(
            command=SyncRun.Command.CATCH_UP,
            state=SyncRun.State.FAILED if result.failure else SyncRun.State.DONE,
            finished_at=timezone.now(),
            seen=result.seen,
            changed=result.stored,
            message=message,
        )
    return result


def gap_sentence(result: CaughtUp) -> str:
    """What can't be replayed, and what to do about it; empty where nothing is missing."""
    if result.gap is None:
        return ""
    return f"{gap_words(*result.gap)} Run `manage.py stripe_sync` to bring every object up to date."


def gap_words(starts_at: datetime, ends_at: datetime) -> str:
    """From when to when events are out of reach, in the present language."""
    start, end = (moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") for moment in (starts_at, ends_at))
    return _("Stripe keeps events for 30 days: those from %(start)s to %(end)s can't be replayed.") % {
        "start": start,
        "end": end,
    }
