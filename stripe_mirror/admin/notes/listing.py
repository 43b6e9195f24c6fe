"""The list of all notes, and a note's page with what it said before."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.columns import FactGroup
from stripe_mirror.admin.detail import Table, table_inside
from stripe_mirror.admin.filters import ObjectTypeFilter
from stripe_mirror.admin.read_only import ReadOnlyAdmin
from stripe_mirror.models import Note

# A search for words reads so many of the newest notes: no index finds words of ours.
SEARCHED = 10_000
EXCERPT = 140
ABOUT = columns.made(gettext_lazy("About"), lambda row: display.link_to_id(row.object_id))


def excerpt(note: Any) -> str:
    """Its beginning; that it was deleted, where it was."""
    if note.deleted_at:
        return _("(deleted)")
    text = " ".join(note.text.split())
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


@admin.register(Note)
class NoteAdmin(ReadOnlyAdmin):
    """What staff wrote down, newest first. Notes are written on the pages of what they are about."""

    list_display = (
        columns.made(gettext_lazy("Note"), excerpt),
        ABOUT,
        columns.made(gettext_lazy("Kind"), lambda row: display.kind_words(row.object_type)),
        columns.text("author_name", gettext_lazy("Author")),
        columns.moment("created_at", gettext_lazy("Written")),
        columns.moment("edited_at", gettext_lazy("Changed")),
    )
    list_filter = (ObjectTypeFilter,)
    search_exact = ("object_id", "customer_id")
    search_help_text = gettext_lazy("Words of a note, or the id of a customer or object")
    facts = (
        FactGroup(
            title=gettext_lazy("Note"),
            facts=(
                columns.made(gettext_lazy("Text"), lambda row: row.text or excerpt(row)),
                ABOUT,
                columns.made(gettext_lazy("Customer"), lambda row: display.link_to_id(row.customer_id)),
                columns.text("author_name", gettext_lazy("Author")),
                columns.moment("created_at", gettext_lazy("Written")),
                columns.moment("edited_at", gettext_lazy("Changed")),
                columns.moment("deleted_at", gettext_lazy("Deleted")),
            ),
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By id, else by words among the newest notes."""
        found, _distinct = super().get_search_results(request, queryset, search_term)
        term = search_term.strip().replace("\x00", "")
        if not term or found.exists():
            return found, False
        newest = Note.objects.order_by("-id").values("pk")[:SEARCHED]
        return queryset.filter(pk__in=newest, text__icontains=term), False

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """With the earlier versions, for who may read them."""
        context = super().page_context(request, row)
        if request.user.has_perm("stripe_mirror.view_noterevision"):
            context["tables"] = [*context["tables"], *_revisions(row)]
        return context


def _revisions(note: Note) -> list[Table]:
    shown = (
        columns.made(gettext_lazy("It said"), lambda row: row.text),
        columns.moment("written_at", gettext_lazy("Written")),
        columns.moment("replaced_at", gettext_lazy("Until")),
    )
    earlier = list(note.revisions.all()[:100])
    return [table_inside(_("Earlier versions"), "revisions", shown, earlier)] if earlier else []
