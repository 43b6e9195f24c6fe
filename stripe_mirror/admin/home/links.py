"""Addresses behind the figures: the lists of a kind where they have the filter, else home's own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.urls import reverse

from stripe_mirror.admin import display
from stripe_mirror.admin.detail import may_view
from stripe_mirror.admin.home.period import Period

# Home's own lists, and the kinds of rows that each tells of.
NEEDS = {
    "mrr": ("subscription", "customer"),
    "movements": ("subscription", "customer"),
    "uncomputed": ("subscription", "customer"),
    "past_due": ("invoice",),
    "stuck": ("invoice",),
    "disputes_due": ("dispute",),
}


def may_open(user: User | AnonymousUser, name: str) -> bool:
    """Whether this person may see the rows of one of home's lists."""
    return all(may_view(user, kind) for kind in NEEDS[name])


def rows_url(
    request: HttpRequest, name: str, currency: str = "", *, period: Period | None = None, nature: str = ""
) -> str:
    """One of home's own lists, or "" for who may not see its rows."""
    if not may_open(request.user, name):
        return ""
    span = {"from": period.first.isoformat(), "to": period.last.isoformat()} if period else {}
    params = {"currency": currency, "nature": nature, **span}
    query = urlencode({key: value for key, value in params.items() if value})
    return reverse("home:rows", args=[name]) + (f"?{query}" if query else "")


def created_within(model: Any, period: Period, **params: str) -> str:
    """A kind's list, of what was made in the period."""
    span = {"created_from": period.first.isoformat(), "created_to": period.last.isoformat()}
    return display.list_url(model, {**params, **span})
