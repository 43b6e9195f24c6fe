"""Compares a kind with Stripe, object by object, and names each difference. Writes to no mirrored row.

Its parts: `reconcile_walk` says what to read next, `compare` finds suspects, `reconcile_confirm` looks at each again,
`reconcile_why` says why, `reconcile_differences` keeps what was found, `reconcile_repair` ends it, `reconcile_rounds`
remembers how far each kind is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from stripe_mirror.kinds import Embedded, Kind, get_kind
from stripe_mirror.models import Difference, SyncRun
from stripe_mirror.pull import single
from stripe_mirror.pull.compare import Mismatch, compare, equal, held_rows
from stripe_mirror.pull.embedded import children_in, is_complete, is_truncated
from stripe_mirror.pull.fetch import addressed_relations, related_kind
from stripe_mirror.pull.reconcile_confirm import alive, confirm, shown_by
from stripe_mirror.pull.reconcile_differences import OpenDifferences, is_open
from stripe_mirror.pull.reconcile_repair import repair
from stripe_mirror.pull.reconcile_walk import Listed, Position, Spending, State, Walk, unlisted
from stripe_mirror.pull.reconcile_why import Reasons
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.budget import Lane, calls_for
from stripe_mirror.stripe_api.errors import Refused, StripeFailure

Outcome = Difference.Outcome
# With more differences than this the mirror wants a sync, not a list of them.
TOO_MANY = 1000
# Objects that are looked at one by one between two questions for what is on its way.
BATCH = 20
UNLISTED, CHILDREN, NAMED = "unlisted", "children", "named"


class TooMany(Exception):
    """So many differences that naming each helps nobody."""


@dataclass
class Result:
    """What the comparison of a kind found."""

    object_type: str
    # Objects and pages that were compared, and what was asked of Stripe for it.
    compared: int = 0
    pages: int = 0
    requests: int = 0
    differences: list[Difference] = field(default_factory=list)
    # Ids of objects that were changing all the time: they are looked at again in the next round.
    changing: list[str] = field(default_factory=list)
    # Whether the round came to its end.
    whole: bool = False
    # Why it could not be compared; empty where it could. In an outage other kinds can't be, either.
    failure: str = ""
    outage: bool = False

    @property
    def open(self) -> list[Difference]:
        """What was found and not repaired."""
        return [one for one in self.differences if one.outcome == Outcome.OPEN]


@dataclass(kw_only=True)
class Comparison:
    """One kind from a position on, until the round or the spending ends."""

    kind: Kind
    position: Position = field(default_factory=Position)
    spending: Spending = field(default_factory=Spending)
    since: datetime | None = None
    # Whether differences are ended at once, and whether to wait for what is on its way.
    repairs: bool = False
    waits: bool = False
    run: SyncRun | None = None
    # Told after each page.
    progress: Callable[[Result], None] = lambda result: None

    def __post_init__(self) -> None:
        self.walk = Walk(self.kind, self.position, self.spending, since=self.since)
        self.result = Result(self.kind.object)
        self.reasons = Reasons()
        self.known = OpenDifferences(self.kind)
        # What was looked for already because an object names it.
        self.named: set[tuple[str, str]] = set()

    def go(self) -> Result:
        """Compare, in the lane of backfills. Failures of Stripe's are in the result, not raised."""
        try:
            with calls_for(Lane.SYNC):
                self._go()
        except (StripeFailure, TooMany) as failure:
            self.result.failure = str(failure)
            self.result.outage = isinstance(failure, StripeFailure) and not isinstance(failure, Refused)
        self.result.requests = self.spending.spent
        self.result.whole = self.position.done and not self.position.todo and not self.result.failure
        return self.result

    def _go(self) -> None:
        pages = self.walk.pages()
        while self.spending.left:
            if self.position.todo:
                self._one_by_one()
            elif self.position.done:
                return
            else:
                before = replace(self.position)
                listed = next(pages, None)
                if listed is not None:
                    self._page(listed, before)
                if self.walk.has_read_all:
                    # Only what no list has shown is left, which costs nothing to find.
                    next(pages, None)
            self._keep_progress()

    # --- A page -------------------------------------------------------------------------------------------------

    def _page(self, listed: Listed, before: Position) -> None:
        objects = [item for item, _ in listed.objects]
        around = {str(item["id"]): self._around(listed, outer) for item, outer in listed.objects}
        suspects: list[Mismatch] = []
        for name, items in shown_by(self.kind, objects).items():
            text = listed.text if name == self.kind.object else ""
            suspects += self._compared(get_kind(name), items, text=text, around=around)
            self.position.todo += self._referred_to(get_kind(name), [str(item["id"]) for item in items])
        self.position.todo += [[self.kind.object, id, UNLISTED] for id in unlisted(self.walk, listed, before=before)]
        for embeds in self.kind.embeds:
            self.position.todo += self._children_to_look_at(embeds, objects)
        self.result.pages += 1
        self._settle(suspects, listed=listed)

    def _compared(
        self, kind: Kind, items: list[State], *, text: str = "", around: dict[str, State] | None = None
    ) -> list[Mismatch]:
        suspects = compare(kind, items, text=text)
        # What stands inside is compared, too, but counted where it belongs.
        self.result.compared += len(items) if kind == self.kind else 0
        self.known.close_equal(kind, {str(item["id"]) for item in items} - {one.id for one in suspects})
        return [replace(one, around=(around or {}).get(one.id, {})) for one in suspects]

    def _around(self, listed: Listed, outer: str) -> State:
        """The object around, under its kind's name, where the page shows the kind inside or below another one."""
        if not outer:
            return {}
        if self.kind.nested:
            return {self.kind.nested.parent_column: outer}
        names = [one.object for one in self.kind.through if get_kind(one.object).list_path == listed.source.path]
        return dict.fromkeys(names, outer)

    def _referred_to(self, kind: Kind, ids: list[str]) -> list[list[str]]:
        """Objects that ours name and that we lack: no list shows a price that was made for one invoice."""
        relations = addressed_relations(kind.object)
        columns = [name for field in relations for name in (field.attname, f"{field.name}__version")]
        rows = kind.model._default_manager.filter(pk__in=ids).values(*columns) if columns else ()
        found = {
            (related_kind(field).object, str(row[field.attname]))
            for row in rows
            for field in relations
            if row[field.attname] and row[f"{field.name}__version"] is None
        }
        new = found - self.named
        self.named |= new
        return [[name, id, NAMED] for name, id in sorted(new)]

    def _children_to_look_at(self, embeds: Embedded, parents: list[State]) -> list[list[str]]:
        """Children that we hold and a complete list doesn't; and the lists that Stripe cut off."""
        if not embeds.parent_column:
            return []
        cut_off = [[embeds.object, str(item["id"]), CHILDREN] for item in parents if is_truncated(item, embeds)]
        complete = [item for item in parents if is_complete(item, embeds)]
        present = {child["id"] for item in complete for child in children_in(item, embeds.path)}
        return cut_off + self._missing_children(embeds, [item["id"] for item in complete], present)

    def _missing_children(self, embeds: Embedded, parents: list[str], present: set[str]) -> list[list[str]]:
        model = get_kind(embeds.object).model
        held = model._default_manager.filter(**{f"{embeds.parent_column}__in": parents}, deleted_at=None)
        return [[embeds.object, str(id), UNLISTED] for id in held.values_list("pk", flat=True) if id not in present]

    # --- One by one ---------------------------------------------------------------------------------------------

    def _one_by_one(self) -> None:
        """Objects that no list showed, and lists inside objects that Stripe cut off."""
        suspects: list[Mismatch] = []
        while self.position.todo and len(suspects) < BATCH and self.spending.left:
            name, id, what = self.position.todo.pop()
            look = {CHILDREN: self._cut_off, UNLISTED: self._unlisted, NAMED: self._named}[what]
            suspects += look(get_kind(name), id)
        gone = [one for one in suspects if one.state is None]
        self._settle(gone)
        self._settle([one for one in suspects if one.state is not None])

    def _unlisted(self, kind: Kind, id: str) -> list[Mismatch]:
        """A list may hide what exists: archived, of a test clock, made inline. Only a look at itself tells."""
        held = held_rows(kind, [id])[id]
        if held.state is None or held.deleted:
            return []
        self.spending.spent += 1
        seen = single.look(kind, id, near=held.state, patient=True)
        if seen is None:
            self.result.changing.append(id)
            return []
        self.result.compared += kind == self.kind
        if equal(held, seen.state):
            self.known.close_equal(kind, {id})
            return []
        return [Mismatch(kind, id, alive(seen.state), held)]

    def _named(self, kind: Kind, id: str) -> list[Mismatch]:
        held = held_rows(kind, [id])[id]
        if held.state is not None or is_open(kind, id):
            return []
        self.spending.spent += 1
        seen = single.look(kind, id, near={}, patient=True)
        state = alive(seen.state) if seen else None
        return [Mismatch(kind, id, state, held)] if state is not None else []

    def _cut_off(self, kind: Kind, parent: str) -> list[Mismatch]:
        embeds = next(one for one in self.kind.embeds if one.object == kind.object)
        path, params = kind.list_path, {embeds.parent_column: parent}
        if kind.nested:
            path, params = kind.nested.path.format(parent=parent), {}
        suspects: list[Mismatch] = []
        present: set[str] = set()
        for answer in read.list_pages(path, params):
            self.spending.spent += 1
            items = answer.body["data"]
            present |= {item["id"] for item in items}
            suspects += self._compared(kind, items)
        self.position.todo += self._missing_children(embeds, [parent], present)
        return [replace(one, around={embeds.parent_column: parent}) for one in suspects]

    # --- Differences --------------------------------------------------------------------------------------------

    def _settle(self, suspects: list[Mismatch], *, listed: Listed | None = None) -> None:
        if not suspects:
            return
        verdict = confirm(suspects, spending=self.spending, listed=listed, kind=self.kind, waits=self.waits)
        self.result.changing += [one.id for one in verdict.changing]
        for one in verdict.standing:
            self._report(one)
        stands = {one.key for one in (*verdict.standing, *verdict.changing)}
        for one in suspects:
            if one.key not in stands:
                self.known.close_equal(one.kind, {one.id})

    def _report(self, one: Mismatch) -> None:
        difference = self.known.note(one, run=self._run(), likely_why=self.reasons.why(one))
        self.result.differences.append(difference)
        if self.repairs:
            repair(difference)
        else:
            self.known.watch(one)
        if len(self.result.differences) >= TOO_MANY:
            raise TooMany(
                f"More than {TOO_MANY:,} differences: run `manage.py stripe_sync {self.kind.object}`, then compare "
                "again."
            )

    def _run(self) -> SyncRun:
        """The run that the differences belong to; a look that finds nothing may leave none."""
        if self.run is None:
            self.run = SyncRun.objects.create(command=SyncRun.Command.RECONCILE, object_type=self.kind.object)
        return self.run

    def _keep_progress(self) -> None:
        self.result.requests = self.spending.spent
        self.progress(self.result)
