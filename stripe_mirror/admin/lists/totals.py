"""How many rows a list's filter finds, and what they come to: asked for by a button, within a few seconds, or not said.

Amounts are summed up per currency and never across currencies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from stripe_mirror.admin import display, paging
from stripe_mirror.admin.columns import MONEY_NAMES
from stripe_mirror.admin.lists.deadline import OutOfTime, time_limit
from stripe_mirror.admin.lists.state import list_state

SECONDS = 5.0
# Amounts that stand for something else than money that moved: what one costs, what was left, what is asked at least.
NOT_SUMMED = frozenset({"unit_amount", "ending_balance", "minimum_amount", "amount_off"})


@dataclass(frozen=True)
class Total:
    """The rows of one currency."""

    currency: str
    count: int
    sums: list[SafeString]


def summed_fields(model: Any) -> tuple[str, ...]:
    """The amounts of a kind that may be added up; none for a kind without a currency."""
    fields = [f for f in model._meta.concrete_fields if f.get_internal_type() == "BigIntegerField"]
    named = [f.name for f in fields if hasattr(f, "paths") and set(f.name.split("_")) & set(MONEY_NAMES)]
    has_currency = any(f.name == "currency" for f in model._meta.concrete_fields)
    return tuple(name for name in named if name not in NOT_SUMMED) if has_currency else ()


def totals_of(rows: QuerySet[Any]) -> list[Total]:
    """Count and sums of these rows, per currency. Raises OutOfTime."""
    names = summed_fields(rows.model)
    plain = rows.order_by().select_related(None)
    with time_limit(SECONDS):
        if not names:
            return [Total("", plain.count(), [])]
        asked: dict[str, Any] = {f"sum_{name}": Sum(name) for name in names}
        found = list(plain.values("currency").annotate(number=Count("pk"), **asked).order_by("currency"))
    return [_total(group, names) for group in found]


def _total(group: dict[str, Any], names: Sequence[str]) -> Total:
    currency = group["currency"] or ""
    sums = [group[f"sum_{name}"] for name in names]
    amounts = [display.money(None if amount is None else int(amount), currency) for amount in sums]
    return Total(currency.upper(), group["number"], amounts)


def view(request: HttpRequest, model_admin: Any) -> HttpResponse:
    """The totals of the list that the address describes: a page, of which the list takes over the part that says it."""
    model_admin.demand_view(request)
    opts = model_admin.model._meta
    state = list_state(request, model_admin)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Totals"),
        "list_title": display.words(opts.verbose_name_plural),
        "opts": opts,
        "name": str(opts.verbose_name_plural),
        "back": f"{display.list_url(model_admin.model)}?{request.GET.urlencode()}",
        "labels": [display.words(name) for name in summed_fields(model_admin.model)],
        "filtered": bool(state.query),
        **_found(request, model_admin),
    }
    return TemplateResponse(request, "stripe_mirror/list_totals.html", context, headers={"Cache-Control": "no-store"})


def _found(request: HttpRequest, model_admin: Any) -> dict[str, Any]:
    try:
        totals = totals_of(model_admin.get_changelist_instance(request).queryset)
    except IncorrectLookupParameters:
        return {"unknown": True}
    except OutOfTime:
        return {"too_many": f"{paging.LIMIT:,}"}
    return {"totals": totals, "count": f"{sum(total.count for total in totals):,}"}
