"""What of a kind to read next: a round visits every list that shows it, and can stop and go on after each page.

Lists with a `created` range are read window by window, newest first, each window through all lists of the kind before
the next one: then our rows of the window that no list has shown are known, however large the kind is.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import dropwhile
from typing import Any

from stripe_mirror.kinds import Kind, all_kinds
from stripe_mirror.models.fields import JsonForeignKey
from stripe_mirror.pull.listing import Source, objects_in, sources
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.client import Answer
from stripe_mirror.stripe_api.errors import NotFound, StripeFailure

State = dict[str, Any]

# How many of our rows a window spans: their ids are remembered until a list has shown them. A little under whole pages,
# because the second at a window's end belongs to both neighbours.
WINDOW = 1990


@dataclass
class Spending:
    """How much may be asked of Stripe, and how long; a page that was read is always worked through."""

    requests: int | None = None
    seconds: float | None = None
    spent: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> bool:
        """Whether another page may be read; the first one always, so that every slice gets somewhere."""
        in_time = self.seconds is None or not self.spent or time.monotonic() - self.began < self.seconds
        return in_time and (self.requests is None or self.spent < self.requests)


@dataclass
class Position:
    """Where a round goes on: kept as JSON in `ReconcileState`."""

    # The last parent that was done, for kinds that are listed below each object of another one; then the lists.
    parent: str | None = None
    parents_done: bool = False
    # Which of the lists, after which object of it, and what its objects had for `created` so far.
    source: int = 0
    cursor: str = ""
    # The window, in seconds of `created`, both included; an empty end is open.
    open: bool = False
    newest: int | None = None
    oldest: int | None = None
    # Our rows of the window that no list has shown yet; or, without windows, what was listed in the last second.
    unseen: list[str] = field(default_factory=list)
    # Objects to look at one by one: (kind, id, what for).
    todo: list[list[str]] = field(default_factory=list)
    done: bool = False

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Position:
        """As it was kept; the beginning where that was empty or of another release."""
        known = {name: value[name] for name in cls.__dataclass_fields__ if name in value}
        return cls(**known)

    def as_json(self) -> dict[str, Any]:
        """For `ReconcileState`."""
        return asdict(self)


@dataclass(frozen=True)
class Listed:
    """A page of a list."""

    source: Source
    answer: Answer
    # The parameters with which it was asked for.
    params: dict[str, Any]
    # The objects of the kind in it, each with the id of the listed item around it ("" where it is the item).
    objects: list[tuple[State, str]]

    @property
    def text(self) -> str:
        """The answer as Stripe sent it, where its items are the objects."""
        return "" if self.source.inside else self.answer.text


class Walk:
    """The pages of a round, from a position on; the position moves when a page is given out."""

    def __init__(self, kind: Kind, position: Position, spending: Spending, *, since: datetime | None = None) -> None:
        self.kind = kind
        self.position = position
        self.spending = spending
        self.since = int(since.timestamp()) if since else None
        self.lists: int | None = None

    @property
    def has_read_all(self) -> bool:
        """Whether no list of the round has another page."""
        at_end = self.lists is not None and self.position.source >= self.lists
        return at_end and not self.position.done and (not self.position.open or self._is_last_window())

    def pages(self) -> Iterator[Listed]:
        """Until the round is done. Raises StripeFailures."""
        if self.kind.nested and not self.kind.parent and not self.position.parents_done:
            yield from self._below_parents(self.kind)
        lists = list(sources(replace(self.kind, nested=None)))
        self.lists = len(lists)
        windowed = bool(lists) and all(one.created_filter and not one.inside for one in lists)
        while not self.position.done:
            if windowed and not self.position.open:
                self._open_window()
            while self.position.source < len(lists):
                yield from self._chain(lists[self.position.source], windowed=windowed)
            self._close_window(windowed=windowed)

    def read(self, path: str, params: dict[str, Any]) -> Answer:
        """One page."""
        self.spending.spent += 1
        return read.list_page(path, params)

    def _below_parents(self, kind: Kind) -> Iterator[Listed]:
        done = self.position.parent
        nested: Iterable[Source] = sources(replace(kind, through=(), list_path=""))
        for source in nested if done is None else dropwhile(lambda one: one.parent <= done, nested):
            pages = self._all_pages(source)
            self.position.parent = source.parent
            if pages:
                items = [item for answer in pages for item in answer.body["data"]]
                yield Listed(source, pages[-1], {}, [(item, source.parent) for item in items])
        self.position.parents_done = True

    def _all_pages(self, source: Source) -> list[Answer]:
        """The short list below one parent; none where Stripe lacks the parent, which is a difference of its own."""
        pages: list[Answer] = []
        cursor: dict[str, str] = {}
        while True:
            try:
                pages.append(self.read(source.path, {**source.params, **cursor}))
            except NotFound:
                return []
            items = pages[-1].body["data"]
            if not pages[-1].body.get("has_more") or not items:
                return pages
            cursor = {"starting_after": items[-1]["id"]}

    def _chain(self, source: Source, *, windowed: bool) -> Iterator[Listed]:
        """One list to its end, from the cursor on; the filter stays the same from its first page to its last."""
        params = {**source.params, **self._created(source, windowed=windowed)}
        number = self.position.source
        while self.position.source == number:
            asked = {**params, **({"starting_after": self.position.cursor} if self.position.cursor else {})}
            try:
                answer = self.read(source.path, asked)
            except StripeFailure as failure:
                if failure.param != "starting_after":
                    raise
                # The object that the list was to go on after is gone: once more from the list's beginning.
                self.position.cursor = ""
                continue
            yield self._listed(source, answer, asked)

    def _listed(self, source: Source, answer: Answer, asked: dict[str, Any]) -> Listed:
        items = answer.body["data"]
        if answer.body.get("has_more") and items and not self._is_past(source, items[-1]):
            self.position.cursor = str(items[-1]["id"])
        else:
            self.position.cursor, self.position.source = "", self.position.source + 1
        inside = source.inside
        objects = [(found, item["id"] if inside else "") for item in items for found in objects_in(item, inside)]
        return Listed(source, answer, asked, objects)

    def _is_past(self, source: Source, item: State) -> bool:
        """Whether a list that takes no `created` range has come to objects from before `since`."""
        return self.since is not None and not source.created_filter and int(item.get("created") or 0) < self.since

    def _created(self, source: Source, *, windowed: bool) -> dict[str, Any]:
        if not windowed:
            return {"created": {"gte": self.since}} if self.since and source.created_filter else {}
        ends = {"gte": self.position.oldest, "lte": self.position.newest}
        window = {name: end for name, end in ends.items() if end is not None}
        return {"created": window} if window else {}

    # --- Windows ------------------------------------------------------------------------------------------------

    def _open_window(self) -> None:
        position, rows = self.position, self._rows()
        if position.newest is not None:
            rows = rows.filter(created__lte=_moment(position.newest))
        last = rows.order_by("-created", "-pk").values_list("created", flat=True)[WINDOW - 1 : WINDOW].first()
        oldest = int(last.timestamp()) if last else None
        if self.since is not None:
            oldest = max(oldest, self.since) if oldest is not None else self.since
        if oldest is not None:
            rows = rows.filter(created__gte=_moment(oldest))
        position.oldest, position.open, position.source, position.cursor = oldest, True, 0, ""
        position.unseen = [str(id) for id in rows.values_list("pk", flat=True)]

    def _is_last_window(self) -> bool:
        oldest = self.position.oldest
        return oldest is None or (self.since is not None and oldest <= self.since)

    def _close_window(self, *, windowed: bool) -> None:
        position = self.position
        if windowed:
            position.todo += [[self.kind.object, id, "unlisted"] for id in position.unseen]
        last = self._is_last_window()
        position.unseen, position.open, position.source = [], False, 0
        if not windowed or last:
            position.done = True
        else:
            assert position.oldest is not None
            # The boundary's second is read by both neighbours: two objects of it have no order.
            position.newest = position.oldest if position.newest != position.oldest else position.oldest - 1

    def _rows(self) -> Any:
        return self.kind.model._default_manager.filter(deleted_at=None, created__isnull=False)


def unlisted(walk: Walk, listed: Listed, *, before: Position) -> list[str]:
    """Our rows that this page should have shown and didn't; in a window they are known at its end only."""
    shown = {str(item["id"]) for item, _ in listed.objects}
    position = walk.position
    if position.open or before.open:
        position.unseen = [id for id in position.unseen if id not in shown]
        return []
    if columns := _columns_of_outer(walk.kind, listed.source):
        return _rows_below(walk.kind, columns, listed, shown)
    return _rows_between(walk, listed, shown, before) if before.source == 0 else []


def _columns_of_outer(kind: Kind, source: Source) -> list[str]:
    """Our columns that name the object around, for kinds that are shown inside or below others."""
    if source.parent and kind.nested:
        return [kind.nested.parent_column]
    outers = {outer.model for outer in all_kinds() if outer.list_path == source.path} if source.inside else set()
    fields = [field for field in kind.model._meta.get_fields() if isinstance(field, JsonForeignKey)]
    return [field.name for field in fields if field.related_model in outers]


def _rows_below(kind: Kind, columns: list[str], listed: Listed, shown: set[str]) -> list[str]:
    around = [listed.source.parent] if listed.source.parent else [item["id"] for item in listed.answer.body["data"]]
    rows = kind.model._default_manager.filter(deleted_at=None, **{f"{columns[0]}__in": around})
    return [str(id) for id in rows.values_list("pk", flat=True) if id not in shown]


def _rows_between(walk: Walk, listed: Listed, shown: set[str], before: Position) -> list[str]:
    """Without windows: the rows created between the last object of the page before and the last one of this page."""
    position, items = walk.position, listed.answer.body["data"]
    more = position.source == before.source
    position.oldest = int(items[-1].get("created") or 0) if more and items else None
    rows = walk._rows()
    if position.oldest is not None:
        rows = rows.filter(created__gt=_moment(position.oldest))
    if before.oldest is not None:
        rows = rows.filter(created__lte=_moment(before.oldest))
    # Of the last page's second some stood on that page.
    shown |= set(before.unseen)
    position.unseen = [id for id in shown if position.oldest is not None] if position.oldest == before.oldest else []
    position.unseen += [str(item["id"]) for item in items if item.get("created") == position.oldest]
    return [str(id) for id in rows.values_list("pk", flat=True) if id not in shown]


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
