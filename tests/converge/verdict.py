"""What must be true at rest: the mirror equals Stripe, no event is lost, nothing hangs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from stripe_mirror.kinds import Kind, all_kinds, kind_of
from stripe_mirror.models import BalanceTransaction, InboxEvent, Subscription, SubscriptionItem
from stripe_mirror.pull.changes import differences
from stripe_mirror.pull.storable import storable
from tests.conftest import own
from tests.converge.stripe_side import StripeSide

SETTLED = {
    InboxEvent.State.APPLIED,
    InboxEvent.State.STALE,
    InboxEvent.State.DUPLICATE,
}

# Kinds that Stripe also makes or changes without a word: then what its last event said is the best that can be known.
SILENT = {"checkout.session", "invoiceitem", "invoice_payment", "payment_intent", "payment_method", "setup_intent"}


def unequal(side: StripeSide, kinds: Sequence[Kind]) -> dict[str, Any]:
    """Where mirror and Stripe differ: id → what is wrong; empty where they are equal."""
    found: dict[str, Any] = {}
    stored = _stored(kinds)
    for kind in kinds:
        truth = {row["id"]: _shown(row) for row in side.sandbox.objects(kind.object) if not row.get("deleted")}
        rows = kind.model._default_manager.filter(deleted_at=None).values_list("pk", "data")
        held = {id: _shown(data) for id, data in rows} if kind.object in stored else {}
        found |= dict.fromkeys(held.keys() - truth.keys(), "not deleted here")
        found |= dict.fromkeys(truth.keys() - held.keys(), "missing here")
        for id in _out_of_sight(side, kind):
            found.pop(id, None)
        both = held.keys() & truth.keys()
        found |= {id: differences(held[id], truth[id]) for id in both if held[id] != truth[id]}
    return found


def _stored(kinds: Sequence[Kind]) -> set[str]:
    """Those of which there are rows, in one query instead of dozens."""
    quoted = ((kind.object, connection.ops.quote_name(kind.model._meta.db_table)) for kind in kinds)
    asked = (f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {table})" for name, table in quoted)
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked))
        return {name for (name,) in cursor.fetchall()}


def _out_of_sight(side: StripeSide, kind: Kind) -> set[str]:
    """What Stripe lists only below an object that was deleted before anyone could look: nobody can see it any more."""
    if kind.nested is None:
        return set()
    gone = {row["id"] for row in side.sandbox.objects(kind.nested.object) if row.get("deleted")}
    return {row["id"] for row in side.sandbox.objects(kind.object) if row.get(kind.nested.parent_column) in gone}


def untold(side: StripeSide, kinds: Sequence[Kind]) -> set[str]:
    """Objects that changed without a word, or of which there never was one: we hold what the last event said."""
    told = {str(event["data"]["object"].get("id")): event["data"]["object"] for event in reversed(side.sandbox.events)}
    found = set()
    for kind in kinds:
        ids = [row["id"] for row in side.sandbox.objects(kind.object)] if kind.object in SILENT else []
        held = {row.pk: row.data for row in kind.model._default_manager.filter(pk__in=ids).only("id", "data")}
        found |= {id for id in ids if id not in told and id not in held}
        found |= {id for id in ids if id in told and id in held and _shown(held[id]) == _shown(told[id])}
    # A credit of nothing changes no balance, and only a changed balance is told; nor is that money became available.
    found |= {row["id"] for row in side.sandbox.objects("customer_balance_transaction") if row["amount"] == 0}
    truth = {row["id"]: row for row in side.sandbox.objects("balance_transaction")}
    pending = BalanceTransaction.objects.filter(status="pending").values_list("pk", "data")
    return found | {id for id, data in pending if id in truth and {**data, "status": "available"} == truth[id]}


def odd_copies(side: StripeSide) -> dict[str, str]:
    """Items whose copy of their price is none that can be known: as the last event about the subscription showed it,
    or as the price became after that, where the subscription was read then."""
    known, found = _known_copies(side), {}
    for row in side.sandbox.objects("subscription"):
        states = [*Subscription.objects.filter(pk=row["id"]).values_list("data", flat=True)]
        items = [item for state in states for item in state["items"]["data"]]
        items += SubscriptionItem.objects.filter(subscription=row["id"], deleted_at=None).values_list("data", flat=True)
        copies = [(item["id"], _shown(item["price"])) for item in items if item["id"] in known]
        found |= {
            id: f"{copy['id']} inside {row['id']} is as it never was" for id, copy in copies if copy not in known[id]
        }
    return found


def _known_copies(side: StripeSide) -> dict[str, list[Any]]:
    """What the price of each item was like since it was last told of."""
    found: dict[str, list[Any]] = {}
    for event in reversed(side.sandbox.events):
        obj = event["data"]["object"]
        if obj["object"] == "subscription":
            found |= {item["id"]: [_shown(item["price"])] for item in obj["items"]["data"]}
        elif obj["object"] == "price":
            for copies in found.values():
                copies += [_shown(obj)] if copies[0]["id"] == obj["id"] else []
    return found


def _shown(state: dict[str, Any]) -> dict[str, Any]:
    comparable: dict[str, Any] = storable(own(state))[0]
    return comparable


def kinds_with_events(side: StripeSide) -> list[Kind]:
    """Those that are brought level without a comparison: by events of their own, of the object that carries them, or of
    one that implies a look at their list."""
    told = [kind for kind in all_kinds() if kind.events or kind.parent or kind.implied]
    return [kind for kind in told if kind.object in side.sandbox.tables]


def unsettled(side: StripeSide) -> dict[str, str]:
    """Events of mirrored kinds that are not in the inbox, or not settled there."""
    states = dict(InboxEvent.objects.values_list("pk", "state"))
    objects = ((event["id"], event["data"]["object"]) for event in side.sandbox.events)
    wanted = [id for id, obj in objects if kind_of(obj["object"]) and obj.get("id")]
    return {id: states.get(id, "lost") for id in wanted if states.get(id) not in SETTLED}


def failed_tasks() -> list[str]:
    """Background tasks that ended with an exception (one whose worker was killed has none)."""
    failed = DBTaskResult.objects.filter(status=TaskResultStatus.FAILED).exclude(traceback="")
    return [f"{task.task_path} {task.args_kwargs}\n{task.traceback}" for task in failed]
