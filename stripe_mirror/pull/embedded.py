"""Objects that come inside another one's payload: subscription items and inline prices.

They are stored out of the *held* row, after its transaction: whoever holds the newest parent has the last word, and
a crash in between is mended by storing them again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import transaction

from stripe_mirror import background
from stripe_mirror.kinds import Embedded, Kind, get_kind
from stripe_mirror.models import StripeObject
from stripe_mirror.pull import rows
from stripe_mirror.pull.changes import Origin
from stripe_mirror.pull.ordering import Bounds
from stripe_mirror.pull.pages import SYNC, apply_page
from stripe_mirror.pull.placing import place, together
from stripe_mirror.pull.rows import Raced
from stripe_mirror.pull.states import same

# A parent that changes under our hands is started over; so often in a row only if something is wrong.
ROUNDS = 5


def store_embedded(kind: Kind, id: str, *, origin: Origin) -> None:
    """Store what the held object of this id embeds; a list that Stripe cut off is completed by the worker.

    With an object that is gone, what only it could show is gone, too.
    """
    if not kind.embeds:
        return
    parent = _parent(kind, id)
    for _ in range(ROUNDS):
        if parent is None:
            return
        for embeds in kind.embeds:
            _store(parent, embeds, origin)
        stored, parent = parent, _parent(kind, id)
        if parent is None or parent.version == stored.version:
            break
    if parent and not parent.deleted_at and any(is_truncated(parent.data, embeds) for embeds in kind.embeds):
        background.enqueue("complete_lists", kind.object, id)


def store_page_children(
    kind: Kind,
    items: list[dict[str, Any]],
    *,
    as_of: datetime,
    read_until: datetime,
    sent_at: datetime,
    touch: bool = True,
) -> list[str]:
    """Store what a page of objects embeds; the ids of those with a list that Stripe cut off."""
    cut_off: list[str] = []
    bounds: dict[str, Any] = {"as_of": as_of, "read_until": read_until, "sent_at": sent_at}
    for embeds in kind.embeds:
        found = [(item, children_in(item, embeds.path)) for item in items]
        children = [child for _, of_item in found for child in of_item]
        with together(embeds):
            apply_page(get_kind(embeds.object), json.dumps({"data": children}), children, **bounds, touch=touch)
            place(embeds, found)
        present = {child["id"] for child in children}
        complete = [item["id"] for item in items if is_complete(item, embeds)]
        for parent in _with_missing(kind, embeds, complete, present) if complete else ():
            # Out of the held parent, which may be newer than the page.
            _store(parent, embeds, SYNC)
        if children:
            bury_orphans(kind, [item["id"] for item in items], embeds, origin=SYNC)
        cut_off += [item["id"] for item in items if is_truncated(item, embeds)]
    return cut_off


def _with_missing(kind: Kind, embeds: Embedded, parents: list[str], present: set[str]) -> list[StripeObject]:
    """Those of the parents that hold children which are in no complete list any more."""
    children = get_kind(embeds.object).model._default_manager.filter(
        **{f"{embeds.parent_column}__in": parents}, deleted_at=None
    )
    gone = children.exclude(pk__in=present).values_list(embeds.parent_column, flat=True)
    return list(kind.model._default_manager.filter(pk__in=list(gone)).only(*rows.OWN_COLUMNS))


def children_in(state: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """The embedded objects at a dotted path, through lists; ids, missing ones and deleted stubs are left out."""
    found = [child for child in _walk(state, path.split(".")) if child.get("id") and child.get("object")]
    return [child for child in found if child.get("deleted") is not True]


def lists_in(state: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """The list objects at a dotted path."""
    return list(_walk(state, path.split(".")))


def is_truncated(state: dict[str, Any], embeds: Embedded) -> bool:
    """Whether Stripe cut the list off."""
    return _list(state, embeds).get("has_more") is True


def is_complete(state: dict[str, Any], embeds: Embedded) -> bool:
    """Whether a child that is missing from the list is gone."""
    return _list(state, embeds).get("has_more") is False


def bury_missing(parent: StripeObject, embeds: Embedded, *, present: set[str], origin: Origin) -> int:
    """Mark children that left the parent's list, which is known to be complete (or gone)."""
    kind = get_kind(embeds.object)
    children = kind.model._default_manager.filter(**{embeds.parent_column: parent.pk}, deleted_at=None)
    gone = [str(id) for id in children.exclude(pk__in=present).values_list("pk", flat=True)]
    return sum(_bury(kind, id, parent, origin) for id in gone)


def bury_orphans(kind: Kind, parents: list[str], embeds: Embedded, *, origin: Origin) -> None:
    """Mark the children of those of the parents that are gone: an answer from before may have brought them."""
    if embeds.parent_column:
        gone = kind.model._default_manager.filter(pk__in=parents).exclude(deleted_at=None)
        for parent in gone.only(*rows.OWN_COLUMNS):
            bury_missing(parent, embeds, present=set(), origin=origin)


def store_children(parent: StripeObject, embeds: Embedded, children: list[dict[str, Any]], origin: Origin) -> None:
    """Store each child that differs from what is held."""
    kind = get_kind(embeds.object)
    rows_of = kind.model._default_manager.filter(pk__in=[child["id"] for child in children])
    held = {row.pk: row for row in rows_of.only("data", "deleted_at")}
    for position, child in enumerate(children):
        row = held.get(child["id"])
        if row is None or row.deleted_at is not None or not same(row.data, child):
            _store_child(embeds, child, parent, position=position, origin=origin)


def _store(parent: StripeObject, embeds: Embedded, origin: Origin) -> None:
    if parent.deleted_at:
        if embeds.parent_column:
            bury_missing(parent, embeds, present=set(), origin=origin)
        return
    children = children_in(parent.data, embeds.path)
    store_children(parent, embeds, children, origin)
    if is_complete(parent.data, embeds):
        bury_missing(parent, embeds, present={child["id"] for child in children}, origin=origin)


def _store_child(
    embeds: Embedded, child: dict[str, Any], parent: StripeObject, *, position: int, origin: Origin
) -> None:
    """One child in its own transaction; a child that belongs to the parent follows it within one second, too."""
    kind, owned = get_kind(embeds.object), bool(embeds.parent_column)
    seen = Bounds(parent.as_of, parent.read_until or parent.as_of)
    for _ in range(ROUNDS):
        with suppress(Raced), transaction.atomic():
            row = rows.locked(kind, child["id"])
            if _outdated(parent) or (row is not None and not _gives_way(row, seen, owned=owned)):
                return
            rows.write(kind, row, child, bounds=_bounds(row, seen), origin=origin)
            place(embeds, [(parent.data, [child])], start=position)
            return


def _bury(kind: Kind, id: str, parent: StripeObject, origin: Origin) -> bool:
    seen = Bounds(parent.as_of, parent.read_until or parent.as_of)
    with transaction.atomic():
        row = rows.locked(kind, id)
        if row is None or row.deleted_at or _outdated(parent) or not _gives_way(row, seen, owned=True):
            return False
        rows.bury(kind, row, id=id, last_state=None, bounds=_bounds(row, seen), origin=origin)
    return True


def _gives_way(row: StripeObject, seen: Bounds, *, owned: bool) -> bool:
    until = seen.read_until or seen.as_of
    return until >= row.as_of if owned else seen.as_of > (row.read_until or row.as_of)


def _bounds(row: StripeObject | None, seen: Bounds) -> Bounds:
    as_of = max(row.as_of, seen.as_of) if row else seen.as_of
    return Bounds(as_of, max(as_of, seen.read_until or as_of))


def _outdated(parent: StripeObject) -> bool:
    """Whether the parent changed since we read it (asked under the child's lock: a newer one's children follow us)."""
    return not type(parent)._default_manager.filter(pk=parent.pk, version=parent.version).exists()


def _parent(kind: Kind, id: str) -> StripeObject | None:
    rows_of = kind.model._default_manager.filter(pk=id)
    parent: StripeObject | None = rows_of.only("data", "as_of", "read_until", "version", "deleted_at").first()
    return parent


def _list(state: dict[str, Any], embeds: Embedded) -> dict[str, Any]:
    return next(_walk(state, embeds.list_path.split(".")), {}) if embeds.list_path else {}


def _walk(value: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item, path)
    elif isinstance(value, dict):
        if not path:
            yield value
        else:
            yield from _walk(value.get(path[0]), path[1:])
