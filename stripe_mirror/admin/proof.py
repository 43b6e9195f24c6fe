"""Proof of sync: what was compared with Stripe and when, what differed, how late events are, and the runs.

Every figure is stored by the last comparison or read from a few rows of an index: the page counts no large table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stripe_mirror.admin import display
from stripe_mirror.admin.detail import may_view
from stripe_mirror.admin.history import field_change
from stripe_mirror.admin.inbox import object_link
from stripe_mirror.admin.paging import capped_count
from stripe_mirror.kinds import Kind, all_kinds, kind_of
from stripe_mirror.models import Difference, InboxEvent, ReconcileState, SyncRun

# The newest events, from which the lag is taken.
RECENT = 1000
# Differences of a kind that the page shows with their values; all stand in the list.
SHOWN = 20
RUNS = 15
# "Found" and "repaired" are of this time.
MONTH = timedelta(days=30)
NEVER = gettext_lazy("Never compared")
AT_ONCE = timedelta(seconds=1)


@dataclass(frozen=True)
class KindProof:
    """A line of the table: one kind."""

    kind: Kind
    name: str
    url: str
    objects: Any
    compared: SafeString | str
    detail: SafeString | str
    failure: str
    open: int
    found: int
    repaired: int
    newest: SafeString
    lag: str
    running: bool


@dataclass(frozen=True)
class ShownDifference:
    """An open difference with both values."""

    row: Difference
    object: SafeString
    nature: SafeString
    found: SafeString
    fields: list[Any]
    why: str
    note: str


@dataclass(frozen=True)
class Lag:
    """Between Stripe's second and ours, over the newest events of a kind."""

    newest: datetime
    seconds: tuple[float, ...]

    def __str__(self) -> str:
        """The median and the slowest twentieth."""
        return f"{_seconds(_percentile(self.seconds, 0.5))} · {_seconds(_percentile(self.seconds, 0.95))}"


def proof(request: HttpRequest) -> dict[str, Any]:
    """What the page shows of the kinds that this person may see."""
    kinds = [kind for kind in all_kinds() if may_view(request.user, kind.object)]
    states = {state.object_type: state for state in ReconcileState.objects.select_related("run")}
    lags, counted = _lags(), _differences()
    return {
        "kinds": [_kind(kind, states, lags, counted) for kind in kinds],
        "groups": _open_differences(request, kinds),
        "runs": [_run(run) for run in _runs()],
        "runs_url": display.list_url(SyncRun, {"command": "reconcile"}),
        "all_url": display.list_url(Difference),
        "checked": display.when(timezone.now(), zone=True),
        "recent": f"{RECENT:,}",
        "verdict": _verdict(kinds, states, counted),
        "may_run": request.user.has_perm("stripe_mirror.run_reconcile"),
    }


def _kind(kind: Kind, states: Any, lags: dict[str, Lag], counted: dict[str, dict[str, int]]) -> KindProof:
    # What stands in a parent is compared with it.
    state = states.get(kind.parent or kind.object)
    lag, of_kind = lags.get(kind.object), counted[kind.object]
    newest = lag.newest if lag else _newest_event(kind) if len(lags) and _sample_is_full(lags) else None
    return KindProof(
        kind=kind,
        name=display.words(kind.model._meta.verbose_name_plural),
        url=display.list_url(kind.model),
        objects=capped_count(kind.model._default_manager.filter(deleted_at=None)),
        compared=_compared(state),
        detail=_detail(kind, state),
        failure=state.failure if state else "",
        open=of_kind["open"],
        found=sum(of_kind.values()),
        repaired=of_kind["repaired"],
        newest=display.when(newest) if newest else display.plain("" if kind.events else _("Has no events")),
        lag=str(lag) if lag else "",
        running=bool(state and state.run and state.run.state == "running" and state.run.started_by),
    )


def _compared(state: ReconcileState | None) -> SafeString | str:
    """When anything of it was last compared."""
    moments = [moment for moment in (state.compared_at, state.newest_at) if moment] if state else []
    return display.when(max(moments)) if moments else str(NEVER)


def _detail(kind: Kind, state: ReconcileState | None) -> str:
    """How much of it was compared, in words."""
    if kind.parent:
        return _("With its %(kind)s") % {"kind": display.in_sentence(display.kind_words(kind.parent))}
    if state is None or not (state.compared_at or state.newest_at):
        return ""
    if state.whole_finished_at is None:
        return (
            _("%(n)s so far, never the whole") % {"n": f"{state.round_compared:,}"}
            if state.position
            else _("Only the newest, never the whole")
        )
    whole = _("All %(n)s") % {"n": f"{state.whole_compared:,}"}
    if state.compared_at and state.compared_at - state.whole_finished_at > AT_ONCE:
        whole = _("%(all)s on %(when)s") % {"all": whole, "when": display.moment_text(state.whole_finished_at)}
    return (
        _("%(whole)s; %(n)s of the next round") % {"whole": whole, "n": f"{state.round_compared:,}"}
        if state.position
        else whole
    )


def _verdict(kinds: list[Kind], states: Any, counted: dict[str, dict[str, int]]) -> tuple[str, str]:
    """One sentence over all, and its tone."""
    open_ones = sum(counted[kind.object]["open"] for kind in kinds)
    own = [kind for kind in kinds if not kind.parent]
    whole = [
        states[k.object].whole_finished_at for k in own if k.object in states and states[k.object].whole_finished_at
    ]
    if open_ones:
        return ngettext("%(n)s object differs from Stripe.", "%(n)s objects differ from Stripe.", open_ones) % {
            "n": open_ones
        }, "danger"
    if not whole:
        return _("Nothing is proved yet: no kind was compared as a whole."), "warning"
    if len(whole) < len(own):
        said = _("No open difference; %(done)s of %(all)s kinds were compared as a whole so far.")
        return said % {"done": len(whole), "all": len(own)}, "info"
    said = _("No open difference. Every kind was compared as a whole, the earliest on %(when)s.")
    return said % {"when": display.moment_text(min(whole))}, "success"


# --- Differences and runs -------------------------------------------------------------------------------------------


def _differences() -> dict[str, dict[str, int]]:
    """Kind → outcome → how many: open ones, and what became of others within the month."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(Difference.Outcome.values, 0))
    recent = Difference.objects.filter(found_at__gt=timezone.now() - MONTH).exclude(outcome="open")
    for rows in (recent, Difference.objects.filter(outcome="open")):
        for name, outcome, number in rows.order_by().values_list("object_type", "outcome").annotate(Count("pk")):
            found[name][outcome] += number
    return found


def _open_differences(request: HttpRequest, kinds: Iterable[Kind]) -> list[dict[str, Any]]:
    """Open differences, kind by kind, the newest of each."""
    groups = []
    for kind in kinds:
        rows = Difference.objects.filter(outcome="open", object_type=kind.object).order_by("-found_at", "-id")
        if found := list(rows[: SHOWN + 1]):
            groups.append(
                {
                    "kind": kind,
                    "title": display.words(kind.model._meta.verbose_name_plural),
                    "rows": [shown(row) for row in found[:SHOWN]],
                    "more": len(found) > SHOWN,
                    "count": f"{SHOWN}+" if len(found) > SHOWN else str(len(found)),
                    "url": display.list_url(Difference, {"object_type": kind.object, "outcome": "open"}),
                }
            )
    return groups


def shown(row: Difference) -> ShownDifference:
    """A difference as pages show it; every value is masked and escaped."""
    fields = [field_change(name, pair, None) for name, pair in sorted(row.fields.items())]
    return ShownDifference(
        row=row,
        object=object_link(row) if _is_here(row) else display.mono(row.object_id),
        nature=nature_pill(row),
        found=display.when(row.found_at),
        fields=fields,
        why=display.without_secrets(row.likely_why),
        note=display.without_secrets(row.note),
    )


def nature_pill(row: Any) -> SafeString:
    """In what they differ."""
    return display.pill(display.words(row.get_nature_display()), "warning")


def _is_here(row: Difference) -> bool:
    kind = kind_of(row.object_type)
    return kind is not None and kind.model._default_manager.filter(pk=row.object_id).exists()


def _runs() -> list[SyncRun]:
    return list(SyncRun.objects.filter(command=SyncRun.Command.RECONCILE).order_by("-id")[:RUNS])


def _run(run: SyncRun) -> dict[str, Any]:
    tones = {"running": "info", "done": "success", "failed": "danger"}
    return {
        "kind": display.kind_words(run.object_type),
        "state": display.pill(display.words(run.get_state_display()), tones.get(run.state, "neutral")),
        "seen": f"{run.seen:,}",
        "changed": f"{run.changed:,}",
        "started": display.link(display.moment_text(run.started_at), display.object_url(run)),
        "finished": display.when(run.finished_at),
        "by": run.started_by or _("Schedule or command"),
        "message": display.without_secrets(run.message),
    }


# --- Events ---------------------------------------------------------------------------------------------------------


def _lags() -> dict[str, Lag]:
    """Kind → its lag, from the newest events of all."""
    rows = InboxEvent.objects.order_by("-created", "-id").values_list(
        "object_type", "created", "received_at", "processed_at"
    )[:RECENT]
    seconds: dict[str, list[float]] = defaultdict(list)
    newest: dict[str, datetime] = {}
    for name, created, received_at, processed_at in rows:
        newest.setdefault(name, created)
        # Stripe tells whole seconds: what came in the same one took no time that we could know.
        seconds[name].append(max(0.0, ((processed_at or received_at) - created).total_seconds()))
    return {name: Lag(newest[name], tuple(sorted(values))) for name, values in seconds.items()}


def _sample_is_full(lags: dict[str, Lag]) -> bool:
    return sum(len(lag.seconds) for lag in lags.values()) >= RECENT


def _newest_event(kind: Kind) -> datetime | None:
    """Of a kind that has none among the newest: one look into an index per type."""
    found = [InboxEvent.objects.filter(type=name).aggregate(newest=Max("created"))["newest"] for name in kind.events]
    return max((moment for moment in found if moment), default=None)


def _percentile(values: tuple[float, ...], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))]


def _seconds(value: float) -> str:
    if value < 10:
        return f"{value:.1f} s"
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.0f} h"
