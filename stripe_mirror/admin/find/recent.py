"""What a person looked at last: the browser remembers ids, and here they become lines, as of now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.utils.translation import gettext as _

from stripe_mirror.admin import detail, display
from stripe_mirror.admin.find.hits import Found, Hit, Rank, hit
from stripe_mirror.kinds import Kind, all_kinds

# As many as the browser remembers, and the page that is open.
MOST = 9


@dataclass(frozen=True)
class Recent:
    """Like `Results`, for the same template: one group in the order of the visits."""

    hits: list[Hit]

    @property
    def groups(self) -> list[dict[str, Any]]:
        """None where there is nothing to show."""
        return [{"key": "recent", "title": _("Recently visited"), "hits": self.hits}] if self.hits else []

    @property
    def count(self) -> int:
        """How many lines there are."""
        return len(self.hits)


def recent(user: User | AnonymousUser, visited: Iterable[str]) -> Recent:
    """The objects of "customer/cus_…", the newest first: those that are here and that the person may view."""
    kinds = {str(kind.model._meta.model_name): kind for kind in all_kinds() if detail.may_view(user, kind.object)}
    wanted = [(name, id) for name, _slash, id in (one.partition("/") for one in list(visited)[:MOST]) if name in kinds]
    rows: dict[tuple[str, str], Any] = {}
    for name in dict.fromkeys(name for name, _id in wanted):
        ids = [id for of, id in wanted if of == name and "\x00" not in id]
        rows |= {(name, row.pk): row for row in _rows(kinds[name], ids)}
    return Recent([_line(user, rows[key]) for key in dict.fromkeys(wanted) if key in rows])


def _rows(kind: Kind, ids: list[str]) -> Iterable[Any]:
    rows = kind.model._default_manager.filter(pk__in=ids)
    return rows.select_related("customer") if hasattr(kind.model, "customer_id") else rows


def _line(user: User | AnonymousUser, row: Any) -> Hit:
    found = hit(Found(row, Rank.ID), may_see=lambda kind: detail.may_view(user, kind))
    return replace(found, details=[display.words(row._meta.verbose_name), *found.details])
