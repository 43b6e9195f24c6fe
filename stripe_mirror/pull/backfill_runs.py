"""The stored side of a backfill: which runs there are, the parts they fall into, who reads which, how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet, Sum
from django.utils import timezone

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind, all_kinds, get_kind
from stripe_mirror.models import SyncPart, SyncRun
from stripe_mirror.pull import clock, confirmations
from stripe_mirror.pull.listing import Source, lists, referring

# How long a process that was killed keeps others from its parts.
LEASE = timedelta(seconds=60)
# An unfinished backfill that is older than this is not worth going on with.
RESUMABLE = timedelta(days=1)
# Lists below parents are read in so many ranges side by side, if each has a fair number of parents.
RANGES, PARENTS_A_RANGE = 8, 200
# The last part of a kind of which no list shows all that others refer to: inline prices are read one by one.
UNLISTED = "{unlisted}"
INLINE = {"price"}
# Kinds that are held without being listed: inline prices, detached payment methods, deleted ones whose id can come
# back (a deletion that we have yet to hear of must not look older than the listing).
HIDDEN = {"coupon", "payment_method", "price", "product"}

State = SyncRun.State
OPEN = SyncPart.State.OPEN
UNFINISHED = (State.RUNNING, State.PAUSED, State.FAILED)


def listed_kinds(names: Sequence[str] = ()) -> list[Kind]:
    """The kinds to list for these names (all without any): what comes inside a parent is listed with it."""
    chosen = names or [kind.object for kind in all_kinds()]
    return [get_kind(name) for name in dict.fromkeys(get_kind(name).parent or name for name in chosen)]


def runs_of(group: UUID) -> QuerySet[SyncRun]:
    """A run per kind, in the order of the registry."""
    return SyncRun.objects.filter(group=group).order_by("id")


def start(kinds: Iterable[Kind], *, since: datetime | None = None, by: str = "") -> UUID:
    """Store a new backfill for whoever works on it; what was left of older ones over these kinds is dropped."""
    group, names = uuid4(), [kind.object for kind in kinds]
    with transaction.atomic():
        older = SyncRun.objects.filter(command=SyncRun.Command.BACKFILL, state__in=UNFINISHED, object_type__in=names)
        older.update(state=State.DROPPED, finished_at=timezone.now(), rate=0, message="Begun anew.")
        backfill = {"command": SyncRun.Command.BACKFILL, "group": group, "since": since, "started_by": by}
        SyncRun.objects.bulk_create([SyncRun(object_type=name, **backfill) for name in names])
    return group


def unfinished(kinds: Iterable[Kind], *, since: datetime | None = None) -> UUID | None:
    """The backfill of these kinds that was begun lately and did not come to its end, if there is one."""
    wanted = {kind.object for kind in kinds}
    runs = SyncRun.objects.filter(command=SyncRun.Command.BACKFILL, started_at__gt=timezone.now() - RESUMABLE)
    last = runs.filter(state__in=UNFINISHED, group__isnull=False).first()
    if last is None or last.group is None or (since is not None and last.since != since):
        return None
    states = dict(runs_of(last.group).values_list("object_type", "state"))
    left = {name for name, state in states.items() if state in UNFINISHED}
    return last.group if left <= wanted <= states.keys() else None


def resume(group: UUID, *, only_failed: bool = False, by: str = "") -> int:
    """Let paused and failed runs go on; a part that is done stays done. How many runs those are.

    Not those that are `held_up`, where the paused ones aren't resumed with them.
    """
    states = [State.FAILED] if only_failed else [State.FAILED, State.PAUSED]
    held = held_up(group) if only_failed else {}
    ids = list(runs_of(group).filter(state__in=states).exclude(object_type__in=held).values_list("pk", flat=True))
    with transaction.atomic():
        SyncPart.objects.filter(run__in=ids, state=SyncPart.State.FAILED).update(state=OPEN, message="")
        SyncRun.objects.filter(pk__in=[*ids, *_unlisted_again(group, ids)]).update(
            state=State.RUNNING, message="", finished_at=None
        )
        runs_of(group).update(started_by=by)
    return len(ids)


def held_up(group: UUID) -> dict[str, str]:
    """Failed kind → the paused kind below whose objects it stands: before that one goes on, nothing can be read."""
    runs = list(runs_of(group))
    paused = {run.object_type for run in runs if run.state == State.PAUSED}
    waiting = [run.object_type for run in runs if run.state == State.FAILED and run.planned_at is None]
    return {name: above for name in waiting for above in _waits_for(name) & paused}


def _unlisted_again(group: UUID, resumed: Sequence[int]) -> list[int]:
    """Look once more for what the resumed kinds refer to and no list shows; the runs that were done with it."""
    names = set(runs_of(group).filter(pk__in=resumed).values_list("object_type", flat=True))
    again = [name for name in INLINE if {kind.object for kind, _ in referring(get_kind(name))} & names]
    parts = SyncPart.objects.filter(
        run__in=runs_of(group).filter(object_type__in=again, state=State.DONE), inside=UNLISTED
    )
    ids = list(parts.values_list("run", flat=True))
    SyncPart.objects.filter(run__in=ids, inside=UNLISTED).update(state=OPEN, cursor="")
    return ids


def pause(group: UUID) -> int:
    """Ask whoever works on it to stop after the pages at hand. How many runs that stops."""
    return runs_of(group).filter(state=State.RUNNING).update(state=State.PAUSED, rate=0)


def due() -> list[UUID]:
    """Backfills that were asked for on the page and that nobody reads just now: the worker goes on with them."""
    running = SyncRun.objects.filter(command=SyncRun.Command.BACKFILL, state=State.RUNNING).exclude(started_by="")
    groups = {group for group in running.values_list("group", flat=True) if group}
    read = SyncPart.objects.filter(run__group__in=groups, state=OPEN, lease_until__gt=clock.now())
    return sorted(groups - set(read.values_list("run__group", flat=True)))


def plannable(group: UUID) -> list[SyncRun]:
    """The runs whose lists can be looked for: below a kind that is being listed itself, only after that one."""
    runs = list(runs_of(group))
    lacking = {run.object_type for run in runs if run.state in UNFINISHED}
    return [
        run
        for run in runs
        if run.state == State.RUNNING and run.planned_at is None and not _waits_for(run.object_type) & lacking
    ]


def _waits_for(object_type: str) -> set[str]:
    nested = get_kind(object_type).nested
    return {nested.object} if nested else set()


def plan(run: SyncRun) -> None:
    """Find the run's lists and store a part for each. Raises StripeFailures, because test clocks are asked for."""
    kind = get_kind(run.object_type)
    since = int(run.since.timestamp()) if run.since else None
    parts = [_part(run, source, since) for source in lists(kind)] + _ranges(run, kind)
    if kind.object in INLINE:
        parts.append(SyncPart(run=run, path=kind.list_path, inside=UNLISTED, created_filter=False))
    with transaction.atomic():
        # Another process may have been faster.
        if SyncRun.objects.filter(pk=run.pk, planned_at=None).update(planned_at=timezone.now()):
            SyncPart.objects.bulk_create(parts)


def _part(run: SyncRun, source: Source, since: int | None) -> SyncPart:
    return SyncPart(
        run=run,
        path=source.path,
        params=dict(source.params),
        created_filter=source.created_filter,
        inside=source.inside,
        created_from=since if source.created_filter else None,
    )


def _ranges(run: SyncRun, kind: Kind) -> list[SyncPart]:
    """Parts of equal size over the parents, by their ids; the first and the last are open."""
    if kind.nested is None:
        return []
    ids = get_kind(kind.nested.object).model._default_manager.order_by("pk").values_list("pk", flat=True)
    count = ids.count()
    pieces = max(1, min(RANGES, count // PARENTS_A_RANGE))
    ends = ["", *(str(ids[count * n // pieces]) for n in range(1, pieces)), ""]
    return [
        SyncPart(run=run, path=kind.nested.path, created_filter=False, parents_after=after, parents_to=to)
        for after, to in pairwise(ends)
    ]


def claim(group: UUID, owner: str) -> list[SyncPart]:
    """Take the open parts that nobody reads, and those of a process that has died."""
    now = clock.now()
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    parts = SyncPart.objects.filter(free, run__in=_running(group), state=OPEN).exclude(_too_early(group))
    ids = list(parts.values_list("pk", flat=True))
    # The condition is checked again under each row's lock: of two processes one gets the part.
    SyncPart.objects.filter(free, pk__in=ids, state=OPEN).update(claimed_by=owner, lease_until=now + LEASE)
    return list(SyncPart.objects.filter(pk__in=ids, claimed_by=owner, state=OPEN).select_related("run"))


def _too_early(group: UUID) -> Q:
    """What others refer to is known when these are listed."""
    busy = set(runs_of(group).filter(state=State.RUNNING).values_list("object_type", flat=True))
    early = [name for name in INLINE & busy if {kind.object for kind, _ in referring(get_kind(name))} & busy]
    return Q(inside=UNLISTED, run__object_type__in=early)


def _running(group: UUID) -> list[int]:
    return list(runs_of(group).filter(state=State.RUNNING).values_list("pk", flat=True))


def renew(owner: str) -> None:
    """Keep what this process reads."""
    SyncPart.objects.filter(claimed_by=owner, state=OPEN).update(lease_until=clock.now() + LEASE)


def release(owner: str, *, run_ids: Iterable[int] | None = None) -> None:
    """Let others read on, at once."""
    mine = SyncPart.objects.filter(claimed_by=owner)
    if run_ids is not None:
        mine = mine.filter(run__in=run_ids)
    mine.update(claimed_by="", lease_until=None)


def has_open_parts(group: UUID) -> bool:
    """Whether anyone still has something to read, us or another process."""
    return SyncPart.objects.filter(run__in=_running(group), state=OPEN).exists() or bool(plannable(group))


def add_up(group: UUID, rates: dict[int, float]) -> list[SyncRun]:
    """Store what the parts of each run come to, end the runs whose last part has ended; the runs."""
    runs = list(runs_of(group))
    busy = [run for run in runs if run.state in (State.RUNNING, State.PAUSED)]
    sums = {row["run"]: row for row in _sums(busy)}
    for run in busy:
        row = sums.get(run.pk)
        before = (run.pages, run.seen, run.changed, run.rate)
        if row:
            run.pages, run.seen, run.changed = row["pages_"], row["seen_"], row["changed_"]
        run.rate = round(rates.get(run.pk, 0.0), 1) if run.state == State.RUNNING else 0
        if before != (run.pages, run.seen, run.changed, run.rate):
            values = {"pages": run.pages, "seen": run.seen, "changed": run.changed, "rate": run.rate}
            SyncRun.objects.filter(pk=run.pk).update(**values)
        if run.state == State.RUNNING and run.planned_at and not (row and row["open_"]):
            _finish(run, failed=row["failed_"] if row else 0, parts=row["parts_"] if row else 0)
    _fail_waiting(runs)
    return runs


def _fail_waiting(runs: list[SyncRun]) -> None:
    """What lies below parents can't be read to its end where these weren't: it is resumed with them."""
    broken = {run.object_type for run in runs if run.state == State.FAILED}
    for run in runs:
        if run.state == State.RUNNING and run.planned_at is None and (above := _waits_for(run.object_type) & broken):
            fail(run, f"It stands below each {above.pop()}, and those could not be read to their end.")


def _sums(runs: list[SyncRun]) -> Iterable[Mapping[str, Any]]:
    parts = SyncPart.objects.filter(run__in=runs).order_by().values("run")
    return parts.annotate(
        pages_=Sum("pages"),
        seen_=Sum("seen"),
        changed_=Sum("changed"),
        parts_=Count("pk"),
        open_=Count("pk", filter=Q(state=OPEN)),
        failed_=Count("pk", filter=Q(state=SyncPart.State.FAILED)),
    )


def _finish(run: SyncRun, *, failed: int, parts: int) -> None:
    if failed:
        first = run.parts.filter(state=SyncPart.State.FAILED).values_list("message", flat=True)[0]
        fail(run, first if parts == 1 else f"{failed} of {parts} parts: {first}")
        return
    run.state, run.finished_at, run.rate = State.DONE, timezone.now(), 0
    if SyncRun.objects.filter(pk=run.pk, state=State.RUNNING).update(
        state=run.state, finished_at=run.finished_at, rate=0
    ):
        _confirm_run(run)


def fail(run: SyncRun, message: str) -> None:
    """End a run before its time; resuming goes on with what is missing."""
    run.state, run.message, run.finished_at, run.rate = State.FAILED, message, timezone.now(), 0
    values = {"state": run.state, "message": message, "finished_at": run.finished_at, "rate": 0}
    SyncRun.objects.filter(pk=run.pk, state=State.RUNNING).update(**values)


def _confirm_run(run: SyncRun) -> None:
    """All lists of the kind are read: what older listings proved is no longer needed."""
    kind = get_kind(run.object_type)
    first = run.parts.aggregate(first=Min("as_of"))["first"]
    if first is None:
        return
    if part_proves(kind):
        confirmations.forget_older(kind, run.since, None, first - timedelta(microseconds=1))
        return
    if not shows_all(kind):
        return
    last = max(until for until in run.parts.values_list("read_until", flat=True) if until)
    since = run.since if kind.created_filter else None
    confirmations.record(kind, since, None, first, last, begun_at=run.started_at)


def shows_all(kind: Kind) -> bool:
    """Whether the lists show every object that still changes, so that the row of none is confirmed without a look."""
    return bool(kind.list_path) and not (kind.through or kind.nested) and kind.object not in HIDDEN


def part_proves(kind: Kind) -> bool:
    """Whether one part shows every object of the kind in its window: no second pass, no test clock."""
    clocks = kind.by_test_clock and not conf.livemode
    return shows_all(kind) and kind.created_filter and len(kind.passes) == 1 and not clocks


def moment(second: int | None) -> datetime | None:
    """Stripe's second as a time."""
    return None if second is None else datetime.fromtimestamp(second, UTC)
