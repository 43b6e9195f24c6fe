"""The lists' status filter: its choices are the words in which the rows' states are said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.views.main import ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin.display import words
from stripe_mirror.admin.filter_values import distinct_values
from stripe_mirror.admin.page_keys import hint
from stripe_mirror.admin.paging import LIMIT_OF_JOINED
from stripe_mirror.admin.status import KNOWN, STATES
from stripe_mirror.admin.status_base import OTHER, States


class StatusFilter(SimpleListFilter):
    """States in words, and everything that isn't one of those we know.

    Addresses may also name any value of Stripe's: it finds the rows with just that status.
    """

    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        self.states: States = STATES.get(model_admin.model.kind.object, {})
        self.ours = has_states_of_ours(model_admin.model)
        offered = [(state.key, state.label) for state in self.states.values() if state.offered]
        # Without a status of Stripe's there is none that isn't known here.
        return offered if self.ours else [*offered, (OTHER, _("Other"))]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Also the one in the address that isn't offered, so that the page says what is filtered."""
        yield from super().choices(changelist)
        value = self.value()
        if value and all(value != key for key, _label in self.lookup_choices):
            state = self.states.get(value)
            query = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": True, "query_string": query, "display": state.label if state else words(value)}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None or self.problems:
            return queryset
        found = queryset.filter(in_state(queryset.model, value))
        if value in self.states and self.states[value].dear:
            hint(found, limit=LIMIT_OF_JOINED)
        return found

    @property
    def problems(self) -> list[str]:
        """What was ignored: every value may be one of Stripe's, where Stripe has a status."""
        value = self.value()
        if value is None or value in dict(self.lookup_choices) or not self.ours:
            return []
        return [gettext("%(filter)s: the address names none of its choices.") % {"filter": words(self.title)}]

    @property
    def orders_by(self) -> tuple[str, ...]:
        """The order of the chosen state's rows, where it isn't the list's usual one."""
        state = self.states.get(self.value() or "")
        return state.orders_by if state else ()

    @property
    def order_words(self) -> str:
        """What that order is by."""
        state = self.states.get(self.value() or "")
        return str(state.order_words) if state else ""

    @property
    def active(self) -> bool:
        """Whether it leaves anything out."""
        return self.value() is not None


def has_states_of_ours(model: type[Any]) -> bool:
    """Whether states are told from other columns than a status of Stripe's, which the kind lacks."""
    states = STATES.get(model.kind.object, {})
    return bool(states) and not any(state.is_stripes for state in states.values())


def in_state(model: type[Any], key: str) -> Q:
    """The rows in a state, by its key; with one of Stripe's values where it is no state of ours."""
    kind = model.kind.object
    if key == OTHER:
        return _in_none(model, KNOWN.get(kind, {}))
    state = STATES.get(kind, {}).get(key)
    return state.where() if state else Q(status=key)


def _in_none(model: type[Any], known: dict[str, str]) -> Q:
    """The rows with values that we don't know. They are named, because an index can't find "none of these"."""
    found = distinct_values(model, ["status"])["status"]
    unknown = [value for value in found if value not in known]
    return Q(status__isnull=True) | Q(status__in=unknown) if unknown else Q(status__isnull=True)
