"""Which calls the mirror made to Stripe, and which of them it should not have needed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from stripe_mirror.kinds import all_kinds, kind_of
from stripe_mirror.models import InboxEvent
from stripe_mirror.pull.implied import PLACE
from tests.converge.doubts import doubtful
from tests.converge.nursery import CALL
from tests.converge.stripe_side import StripeSide
from tests.sandbox.resource import all_resources

LISTS = tuple(
    route.path.rpartition("}")[2]
    for item in all_resources()
    for route in item.routes
    if route.method == "GET" and not route.path.endswith("}")
)
# What distinguishes the pages of one list, or how far back it is read.
PAGING = ("limit", "starting_after", "created[gte]", "created")


@dataclass(frozen=True)
class Sender:
    """Who got the answer to a call: when it was sent (our clock), by which process and through which functions."""

    sent_at: float
    pid: str
    through: str


def senders(log: str) -> dict[str, Sender]:
    """Of each answered call in the log of the processes, by the request's id: an answer that was lost has none."""
    calls = (line.removeprefix(CALL).split(" ", 3) for line in log.splitlines() if line.startswith(CALL))
    return {id: Sender(float(sent_at), pid, through) for id, sent_at, pid, through in calls}


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


@dataclass(frozen=True)
class Calls:
    """The calls of one history, and what excuses them."""

    side: StripeSide
    log: str
    # By staff, per object: each reads it before it is sent, and where its outcome is unknown.
    pushed: Counter[str]
    # Processes killed: each may have had an answer in its hands.
    kills: int
    # Faults put in force; by them outcomes of pushes are unknown.
    faults: int = 0

    def unattributed(self) -> list[str]:
        """Calls of which the log of the processes says nothing although no answer can have been lost: the other rules
        would not see them."""
        by, calls = senders(self.log), mirror_calls(self.side)
        missing = [call for call in calls["read"] + calls["list"] if call["request_id"] not in by]
        return [] if self.kills or self.faults else [call["path"] for call in missing if call["status"] == 200]

    def needless_reads(self) -> list[str]:
        """Objects that were read although their events came in order.

        What no event ever told of has to be read, what a person changes is read before, and in some seconds the events
        leave the order open (see `doubts`).
        """
        told = self._seconds().keys() - self.pushed.keys() - doubtful(self.side)
        return [id for id in self._reads() if id in told]

    def too_many_reads(self) -> dict[str, str]:
        """Objects that were read more often than there were seconds in which they changed, or twice for one piece of
        news: without an event of theirs received since the read before was sent."""
        found, told = {}, self._seconds()
        received: dict[str, list[float]] = defaultdict(list)
        for id, at in InboxEvent.objects.values_list("object_id", "received_at"):
            received[id].append(at.timestamp())
        for id, times in self._reads().items():
            excused = self.kills + self.pushed[id] * (1 + self.faults)
            stale = sum(not any(at > first for at in received[id]) for first in times[:-1])
            seconds = max(len(told.get(id, ())), 1)
            if len(times) > seconds + excused or stale > excused:
                found[id] = (
                    f"{len(times)} reads ({stale} without news), changes in {seconds} seconds, {excused} excused"
                )
        return found

    def too_many_lists(self) -> dict[str, str]:
        """Lists that were read more often than objects changed that imply it."""
        allowed, found = self._implied(), {}
        for key, count in self._lists().items():
            if count > allowed[key] + self.kills:
                found[" ".join(key)] = f"read {count} times, implied by {allowed[key]} changes, {self.kills} kills"
        return found

    def _seconds(self) -> dict[str, set[int]]:
        seconds: dict[str, set[int]] = defaultdict(set)
        for event in self.side.sandbox.events:
            seconds[str(event["data"]["object"].get("id"))].add(event["created"])
        return seconds

    def _reads(self) -> dict[str, list[float]]:
        """When each object was read by its id, where the answer reached us."""
        by, found = senders(self.log), defaultdict(list)
        for call in mirror_calls(self.side)["read"]:
            if call["request_id"] in by and call["status"] in (200, 404):
                found[call["path"].rpartition("/")[2]].append(by[call["request_id"]].sent_at)
        return {id: sorted(times) for id, times in found.items()}

    def _lists(self) -> Counter[tuple[str, str]]:
        """How often each list was begun, where the answer reached us."""
        by = senders(self.log)
        calls = [call for call in mirror_calls(self.side)["list"] if call["request_id"] in by]
        return Counter(_key(call["path"], call["params"]) for call in calls if "starting_after" not in call["params"])

    def _implied(self) -> Counter[tuple[str, str]]:
        """How often each list may be read: once for each event of an object that implies it."""
        found: Counter[tuple[str, str]] = Counter()
        for event in self.side.sandbox.events:
            obj = event["data"]["object"]
            # An upcoming invoice has no id.
            found.update(set(_implied_by(obj)) if obj.get("id") else ())
        return found


def _implied_by(obj: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for kind in all_kinds():
        for implied in kind.implied:
            if implied.by == obj["object"]:
                filled = {name: _filled(value, obj) for name, value in implied.params.items()}
                yield _key(_filled(implied.path, obj), filled)
    changed = kind_of(obj["object"])
    for embeds in changed.embeds if changed else ():
        # A list that Stripe cut off inside the object.
        child = kind_of(embeds.object)
        if child and child.nested and embeds.parent_column:
            yield _key(child.nested.path.format(parent=obj["id"]), {})
        elif child and embeds.parent_column:
            yield _key(child.list_path, {embeds.parent_column: obj["id"]})


def _filled(text: str, obj: dict[str, Any]) -> str:
    return PLACE.sub(lambda place: str(obj.get(place[1])), text)


def _key(path: str, params: Mapping[str, Any]) -> tuple[str, str]:
    kept = {name.removesuffix("[0]").removesuffix("[]"): _first(value) for name, value in params.items()}
    return path, " ".join(f"{name}={value}" for name, value in sorted(kept.items()) if name not in PAGING)


def _first(value: Any) -> Any:
    """Of a list, which a GET spells as a dict with numbers."""
    return next(iter(value.values() if isinstance(value, dict) else value)) if isinstance(value, dict | list) else value
