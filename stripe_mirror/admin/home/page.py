"""What home shows of the figures: the chosen period and currency, the cards, the charts, and how fresh they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from stripe_mirror import background
from stripe_mirror.admin import display
from stripe_mirror.admin.detail import may_view
from stripe_mirror.admin.home.attention import attention
from stripe_mirror.admin.home.cards import Shown, cards
from stripe_mirror.admin.home.drawn import charts
from stripe_mirror.admin.home.period import CHOICES, CUSTOM, Period, period_of
from stripe_mirror.admin.home.stored import Standing, currencies, freshness, standing, stored
from stripe_mirror.figures import days

# Whoever sees none of these has no figures.
KINDS = ("subscription", "charge", "refund", "dispute", "invoice")


@dataclass(frozen=True)
class Choice:
    """One of several to choose from, as a link."""

    label: str | Promise
    url: str
    chosen: bool


def figures(request: HttpRequest) -> dict[str, Any]:
    """The context of home's template."""
    found, looked_at = standing()
    context = {"attention": attention(request, found), "sees_figures": sees_figures(request)}
    if not context["sees_figures"]:
        return context
    fresh = freshness(looked_at, [kind for kind in KINDS if kind != "invoice"])
    period, codes = period_of(request.GET.dict(), today=days.today()), currencies(found)
    currency = _currency(request.GET, codes)
    context |= {
        "fresh": fresh,
        "computing": fresh.computed_at is None,
        "computed": display.when(fresh.computed_at),
        "period": period,
        "periods": _periods(request, period),
        "custom": CUSTOM,
        "kept": {"currency": currency},
        "currencies": [Choice(code.upper(), _query(request, currency=code), code == currency) for code in codes],
        "company_zone": days.zone_name(),
    }
    return context | _shown(request, currency, period, found)


def _shown(request: HttpRequest, currency: str, period: Period, found: Standing) -> dict[str, Any]:
    if not currency:
        return {"cards": [], "charts": []}
    shown = Shown(currency, stored(currency, period), found)
    return {"currency": currency.upper(), "cards": cards(request, shown), "charts": charts(request, shown)}


def sees_figures(request: HttpRequest) -> bool:
    """Whether there is any figure that this person may see."""
    return any(may_view(request.user, kind) for kind in KINDS)


def _currency(params: Mapping[str, str], codes: list[str]) -> str:
    asked = params.get("currency", "").lower()
    return asked if asked in codes else codes[0] if codes else ""


def _periods(request: HttpRequest, period: Period) -> list[Choice]:
    return [Choice(label, _query(request, period=key), key == period.key) for key, label in CHOICES.items()]


def _query(request: HttpRequest, **changed: str) -> str:
    params = {**request.GET.dict(), **changed}
    if "period" in changed:
        params = {key: value for key, value in params.items() if key not in ("from", "to")}
    return "?" + urlencode(params)


def refresh(request: HttpRequest) -> HttpResponse:
    """Ask the worker for fresh figures."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if sees_figures(request):
        background.enqueue("compute_figures", "all")
        messages.info(request, _("The figures are being computed; the page shows them as soon as they are there."))
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(back if safe else reverse("admin:index"))
