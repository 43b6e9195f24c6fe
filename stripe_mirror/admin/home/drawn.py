"""The charts of home, each with its legend and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from stripe_mirror.admin.detail import may_view
from stripe_mirror.admin.home.cards import Shown
from stripe_mirror.admin.home.charts import Chart, Series, bars, line
from stripe_mirror.admin.home.definitions import DEFINITIONS, Definition
from stripe_mirror.admin.home.links import created_within, rows_url
from stripe_mirror.admin.home.period import Bucket
from stripe_mirror.admin.home.stored import NATURES
from stripe_mirror.models import Charge, Refund
from stripe_mirror.money import format_short


@dataclass(frozen=True)
class Legend:
    """A colour with its name, its sum, and the rows behind it."""

    key: str
    label: str | Promise
    value: str
    count: str = ""
    url: str = ""


@dataclass(frozen=True)
class Drawn:
    """A chart on the page."""

    key: str
    title: str | Promise
    definition: Definition
    chart: Chart
    legend: list[Legend]
    headings: list[str | Promise]
    table: list[list[str]]


def charts(request: HttpRequest, shown: Shown) -> list[Drawn]:
    """Those that this person may see."""
    found = []
    if may_view(request.user, "subscription"):
        found += [_level(request, shown), _movements(request, shown)]
    if may_view(request.user, "charge") and may_view(request.user, "refund"):
        found.append(_payments(shown))
    if may_view(request.user, "charge"):
        found.append(_failed(shown))
    return found


def _level(request: HttpRequest, shown: Shown) -> Drawn:
    points = shown.stored.period.points()
    series = Series("mrr", _("MRR"), shown.stored.levels(points))
    drawn = line(series, [point.label for point in points], say=shown.money, tick=_tick(shown))
    legend = [Legend("mrr", series.label, shown.money(shown.stored.mrr), url=rows_url(request, "mrr", shown.currency))]
    return _drawn("mrr", DEFINITIONS["mrr"], drawn, legend, points, [series], shown)


def _movements(request: HttpRequest, shown: Shown) -> Drawn:
    buckets = shown.stored.period.bars()
    series = [
        Series(nature.value, words, [shown.stored.moved(nature, bucket) for bucket in buckets])
        for nature, words in zip(NATURES, nature_words(), strict=True)
    ]
    legend = [
        Legend(
            one.key,
            one.label,
            shown.money(sum(one.values)),
            f"{shown.stored.customers(one.key):,}",
            rows_url(request, "movements", shown.currency, period=shown.stored.period, nature=one.key),
        )
        for one in series
    ]
    drawn = bars(series, [bucket.label for bucket in buckets], say=shown.money, tick=_tick(shown))
    return _drawn("movements", DEFINITIONS["movements"], drawn, legend, buckets, series, shown)


def nature_words() -> list[str]:
    """The natures of movements as people call them, in their order."""
    return [_("New"), _("Reactivation"), _("Expansion"), _("Contraction"), _("Churn")]


def _payments(shown: Shown) -> Drawn:
    buckets, money = shown.stored.period.bars(), shown.stored.money
    paid = Series("paid", _("Paid"), [money("paid", bucket) for bucket in buckets])
    refunded = Series("refunded", _("Given back"), [-money("refunded", bucket) for bucket in buckets])
    where = {"status": "succeeded", "currency": shown.currency}
    urls = [created_within(model, shown.stored.period, **where) for model in (Charge, Refund)]
    counts = [f"{money('paid_count'):,}", f"{money('refunded_count'):,}"]
    legend = [
        Legend(one.key, one.label, shown.money(sum(one.values)), count, url)
        for one, count, url in zip((paid, refunded), counts, urls, strict=True)
    ]
    drawn = bars([paid, refunded], [bucket.label for bucket in buckets], say=shown.money, tick=_tick(shown))
    return _drawn("payments", DEFINITIONS["net"], drawn, legend, buckets, [paid, refunded], shown)


def _failed(shown: Shown) -> Drawn:
    buckets = shown.stored.period.bars()
    series = Series("failed", _("Failed"), [shown.stored.money("failed", bucket) for bucket in buckets])
    url = created_within(Charge, shown.stored.period, status="failed", currency=shown.currency)
    count = f"{shown.stored.money('failed_count'):,}"
    legend = [Legend("failed", series.label, shown.money(sum(series.values)), count, url)]
    drawn = bars([series], [bucket.label for bucket in buckets], say=shown.money, tick=_tick(shown))
    return _drawn("failed", DEFINITIONS["failed"], drawn, legend, buckets, [series], shown)


def _drawn(
    key: str,
    definition: Definition,
    chart: Chart,
    legend: list[Legend],
    buckets: Sequence[Bucket],
    series: Sequence[Series],
    shown: Shown,
) -> Drawn:
    columns = zip(*(one.values for one in series), strict=True)
    table = [
        [bucket.label, *(shown.money(value) for value in column)]
        for bucket, column in zip(buckets, columns, strict=True)
    ]
    headings = [_("Days"), *(one.label for one in series)]
    return Drawn(key, definition.label, definition, chart, legend, headings, table[::-1])


def _tick(shown: Shown) -> partial[str]:
    return partial(format_short, currency=shown.currency)
