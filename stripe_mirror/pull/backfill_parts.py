"""A backfill's part while a process reads it: its next page, the page into the mirror, how far it is, its end.

`pull.backfill` runs many of them side by side; `pull.backfill_runs` stores what is left of each.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from stripe_mirror.kinds import Kind, get_kind
from stripe_mirror.models import SyncPart
from stripe_mirror.pull import backfill_runs as runs
from stripe_mirror.pull import clock, confirmations
from stripe_mirror.pull.apply import apply_page
from stripe_mirror.pull.backfill_runs import moment
from stripe_mirror.pull.embedded import store_page_children
from stripe_mirror.pull.fetch import complete_lists
from stripe_mirror.pull.listing import missing, objects_in
from stripe_mirror.pull.windows import BelowParents, Chain, Lines, OneByOne, Position, Request
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.client import Answer
from stripe_mirror.stripe_api.errors import NotFound

# Parents whose lists are looked up at a time.
PARENTS = 500


@dataclass
class Page:
    """An answer that waits to be stored, and where its part stands then."""

    answer: Answer
    fresh: list[dict[str, Any]]
    sent_at: datetime
    position: Position


@dataclass(eq=False)
class Part:
    """A part while this process reads it."""

    row: SyncPart
    kind: Kind
    lines: Lines
    pages: deque[Page] = field(default_factory=deque)
    reading: bool = False
    storing: bool = False
    # Nothing more is read of it: the end, why it failed, or where the rest is cut in two.
    ended: bool = False
    failure: str = ""
    cut: tuple[int, int] | None = None

    @property
    def frontier(self) -> float:
        """How new the next objects are."""
        oldest, top = self.lines.position.oldest, self.row.created_to
        newest = oldest if oldest is not None else top
        return float("inf") if newest is None else newest


def opened(row: SyncPart) -> Part:
    """A claimed part, ready to be read on."""
    kind = get_kind(row.run.object_type)
    if "{parent}" in row.path:
        below = BelowParents(row.path, lambda after: _parents(kind, row, after), after=row.cursor or row.parents_after)
        return Part(row, kind, below)
    if row.inside == runs.UNLISTED:
        one_by_one = OneByOne(row.path, lambda after: missing(kind, after, PARENTS), after=row.cursor)
        return Part(row, kind, one_by_one)
    chain_to = row.chain_to if row.chain_to is not None else row.created_to
    chain = Chain(
        row.path,
        row.params,
        created_filter=row.created_filter,
        created_from=row.created_from,
        position=Position(row.cursor, chain_to, row.oldest, frozenset(row.ids_at_oldest)),
    )
    return Part(row, kind, chain)


def next_page(part: Part) -> Page | None:
    """Ask for the part's next page; None where that was the end, or where a fresh chain has to begin first."""
    request = part.lines.request()
    if request is None:
        return None
    sent_at = clock.now()
    try:
        answer = read_one(request) if isinstance(part.lines, OneByOne) else read.list_page(*request)
    except NotFound as failure:
        # The object under the cursor was deleted, or the parent.
        if part.lines.recover(failure.param):
            return None
        raise
    fresh = part.lines.take(answer.body["data"], bool(answer.body.get("has_more")), lambda s: _holds_more(part, s))
    return Page(answer, fresh, sent_at, part.lines.position)


def read_one(request: Request) -> Answer:
    """A single object as if it were a page. Raises StripeFailures."""
    answer = read.one(*request, patient=True)
    return replace(answer, body={"data": [answer.body]}, text=f'{{"data": [{answer.text}]}}')


def store(kind: Kind, inside: str, page: Page) -> int:
    """Store a page and what its objects embed; how many rows are new or different. Raises StripeFailures."""
    answer, items = page.answer, page.answer.body["data"]
    objects = [found for item in items for found in objects_in(item, inside)] if inside else items
    text = json.dumps({"data": objects}) if inside else answer.text
    bounds: dict[str, Any] = {"as_of": answer.as_of, "read_until": answer.read_until, "sent_at": page.sent_at}
    result = apply_page(kind, text, objects, **bounds, touch=False)
    for id in store_page_children(kind, objects, **bounds, touch=False):
        complete_lists(kind, id)
    return result.created + result.changed


def stored(part: Part, page: Page, changed: int, owner: str) -> bool:
    """Write down how far the part is; False where it isn't ours any more."""
    row = part.row
    row.as_of, row.read_until = row.as_of or page.answer.as_of, page.answer.read_until
    return bool(
        _mine(part, owner).update(
            cursor=page.position.cursor,
            chain_to=page.position.chain_to,
            oldest=page.position.oldest,
            ids_at_oldest=sorted(page.position.ids_at_oldest) if page.position.oldest is not None else [],
            pages=F("pages") + 1,
            seen=F("seen") + len(page.fresh),
            changed=F("changed") + changed,
            as_of=row.as_of,
            read_until=row.read_until,
            lease_until=clock.now() + runs.LEASE,
        )
    )


def _mine(part: Part, owner: str) -> QuerySet[SyncPart]:
    """The part's row, unless its lease ended and another process took it over."""
    return SyncPart.objects.filter(pk=part.row.pk, claimed_by=owner, state=SyncPart.State.OPEN)


def failed(part: Part, message: str, owner: str) -> None:
    """Close the part's row for now: resuming reads on after the last page that was stored."""
    _mine(part, owner).update(state=SyncPart.State.FAILED, message=message, claimed_by="", lease_until=None)


def ended(part: Part, owner: str) -> list[SyncPart]:
    """Close the part's row if it is still ours; the rows of the windows that take its rest, if it was cut."""
    row, rest = part.row, list[SyncPart]()
    with transaction.atomic():
        if not _mine(part, owner).select_for_update().exists():
            return []
        if part.cut:
            reached, middle = part.cut
            rest = [_rest(row, middle, reached, owner), _rest(row, row.created_from, middle, owner)]
            # The second that was reached is not over.
            rest[0].oldest, rest[0].ids_at_oldest = reached, sorted(part.lines.position.ids_at_oldest)
            row.created_from = reached
            SyncPart.objects.bulk_create(rest)
        done = {"state": SyncPart.State.DONE, "claimed_by": "", "lease_until": None}
        SyncPart.objects.filter(pk=row.pk).update(created_from=row.created_from, **done)
        if runs.part_proves(part.kind) and row.as_of and row.read_until:
            window = moment(row.created_from), moment(row.created_to)
            confirmations.record(part.kind, *window, row.as_of, row.read_until, begun_at=row.run.started_at)
    return rest


def _rest(row: SyncPart, created_from: int | None, created_to: int, owner: str) -> SyncPart:
    return SyncPart(
        run=row.run,
        path=row.path,
        params=row.params,
        inside=row.inside,
        created_from=created_from,
        created_to=created_to,
        claimed_by=owner,
        lease_until=clock.now() + runs.LEASE,
    )


def _parents(kind: Kind, row: SyncPart, after: str) -> list[str]:
    assert kind.nested is not None
    ids = get_kind(kind.nested.object).model._default_manager.filter(deleted_at=None, pk__gt=after)
    if row.parents_to:
        ids = ids.filter(pk__lte=row.parents_to)
    return list(ids.order_by("pk").values_list("pk", flat=True)[:PARENTS])


def _holds_more(part: Part, second: int | None) -> bool:
    """Whether a first page that is also the last comes as a surprise: a window was cut in two because pages of objects
    were expected, or the mirror holds objects of the window that are older than the last one that Stripe showed."""
    row, kind = part.row, part.kind
    if row.created_to is not None:
        return True
    if row.inside or row.params not in [dict(filters) for filters in kind.passes[:1]] or len(kind.passes) > 1:
        return False
    held = kind.model._default_manager.filter(deleted_at=None)
    if not row.created_filter:
        return second is None and part.lines.position.cursor == "" and held.exists()
    if row.created_from is not None:
        held = held.filter(created__gte=moment(row.created_from))
    if second is not None:
        held = held.filter(created__lt=moment(second))
    return held.exists()
