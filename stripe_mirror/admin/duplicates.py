"""The page of customers that are probably one, side by side, with what can be done about each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, detail, display, operations
from stripe_mirror.admin.columns import Column
from stripe_mirror.models import Customer, duplicates
from stripe_mirror.models.duplicates import Duplicates
from stripe_mirror.push.operation import get_operation, may

WAYS = {
    "email": (gettext_lazy("Same e-mail address"), duplicates.by_email),
    "card": (gettext_lazy("Same card"), duplicates.by_payment_method),
}


def view(request: HttpRequest, site: Any, *, more: Sequence[Column]) -> HttpResponse:
    """GET only: what can be done is done on the pages of operations. `more` columns come from the customers' list."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(("GET", "HEAD"))
    if not detail.may_view(request.user, "customer"):
        raise PermissionDenied
    ways = {key: way for key, way in WAYS.items() if key != "card" or detail.may_view(request.user, "payment_method")}
    chosen = request.GET.get("by", "")
    by = chosen if chosen in ways else next(iter(ways))
    page = ways[by][1](after=request.GET.get("after", ""))
    running = duplicates.running_subscriptions(row for group in page.groups for row in group.customers)
    shown = (
        columns.made(gettext_lazy("Customer"), display.row_link),
        columns.text("email"),
        columns.made(gettext_lazy("Subscriptions"), lambda row: running.get(row.pk, 0), numeric=True),
        *more,
        columns.moment("created", gettext_lazy("Since")),
        columns.made("", lambda row: _deletion(request, row)),
    )
    context = {
        **site.each_context(request),
        "title": _("Possible duplicates"),
        "opts": Customer._meta,
        "ways": [(f"?by={key}", words, key == by) for key, (words, _way) in ways.items()],
        "tables": [_table(number, group, shown) for number, group in enumerate(page.groups)],
        "begun": bool(request.GET.get("after")),
        "first": f"?by={by}",
        "following": f"?{urlencode({'by': by, 'after': page.after})}" if page.after else "",
        "back": display.list_url(Customer),
    }
    return TemplateResponse(request, "stripe_mirror/duplicates.html", context)


def _table(number: int, group: Duplicates, shown: Sequence[Column]) -> detail.Table:
    return detail.table_inside(group.shared, f"duplicates-{number}", shown, group.customers, cut=group.more)


def _deletion(request: HttpRequest, row: Any) -> SafeString | str:
    """Stripe can't merge customers: one that isn't used can be deleted. Its page says what would be lost."""
    delete = get_operation("delete_stripe_customer")
    if not may(request.user, delete) or operations.why_not(delete, row):
        return ""
    return format_html('<a class="sm-link" href="{}">{}</a>', operations.operation_url(row, delete), delete.label)
