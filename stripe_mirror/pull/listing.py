"""Every list of Stripe's that has to be read to see a whole kind: passes, test clocks, lists inside lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind, all_kinds, get_kind
from stripe_mirror.models.fields import JsonForeignKey
from stripe_mirror.pull.embedded import children_in, lists_in
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import NotFound, NotPermitted

TEST_CLOCKS = "/v1/test_helpers/test_clocks"


@dataclass(frozen=True)
class Source:
    """One list: read from the first page to the last with the same parameters, it shows objects of a kind."""

    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    # Whether the list takes a `created` range; it means the listed items, not what stands `inside` them.
    created_filter: bool = True
    # Where the objects stand inside each item; "" where the items are the objects.
    inside: str = ""
    # Which object it lies below, for kinds that are listed one parent at a time.
    parent: str = ""


def sources(kind: Kind) -> Iterator[Source]:
    """The lists that together show every object of a kind; for a nested kind, one for each mirrored parent.

    Raises StripeFailures, because it asks for the test clocks.
    """
    if kind.nested:
        yield from _nested(kind)
    yield from lists(kind)


def lists(kind: Kind) -> Iterator[Source]:
    """As `sources`, without the lists below parents."""
    for through in kind.through:
        outer = get_kind(through.object)
        for source in _passes(outer):
            params = {**source.params, "expand": through.expand.split()}
            yield Source(source.path, params, source.created_filter, inside=through.path)
    if kind.list_path and not kind.parent:
        yield from _passes(kind)


def referring(kind: Kind) -> list[tuple[Kind, str]]:
    """The kinds with a relation to this one, each with the relation's column."""
    return [
        (other, str(field.attname))
        for other in all_kinds()
        for field in other.model._meta.get_fields()
        if isinstance(field, JsonForeignKey) and field.related_model is kind.model
    ]


def missing(kind: Kind, after: str, limit: int) -> list[str]:
    """Ids, in order, that mirrored objects refer to and that are not mirrored."""
    found: set[str] = set()
    for other, column in referring(kind):
        held = kind.model._default_manager.filter(pk=OuterRef(column))
        ids = other.model._default_manager.filter(~Exists(held), **{f"{column}__gt": after})
        found |= set(ids.order_by(column).values_list(column, flat=True).distinct()[:limit])
    return sorted(found)[:limit]


def objects_in(item: dict[str, Any], inside: str) -> list[dict[str, Any]]:
    """The objects at the paths inside an item (the item itself without one); the rest of a cut-off list is paged.

    Raises StripeFailures.
    """
    return [found for path in inside.split() for found in _objects_at(item, path)] if inside else [item]


def _objects_at(item: dict[str, Any], inside: str) -> list[dict[str, Any]]:
    found = children_in(item, inside)
    outer, in_list, inner = inside.rpartition(".data")
    for cut_off in lists_in(item, outer) if in_list else ():
        if cut_off.get("has_more") is True and cut_off.get("url"):
            # From its start: a list inside an object may be ordered otherwise than the list itself.
            answers = read.list_pages(cut_off["url"], {"expand": [f"data{inner}"]} if inner else {})
            listed = [one for answer in answers for one in answer.body["data"]]
            found = [child for one in listed for child in children_in(one, inner[1:])] if inner else listed
    return found


def test_clocks() -> list[str]:
    """The ids of the account's test clocks; none in live mode, or where the key may not read them."""
    if conf.livemode:
        return []
    try:
        return [clock["id"] for answer in read.list_pages(TEST_CLOCKS) for clock in answer.body["data"]]
    except (NotPermitted, NotFound):
        return []


def _passes(kind: Kind) -> Iterator[Source]:
    hidden = _hidden_behind_clocks(kind)
    for filters in kind.passes:
        yield Source(kind.list_path, filters, kind.created_filter)
        for filter in hidden:
            yield Source(kind.list_path, {**filters, **filter}, kind.created_filter)


def _hidden_behind_clocks(kind: Kind) -> list[dict[str, str]]:
    """The filters that show what belongs to test clocks: by clock, or by each customer of one (there are few)."""
    clocks = [{"test_clock": clock} for clock in (test_clocks() if kind.by_test_clock else ())]
    if kind.by_test_clock != "customer":
        return clocks
    pages = (answer for clock in clocks for answer in read.list_pages(get_kind("customer").list_path, clock))
    return [{"customer": customer["id"]} for answer in pages for customer in answer.body["data"]]


def _nested(kind: Kind) -> Iterator[Source]:
    assert kind.nested is not None
    parents = get_kind(kind.nested.object).model._default_manager.filter(deleted_at=None)
    for id in parents.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=2000):
        yield Source(kind.nested.path.format(parent=id), {}, created_filter=False, parent=str(id))
