"""Checks over the inbox: what waits, what was given up, how late events are, what can't be replayed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.conf import conf
from stripe_mirror.inbox.health.finding import Finding, counted, ok, problem, span, warning
from stripe_mirror.models import EventAction, EventGap, InboxEvent, MirroredAccount, SyncRun
from stripe_mirror.pull.backfill import listed_kinds
from stripe_mirror.pull.catch_up import gap_words
from stripe_mirror.stripe_api.client import api_version

State = InboxEvent.State
# The newest events tell how delivery does at present; more would only cost.
SAMPLE = 1000
# Counting stops here.
MOST = 1000
# An event that polling found so soon may have been under way to us.
UNDER_WAY = timedelta(minutes=1)
RECENT = timedelta(hours=24)
SLOW = 60.0
STUCK, LONG_STUCK = timedelta(minutes=10), timedelta(hours=1)
RETRY = gettext_lazy("Look at the reasons; when the cause is mended, retry them, or dismiss them with a note.")


@dataclass(frozen=True)
class Seen:
    """What a check needs to know of an event; its payload is large and not read."""

    id: str
    source: str
    api_version: str
    created: datetime
    received_at: datetime
    processed_at: datetime | None


def check_events() -> list[Finding]:
    """All checks over events."""
    sample = _newest()
    return [
        *_secrets(),
        *_newest_and_lag(sample),
        *_delivery(sample),
        *_foreign_versions(sample),
        *_waiting(),
        *_given_up(),
        *_parked(),
        *_gaps(),
        *_mode(),
    ]


def _newest() -> list[Seen]:
    fields = ("pk", "source", "api_version", "created", "received_at", "processed_at")
    newest = InboxEvent.objects.order_by("-created", "-id").values_list(*fields)[:SAMPLE]
    return [Seen(*values) for values in newest]


def _secrets() -> list[Finding]:
    if conf.webhook_secrets:
        number = len(conf.webhook_secrets)
        set_words = ngettext("%(number)s signing secret set.", "%(number)s signing secrets set.", number)
        return [ok("secrets", set_words % {"number": number})]
    return [
        problem(
            "secrets",
            _("STRIPE_WEBHOOK_SECRETS is empty, so every event that Stripe delivers is refused."),
            _(
                "Put the endpoint's signing secret there and restart the server. Where it is lost, make "
                "a second endpoint: manage.py stripe_webhook rotate"
            ),
        )
    ]


def _newest_and_lag(sample: list[Seen]) -> list[Finding]:
    delivered = [event for event in sample if event.source == InboxEvent.Source.WEBHOOK and event.processed_at]
    if not delivered:
        what = _("No event has been delivered yet.")
        return [ok("lag", what)] if not sample else []
    newest = max(event.received_at for event in delivered)
    age = span((timezone.now() - newest).total_seconds())
    # What a person had decided once more says nothing of how fast events go through.
    again = set(EventAction.objects.filter(event_id__in=[e.id for e in delivered]).values_list("event_id", flat=True))
    p50, p95 = _percentiles([_lag(event) for event in delivered if event.id not in again] or [0.0])
    said = _(
        "The newest delivered event came %(age)s ago. From Stripe's change to our row: half within %(half)s s, 95 %% "
        "within %(most)s s (of %(number)s)."
    ) % {"age": age, "half": f"{p50:.0f}", "most": f"{p95:.0f}", "number": len(delivered)}
    if p50 <= SLOW:
        return [ok("lag", said)]
    todo = _("See which part is late: the events' times of receipt and processing, and the workers.")
    return [warning("lag", said, todo)]


def _lag(event: Seen) -> float:
    assert event.processed_at is not None
    # Stripe's clock has whole seconds, and ours may be a little behind.
    return max(0.0, (event.processed_at - event.created).total_seconds())


def _percentiles(values: list[float]) -> tuple[float, float]:
    """The 50th and the 95th."""
    if len(values) == 1:
        return values[0], values[0]
    cuts = quantiles(values, n=20, method="inclusive")
    return cuts[9], cuts[18]


def _delivery(sample: list[Seen]) -> list[Finding]:
    """Events that only polling found: the webhook is silent for them."""
    begin = timezone.now() - RECENT
    recent = [event for event in sample if event.created > begin]
    polled = [event for event in recent if event.source == InboxEvent.Source.CATCH_UP]
    missed = [event for event in polled if event.received_at - event.created > UNDER_WAY]
    delivered = len(recent) - len(polled)
    if not missed:
        words = ngettext(
            "%(number)s event of the last 24 hours delivered, none missed.",
            "%(number)s events of the last 24 hours delivered, none missed.",
            delivered,
        )
        return [ok("delivery", words % {"number": counted(delivered)})]
    if delivered:
        words = ngettext(
            "%(number)s event of the last 24 hours never delivered, but found by polling; %(delivered)s delivered.",
            "%(number)s events of the last 24 hours never delivered, but found by polling; %(delivered)s delivered.",
            len(missed),
        )
    else:
        words = ngettext(
            "%(number)s event of the last 24 hours never delivered, but found by polling; none at all was delivered.",
            "%(number)s events of the last 24 hours never delivered, but found by polling; none at all was delivered.",
            len(missed),
        )
    what = words % {"number": counted(len(missed)), "delivered": delivered}
    todo = _("The mirror is right, only later. See the endpoint below, and the deliveries in Stripe's Dashboard.")
    return [warning("delivery", what, todo, since=min(event.created for event in missed))]


def _foreign_versions(sample: list[Seen]) -> list[Finding]:
    ours = major(api_version())
    # An event without a version can't be told; it is read as ours.
    versions = Counter(event.api_version for event in sample[:200] if event.api_version)
    foreign = {version: n for version, n in versions.items() if major(version) != ours}
    if not foreign:
        return [ok("versions", _("Events come in our API version (%(version)s).") % {"version": api_version()})]
    listed = ", ".join(f"{version} ({n})" for version, n in sorted(foreign.items()))
    return [
        warning(
            "versions",
            _(
                "Of the newest 200 events some were rendered in another API version than "
                "%(version)s: %(listed)s. They are not trusted: each costs a read from Stripe."
            )
            % {"version": api_version(), "listed": listed},
            _("Replace the endpoint by one of our version: manage.py stripe_webhook rotate"),
        )
    ]


def major(version: str) -> str:
    """The name of a major version ("endive"); before there were names, each date was one."""
    return version.partition(".")[2] or version


def _waiting() -> list[Finding]:
    waiting = InboxEvent.objects.filter(state__in=(State.RECEIVED, State.WAITING))
    number = count(waiting)
    if not number:
        return [ok("waiting", _("No event waits."))]
    first = waiting.order_by("created", "id").values_list("received_at", "reason").first()
    since, reason = first or (timezone.now(), "")
    words = ngettext(
        "%(number)s event waiting. The oldest: %(reason)s", "%(number)s events waiting. The oldest: %(reason)s", number
    )
    what = words % {"number": counted(number, most=MOST), "reason": reason or _("not decided yet.")}
    age = timezone.now() - since
    if age < STUCK:
        return [ok("waiting", what)]
    grade = problem if age >= LONG_STUCK else warning
    todo = _("Each is tried again by itself, at the time that stands beside it. The reason says what to mend.")
    return [grade("waiting", what, todo, since=since)]


def _given_up() -> list[Finding]:
    failed = InboxEvent.objects.filter(state=State.FAILED)
    number = count(failed)
    if not number:
        return [ok("failed", _("No event was given up."))]
    since = failed.order_by("created", "id").values_list("received_at", flat=True).first()
    words = ngettext(
        "%(number)s event given up after many tries.", "%(number)s events given up after many tries.", number
    )
    return [problem("failed", words % {"number": counted(number, most=MOST)}, str(RETRY), since=since)]


def _parked() -> list[Finding]:
    parked = InboxEvent.objects.filter(state=State.PARKED)
    number = count(parked)
    if not number:
        return [ok("parked", _("No event of another mode or account has come."))]
    first = parked.order_by("created", "id").values_list("received_at", "reason").first()
    since, reason = first or (None, "")
    words = ngettext(
        "%(number)s event of another mode or account parked. %(reason)s",
        "%(number)s events of another mode or account parked. %(reason)s",
        number,
    )
    what = words % {"number": counted(number, most=MOST), "reason": reason}
    todo = _(
        "Point that account's endpoint elsewhere, and remove its secret from STRIPE_WEBHOOK_SECRETS. Then dismiss them."
    )
    return [warning("parked", what, todo, since=since)]


def _gaps() -> list[Finding]:
    """Times that nobody can replay, until every kind was listed after the gap was found (S09)."""
    gaps = list(EventGap.objects.all())
    done = _backfilled_since(min(gap.found_at for gap in gaps)) if gaps else {}
    kinds = [kind.object for kind in listed_kinds()] if gaps else []
    return [
        problem(
            "gap",
            _("%(gap)s Objects that changed then may be old here.") % {"gap": gap_words(gap.starts_at, gap.ends_at)},
            _("Run a backfill of everything: manage.py stripe_sync"),
            since=gap.found_at,
        )
        for gap in gaps
        if any(kind not in done or done[kind] < gap.found_at for kind in kinds)
    ] or [ok("gap", _("No event is out of reach."))]


def _backfilled_since(since: datetime) -> dict[str, datetime]:
    """Kind to the begin of its last finished backfill."""
    runs = SyncRun.objects.filter(command=SyncRun.Command.BACKFILL, state=SyncRun.State.DONE, since=None)
    return dict(runs.filter(started_at__gt=since).order_by("started_at").values_list("object_type", "started_at"))


def _mode() -> list[Finding]:
    known = MirroredAccount.objects.first()
    if known is None:
        return [
            warning(
                "account_known",
                _("Nothing has been mirrored yet."),
                _("Run the first sync: manage.py stripe_sync"),
            )
        ]
    if known.livemode == conf.livemode:
        return []
    ours, theirs = ("live", "test") if conf.livemode else ("test", "live")
    return [
        problem(
            "mode",
            _(
                "This database mirrors the %(theirs)s mode of %(known)s, but STRIPE_SECRET_KEY is a "
                "%(ours)s key. Nothing is read or changed."
            )
            % {"theirs": theirs, "known": known, "ours": ours},
            _("Use a key of that mode, or another DATABASE_URL for this one, and restart server and worker."),
        )
    ]


def count(rows: QuerySet[InboxEvent]) -> int:
    """How many, counted a little beyond the limit."""
    return rows.order_by().values("pk")[: MOST + 1].count()
