"""Reads one object from Stripe and applies it; completes lists that Stripe cut off; fetches parents we lack."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from django.utils import timezone

from stripe_mirror.kinds import Embedded, Kind, get_kind
from stripe_mirror.models import StripeObject
from stripe_mirror.models.fields import JsonForeignKey
from stripe_mirror.pull import embedded
from stripe_mirror.pull.account import check_account, require_mirrored_mode
from stripe_mirror.pull.apply import Applied, Origin, Outcome, apply_deleted, apply_page, apply_state
from stripe_mirror.pull.pages import SYNC
from stripe_mirror.stripe_api import read
from stripe_mirror.stripe_api.errors import NotFound

# An object that changes while it is read is read again, at most so often: the next event tries anew.
READS = 4


class Overtaken(Exception):
    """The object changed faster than it could be read."""


def fetch_now(kind: Kind, id: str, *, origin: Origin = SYNC, patient: bool = True) -> Applied | None:
    """Read the object and store what Stripe says; None where neither Stripe nor we have it.

    Raises a StripeFailure (OtherAccount where the key isn't the mirrored account's), or Overtaken where newer states
    kept arriving in the meantime.
    """
    require_mirrored_mode()
    for _ in range(READS):
        sent_at = timezone.now()
        try:
            answer = read.retrieve(kind, id, patient=patient)
        except NotFound:
            applied = _gone(kind, id, sent_at=sent_at, origin=origin)
        else:
            applied = apply_state(
                kind, answer.body, as_of=answer.as_of, read_until=answer.read_until, origin=origin, sent_at=sent_at
            )
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
        if fetch_now(parent, parent_id) is None:
            apply_deleted(parent, parent_id, as_of=timezone.now().replace(microsecond=0), origin=SYNC)
    return len(missing)


def missing_parents(kind: Kind, id: str) -> list[tuple[Kind, str]]:
    """The objects that this one refers to and that are not mirrored, in one query."""
    relations = [field for field in kind.model._meta.get_fields() if isinstance(field, JsonForeignKey)]
    columns = [name for field in relations for name in (field.attname, f"{field.name}__version")]
    values = kind.model._default_manager.filter(pk=id).values(*columns).first() if columns else None
    return [
        (cast("type[StripeObject]", field.related_model).kind, values[field.attname])
        for field in relations
        if values and values[field.attname] and values[f"{field.name}__version"] is None
    ]


def _gone(kind: Kind, id: str, *, sent_at: datetime, origin: Origin) -> Applied | None:
    """A 404 carries no clock of Stripe's: the deletion lies between what we hold and now."""
    held = kind.model._default_manager.filter(pk=id).values_list("as_of", flat=True).first()
    if held is None:
        return None
    # With a key of another account every object is missing, and none is deleted.
    check_account()
    now = timezone.now().replace(microsecond=0)
    return apply_deleted(kind, id, as_of=held, read_until=max(held, now), sent_at=sent_at, origin=origin)


def _complete(row: StripeObject, embeds: Embedded, origin: Origin) -> None:
    child, present = get_kind(embeds.object), set[str]()
    sent_at = timezone.now()
    for answer in read.list_pages(child.list_path, {embeds.parent_column: str(row.pk)}):
        items = answer.body["data"]
        apply_page(child, answer.text, items, as_of=answer.as_of, read_until=answer.read_until, sent_at=sent_at)
        present |= {item["id"] for item in items}
        sent_at = timezone.now()
    embedded.bury_missing(row, embeds, present=present, origin=origin)
