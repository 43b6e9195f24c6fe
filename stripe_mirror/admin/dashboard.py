"""Home: the figures of a period, what needs a look, the latest changes, and how fresh it all is.

Each query is an index lookup that stops at a limit, and each figure is shown only to those who may see its rows.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.changes import by_whom, changed_fields
from stripe_mirror.admin.detail import may_view, zone_name
from stripe_mirror.admin.home.page import figures
from stripe_mirror.admin.inbox import object_link
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Change, InboxEvent, MirroredAccount, SyncRun

LATEST = 12


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback for the index page."""
    account = MirroredAccount.objects.first()
    return context | {
        "title": _("Home"),
        "sees_anything": any(may_view(request.user, kind.object) for kind in all_kinds()),
        "account": account.name if account else "",
        "freshness": freshness(request),
        **figures(request),
        "changes": latest_changes(request),
        "changes_url": display.list_url(Change) if request.user.has_perm("stripe_mirror.view_change") else "",
        "zone": zone_name(),
    }


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
        "what": display.plain(f"{display.words(change.get_action_display())}{': ' if fields else ''}{fields}"),
        "by": display.plain(by_whom(change)),
    }


def freshness(request: HttpRequest) -> list[dict[str, Any]]:
    """When the last event and the last sync came in."""
    if not any(may_view(request.user, kind.object) for kind in all_kinds()):
        return []
    event = InboxEvent.objects.order_by("-created", "-id").values_list("received_at", flat=True).first()
    run = SyncRun.objects.filter(state="done").values_list("finished_at", flat=True).first()
    lines = [{"label": _("Now"), "value": display.when(timezone.now(), zone=True)}]
    if event:
        lines.append({"label": _("Newest event received"), "value": display.when(event)})
    if run:
        lines.append({"label": _("Last sync"), "value": display.when(run)})
    return lines
