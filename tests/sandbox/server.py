"""The sandbox itself: Stripe's state and rules in one process, behind one lock. `http.py` puts it on the network.

Longer than other modules because it is the one interface that resources, billing, seed and tests all use.
"""

from __future__ import annotations

import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from random import Random
from typing import Any

from tests.sandbox import auth, snapshots, versions
from tests.sandbox.billing import test_clocks
from tests.sandbox.billing.timers import Timers
from tests.sandbox.clock import Clock
from tests.sandbox.delivery import Deliveries
from tests.sandbox.errors import StripeError, missing
from tests.sandbox.events import EventLog, previous_attributes
from tests.sandbox.expand import expand, render
from tests.sandbox.faults import Faults
from tests.sandbox.forms import as_sent
from tests.sandbox.idempotency import Keys
from tests.sandbox.pages import page, unclocked
from tests.sandbox.resource import RESOURCES, Elsewhere, Listing, Plain, all_resources
from tests.sandbox.resources.webhook_endpoints import register
from tests.sandbox.routing import Match, Router
from tests.sandbox.store import Row, Table, clone

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass
class Reply:
    """One answer of the API."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Context:
    """The request being worked on; empty while the sandbox acts by itself."""

    request_id: str | None = None
    idempotency_key: str | None = None


@dataclass
class Call:
    """A request that was accepted and now has to be worked on (between the two, faults may make it wait)."""

    method: str
    path: str
    sent: dict[str, Any]
    headers: dict[str, str]
    request_id: str
    version: str
    key: str | None = None


class Sandbox:
    """Stripe in one process. Thread-safe; ids follow from the seed."""

    def __init__(
        self,
        *,
        seed: int = 1,
        livemode: bool = False,
        account_id: str = "acct_1SandboxBackOffice",
        clock: Clock | None = None,
        api_version: str = versions.ENDIVE,
        parallel: int = 4,
    ) -> None:
        self.seed, self.livemode, self.account_id, self.api_version = seed, livemode, account_id, api_version
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.router = Router(all_resources())
        self.tables = {
            item.object: Table(item.object, indexes=item.indexes, created=item.created) for item in all_resources()
        }
        self.random = Random(seed)
        self.faults = Faults(seed=seed)
        self.keys = Keys()
        self.requests: deque[dict[str, Any]] = deque(maxlen=20_000)
        self.request_count = 0
        self.timers = Timers(self)
        self.event_log = EventLog(self)
        self.deliveries = Deliveries(self, parallel=parallel)
        self.context = Context()
        self.sequences: dict[str, int] = {}
        self.previews: dict[str, Sandbox] = {}  # the doubles in which invoices were previewed lately, by invoice
        self.snapshot_path: Path | None = None
        self.after_dunning = "canceled"  # what a subscription becomes after the last failed attempt; or "unpaid"

    # -- the API ---------------------------------------------------------------------------------------------------

    def request(
        self, method: str, path: str, params: dict[str, Any] | None = None, *, headers: dict[str, str] | None = None
    ) -> Reply:
        """One API call with python parameters, by the same path as over HTTP (only faults are left out)."""
        outcome = self.begin(method, path, as_sent(params or {}) or {}, headers=headers)
        return outcome if isinstance(outcome, Reply) else self.finish(outcome)

    def begin(
        self, method: str, path: str, sent: dict[str, Any], *, headers: dict[str, str] | None = None
    ) -> Call | Reply:
        """Check a call and take its idempotency key; the answer itself when it is refused or replayed."""
        given = {name.lower(): value for name, value in (headers or {}).items()}
        with self.lock:
            request_id = self.new_id("req_", 14)
            call = Call(method, path, sent, given, request_id, self.api_version)
            try:
                return self._accept(call, authenticate=headers is not None)
            except StripeError as error:
                return self._reply(call, error.status, error.body(request_id))

    def _accept(self, call: Call, *, authenticate: bool) -> Call | Reply:
        parts = call.path.split("/")
        if authenticate:
            resource = auth.PERMISSIONS.get(parts[2], parts[2]) if len(parts) > 2 else ""
            authorization = call.headers.get("authorization", "")
            auth.check(authorization, livemode=self.livemode, method=call.method, resource=resource)
        call.version = versions.checked(call.headers.get("stripe-version") or self.api_version)
        key = call.headers.get("idempotency-key")
        if key and call.method == "POST":
            held = self.keys.begin(key, method=call.method, path=call.path, params=call.sent, now=self.now())
            if held is not None and held.body is not None:
                extra = {"Idempotent-Replayed": "true", "Original-Request": held.request_id}
                return self._reply(call, held.status, clone(held.body), extra=extra, key=key)
            call.key = key
        return call

    def finish(self, call: Call, *, fail_after: StripeError | None = None) -> Reply:
        """Do the work of an accepted call; `fail_after` answers with an error although the work was done."""
        with self.lock:
            self.tick()
            executed = False
            self.context = Context(call.request_id, call.key)
            try:
                match = self.router.match(call.method, call.path)
                versions.check_newer(call.method, match.route.path, call.path, call.sent, call.version)
                params = match.route.params.read(versions.to_dahlia(call.path, call.sent, call.version), "")
                executed = True
                # All of it happens in one second, also where the next one begins meanwhile.
                with self.clock.held_at(self.now()):
                    status, body = 200, versions.shown(self._answer(match, params), call.version)
                if fail_after is not None:
                    status, body = fail_after.status, fail_after.body(call.request_id)
            except StripeError as error:
                status, body = error.status, error.body(call.request_id)
            except Exception:
                traceback.print_exc()
                failure = StripeError(500, "The sandbox itself failed; its log has the traceback.")
                status, body = 500, failure.body(call.request_id)
            finally:
                self.context = Context()
            if call.key and executed and status not in (401, 409, 429):
                self.keys.finish(call.key, status=status, body=clone(body), request_id=call.request_id)
            elif call.key:
                self.keys.forget(call.key)
            return self._reply(call, status, body, key=call.key)

    def reject(
        self, method: str, path: str, sent: dict[str, Any], error: StripeError, *, headers: dict[str, str]
    ) -> Reply:
        """Answer with a fault's error before anything is looked at: nothing is done, no key is taken."""
        with self.lock:
            given = {name.lower(): value for name, value in headers.items()}
            call = Call(method, path, sent, given, self.new_id("req_", 14), self.api_version)
            return self._reply(call, error.status, error.body(call.request_id))

    def _answer(self, match: Match, params: dict[str, Any]) -> dict[str, Any]:
        paths = params.pop("expand", [])
        with self._clock_of(match, params):
            result = match.route.handler(self, params, *match.ids)
        if isinstance(result, Plain):
            return result.body
        if isinstance(result, Listing):
            shown = [render(self, row) for row in result.rows]
            target = RESOURCES[shown[0]["object"]] if shown else match.route.resource
            expand(self, shown, target, paths, listing=True)
            return {"object": "list", "data": shown, "has_more": result.has_more, "url": result.url}
        if isinstance(result, Elsewhere):
            one = render(result.sandbox, result.row)
            expand(result.sandbox, [one], RESOURCES[one["object"]], paths, listing=False)
            return one
        one = render(self, result)
        secret = self.table(one["object"]).private.get(one["id"], {})
        if match.route.method == "POST" and secret.pop("show_once", False):
            one["secret"] = secret["secret"]
        expand(self, [one], RESOURCES[one["object"]], paths, listing=False)
        return one

    def _clock_of(self, match: Match, params: dict[str, Any]) -> AbstractContextManager[None]:
        """What is asked about customers of a test clock happens at that clock's time."""
        clock = test_clocks.concerned(self, match.ids, params)
        return nullcontext() if clock is None else self.clock.follow(clock["id"], clock["frozen_time"])

    def _reply(
        self,
        call: Call,
        status: int,
        body: dict[str, Any],
        *,
        extra: dict[str, str] | None = None,
        key: str | None = None,
    ) -> Reply:
        date = formatdate(self.clock.real(), usegmt=True)
        headers = {"Date": date, "Request-Id": call.request_id, "Stripe-Version": call.version, **(extra or {})}
        if key:
            headers["Idempotency-Key"] = key
        if status == 429:
            headers["Stripe-Rate-Limited-Reason"] = "global-rate"
        self.request_count += 1
        self.requests.append(
            {
                "n": self.request_count,
                "method": call.method,
                "path": call.path,
                "params": call.sent,
                "idempotency_key": call.headers.get("idempotency-key"),
                "status": status,
                "replayed": bool(extra),
                "caller": call.headers.get("user-agent", "in process").split(" ")[0],
                "request_id": call.request_id,
            }
        )
        return Reply(status, headers, body)

    # -- state, for resources ----------------------------------------------------------------------------------------

    def now(self) -> int:
        """The sandbox's present second."""
        return self.clock.now()

    def new_id(self, prefix: str, length: int) -> str:
        """A fresh id that looks like Stripe's."""
        return prefix + "".join(self.random.choices(BASE62, k=length))

    def next_number(self, name: str) -> int:
        """1, 2, 3, … per name."""
        self.sequences[name] = self.sequences.get(name, 0) + 1
        return self.sequences[name]

    def table(self, object_type: str) -> Table:
        """The table of one kind of object."""
        return self.tables[object_type]

    def fetch(self, object_type: str, object_id: str, *, param: str = "id", status: int = 404) -> Row:
        """The stored object (do not change it outside `edit`), or Stripe's `resource_missing`."""
        row = self.tables[object_type].rows.get(object_id)
        if row is None:
            raise missing(RESOURCES[object_type].noun or object_type, object_id, param=param, status=status)
        return row

    def refer(self, object_type: str, object_id: str, param: str) -> Row:
        """The object that a parameter names: 400 when there is none."""
        return self.fetch(object_type, object_id, param=param, status=400)

    def insert(self, row: Row, *, event: str | None = None, hidden: bool = False) -> Row:
        """Store a new object and tell about it."""
        self.tables[row["object"]].insert(row, hidden=hidden)
        if event:
            self.event_log.emit(event, render(self, row))
        return row

    @contextmanager
    def edit(
        self, object_type: str, object_id: str, *, event: str | None = None, also: tuple[str, ...] = ()
    ) -> Iterator[Row]:
        """Change a stored object. Events follow: `event` with `previous_attributes` if anything is different, then each
        of `also`, which say what the change means."""
        table = self.tables[object_type]
        row = table.rows[object_id]
        before = render(self, row) if event else None
        yield row
        table.reindex(row)
        if before is not None and event:
            after = render(self, row)
            if previous := previous_attributes(before, after):
                self.event_log.emit(event, after, previous)
        for name in also:
            self.tell(name, row)

    def tell(self, event: str, row: Row, previous: Row | None = None) -> None:
        """An event about a stored object as it is now."""
        self.event_log.emit(event, render(self, row), previous)

    def remove(self, object_type: str, object_id: str, *, event: str | None = None, keep: bool = True) -> Row:
        """Delete an object; the event carries its full last state."""
        shown = render(self, self.tables[object_type].rows[object_id])
        row = self.tables[object_type].remove(object_id, keep=keep)
        if event:
            self.event_log.emit(event, shown)
        return row

    def page(self, object_type: str, params: dict[str, Any], *, url: str | None = None, **options: Any) -> Listing:
        """One page of a kind of object."""
        revealing = RESOURCES[object_type].clocked
        if revealing and not any(params.get(name) for name in revealing):
            options["where"] = unclocked(options.get("where"))
        rows, has_more = page(self.tables[object_type], params, **options)
        return Listing(rows, has_more, url or RESOURCES[object_type].path)

    # -- time, truth, control ------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Do what has become due by now."""
        if self.timers.due():
            with self.lock:
                self.timers.run_until(self.now())

    def advance(self, seconds: int) -> None:
        """Let time pass: each thing that becomes due happens at its own second, in order."""
        with self.lock:
            self.advance_to(self.now() + int(seconds))

    def advance_to(self, timestamp: int) -> None:
        """Let time pass until `timestamp`."""
        with self.lock:
            self.timers.run_until(timestamp)
            self.clock.advance(timestamp - self.clock.now())
            self.event_log.prune()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Inside, events are recorded but not delivered."""
        self.event_log.quiet += 1
        try:
            yield
        finally:
            self.event_log.quiet -= 1

    @property
    def events(self) -> list[Row]:
        """The events of the last thirty days, newest first."""
        with self.lock:
            return [clone(row) for row in self.tables["event"].newest_first()]

    def objects(self, object_type: str) -> list[Row]:
        """The truth: every object of a kind, oldest first, deleted ones with `deleted: true`."""
        with self.lock:
            table = self.tables[object_type]
            alive = [render(self, row) for row in table.rows.values()]
            return alive + [{**clone(row), "deleted": True} for row in table.gone.values()]

    def select(self, object_type: str, test: Callable[[Row], bool]) -> list[Row]:
        """Rendered objects that pass a test, oldest first."""
        with self.lock:
            return [render(self, row) for row in self.tables[object_type].rows.values() if test(row)]

    def reset(self) -> None:
        """Back to an empty account with the same seed; webhook endpoints and faults go too."""
        with self.lock:
            for table in self.tables.values():
                table.clear()
            self.random = Random(self.seed)
            self.faults.clear()
            self.keys = Keys()
            self.timers.clear()
            self.deliveries.forget()
            self.requests.clear()
            self.sequences.clear()
            self.previews.clear()
            self.after_dunning = "canceled"
            self.clock.follow_real_time()

    def snapshot(self, path: str | Path) -> None:
        """Write the whole state to a file, at once."""
        snapshots.save(self, Path(path))

    def load(self, path: str | Path) -> None:
        """Read the whole state from a file."""
        snapshots.load(self, Path(path))

    def add_endpoint(self, url: str, secret: str, *, api_version: str | None = None, events: str = "*") -> Row:
        """Register a webhook endpoint whose secret is known beforehand."""
        params = {"url": url, "enabled_events": [events], "api_version": api_version}
        with self.lock:
            return clone(register(self, params, secret=secret))

    def redeliver(self, event_ids: list[str]) -> int:
        """Send events again to every endpoint that takes them, as the Dashboard's "resend" does; no fault applies."""
        with self.lock:
            events = [self.tables["event"].rows[event_id] for event_id in event_ids]
            pairs = [(event, endpoint) for event in events for endpoint in self.event_log.endpoints_for(event["type"])]
            for event, endpoint in pairs:
                self.deliveries.enqueue(event, endpoint, faults=False)
            return len(pairs)

    def close(self) -> None:
        """Stop delivering."""
        self.deliveries.close()
