"""The page of one object: its facts, its related tables with what can be done to their rows, and its JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.columns import Column, FactGroup, Related
from stripe_mirror.admin.status_reads import read_along
from stripe_mirror.kinds import get_kind
from stripe_mirror.language import as_written


@dataclass(frozen=True)
class ShownFact:
    """A fact with its value."""

    label: str
    value: SafeString


@dataclass(frozen=True)
class ShownGroup:
    """Facts under a heading."""

    title: str
    facts: list[ShownFact]


@dataclass(frozen=True)
class RowMenu:
    """The operations on a row of a table that its state allows, and what the row is called."""

    id: str
    title: str
    label: str
    buttons: Sequence[Any]


@dataclass(frozen=True)
class Table:
    """A small table on a page; `more` leads to all of its rows."""

    title: str
    key: str
    headings: list[tuple[str, bool]]
    rows: list[list[tuple[SafeString, bool]]]
    count: str = ""
    more: str = ""
    empty: str = ""
    # Not shown while it has no rows.
    absent: bool = False
    # What can be done to each row, in the order of the rows.
    menus: list[RowMenu | None] = field(default_factory=list)

    @property
    def has_menus(self) -> bool:
        """Whether there is anything to be done to any of the rows."""
        return any(self.menus)

    @property
    def lines(self) -> Iterator[tuple[list[tuple[str, SafeString, bool]], RowMenu | None]]:
        """Each row with its menu; a cell is its heading, what it shows, and whether it is a number."""
        labels = [label for label, _ in self.headings]
        rows = ([(label, *cell) for label, cell in zip(labels, row, strict=True)] for row in self.rows)
        return zip_longest(rows, self.menus[: len(self.rows)])


def zone_name() -> str:
    """TIME_ZONE, as pages name it."""
    return str(timezone.get_current_timezone_name())


def show_facts(row: Any, facts: Iterable[Column]) -> list[ShownFact]:
    """Each fact with its value."""
    return [ShownFact(fact.label, fact(row)) for fact in facts]


def show_groups(row: Any, groups: Iterable[FactGroup]) -> list[ShownGroup]:
    """Each group with its facts' values."""
    shown = [ShownGroup(str(group.title), _facts_of(row, group)) for group in groups]
    return [group for group in shown if group.facts]


def _facts_of(row: Any, group: FactGroup) -> list[ShownFact]:
    facts = show_facts(row, group.facts)
    return [fact for fact in facts if fact.value != display.EMPTY] if group.only_set else facts


def may_view(user: User | AnonymousUser, object_type: str) -> bool:
    """Whether this person may see objects of a kind."""
    return user.has_perm(f"stripe_mirror.view_{get_kind(object_type).model_name}")


def related_tables(
    request: HttpRequest,
    row: Any,
    declared: Iterable[Related],
    *,
    loaded: Mapping[str, Sequence[Any]] | None = None,
    menu: Callable[[Any], RowMenu | None] = lambda child: None,
) -> list[Table]:
    """The newest related rows of each declared table that this person may see.

    `loaded`: rows that were read already, newest first, by the table's title as written; one more than is shown says
    that there are more. `menu`: what can be done to a row.
    """
    held = loaded or {}
    tables = [
        _related_table(row, table, held.get(as_written(table.title)), menu)
        for table in declared
        if may_view(request.user, table.object)
    ]
    # A page with nothing but facts shows them in full width.
    return [] if all(table.absent for table in tables) else tables


def _related_table(
    row: Any, declared: Related, loaded: Sequence[Any] | None, menu: Callable[[Any], RowMenu | None]
) -> Table:
    model = get_kind(declared.object).model
    found = list(loaded if loaded is not None else _rows(model, row, declared))
    more = len(found) > declared.shown
    shown = found[: declared.shown]
    read_along(shown)
    return Table(
        title=str(declared.title),
        key=f"related-{as_written(declared.title).lower().replace(' ', '-')}",
        headings=[(c.label, c.numeric) for c in declared.columns],
        rows=[[(c(child), c.numeric) for c in declared.columns] for child in shown],
        count=f"{declared.shown}+" if more else str(len(found)),
        # A list can't be filtered through a relation of a relation (see the design, speed).
        more=display.list_url(model, {declared.lookup: row.pk}) if found and "__" not in declared.lookup else "",
        empty=nothing_of(str(declared.title)),
        absent=declared.if_any and not found,
        menus=[menu(child) for child in shown],
    )


def nothing_of(title: str) -> str:
    """What stands in place of an empty table."""
    return _("No %(things)s.") % {"things": display.in_sentence(title)}


def _rows(model: Any, row: Any, declared: Related) -> Sequence[Any]:
    rows = model.objects.filter(**{declared.lookup: row.pk}).select_related(*declared.select)
    found: Sequence[Any] = rows[: declared.shown + 1]
    return found


def table_inside(
    title: str, key: str, shown: Sequence[Column], entries: Sequence[Any], *, more: str = "", cut: bool = False
) -> Table:
    """A table of what stands inside the object itself; `cut` where Stripe sent only the first of them."""
    return Table(
        title=title,
        key=key,
        headings=[(column.label, column.numeric) for column in shown],
        rows=[[(column(entry), column.numeric) for column in shown] for entry in entries],
        count=f"{len(entries)}+" if cut else str(len(entries)),
        more=more if entries else "",
        empty=nothing_of(title),
    )
