"""What a list's search box finds: rows by id, by their own text, or by a parent that is found first.

Never by a join: an OR over two tables scans both (see the design, speed).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from stripe_mirror.kinds import Kind, kind_of_id

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
        return queryset.filter(self._by_id(kind, term) if kind else self._by_text(term))

    def _by_id(self, kind: Kind, id: str) -> Q:
        """The object of that id, or the objects that belong to it."""
        condition = Q(pk=id)
        for field in self.kind.model._meta.concrete_fields:
            if field.is_relation and field.related_model is kind.model:
                condition |= Q(**{f"{field.name}_id": id})
        return condition

    def _by_text(self, term: str) -> Q:
        condition = Q(pk=term) | _contains(self.fields, term)
        for relation, fields in self.parents.items():
            if found := self._parents(relation, fields, term):
                condition |= Q(**{f"{relation}__in": found})
        return condition

    def _parents(self, relation: str, fields: tuple[str, ...], term: str) -> list[Any]:
        model: Any = self.kind.model._meta.get_field(relation).related_model
        matching = model.objects.filter(_contains(fields, term)).order_by()
        return list(matching.values_list("pk", flat=True)[:MOST_PARENTS])


def _contains(fields: tuple[str, ...], term: str) -> Q:
    condition = Q()
    for field in fields:
        condition |= Q(**{f"{field}__icontains": term})
    return condition
