"""The filter by a related object: typed, not chosen from a list of all. Suggestions come from the other kind's search.

Without scripts the field takes the object's id.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib.admin import FieldListFilter
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, JsonResponse

from stripe_mirror.admin import display
from stripe_mirror.kinds import kind_of_id

MOST_SUGGESTIONS = 10
# Fewer characters find too much to be of use.
SHORTEST = 2


class RelationFilter(FieldListFilter):
    """The rows of one parent, by its id."""

    control = "relation"

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.parameter = field_path
        self.parent: Any = field.related_model
        super().__init__(field, request, params, model, model_admin, field_path)
        self.title = display.plain_words(field.verbose_name).lower()
        given: Any = self.used_parameters.get(field_path)
        self.id = str(given[-1]).strip() if given else ""
        opts = self.parent._meta
        self.may_see = request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}")
        self.suggestions = f"{display.list_url(model)}lists/suggest/{field_path}/" if self.may_see else ""
        self.problems: list[str] = []
        # The rows that are shown, once they are read.
        self.rows: list[Any] = []

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.parameter}_id": self.id}) if self.id else queryset

    @property
    def active(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.id)

    @cached_property
    def words(self) -> str:
        """The parent's name, where it is here and the person may see it; else its id."""
        parent = self._parent() if self.may_see else None
        return display.name_of(parent) if parent else display.without_secrets(self.id)

    def _parent(self) -> Any:
        """As it was read together with the rows, where there are any."""
        if self.rows:
            return getattr(self.rows[0], self.parameter)
        return self.parent.objects.filter(pk=self.id).first()

    @property
    def example(self) -> str:
        """How the ids begin."""
        return f"{self.parent.kind.prefixes[0]}…" if self.parent.kind.prefixes else "id"


@dataclass(frozen=True)
class Suggestion:
    """An object that may be meant."""

    id: str
    name: str
    more: str


def suggestions(request: HttpRequest, model_admin: Any, relation: str) -> JsonResponse:
    """`{"found": [{"id": …, "name": …, "more": …}]}` for `?q=`: a few objects, by the search of their own kind."""
    parent = _parent(model_admin, relation)
    opts = parent._meta
    model_admin.demand_view(request)
    if not request.user.has_perm(f"{opts.app_label}.view_{opts.model_name}"):
        raise PermissionDenied
    term = request.GET.get("q", "").strip().replace("\x00", "")[:255]
    found = [_suggestion(row) for row in _search(request, model_admin, parent, term)] if len(term) >= SHORTEST else []
    return JsonResponse({"found": [vars(one) for one in found]}, headers={"Cache-Control": "no-store"})


def _parent(model_admin: Any, relation: str) -> Any:
    for field in model_admin.model._meta.concrete_fields:
        if field.name == relation and field.is_relation and hasattr(field.related_model, "kind"):
            return field.related_model
    raise Http404


def _search(request: HttpRequest, model_admin: Any, parent: Any, term: str) -> list[Any]:
    asked = model_admin.admin_site.get_model_admin(parent)
    rows: QuerySet[Any] = parent.objects.order_by(*parent._meta.ordering)
    # An id names its object, or, of another kind, what belongs to that: as in the list's own search.
    if kind_of_id(term) is parent.kind and parent.objects.filter(pk=term).exists():
        return list(rows.filter(pk=term))
    found, _ = asked.get_search_results(request, rows, term)
    return list(found[:MOST_SUGGESTIONS])


def _suggestion(row: Any) -> Suggestion:
    more = next((text for name in ("email", "number", "customer_email") if (text := getattr(row, name, None))), "")
    name = display.name_of(row)
    details = [display.without_secrets(str(more)) if more and str(more) != name else "", str(row.pk)]
    return Suggestion(str(row.pk), name, " · ".join(part for part in details if part and part != name))
