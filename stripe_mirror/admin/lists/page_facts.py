"""What a list says about the page it shows: which rows, of how many, and where the others are."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.views.main import PAGE_VAR

from stripe_mirror.admin import display, paging
from stripe_mirror.admin.lists import totals


class PageFacts:
    """Mixed into the change list, which knows the rows."""

    model: Any
    state: Any
    page_num: int
    list_per_page: int
    result_list: list[Any]
    result_count: paging.CappedCount
    page: paging.Page
    # Django's.
    get_query_string: Any

    def address(self, changes: dict[str, Any]) -> str:
        """The list's query with these parameters, or without those that are None, from its first page."""
        return str(self.get_query_string(changes))

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
        return self.address({PAGE_VAR: self.page.previous}) if self.page.previous else ""

    @property
    def next_page(self) -> str:
        """The query of the page after, or ""."""
        return self.address({PAGE_VAR: self.page.next}) if self.page.next else ""

    @property
    def count_words(self) -> str:
        """The count, "10,000+" where it was cut short."""
        return str(self.result_count)

    @property
    def totals_url(self) -> str:
        """Where all rows are counted, and their amounts summed up; "" where that tells nothing new."""
        found = self.state and (self.result_count.is_cut or (self.result_list and totals.summed_fields(self.model)))
        return f"{display.list_url(self.model)}lists/totals/{self.address({})}" if found else ""

    @property
    def is_cut(self) -> bool:
        """Whether nobody knows yet how many rows there are."""
        return bool(self.result_count.is_cut)

    @property
    def sums(self) -> bool:
        """Whether the rows have amounts to sum up."""
        return bool(totals.summed_fields(self.model))
