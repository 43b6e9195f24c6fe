"""The page from which everything about one customer is downloaded: what would be in it, and what not."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from stripe_mirror.admin import display
from stripe_mirror.admin.client_address import client_address
from stripe_mirror.admin.exports.audit import Action, Taken, record
from stripe_mirror.admin.exports.customer_zip import Part, masked, parts_of, write_zip
from stripe_mirror.admin.exports.personal import sees_personal
from stripe_mirror.admin.exports.streaming import HEADERS
from stripe_mirror.models import Customer


def view(request: HttpRequest, object_id: str, model_admin: Any) -> HttpResponseBase:
    """Show what there is; a POST downloads it."""
    if not model_admin.has_export_permission(request):
        raise PermissionDenied(_("You may not export customers."))
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    customer = model_admin.find(request, object_id)
    if customer is None:
        return cast(HttpResponseBase, model_admin.missing(request, object_id))
    parts = parts_of(customer, cast(User, request.user))
    return (
        _download(request, customer, parts)
        if request.method == "POST"
        else _page(request, customer, parts, model_admin)
    )


def _download(request: HttpRequest, customer: Customer, parts: list[Part]) -> FileResponse:
    user = cast(User, request.user)
    given = [part for part in parts if not part.why_not]
    seen = Taken(
        model_name="customer",
        rows=sum(part.count for part in given),
        columns=tuple(part.name for part in given),
        file_format="zip",
        personal=sees_personal(user) and masked(parts),
        ids=(customer.pk,),
    )
    record(Action.CUSTOMER, seen, user=user, ip=client_address(request))
    name = f"{customer.pk}-{timezone.localdate():%Y-%m-%d}.zip"
    file = write_zip(customer, parts, user)
    return FileResponse(file, as_attachment=True, filename=name, content_type="application/zip", headers=HEADERS)


def _page(request: HttpRequest, customer: Customer, parts: list[Part], model_admin: Any) -> HttpResponseBase:
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Everything about %(name)s") % {"name": display.without_secrets(display.name_of(customer))},
        "opts": model_admin.opts,
        "back": display.object_url(customer),
        "name": display.name_of(customer),
        "given": [part for part in parts if not part.why_not],
        "left_out": [part for part in parts if part.why_not],
        "masked": not sees_personal(request.user),
    }
    return TemplateResponse(
        request, "stripe_mirror/exports/customer.html", context, headers={"Cache-Control": "no-store"}
    )
