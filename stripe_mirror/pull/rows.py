"""Reads and writes one mirrored row under its lock. Only `pull.apply` and its parts use it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind
from stripe_mirror.models import Change, MirroredAccount, StripeObject
from stripe_mirror.pull.changes import Origin, change, differences
from stripe_mirror.pull.ordering import Bounds, Held
from stripe_mirror.pull.storable import storable

OWN_COLUMNS = ("id", "data", "as_of", "read_until", "synced_at", "deleted_at", "version", "nul_replaced")
# The `id` of the account's row while the key has no right to read the account.
UNKNOWN_ACCOUNT = "unknown"


class Outcome(StrEnum):
    """What became of a state."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    STALE = "stale"


@dataclass(frozen=True)
class Applied:
    """What became of a state, and the row's version now (0 where there is no row)."""

    outcome: Outcome
    version: int


class Raced(Exception):
    """Another transaction made the row between our look and our insert: look again."""


def locked(kind: Kind, id: str) -> StripeObject | None:
    """The row, locked until the transaction ends."""
    rows = kind.model._default_manager.select_for_update().only(*OWN_COLUMNS)
    row: StripeObject | None = rows.filter(pk=id).first()
    return row


def held(row: StripeObject | None) -> Held | None:
    """The row in the terms of `ordering`."""
    if row is None:
        return None
    return Held(
        state=row.data,
        as_of=row.as_of,
        read_until=row.read_until,
        deleted=row.deleted_at is not None,
        version=row.version,
        synced_at=row.synced_at,
    )


def reusable(kind: Kind, id: str) -> bool:
    """Whether the id may be given to a new object once this one is deleted: it was chosen, not made by Stripe."""
    return not id.startswith(kind.prefixes)


def account_id() -> str:
    """The mirrored account's id; empty while it isn't known."""
    found = MirroredAccount.objects.exclude(pk=UNKNOWN_ACCOUNT).values_list("pk", flat=True).first()
    return found or ""


def write(kind: Kind, row: StripeObject | None, state: dict[str, Any], *, bounds: Bounds, origin: Origin) -> Applied:
    """Make `state` the row's, record the change, wake a tombstone. Raises Raced."""
    state, replaced = storable(state)
    if row is None:
        return _insert(kind, state, bounds=bounds, origin=origin, nul_replaced=replaced)
    now = timezone.now()
    old, was_deleted = row.data, row.deleted_at is not None
    update(row, data=state, bounds=bounds, now=now, deleted_at=None, nul_replaced=replaced)
    action = Change.Action.CREATED if was_deleted else Change.Action.UPDATED
    _record(kind, row, action, old=old, at=bounds.as_of, now=now, origin=origin)
    return Applied(Outcome.CREATED if was_deleted else Outcome.CHANGED, row.version)


def bury(
    kind: Kind,
    row: StripeObject | None,
    *,
    id: str,
    last_state: dict[str, Any] | None,
    bounds: Bounds,
    origin: Origin,
) -> Applied:
    """Turn the row into a tombstone that keeps the last known state. Raises Raced."""
    state, replaced = storable(last_state) if last_state else (row.data if row else {}, bool(row and row.nul_replaced))
    if row is None:
        stub = {"id": id, "object": kind.object, "deleted": True}
        return _insert(kind, state or stub, bounds=bounds, origin=origin, nul_replaced=replaced, deleted=True)
    now, old = timezone.now(), row.data
    update(row, data=state, bounds=bounds, now=now, deleted_at=bounds.read_until or bounds.as_of, nul_replaced=replaced)
    _record(kind, row, Change.Action.DELETED, old=old, at=bounds.as_of, now=now, origin=origin)
    return Applied(Outcome.CHANGED, row.version)


def confirm(row: StripeObject, *, bounds: Bounds, synced: bool = True) -> None:
    """Move only the seconds: the state is known to have held at another time, too."""
    values: dict[str, Any] = {"as_of": bounds.as_of, "read_until": bounds.read_until}
    if synced:
        values["synced_at"] = timezone.now()
    type(row)._default_manager.filter(pk=row.pk).update(**values)


def _insert(
    kind: Kind, state: dict[str, Any], *, bounds: Bounds, origin: Origin, nul_replaced: bool, deleted: bool = False
) -> Applied:
    row = new_row(kind, state, bounds=bounds, account=account_id(), nul_replaced=nul_replaced)
    if deleted:
        row.deleted_at = bounds.read_until or bounds.as_of
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise Raced from None
    action = Change.Action.DELETED if deleted else Change.Action.CREATED
    _record(kind, row, action, old=None, at=bounds.as_of, now=row.changed_at, origin=origin)
    return Applied(Outcome.CREATED, row.version)


def new_row(kind: Kind, state: dict[str, Any], *, bounds: Bounds, account: str, nul_replaced: bool) -> StripeObject:
    """An unsaved row."""
    now = timezone.now()
    return kind.model(
        id=state["id"],
        account=account,
        livemode=conf.livemode,
        data=state,
        as_of=bounds.as_of,
        read_until=bounds.read_until,
        synced_at=now,
        changed_at=now,
        nul_replaced=nul_replaced,
    )


def update(
    row: StripeObject,
    *,
    data: dict[str, Any],
    bounds: Bounds,
    now: datetime,
    deleted_at: datetime | None,
    nul_replaced: bool,
) -> None:
    """Overwrite a row whose lock we hold; its version grows."""
    row.version += 1
    row.data = data
    type(row)._default_manager.filter(pk=row.pk).update(
        data=data,
        as_of=bounds.as_of,
        read_until=bounds.read_until,
        synced_at=now,
        changed_at=now,
        deleted_at=deleted_at,
        version=row.version,
        nul_replaced=nul_replaced,
    )


def _record(
    kind: Kind,
    row: StripeObject,
    action: Change.Action,
    *,
    old: dict[str, Any] | None,
    at: datetime,
    now: datetime,
    origin: Origin,
) -> None:
    change(
        kind,
        str(row.pk),
        action,
        fields=differences(old, row.data) if old is not None else {},
        version=row.version,
        happened_at=at,
        recorded_at=now,
        origin=origin,
    ).save(force_insert=True)
