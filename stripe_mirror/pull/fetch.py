"""Reads one object from Stripe and applies it; completes lists that Stripe cut off; fetches parents we lack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, cast

from django.db.models import Q
from django.utils import timezone

from stripe_mirror.kinds import Embedded, Kind, get_kind
from stripe_mirror.models import StripeObject
from stripe_mirror.models.fields import JsonForeignKey
from stripe_mirror.pull import claims, clock, embedded, rows, single
from stripe_mirror.pull.account import check_account, require_mirrored_mode
from stripe_mirror.pull.apply import Applied, Origin, Outcome, apply_deleted, apply_page, apply_state
from stripe_mirror.pull.implied import implied_by
from stripe_mirror.pull.pages import SYNC
from stripe_mirror.pull.placing import place, together
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import Refused

# An object that changes while it is read is read again, at most so often: the next event tries anew.
READS = 4


class Overtaken(Exception):
    """The object changed faster than it could be read."""


class Unreachable(Refused):
    """Stripe shows such objects only inside others, and nothing says in which: it could not be looked for."""


def fetch_now(
    kind: Kind,
    id: str,
    *,
    origin: Origin = SYNC,
    patient: bool = True,
    near: Mapping[str, Any] | None = None,
    before_reading: Callable[[], None] = lambda: None,
) -> Applied | None:
    """Read the object and store what Stripe says; None where neither Stripe nor we have it.

    `near` as for `single.look`, beside what we hold of the object; `before_reading` is called before each read, of
    which there are more where newer states arrive meanwhile. Raises a StripeFailure (OtherAccount where the key isn't
    the mirrored account's), Unreachable where nothing leads to it, or Overtaken where newer states kept arriving.
    """
    require_mirrored_mode()
    for _ in range(READS):
        before_reading()
        sent_at = rows.stamp(kind, id)
        seen = single.look(kind, id, near={**_held_state(kind, id), **(near or {})}, patient=patient)
        if seen is None:
            raise Unreachable(
                f"Stripe gives no {kind.model._meta.verbose_name} singly, only those of a known {single.ways(kind)}; "
                "of this one none is known, so it could not be looked for."
            )
        applied = _store(kind, id, seen, origin=origin, sent_at=sent_at)
        if applied is None or applied.outcome is not Outcome.STALE:
            return applied
    raise Overtaken(f"{kind.object} {id} changed while it was read, {READS} times in a row.")


def complete_lists(kind: Kind, id: str, *, origin: Origin = SYNC) -> None:
    """Page through the lists that Stripe cut off in the held object; children that left a list become tombstones."""
    row = kind.model._default_manager.filter(pk=id, deleted_at=None).first()
    for embeds in kind.embeds if row else ():
        if row and embedded.is_truncated(row.data, embeds):
            _complete(row, embeds, origin)


def fetch_missing_parents(kind: Kind, id: str) -> int:
    """Fetch what the object refers to but we don't hold (S10); what Stripe doesn't have either becomes a tombstone."""
    missing = missing_parents(kind, id)
    for parent, parent_id in missing:
        with claims.claim(parent, parent_id) as mine:
            if not mine or (parent, parent_id) not in missing_parents(kind, id):
                continue
            if fetch_now(parent, parent_id, near=_held_state(kind, id)) is None:
                _never_seen(parent, parent_id, kind, id)
    return len(missing)


def missing_parents(kind: Kind, id: str) -> list[tuple[Kind, str]]:
    """The objects that this one refers to and that are not mirrored, in one query."""
    relations = _fetched_relations(kind.object)
    columns = [name for field in relations for name in (field.attname, f"{field.name}__version")]
    values = kind.model._default_manager.filter(pk=id).values(*columns).first() if columns else None
    return [
        (related_kind(field), values[field.attname])
        for field in relations
        if values and values[field.attname] and values[f"{field.name}__version"] is None
    ]


def lacking_parents(kind: Kind, ids: Sequence[str]) -> list[str]:
    """Those of the objects that refer to something which `fetch_missing_parents` would fetch, in one query."""
    lacking = Q()
    for relation in _fetched_relations(kind.object):
        lacking |= Q(**{f"{relation.attname}__isnull": False, f"{relation.name}__version": None})
    found = kind.model._default_manager.filter(lacking, pk__in=ids) if lacking else kind.model._default_manager.none()
    return [str(id) for id in found.values_list("pk", flat=True)]


@cache
def addressed_relations(object_type: str) -> tuple[JsonForeignKey, ...]:
    """The relations of a kind to objects that Stripe gives singly."""
    fields = get_kind(object_type).model._meta.get_fields()
    relations = (field for field in fields if isinstance(field, JsonForeignKey))
    return tuple(field for field in relations if _has_address(related_kind(field)))


def related_kind(relation: JsonForeignKey) -> Kind:
    """The kind of the objects that a relation names."""
    return cast("type[StripeObject]", relation.related_model).kind


@cache
def _fetched_relations(object_type: str) -> tuple[JsonForeignKey, ...]:
    """The relations whose missing parents are fetched one by one: not those that a list brings for many at once."""
    listed = {implied.unless_held for _, implied in implied_by(object_type) if implied.newest}
    return tuple(field for field in addressed_relations(object_type) if field.name not in listed)


def _has_address(kind: Kind) -> bool:
    return kind.retrievable and not kind.nested


def _held_state(kind: Kind, id: str) -> dict[str, Any]:
    return kind.model._default_manager.filter(pk=id).values_list("data", flat=True).first() or {}


def _store(kind: Kind, id: str, seen: single.Seen, *, origin: Origin, sent_at: datetime) -> Applied | None:
    if seen.state is None:
        return _gone(kind, id, seen, sent_at=sent_at, origin=origin)
    bounds: dict[str, Any] = {"as_of": seen.as_of or sent_at, "read_until": seen.read_until, "sent_at": sent_at}
    if seen.at is None:
        return apply_state(kind, seen.state, origin=origin, **bounds)
    with together(seen.at.embeds):
        applied = apply_state(kind, seen.state, origin=origin, **bounds)
        place(seen.at.embeds, [(seen.at.parent, [seen.state])], start=seen.at.position)
    return applied


def _gone(kind: Kind, id: str, seen: single.Seen, *, sent_at: datetime, origin: Origin) -> Applied | None:
    """The deletion lies between what we hold and Stripe's answer."""
    held = kind.model._default_manager.filter(pk=id).values_list("as_of", flat=True).first()
    if held is None:
        return None
    # With a key of another account every object is missing, and none is deleted.
    check_account()
    until = seen.read_until or timezone.now().replace(microsecond=0)
    return apply_deleted(kind, id, as_of=held, read_until=max(held, until), sent_at=sent_at, origin=origin)


def _never_seen(parent: Kind, parent_id: str, kind: Kind, id: str) -> None:
    """It was missing after the state of the object that names it, on Stripe's clock, and until now on ours."""
    named = kind.model._default_manager.filter(pk=id).values_list("as_of", flat=True).first()
    now = timezone.now().replace(microsecond=0)
    seen = named or now
    apply_deleted(parent, parent_id, as_of=seen, read_until=max(seen, now), origin=SYNC)


def _complete(row: StripeObject, embeds: Embedded, origin: Origin) -> None:
    child, present = get_kind(embeds.object), set[str]()
    sent_at = clock.now()
    path, params = child.list_path, {embeds.parent_column: str(row.pk)}
    if child.nested:
        path, params = child.nested.path.format(parent=row.pk), {}
    for answer in read.list_pages(path, params):
        items = answer.body["data"]
        with together(embeds):
            apply_page(child, answer.text, items, as_of=answer.as_of, read_until=answer.read_until, sent_at=sent_at)
            place(embeds, [(row.data, items)], start=len(present))
        present |= {item["id"] for item in items}
        sent_at = clock.now()
    embedded.bury_missing(row, embeds, present=present, origin=origin)
    embedded.bury_orphans(row.kind, [str(row.pk)], embeds, origin=origin)
