"""Every recorded change, newest first: who changed what."""

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.columns import FactGroup
from stripe_mirror.admin.filters import ObjectTypeFilter
from stripe_mirror.admin.history import entry
from stripe_mirror.admin.inbox import OBJECT
from stripe_mirror.admin.read_only import ReadOnlyAdmin
from stripe_mirror.kinds import all_kinds, kind_of_id
from stripe_mirror.models import Change


def by_whom(row: Any) -> str:
    """The person of the push, else the kind of source."""
    return str(row.push.user_name) if row.push and row.push.user_name else display.words(row.get_source_display())


def changed_fields(row: Any) -> str:
    """The names of the changed fields."""
    names = sorted(row.fields)
    first = ", ".join(names[:4])
    if len(names) <= 4:
        return first
    return gettext("%(names)s and %(n)s more") % {"names": first, "n": len(names) - 4}


@admin.register(Change)
class ChangeAdmin(ReadOnlyAdmin):
    """What changed in the mirror."""

    list_display = (
        columns.moment("happened_at", _("When")),
        columns.made(_("Action"), lambda row: row.get_action_display().capitalize()),
        OBJECT,
        columns.made(_("Kind"), lambda row: display.kind_words(row.object_type)),
        columns.made(_("Fields"), changed_fields),
        columns.made(_("By"), by_whom),
    )
    list_select_related = ("push",)
    list_filter = (ObjectTypeFilter,)
    search_exact = ("object_id", "request_id")
    search_help_text = _("Id of an object or request")
    facts = (
        FactGroup(
            title=_("Change"),
            facts=(
                OBJECT,
                columns.made(_("Kind"), lambda row: display.kind_words(row.object_type)),
                columns.moment("happened_at", _("Happened")),
                columns.moment("recorded_at", _("Recorded")),
                columns.number("version"),
            ),
        ),
    )

    def sought(self, term: str) -> Q:
        """By kind and id, as the index has them: the id tells the kind, as far as Stripe's ids do."""
        kind = kind_of_id(term)
        types = [kind.object] if kind else [one.object for one in all_kinds()]
        return Q(object_type__in=types, object_id=term) | Q(request_id=term)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {**super().page_context(request, row), "history": [entry(request, row)]}
