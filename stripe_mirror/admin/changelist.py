"""A list's page: counted to a limit, paged over ids, and shown as rows of cells that the template prints.

What its address asks for and isn't understood is left out and said, where the list is only shown; nothing is done to,
or exported from, a list whose filters aren't all understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.core.exceptions import FieldError, ValidationError
from django.core.paginator import InvalidPage
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from unfold.templatetags.unfold_list import result_headers
from unfold.views import ChangeList

from stripe_mirror.admin import display
from stripe_mirror.admin.filters import values_of
from stripe_mirror.admin.lists.cells import Cell, Header, ListRow, heading, without_links
from stripe_mirror.admin.lists.chips import Chip, Menu, chips, menu, parameters
from stripe_mirror.admin.lists.page_facts import PageFacts
from stripe_mirror.admin.lists.relations import RelationFilter
from stripe_mirror.admin.lists.state import ALL, COLUMN, VIEW, ListState, list_state
from stripe_mirror.admin.paging import CappedCount, Page, page_of

# Filters of these kinds, and the first of the others, stand in the toolbar; the rest behind "More filters".
IN_SIGHT = 5
ACTIONS = "action_checkbox"


def show_leniently(request: HttpRequest) -> None:
    """From here on the request's list is only shown: it may leave out what it doesn't understand."""
    vars(request)["lenient_list"] = True


class FastChangeList(PageFacts, ChangeList):  # type: ignore[misc]
    """A list whose count stops early and whose pages read ids first; its rows link by the id as it is."""

    result_list: list[Any]
    page: Page

    def __init__(self, request: HttpRequest, model: Any, *args: Any, **kwargs: Any) -> None:
        # What was left out of the address, in sentences.
        self.left_out: dict[str, str] = {}
        self.request = request
        # Conditions that belong to no filter, such as one customer's invoices.
        self.remaining: dict[str, Any] = {}
        # Django gives the admin by its place; the columns' relations are needed before it is kept.
        self.state = _state(request, kwargs.get("model_admin") or args[9])
        super().__init__(request, model, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """As Django's, without what isn't a filter and what can't be one."""
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: given for name, given in found.items() if name not in (VIEW, COLUMN) and self._may(name, given)}

    def get_filters(self, request: HttpRequest) -> Any:
        """As Django's; what is no filter is left out."""
        specs, has_filters, remaining, duplicates, active = super().get_filters(request)
        self.remaining = {name: given for name, given in remaining.items() if self._works(name, given)}
        # An order that can't be had changes no row; Django asks for the rows a second time where an action is done.
        unknown = self.left_out.keys() - {ORDER_VAR} or any(_problems(spec) for spec in specs)
        if unknown and not vars(request).get("lenient_list"):
            raise IncorrectLookupParameters
        return specs, has_filters, self.remaining, duplicates, active

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        """With the relations that the chosen columns show."""
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        shown = [*self.state.relations, *(spec.parameter for spec in self._relations_set)] if self.state else []
        return rows.select_related(*shown) if shown else rows

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        """By one field that an index carries; while a range is set whose index isn't the usual one, by that."""
        usual = list(self.model_admin.get_ordering(request) or self._get_default_ordering())
        governed = self.governing.orders_by if self.governing else ()
        order = list(governed) or self._get_deterministic_ordering(usual)
        wanted = self.params.get(ORDER_VAR, "")
        field = wanted.removeprefix("-")
        if not wanted or wanted == order[0]:
            return order
        if field == order[0].removeprefix("-"):
            return [_reversed(name) for name in order]
        if governed or field not in self._orderable:
            self.left_out[ORDER_VAR] = _("This list can't be ordered by “%(name)s” now.") % {"name": field[:40]}
            return order
        return [wanted, "-pk" if wanted.startswith("-") else "pk"]

    def get_results(self, request: HttpRequest) -> None:
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        try:
            self.page = page_of(self.paginator, request.GET.get(PAGE_VAR, ""))
        except InvalidPage:
            raise IncorrectLookupParameters from None
        # A list of one page has counted itself.
        alone = not (self.page.previous or self.page.next)
        self.result_count = CappedCount(len(self.page.rows)) if alone else self.paginator.count
        self.result_list, self.page_num = self.page.rows, self.page.number
        for spec in self._relations_set:
            spec.rows = self.result_list
        self.show_full_result_count = False
        self.full_result_count = self.result_count
        self.show_admin_actions = bool(self.result_list)
        self.can_show_all = False
        self.multi_page = bool(self.page.next or self.page.previous)

    def url_for_result(self, result: Any) -> str:
        return display.object_url(result)

    # --- The table ----------------------------------------------------------------------------------------------

    @property
    def headers(self) -> list[Header]:
        """The columns' headings."""
        return [self._header(column) for column in self.list_display]

    def table(self) -> Iterator[ListRow]:
        """The rows as the template shows them."""
        labels = [header.text for header in self.headers]
        for row in self.result_list:
            cells = [self._cell(row, name, label) for name, label in zip(self.list_display, labels, strict=True)]
            yield ListRow(row, self.url_for_result(row), cells, bool(getattr(row, "deleted_at", None)))

    def _header(self, column: Any) -> Header:
        if column == ACTIONS:
            return Header(next(iter(result_headers(self)))["text"], checkbox=True)
        text: Any = label_for_field(column, self.model, model_admin=self.model_admin)
        field = self._order_field(column)
        ordered = self.queryset.query.order_by[0]
        direction = (
            ""
            if not field or ordered.removeprefix("-") != field
            else "descending"
            if ordered[0] == "-"
            else "ascending"
        )
        url = self.address({ORDER_VAR: field if direction != "ascending" else f"-{field}"}) if field else ""
        return Header(heading(column, text), getattr(column, "numeric", False), url=url, sorted=direction)

    def _cell(self, row: Any, name: Any, label: Any) -> Cell:
        if name == ACTIONS:
            return Cell(self.model_admin.action_checkbox(row), "", name)
        shown = name if callable(name) else getattr(self.model_admin, name, None)
        html = shown(row) if shown else display.plain(getattr(row, name))
        first = name == next(column for column in self.list_display if column != ACTIONS)
        return Cell(
            without_links(html) if first else html,
            label,
            getattr(name, "__name__", name),
            getattr(name, "numeric", False),
            first,
        )

    @cached_property
    def _orderable(self) -> set[str]:
        return {field for column in self.list_display if column != ACTIONS and (field := self._any_order_field(column))}

    def _any_order_field(self, column: Any) -> str:
        offered = self.sortable_by is None or column in self.sortable_by
        return str(self.get_ordering_field(column) or "") if offered else ""

    def _order_field(self, column: Any) -> str:
        """The field by which a column orders the list now."""
        if self.governing:
            governed = self.governing.orders_by[0].removeprefix("-")
            return governed if getattr(column, "__name__", column) == governed else ""
        return self._any_order_field(column)

    # --- The filters --------------------------------------------------------------------------------------------

    @cached_property
    def governing(self) -> Any:
        """The filter that decides the order, if one does."""
        return next((s for s in self.filter_specs if getattr(s, "orders_by", ()) and s.active), None)

    @property
    def governing_words(self) -> str:
        """What that filter is called, or what it says of the order."""
        if not self.governing:
            return ""
        said = getattr(self.governing, "order_words", "")
        return said or display.in_sentence(display.words(self.governing.title))

    @property
    def _relations_set(self) -> list[RelationFilter]:
        return [spec for spec in self.filter_specs if isinstance(spec, RelationFilter) and spec.active]

    @cached_property
    def menus(self) -> list[Menu]:
        """The filters, each with its choices."""
        return [menu(self, spec) for spec in self.filter_specs]

    @property
    def menus_in_sight(self) -> list[Menu]:
        """Those that stand in the toolbar."""
        first = sorted(self.menus, key=_rank)[:IN_SIGHT]
        return [one for one in self.menus if one in first or one.problem]

    @property
    def more_menus(self) -> list[Menu]:
        """Those behind "More filters"."""
        seen = self.menus_in_sight
        return [one for one in self.menus if one not in seen]

    @cached_property
    def chips(self) -> list[Chip]:
        """What is filtered by, in words."""
        return chips(self)

    @property
    def currencies(self) -> list[str]:
        """Those that occur."""
        return values_of(self.request, self.model, self.model_admin).get("currency", [])

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the search's form carries besides."""
        return [(name, value) for name, value in parameters(self) if name != "q"]

    @property
    def clear_url(self) -> str:
        """All rows."""
        return f"?{VIEW}={ALL}" if self.state else "?"

    @property
    def ignored(self) -> list[str]:
        """What the address, or the view, asks for and isn't understood, in sentences."""
        found = [problem for spec in self.filter_specs for problem in _problems(spec)]
        return [*self.left_out.values(), *found, *(self.state.problems if self.state else [])]

    def _may(self, name: str, given: list[str]) -> bool:
        """Whether a parameter may be a filter at all. Stripe's object itself isn't asked: it holds secrets."""
        odd = any("\x00" in text for text in (name, *given))
        allowed = not odd and all(self.model_admin.lookup_allowed(name, text, self.request) for text in given)
        if allowed and name.split("__")[0] != "data":
            return True
        self._leave_out(name)
        return False

    def _works(self, name: str, given: Any) -> bool:
        try:
            for value in given if isinstance(given, list) else [given]:
                self.root_queryset.filter(**{name: value})
        except (FieldError, ValidationError, ValueError, TypeError):
            self._leave_out(name)
            return False
        return True

    def _leave_out(self, name: str) -> None:
        shown = display.without_secrets(name.replace("\x00", ""))[:40]
        self.left_out[name] = _("“%(name)s” in the address is no filter of this list.") % {"name": shown}


def _state(request: HttpRequest, model_admin: Any) -> ListState | None:
    return list_state(request, model_admin) if hasattr(model_admin, "kind") else None


def _problems(spec: Any) -> list[str]:
    return list(getattr(spec, "problems", ()))


def _reversed(name: str) -> str:
    return name.removeprefix("-") if name.startswith("-") else f"-{name}"


def _rank(one: Menu) -> tuple[int, str]:
    """Status first, then when, how much and who."""
    named = {"status": 0, "created": 1}
    control = {"amounts": 2, "relation": 3}.get(getattr(one.spec, "control", ""), 4)
    return named.get(getattr(one.spec, "parameter_name", "") or getattr(one.spec, "parameter", ""), control), ""
