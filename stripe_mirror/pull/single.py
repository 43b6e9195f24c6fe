"""One object as Stripe has it now, also of kinds that Stripe shows only below or inside another object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from stripe_mirror.kinds import Embedded, Kind, all_kinds, get_kind
from stripe_mirror.models import SubscriptionItem
from stripe_mirror.pull.listing import objects_in
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import NotFound


@dataclass(frozen=True)
class Place:
    """Where an object was found that doesn't say itself where it stands."""

    embeds: Embedded
    # The object around it, and its place in that one's list, from 0.
    parent: dict[str, Any]
    position: int


@dataclass(frozen=True)
class Seen:
    """What Stripe has under an id; `state` is None where it has nothing."""

    state: dict[str, Any] | None
    # The state held at some instant between these two (Stripe's clock). A 404 says only the latter.
    as_of: datetime | None = None
    read_until: datetime | None = None
    at: Place | None = None


def look(kind: Kind, id: str, *, near: Mapping[str, Any], patient: bool = False) -> Seen | None:
    """Read one object; None where it can't be looked for, because nothing says where it stands.

    `near` is what is known of it, or of an object that names it: its `customer`, `subscription` or `invoice` leads to
    objects that have no address of their own. Raises StripeFailures other than NotFound.
    """
    if kind.retrievable:
        above = _id_in(near, kind.nested.parent_column) if kind.nested else ""
        return None if kind.nested and not above else _retrieved(kind, id, above, patient)
    return _found_inside(kind, id, _further({**_above(kind, id), **near}), patient)


def ways(kind: Kind) -> str:
    """What has to be known of an object that has no address of its own, for staff: "customer or subscription"."""
    names = {outer.model._meta.verbose_name for outer, *_ in _outers(kind)}
    if kind.nested:
        names = {get_kind(kind.nested.object).model._meta.verbose_name}
    *others, last = sorted(str(name) for name in names)
    return f"{', '.join(others)} or {last}" if others else last


def _retrieved(kind: Kind, id: str, above: str, patient: bool) -> Seen:
    try:
        answer = read.retrieve(kind, id, parent=above, patient=patient)
    except NotFound as failure:
        return Seen(None, read_until=failure.answered_at)
    return Seen(answer.body, answer.as_of, answer.read_until)


def _found_inside(kind: Kind, id: str, near: Mapping[str, Any], patient: bool) -> Seen | None:
    """Look into every object that may show it; whether it is gone is known only after all of them."""
    last: Seen | None = None
    for outer, expand, path, embeds in _outers(kind):
        if not (outer_id := _id_in(near, outer.object)):
            continue
        try:
            answer = read.one(outer.path(outer_id), {"expand": expand} if expand else {}, patient=patient)
        except NotFound as failure:
            last = last or Seen(None, read_until=failure.answered_at)
            continue
        last = Seen(None, answer.as_of, answer.read_until)
        for position, found in enumerate(objects_in(answer.body, path)):
            if found.get("id") == id:
                at = Place(embeds, answer.body, position) if embeds and embeds.given else None
                return Seen(found, answer.as_of, answer.read_until, at)
    return last


def _outers(kind: Kind) -> Iterator[tuple[Kind, list[str], str, Embedded | None]]:
    """The kinds that show this one inside: what to expand in one of them, and where it then stands."""
    for through in kind.through:
        expand = [place.removeprefix("data.") for place in through.expand.split()]
        yield get_kind(through.object), expand, through.path, None
    for outer in all_kinds():
        for embeds in outer.embeds:
            if embeds.object == kind.object:
                yield outer, [], embeds.path, embeds


def _above(kind: Kind, id: str) -> dict[str, Any]:
    """The object that carries it, where only our row of it says which."""
    embeds = get_kind(kind.parent).embeds if kind.parent else ()
    columns = [one.parent_column for one in embeds if one.object == kind.object and one.given]
    return kind.model._default_manager.filter(pk=id).values(*columns).first() or {} if columns else {}


def _further(near: Mapping[str, Any]) -> dict[str, Any]:
    """Also what stands around the items that are named: a discount of one item names just that."""
    found = dict(near)
    if "invoiceitem" not in found and (item := _id_in(near, "invoice_item")):
        found["invoiceitem"] = item
    if not _id_in(near, "subscription") and (item := _id_in(near, "subscription_item")):
        around = SubscriptionItem.objects.filter(pk=item).values_list("subscription", flat=True).first()
        found["subscription"] = around or ""
    return found


def _id_in(near: Mapping[str, Any], name: str) -> str:
    found = near.get(name)
    if isinstance(found, dict):
        found = found.get("id")
    return found if isinstance(found, str) else ""
