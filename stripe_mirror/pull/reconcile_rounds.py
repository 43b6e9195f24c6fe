"""Rounds: how far the comparison of each kind is, who is at it, and what is compared next by itself.

A round goes through a whole kind, in as many slices as the budget needs, and leaves one run behind. The schedule
repairs what it finds; a person who asks for a comparison sees the differences first.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q
from django.utils import timezone

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind, all_kinds, kind_of
from stripe_mirror.models import Charge, ReconcileState, SyncRun
from stripe_mirror.pull.account import check_account
from stripe_mirror.pull.reconcile import Comparison, Result
from stripe_mirror.pull.reconcile_differences import close_buried
from stripe_mirror.pull.reconcile_walk import Position, Spending
from stripe_mirror.stripe_api.errors import StripeFailure

State = SyncRun.State

# How often the schedule takes its turn.
TURN = timedelta(minutes=10)
# Requests of a turn: at least these, in the demo those,
FEWEST, IN_DEMO = 2, 30
# and about one hundredth of the reads that Stripe grants: 500 a payment, over 30 days.
READS_PER_PAYMENT = 5
COUNTED = 100_000
# How many of the newest objects are compared more often than the others.
NEWEST = 90
# How long a worker that is at a kind keeps others away; renewed by each slice.
LEASE = timedelta(seconds=90)


def compared_kinds() -> list[Kind]:
    """The kinds that have rounds of their own: what stands in a parent is compared with it."""
    return [kind for kind in all_kinds() if not kind.parent]


def state_of(kind: Kind) -> ReconcileState:
    """How far the kind is."""
    return ReconcileState.objects.get_or_create(object_type=kind.object)[0]


def reconcile_now(
    kind: Kind,
    *,
    requests: int | None = None,
    since: datetime | None = None,
    repairs: bool = False,
    progress: Any = None,
) -> Result:
    """Compare a kind to its end, or with `requests` a share of it from where the last one stopped: for the command."""
    state = state_of(kind)
    if requests is None or since is not None:
        # From the beginning; the schedule's round stays where it is unless this one gets through.
        state.position = {}
    position = Position.from_json(state.position)
    close_buried(kind)
    comparison = Comparison(
        kind=kind,
        position=position,
        spending=Spending(requests=requests),
        since=since,
        repairs=repairs,
        waits=True,
        run=_new_run(kind),
        **({"progress": progress} if progress else {}),
    )
    begun = timezone.now()
    try:
        result = comparison.go()
    except BaseException as error:
        _end_run(comparison.run, Result(kind.object, failure=f"{type(error).__name__} before the end of the list."))
        raise
    _end_run(comparison.run, result)
    if since is None:
        if result.whole:
            # Also one that was begun meanwhile.
            state.refresh_from_db(fields=["run"])
            _drop(state, "Another comparison came to the end of the kind before.")
        _advance(state, position, result, begun=begun, keep=requests is not None or result.whole, was=state.run_id)
    return result


def ask(kind: Kind, *, by: str) -> SyncRun:
    """Begin a round for a person; the worker brings it to its end. A round of the schedule gives way to it."""
    state = state_of(kind)
    if state.run and state.run.state == State.RUNNING and state.run.started_by:
        return state.run
    _drop(state, f"Given up for the round that {by} asked for.")
    run = _new_run(kind, by=by)
    ReconcileState.objects.filter(pk=state.pk).update(position={}, run=run, round_compared=0, round_started_at=None)
    return run


def work(run_id: int, *, seconds: float) -> bool:
    """A slice of a round that a person asked for; whether something is left to do."""
    state = ReconcileState.objects.filter(run_id=run_id, run__state=State.RUNNING).first()
    kind = kind_of(state.object_type) if state else None
    if state is None or kind is None or not _hold(state):
        return False
    if failure := _other_account():
        _finish(state.run, Result(kind.object, failure=failure))
        ReconcileState.objects.filter(pk=state.pk).update(held_until=None, run=None, failure=failure)
        return False
    result = _slice(kind, state, Spending(seconds=seconds), repairs=False)
    return not result.whole and not result.failure


def due_runs() -> list[int]:
    """Rounds that a person asked for and nobody is at."""
    free = Q(held_until=None) | Q(held_until__lt=timezone.now())
    asked = ReconcileState.objects.filter(free, run__state=State.RUNNING).exclude(run__started_by="")
    return [int(id) for id in asked.values_list("run_id", flat=True)]


def take_turn(*, seconds: float) -> list[Result]:
    """A turn of the schedule: half for the newest objects, half for rounds; the kinds longest unseen first."""
    if failure := _other_account():
        return [Result("", failure=failure, outage=True)]
    allowed = Spending(requests=allowance(), seconds=seconds)
    states = {kind.object: state_of(kind) for kind in compared_kinds()}
    results: list[Result] = []
    half = (allowed.requests or 0) / 2
    for kind in sorted(_with_newest(), key=lambda kind: _age(states[kind.object].newest_at)):
        if allowed.left and allowed.spent < half and not _outage(results) and not _asked(states[kind.object]):
            results += _newest(kind, states[kind.object], allowed)
    for kind in sorted(compared_kinds(), key=lambda kind: _age(states[kind.object].tried_at)):
        state = states[kind.object]
        if allowed.left and not _outage(results) and not _asked(state) and _hold(state):
            if _asked(state):
                # Meanwhile; that round repairs nothing.
                _release(state)
            else:
                results.append(_slice(kind, state, allowed, repairs=True))
    return results


def allowance() -> int:
    """How many requests a turn of the schedule may make."""
    if conf.demo:
        return IN_DEMO
    month = Charge.objects.filter(created__gte=timezone.now() - timedelta(days=30))
    payments = month.order_by().values("pk")[:COUNTED].count()
    return max(FEWEST, math.ceil(payments * READS_PER_PAYMENT * (TURN / timedelta(days=30))))


def _slice(kind: Kind, state: ReconcileState, spending: Spending, *, repairs: bool) -> Result:
    """Go on with the kind's round; its run gathers what the slices did."""
    position, begun, was = Position.from_json(state.position), timezone.now(), state.run_id
    if state.run is None or state.run.state != State.RUNNING:
        state.run = _new_run(kind)
    comparison = Comparison(kind=kind, position=position, spending=spending, repairs=repairs, run=state.run)
    spent = spending.spent
    close_buried(kind)
    result = comparison.go()
    result.requests = spending.spent - spent
    _gather(state.run, result)
    if result.whole or result.failure:
        _finish(state.run, result)
    _advance(state, position, result, begun=begun, keep=True, was=was)
    return result


def _newest(kind: Kind, state: ReconcileState, spending: Spending) -> list[Result]:
    """Compare the newest objects of a kind; a run is left only where something differed."""
    newest = kind.model._default_manager.filter(created__isnull=False).order_by("-created", "-pk")
    since = newest.values_list("created", flat=True)[NEWEST : NEWEST + 1].first()
    comparison = Comparison(kind=kind, spending=spending, since=since, repairs=True)
    result = comparison.go()
    if comparison.run:
        _end_run(comparison.run, result)
    if not result.failure:
        ReconcileState.objects.filter(pk=state.pk).update(newest_at=timezone.now())
    return [result]


def _other_account() -> str:
    """Why nothing may be compared: with a key of another account everything would be missing."""
    try:
        check_account()
    except StripeFailure as failure:
        return str(failure)
    return ""


def _outage(results: list[Result]) -> bool:
    return bool(results) and results[-1].outage


def _with_newest() -> list[Kind]:
    """The kinds whose newest objects one page shows."""
    return [kind for kind in compared_kinds() if kind.list_path and not kind.nested and not kind.through]


def _asked(state: ReconcileState) -> bool:
    """Whether a person's round is under way."""
    return bool(state.run and state.run.state == State.RUNNING and state.run.started_by)


def _hold(state: ReconcileState) -> bool:
    """Keep other workers away from the kind for a while; whether nobody was there."""
    now = timezone.now()
    free = ReconcileState.objects.filter(Q(held_until=None) | Q(held_until__lt=now), pk=state.pk)
    held = bool(free.update(held_until=now + LEASE))
    if held:
        state.refresh_from_db()
    return held


def _release(state: ReconcileState) -> None:
    """Let other workers at the kind."""
    ReconcileState.objects.filter(pk=state.pk).update(held_until=None)


def _advance(
    state: ReconcileState, position: Position, result: Result, *, begun: datetime, keep: bool, was: int | None
) -> None:
    """Remember how far it is, unless the kind's run isn't the one that it `was`: then another round has begun."""
    now = timezone.now()
    values: dict[str, Any] = {"held_until": None, "tried_at": now, "failure": result.failure}
    if result.pages or result.whole:
        values["compared_at"] = now
    if keep:
        started = state.round_started_at if state.position else None
        values |= {"position": position.as_json(), "round_started_at": started or begun, "run": state.run}
        values["round_compared"] = (state.round_compared if state.position else 0) + result.compared
    if result.whole:
        values |= {"whole_compared": values["round_compared"], "whole_started_at": values["round_started_at"]}
        values |= {"whole_finished_at": now, "position": {}, "round_compared": 0, "round_started_at": None, "run": None}
    if not ReconcileState.objects.filter(pk=state.pk, run=was).update(**values):
        _drop(state, "Given up for another round of the kind.")
        _release(state)


def _drop(state: ReconcileState, why: str) -> None:
    """End the run of a round that is not gone on with."""
    if state.run_id is None:
        return
    running = SyncRun.objects.filter(pk=state.run_id, state=State.RUNNING)
    running.update(state=State.DROPPED, finished_at=timezone.now(), message=why)


def _new_run(kind: Kind, *, by: str = "") -> SyncRun:
    return SyncRun.objects.create(command=SyncRun.Command.RECONCILE, object_type=kind.object, started_by=by)


def _end_run(run: SyncRun | None, result: Result) -> None:
    assert run is not None
    _gather(run, result)
    _finish(run, result)


def _gather(run: SyncRun, result: Result) -> None:
    SyncRun.objects.filter(pk=run.pk).update(
        pages=F("pages") + result.pages,
        seen=F("seen") + result.compared,
        changed=F("changed") + len(result.differences),
    )


def _finish(run: SyncRun | None, result: Result) -> None:
    assert run is not None
    SyncRun.objects.filter(pk=run.pk).update(
        state=State.FAILED if result.failure else State.DONE,
        finished_at=timezone.now(),
        message=result.failure or sentence(result),
    )


def sentence(result: Result) -> str:
    """What is left to say of a comparison; empty where all is equal."""
    parts = [] if result.whole else ["A share of the kind: the next comparison goes on from there."]
    if result.open:
        parts.append(f"{len(result.open)} not repaired.")
    if result.changing:
        parts.append(f"{len(result.changing)} were changing and are looked at in the next round.")
    return " ".join(parts)


def _age(moment: datetime | None) -> float:
    """For sorting: what was never looked at comes first."""
    return moment.timestamp() if moment else 0.0
