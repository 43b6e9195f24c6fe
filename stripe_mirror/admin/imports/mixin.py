"""The button "Import CSV" on the lists of kinds that a file can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy
from unfold.decorators import action

from stripe_mirror.push.imports.columns import importable_operations, may_import

if TYPE_CHECKING:
    from stripe_mirror.kinds import Kind

    Base = admin.ModelAdmin[Any]
else:
    Base = object


class ImportAdminMixin(Base):
    """Adds it for whoever may do one of the kind's importable operations to many objects."""

    kind: Kind
    actions_list: Any

    def __init__(self, model: type[Any], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        if importable_operations(self.kind.object):
            self.actions_list = [*self.actions_list, "import_rows"]

    def has_import_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Whether the button is there."""
        offered = importable_operations(self.kind.object)
        return any(may_import(request.user, operation) for operation in offered)

    @action(  # type: ignore[untyped-decorator]
        description=gettext_lazy("Import CSV"), url_path="import", permissions=["import"], icon="upload"
    )
    def import_rows(self, request: HttpRequest) -> HttpResponseRedirect:
        """Leads to the page where a file is brought."""
        return HttpResponseRedirect(reverse("import-new", args=(self.kind.object,)))
