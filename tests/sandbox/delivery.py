"""Webhook delivery: signed POSTs from up to four threads, retried with growing pauses, bent by faults on demand."""

from __future__ import annotations

import hashlib
import heapq
import hmac
import json
import threading
import time
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import urllib3

from tests.sandbox.store import Row

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

PAUSES = (1, 5, 30, 120, 600, 3600)
LAST_PAUSE = 3 * 3600
GIVE_UP_SECONDS = 3 * 24 * 3600
TIMEOUT_SECONDS = 10
REORDER_SECONDS = 1.0


@dataclass
class Delivery:
    """One event on its way to one endpoint; the payload is rendered once."""

    event_id: str
    event_type: str
    endpoint_id: str
    payload: bytes
    attempt: int = 0
    first_at: float = 0.0


def sign(payload: bytes, secret: str, timestamp: int) -> str:
    """The value of `Stripe-Signature` for these exact bytes."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


class Deliveries:
    """The queue of deliveries and its threads; nothing here holds the sandbox's lock while it talks to the network."""

    def __init__(self, sandbox: Sandbox, *, parallel: int = 4) -> None:
        self.sandbox = sandbox
        self.parallel = parallel
        self.random = Random(sandbox.seed)
        self.log: deque[dict[str, Any]] = deque(maxlen=20_000)
        self.held: list[Delivery] = []
        self.gathered: list[Delivery] = []
        self._queue: list[tuple[float, int, Delivery | None]] = []
        self._count = 0
        self._working = 0
        self._stopped = False
        self._change = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._http = urllib3.PoolManager(num_pools=4, maxsize=8, retries=False, timeout=TIMEOUT_SECONDS)

    def enqueue(self, event: Row, endpoint: Row, *, faults: bool = True) -> None:
        """Start the delivery of an event to an endpoint."""
        shown = {**event, "api_version": endpoint["api_version"] or event["api_version"]}
        payload = json.dumps(shown, indent=2).encode()
        delivery = Delivery(event["id"], event["type"], endpoint["id"], payload, first_at=time.monotonic())
        rules = self.sandbox.faults.for_event(event["type"]) if faults else []
        if any(rule.lose for rule in rules):
            self._note(delivery, "lost by a fault")
            return
        delay = sum(rule.delay for rule in rules)
        copies = 1 + sum(rule.repeat for rule in rules)
        if any(rule.hold for rule in rules):
            self.held += [delivery] * copies
        elif gather := max((rule.reorder for rule in rules), default=0):
            self._gather([delivery] * copies, gather)
        else:
            for _ in range(copies):
                self._push(delivery, delay)

    def flush(self, *, shuffle: bool = False) -> int:
        """Send what a fault holds back."""
        with self._change:
            waiting, self.held, self.gathered = self.held + self.gathered, [], []
        if shuffle:
            self.random.shuffle(waiting)
        for delivery in waiting:
            self._push(delivery, 0)
        return len(waiting)

    def moving(self) -> int:
        """How many deliveries are queued (also for a later attempt) or running."""
        with self._change:
            return len(self._queue) + self._working

    def pending(self) -> int:
        """How many deliveries are queued, running or held."""
        return self.moving() + len(self.held)

    def forget(self) -> None:
        """Drop everything queued and the log."""
        with self._change:
            self._queue.clear()
            self.held, self.gathered = [], []
            self.log.clear()
            self._change.notify_all()

    def close(self) -> None:
        """Stop the threads; a running attempt is left to its timeout."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
        self._http.clear()

    def _gather(self, deliveries: list[Delivery], size: int) -> None:
        with self._change:
            if not self.gathered:
                self._add(None, REORDER_SECONDS)
            self.gathered += deliveries
            full = len(self.gathered) >= size
        if full:
            self._release()

    def _release(self) -> None:
        with self._change:
            waiting, self.gathered = self.gathered, []
        self.random.shuffle(waiting)
        for delivery in waiting:
            self._push(delivery, 0)

    def _push(self, delivery: Delivery, delay: float) -> None:
        with self._change:
            self._add(delivery, delay)

    def _add(self, delivery: Delivery | None, delay: float) -> None:
        self._count += 1
        heapq.heappush(self._queue, (time.monotonic() + delay, self._count, delivery))
        while len(self._threads) < self.parallel:
            thread = threading.Thread(target=self._work, name="sandbox-delivery", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._change.notify_all()

    def _work(self) -> None:
        while (delivery := self._next()) is not STOP:
            try:
                if isinstance(delivery, Delivery):
                    self._attempt(delivery)
                else:
                    self._release()
            finally:
                with self._change:
                    self._working -= 1
                    self._change.notify_all()

    def _next(self) -> Any:
        with self._change:
            while not self._stopped:
                wait = self._queue[0][0] - time.monotonic() if self._queue else None
                if wait is not None and wait <= 0:
                    self._working += 1
                    return heapq.heappop(self._queue)[2]
                self._change.wait(wait)
        return STOP

    def _attempt(self, delivery: Delivery) -> None:
        sandbox = self.sandbox
        with sandbox.lock:
            endpoint = sandbox.table("webhook_endpoint").rows.get(delivery.endpoint_id)
            if endpoint is None or endpoint["status"] != "enabled":
                return
            url, secret = endpoint["url"], sandbox.table("webhook_endpoint").private[endpoint["id"]]["secret"]
        delivery.attempt += 1
        outcome = self._post(url, secret, delivery.payload)
        self._note(delivery, outcome)
        if isinstance(outcome, int) and 200 <= outcome < 300:
            with sandbox.lock:
                sandbox.event_log.delivered(delivery.event_id, delivery.endpoint_id)
        elif time.monotonic() - delivery.first_at < GIVE_UP_SECONDS:
            pause = PAUSES[delivery.attempt - 1] if delivery.attempt <= len(PAUSES) else LAST_PAUSE
            self._push(delivery, pause)

    def _post(self, url: str, secret: str, payload: bytes) -> int | str:
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": sign(payload, secret, int(time.time())),
        }
        try:
            return self._http.request("POST", url, body=payload, headers=headers, redirect=False).status
        except urllib3.exceptions.HTTPError as error:
            return f"{type(error).__name__}: {error}"

    def _note(self, delivery: Delivery, outcome: int | str) -> None:
        self.log.append(
            {
                "event": delivery.event_id,
                "type": delivery.event_type,
                "endpoint": delivery.endpoint_id,
                "attempt": delivery.attempt,
                "outcome": outcome,
                "at": int(time.time()),
            }
        )


STOP = object()
