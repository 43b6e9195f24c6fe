"""List filters whose choices cost nothing: Stripe's known values, or one walk over an index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import FieldListFilter, ListFilter, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from stripe_mirror.admin.display import kind_words, words
from stripe_mirror.admin.filter_values import distinct_values
from stripe_mirror.admin.status import KNOWN
from stripe_mirror.kinds import all_event_types, all_kinds

OTHER = "other"


def last_of(values: Any) -> str:
    """A parameter's last value, or ""; Django keeps them as lists."""
    return str(values[-1]) if values else ""


class StatusFilter(SimpleListFilter):
    """Stripe's statuses, and everything that isn't one of those we know."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [*((value, words(value)) for value in self._known(model_admin)), (OTHER, "Other")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        if value == OTHER:
            known: Any = KNOWN.get(queryset.model.kind.object, {})
            return queryset.exclude(status__in=list(known))
        return queryset.filter(status=value)

    @staticmethod
    def _known(model_admin: Any) -> list[str]:
        return list(KNOWN.get(model_admin.model.kind.object, {}))


class DeletedFilter(SimpleListFilter):
    """Deleted objects are shown greyed among the others; here they can be left out or shown alone."""

    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", "Not deleted"), ("yes", "Deleted only")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(deleted_at__isnull=value == "no")


class ColumnFilter(FieldListFilter):
    """One chosen value of a derived column; "" for all."""

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.parameter = field_path
        super().__init__(field, request, params, model, model_admin, field_path)
        self.chosen = last_of(self.used_parameters.get(field_path))

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter]


class FlagFilter(ColumnFilter):
    """Yes or no of a derived column."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.chosen not in ("yes", "no"):
            return queryset
        return queryset.filter(**{self.parameter: self.chosen == "yes"})

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value, label in ((None, "All"), ("yes", "Yes"), ("no", "No")):
            yield {
                "selected": (value or "") == self.chosen,
                "query_string": changelist.get_query_string({self.parameter: value}),
                "display": label,
            }


class ValueFilter(ColumnFilter):
    """The values that occur in an indexed column, found by skipping along the index."""

    def __init__(
        self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        self.values = values_of(request, model, model_admin)[field.column]

    def has_output(self) -> bool:
        return len(self.values) > 1 or bool(self.chosen)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.parameter: self.chosen}) if self.chosen else queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value in ("", *self.values):
            yield {
                "selected": value == self.chosen,
                "query_string": changelist.get_query_string({self.parameter: value or None}),
                "display": self.label(value) if value else "All",
            }

    @staticmethod
    def label(value: str) -> str:
        """Codes (usd, DE) in capitals, other values as words."""
        return value.upper() if len(value) <= 3 else words(value)


def values_of(request: HttpRequest, model: Any, model_admin: Any) -> dict[str, list[str]]:
    """The values of all columns that the list's value filters offer: asked for once, by the first of them."""
    held: dict[str, dict[str, list[str]]] = vars(request).setdefault("values_of_columns", {})
    if model._meta.label not in held:
        pairs = [entry for entry in model_admin.get_list_filter(request) if isinstance(entry, tuple)]
        names = [name for name, kind in pairs if issubclass(kind, ValueFilter)]
        columns = [model._meta.get_field(name).column for name in names]
        held[model._meta.label] = distinct_values(model, columns)
    return held[model._meta.label]


class CreatedFilter(ListFilter):
    """Created between two days, both included, in TIME_ZONE."""

    title = "created"
    is_range = True
    column = "created"

    def __init__(self, request: HttpRequest, params: dict[str, list[str]], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in ("created_from", "created_to"):
            if name in params:
                self.used_parameters[name] = last_of(params.pop(name))
        self.first = _day(self.used_parameters.get("created_from"))
        self.last = _day(self.used_parameters.get("created_to"))

    def expected_parameters(self) -> list[str | None]:
        return ["created_from", "created_to"]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.first:
            queryset = queryset.filter(**{f"{self.column}__gte": _midnight(self.first)})
        if self.last:
            queryset = queryset.filter(**{f"{self.column}__lt": _midnight(self.last + timedelta(days=1))})
        return queryset

    @property
    def words(self) -> str:
        """The chosen range, for the filter's button."""
        if self.first and self.last:
            return f"{self.first} to {self.last}"
        return f"from {self.first}" if self.first else f"until {self.last}" if self.last else ""


class PeriodFilter(CreatedFilter):
    """For rows without a time of their own: the first day of what they are billed for."""

    title = "period start"
    column = "period_start"


class PendingFilter(SimpleListFilter):
    """Whether an invoice item waits for the next invoice."""

    title = "invoice"
    parameter_name = "pending"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Pending"), ("no", "On an invoice")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(invoice__isnull=value == "yes")


def _day(text: Any) -> date | None:
    try:
        # The last day of the calendar has no midnight after it.
        return date.fromisoformat(str(text)) if text and str(text) < "9999-12-31" else None
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class StateFilter(SimpleListFilter):
    """One of our own states."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        choices = model_admin.model._meta.get_field(self.parameter_name).choices or []
        return [(value, words(label)) for value, label in choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value else queryset


class SourceFilter(StateFilter):
    """How an event reached us."""

    title = "came by"
    parameter_name = "source"


class EventTypeFilter(SimpleListFilter):
    """The types of events that the mirror asks for."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(type, type) for type in all_event_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(type=self.value()) if self.value() else queryset


class ObjectTypeFilter(SimpleListFilter):
    """The mirrored kinds."""

    title = "kind"
    parameter_name = "object_type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return sorted(((kind.object, kind_words(kind.object)) for kind in all_kinds()), key=lambda choice: choice[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(object_type=self.value()) if self.value() else queryset


def default_filters(model: type[Any]) -> list[Any]:
    """Filters for the columns that begin an index together with `created`: status, flags and short values."""
    found: list[Any] = []
    for index in model._meta.indexes:
        names = list(index.fields)
        if names[1:] != ["created", "id"]:
            continue
        field = model._meta.get_field(names[0])
        if names[0] == "status":
            found.insert(0, StatusFilter)
        elif field.get_internal_type() == "BooleanField":
            found.append((names[0], FlagFilter))
        elif field.get_internal_type() == "TextField":
            found.append((names[0], ValueFilter))
    return found
