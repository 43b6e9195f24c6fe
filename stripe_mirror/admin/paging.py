"""Lists that stay fast at a million rows: a count that stops, and pages that read ids before rows."""

from __future__ import annotations

from typing import Any

from django.core.paginator import EmptyPage, Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

LIMIT = 10_000


class CappedCount(int):
    """A count that stopped at the limit and says so."""

    def __str__(self) -> str:
        return f"{LIMIT:,}+" if self > LIMIT else f"{int(self):,}"


class CappedPaginator(Paginator[Any]):
    """Counts at most 10,001 rows; pages beyond the count can still be opened."""

    @cached_property
    def count(self) -> int:
        """At most one more than the limit."""
        rows: Any = self.object_list
        return CappedCount(rows.order_by().values("pk")[: LIMIT + 1].count())

    def validate_number(self, number: Any) -> int:
        """A page's number; where the count was capped nobody knows which page is the last."""
        try:
            return super().validate_number(number)
        except EmptyPage:
            if self.count > LIMIT and int(number) > 0:
                return int(number)
            raise


def rows_of_page(queryset: QuerySet[Any], *, page: int, per_page: int) -> tuple[list[Any], bool]:
    """The rows of a page and whether another follows: ids from an index first, then the rows by id."""
    start = (page - 1) * per_page
    ids = list(queryset.values_list("pk", flat=True)[start : start + per_page + 1])
    shown = ids[:per_page]
    base = queryset.model._default_manager.filter(pk__in=shown)
    base.query.select_related = queryset.query.select_related
    found = {row.pk: row for row in base}
    return [found[pk] for pk in shown if pk in found], len(ids) > per_page
