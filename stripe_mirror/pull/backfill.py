"""Lists whole kinds from Stripe into the mirror, page by page; safe to repeat and to interrupt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event as Flag
from typing import Any

from django.db import close_old_connections, connections
from django.utils import timezone

from stripe_mirror.kinds import Kind, all_kinds, get_kind
from stripe_mirror.models import SyncRun
from stripe_mirror.pull.apply import apply_page
from stripe_mirror.pull.embedded import store_page_children
from stripe_mirror.pull.fetch import complete_lists
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.client import Answer
from stripe_mirror.stripe_api.errors import StripeFailure

# Told after each page: the kind and its run so far.
Progress = Callable[[Kind, SyncRun], None]


def listed_kinds(names: Sequence[str] = ()) -> list[Kind]:
    """The kinds to list for these names (all without any): what comes inside a parent is listed with it."""
    chosen = names or [kind.object for kind in all_kinds()]
    return [get_kind(name) for name in dict.fromkeys(get_kind(name).parent or name for name in chosen)]


def backfill(
    kinds: Iterable[Kind],
    *,
    since: datetime | None = None,
    workers: int = 1,
    progress: Progress = lambda kind, run: None,
    stop: Flag | None = None,
) -> list[SyncRun]:
    """List these kinds, `workers` of them at a time; a failed one is in its run and doesn't hold up the others."""
    stopped = stop or Flag()

    def one(kind: Kind) -> SyncRun:
        close_old_connections()
        try:
            return backfill_kind(kind, since=since, progress=progress, stop=stopped)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(workers, thread_name_prefix="backfill") as pool:
        try:
            return list(pool.map(one, kinds))
        except BaseException:
            # Ctrl-C: end the other kinds after the page that they are at.
            stopped.set()
            raise


def backfill_kind(
    kind: Kind,
    *,
    since: datetime | None = None,
    progress: Progress = lambda kind, run: None,
    stop: Flag | None = None,
) -> SyncRun:
    """List one kind. Failures of Stripe's are recorded in the run, not raised."""
    run = SyncRun.objects.create(command=SyncRun.Command.BACKFILL, object_type=kind.object)
    progress(kind, run)
    try:
        for answer, sent_at in _pages(kind, since):
            _store(kind, answer, sent_at, run)
            progress(kind, run)
            if stop and stop.is_set():
                return _end(run, SyncRun.State.FAILED, "Stopped before the end of the list.")
    except StripeFailure as failure:
        return _end(run, SyncRun.State.FAILED, str(failure))
    except BaseException as error:
        _end(run, SyncRun.State.FAILED, f"{type(error).__name__} before the end of the list.")
        raise
    return _end(run, SyncRun.State.DONE)


def _pages(kind: Kind, since: datetime | None) -> Iterator[tuple[Answer, datetime]]:
    """Every page of every pass, each with the time (our clock) at which it was asked for."""
    window: dict[str, Any] = {}
    if since and kind.created_filter:
        window = {"created": {"gte": int(since.timestamp())}}
    for filters in kind.passes:
        sent_at = timezone.now()
        for answer in read.list_pages(kind.list_path, {**filters, **window}):
            yield answer, sent_at
            sent_at = timezone.now()


def _store(kind: Kind, answer: Answer, sent_at: datetime, run: SyncRun) -> None:
    items = answer.body["data"]
    result = apply_page(kind, answer.text, items, as_of=answer.as_of, read_until=answer.read_until, sent_at=sent_at)
    for id in store_page_children(kind, items, as_of=answer.as_of, read_until=answer.read_until, sent_at=sent_at):
        complete_lists(kind, id)
    run.pages += 1
    run.seen += result.seen
    run.changed += result.created + result.changed
    run.save(update_fields=["pages", "seen", "changed"])


def _end(run: SyncRun, state: SyncRun.State, message: str = "") -> SyncRun:
    run.state, run.message, run.finished_at = state, message, timezone.now()
    run.save(update_fields=["state", "message", "finished_at"])
    return run
