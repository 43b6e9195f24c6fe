"""What must be true at rest: the mirror equals Stripe, no event is lost, nothing hangs, few calls were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from stripe_mirror.kinds import Kind, all_kinds, kind_of
from stripe_mirror.models import InboxEvent
from stripe_mirror.pull.changes import differences
from stripe_mirror.pull.storable import storable
from tests.conftest import own
from tests.converge.stripe_side import StripeSide
from tests.sandbox.resource import all_resources

SETTLED = {
    InboxEvent.State.APPLIED,
    InboxEvent.State.STALE,
    InboxEvent.State.DUPLICATE,
}

# Kinds that Stripe also makes or changes without a word: then what its last event said is the best that can be known.
SILENT = {"checkout.session", "invoiceitem", "invoice_payment", "payment_intent", "payment_method", "setup_intent"}

LISTS = tuple(
    route.path.rpartition("}")[2]
    for item in all_resources()
    for route in item.routes
    if route.method == "GET" and not route.path.endswith("}")
)


def unequal(side: StripeSide, kinds: Sequence[Kind]) -> dict[str, Any]:
    """Where mirror and Stripe differ: id → what is wrong; empty where they are equal."""
    found: dict[str, Any] = {}
    for kind in kinds:
        truth = {row["id"]: _shown(row) for row in side.sandbox.objects(kind.object) if not row.get("deleted")}
        rows = kind.model._default_manager.filter(deleted_at=None).only("id", "data")
        held = {row.pk: _shown(row.data) for row in rows}
        found |= dict.fromkeys(held.keys() - truth.keys(), "not deleted here")
        found |= dict.fromkeys(truth.keys() - held.keys(), "missing here")
        for id in _out_of_sight(side, kind):
            found.pop(id, None)
        both = held.keys() & truth.keys()
        found |= {id: differences(held[id], truth[id]) for id in both if held[id] != truth[id]}
    return found


def _out_of_sight(side: StripeSide, kind: Kind) -> set[str]:
    """What Stripe lists only below an object that was deleted before anyone could look: nobody can see it any more."""
    if kind.nested is None:
        return set()
    gone = {row["id"] for row in side.sandbox.objects(kind.nested.object) if row.get("deleted")}
    return {row["id"] for row in side.sandbox.objects(kind.object) if row[kind.nested.parent_column] in gone}


def untold(side: StripeSide, kinds: Sequence[Kind]) -> set[str]:
    """Objects that changed without a word, or of which there never was one: we hold what the last event said."""
    told = {str(event["data"]["object"].get("id")): event["data"]["object"] for event in reversed(side.sandbox.events)}
    found = set()
    for kind in kinds:
        ids = [row["id"] for row in side.sandbox.objects(kind.object)] if kind.object in SILENT else []
        held = {row.pk: row.data for row in kind.model._default_manager.filter(pk__in=ids).only("id", "data")}
        found |= {id for id in ids if id not in told and id not in held}
        found |= {id for id in ids if id in told and id in held and _shown(held[id]) == _shown(told[id])}
    return found


def _shown(state: dict[str, Any]) -> dict[str, Any]:
    comparable: dict[str, Any] = storable(own(state))[0]
    return comparable


def kinds_with_events(side: StripeSide) -> list[Kind]:
    """Those that are brought level by events alone: their own, or those of the object that carries them."""
    told = [kind for kind in all_kinds() if (kind.events or kind.parent) and not kind.implied]
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


def mirror_calls(side: StripeSide) -> dict[str, list[dict[str, Any]]]:
    """The mirror's own calls to Stripe: reads of single objects, lists, the list of events, health checks, writes."""
    found: dict[str, list[dict[str, Any]]] = {"read": [], "list": [], "events": [], "health": [], "write": []}
    for entry in list(side.sandbox.requests):
        if entry["caller"].startswith("Stripe/"):
            found[_sort(entry)].append(entry)
    return found


def _sort(entry: dict[str, Any]) -> str:
    path, params = entry["path"], entry["params"]
    if entry["method"] != "GET":
        return "write"
    if params.get("limit") == "1" or path.startswith(("/v1/account", "/v1/webhook_endpoints")):
        return "health"
    if path == "/v1/events":
        return "events"
    # With something to expand, an object is read for the sake of what stands in it.
    return "list" if path.endswith(LISTS) or "expand" in params else "read"


def needless_reads(side: StripeSide, pushed: Counter[str]) -> list[str]:
    """Objects that were read although their events came in order, one in a second.

    What no event ever told of has to be read, and what a person changes is read before.
    """
    seconds: dict[str, list[int]] = {}
    for event in side.sandbox.events:
        seconds.setdefault(str(event["data"]["object"].get("id")), []).append(event["created"])
    alone = {id for id, all in seconds.items() if len(all) == len(set(all))}
    return [id for id in _reads(side) if id in alone and id not in pushed]


def too_many_reads(side: StripeSide, pushed: Counter[str], *, interruptions: int) -> dict[str, str]:
    """Objects that were read more often than there were seconds in which they changed."""
    seconds: dict[str, set[int]] = {}
    for event in side.sandbox.events:
        seconds.setdefault(str(event["data"]["object"].get("id")), set()).add(event["created"])
    return {
        id: f"{count} reads, changes in {len(seconds.get(id, ()))} seconds, {interruptions} interruptions"
        for id, count in _reads(side).items()
        if count > max(len(seconds.get(id, ())), 1) + pushed[id] + interruptions
    }


def _reads(side: StripeSide) -> Counter[str]:
    """How often each object was read by its id."""
    return Counter(
        call["path"].rpartition("/")[2] for call in mirror_calls(side)["read"] if call["status"] in (200, 404)
    )
