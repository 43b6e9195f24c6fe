"""Every recorded change, newest first: who changed what."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.base import ReadOnlyAdmin
from stripe_mirror.admin.columns import FactGroup
from stripe_mirror.admin.filters import ObjectTypeFilter
from stripe_mirror.admin.history import entry
from stripe_mirror.admin.inbox import OBJECT
from stripe_mirror.models import Change


def by_whom(row: Any) -> str:
    """The person of the push, else the kind of source."""
    return str(row.push.user_name) if row.push and row.push.user_name else display.words(row.get_source_display())


def changed_fields(row: Any) -> str:
    """The names of the changed fields."""
    names = sorted(row.fields)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    """What changed in the mirror."""

    list_display = (
        columns.moment("happened_at", "When"),
        columns.made("Action", lambda row: row.get_action_display().capitalize()),
        OBJECT,
        columns.made("Kind", lambda row: display.kind_words(row.object_type)),
        columns.made("Fields", changed_fields),
        columns.made("By", by_whom),
    )
    list_select_related = ("push",)
    list_filter = (ObjectTypeFilter,)
    search_exact = ("object_id", "request_id")
    search_help_text = "Id of an object or request"
    facts = (
        FactGroup(
            title="Change",
            facts=(
                OBJECT,
                columns.made("Kind", lambda row: display.kind_words(row.object_type)),
                columns.moment("happened_at", "Happened"),
                columns.moment("recorded_at", "Recorded"),
                columns.number("version"),
            ),
        ),
    )

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {**super().page_context(request, row), "history": [entry(request, row)]}
