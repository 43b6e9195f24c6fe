"""The page "Find", the lines that the dialog shows as one types, and reading a missing object from Stripe."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from stripe_mirror.admin import detail, display
from stripe_mirror.admin.find.recent import recent
from stripe_mirror.admin.find.results import SHOWN_ON_PAGE, find
from stripe_mirror.kinds import kind_of
from stripe_mirror.pull.on_demand import fetch_on_demand


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The whole page: for those without scripts, and for a link to a search."""
    query = request.GET.get("q", "")
    context = {
        **admin.site.each_context(request),
        "title": _("Find"),
        "query": query,
        "results": find(request.user, query, shown=SHOWN_ON_PAGE),
    }
    return TemplateResponse(request, "stripe_mirror/find.html", context)


@require_GET
def lines(request: HttpRequest) -> HttpResponse:
    """The results alone, for the dialog; while nothing is typed, what was visited last."""
    visited = request.GET.getlist("visited")
    results = recent(request.user, visited) if visited else find(request.user, request.GET.get("q", ""))
    context = {"results": results, "dialog": True, "recent": bool(visited)}
    return TemplateResponse(request, "stripe_mirror/find_results.html", context)


@require_POST
def fetch(request: HttpRequest) -> HttpResponse:
    """Read one object from Stripe, for who may view its kind; then show it, or say why it isn't there."""
    kind, id = kind_of(request.POST.get("kind", "")), request.POST.get("id", "").strip()[:255]
    if kind is None or not id or "\x00" in id:
        raise Http404
    if not detail.may_view(request.user, kind.object):
        raise PermissionDenied
    asked = fetch_on_demand(kind, id)
    messages.add_message(request, messages.SUCCESS if asked.found else messages.ERROR, asked.sentence)
    to = display.admin_url(kind.model, "change", id) if asked.found else f"{reverse('find')}?{urlencode({'q': id})}"
    return HttpResponseRedirect(to)
