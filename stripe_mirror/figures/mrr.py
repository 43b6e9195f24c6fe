"""Keeps MRR: walks the subscriptions that changed, books what their customers moved by, and sums the days."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from stripe_mirror.figures import ledger, mrr_days
from stripe_mirror.figures.days import day_of
from stripe_mirror.figures.invoiced import invoiced
from stripe_mirror.figures.progress import begin_pass, end_pass, is_new, move, next_changed, taken
from stripe_mirror.figures.reductions import Known, items_of
from stripe_mirror.figures.timeline import Before, Computed, Seen, Subject, compute
from stripe_mirror.models import (
    Change,
    Discount,
    FigureProgress,
    MrrDay,
    MrrMovement,
    Subscription,
    SubscriptionAmount,
    SubscriptionItem,
)
from stripe_mirror.pull import clock

SOURCE, DISCOUNTS = "subscription", "discount"
CHUNK = 500
COLUMNS = ("id", "data", "version", "changed_at", "deleted_at", "customer", "currency", "status")
KEPT = ["customer", "currency", "status", "amount", "version", "moved_at", "due_at", "problem"]
LONGEST = 255


def step() -> bool:
    """Do a little; whether there is more to do."""
    with taken(SOURCE) as progress:
        if is_new(progress):
            _forget(progress)
        begin_pass(progress)
        if rows := next_changed(progress, _uncomputed(), limit=CHUNK):
            _keep(progress, rows)
            move(progress, rows[-1])
            return True
        if due := _due():
            _keep(progress, due)
            return True
        if progress.stale_from is not None:
            mrr_days.rebuild(progress.stale_from)
            progress.stale_from = None
        end_pass(progress)
    return False


def note_discounts() -> bool:
    """Subscriptions whose discounts changed although they did not: they are due now. Whether there is more to do."""
    with taken(DISCOUNTS) as progress:
        begin_pass(progress)
        rows = next_changed(
            progress, Discount.objects.only("id", "changed_at", "subscription", "customer"), limit=CHUNK
        )
        if not rows:
            end_pass(progress)
            return False
        own = {row.subscription_id for row in rows if row.subscription_id}
        customers = {row.customer_id for row in rows if row.customer_id and not row.subscription_id}
        computed, now = SubscriptionAmount.objects.all(), clock.now()
        computed.filter(pk__in=own).update(due_at=now)
        computed.filter(pk__in=Subscription.objects.filter(customer__in=customers).values("pk")).update(due_at=now)
        move(progress, rows[-1])
    return True


def _forget(progress: FigureProgress) -> None:
    for model in (SubscriptionAmount, MrrMovement, MrrDay):
        model._default_manager.all().delete()
    first = Change.objects.filter(object_type=SOURCE).order_by("id").values_list("recorded_at", flat=True).first()
    progress.exact_since = first or clock.now()


def _uncomputed() -> QuerySet[Any]:
    """Subscriptions that changed since they were computed."""
    same = SubscriptionAmount.objects.filter(pk=OuterRef("pk"), version=OuterRef("version"))
    return Subscription.objects.filter(~Exists(same)).only(*COLUMNS)


def _due() -> list[Any]:
    """What changes without a change of the subscription."""
    due = SubscriptionAmount.objects.filter(due_at__lte=clock.now()).order_by("due_at")
    return list(Subscription.objects.filter(pk__in=list(due.values_list("pk", flat=True)[:CHUNK])).only(*COLUMNS))


def _keep(progress: FigureProgress, rows: Sequence[Any]) -> None:
    """Compute these and store what came of it, with what their customers moved by."""
    now = clock.now()
    held = SubscriptionAmount.objects.in_bulk([row.pk for row in rows])
    kept, deltas = [], defaultdict[ledger.Account, ledger.Deltas](lambda: defaultdict(int))
    for row, computed in _computed(rows, held, now):
        old = held.get(row.pk)
        kept.append(_amount(row, computed, old))
        before = old.amount if old else 0
        for each in computed.steps:
            deltas[row.customer_id or "", row.currency or ""][day_of(each.at)] += each.amount - before
            before = each.amount
    SubscriptionAmount.objects.bulk_create(
        kept, update_conflicts=True, unique_fields=["subscription"], update_fields=KEPT, batch_size=CHUNK
    )
    first = ledger.book(deltas)
    if first is not None:
        progress.stale_from = min(first, progress.stale_from or first)


def _computed(
    rows: Sequence[Any], held: dict[str, SubscriptionAmount], now: datetime
) -> Iterable[tuple[Any, Computed]]:
    _complete_items(rows)
    changes = _changes(rows)
    past = invoiced(row.pk for row in rows if row.pk not in held or held[row.pk].moved_at is None)
    known = Known.looked_up(_all_states(rows, changes), (row.customer_id for row in rows if row.customer_id))
    for row in rows:
        old = held.get(row.pk)
        subject = Subject(
            data=row.data,
            version=row.version,
            changed_at=row.changed_at,
            currency=row.currency or "",
            deleted_at=row.deleted_at,
            changes=changes.get(row.pk, ()),
            invoiced=past.get(row.pk, ()),
            before=Before(old.amount, old.version, old.moved_at) if old and old.version else None,
        )
        if not row.customer_id or not row.currency:
            yield row, Computed(0, problem="It names no customer, or no currency.")
        elif max(len(row.customer_id), len(row.currency)) > LONGEST:
            yield row, Computed(0, problem="Its customer's id, or its currency, is too long.")
        else:
            yield row, compute(subject, partial(known.of, customer=row.customer_id), now=now)


def _all_states(rows: Sequence[Any], changes: dict[str, list[Seen]]) -> list[dict[str, Any]]:
    """The objects, and what stood in their places before: the discounts of both are asked for."""
    olds: list[dict[str, Any]] = []
    for seen in (each for found in changes.values() for each in found):
        olds += [{name: pair[0]} for name, pair in seen.fields.items() if name in ("discounts", "discount", "items")]
        olds += [{"items": {"data": pair[0]}} for name, pair in seen.fields.items() if name == "items.data"]
    return [*(row.data for row in rows), *olds]


def _changes(rows: Sequence[Any]) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = defaultdict(list)
    recorded = Change.objects.filter(object_type=SOURCE, object_id__in=[row.pk for row in rows])
    for id, version, at, fields, action in recorded.order_by("id").values_list(
        "object_id", "version", "happened_at", "fields", "action"
    ):
        fields = fields if isinstance(fields, dict) else {}
        found[id].append(Seen(version, at, fields, first=action == Change.Action.CREATED and version == 1))
    return found


def _complete_items(rows: Sequence[Any]) -> None:
    """A subscription with more items than Stripe sends inside it: its items have rows of their own."""
    cut = {row.pk: row for row in rows if isinstance(row.data.get("items"), dict) and row.data["items"].get("has_more")}
    for id, row in cut.items():
        own = SubscriptionItem.objects.filter(subscription=id, deleted_at=None).values_list("data", flat=True)
        row.data = {**row.data, "items": {"data": list(own) or items_of(row.data)}}


def _amount(row: Any, computed: Computed, old: SubscriptionAmount | None) -> SubscriptionAmount:
    """The row to keep. What could not be computed keeps its old version, so that its changes are looked at again."""
    failed = old.version if old else 0
    return SubscriptionAmount(
        subscription=row.pk,
        customer=(row.customer_id or "")[:LONGEST],
        currency=(row.currency or "")[:LONGEST],
        status="deleted" if row.deleted_at else (row.status or "")[:LONGEST],
        amount=computed.amount,
        version=failed if computed.problem else row.version,
        moved_at=computed.steps[-1].at if computed.steps else old.moved_at if old else None,
        due_at=computed.due_at,
        problem=computed.problem,
    )
