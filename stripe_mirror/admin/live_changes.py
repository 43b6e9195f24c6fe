"""What changed since a page was rendered, and which of it concerns the page. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from django.db.models import ForeignKey
from django.db.models.functions import Now

from stripe_mirror.models import Change, StripeObject

# Ids are given out before the commit, so a lower one may become visible after a higher one. What is younger than this
# is read again, which is far longer than a transaction of `pull` lasts.
OVERLAP = timedelta(seconds=15)
# More changes than this at once are answered by "many": the page reads itself without asking which.
MOST = 200
# In such a crowd the cursor stays this far behind, instead of naming what it has seen.
CROWD = 1_000
LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Cursor:
    """How far a page has seen: all changes up to `floor`, and of the later ones those in `seen`."""

    floor: int
    seen: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """From "120" or "120,122,123". Raises ValueError."""
        floor, *seen = (int(part) for part in text.split(","))
        if len(seen) > MOST or not all(0 <= id <= LARGEST_ID for id in (floor, *seen)):
            raise ValueError("not a cursor")
        return cls(floor, frozenset(seen))

    def __str__(self) -> str:
        return ",".join(map(str, (self.floor, *sorted(self.seen))))


@dataclass(frozen=True)
class Seen:
    """What changed since a cursor: (object type, id, changed fields) per change, and the next cursor."""

    cursor: Cursor
    changes: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    many: bool = False

    def ids(self, object_type: str) -> list[str]:
        """Ids of the changed objects of one kind, each once."""
        return list(dict.fromkeys(id for type, id, _ in self.changes if type == object_type))

    def fields(self, object_type: str, object_id: str) -> list[str]:
        """What changed on one object, each field once."""
        own = [fields for type, id, fields in self.changes if (type, id) == (object_type, object_id)]
        return list(dict.fromkeys(name for fields in own for name in fields))


def current_cursor() -> Cursor:
    """Where a page starts that is rendered now. Take it before the page's rows are read."""
    # The database's own clock (see `pull.clock`), without a query for it.
    newest = Change.objects.order_by("-id").annotate(now=Now())
    latest = list(newest.values_list("id", "recorded_at", "now")[: MOST + 1])
    floor = next((id for id, recorded_at, now in latest if recorded_at < now - OVERLAP), None)
    if floor is not None:
        return Cursor(floor, frozenset(id for id, *_ in latest if id > floor))
    if len(latest) <= MOST:
        return Cursor(0, frozenset(id for id, *_ in latest))
    return Cursor(max(0, latest[-1][0] - CROWD))


def changes_since(cursor: Cursor, object_types: Collection[str]) -> Seen:
    """The changes of these kinds that the cursor hasn't seen. One query, by the index on type and id."""
    found = list(
        Change.objects.filter(object_type__in=object_types, id__gt=cursor.floor)
        .order_by()
        .annotate(now=Now())
        .values_list("id", "object_type", "object_id", "fields", "recorded_at", "now")[: MOST + 1]
    )
    if len(found) > MOST:
        return Seen(current_cursor(), many=True)
    floor = max([cursor.floor, *(id for id, *_, recorded_at, now in found if recorded_at < now - OVERLAP)])
    following = Cursor(floor, frozenset(row[0] for row in found if row[0] > floor))
    fresh = sorted(row for row in found if row[0] not in cursor.seen)
    return Seen(following, tuple((type, id, _top_level(fields)) for _, type, id, fields, *_ in fresh))


def _top_level(fields: dict[str, Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.split(".")[0] for name in fields))


class ListFollower:
    """Which rows of a list are concerned by changes: its own, and those that show a changed object of another kind."""

    def __init__(self, model: type[StripeObject], relations: Iterable[str]) -> None:
        self.model = model
        targets = {name: cast(Any, model._meta.get_field(name)).related_model for name in relations}
        self.relations = {name: target.kind.object for name, target in targets.items() if hasattr(target, "kind")}
        self.object_types = {model.kind.object, *self.relations.values()}

    def concerned(self, seen: Seen) -> list[str]:
        """Ids of the rows."""
        found = dict.fromkeys(seen.ids(self.model.kind.object))
        for name, object_type in self.relations.items():
            if ids := seen.ids(object_type):
                found |= dict.fromkeys(
                    self.model.objects.filter(**{f"{name}__in": ids}).values_list("pk", flat=True)[:MOST]
                )
        return list(found)


class ObjectFollower:
    """Whether an object's page is concerned by changes: the object's own, of what it names, of what names it."""

    def __init__(self, model: type[StripeObject], object_id: str) -> None:
        self.model = model
        self.object_id = object_id
        keys: list[Any] = [f for f in model._meta.concrete_fields if isinstance(f, ForeignKey)]
        self.parents = {f.attname: f.related_model.kind.object for f in keys if hasattr(f.related_model, "kind")}
        related: list[Any] = list(model._meta.related_objects)
        self.children = [relation for relation in related if hasattr(relation.related_model, "kind")]
        child_types = [relation.related_model.kind.object for relation in self.children]
        self.object_types = {model.kind.object, *self.parents.values(), *child_types}

    def concerned(self, seen: Seen) -> list[str]:
        """Ids of the changed objects that belong on the page."""
        found = dict.fromkeys(id for id in seen.ids(self.model.kind.object) if id == self.object_id)
        return list(found | dict.fromkeys(self._changed_parents(seen)) | dict.fromkeys(self._changed_children(seen)))

    def _changed_parents(self, seen: Seen) -> list[str]:
        changed = {name: seen.ids(object_type) for name, object_type in self.parents.items()}
        if not any(changed.values()):
            return []
        row = self.model.objects.filter(pk=self.object_id).values(*self.parents).first() or {}
        return [id for name, id in row.items() if id in changed[name]]

    def _changed_children(self, seen: Seen) -> list[str]:
        found: list[str] = []
        for relation in self.children:
            if ids := seen.ids(relation.related_model.kind.object):
                rows = relation.related_model.objects.filter(pk__in=ids, **{relation.field.name: self.object_id})
                found += rows.values_list("pk", flat=True)
        return found
