"""What a list's search box finds: rows by id, by their own text, or by a parent that is found first.

Never by a join: an OR over two tables scans both (see the design, speed). The indexes of the search (`models.search`)
give the ids; the rows are then read by these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.db.models import Model, Q, QuerySet

from stripe_mirror.admin.page_keys import hint
from stripe_mirror.admin.paging import LIMIT
from stripe_mirror.kinds import Kind, kind_of_id
from stripe_mirror.models.search import searched
from stripe_mirror.models.search_find import OneOf, by_beginning, by_part

# A search by a parent's name or email looks at this many parents at most.
MOST_PARENTS = 1_000


@dataclass(frozen=True)
class Sought:
    """Where a kind's search looks: its own columns, and those of its parents by relation."""

    kind: Kind
    fields: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]

    def rows(self, queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """The rows that the text finds; all of them where nothing is typed."""
        term = text.strip().replace("\x00", "")
        if not term:
            return queryset
        kind = kind_of_id(term)
        if kind:
            return queryset.filter(self._by_id(kind, term))
        ids = ids_with(self.kind.model, term, limit=LIMIT + 1) if self.fields else []
        found = queryset.filter(self._by_text(term, ids))
        if len(ids) > LIMIT:
            # Where nothing else narrows the list, the index has counted enough already.
            hint(found, more_than_counted=not queryset.query.where)
        else:
            hint(found, few=True)
        return found

    def _by_id(self, kind: Kind, id: str) -> Q:
        """The object of that id, or the objects that belong to it."""
        condition = Q(pk=id)
        for field in self.kind.model._meta.concrete_fields:
            if field.is_relation and field.related_model is kind.model:
                condition |= Q(**{f"{field.name}_id": id})
        return condition

    def _by_text(self, term: str, ids: Sequence[Any]) -> Q:
        # What so many rows hold is soon met in the order of the list.
        condition = Q(pk=term) | (_contains(self.fields, term) if len(ids) > LIMIT else _one_of("pk", ids))
        for relation in self.parents:
            condition |= self._by_parent(relation, term)
        return condition

    def _by_parent(self, relation: str, term: str) -> Q:
        parent = cast("type[Model]", self.kind.model._meta.get_field(relation).related_model)
        return _one_of(f"{relation}_id", ids_with(parent, term, limit=MOST_PARENTS))


def ids_with(model: type[Model], term: str, *, limit: int) -> list[Any]:
    """Ids of rows whose searched columns hold the term; where parts can't be found, those that begin with it."""
    declared = searched(model)
    if declared is None:
        return []
    found = by_part(declared, [term], limit=limit)
    return by_beginning(declared, term, limit=limit) if found is None else found


def _one_of(column: str, ids: Sequence[str]) -> Q:
    return Q(OneOf(column, ids)) if ids else Q()


def _contains(fields: tuple[str, ...], term: str) -> Q:
    condition = Q()
    for field in fields:
        condition |= Q(**{f"{field}__icontains": term})
    return condition
