"""The page of one object: its facts, its related tables, its history and its JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from stripe_mirror.admin import display
from stripe_mirror.admin.columns import Column, FactGroup, Related
from stripe_mirror.kinds import get_kind

SHOWN = 10


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


def zone_name() -> str:
    """TIME_ZONE, as pages name it."""
    return str(timezone.get_current_timezone_name())


def show_facts(row: Any, facts: Iterable[Column]) -> list[ShownFact]:
    """Each fact with its value."""
    return [ShownFact(fact.short_description, fact(row)) for fact in facts]


def show_groups(row: Any, groups: Iterable[FactGroup]) -> list[ShownGroup]:
    """Each group with its facts' values."""
    shown = [ShownGroup(group.title, _facts_of(row, group)) for group in groups]
    return [group for group in shown if group.facts]


def _facts_of(row: Any, group: FactGroup) -> list[ShownFact]:
    facts = show_facts(row, group.facts)
    return [fact for fact in facts if fact.value != display.EMPTY] if group.only_set else facts


def may_view(user: User | AnonymousUser, object_type: str) -> bool:
    """Whether this person may see objects of a kind."""
    return user.has_perm(f"stripe_mirror.view_{get_kind(object_type).model_name}")


def related_tables(request: HttpRequest, row: Any, declared: Iterable[Related]) -> list[Table]:
    """The newest related rows of each declared table that this person may see."""
    tables = [_related_table(row, table) for table in declared if may_view(request.user, table.object)]
    # A page with nothing but facts shows them in full width.
    return [] if all(table.absent for table in tables) else tables


def _related_table(row: Any, declared: Related) -> Table:
    model = get_kind(declared.object).model
    rows = model.objects.filter(**{declared.lookup: row.pk}).select_related(*declared.select)
    found: list[Any] = list(rows[: SHOWN + 1])
    more = len(found) > SHOWN
    return Table(
        title=declared.title,
        key=f"related-{declared.title.lower().replace(' ', '-')}",
        headings=[(c.short_description, c.numeric) for c in declared.columns],
        rows=[[(c(child), c.numeric) for c in declared.columns] for child in found[:SHOWN]],
        count=f"{SHOWN}+" if more else str(len(found)),
        # A list can't be filtered through a relation of a relation (see the design, speed).
        more=display.list_url(model, {declared.lookup: row.pk}) if found and "__" not in declared.lookup else "",
        empty=f"No {declared.title.lower()}.",
        absent=declared.if_any and not found,
    )


def table_inside(
    title: str, key: str, shown: Sequence[Column], entries: Sequence[Any], *, more: str = "", cut: bool = False
) -> Table:
    """A table of what stands inside the object itself; `cut` where Stripe sent only the first of them."""
    return Table(
        title=title,
        key=key,
        headings=[(column.short_description, column.numeric) for column in shown],
        rows=[[(column(entry), column.numeric) for column in shown] for entry in entries],
        count=f"{len(entries)}+" if cut else str(len(entries)),
        more=more if entries else "",
        empty=f"No {title.lower()}.",
    )
