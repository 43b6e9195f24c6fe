"""The histories: rules that change Stripe, bend the way between, kill processes, and let time pass."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from pprint import pformat
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from stripe_mirror.kinds import all_kinds
from tests.converge import verdict
from tests.converge.calls import Calls, mirror_calls
from tests.converge.report import report
from tests.converge.stripe_side import DELETIONS, EDITS, MAKINGS, TEXTS, VERBS, happening
from tests.converge.totals import Totals
from tests.converge.world import World
from tests.sandbox.resource import Route

FAULTS: tuple[dict[str, Any], ...] = (
    {"lose": True, "probability": 0.5},
    {"lose": True, "times": 3},
    {"repeat": 2, "probability": 0.5},
    {"reorder": 5},
    {"delay": 0.05, "probability": 0.5},
    {"hold": True, "probability": 0.5},
    {"status": 429, "times": 2},
    {"status": 500, "times": 2},
    {"status": 500, "probability": 0.5},
    {"hang": 0.8, "times": 1},
    {"latency_ms": 15},
    {"lose_answer": True, "times": 1},
)
FOUND = {"edit": EDITS, "verb": VERBS, "delete": DELETIONS}
numbers = st.integers(0, 6)
# What is done, and which of the routes that are found in the registry, of the objects, of the texts and cards.
changes = st.tuples(
    st.sampled_from([*MAKINGS, *["edit", "verb", "delete", "happening"] * 4]), st.integers(0, 40), numbers, numbers
)


def _demand_nothing(found: dict[str, Any]) -> None:
    if wrong := {name: what for name, what in found.items() if what}:
        raise AssertionError(pformat(wrong, width=150))


class Convergence(RuleBasedStateMachine):
    """One history. The test sets `world` and `totals` before any is run."""

    world: ClassVar[World]
    totals: ClassVar[Totals]

    @initialize(in_order=st.sampled_from([True, False, False, False]), skew=st.sampled_from([0, 60, -60]), seed=numbers)
    def begin(self, in_order: bool, skew: int, seed: int) -> None:
        self.in_order = in_order
        # Two dozen lists: not in each history.
        self.compare_all = seed == 1
        self.began = time.monotonic()
        self.kills = self.breaks = 0
        self.pushed: Counter[str] = Counter()
        self.world.begin(in_order=in_order, skew=skew, seed=seed)
        for what, n, m in (("product", 0, 0), ("price", 0, 0), ("price", 0, 1), ("coupon", 0, 1), ("customer", 0, 0)):
            self.make(what, n, m)

    @rule(burst=st.lists(changes, min_size=1, max_size=5))
    def change(self, burst: list[tuple[str, int, int, int]]) -> None:
        """One or several within a moment."""
        for what, which, n, m in burst:
            if what in MAKINGS:
                self.make(what, n, m)
            elif what == "happening":
                self.told(f"happening {which} {n} {m}", happening(self.world.side, which, n, m))
            else:
                self.touch(FOUND[what], which, n, **({"metadata": {"k": TEXTS[m % 3]}} if what == "edit" else {}))

    def make(self, what: str, n: int, m: int) -> None:
        """One of the declared ways."""
        self.told(f"make {what} {n} {m}", MAKINGS[what](self.world.side, n, m))

    def touch(self, routes: Sequence[Route], which: int, n: int, **params: Any) -> None:
        """One of the declared routes for which there is an object."""
        side = self.world.side
        if possible := [route for route in routes if side.sandbox.table(route.resource.object).rows]:
            route = possible[which % len(possible)]
            path = route.path.replace("{id}", side.pick(route.resource.object, n))
            self.told(f"{route.method} {path} {params or ''}", side.call(route.method, path, **params))

    @rule(seconds=st.sampled_from([1, 2, 61, 3700, 86_400, 3 * 86_400]))
    def wait(self, seconds: int) -> None:
        self.note(f"wait {seconds}")
        if self.in_order or seconds > 60 * 60:
            # In real time, all this would have arrived, and each task have ended, long before.
            self.world.settle()
        self.world.advance(seconds)

    @precondition(lambda self: bool(self.world.processes.living["web"]))
    @rule(n=numbers, text=st.sampled_from(["Ada", "Grace"]), when=st.sampled_from(["", "now", "period_end"]))
    def push(self, n: int, text: str, when: str) -> None:
        """A person at the admin edits a customer, or cancels a subscription."""
        kind = "subscription" if when else "customer"
        id, staff = self.world.side.pick(kind, n), self.world.staff
        outcome = staff.cancel_subscription(id, when) if when else staff.edit_customer(id, text)
        self.pushed[id] += 1
        self.note(f"push {id} {text} {when} → {outcome}")

    @precondition(lambda self: not self.in_order)
    @rule(fault=st.sampled_from(FAULTS))
    def fault(self, fault: dict[str, Any]) -> None:
        self.note(f"fault {fault}")
        self.breaks += 1
        self.world.side.sandbox.faults.add(**fault)

    @precondition(lambda self: not self.in_order)
    @rule(shuffle=st.booleans())
    def heal(self, shuffle: bool) -> None:
        self.note(f"heal {shuffle}")
        self.world.side.sandbox.faults.clear()
        self.world.side.sandbox.deliveries.flush(shuffle=shuffle)

    @precondition(lambda self: not self.in_order)
    @rule(n=st.integers(0, 30))
    def again(self, n: int) -> None:
        """An old event comes again."""
        self.note(f"again {n}")
        sandbox = self.world.side.sandbox
        sandbox.redeliver([self.world.side.pick("event", n)])

    @precondition(lambda self: not self.in_order)
    @rule(kind=st.sampled_from(["web", "worker"]), milliseconds=st.integers(0, 30), restart=st.booleans())
    def kill(self, kind: str, milliseconds: int, restart: bool) -> None:
        """In the middle of whatever it does."""
        time.sleep(milliseconds / 1000)
        self.kills += self.world.processes.kill(kind)
        if restart:
            self.world.processes.start(kind)
        self.note(f"kill {kind} {milliseconds} {restart}")

    @precondition(lambda self: not self.in_order)
    @rule(kind=st.sampled_from(["worker", "web"]))
    def start(self, kind: str) -> None:
        """One more, up to three at a time."""
        if len(self.world.processes.living[kind]) < 3:
            self.note(f"start {kind}")
            self.world.processes.start(kind)

    def teardown(self) -> None:
        if not hasattr(self, "in_order"):
            return
        try:
            if sys.exc_info()[0] is None:
                self.world.come_to_rest()
                self.judge()
                self.count()
                self.reconcile()
        except BaseException:
            print(report(self.world))
            raise
        finally:
            self.world.end()

    def judge(self) -> None:
        """Everything that must be true at rest, and all that isn't."""
        side, kinds = self.world.side, verdict.kinds_with_events(self.world.side)
        calls = Calls(side, self.world.log(), self.pushed, kills=self.kills, faults=self.breaks)
        different, silent = verdict.unequal(side, kinds), verdict.untold(side, kinds)
        must_not_be = {
            "events not settled": verdict.unsettled(side),
            "mirror and Stripe differ": {id: what for id, what in different.items() if id not in silent},
            "prices inside subscriptions": verdict.odd_copies(side),
            "failed tasks": verdict.failed_tasks(),
            "calls of nobody": calls.unattributed(),
        }
        needless = {
            "reads although all came in order": calls.needless_reads() if self.in_order else [],
            "too many reads": calls.too_many_reads(),
            "too many lists": calls.too_many_lists(),
        }
        _demand_nothing(must_not_be)
        if any(needless.values()):
            # Shown whole, and added up: see `Totals.demand_few_needless_calls`.
            self.totals.add(**{"needless calls": 1})
            print(f"{report(self.world)}\n== calls too many\n{pformat(needless, width=150)}")

    def reconcile(self) -> None:
        """What Stripe tells nobody is found by comparing, and nothing else is; then all kinds are equal."""
        side = self.world.side
        # Nothing is fresh any more, nor is what happens meanwhile, so that nothing is taken for being on its way.
        for seconds in (30, 10):
            self.world.advance(seconds)
            self.world.settle()
        by_kind = {kind.object: verdict.unequal(side, [kind]) for kind in all_kinds()}
        different = {id: what for found in by_kind.values() for id, what in found.items()}
        wanted = [] if self.compare_all else [name for name, found in by_kind.items() if found]
        if different or self.compare_all:
            reported = self.world.reconcile(*wanted)
            _demand_nothing(
                {
                    "not found by reconcile": {id: what for id, what in different.items() if id not in reported},
                    "false alarms": {id: what for id, what in reported.items() if id not in different},
                    "not repaired": verdict.unequal(side, all_kinds()),
                }
            )

    def count(self) -> None:
        """Add this history to the totals."""
        calls = {sort: len(entries) for sort, entries in mirror_calls(self.world.side).items()}
        events = len(self.world.side.sandbox.events)
        self.totals.add(
            histories=1,
            events=events,
            kills=self.kills,
            faults=self.breaks,
            pushes=self.pushed.total(),
            lists=calls["list"],
        )
        self.totals.add(**{"catch-ups": calls["events"]})
        if self.in_order:
            self.totals.add(**{"in order": 1, "events in order": events, "reads in order": calls["read"]})
        else:
            self.totals.add(reads=calls["read"])
        print(f"{time.monotonic() - self.began:.1f}", end=" ", flush=True)

    def told(self, what: str, answer: dict[str, Any]) -> None:
        refused = answer.get("error", {}).get("message", "")
        self.note(f"{what} → {answer.get('id', '')}{refused}")

    def note(self, what: str) -> None:
        self.world.trace.append(f"{self.world.side.sandbox.now()} {what}")
