"""What is due when: heaps of (second, name, object id), one for each test clock and one for the world. A timer whose
object has moved on does nothing."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

Action = Callable[["Sandbox", str], None]
ACTIONS: dict[str, Action] = {}


def action(name: str) -> Callable[[Action], Action]:
    """Declare what the timer of this name does; it must check for itself that the object still wants it."""

    def declare(function: Action) -> Action:
        ACTIONS[name] = function
        return function

    return declare


OF_THE_PRESENT = "of the present"
Entry = tuple[int, int, str, str]


class Timers:
    """The timers of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.heap: list[Entry] = []
        self.apart: dict[str, list[Entry]] = {}  # by test clock: these wait until that clock is advanced
        self.count = 0

    def at(self, timestamp: int, name: str, object_id: str, *, clock: str | None = OF_THE_PRESENT) -> None:
        """Call the action `name` for an object at `timestamp` of the clock that is followed now, or of another."""
        if clock == OF_THE_PRESENT:
            clock = self.sandbox.clock.test_clock
        heap = self.heap if clock is None else self.apart.setdefault(clock, [])
        self.count += 1
        heapq.heappush(heap, (timestamp, self.count, name, object_id))

    def due(self) -> bool:
        """Whether anything is due now."""
        return bool(self.heap) and self.heap[0][0] <= self.sandbox.now()

    def run_until(self, timestamp: int) -> None:
        """Run everything up to `timestamp`, each at its own second; what they add is run too."""
        while self.heap and self.heap[0][0] <= timestamp:
            at, _, name, object_id = heapq.heappop(self.heap)
            with self.sandbox.clock.held_at(at):
                ACTIONS[name](self.sandbox, object_id)

    def run_apart(self, test_clock: str, timestamp: int) -> None:
        """The same for what follows a test clock; the world's time stands still meanwhile."""
        heap = self.apart.setdefault(test_clock, [])
        while heap and heap[0][0] <= timestamp:
            at, _, name, object_id = heapq.heappop(heap)
            with self.sandbox.clock.follow(test_clock, at):
                ACTIONS[name](self.sandbox, object_id)

    def forget(self, test_clock: str) -> None:
        """Drop what waits for a test clock."""
        self.apart.pop(test_clock, None)

    def clear(self) -> None:
        """Forget all."""
        self.heap.clear()
        self.apart.clear()

    def dump(self) -> dict[str, Any]:
        """For the snapshot."""
        return {"heap": self.heap, "apart": self.apart, "count": self.count}

    def restore(self, dumped: dict[str, Any]) -> None:
        """From the snapshot."""
        self.heap = _entries(dumped["heap"])
        self.apart = {clock: _entries(heap) for clock, heap in dumped.get("apart", {}).items()}
        self.count = dumped["count"]


def _entries(dumped: list[list[Any]]) -> list[Entry]:
    return [(at, count, name, object_id) for at, count, name, object_id in dumped]
