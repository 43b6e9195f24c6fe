"""The figures as cards: a value, what to compare it with, its definition, and the list of its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stripe_mirror.admin import display
from stripe_mirror.admin.detail import may_view
from stripe_mirror.admin.home.definitions import DEFINITIONS, Definition
from stripe_mirror.admin.home.links import created_within, rows_url
from stripe_mirror.admin.home.stored import Standing, Stored
from stripe_mirror.models import Charge, Dispute, Refund, Subscription
from stripe_mirror.money import format_money

# The same amounts stand in a chart, its table and its legend, most of them nothing at all.
said = lru_cache(maxsize=4096)(format_money)


@dataclass(frozen=True)
class Card:
    """One figure."""

    definition: Definition
    value: SafeString | str
    hint: str
    url: str
    # How it developed, in words; `better` colours it.
    change: str = ""
    better: bool | None = None


@dataclass(frozen=True)
class Shown:
    """What the cards are made from."""

    currency: str
    stored: Stored
    standing: Standing

    def money(self, amount: int) -> str:
        """An amount in the chosen currency."""
        return said(amount, self.currency)


def cards(request: HttpRequest, shown: Shown) -> list[Card]:
    """The figures that this person may see."""
    found = [(DEFINITIONS[key], make) for key, make in MAKERS.items()]
    return [
        make(request, definition, shown)
        for definition, make in found
        if all(may_view(request.user, kind) for kind in definition.needs)
    ]


Maker = Callable[[HttpRequest, Definition, Shown], Card]


def _mrr(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    gained = shown.stored.mrr - shown.stored.mrr_before
    change = f"{'+' if gained > 0 else ''}{shown.money(gained)}" if gained else ""
    return Card(
        definition,
        shown.money(shown.stored.mrr),
        _("from %(before)s") % {"before": shown.money(shown.stored.mrr_before)},
        rows_url(request, "mrr", shown.currency),
        change,
        gained > 0 if gained else None,
    )


def _subscribers(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    gained = shown.stored.subscribers - shown.stored.subscribers_before
    return Card(
        definition,
        f"{shown.stored.subscribers:,}",
        _("from %(before)s") % {"before": f"{shown.stored.subscribers_before:,}"},
        rows_url(request, "mrr", shown.currency),
        f"{gained:+,}" if gained else "",
        gained > 0 if gained else None,
    )


def _churn(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    rate, lost = shown.stored.churn_rate, shown.stored.customers("churn")
    whole = shown.stored.subscribers_before + shown.stored.customers("new")
    return Card(
        definition,
        display.EMPTY if rate is None else f"{rate:.1f}%",
        _("%(lost)s of %(whole)s customers") % {"lost": f"{lost:,}", "whole": f"{whole:,}"},
        rows_url(request, "movements", shown.currency, period=shown.stored.period, nature="churn"),
    )


def _arpu(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    now, before = shown.stored.arpu, shown.stored.arpu_before
    return Card(
        definition,
        display.EMPTY if now is None else shown.money(now),
        "" if before is None else _("from %(before)s") % {"before": shown.money(before)},
        rows_url(request, "mrr", shown.currency),
    )


def _status(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    status = definition.key
    everywhere = sum(shown.standing.of(code, f"status_{status}") for code in shown.standing.currencies)
    params = {"status": status, "currency": shown.currency}
    return Card(
        definition,
        f"{shown.standing.of(shown.currency, f'status_{status}'):,}",
        _("now; %(count)s in all currencies") % {"count": f"{everywhere:,}"},
        display.list_url(Subscription, params),
    )


def _net(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    before = shown.stored.money_before
    hint = _("%(paid)s paid, %(refunded)s given back") % {
        "paid": shown.money(shown.stored.money("paid")),
        "refunded": shown.money(shown.stored.money("refunded")),
    }
    url = created_within(Charge, shown.stored.period, status="succeeded", currency=shown.currency)
    change, better = _compared(shown.stored.net, before["paid"] - before["refunded"], more_is_better=True)
    return Card(definition, shown.money(shown.stored.net), hint, url, change, better)


def _failed(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    url = created_within(Charge, shown.stored.period, status="failed", currency=shown.currency)
    return _lost(
        definition, shown, "failed", url, ngettext("%(count)s attempt", "%(count)s attempts", _n(shown, "failed"))
    )


def _refunds(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    url = created_within(Refund, shown.stored.period, status="succeeded", currency=shown.currency)
    words = ngettext("%(count)s refund", "%(count)s refunds", _n(shown, "refunded"))
    return _lost(definition, shown, "refunded", url, words)


def _disputes(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    url = created_within(Dispute, shown.stored.period, currency=shown.currency)
    words = ngettext("%(count)s opened", "%(count)s opened", _n(shown, "disputed"))
    return _lost(definition, shown, "disputed", url, words)


def _n(shown: Shown, name: str) -> int:
    return shown.stored.money(f"{name}_count")


def _lost(definition: Definition, shown: Shown, name: str, url: str, words: str) -> Card:
    amount = shown.stored.money(name)
    change, better = _compared(amount, shown.stored.money_before[name], more_is_better=False)
    return Card(definition, shown.money(amount), words % {"count": f"{_n(shown, name):,}"}, url, change, better)


def _disputes_due(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    count = shown.standing.of(shown.currency, "disputes_due_count")
    hint = ngettext("now, in %(count)s dispute", "now, in %(count)s disputes", count) % {"count": f"{count:,}"}
    amount = shown.money(shown.standing.of(shown.currency, "disputes_due"))
    return Card(definition, amount, hint, rows_url(request, "disputes_due", shown.currency))


def _past_due(request: HttpRequest, definition: Definition, shown: Shown) -> Card:
    count = shown.standing.of(shown.currency, "past_due_count")
    hint = ngettext("now, on %(count)s invoice", "now, on %(count)s invoices", count) % {"count": f"{count:,}"}
    amount = shown.money(shown.standing.of(shown.currency, "past_due"))
    return Card(definition, amount, hint, rows_url(request, "past_due", shown.currency))


def _compared(now: int, before: int, *, more_is_better: bool) -> tuple[str, bool | None]:
    """The change against as many days before, in percent; nothing where there is nothing to compare with."""
    if before <= 0 or now == before:
        return "", None
    percent = 100 * (now - before) / before
    if not 0.5 <= abs(percent) < 1000:
        return "", None
    return f"{percent:+,.0f}%", (now > before) is more_is_better


MAKERS: dict[str, Maker] = {
    "mrr": _mrr,
    "subscribers": _subscribers,
    "arpu": _arpu,
    "churn": _churn,
    "active": _status,
    "trialing": _status,
    "net": _net,
    "failed": _failed,
    "refunds": _refunds,
    "disputes": _disputes,
    "disputes_due": _disputes_due,
    "past_due": _past_due,
}
