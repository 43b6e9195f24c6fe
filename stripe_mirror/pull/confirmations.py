"""What a finished listing proves of the rows that it left alone: they held their state at that time, too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from stripe_mirror.kinds import Kind
from stripe_mirror.models import Confirmation, StripeObject
from stripe_mirror.models.fields import LAST_SECOND
from stripe_mirror.pull.ordering import Bounds

# How far the clocks of our machines may be apart.
SKEW = timedelta(minutes=2)


def record(
    kind: Kind,
    created_from: datetime | None,
    created_to: datetime | None,
    as_of: datetime,
    read_until: datetime,
    *,
    begun_at: datetime,
) -> None:
    """Say that everything created between these two (both included, None is open) was listed, between these seconds.

    `begun_at` is when the listing began, by our clock: a row that was touched since may hold something that arrived
    late, after its page was read, and is left to its own times. Older confirmations inside the new one are dropped.
    """
    forget_older(kind, created_from, created_to, as_of)
    Confirmation.objects.create(
        object_type=kind.object,
        created_from=created_from,
        created_to=created_to,
        as_of=as_of,
        read_until=read_until,
        untouched_since=begun_at - SKEW,
    )


def forget_older(kind: Kind, created_from: datetime | None, created_to: datetime | None, as_of: datetime) -> None:
    """Drop what was confirmed inside this window not later than that second."""
    inside = Q(object_type=kind.object, as_of__lte=as_of)
    if created_from is not None:
        inside &= Q(created_from__gte=created_from)
    if created_to is not None:
        inside &= Q(created_to__lte=created_to)
    Confirmation.objects.filter(inside).delete()


def of(kind: Kind) -> list[Confirmation]:
    """What was confirmed of this kind. The table is tiny; it is read under the row's lock, never kept."""
    return list(Confirmation.objects.filter(object_type=kind.object).order_by("as_of"))


def latest_over(confirmations: Sequence[Confirmation], row: StripeObject) -> Bounds | None:
    """Between which seconds this row was last seen unchanged by a listing of its window."""
    covering = [one for one in confirmations if _covers(one, row)]
    newest = max(covering, key=lambda one: one.as_of, default=None)
    return Bounds(newest.as_of, newest.read_until) if newest else None


def _covers(one: Confirmation, row: StripeObject) -> bool:
    if one.untouched_since is None or row.synced_at >= one.untouched_since:
        return False
    if (created := _created(row)) is None:
        return one.created_from is None and one.created_to is None
    return (one.created_from is None or one.created_from <= created) and (
        one.created_to is None or created <= one.created_to
    )


def _created(row: StripeObject) -> datetime | None:
    """The second at which Stripe made the object, out of its state: the derived column isn't read."""
    created = row.data.get("created")
    return datetime.fromtimestamp(created, UTC) if isinstance(created, int) and 0 <= created <= LAST_SECOND else None
