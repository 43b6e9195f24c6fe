"""A list's page: counted to a limit, paged over ids, and shown as rows of cells that the template prints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.paginator import InvalidPage
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.templatetags.unfold_list import result_headers
from unfold.views import ChangeList

from stripe_mirror.admin import display
from stripe_mirror.admin.paging import rows_of_page


@dataclass(frozen=True)
class Cell:
    """One cell of a list: what it shows, and how it is found again when the page follows changes."""

    html: SafeString | str
    label: SafeString | str
    name: str
    numeric: bool = False
    # Of the columns: it carries the link to the row's page.
    first: bool = False


@dataclass(frozen=True)
class ListRow:
    """One row of a list."""

    row: Any
    url: str
    cells: list[Cell]
    deleted: bool


@dataclass(frozen=True)
class Menu:
    """A filter as its drop-down shows it."""

    spec: Any
    choices: list[Any]

    @property
    def chosen(self) -> str:
        """What is chosen, or "" where it is everything."""
        return next((str(c["display"]) for c in self.choices[1:] if c["selected"]), "")


class FastChangeList(ChangeList):  # type: ignore[misc]
    """A list whose count stops early and whose pages read ids first; its rows link by the id as it is."""

    result_list: list[Any]
    has_next: bool

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """As Django's; U+0000, which PostgreSQL refuses, is no value of any filter."""
        found: dict[str, Any] = super().get_filters_params(params)
        if any("\x00" in text for pair in found.items() for text in (pair[0], *pair[1])):
            raise IncorrectLookupParameters
        return found

    def get_results(self, request: HttpRequest) -> None:
        self.paginator = self.model_admin.get_paginator(request, self.queryset, self.list_per_page)
        self.result_count = self.paginator.count
        try:
            page = self.paginator.validate_number(self.page_num)
        except InvalidPage:
            raise IncorrectLookupParameters from None
        self.result_list, self.has_next = rows_of_page(self.queryset, page=page, per_page=self.list_per_page)
        self.show_full_result_count = False
        self.full_result_count = self.result_count
        self.show_admin_actions = bool(self.result_list)
        self.can_show_all = False
        self.multi_page = self.has_next or self.page_num > 1

    def url_for_result(self, result: Any) -> str:
        return display.object_url(result)

    @property
    def headers(self) -> list[dict[str, Any]]:
        """The columns' headings, with what the template needs to align and sort them."""
        found = []
        for column, header in zip(self.list_display, result_headers(self), strict=True):
            numeric = getattr(column, "numeric", False)
            found.append({**header, "numeric": numeric, "checkbox": column == "action_checkbox"})
        return found

    def table(self) -> Iterator[ListRow]:
        """The rows as the template shows them."""
        headers = list(result_headers(self))
        for row in self.result_list:
            cells = [self._cell(row, name, header) for name, header in zip(self.list_display, headers, strict=True)]
            yield ListRow(row, self.url_for_result(row), cells, bool(getattr(row, "deleted_at", None)))

    def _cell(self, row: Any, name: Any, header: dict[str, Any]) -> Cell:
        if name == "action_checkbox":
            return Cell(self.model_admin.action_checkbox(row), "", name)
        shown = name if callable(name) else getattr(self.model_admin, name, None)
        html = shown(row) if shown else display.plain(getattr(row, name))
        first = name == next(column for column in self.list_display if column != "action_checkbox")
        return Cell(html, header["text"], getattr(name, "__name__", name), getattr(name, "numeric", False), first)

    @property
    def first_shown(self) -> int:
        """The number of this page's first row."""
        before: int = (self.page_num - 1) * self.list_per_page
        return before + 1

    @property
    def last_shown(self) -> int:
        """The number of this page's last row."""
        return self.first_shown + len(self.result_list) - 1

    @property
    def previous_page(self) -> str:
        """The query of the page before, or ""."""
        return self.get_query_string({"p": self.page_num - 1}) if self.page_num > 1 else ""

    @property
    def next_page(self) -> str:
        """The query of the page after, or ""."""
        return self.get_query_string({"p": self.page_num + 1}) if self.has_next else ""

    @property
    def chips(self) -> list[dict[str, str]]:
        """Conditions of the address that belong to no filter, such as one customer's invoices."""
        own = {name for spec in self.filter_specs for name in spec.expected_parameters()}
        found = []
        for name, values in self.get_filters_params().items():
            if name not in own:
                label = f"{display.words(name.split('__')[0])}: {', '.join(values)}"
                found.append({"label": label, "remove": self.get_query_string(remove=[name])})
        return found

    @property
    def menus(self) -> list[Menu]:
        """The filters, each with its choices."""
        return [Menu(spec, list(spec.choices(self))) for spec in self.filter_specs]

    @property
    def active_filters(self) -> int:
        """How many filters are set."""
        params = self.get_filters_params()
        return sum(any(name in params for name in spec.expected_parameters()) for spec in self.filter_specs)

    @property
    def count_words(self) -> str:
        """The count, "10,000+" where it was cut short."""
        return str(self.result_count)
