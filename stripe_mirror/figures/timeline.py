"""When a subscription's monthly amount changed: from the changes that the mirror recorded, and before these from what
the rows still tell (start, trial, end, and what was invoiced). Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from stripe_mirror.figures.amounts import NotComputable, counts, monthly_amount
from stripe_mirror.figures.reductions import Reductions, items_of
from stripe_mirror.models.fields import LAST_SECOND

# When it is tried again what could not be computed: a coupon may come later than what it reduces.
AGAIN = timedelta(hours=1)
# It never was paid for.
NEVER_STARTED = ("incomplete", "incomplete_expired")


@dataclass(frozen=True)
class Seen:
    """A recorded change: after it the row had this version; `fields` is field → [old, new]."""

    version: int
    at: datetime
    fields: Mapping[str, Any]
    # Nothing was before it.
    first: bool = False


@dataclass(frozen=True)
class Before:
    """What was computed the last time."""

    amount: int
    version: int
    # Of its latest step; empty where there was none, and its past is still as open as at first.
    moved_at: datetime | None


@dataclass(frozen=True)
class Step:
    """From this moment on it is worth so much a month."""

    at: datetime
    amount: int


@dataclass(frozen=True)
class Subject:
    """One subscription, with all that the mirror knows of its past."""

    data: Mapping[str, Any]
    version: int
    changed_at: datetime
    currency: str
    deleted_at: datetime | None = None
    # Its recorded changes since it was computed last, oldest first.
    changes: Sequence[Seen] = ()
    # What was invoiced from when, oldest first: items as they stand inside a subscription.
    invoiced: Sequence[tuple[datetime, list[Any]]] = ()
    before: Before | None = None


@dataclass(frozen=True)
class Computed:
    """What it is worth now, and the steps that led there since the last time."""

    amount: int
    steps: tuple[Step, ...] = ()
    due_at: datetime | None = None
    problem: str = ""


ReductionsOf = Callable[[Mapping[str, Any]], Reductions]


@dataclass(frozen=True)
class _State:
    """What held from a moment on; from the beginning where there is none."""

    since: datetime | None
    data: Mapping[str, Any]


def compute(subject: Subject, reductions_of: ReductionsOf, *, now: datetime) -> Computed:
    """The steps since it was computed last, and what it is worth now. Never raises for a shape."""
    states = _states(subject)
    held = subject.before.amount if subject.before else 0
    try:
        last = _points(subject, states[-1], reductions_of, start=states[-1].since, until=now)
        bounds = reductions_of(states[-1].data).bounds()
    except NotComputable as reason:
        return Computed(held, due_at=now + AGAIN, problem=str(reason))
    points: list[Step] = []
    for state, following in pairwise(states):
        points += _lenient(subject, state, reductions_of, until=following.since or now)
    steps = _moved([*points, *last], held, subject.before.moved_at if subject.before else None, now)
    amount = steps[-1].amount if steps else held
    return Computed(amount, steps, due_at=next((bound for bound in bounds if bound > now), None) if amount else None)


def _states(subject: Subject) -> list[_State]:
    """The known states, oldest first, found by undoing the recorded changes from the newest back."""
    data, states = subject.data, []
    if subject.deleted_at is not None:
        states.append(_State(subject.deleted_at, {**data, "status": "canceled", "ended_at": None}))
    known = subject.before.version if subject.before else 0
    fresh = [change for change in subject.changes if known < change.version <= subject.version]
    if subject.before and subject.version > known and (not fresh or fresh[-1].version < subject.version):
        # Its change isn't kept: all that is known is when we saw it.
        fresh.append(Seen(subject.version, subject.changed_at, {}))
    for change in reversed(fresh):
        states.append(_State(change.at, data))
        if change.first:
            return states[::-1]
        data = undone(data, change.fields)
    return [_State(subject.before.moved_at if subject.before else None, data), *states[::-1]]


def undone(data: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """The object as it was before a recorded change. Metadata, whose keys may have dots, is left as it is."""
    found = dict(data)
    for name, pair in fields.items():
        if isinstance(pair, list) and len(pair) == 2 and not name.startswith("metadata"):
            _put(found, name.split("."), pair[0])
    return found


def _put(into: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        inner = into.get(key)
        into[key] = dict(inner) if isinstance(inner, dict) else {}
        into = into[key]
    into[path[-1]] = value


def _lenient(subject: Subject, state: _State, reductions_of: ReductionsOf, *, until: datetime) -> list[Step]:
    """As `_points`; of a past state that can't be computed nothing is said."""
    try:
        return _points(subject, state, reductions_of, start=state.since, until=until)
    except NotComputable:
        return []


def _points(
    subject: Subject, state: _State, reductions_of: ReductionsOf, *, start: datetime | None, until: datetime
) -> list[Step]:
    reductions = reductions_of(state.data)
    if start is None:
        return list(_estimated(subject, state.data, reductions, until=until))
    if not counts(state.data):
        ended = moment_of(state.data.get("ended_at"))
        return [Step(min(start, ended) if ended else start, 0)]
    moments = [start, *(bound for bound in reductions.bounds() if start < bound <= until)]
    if subject.before and start == subject.before.moved_at:
        # The state that was computed the last time: only what a discount changed since then is news.
        moments = [*moments[1:], until] if state.data is subject.data else moments[1:]
    return [Step(at, _worth(items_of(state.data), reductions, subject.currency, at)) for at in moments]


def _estimated(subject: Subject, data: Mapping[str, Any], reductions: Reductions, *, until: datetime) -> Iterator[Step]:
    """What a state tells of the time before anything was recorded: from its start to its end, as it was invoiced."""
    span = _paid_span(data)
    if span is None or (begin := span[0]) >= min(span[1] or until, until):
        return
    stop = min(span[1] or until, until)
    configs = _configs(data, subject.invoiced, begin, stop)
    changes = [at for at, _ in configs] + reductions.bounds()
    for at in sorted({begin, *(moment for moment in changes if begin < moment < stop)}):
        items = next((items for since, items in reversed(configs) if since <= at), configs[0][1])
        yield Step(at, _worth(items, reductions, subject.currency, at))
    if span[1] is not None and span[1] <= until:
        yield Step(span[1], 0)


def _paid_span(data: Mapping[str, Any]) -> tuple[datetime, datetime | None] | None:
    """From when it was paid for, and until when it was; None where it never was, or has not begun."""
    status, trial_end = data.get("status"), moment_of(data.get("trial_end"))
    begin = moment_of(data.get("start_date")) or moment_of(data.get("created"))
    if begin is None or status in NEVER_STARTED or status == "trialing":
        return None
    begin = max(begin, trial_end) if trial_end else begin
    if counts(data):
        return begin, None
    if status == "canceled":
        return begin, moment_of(data.get("ended_at")) or moment_of(data.get("canceled_at")) or begin
    # Unpaid or paused, nobody knows since when: since the period began that wasn't paid any more.
    return begin, _period_start(data) or begin


def _period_start(data: Mapping[str, Any]) -> datetime | None:
    found = [data, *(item for item in items_of(data) if isinstance(item, dict))]
    return next((at for each in found if (at := moment_of(each.get("current_period_start")))), None)


def _configs(
    data: Mapping[str, Any], invoiced: Sequence[tuple[datetime, list[Any]]], begin: datetime, stop: datetime
) -> list[tuple[datetime, list[Any]]]:
    """Its items from when on: as invoiced, at last as they are; what was never invoiced is dated by its period."""
    past = [(at, items) for at, items in invoiced if at < stop]
    if not past:
        return [(begin, items_of(data))]
    latest = max(past[-1][0], _period_start(data) or begin)
    return [*past, (min(latest, stop - timedelta(seconds=1)), items_of(data))]


def _worth(items: Iterable[Any], reductions: Reductions, currency: str, at: datetime) -> int:
    return monthly_amount(items, currency=currency, moment=at, reductions=reductions.all, of_items=reductions.of_items)


def _moved(points: Iterable[Step], amount: int, moved_at: datetime | None, now: datetime) -> tuple[Step, ...]:
    """Only what changes the amount, never earlier than what is already told, never later than now."""
    steps = []
    for point in points:
        if point.amount == amount:
            continue
        moved_at = min(max(point.at, moved_at) if moved_at else point.at, now)
        steps.append(Step(moved_at, point.amount))
        amount = point.amount
    return tuple(steps)


def moment_of(second: Any) -> datetime | None:
    """Stripe's seconds as a moment; None where it is no such number."""
    if not isinstance(second, int) or isinstance(second, bool) or not 0 < second <= LAST_SECOND:
        return None
    return datetime.fromtimestamp(second, UTC)
