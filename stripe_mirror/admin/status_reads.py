"""What words of a status need of other rows, read for all rows of a page at once: never a query for each row.

Only rows whose sentence needs it are read for, so an ordinary page takes no further query. A row that was read without
reads the same in fewer words.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import F, OuterRef, Prefetch, Q, QuerySet, Subquery, prefetch_related_objects

from stripe_mirror.admin.display import entries_of, id_of
from stripe_mirror.admin.status_base import held
from stripe_mirror.models import Charge, Dispute, Invoice, InvoicePayment, Price, Refund, SubscriptionSchedule
from stripe_mirror.models.fields import Rare

# Subscriptions that wait for money.
WAITING = ("past_due", "unpaid", "incomplete")
# Changes of these change the words: lists follow them.
FOLLOWED: dict[str, tuple[str, ...]] = {
    "subscription": ("latest_invoice", "schedules"),
    "invoice": ("payments",),
    "charge": ("refunds", "disputes"),
    "payment_intent": ("latest_charge", "refunds", "disputes"),
}


def read_along(rows: Iterable[Any]) -> None:
    """Read what the words of these rows of one kind need; at most four queries."""
    found = list(rows)
    reads = READS.get(found[0].kind.object) if found and hasattr(found[0], "kind") else None
    if reads:
        reads(found)


def read_by(row: Any, name: str) -> Any:
    """The object that a relation names, if it was read with the row; without a query."""
    return row._state.fields_cache.get(name)


def all_read(row: Any, name: str) -> list[Any] | None:
    """The objects that name the row, newest first, if they were read; without a query."""
    found = getattr(row, "_prefetched_objects_cache", {}).get(name)
    return None if found is None else list(found)


class Attempt(NamedTuple):
    """How a payment of an invoice stands."""

    status: str | None
    error_code: str | None
    decline_code: str | None


# The newest first, each with what its payment says.
_INTENT = ("payment_intent__status", "payment_intent__error_code", "payment_intent__decline_code")
_NEWEST = ("-created", "-id")


def attempts_of(invoice: Any) -> list[Attempt] | None:
    """How an invoice was tried to be paid, newest first, if that was read; without a query."""
    found: list[Attempt] | None = vars(invoice).get("attempts_read")
    return found


def find_attempts(invoice_ids: Iterable[str]) -> dict[str, list[Attempt]]:
    """The same for many invoices, by a query."""
    rows = InvoicePayment.objects.filter(invoice__in=list(invoice_ids), payment_intent__status__isnull=False)
    found: dict[str, list[Attempt]] = {}
    for id, *intent in rows.order_by(*_NEWEST).values_list("invoice_id", *_INTENT):
        found.setdefault(id, []).append(Attempt(*intent))
    return found


def _light(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.defer("data")


def _subscriptions(rows: list[Any]) -> None:
    waiting = [row for row in rows if row.status in WAITING and row.latest_invoice_id]
    if waiting:
        _latest_invoices(waiting)
    planned = [row for row in rows if id_of(held(row, "schedule"))]
    # Those that wait for money were read with their invoices.
    if unread := [row for row in planned if all_read(row, "schedules") is None]:
        running = SubscriptionSchedule.objects.filter(status="active")
        prefetch_related_objects(unread, Prefetch("schedules", running))
    _name_prices([row for row in rows if row in planned or held(row, "pending_update")])


def _latest_invoices(rows: list[Any]) -> None:
    """The invoice that each waits for, how it was tried to be paid, and the schedule that runs: one query."""
    paid_by = {name: F(f"payments__{path}") for name, path in zip(Attempt._fields, _INTENT, strict=True)}
    invoices = _light(Invoice.objects.filter(pk__in=[row.latest_invoice_id for row in rows]))
    plans = SubscriptionSchedule.objects.filter(subscription__latest_invoice=OuterRef("pk"), status="active")
    invoices = invoices.annotate(plan=Subquery(plans.order_by(*_NEWEST).values("data")[:1]))
    found: dict[str, Any] = {}
    for invoice in invoices.annotate(**{f"tried_{name}": path for name, path in paid_by.items()}).order_by(
        *(f"-payments__{name.removeprefix('-')}" for name in _NEWEST)
    ):
        first = found.setdefault(invoice.pk, invoice)
        first.attempts_read = [*(attempts_of(first) or ()), *_attempt(invoice)]
    for row in rows:
        if invoice := found.get(row.latest_invoice_id):
            # Where the page has read it already, that one stays.
            held_one = row._state.fields_cache.setdefault("latest_invoice", invoice)
            held_one.attempts_read = invoice.attempts_read
            _give_schedule(row, invoice.plan)


def _give_schedule(row: Any, plan: Any) -> None:
    """As if it had been read with the subscription."""
    known = isinstance(plan, dict) and id_of(plan.get("subscription")) == row.pk
    schedules = [SubscriptionSchedule(id=id_of(plan), data=plan)] if known else []
    if known or plan is None:
        vars(row).setdefault("_prefetched_objects_cache", {}).setdefault("schedules", schedules)


def _attempt(invoice: Any) -> list[Attempt]:
    read = Attempt(*(getattr(invoice, f"tried_{name}") for name in Attempt._fields))
    return [read] if read.status is not None else []


def _name_prices(rows: list[Any]) -> None:
    """The prices that subscriptions will have, by id."""
    wanted = {row.pk: [*prices_after(row), *prices_pending(row)] for row in rows}
    found = Price.objects.in_bulk({id for ids in wanted.values() for id in ids}) if any(wanted.values()) else {}
    for row in rows:
        row.coming_prices = {id: found[id] for id in wanted[row.pk] if id in found}


def prices_after(row: Any) -> list[str]:
    """The ids of the prices in a subscription's next phase."""
    return [
        id for phase in next_phase(row) for item in entries_of(phase.get("items")) if (id := id_of(item.get("price")))
    ]


def prices_pending(row: Any) -> list[str]:
    """The ids of the prices that a subscription has once its latest invoice is paid."""
    items = entries_of(held(row, "pending_update", "subscription_items"))
    return [id for item in items if (id := id_of(item.get("price")))]


def next_phase(row: Any) -> list[dict[str, Any]]:
    """The phase of a subscription's schedule that comes after the one that runs; none where there is no such."""
    for schedule in all_read(row, "schedules") or ():
        end = held(schedule, "current_phase", "end_date")
        return [p for p in entries_of(held(schedule, "phases")) if end and p.get("start_date") == end][:1]
    return []


def _invoices(rows: list[Any]) -> None:
    tried = [row for row in rows if row.status == "open" and row.attempt_count]
    if tried:
        found = find_attempts([row.pk for row in tried])
        for row in tried:
            row.attempts_read = found.get(row.pk, [])


def _charges(rows: list[Any]) -> None:
    _back(rows, [row for row in rows if row.disputed])


def _payments(rows: list[Any]) -> None:
    paid = [row for row in rows if row.status == "succeeded"]
    if paid:
        prefetch_related_objects(paid, Prefetch("latest_charge", _light(Charge.objects.all())))
    # A refund and a dispute name the payment as well as its charge.
    _back(paid, [row for row in paid if row.latest_charge and row.latest_charge.disputed])


def _back(paid: list[Any], disputed: list[Any]) -> None:
    if paid:
        prefetch_related_objects(paid, Prefetch("refunds", _light(Refund.objects.all())))
    if disputed:
        prefetch_related_objects(disputed, Prefetch("disputes", _light(Dispute.objects.all())))


def give_disputes(payments: Iterable[Any], disputes: Iterable[Any]) -> None:
    """All disputes about these payments, which a page has read already: they aren't asked for again."""
    known = list(disputes)
    for row in payments:
        found = [dispute for dispute in known if dispute.payment_intent_id == row.pk]
        vars(row).setdefault("_prefetched_objects_cache", {})["disputes"] = found


READS = {"subscription": _subscriptions, "invoice": _invoices, "charge": _charges, "payment_intent": _payments}


def refund_on_its_way() -> Q:
    """Of a refund: it was asked for and the money hasn't come back (S35)."""
    return Q(Rare(Q(status__in=("pending", "requires_action"))))
