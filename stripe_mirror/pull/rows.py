"""Reads and writes one mirrored row under its lock. Only `pull.apply` and its parts use it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from stripe_mirror.conf import conf
from stripe_mirror.kinds import Kind
from stripe_mirror.models import Confirmation, MirroredAccount, StripeObject
from stripe_mirror.pull import clock, confirmations, drafts
from stripe_mirror.pull.changes import Origin
from stripe_mirror.pull.drafts import Applied, Draft, Outcome, Raced
from stripe_mirror.pull.ordering import Bounds, Held, after

__all__ = ["Applied", "Outcome", "Raced"]
OWN_COLUMNS = ("id", "data", "as_of", "read_until", "synced_at", "deleted_at", "version", "nul_replaced")
# The `id` of the account's row while the key has no right to read the account.
UNKNOWN_ACCOUNT = "unknown"
# Before every stamp.
NEVER = datetime.min.replace(tzinfo=UTC)


def locked(kind: Kind, id: str) -> StripeObject | None:
    """The row, locked until the transaction ends."""
    rows = kind.model._default_manager.select_for_update().only(*OWN_COLUMNS)
    row: StripeObject | None = rows.filter(pk=id).first()
    return row


def locked_drafts(kind: Kind, ids: Sequence[str]) -> list[Draft]:
    """Those of the rows that nobody else holds, locked until the transaction ends."""
    free = kind.model._default_manager.select_for_update(skip_locked=True).only(*OWN_COLUMNS)
    found = list(free.filter(pk__in=ids).order_by("pk"))
    confirmed = confirmations.of(kind)
    return [draft_of(kind, row, id=str(row.pk), confirmed=confirmed) for row in found]


def held(row: StripeObject | None, *, confirmed: Sequence[Confirmation] | None = None) -> Held | None:
    """The row in the terms of `ordering`. `confirmed`: what `confirmations.of` its kind said, read after the row."""
    if row is None:
        return None
    by_itself = Held(
        state=row.data,
        as_of=row.as_of,
        read_until=row.read_until,
        deleted=row.deleted_at is not None,
        version=row.version,
        synced_at=row.synced_at,
    )
    seen = confirmations.of(row.kind) if confirmed is None else confirmed
    return by_itself.confirmed(confirmations.latest_over(seen, row)) if seen else by_itself


def stamp(kind: Kind, id: str) -> datetime:
    """What to give as `sent_at` with the answer to a request that is sent after this.

    Only if the row is as it was is its `synced_at` earlier: no clock is compared with another machine's.
    """
    known = kind.model._default_manager.filter(pk=id).values_list("synced_at", flat=True).first()
    return after(known) if known else NEVER


def reusable(kind: Kind, id: str) -> bool:
    """Whether the id may be given to a new object once this one is deleted: it was chosen, not made by Stripe."""
    return not id.startswith(kind.prefixes)


def account_id() -> str:
    """The mirrored account's id; empty while it isn't known."""
    found = MirroredAccount.objects.exclude(pk=UNKNOWN_ACCOUNT).values_list("pk", flat=True).first()
    return found or ""


def write(kind: Kind, row: StripeObject | None, state: dict[str, Any], *, bounds: Bounds, origin: Origin) -> Applied:
    """Make `state` the row's, record the change, wake a tombstone. Raises Raced."""
    draft = draft_of(kind, row, id=str(state["id"]))
    applied = draft.write(state, bounds=bounds, origin=origin, now=clock.now())
    save(draft)
    return applied


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
    draft = draft_of(kind, row, id=id)
    applied = draft.bury(last_state, bounds=bounds, origin=origin, now=clock.now())
    save(draft)
    return applied


def draft_of(
    kind: Kind, row: StripeObject | None, *, id: str, confirmed: Sequence[Confirmation] | None = None
) -> Draft:
    """The object of a locked row, or one that has none yet."""
    if row is None:
        return Draft(kind, id, None, stored=False)
    now_held = held(row, confirmed=confirmed)
    return Draft(kind, id, now_held, nul_replaced=row.nul_replaced, deleted_at=row.deleted_at)


def save(draft: Draft) -> None:
    """Write what an object holds now. Raises Raced."""
    if not draft.stored:
        drafts.insert([draft], account=account_id())
    drafts.update([draft])
    drafts.record([draft])


def confirm(row: StripeObject, *, bounds: Bounds, synced: bool = True) -> None:
    """Move only the seconds: the state is known to have held at another time, too."""
    values: dict[str, Any] = {"as_of": bounds.as_of, "read_until": bounds.read_until}
    if synced:
        values["synced_at"] = after(row.synced_at, clock.now())
    type(row)._default_manager.filter(pk=row.pk).update(**values)


def new_row(
    kind: Kind, state: dict[str, Any], *, bounds: Bounds, account: str, nul_replaced: bool, now: datetime
) -> StripeObject:
    """An unsaved row."""
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
        synced_at=after(row.synced_at, now),
        changed_at=now,
        deleted_at=deleted_at,
        version=row.version,
        nul_replaced=nul_replaced,
    )
