"""What a list's search box finds: rows by id, by their own text, or by a parent that is found first.

Never by a join: an OR over two tables scans both (see the design, speed). The indexes of the search (`models.search`)
give the ids; the rows are then read by these. What too many rows hold, or too many parents, is not found by ids but
looked for in each row in the order of the list: a page of them is soon met, and none is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any, cast

from django.db.models import Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import IsNull

from stripe_mirror.admin.page_keys import hint
from stripe_mirror.kinds import Kind, kind_of_id
from stripe_mirror.models.fields import Rare
from stripe_mirror.models.search import searched
from stripe_mirror.models.search_find import OneOf, by_beginning, by_part

# Of a million rows, so many are found one by one as fast as a page of them is met in the order of the list.
MANY = 3_000
# What so many of their parents have is counted.
COUNTED_PARENTS = 1_000


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
            return self._by_id(queryset, kind, term)
        own = ids_with(self.kind.model, term, limit=MANY + 1) if self.fields else []
        parents = {relation: ids_with(self._parent(relation), term, limit=MANY + 1) for relation in self.parents}
        many = {relation for relation, ids in parents.items() if len(ids) > MANY}
        found = queryset.filter(self._by_text(term, own, parents))
        if len(own) > MANY and not queryset.query.where:
            # Where nothing else narrows the list, the index has counted enough already.
            hint(found, at_least=MANY)
        elif many:
            some = [_one_of(f"{relation}_id", parents[relation][:COUNTED_PARENTS]) for relation in sorted(many)]
            hint(found, some=queryset.filter(reduce(or_, some)))
        elif len(own) <= MANY:
            hint(found, few=True)
        return found

    def _by_id(self, queryset: QuerySet[Any], kind: Kind, id: str) -> QuerySet[Any]:
        """The object of that id, or the objects that belong to it: each column by an index of its own."""
        fields = self.kind.model._meta.concrete_fields
        columns = ["pk", *(field.attname for field in fields if field.related_model is kind.model)]
        conditions = [Q(**{column: id}) for column in columns]
        rows = self.kind.model._default_manager.order_by().values_list("pk", flat=True)
        # Where most rows belong to nobody, SQLite takes a column's values for as common as NULL.
        first, *others = (rows.filter(Rare(condition)) for condition in conditions)
        ids = set(first.union(*others, all=True)[: MANY + 1])
        if len(ids) > MANY:
            # What so many belong to is soon met in the order of the list.
            return queryset.filter(reduce(or_, conditions))
        found = queryset.filter(OneOf("pk", sorted(ids)))
        hint(found, few=True)
        return found

    def _by_text(self, term: str, own: Sequence[Any], parents: Mapping[str, Sequence[Any]]) -> Q:
        # What so many rows hold is soon met in the order of the list.
        condition = Q(pk=term) | (_contains(self.fields, term) if len(own) > MANY else _one_of("pk", own))
        for relation, ids in parents.items():
            many = len(ids) > MANY
            condition |= self._parent_holds(relation, term) if many else _one_of(f"{relation}_id", ids)
        return condition

    def _parent_holds(self, relation: str, term: str) -> Q:
        """Looked up for each row that is met: as a join, or as EXISTS, a planner would rather read all parents."""
        parent = self._parent(relation)
        declared = searched(parent)
        columns = declared.columns if declared else self.parents[relation]
        holding = parent._default_manager.filter(_contains(columns, term), pk=OuterRef(f"{relation}_id"))
        return Q(IsNull(Subquery(holding.order_by().values("pk")[:1]), False))

    def _parent(self, relation: str) -> type[Model]:
        return cast("type[Model]", self.kind.model._meta.get_field(relation).related_model)


def ids_with(model: type[Model], term: str, *, limit: int) -> list[Any]:
    """Ids of rows whose searched columns hold the term; where parts can't be found, those that begin with it."""
    declared = searched(model)
    if declared is None:
        return []
    found = by_part(declared, [term], limit=limit)
    return by_beginning(declared, term, limit=limit) if found is None else found


def _one_of(column: str, ids: Sequence[str]) -> Q:
    return Q(OneOf(column, ids)) if ids else Q()


def _contains(fields: Sequence[str], term: str) -> Q:
    condition = Q()
    for field in fields:
        condition |= Q(**{f"{field}__icontains": term})
    return condition
