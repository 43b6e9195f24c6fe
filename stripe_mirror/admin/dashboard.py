"""Home: what needs a look, counts per status, the latest changes, and how fresh it all is.

Each query is an index lookup that stops at a limit, and each figure is shown only to those who may see its rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from stripe_mirror.admin import display
from stripe_mirror.admin.changes import by_whom, changed_fields
from stripe_mirror.admin.detail import may_view, zone_name
from stripe_mirror.admin.inbox import object_link
from stripe_mirror.admin.paging import LIMIT, CappedCount
from stripe_mirror.admin.status import INVOICE, SUBSCRIPTION
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import (
    Change,
    Charge,
    InboxEvent,
    Invoice,
    MirroredAccount,
    Push,
    Refund,
    Subscription,
    SyncRun,
)
from stripe_mirror.push.approvals import waiting_for

LATEST = 12


@dataclass(frozen=True)
class Line:
    """A figure and the list behind it."""

    label: SafeString | str
    count: CappedCount
    url: str


@dataclass(frozen=True)
class Tile:
    """Figures under a heading."""

    title: str
    lines: list[Line]
    empty: str = ""


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback for the index page."""
    account = MirroredAccount.objects.first()
    return context | {
        "title": "Home",
        "account": account.name if account else "",
        "freshness": freshness(request),
        "tiles": tiles(request),
        "changes": latest_changes(request),
        "changes_url": display.list_url(Change) if request.user.has_perm("stripe_mirror.view_change") else "",
        "zone": zone_name(),
    }


def count(rows: QuerySet[Any]) -> CappedCount:
    """How many rows, counted up to the limit."""
    return CappedCount(rows.order_by().values("pk")[: LIMIT + 1].count())


def line(label: str, rows: QuerySet[Any], *, tone: str = "neutral", **params: str) -> Line:
    """A figure with its pill and its list."""
    return Line(display.pill(label, tone), count(rows), display.list_url(rows.model, params))


def tiles(request: HttpRequest) -> list[Tile]:
    """What this person may see."""
    found = []
    lines = [each for each in attention(request) if each.count]
    found.append(
        Tile("Needs a look", lines, "Nothing: no failed payments or events, nothing that waits for an answer.")
    )
    if may_view(request.user, "subscription"):
        found.append(Tile("Subscriptions", _per_status(Subscription.objects.all(), SUBSCRIPTION), "None yet."))
    if may_view(request.user, "invoice"):
        found.append(Tile("Invoices", _per_status(Invoice.objects.all(), INVOICE), "None yet."))
    return found if any(may_view(request.user, kind.object) for kind in all_kinds()) else []


def _per_status(rows: QuerySet[Any], statuses: dict[str, str]) -> list[Line]:
    lines = [line(display.words(s), rows.filter(status=s), tone=tone, status=s) for s, tone in statuses.items()]
    return [each for each in lines if each.count]


def attention(request: HttpRequest) -> list[Line]:
    """What somebody should look at, by permission."""
    found = []
    if may_view(request.user, "charge"):
        found.append(_flagged("Disputed payments", Charge.objects.filter(disputed=True), disputed="yes"))
    if may_view(request.user, "refund"):
        found.append(_flagged("Failed refunds", Refund.objects.filter(status="failed"), status="failed"))
    if may_view(request.user, "subscription"):
        found.append(
            _flagged("Past-due subscriptions", Subscription.objects.filter(status="past_due"), status="past_due")
        )
    return [*found, *_behind_the_pages(request)]


def _behind_the_pages(request: HttpRequest) -> list[Line]:
    found = []
    if request.user.has_perm("stripe_mirror.view_push"):
        found.append(_flagged("Waiting for your approval", waiting_for(request.user), state="waiting"))
        found.append(_flagged("Pushes being checked", Push.objects.filter(state="unknown"), state="unknown"))
    if request.user.has_perm("stripe_mirror.view_inboxevent"):
        for state in (InboxEvent.State.WAITING, InboxEvent.State.FAILED, InboxEvent.State.PARKED):
            found.append(_flagged(f"Events {state.label}", InboxEvent.objects.filter(state=state), state=state.value))
    if request.user.has_perm("stripe_mirror.view_syncrun"):
        found.append(_flagged("Failed syncs", SyncRun.objects.filter(state="failed"), state="failed"))
    return found


def _flagged(label: str, rows: QuerySet[Any], **params: str) -> Line:
    return line(label, rows, tone="warning", **params)


def latest_changes(request: HttpRequest) -> list[dict[str, Any]]:
    """The newest changes of the kinds that this person may see."""
    seen = [kind.object for kind in all_kinds() if may_view(request.user, kind.object)]
    if not seen:
        return []
    # The newest of all, then sorted out: an index walk, where a filter by kind could scan.
    newest = Change.objects.select_related("push")[: LATEST * 4]
    return [_change(change) for change in newest if change.object_type in seen][:LATEST]


def _change(change: Change) -> dict[str, Any]:
    fields = changed_fields(change)
    return {
        "when": display.when(change.happened_at),
        "object": object_link(change),
        "kind": display.kind_words(change.object_type),
        "what": display.plain(f"{change.get_action_display().capitalize()}{': ' if fields else ''}{fields}"),
        "by": display.plain(by_whom(change)),
    }


def freshness(request: HttpRequest) -> list[dict[str, Any]]:
    """When the last event and the last sync came in."""
    if not any(may_view(request.user, kind.object) for kind in all_kinds()):
        return []
    event = InboxEvent.objects.order_by("-created", "-id").values_list("received_at", flat=True).first()
    run = SyncRun.objects.filter(state="done").values_list("finished_at", flat=True).first()
    lines = [{"label": "Now", "value": display.when(timezone.now(), zone=True)}]
    if event:
        lines.append({"label": "Newest event received", "value": display.when(event)})
    if run:
        lines.append({"label": "Last sync", "value": display.when(run)})
    return lines
