"""The page on which Stripe says what a subscription's next invoice will be; asked by POST only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from stripe_mirror.admin import confirming, detail, display
from stripe_mirror.push.upcoming import upcoming_invoice

if TYPE_CHECKING:
    from stripe_mirror.admin.base import StripeObjectAdmin


def view(request: HttpRequest, model_admin: StripeObjectAdmin, object_id: str) -> HttpResponse:
    """Ask Stripe and show the answer; who comes by a link is led to the subscription."""
    row = model_admin.find(request, object_id)
    if row is None:
        return model_admin.missing(request, object_id)
    model_admin.demand_view(request, row)
    if request.method != "POST":
        return HttpResponseRedirect(display.object_url(row))
    told = upcoming_invoice(row)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("The next invoice"),
        "opts": model_admin.model._meta,
        # Drawn as the pages of operations are.
        "operation": {"label": _("The next invoice"), "short_description": ""},
        "told": told,
        "lines": confirming.amounts(told.lines),
        "money": confirming.amounts([told.due] if told.due else []),
        "when": display.when(display.from_unix(told.at), zone=True) if told.at else "",
        "key_facts": detail.show_facts(row, model_admin.key_facts),
        "back": display.object_url(row),
        "back_title": model_admin.heading(row),
    }
    return TemplateResponse(request, "stripe_mirror/upcoming.html", context)
