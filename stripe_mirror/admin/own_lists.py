"""Lists of rows that are edited here, such as users, in the look of all others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin

from stripe_mirror.admin import display
from stripe_mirror.admin.changelist import FastChangeList
from stripe_mirror.admin.detail import zone_name
from stripe_mirror.admin.paging import CappedPaginator


class OwnListAdmin(ModelAdmin):  # type: ignore[misc]
    """Django's forms under a list like that of a mirrored kind."""

    list_per_page = 25
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_fullwidth = True
    paginator = CappedPaginator
    change_list_template = "stripe_mirror/list.html"
    compressed_fields = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        return FastChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = display.words(self.opts.verbose_name_plural)
        context = {"title": title, "zone": zone_name(), **(extra_context or {})}
        answer: HttpResponse = super().changelist_view(request, context)
        return answer

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Without the rows that only say what belongs to what: a group has a hundred permissions."""
        listed, counts, missing, protected = super().get_deleted_objects(objs, request)
        links = [model._meta for model in apps.get_models(include_auto_created=True) if model._meta.auto_created]
        beginnings = tuple(f"{capfirst(link.verbose_name)}: " for link in links)
        for link in links:
            counts.pop(link.verbose_name_plural, None)
        return list(_without(listed, beginnings)), counts, missing, protected


def _without(listed: Iterable[Any], beginnings: tuple[str, ...]) -> Iterable[Any]:
    """The texts, and the lists of those below each, without these and without what is empty then."""
    for one in listed:
        if isinstance(one, list):
            if below := list(_without(one, beginnings)):
                yield below
        elif not str(one).startswith(beginnings):
            yield one
