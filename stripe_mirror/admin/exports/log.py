"""The log of exports: who took which rows out, when, from where and in which form. It is only ever added to."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.columns import FactGroup
from stripe_mirror.admin.exports.access import rows_words
from stripe_mirror.admin.exports.pages import query_words
from stripe_mirror.admin.filter_values import distinct_values
from stripe_mirror.admin.filters import CreatedFilter, PersonFilter, StateFilter
from stripe_mirror.admin.read_only import ReadOnlyAdmin
from stripe_mirror.language import number_words
from stripe_mirror.models import ExportRecord

# Ids of ticked rows that a page shows.
SHOWN = 100


def personal(row: Any) -> Any:
    """Whether personal data stood in it in the clear."""
    return display.pill(_("In the clear"), "warning") if row.personal else display.pill(_("None or masked"))


def which(row: Any) -> str:
    """Which rows, in words."""
    if row.ids:
        more = f" (+{len(row.ids) - SHOWN})" if len(row.ids) > SHOWN else ""
        return ", ".join(str(id) for id in row.ids[:SHOWN]) + more
    return query_words(row.query) or _("All")


class WhenFilter(CreatedFilter):
    """Taken between two days."""

    title = "when"
    column = "at"


class ActionFilter(StateFilter):
    """How it was taken."""

    title = "how"
    parameter_name = "action"


class RowsFilter(SimpleListFilter):
    """The lists that rows were taken from."""

    title = "rows"
    parameter_name = "model_name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = distinct_values(ExportRecord, ["model_name"])["model_name"]
        return sorted(((name, rows_words(name)) for name in names), key=lambda choice: choice[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(model_name=self.value()) if self.value() else queryset


HOW = columns.made(gettext_lazy("How"), lambda row: row.get_action_display())
BY = columns.made(gettext_lazy("By"), lambda row: row.user_name or row.user)
FROM = columns.made(gettext_lazy("From address"), lambda row: row.ip_address)
WHAT = columns.made(gettext_lazy("What"), lambda row: rows_words(row.model_name))
ROWS = columns.made(gettext_lazy("Rows"), lambda row: number_words(row.rows), numeric=True)
PERSONAL = columns.made(gettext_lazy("Personal data"), personal)
FORMAT = columns.made(gettext_lazy("Format"), lambda row: row.file_format.upper())
WHICH = columns.made(gettext_lazy("Which rows"), which)


@admin.register(ExportRecord)
class ExportRecordAdmin(ReadOnlyAdmin):
    """What was taken out, newest first."""

    list_display = (WHAT, BY, columns.moment("at", gettext_lazy("When")), HOW, ROWS, PERSONAL, FORMAT, WHICH)
    list_select_related = ("user",)
    list_filter = (ActionFilter, RowsFilter, PersonFilter, WhenFilter)
    facts = (
        FactGroup(
            title=gettext_lazy("Who"),
            facts=(BY, FROM, columns.moment("at", gettext_lazy("When")), HOW),
        ),
        FactGroup(
            title=gettext_lazy("What"),
            facts=(
                WHAT,
                WHICH,
                ROWS,
                columns.made(gettext_lazy("Columns"), lambda row: ", ".join(row.columns)),
                FORMAT,
                PERSONAL,
                columns.made(gettext_lazy("Export"), lambda row: display.mono(row.export_id) if row.export_id else ""),
            ),
        ),
    )

    def heading(self, row: Any) -> str:
        return _("%(rows)s taken by %(who)s") % {"rows": rows_words(row.model_name), "who": row.user_name or "—"}
