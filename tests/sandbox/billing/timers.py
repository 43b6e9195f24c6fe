"""What is due when: a heap of (second, name, object id). A timer whose object has moved on does nothing."""

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


class Timers:
    """The timers of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.heap: list[tuple[int, int, str, str]] = []
        self.count = 0

    def at(self, timestamp: int, name: str, object_id: str) -> None:
        """Call the action `name` for an object at `timestamp`."""
        self.count += 1
        heapq.heappush(self.heap, (timestamp, self.count, name, object_id))

    def due(self) -> bool:
        """Whether anything is due now."""
        return bool(self.heap) and self.heap[0][0] <= self.sandbox.now()

    def run_until(self, timestamp: int) -> None:
        """Run everything up to `timestamp`, each at its own second; what they add is run too."""
        while self.heap and self.heap[0][0] <= timestamp:
            at, _, name, object_id = heapq.heappop(self.heap)
            with self.sandbox.clock.held_at(at):
                ACTIONS[name](self.sandbox, object_id)

    def clear(self) -> None:
        """Forget all."""
        self.heap.clear()

    def dump(self) -> dict[str, Any]:
        """For the snapshot."""
        return {"heap": self.heap, "count": self.count}

    def restore(self, dumped: dict[str, Any]) -> None:
        """From the snapshot."""
        self.heap = [(at, count, name, object_id) for at, count, name, object_id in dumped["heap"]]
        self.count = dumped["count"]
