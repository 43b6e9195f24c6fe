"""The addresses below a kind's list: columns, views, totals and suggestions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http.response import HttpResponseBase
from django.urls import URLPattern, path

from stripe_mirror.admin.lists import column_form, relations, saving, totals


def list_urls(model_admin: Any) -> list[URLPattern]:
    """Each is for whoever may view the kind; what a view asks for besides, it checks itself."""
    name = f"{model_admin.opts.app_label}_{model_admin.opts.model_name}"

    def wrap(view: Callable[..., HttpResponseBase]) -> Any:
        return model_admin.admin_site.admin_view(partial(view, model_admin=model_admin))

    return [
        path("lists/columns/", wrap(column_form.view), name=f"{name}_columns"),
        path("lists/totals/", wrap(totals.view), name=f"{name}_totals"),
        path("lists/views/", wrap(saving.create), name=f"{name}_views"),
        path("lists/views/first/", wrap(saving.put_first), name=f"{name}_first_view"),
        path("lists/views/<int:view_id>/<slug:what>/", wrap(saving.change), name=f"{name}_view"),
        path("lists/suggest/<slug:relation>/", wrap(relations.suggestions), name=f"{name}_suggest"),
    ]
