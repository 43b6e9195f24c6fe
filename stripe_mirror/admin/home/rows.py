"""The rows behind a figure where no list of a kind has the filter: paged, by index, for who may see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.core.paginator import InvalidPage
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.columns import Column
from stripe_mirror.admin.home.drawn import nature_words
from stripe_mirror.admin.home.links import may_open
from stripe_mirror.admin.home.period import CUSTOM, period_of
from stripe_mirror.admin.home.stored import NATURES
from stripe_mirror.admin.paging import CappedPaginator, Page, page_of
from stripe_mirror.figures import days, standing
from stripe_mirror.models import Customer, Dispute, Invoice, MrrMovement, Subscription, SubscriptionAmount

PER_PAGE = 50
TONES = {"new": "success", "reactivation": "info", "expansion": "success", "contraction": "warning", "churn": "danger"}


@dataclass(frozen=True)
class Behind:
    """One list: its rows by what the address asks for, and how they are shown."""

    title: str | Promise
    hint: str | Promise
    rows: Callable[[HttpRequest], QuerySet[Any]]
    columns: Sequence[Column]


def _chosen(request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
    currency = request.GET.get("currency", "").replace("\x00", "")
    return rows.filter(currency=currency) if currency else rows


def _amounts(request: HttpRequest) -> QuerySet[Any]:
    return _chosen(request, SubscriptionAmount.objects.filter(amount__gt=0)).order_by("-amount", "-subscription")


def _uncomputed(request: HttpRequest) -> QuerySet[Any]:
    return SubscriptionAmount.objects.filter(problem__gt="").order_by("problem", "subscription")


def _movements(request: HttpRequest) -> QuerySet[Any]:
    rows = _chosen(request, MrrMovement.objects.all())
    if request.GET.get("from") or request.GET.get("to"):
        period = period_of({**request.GET.dict(), "period": CUSTOM}, today=days.today())
        rows = rows.filter(day__range=(period.first, period.last))
    nature = request.GET.get("nature", "")
    return (rows.filter(nature=nature) if nature in NATURES else rows).order_by("-day", "-id")


def _past_due(request: HttpRequest) -> QuerySet[Any]:
    return _chosen(request, Invoice.objects.filter(standing.past_due(timezone.now()))).order_by("-created", "-id")


def _stuck(request: HttpRequest) -> QuerySet[Any]:
    rows = Invoice.objects.filter(standing.stuck(timezone.now()), status__in=("open", "draft"))
    return _chosen(request, rows).order_by("-created", "-id")


def _disputes_due(request: HttpRequest) -> QuerySet[Any]:
    rows = Dispute.objects.filter(status__in=standing.DUE, deleted_at=None)
    return _chosen(request, rows).order_by("due_by", "id")


def _customer(row: Any) -> SafeString:
    return display.row_link(row.found_customer, row.customer)


def _subscription(row: Any) -> SafeString:
    return display.link(row.subscription, display.admin_url(Subscription, "change", row.subscription))


def _nature(row: Any) -> SafeString:
    return display.pill(dict(zip(NATURES, nature_words(), strict=True)).get(row.nature, row.nature), TONES[row.nature])


INVOICE = (
    columns.linked(gettext_lazy("Invoice"), display.name_of),
    columns.relation("customer"),
    columns.STATUS,
    columns.amount("amount_remaining", gettext_lazy("Remaining")),
    columns.day("due_date", gettext_lazy("Due")),
    columns.number("attempt_count", gettext_lazy("Attempts")),
    columns.moment("created"),
)
SUBSCRIPTION = (
    columns.made(gettext_lazy("Subscription"), _subscription),
    columns.made(gettext_lazy("Customer"), _customer),
    columns.made(gettext_lazy("Status"), lambda row: display.words(row.status)),
)
LISTS = {
    "mrr": Behind(
        gettext_lazy("Subscriptions that add to MRR"),
        gettext_lazy("The largest first. MRR is the sum of these amounts."),
        _amounts,
        (*SUBSCRIPTION, columns.amount("amount", gettext_lazy("A month"))),
    ),
    "uncomputed": Behind(
        gettext_lazy("Subscriptions not computable"),
        gettext_lazy("They are in no figure of MRR, or with the last amount that could be computed."),
        _uncomputed,
        (*SUBSCRIPTION, columns.text("problem", gettext_lazy("Why"))),
    ),
    "movements": Behind(
        gettext_lazy("MRR movements"),
        gettext_lazy("One row per customer and day, the newest first."),
        _movements,
        (
            columns.made(gettext_lazy("Day"), lambda row: date_format(row.day)),
            columns.made(gettext_lazy("Customer"), _customer),
            columns.made(gettext_lazy("Movement"), _nature),
            columns.amount("before"),
            columns.amount("after"),
            columns.made(
                gettext_lazy("Change"), lambda row: display.money(row.after - row.before, row.currency), numeric=True
            ),
        ),
    ),
    "past_due": Behind(
        gettext_lazy("Past-due invoices"),
        gettext_lazy("Open invoices beyond their due date, or with a payment that failed."),
        _past_due,
        INVOICE,
    ),
    "stuck": Behind(
        gettext_lazy("Stuck invoices"),
        gettext_lazy("Nothing happens to them by itself: no attempt is planned, or a draft isn't finalized."),
        _stuck,
        INVOICE,
    ),
    "disputes_due": Behind(
        gettext_lazy("Disputes due"),
        gettext_lazy("Stripe waits for evidence; the one that is due first stands first."),
        _disputes_due,
        (
            columns.linked(gettext_lazy("Dispute"), lambda row: display.words(row.reason) or row.pk),
            columns.STATUS,
            columns.amount("amount"),
            columns.moment("due_by", gettext_lazy("Due")),
            columns.moment("created", gettext_lazy("Opened")),
        ),
    ),
}


def rows(request: HttpRequest, name: str) -> HttpResponse:
    """The page of one list."""
    behind = LISTS.get(name)
    if behind is None:
        raise Http404(name)
    if not may_open(request.user, name):
        raise PermissionDenied
    found = behind.rows(request)
    paginator = CappedPaginator(found, PER_PAGE)
    page = _page(paginator, request)
    _with_customers(page.rows)
    context = {
        **admin.site.each_context(request),
        "title": str(behind.title),
        "hint": behind.hint,
        "chips": _chips(request, name),
        "count": paginator.count,
        "headings": [(column.label, column.numeric) for column in behind.columns],
        "rows": [[(column.label, column(row), column.numeric) for column in behind.columns] for row in page.rows],
        "newer": _query(request, page.previous),
        "older": _query(request, page.next),
        "zone": days.zone_name(),
    }
    return TemplateResponse(request, "stripe_mirror/home/rows.html", context)


def _page(paginator: CappedPaginator, request: HttpRequest) -> Page:
    """What the address asks for; the first page where that has no rows."""
    try:
        return page_of(paginator, request.GET.get("p", ""))
    except InvalidPage:
        return page_of(paginator, "")


def _query(request: HttpRequest, page: str) -> str:
    return "?" + urlencode({**request.GET.dict(), "p": page}) if page else ""


def _chips(request: HttpRequest, name: str) -> list[str]:
    """What the address asks for, in words."""
    found = [request.GET["currency"].upper()] if request.GET.get("currency") else []
    if name == "movements":
        natures = dict(zip(NATURES, nature_words(), strict=True))
        found += [natures[nature] for nature in natures if nature == request.GET.get("nature")]
        if request.GET.get("from") or request.GET.get("to"):
            found.append(period_of({**request.GET.dict(), "period": CUSTOM}, today=days.today()).words)
    return found or [_("All")]


def _with_customers(shown: Sequence[Any]) -> None:
    """The customers of home's own rows, in one query; mirrored rows bring theirs."""
    ours: list[Any] = [row for row in shown if isinstance(row, MrrMovement | SubscriptionAmount)]
    found = Customer.objects.in_bulk({row.customer for row in ours})
    for row in ours:
        row.found_customer = found.get(row.customer)
