"""List filters whose choices cost nothing: Stripe's known values, or one walk over an index."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import FieldListFilter, SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from stripe_mirror.admin.display import kind_words, words
from stripe_mirror.admin.filter_values import distinct_values
from stripe_mirror.admin.lists.amounts import amount_filter
from stripe_mirror.admin.lists.dates import DateFilter, date_filter
from stripe_mirror.admin.lists.relations import RelationFilter
from stripe_mirror.admin.status import SAID_BY_STATUS
from stripe_mirror.admin.status_filter import StatusFilter, has_states_of_ours
from stripe_mirror.kinds import all_event_types, all_kinds
from stripe_mirror.models.fields import is_flag
from stripe_mirror.push.submit import display_name


def last_of(values: Any) -> str:
    """A parameter's last value, or ""; Django keeps them as lists."""
    return str(values[-1]) if values else ""


def no_choice(spec: Any) -> str:
    """That a filter's value is none of its choices."""
    return _("%(filter)s: the address names none of its choices.") % {"filter": words(spec.title)}


class DeletedFilter(SimpleListFilter):
    """Deleted objects are shown greyed among the others; here they can be left out or shown alone."""

    title = "deleted"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no", _("Not deleted")), ("yes", _("Deleted only"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(deleted_at__isnull=value == "no") if value in ("no", "yes") else queryset

    @property
    def problems(self) -> list[str]:
        """What was ignored."""
        return [] if self.value() in (None, "no", "yes") else [no_choice(self)]


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

    @property
    def problems(self) -> list[str]:
        """What was ignored."""
        return [] if self.chosen in ("", "yes", "no") else [no_choice(self)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.chosen not in ("yes", "no"):
            return queryset
        return queryset.filter(is_flag(self.parameter, self.chosen == "yes"))

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        for value, label in ((None, _("All")), ("yes", _("Yes")), ("no", _("No"))):
            yield {
                "selected": (value or "") == self.chosen,
                "query_string": changelist.get_query_string({self.parameter: value}),
                "display": label,
            }


class FormerFlagFilter(FlagFilter):
    """A flag that the status filter has words for: only addresses and saved views still name it."""

    def has_output(self) -> bool:
        return bool(self.chosen)


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
                "display": self.label(value) if value else _("All"),
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


class CreatedFilter(DateFilter):
    """Created on some days."""

    title = "created"
    column = "created"
    parameter = "created"


class PeriodFilter(DateFilter):
    """For rows without a time of their own: the first day of what they are billed for."""

    title = "period start"
    column = "period_start"


class PendingFilter(SimpleListFilter):
    """Whether an invoice item waits for the next invoice."""

    title = "invoice"
    parameter_name = "pending"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", _("Pending")), ("no", _("On an invoice"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset if value is None else queryset.filter(invoice__isnull=value == "yes")


class PersonFilter(SimpleListFilter):
    """The people whom the log's rows name as `user`, rather than all who may sign in."""

    title = "person"
    parameter_name = "person"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        people = User.objects.filter(pk__in=distinct_values(model_admin.model, ["user_id"])["user_id"])
        return sorted(((str(user.pk), display_name(user)) for user in people), key=lambda choice: choice[1].lower())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(user=value) if value.isdecimal() and len(value) < 19 else queryset.none()


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
    found: list[Any] = [StatusFilter] if has_states_of_ours(model) else []
    for index in model._meta.indexes:
        names = list(index.fields)
        if names[1:3] != ["created", "id"]:
            continue
        field = model._meta.get_field(names[0])
        if names[0] == "status":
            found.insert(0, StatusFilter)
        elif names[0] in SAID_BY_STATUS.get(model.kind.object, ()):
            found.append((names[0], FormerFlagFilter))
        elif field.get_internal_type() == "BooleanField":
            found.append((names[0], FlagFilter))
        elif field.get_internal_type() == "TextField" and not field.is_relation:
            found.append((names[0], ValueFilter))
    return found


def range_filters(model: type[Any]) -> list[Any]:
    """Filters for the amounts and the dates that an index carries: (currency, amount, …, id) and (date, id)."""
    found: list[Any] = []
    usual = model._meta.ordering[0].lstrip("-")
    for index in model._meta.indexes:
        names = list(index.fields)
        if len(names) == 4 and names[0] == "currency":
            found.insert(0, amount_filter(names))
        elif names[1:] == ["id"] and names[0] != usual and _type(model, names[0]) == "DateTimeField":
            found.append(date_filter(names[0]))
    return found


def relation_filters(model: type[Any]) -> list[Any]:
    """Filters for the relations that begin an index, the customer first."""
    fields = [model._meta.get_field(index.fields[0]) for index in model._meta.indexes if index.fields]
    names = dict.fromkeys(f.name for f in fields if f.is_relation and hasattr(f.related_model, "kind"))
    return [(name, RelationFilter) for name in sorted(names, key=lambda name: name != "customer")]


def _type(model: type[Any], name: str) -> str:
    return str(model._meta.get_field(name).get_internal_type())
