"""What somebody should look at: how many, since when, and where. Each is an index walk that stops at a thousand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.detail import may_view
from stripe_mirror.admin.home.links import rows_url
from stripe_mirror.admin.home.stored import Standing
from stripe_mirror.figures.standing import DUE
from stripe_mirror.models import Dispute, Export, InboxEvent, Push, Refund, SavedExport, Subscription, SyncRun
from stripe_mirror.push.approvals import waiting_for

LIMIT = 1_000


@dataclass(frozen=True)
class Item:
    """One line; `since` says how old the oldest is, or how soon the first is due."""

    label: str
    tone: str
    count: str
    url: str
    since: SafeString | str = ""


def attention(request: HttpRequest, standing: Standing) -> list[Item]:
    """What this person may see and what there is of it, the most pressing first."""
    found = [*_of_money(request), *_of_invoices(request, standing), *_behind_the_pages(request)]
    return [item for item in found if item.count != "0"]


def _of_money(request: HttpRequest) -> Iterable[Item]:
    if may_view(request.user, "dispute"):
        due = Dispute.objects.filter(status__in=DUE, deleted_at=None)
        yield _item(
            _("Disputes due"), "danger", due, "due_by", rows_url(request, "disputes_due"), words=_("first due {}")
        )
    if may_view(request.user, "refund"):
        failed = Refund.objects.filter(status="failed")
        yield _item(_("Failed refunds"), "danger", failed, "created", display.list_url(Refund, {"status": "failed"}))
    if may_view(request.user, "subscription"):
        late = Subscription.objects.filter(status="past_due")
        url = display.list_url(Subscription, {"status": "past_due"})
        yield _item(_("Past-due subscriptions"), "warning", late, "created", url, words="")


def _of_invoices(request: HttpRequest, standing: Standing) -> Iterable[Item]:
    """Counted in the background: no index leads to them."""
    if may_view(request.user, "invoice"):
        count = sum(standing.of(code, "stuck_count") for code in standing.currencies)
        moments = [parse_datetime(str(each.get("stuck_since") or "")) for each in standing.currencies.values()]
        since = min((moment for moment in moments if moment), default=None)
        yield Item(_("Stuck invoices"), "warning", f"{count:,}", rows_url(request, "stuck"), _since(since))
    if may_view(request.user, "subscription"):
        label = _("Subscriptions not computable")
        yield Item(label, "neutral", f"{standing.uncomputed:,}", rows_url(request, "uncomputed"))


def _behind_the_pages(request: HttpRequest) -> Iterable[Item]:
    if request.user.has_perm("stripe_mirror.view_push"):
        mine = waiting_for(request.user)
        url = display.list_url(Push, {"state": "waiting"})
        yield _item(_("Waiting for your approval"), "warning", mine, "created_at", url)
        unknown = Push.objects.filter(state=Push.State.UNKNOWN)
        url = display.list_url(Push, {"state": "unknown"})
        yield _item(_("Pushes being checked"), "warning", unknown, "created_at", url)
    yield from _own_exports(request)
    if request.user.has_perm("stripe_mirror.view_inboxevent"):
        for state, label in _event_states():
            rows = InboxEvent.objects.filter(state=state)
            yield _item(label, "warning", rows, "created", display.list_url(InboxEvent, {"state": state.value}))
    if request.user.has_perm("stripe_mirror.view_syncrun"):
        failed = SyncRun.objects.filter(state="failed")
        yield _item(_("Failed syncs"), "warning", failed, "started_at", display.list_url(SyncRun, {"state": "failed"}))


def _own_exports(request: HttpRequest) -> Iterable[Item]:
    """What was to run by itself and did not; the last file of each is what counts."""
    url = reverse("exports:index")
    last = Export.objects.filter(saved=OuterRef("saved"), scheduled=True).order_by("-created_at").values("pk")[:1]
    mine = Export.objects.filter(owner_id=request.user.pk, scheduled=True, state=Export.State.FAILED, pk=Subquery(last))
    yield _item(_("Scheduled exports that failed"), "warning", mine, "created_at", url)
    paused = SavedExport.objects.filter(owner_id=request.user.pk).exclude(paused_reason="")
    yield _item(_("Paused exports"), "warning", paused, "created_at", url, words="")


def _event_states() -> list[tuple[InboxEvent.State, str]]:
    return [
        (InboxEvent.State.FAILED, _("Failed events")),
        (InboxEvent.State.WAITING, _("Waiting events")),
        (InboxEvent.State.PARKED, _("Parked events")),
    ]


def _item(label: str, tone: str, rows: QuerySet[Any], column: str, url: str, *, words: str | None = None) -> Item:
    """Count and first moment in one query."""
    moments = list(rows.order_by(column).values_list(column, flat=True)[: LIMIT + 1])
    count = f"{LIMIT:,}+" if len(moments) > LIMIT else f"{len(moments):,}"
    first = next((moment for moment in moments if moment), None)
    return Item(label, tone, count, url, "" if words == "" else _since(first, words))


def _since(moment: datetime | None, words: str | None = None) -> SafeString | str:
    return format_html(words or _("since {}"), display.day(moment)) if moment else ""
